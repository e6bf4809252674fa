"""Requests to key management services: each a message over TLS, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..cmap.failures import Limits, connection_failure
from ..execution.timeouts import current_deadline
from ..io.base import ConnectionClosed, ConnectOptions
from ..io.deadline import Deadline
from ..options.connection_string import parse_host
from ..values.encryption_options import KMSConnectContext
from ..values.errors import ConfigurationError, PyMongoError
from ..values.limits import CONNECT_TIMEOUT
from .kms_tls import tls_by_service

if TYPE_CHECKING:
    from ..io.base import Address, Backend
    from ..io.tls import Tls

__all__ = ["KeyServices"]

_HTTPS = 443
#: What a request may take where nothing else limits it.
_LIMITS = Limits(CONNECT_TIMEOUT, CONNECT_TIMEOUT)


class KeyServices:
    """How key management services are reached.

    :param tls: how TLS is spoken, by service, for those that have options of their own.
    :param connect: the user's ``kms_connect_callback``, or None.
    """

    def __init__(
        self,
        backend: Backend,
        tls: Mapping[str, Tls],
        connect: Callable[[KMSConnectContext], Any] | None,
    ) -> None:
        self._backend = backend
        self._known_tls = dict(tls)
        self._connect = connect

    async def request(self, context: Any) -> None:
        """Send a request of libmongocrypt's, and give it the answer.

        Of an exchange that fails libmongocrypt is told, which asks again if that may help.

        :param context: a ``MongoCryptKmsContext``.
        :raises MongoCryptError: for answers that are refused, and requests that failed too often.
        :raises ConfigurationError: for what the user's callback returns, and is no socket.
        """
        limit = current_deadline(None)
        deadline = limit or Deadline(CONNECT_TIMEOUT)
        if context.usleep:
            await self._backend.sleep(min(context.usleep / 1e6, max(deadline - monotonic(), 0)))
        address = parse_host(context.endpoint, _HTTPS)
        if address[0].endswith(".sock"):
            raise ConfigurationError(f"Invalid KMS endpoint {context.endpoint!r}")
        options = ConnectOptions(tls=self._tls(context.kms_provider))
        try:
            left = CONNECT_TIMEOUT if limit is None else max(limit - monotonic(), 0.0)
            opened = await self._open(address, left)
            await self._backend.converse(address, options, _talk(context), deadline, opened)
        except (OSError, _CallbackFailed) as exc:
            _fail(context, _told(exc, address, limit))

    def _tls(self, service: str) -> Tls:
        tls = self._known_tls.get(service)
        if tls is None:
            tls = self._known_tls[service] = tls_by_service({service: {}})[service]
        return tls

    async def _open(self, address: Address, left: float) -> Any:
        """The socket that the user's callback has connected; None where there is no callback."""
        if self._connect is None:
            return None
        host, port = address
        assert port is not None
        try:
            opened = self._connect(KMSConnectContext(host, port, left))
            if isawaitable(opened):
                opened = await opened
        except Exception as exc:
            raise _CallbackFailed from exc
        if not self._backend.is_plain_socket(opened):
            raise ConfigurationError(
                "kms_connect_callback must return a connected, unwrapped socket.socket, not "
                f"{type(opened)}; consider HTTPProxyKMSConnect."
            )
        return opened


class _CallbackFailed(Exception):
    """The user's callback has not connected, because of whatever its cause is."""


def _talk(context: Any) -> Generator[bytes | int, bytes, None]:
    yield context.message
    while (needed := context.bytes_needed) > 0:
        data = yield needed
        if not data:
            raise ConnectionClosed("KMS connection closed")
        context.feed(data)


def _told(exc: Exception, address: Address, limit: Deadline | None) -> Exception:
    """What went wrong, as it is told."""
    if isinstance(exc, OSError):
        return connection_failure(exc, address, _LIMITS.within(limit))
    cause = exc.__cause__
    assert isinstance(cause, Exception)
    return cause


def _fail(context: Any, exc: Exception) -> None:
    """Tell libmongocrypt that a request failed.

    :raises MongoCryptError: when it is not to be tried again.
    """
    from pymongocrypt.errors import MongoCryptError

    if isinstance(exc, PyMongoError) and exc.timeout and _is_over():
        raise exc
    try:
        context.fail()
    except MongoCryptError as failure:
        text = f"{failure}, last attempt failed with: {exc}"
        raise MongoCryptError(text, failure.code) from exc


def _is_over() -> bool:
    """Whether the time of the whole operation is over, so that nothing is worth another try."""
    limit = current_deadline(None)
    return limit is not None and limit <= monotonic()
