"""Parsing connection strings (connection-string and uri-options specifications)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any

from mongodriver.options.unsupported import refuse_unsupported
from mongodriver.options.uri_options import (
    INTERNAL_URI_OPTION_NAME_MAP,
    CaseInsensitiveDict,
    get_validated_options,
    validate,
)
from mongodriver.values.address import DEFAULT_PORT, Address
from mongodriver.values.errors import ConfigurationError, InvalidURI
from mongodriver.values.escapes import unquote_plus
from mongodriver.values.limits import SRV_SERVICE_NAME

__all__ = [
    "SCHEME",
    "SRV_SCHEME",
    "ParsedURI",
    "check_options",
    "combine",
    "parse",
    "parse_host",
    "parse_ipv6_literal_host",
    "parse_userinfo",
    "split_hosts",
    "split_options",
    "validate_options",
]

SCHEME = "mongodb://"
SRV_SCHEME = "mongodb+srv://"

_MUST_ESCAPE = (
    "Username and password must be escaped according to RFC 3986, use urllib.parse.quote_plus"
)
_HEX = frozenset("0123456789abcdefABCDEF")
_BAD_DATABASE_CHARS = frozenset('/ "$')
_TLS_INSECURE = "tlsInsecure"
_IMPLIED_BY_TLS_INSECURE = (
    "tlsAllowInvalidHostnames",
    "tlsAllowInvalidCertificates",
    "tlsDisableOCSPEndpointCheck",
)
_SRV_OPTIONS = ("srvServiceName", "srvMaxHosts", "srvAllowedHostsSuffix")


class ParsedURI:
    """A connection string taken apart.

    An empty password is None. `nodes` are the addresses; for `mongodb+srv://` they are still to
    be found by asking DNS for the records of `fqdn`, and the options may still change (srv.py).
    """

    def __init__(
        self,
        nodes: list[Address],
        username: str | None = None,
        password: str | None = None,
        database: str | None = None,
        collection: str | None = None,
        options: CaseInsensitiveDict | None = None,
        fqdn: str | None = None,
        srv_service_name: str = SRV_SERVICE_NAME,
        srv_max_hosts: int = 0,
        srv_allowed_hosts_suffix: str | None = None,
    ) -> None:
        self.nodes = nodes
        self.username = username
        self.password = password
        self.database = database
        self.collection = collection
        self.options = CaseInsensitiveDict() if options is None else options
        self.fqdn = fqdn
        self.srv_service_name = srv_service_name
        self.srv_max_hosts = srv_max_hosts
        self.srv_allowed_hosts_suffix = srv_allowed_hosts_suffix

    def with_nodes(self, nodes: list[Address]) -> ParsedURI:
        """The same with the addresses that DNS has given."""
        found = copy(self)
        found.nodes = nodes
        return found

    @property
    def is_srv(self) -> bool:
        """Whether the addresses come from DNS."""
        return self.fqdn is not None


def _has_broken_escape(text: str) -> bool:
    """Whether a percent sign is not followed by two hexadecimal digits."""
    return any(len(part) < 2 or not _HEX.issuperset(part[:2]) for part in text.split("%")[1:])


def parse_userinfo(userinfo: str) -> tuple[str, str]:
    """Split "user:password" and undo its percent-encoding; InvalidURI if it is malformed."""
    if "@" in userinfo or userinfo.count(":") > 1 or _has_broken_escape(userinfo):
        raise InvalidURI(_MUST_ESCAPE)
    user, _, password = userinfo.partition(":")
    if not user:
        raise InvalidURI("The empty string is not valid username")
    return unquote_plus(user), unquote_plus(password)


def parse_ipv6_literal_host(entity: str, default_port: int | None) -> tuple[str, str | int | None]:
    """Split "[address]:port"; ValueError without the closing bracket."""
    if "]" not in entity:
        raise ValueError(
            "an IPv6 address literal must be enclosed in '[' and ']' according to RFC 2732."
        )
    end = entity.find("]:")
    if end == -1:
        return entity[1:-1], default_port
    return entity[1:end], entity[end + 2 :]


def parse_host(entity: str, default_port: int | None = DEFAULT_PORT) -> Address:
    """Split "host:port", "[::1]:port" or a path into an address; ValueError if malformed."""
    host, port = entity, default_port
    text: Any = default_port
    if entity.startswith("["):
        host, text = parse_ipv6_literal_host(entity, default_port)
    elif entity.endswith(".sock"):
        return entity, default_port
    elif ":" in entity:
        if entity.count(":") > 1:
            raise ValueError(
                "Reserved characters such as ':' must be escaped according RFC 2396. An IPv6 "
                "address literal must be enclosed in '[' and ']' according to RFC 2732."
            )
        host, text = host.split(":", 1)
    if isinstance(text, str):
        port = _port(text)
    # Names are compared in lower case; paths of sockets are not names.
    return (host if host.endswith(".sock") else host.lower()), port


def _port(text: str) -> int:
    if not text.isdigit():
        first = next((one for one in text if not one.isdigit()), "")
        if first.isspace():
            raise ValueError(f"Port contains whitespace character: {first!r}")
        # The text is not shown: it may be the rest of a password that holds a "/" or "@".
        raise ValueError(
            "Port contains non-digit characters. Hint: username and password must be escaped "
            "according to RFC 3986, use urllib.parse.quote_plus"
        )
    if len(text) > 5 or not 0 < int(text) <= 65535:
        raise ValueError("Port must be an integer between 0 and 65535")
    return int(text)


def split_hosts(hosts: str, default_port: int | None = DEFAULT_PORT) -> list[Address]:
    """Split a comma-separated list of hosts; ConfigurationError if one is empty."""
    nodes = []
    for entity in hosts.split(","):
        if not entity:
            raise ConfigurationError("Empty host (or extra comma in host list)")
        nodes.append(_node(entity, default_port))
    return nodes


def _node(entity: str, default_port: int | None) -> Address:
    # Each host is decoded by itself, so that an escaped comma or colon cannot become another.
    is_socket = entity.endswith(".sock")
    if entity.startswith("["):
        # The zone of an IPv6 address (RFC 6874).
        entity = entity.replace("%25", "%")
    elif is_socket:
        # With "+" for a space, as by PyMongo and as quote_plus writes it.
        entity = unquote_plus(entity)
    elif "%" in entity:
        shown = "" if _may_hold_password(entity) else f": {entity}"
        raise InvalidURI(
            "Percent-encoding is only allowed in Unix domain socket paths and IPv6 zone "
            f"indexes, not in hostnames{shown}"
        )
    return parse_host(entity, None if is_socket else default_port)


def _may_hold_password(hosts: str) -> bool:
    """Whether what should be hosts is rather "user:password" whose "@" is missing or escaped."""
    return "@" not in hosts and any(map(_is_odd, hosts.split(",")))


def _is_odd(host: str) -> bool:
    """Whether it is no "host:port" and no "[address]:port"."""
    before, colon, port = host.rpartition(":")
    is_plain = host.startswith("[") or (port.isdigit() and ":" not in before)
    return "%40" in host or (bool(colon) and not is_plain)


def _option_pairs(text: str) -> CaseInsensitiveDict:
    if "&" in text and ";" in text:
        raise InvalidURI("Can not mix '&' and ';' for option separators")
    options = CaseInsensitiveDict()
    separator = "&" if "&" in text else ";" if ";" in text else None
    # White space around a single option is let pass, and none within it, as by PyMongo.
    for pair in text.split(separator) if "=" in text else [text]:
        if pair.count("=") != 1:
            raise InvalidURI("MongoDB URI options are key=value pairs")
        name, value = pair.split("=")
        if name.lower() == "readpreferencetags":
            # Repeatable. Decoded piece by piece when it is validated.
            options.setdefault(name, []).append(value)
            continue
        if name in options:
            if name.lower().startswith("proxy"):
                raise InvalidURI(f"Duplicate URI option {name!r}.")
            warnings.warn(f"Duplicate URI option {name!r}.", stacklevel=4)
        is_properties = name.lower() == "authmechanismproperties"
        options[name] = value if is_properties else unquote_plus(value)
    return options


def _check_tls(options: CaseInsensitiveDict) -> None:
    """Raise InvalidURI for TLS options that contradict each other."""
    if _TLS_INSECURE in options:
        for name in _IMPLIED_BY_TLS_INSECURE:
            if name in options:
                _refuse_both(options.cased_key(_TLS_INSECURE), options.cased_key(name))
    allow, ocsp = "tlsallowinvalidcertificates", "tlsdisableocspendpointcheck"
    if allow in options and ocsp in options:
        _refuse_both(allow, options.cased_key(ocsp))
    if "tlscrlfile" in options:
        for name in (_TLS_INSECURE, allow, ocsp):
            if options.get(name) is True:
                raise InvalidURI(
                    f"URI option {options.cased_key(name)}=True cannot be specified when CRL "
                    "checking is enabled."
                )
    if "ssl" in options and "tls" in options and options["ssl"] != options["tls"]:
        raise InvalidURI(
            "Can not specify conflicting values for URI options "
            f"{options.cased_key('ssl')} and {options.cased_key('tls')}."
        )


def _refuse_both(one: str, other: str) -> None:
    raise InvalidURI(f"URI options {one} and {other} cannot be specified simultaneously.")


def _normalize(options: CaseInsensitiveDict) -> CaseInsensitiveDict:
    """Replace aliases and spell out tlsInsecure, in place."""
    insecure = options.get(_TLS_INSECURE)
    if insecure is not None:
        for name in _IMPLIED_BY_TLS_INSECURE:
            options[name.lower()] = insecure
    for alias, name in INTERNAL_URI_OPTION_NAME_MAP.items():
        if alias in options:
            options[name] = options.pop(alias)
    return options


def validate_options(opts: Mapping[str, Any], warn: bool = False) -> MutableMapping[str, Any]:
    """Return the checked options; with `warn`, wrong ones are left out with a warning."""
    return get_validated_options(opts, warn)


def split_options(
    opts: str, validate: bool = True, warn: bool = False, normalize: bool = True
) -> CaseInsensitiveDict:
    """Parse the part of a connection string after the "?".

    `validate` checks and converts the values, `warn` makes wrong ones a warning, `normalize`
    replaces aliases. InvalidURI if the text is malformed or options contradict each other.
    """
    options = _option_pairs(opts)
    _check_tls(options)
    if normalize:
        options = _normalize(options)
    if not validate:
        return options
    validated = get_validated_options(options, warn)
    if validated.get("authsource") == "":
        raise InvalidURI("the authSource database cannot be an empty string")
    return validated


def combine(
    uri_options: Mapping[str, Any], keywords: Mapping[str, Any], is_srv: bool = False
) -> CaseInsensitiveDict:
    """Return the options of a client: those of its URI, overridden by keyword arguments.

    Keyword arguments are checked: ConfigurationError for unknown ones, TypeError or ValueError
    for wrong values, InvalidURI for options that contradict each other. ConfigurationError also
    for options nothing would act on. Those of the URI are as they were given, not normalized;
    `is_srv`: it is a `mongodb+srv://` one, which has options of its own and asks for TLS.
    """
    options = CaseInsensitiveDict(_cased(uri_options))
    for name, value in _cased(keywords).items():
        key, checked = validate(name, value)
        options[key] = checked
    _check_tls(options)
    refuse_unsupported(options, is_srv)
    options = _normalize(options)
    if options.get("tlsAllowInvalidCertificates"):
        options["tlsdisableocspendpointcheck"] = True
    if is_srv:
        options.setdefault("tls", True)
    return options


def _cased(options: Mapping[str, Any]) -> Mapping[str, Any]:
    return options.cased() if isinstance(options, CaseInsensitiveDict) else options


def check_options(nodes: list[Address], options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for options that do not go together, or not with several hosts."""
    several = len(nodes) > 1
    if options.get("directConnection") and several:
        raise ConfigurationError("Cannot specify multiple hosts with directConnection=true")
    if not options.get("loadBalanced"):
        return
    if several:
        raise ConfigurationError("Cannot specify multiple hosts with loadBalanced=true")
    if options.get("directConnection"):
        raise ConfigurationError("Cannot specify directConnection=true with loadBalanced=true")
    if options.get("replicaSet"):
        raise ConfigurationError("Cannot specify replicaSet with loadBalanced=true")


