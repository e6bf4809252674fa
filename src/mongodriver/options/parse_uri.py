"""Parsing connection strings."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mongodriver.options.connection_string import (
    SCHEME,
    SRV_SCHEME,
    ParsedURI,
    parse,
    parse_host,
    parse_ipv6_literal_host,
    parse_userinfo,
    split_hosts,
    split_options,
    validate_options,
)
from mongodriver.options.option_names import URI_OPTIONS, canonical_name
from mongodriver.options.srv import check_hosts, check_query, complete, query_name
from mongodriver.values.address import DEFAULT_PORT
from mongodriver.values.limits import CONNECT_TIMEOUT
from mongodriver.values.public_names import known_as

__all__ = [
    "DEFAULT_PORT",
    "SCHEME",
    "SCHEME_LEN",
    "SRV_SCHEME",
    "SRV_SCHEME_LEN",
    "URI_OPTIONS",
    "parse_host",
    "parse_ipv6_literal_host",
    "parse_uri",
    "parse_userinfo",
    "split_hosts",
    "split_options",
    "validate_options",
]

SCHEME_LEN = len(SCHEME)
SRV_SCHEME_LEN = len(SRV_SCHEME)


def parse_uri(
    uri: str,
    default_port: int | None = DEFAULT_PORT,
    validate: bool = True,
    warn: bool = False,
    normalize: bool = True,
    connect_timeout: float | None = None,
    srv_service_name: str | None = None,
    srv_max_hosts: int | None = None,
    srv_allowed_hosts_suffix: str | None = None,
    srv_host_validator: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """Parse a connection string into a dict.

    Its keys: nodelist (addresses), username, password, database, collection, options (by their
    canonical names), fqdn.
    For `mongodb+srv://` DNS is asked, for at most `connect_timeout` seconds.

    `validate` checks the options; with `warn`, wrong ones are left out with a warning;
    `normalize` replaces aliases. Raises InvalidURI, ConfigurationError, ValueError or TypeError.
    """
    parsed = parse(
        uri,
        default_port,
        validate,
        warn,
        normalize,
        srv_service_name,
        srv_max_hosts,
        srv_allowed_hosts_suffix,
    )
    if parsed.is_srv:
        parsed = _look_up(parsed, connect_timeout, srv_host_validator, (validate, warn, normalize))
    return {
        "nodelist": parsed.nodes,
        "username": parsed.username,
        "password": parsed.password if parsed.username is None else parsed.password or "",
        "database": parsed.database,
        "collection": parsed.collection,
        "options": {canonical_name(name): parsed.options[name] for name in parsed.options},
        "fqdn": parsed.fqdn,
    }


def _look_up(
    parsed: ParsedURI,
    timeout: float | None,
    host_validator: Callable[[str], bool] | None,
    checks: tuple[bool, bool, bool],
) -> ParsedURI:
    """Ask DNS for the hosts and options of a `mongodb+srv://` URI."""
    from mongodriver.io.dns import resolve_srv, resolve_txt

    assert parsed.fqdn is not None
    check_query(parsed, host_validator)
    timeout = timeout or parsed.options.get("connectTimeoutMS") or CONNECT_TIMEOUT
    nodes, _ = resolve_srv(query_name(parsed.fqdn, parsed.srv_service_name), timeout)
    check_hosts(
        parsed.fqdn, [host for host, _ in nodes], parsed.srv_allowed_hosts_suffix, host_validator
    )
    txt = resolve_txt(parsed.fqdn, timeout)
    validate, warn, normalize = checks
    return complete(
        parsed,
        nodes,
        txt,
        Random(),
        validate=validate,
        warn=warn,
        normalize=normalize,
    )


known_as("mongodriver.uri_parser", globals())
