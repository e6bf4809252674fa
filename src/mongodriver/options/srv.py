"""`mongodb+srv://`: what is asked of DNS, and which answers are believed.

initial-dns-seedlist-discovery and polling-srv-records specifications. DNS itself is asked
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from mongodriver.options.connection_string import ParsedURI, check_options, split_options
from mongodriver.values.address import Address
from mongodriver.values.errors import ConfigurationError, InvalidURI

__all__ = [
    "HostValidator",
    "SrvName",
    "check_hosts",
    "check_max_hosts",
    "check_query",
    "choose_hosts",
    "complete",
    "query_name",
]

HostValidator = Callable[[str], bool]

_TXT_OPTIONS = ("authSource", "replicaSet", "loadBalanced")

# Names that are nobody's on the public internet, so that a single label may be trusted.
_PRIVATE_LABELS = frozenset(
    {"corp", "example", "home", "internal", "invalid", "local", "localhost", "mail", "test"}
)


def query_name(fqdn: str, service: str) -> str:
    """Return the name whose SRV records list the hosts."""
    return f"_{service}._tcp.{fqdn}"


class SrvName:
    """The name that a client's hosts are looked up by, and which hosts it may vouch for."""

    def __init__(
        self,
        fqdn: str,
        service_name: str,
        allowed_suffix: str | None = None,
        host_validator: HostValidator | None = None,
    ) -> None:
        self.fqdn = fqdn
        self.query = query_name(fqdn, service_name)
        self._allowed_suffix = allowed_suffix
        self._host_validator = host_validator

    def check(self, nodes: Iterable[tuple[str, int]]) -> None:
        """Raise ConfigurationError if one of the hosts is not to be believed."""
        hosts = [host for host, _ in nodes]
        check_hosts(self.fqdn, hosts, self._allowed_suffix, self._host_validator)

    def believed(self, nodes: Iterable[tuple[str, int]]) -> list[Address]:
        """Return those of the hosts that are to be believed."""
        return [node for node in nodes if self._is_believed(node)]

    def _is_believed(self, node: tuple[str, int]) -> bool:
        try:
            self.check([node])
        except ConfigurationError:
            return False
        return True


def check_query(parsed: ParsedURI, host_validator: HostValidator | None = None) -> None:
    """Raise ConfigurationError if the URI cannot be looked up; ask this before asking DNS."""
    assert parsed.fqdn is not None
    if parsed.options.get("directConnection"):
        raise ConfigurationError("Cannot specify directConnection=true with mongodb+srv:// URIs")
    if _is_ip_address(parsed.fqdn):
        raise ConfigurationError(
            "Invalid URI host: an IP address is not a valid hostname for 'mongodb+srv://'. "
            "Did you mean to use 'mongodb://'?"
        )
    suffix = parsed.srv_allowed_hosts_suffix
    if suffix is None:
        return
    if host_validator is not None:
        raise ConfigurationError("Cannot specify both srv_host_validator and srvAllowedHostsSuffix")
    _check_suffix(suffix)


def _is_ip_address(host: str) -> bool:
    from ipaddress import ip_address  # costs 3 ms that few programs need

    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _domain(suffix: str) -> str:
    """A suffix as names in DNS end with it: in A-labels, in lower case, without dots around it."""
    domain = suffix.strip(".")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        pass  # no name: no host ends with it
    return domain.lower()


def _check_suffix(suffix: str) -> None:
    domain = _domain(suffix)
    if not domain:
        raise ConfigurationError(f"srvAllowedHostsSuffix must not be empty, got: {suffix!r}")
    if domain in _PRIVATE_LABELS:
        return
    if "." not in domain:
        raise ConfigurationError(
            f"srvAllowedHostsSuffix must contain at least two '.' separated labels, got: {suffix}"
        )
    from mongodriver.options.public_suffix import is_public_suffix  # a long list

    if is_public_suffix(domain):
        raise ConfigurationError(
            f"srvAllowedHostsSuffix must not be a public suffix, got: {suffix}"
        )


def check_hosts(
    fqdn: str,
    hosts: Iterable[str],
    allowed_suffix: str | None = None,
    host_validator: HostValidator | None = None,
) -> None:
    """Raise ConfigurationError if DNS names a host the URI does not vouch for.

    That is one outside the parent domain of `fqdn`, or of `allowed_suffix` if it is given, or one
    that `host_validator` refuses.
    """
    for host in hosts:
        if host_validator is not None:
            _ask(host_validator, host)
        elif allowed_suffix:
            _check_within(host.lower(), _domain(allowed_suffix))
        else:
            _check_parent_domain(host.lower(), fqdn.lower())


def _ask(host_validator: HostValidator, host: str) -> None:
    try:
        accepted = host_validator(host)
    except Exception as error:
        raise ConfigurationError(
            f"srv_host_validator raised an exception for SRV host {host}: {error}"
        ) from error
    if not accepted:
        raise ConfigurationError(f"Invalid SRV host: {host} was rejected by srv_host_validator")


def _check_parent_domain(host: str, fqdn: str) -> None:
    labels = fqdn.split(".")
    if host == fqdn and len(labels) < 3:
        raise ConfigurationError("Invalid SRV host: return address is identical to SRV hostname")
    # A name of one or two labels is its own domain.
    _check_within(host, ".".join(labels[1:] if len(labels) >= 3 else labels))


def _check_within(host: str, domain: str) -> None:
    if not host.endswith("." + domain):
        raise ConfigurationError(f"Invalid SRV host: {host}")


def check_max_hosts(max_hosts: int, options: Mapping[str, Any]) -> None:
    """Raise InvalidURI for options that do not go together with a number of hosts."""
    if not max_hosts:
        return
    for name in ("loadBalanced", "replicaSet"):
        if options.get(name):
            raise InvalidURI(f"You cannot specify {name} with srvMaxHosts")


def choose_hosts(nodes: Sequence[Address], max_hosts: int, random: Random) -> list[Address]:
    """Return the hosts to use: all, or `max_hosts` of them drawn at random."""
    if not max_hosts:
        return list(nodes)
    return random.sample(list(nodes), min(max_hosts, len(nodes)))


def complete(
    parsed: ParsedURI,
    nodes: Sequence[Address],
    txt: str | None,
    random: Random,
    *,
    validate: bool = True,
    warn: bool = False,
    normalize: bool = True,
) -> ParsedURI:
    """Return the URI with the hosts and options that DNS gave.

    `nodes` are the hosts of the SRV records, which `check_hosts` has let pass, `txt` is the TXT
    record of the name itself, if there is one. Raises ConfigurationError or InvalidURI.
    """
    options = parsed.options
    if txt:
        found = split_options(txt, validate, warn, normalize)
        if not set(found) <= {name.lower() for name in _TXT_OPTIONS}:
            raise ConfigurationError(
                "Only authSource, replicaSet, and loadBalanced are supported from DNS"
            )
        for name in _TXT_OPTIONS:
            if name in found and name not in options:
                options[name] = found[name]
    check_max_hosts(parsed.srv_max_hosts, options)
    if "tls" not in options and "ssl" not in options:
        options["tls"] = True if validate else "true"
    chosen = choose_hosts(nodes, parsed.srv_max_hosts, random)
    check_options(chosen, options)
    return parsed.with_nodes(chosen)