def _split(uri: str) -> tuple[bool, str, str, str]:
    """Split a URI into: whether it is SRV, user info and hosts, database path, options."""
    if uri.startswith(SCHEME):
        is_srv, rest = False, uri[len(SCHEME) :]
    elif uri.startswith(SRV_SCHEME):
        is_srv, rest = True, uri[len(SRV_SCHEME) :]
    else:
        raise InvalidURI(f"Invalid URI scheme: URI must begin with '{SCHEME}' or '{SRV_SCHEME}'")
    if not rest:
        raise InvalidURI("Must provide at least one hostname or IP")
    before, _, options = rest.partition("?")
    authority, _, path = before.partition("/")
    return is_srv, authority, path, options


def _namespace(authority: str, path: str) -> tuple[str | None, str | None]:
    """Split "database.collection"."""
    if not path:
        return None, None
    database, dot, collection = unquote_plus(path).partition(".")
    if not _BAD_DATABASE_CHARS.isdisjoint(database):
        if "@" in path:
            # Rather an unescaped "/" in the password: do not show it.
            raise InvalidURI(_MUST_ESCAPE)
        shown = "" if _may_hold_password(authority) else f' "{database}"'
        raise InvalidURI(f"Bad database name{shown}")
    return database, collection if dot else None


def parse(
    uri: str,
    default_port: int | None = DEFAULT_PORT,
    validate: bool = True,
    warn: bool = False,
    normalize: bool = True,
    srv_service_name: str | None = None,
    srv_max_hosts: int | None = None,
    srv_allowed_hosts_suffix: str | None = None,
) -> ParsedURI:
    """Take a connection string apart; nothing is looked up.

    The `srv_...` arguments stand for the options of that name. Raises InvalidURI,
    ConfigurationError, or ValueError and TypeError for hosts and options (see `split_options`).
    """
    is_srv, authority, path, option_text = _split(uri)
    database, collection = _namespace(authority, path)
    options = CaseInsensitiveDict()
    if option_text:
        options = split_options(option_text, validate, warn, normalize)
    userinfo, at, hosts = authority.rpartition("@")
    username, password = parse_userinfo(userinfo) if at else (None, None)
    password = password or None
    if is_srv:
        return ParsedURI(
            [],
            username,
            password,
            database,
            collection,
            options,
            _srv_name(hosts),
            srv_service_name or options.get("srvServiceName") or SRV_SERVICE_NAME,
            int(options.get("srvMaxHosts") or srv_max_hosts or 0),
            options.get("srvAllowedHostsSuffix", srv_allowed_hosts_suffix or None),
        )
    _refuse_srv_options(options, srv_max_hosts)
    nodes = split_hosts(hosts, default_port)
    check_options(nodes, options)
    return ParsedURI(nodes, username, password, database, collection, options)


def _refuse_srv_options(options: Mapping[str, Any], srv_max_hosts: int | None) -> None:
    for name in _SRV_OPTIONS:
        if name == "srvMaxHosts":
            given = bool(options.get(name) or srv_max_hosts)
        else:
            given = name in options
        if given:
            raise ConfigurationError(f"The {name} option is only allowed with '{SRV_SCHEME}' URIs")


def _srv_name(hosts: str) -> str:
    nodes = split_hosts(hosts, None)
    if len(nodes) != 1:
        raise InvalidURI(f"{SRV_SCHEME} URIs must include one, and only one, hostname")
    host, port = nodes[0]
    if port is not None:
        raise InvalidURI(f"{SRV_SCHEME} URIs must not include a port number")
    return host
