"""From a client's constructor arguments to seeds and options, and back to text for its repr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.options.connection_string import (
    SRV_SCHEME,
    ParsedURI,
    check_options,
    combine,
    parse,
    split_hosts,
)
from mongodriver.options.uri_options import (
    TIMEOUT_OPTIONS,
    CaseInsensitiveDict,
    redact_auth_mechanism_properties_for_repr,
)
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.limits import SRV_SERVICE_NAME

if TYPE_CHECKING:
    from mongodriver.options.client_options import ClientOptions

__all__ = ["ClientArguments", "client_arguments", "shown_options"]

Address = tuple[str, int | None]

_SECRETS = ("tlscertificatekeyfilepassword", "proxypassword")


class ClientArguments:
    """What the constructor's arguments come to."""

    username: str | None = None
    password: str | None = None
    database: str | None = None
    #: What the hosts are looked up by, if they are: then they are no seeds yet.
    srv: ParsedURI | None = None

    def __init__(self) -> None:
        self.seeds: set[Address] = set()
        self.options = CaseInsensitiveDict()


def client_arguments(
    host: str | Sequence[str],
    port: int,
    document_class: Any,
    tz_aware: bool | None,
    connect: bool | None,
    type_registry: Any,
    kwargs: Mapping[str, Any],
) -> ClientArguments:
    """Combine hosts, connection strings and keyword arguments; the last take precedence.

    :raises TypeError, ValueError, ConfigurationError, InvalidURI: for whatever is wrong.
    """
    if not isinstance(port, int):
        raise TypeError(f"port must be an instance of int, not {type(port)}")
    given = CaseInsensitiveDict(kwargs)
    arguments = ClientArguments()
    entities = [host] if isinstance(host, str) else host
    if len([entity for entity in entities if "/" in entity]) > 1:
        raise ConfigurationError("host must not contain multiple MongoDB URIs")
    for entity in entities:
        _add_host(arguments, entity, port, given)
    if not arguments.seeds:
        raise ConfigurationError("need to specify at least one host")
    options = arguments.options
    given["document_class"] = document_class or dict
    if type_registry is not None:
        given["type_registry"] = type_registry
    given["tz_aware"] = options.get("tz_aware", False) if tz_aware is None else tz_aware
    given["connect"] = options.get("connect", True) if connect is None else connect
    arguments.options = options = combine(options, given, arguments.srv is not None)
    if arguments.srv is not None:
        _complete_srv(arguments.srv, options)
    check_options(list(arguments.seeds), options)
    arguments.username = options.get("username", arguments.username)
    arguments.password = options.get("password", arguments.password)
    return arguments


def _add_host(arguments: ClientArguments, entity: str, port: int, given: Mapping[str, Any]) -> None:
    """Add a host, or a connection string's hosts and options."""
    if "/" not in entity:
        arguments.seeds.update(split_hosts(entity, port))
        return
    max_hosts = None if entity.startswith(SRV_SCHEME) else given.get("srvMaxHosts")
    parsed = parse(entity, port, warn=True, normalize=False, srv_max_hosts=max_hosts)
    if parsed.fqdn is not None:
        arguments.srv = parsed
        arguments.seeds.add((parsed.fqdn, None))
    arguments.seeds.update(parsed.nodes)
    arguments.username = parsed.username or arguments.username
    arguments.password = parsed.password or arguments.password
    arguments.database = parsed.database or arguments.database
    arguments.options = parsed.options


def _complete_srv(srv: ParsedURI, options: CaseInsensitiveDict) -> None:
    """Give what is looked up all options of the client, and check those that matter to it."""
    srv.options = options
    srv.srv_service_name = options.get("srvServiceName") or SRV_SERVICE_NAME
    srv.srv_max_hosts = options.get("srvMaxHosts") or 0
    srv.srv_allowed_hosts_suffix = options.get("srvAllowedHostsSuffix")
    from mongodriver.options.srv import check_max_hosts, check_query

    check_query(srv, options.get("srv_host_validator"))
    check_max_hosts(srv.srv_max_hosts, options)


def shown_options(
    seeds: Iterable[Address], options: ClientOptions, fqdn: str | None = None
) -> Iterator[str]:
    """The arguments in a client's repr. Names of users, and secrets, are never shown.

    `fqdn` is the name whose hosts are still to be looked up, if there is one.
    """
    if fqdn is None:
        hosts = [host if port is None else f"{host}:{port}" for host, port in seeds]
        yield f"host={sorted(hosts)!r}"
    else:
        yield f"host={SRV_SCHEME + fqdn!r}"
    values = options._options
    document_class = values["document_class"]
    name = document_class.__name__
    if document_class is not dict:
        name = f"{document_class.__module__}.{name}"
    yield f"document_class={name}"
    for name in ("tz_aware", "connect"):
        yield f"{name}={values[name]!r}"
    hidden = {
        *("document_class", "tz_aware", "connect", "username", "password", "proxyusername"),
        "trio_nursery",  # with all that runs in it
    }
    for name, value in values.items():
        if name in hidden:
            continue
        if name in TIMEOUT_OPTIONS and value:
            value = int(value * 1000)
        elif name in _SECRETS and value is not None:
            value = "<redacted>"
        elif name == "authmechanismproperties":
            value = redact_auth_mechanism_properties_for_repr(value)
        yield f"{name}={value!r}"
