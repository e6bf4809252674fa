"""What a human can do about a cause: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mongodriver.values.address import address_text
from mongodriver.values.causes import LASTING, Cause, CauseKind

if TYPE_CHECKING:
    from mongodriver.values.address import Address

__all__ = ["add_hint", "hint_for", "summary"]

_KIND = CauseKind

_HINTS = {
    _KIND.DNS: "this name cannot be resolved here: is it spelled right, is the host up, does DNS"
    " (or /etc/hosts, or the container's network) know it?",
    _KIND.REFUSED: "nothing listens there: is mongod running, is the port right, does net.bindIp"
    " include this address?",
    _KIND.UNREACHABLE: "there is no route to this host: look at the network, VPN and address.",
    _KIND.TIMED_OUT: "no answer in time: a firewall, security group or IP access list drops what is"
    " sent there, or the host is down or overloaded.",
    _KIND.NO_ANSWER: "no answer yet: a firewall, security group or IP access list may drop what is"
    " sent there, or the host is down.",
    _KIND.CLOSED: "the server hung up before it answered: it has no connections left, is going"
    " down, or a proxy stands before it whose server is down.",
    _KIND.SOCKET: "this Unix socket cannot be opened: is mongod running, is the path right, may"
    " this user open it?",
    _KIND.PROXY: "the proxy did not connect: look at proxyHost, proxyPort and its login, and at"
    " what it may reach.",
    _KIND.NOT_MONGODB: "what answers there is no MongoDB server: is the port right?",
    _KIND.TLS_EXPIRED: "the server's certificate has expired: renew it (and look at this"
    " machine's clock).",
    _KIND.TLS_NOT_YET_VALID: "the server's certificate is not valid yet: look at the clocks of"
    " both machines.",
    _KIND.TLS_HOST_NAME: "the server's certificate is not for this name: connect by a name that is"
    " in it, or have one issued for this name (subjectAltName).",
    _KIND.TLS_UNTRUSTED: "nobody who is trusted here has signed the server's certificate: give the"
    " file of its authority with tlsCAFile.",
    _KIND.TLS_REVOKED: "the server's certificate was revoked: it needs a new one.",
    _KIND.TLS_CERTIFICATE: "the server's certificate is not accepted: see the detail, and look at"
    " tlsCAFile and tlsCRLFile.",
    _KIND.TLS_CLIENT_CERTIFICATE: "the server does not take this client's certificate, or wants"
    " one and gets none: look at tlsCertificateKeyFile.",
    _KIND.TLS_PLAIN_TEXT: "what answers there does not speak TLS: is the port right? Without TLS,"
    " leave out tls=true (with mongodb+srv:// say tls=false).",
    _KIND.TLS_REQUIRED: "the server requires TLS: add tls=true.",
    _KIND.TLS_PROTOCOL: "client and server have no version of TLS or no cipher in common: one of"
    " them is too old.",
    _KIND.TLS_CLOSED: "the server hung up during the TLS handshake: is TLS on there (net.tls.mode),"
    " in a version that both sides allow, or does a proxy stand before it whose server is down?",
    _KIND.TLS: "TLS failed: see the detail. On Atlas this happens when this machine's address is"
    " not on the IP access list.",
    _KIND.AUTHENTICATION: "the login was refused: look at user, password (percent-encoded in a"
    " connection string), authSource and authMechanism.",
    _KIND.SET_NAME: "the server is a member of another replica set{which}: give that name as"
    " replicaSet, or connect to another host.",
    _KIND.NOT_A_MEMBER: "the server is no member of a replica set: leave replicaSet and other hosts"
    " out, or start mongod with --replSet.",
    _KIND.NOT_INITIATED: "the replica set has not been initiated: run rs.initiate() on one member.",
    _KIND.NO_PRIMARY: "there is no primary at the moment: an election is under way, or a majority"
    " of the members cannot see each other (see rs.status()).",
    _KIND.NO_MATCH: "no member suits the read preference: look at its mode, tags and"
    " maxStalenessSeconds, and at which members are up.",
    _KIND.TOO_OLD: "the server is too old for this driver: upgrade MongoDB.",
    _KIND.TOO_NEW: "the server is too new for this driver: upgrade the driver.",
    _KIND.COMMAND: "the server refuses the handshake: see the detail.",
    _KIND.OTHER: "see the detail.",
}

_INTERNAL_NAMES = (
    "the replica set calls its members {hosts}, which this machine cannot reach: make those names"
    " known here, or add directConnection=true to talk to one member only."
)

#: Those first that tell most, after what is lasting.
_ORDER = (
    *(_KIND.NO_PRIMARY, _KIND.NO_MATCH, _KIND.NOT_INITIATED, _KIND.TLS_NOT_YET_VALID),
    *(_KIND.TLS_CLOSED, _KIND.TLS, _KIND.COMMAND, _KIND.NOT_MONGODB, _KIND.PROXY, _KIND.DNS),
    *(_KIND.SOCKET, _KIND.REFUSED, _KIND.UNREACHABLE, _KIND.TIMED_OUT, _KIND.CLOSED),
    *(_KIND.OTHER, _KIND.NO_ANSWER),
)
_NAMED = 3


def hint_for(kind: CauseKind, set_name: str | None = None) -> str:
    """What to do about a cause of this kind.

    :param set_name: of the replica set that the server belongs to.
    """
    hint = _HINTS[kind]
    if kind == CauseKind.SET_NAME:
        return hint.format(which="" if set_name is None else f", {set_name!r}")
    return hint


def add_hint(error: BaseException, hint: str) -> None:
    """Have tracebacks and logs show a hint below the message of an exception (PEP 678).

    Not in the message: that is PyMongo's to the letter, because programs match on it.
    """
    error.add_note(f"Hint: {hint}")


def summary(causes: Sequence[Cause], internal: bool = False) -> str:
    """The hint of the cause that tells most, with the hosts it is about; "" without causes.

    :param internal: none of the hosts was named by the user: they are what the set says.
    """
    if not causes:
        return ""
    first = min(causes, key=_rank)
    hosts = _names([cause.address for cause in causes if cause.kind == first.kind])
    if internal and not first.permanent and first.error is not None:
        return _INTERNAL_NAMES.format(hosts=hosts)
    return f"{hosts}: {first.hint}"


def _rank(cause: Cause) -> int:
    return -1 if cause.kind in LASTING else _ORDER.index(cause.kind)


def _names(addresses: Sequence[Address]) -> str:
    names = ", ".join(map(address_text, addresses[:_NAMED]))
    return names if len(addresses) <= _NAMED else f"{names} and {len(addresses) - _NAMED} more"
