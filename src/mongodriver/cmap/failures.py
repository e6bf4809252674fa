"""Turning what a stream raises into the driver's exceptions, with the address and the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..io.base import HandshakeFailed
from ..io.deadline import Deadline
from ..io.faults import is_certificate_error
from ..values.address import address_text
from ..values.errors import AutoReconnect, InvalidOperation, NetworkTimeout, reason

if TYPE_CHECKING:
    from ..io.base import Address


class PoolClosedError(InvalidOperation):
    """The pool was closed before a connection could be had from it."""


class PoolPausedError(AutoReconnect):
    """The pool gives out no connections until its server has been checked again."""


class CallbackFailed(Exception):
    """Carries an error of a callback of the user's past those who take it for the connection's."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


class Limits:
    """The configured times that connection errors mention; in seconds, None where unset."""

    __slots__ = ("connect", "operation", "socket")

    def __init__(
        self,
        socket: float | None = None,
        connect: float | None = None,
        operation: float | None = None,
    ) -> None:
        self.socket = socket
        self.connect = connect
        self.operation = operation

    def within(self, deadline: float | None) -> Limits:
        """The limits of what is done for an operation: its own, if it has one, is the first."""
        if isinstance(deadline, Deadline):
            return Limits(self.socket, self.connect, deadline.timeout)
        return self

    def __str__(self) -> str:
        parts = []
        if self.operation:
            parts.append(f"timeoutMS: {self.operation * 1000}ms")
        elif self.socket:
            parts.append(f"socketTimeoutMS: {self.socket * 1000}ms")
        if self.connect:
            parts.append(f"connectTimeoutMS: {self.connect * 1000}ms")
        return f" (configured timeouts: {', '.join(parts)})" if parts else ""


def connection_failure(exc: OSError, address: Address, limits: Limits) -> AutoReconnect:
    """The driver's exception for a failed connect, send or receive.

    The caller raises it ``from exc``, which is its cause already.
    """
    failure = _failure(exc, address, limits)
    failure.__cause__ = exc
    return failure


def _failure(exc: OSError, address: Address, limits: Limits) -> AutoReconnect:
    # Of a certificate that is not accepted PyMongo says no more than that.
    if is_tls_error(exc) and not is_certificate_error(exc):
        return AutoReconnect(
            f"SSL handshake failed: {address_text(address)}: {reason(exc)}{limits}"
        )
    text = f"{address_text(address)}: "
    if isinstance(exc, TimeoutError):
        return NetworkTimeout(f"{text}timed out{limits}")
    return AutoReconnect(f"{text}{reason(exc)}{limits}")


def label_overload(error: AutoReconnect) -> None:
    """Mark a failure to connect as what an overloaded server does: worth another try, later.

    Nothing is concluded about the server then; if it is gone, its monitor notices. A name that
    cannot be resolved, a certificate that is not trusted and a proxy have nothing to do with load.
    """
    cause = type(error.__cause__ or error)
    if any(c.__name__ in _NO_OVERLOAD for c in cause.__mro__):
        return
    error._add_error_label("SystemOverloadedError")
    error._add_error_label("RetryableError")


_NO_OVERLOAD = ("gaierror", "SSLCertVerificationError", "ProxyError")


def is_tls_error(exc: BaseException) -> bool:
    """Whether TLS failed: a HandshakeFailed, or an ssl.SSLError (without importing ssl)."""
    return isinstance(exc, HandshakeFailed) or _is_a(exc, "SSLError")


def _is_a(exc: BaseException, name: str) -> bool:
    return any(c.__name__ == name and c.__module__ == "ssl" for c in type(exc).__mro__)
