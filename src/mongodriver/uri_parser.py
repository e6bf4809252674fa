"""Parsing connection strings."""

from mongodriver.options.parse_uri import (
    DEFAULT_PORT,
    SCHEME,
    SCHEME_LEN,
    SRV_SCHEME,
    SRV_SCHEME_LEN,
    URI_OPTIONS,
    parse_host,
    parse_ipv6_literal_host,
    parse_uri,
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
    "parse_uri",
    "parse_userinfo",
    "split_hosts",
    "split_options",
    "validate_options",
]


def _main() -> None:
    """Print the parsed connection string that the command line names, or what is wrong with it."""
    import sys
    from pprint import pprint

    from mongodriver.errors import InvalidURI

    if len(sys.argv) != 2:
        sys.exit("usage: python -m mongodriver.uri_parser URI")
    try:
        pprint(parse_uri(sys.argv[1]))
    except InvalidURI as error:
        print(error)  # with status 0, as PyMongo's


if __name__ == "__main__":
    _main()
