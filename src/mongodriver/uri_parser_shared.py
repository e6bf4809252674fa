"""The parts of connection strings; `mongodriver.uri_parser` parses whole ones."""

from mongodriver.options.parse_uri import (
    DEFAULT_PORT,
    SCHEME,
    SCHEME_LEN,
    SRV_SCHEME,
    SRV_SCHEME_LEN,
    URI_OPTIONS,
    parse_host,
    parse_ipv6_literal_host,
    parse_userinfo,
    split_hosts,
    split_options,
    validate_options,
)

__all__ = [
    "DEFAULT_PORT",
    "SCHEME",
    "SCHEME_LEN",
    "SRV_SCHEME",
    "SRV_SCHEME_LEN",
    "URI_OPTIONS",
    "parse_host",
    "parse_ipv6_literal_host",
    "parse_userinfo",
    "split_hosts",
    "split_options",
    "validate_options",
]
