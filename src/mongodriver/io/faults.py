"""What kind of fault an exception of a stream stands for, by its class, codes and reasons.

`ssl`, which clients without TLS never load, is not imported: its exceptions are known by name.
"""

from __future__ import annotations

import errno
from typing import Any

from ..values.causes import CauseKind
from .base import BadMessage, ConnectionClosed, HandshakeFailed, ProxyError

__all__ = ["Finding", "fault", "is_certificate_error"]


class Finding(ConnectionError):
    """Why a peer hung up, found out by a second look (`io.probe`)."""

    def __init__(self, kind: CauseKind) -> None:
        super().__init__(f"found out: {kind}")
        self.kind = kind


_UNREACHABLE = {
    getattr(errno, name, None)
    for name in ("EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EADDRNOTAVAIL")
}
_NO_SOCKET = (FileNotFoundError, PermissionError, NotADirectoryError)

#: X509_V_ERR_* of OpenSSL.
_CERTIFICATE = {
    9: CauseKind.TLS_NOT_YET_VALID,
    10: CauseKind.TLS_EXPIRED,
    23: CauseKind.TLS_REVOKED,
    62: CauseKind.TLS_HOST_NAME,
    64: CauseKind.TLS_HOST_NAME,
    **dict.fromkeys((2, 18, 19, 20, 21, 27), CauseKind.TLS_UNTRUSTED),
}

#: Parts of the reasons of an SSLError. What an alert says, the server has said.
_REASONS = (
    ("WRONG_VERSION_NUMBER", CauseKind.TLS_PLAIN_TEXT),
    ("HTTP_REQUEST", CauseKind.TLS_PLAIN_TEXT),
    ("ALERT_BAD_CERTIFICATE", CauseKind.TLS_CLIENT_CERTIFICATE),
    ("ALERT_UNSUPPORTED_CERTIFICATE", CauseKind.TLS_CLIENT_CERTIFICATE),
    ("ALERT_CERTIFICATE", CauseKind.TLS_CLIENT_CERTIFICATE),
    ("ALERT_UNKNOWN_CA", CauseKind.TLS_CLIENT_CERTIFICATE),
    ("ALERT_NO_CERTIFICATE", CauseKind.TLS_CLIENT_CERTIFICATE),
    ("ALERT_PROTOCOL_VERSION", CauseKind.TLS_PROTOCOL),
    ("UNSUPPORTED_PROTOCOL", CauseKind.TLS_PROTOCOL),
    ("NO_PROTOCOLS_AVAILABLE", CauseKind.TLS_PROTOCOL),
    ("NO_SHARED_CIPHER", CauseKind.TLS_PROTOCOL),
    ("EOF", CauseKind.TLS_CLOSED),
)


def fault(exc: BaseException) -> CauseKind | None:
    """The kind of fault that an OSError of a stream stands for; None for what is none of them."""
    if not isinstance(exc, OSError):
        return None
    if isinstance(exc, Finding):
        return exc.kind
    names = {kind.__name__ for kind in type(exc).__mro__}
    if isinstance(exc, ProxyError):
        return CauseKind.PROXY
    if "SSLError" in names:
        return _tls_fault(exc, names)
    if isinstance(exc, HandshakeFailed):
        return CauseKind.TLS_CLOSED
    if "gaierror" in names:
        return CauseKind.DNS
    if isinstance(exc, BadMessage):
        return CauseKind.NOT_MONGODB
    return _connection_fault(exc)


def _connection_fault(exc: OSError) -> CauseKind:
    # By number as well: some come as plain OSErrors.
    if isinstance(exc, ConnectionRefusedError) or exc.errno == errno.ECONNREFUSED:
        return CauseKind.REFUSED
    if isinstance(exc, TimeoutError) or exc.errno == errno.ETIMEDOUT:
        return CauseKind.TIMED_OUT
    if isinstance(exc, (ConnectionClosed, ConnectionError)):
        return CauseKind.CLOSED
    if isinstance(exc, _NO_SOCKET):
        return CauseKind.SOCKET
    if exc.errno is not None and exc.errno in _UNREACHABLE:
        return CauseKind.UNREACHABLE
    return CauseKind.OTHER


def is_certificate_error(exc: BaseException) -> bool:
    """Whether the server's certificate was not accepted."""
    return any(kind.__name__ == "SSLCertVerificationError" for kind in type(exc).__mro__)


def _tls_fault(exc: Any, names: set[str]) -> CauseKind:
    if is_certificate_error(exc):
        return _CERTIFICATE.get(getattr(exc, "verify_code", 0), CauseKind.TLS_CERTIFICATE)
    if names & {"SSLEOFError", "SSLZeroReturnError"}:
        return CauseKind.TLS_CLOSED
    reason = str(getattr(exc, "reason", None) or exc).upper().replace(" ", "_")
    for part, kind in _REASONS:
        if part in reason:
            return kind
    return CauseKind.TLS
