"""Why a server could not be used: causes by kind, as errors of server selection carry them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from mongodriver.values.address import Address, address_text
from mongodriver.values.public_names import known_as

__all__ = ["LASTING", "Cause", "CauseKind"]


class CauseKind(StrEnum):
    """What is wrong with a host. The values are stable: `mongodriver doctor --json` prints them."""

    #: The name cannot be resolved.
    DNS = "dns"
    #: Nothing listens on that port.
    REFUSED = "refused"
    #: There is no route to the host.
    UNREACHABLE = "unreachable"
    #: A check was given up after connectTimeoutMS.
    TIMED_OUT = "timed-out"
    #: No check has ended yet, well or badly.
    NO_ANSWER = "no-answer"
    #: The peer hung up before it answered.
    CLOSED = "closed"
    #: The Unix socket cannot be opened.
    SOCKET = "socket"
    #: The SOCKS5 proxy did not connect us with the host.
    PROXY = "proxy"
    #: What answers is no MongoDB server.
    NOT_MONGODB = "not-mongodb"

    #: The server's certificate is not valid any more.
    TLS_EXPIRED = "tls-expired"
    #: The server's certificate is not valid yet.
    TLS_NOT_YET_VALID = "tls-not-yet-valid"
    #: The server's certificate is for other hosts.
    TLS_HOST_NAME = "tls-host-name"
    #: Nobody who is trusted has signed the server's certificate.
    TLS_UNTRUSTED = "tls-untrusted"
    #: The server's certificate was revoked.
    TLS_REVOKED = "tls-revoked"
    #: The server's certificate is not accepted for another reason.
    TLS_CERTIFICATE = "tls-certificate"
    #: The server wants a certificate of the client's, or another one.
    TLS_CLIENT_CERTIFICATE = "tls-client-certificate"
    #: What answers on that port does not speak TLS.
    TLS_PLAIN_TEXT = "tls-plain-text"
    #: TLS is asked for on that port.
    TLS_REQUIRED = "tls-required"
    #: Client and server have no version of TLS or no cipher in common.
    TLS_PROTOCOL = "tls-protocol"
    #: The peer hung up in the middle of the TLS handshake.
    TLS_CLOSED = "tls-closed"
    #: Any other failure of TLS.
    TLS = "tls"

    #: User, password, mechanism or authSource was refused.
    AUTHENTICATION = "authentication"
    #: The server belongs to another replica set than `replicaSet` says.
    SET_NAME = "set-name"
    #: The server is not what was asked for, for example no member of a replica set.
    NOT_A_MEMBER = "not-a-member"
    #: The server was started as a member of a replica set that has not been initiated.
    NOT_INITIATED = "not-initiated"
    #: The member is up, but there is no primary.
    NO_PRIMARY = "no-primary"
    #: The member is up, but read preference or tags do not allow it.
    NO_MATCH = "no-match"
    #: The server is older than this driver supports.
    TOO_OLD = "too-old"
    #: The server is newer than this driver supports.
    TOO_NEW = "too-new"
    #: The server answered the handshake with another error.
    COMMAND = "command"
    #: Anything else.
    OTHER = "other"


#: What does not pass by waiting: somebody has to change the client's options, a certificate or a
#: server's configuration. Names that cannot be resolved, ports where nothing listens and peers that
#: hang up are not among them: that is how a host looks that is starting.
LASTING = frozenset(
    {
        CauseKind.TLS_EXPIRED,
        CauseKind.TLS_HOST_NAME,
        CauseKind.TLS_UNTRUSTED,
        CauseKind.TLS_REVOKED,
        CauseKind.TLS_CERTIFICATE,
        CauseKind.TLS_CLIENT_CERTIFICATE,
        CauseKind.TLS_PLAIN_TEXT,
        CauseKind.TLS_REQUIRED,
        CauseKind.TLS_PROTOCOL,
        CauseKind.AUTHENTICATION,
        CauseKind.SET_NAME,
        CauseKind.NOT_A_MEMBER,
        CauseKind.TOO_OLD,
        CauseKind.TOO_NEW,
    }
)


class Cause(NamedTuple):
    """Why one host could not be used."""

    #: ``(host, port)``; port None for a Unix socket.
    address: Address
    kind: CauseKind
    #: What was observed, in the words of the error.
    detail: str
    #: What a human can do about it, in one line.
    hint: str
    #: Waiting does not help: see `LASTING`.
    permanent: bool
    #: The exception behind it, None where there is none.
    error: Exception | None = None

    def __str__(self) -> str:
        return f"{address_text(self.address)}: {self.kind}: {self.detail}"


known_as("mongodriver.causes", globals())
