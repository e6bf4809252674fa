"""Opening connections in an event loop: the addresses of a name raced, then TLS.

Of the loop only `sock_connect` and `create_connection` of a connected socket are asked, so that it
works alike in asyncio's loops and in others such as uvloop, whose own ways to connect to a name
differ in what they take and in what they try.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .addresses import ATTEMPT_DELAY, Target, begin_lookup, resolve
from .base import Address, ConnectionClosed, Conversation, HandshakeFailed
from .blocking_connect import is_plain_socket, open_connection, set_tcp_options
from .daemon import DaemonCall
from .socks import conversation, converse_in, proxy_error

if TYPE_CHECKING:
    from ..values.proxy import Proxy
    from .aio_tls import TlsProtocol
    from .tls import Tls

__all__ = ["ByteStream", "is_plain_socket", "open_stream", "open_through", "outcome"]

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)
ResultT = TypeVar("ResultT")


async def outcome(loop: asyncio.AbstractEventLoop, call: DaemonCall[ResultT]) -> ResultT:
    """What a call in a daemon thread returns or raises. Cancelling only ends the waiting."""
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(end)
        except RuntimeError:
            pass  # the loop has been closed: nobody waits any more

    call.when_done(wake)
    try:
        await ended
        return call.result()
    finally:
        del call  # it may hold an error, whose traceback holds this frame


async def in_thread(function: Callable[..., ResultT], *args: Any) -> ResultT:
    """What a function returns that is called in a daemon thread."""
    return await outcome(asyncio.get_running_loop(), DaemonCall(function, *args))


async def open_stream(
    loop: asyncio.AbstractEventLoop,
    address: Address,
    tls: Tls | None,
    make_protocol: Callable[[], ProtocolT],
    proxy: Proxy | None = None,
    opened: socket.socket | None = None,
    deadline: float | None = None,
) -> tuple[ProtocolT, TlsProtocol | None]:
    """A connected protocol of `make_protocol`, and the TLS below it. Raises OSError.

    :param proxy: through which other connections with the address go; None: none.
    :param opened: a socket that is connected with the address already.
    :param deadline: of all; the caller sees to it.
    """
    host, port = address
    if port is None:
        connecting: Callable[..., Any] = loop.create_unix_connection
        arguments: dict[str, Any] = {"path": host}
    else:
        connecting = loop.create_connection
        # The transport owns the socket from here on, also where the handshake fails.
        arguments = {"sock": opened or await _open_socket(loop, host, port)}
    if tls is None:
        _, protocol = await connecting(make_protocol, **arguments)
        return protocol, None
    from .aio_tls import TlsProtocol  # with ssl, which many programs never need

    protocol = make_protocol()
    below = TlsProtocol(loop, protocol, tls, address)
    await connecting(lambda: below, **arguments)
    try:
        await below.handshake()
        inquiry = tls.inquiry(address, below.ssl_object, partial(open_connection, proxy, address))
        if inquiry is not None:
            await outcome(loop, DaemonCall(inquiry, deadline))
    except BaseException as exc:
        below.abort()
        tls.forget_session(address)
        if isinstance(exc, ConnectionError) and not isinstance(exc, HandshakeFailed):
            # A peer that does not speak TLS hangs up, which loops report without any text.
            raise HandshakeFailed(str(exc) or "the peer ended the connection") from exc
        raise
    return protocol, below


class ByteStream(asyncio.BufferedProtocol):
    """A connection whose bytes are no messages of MongoDB's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._view = memoryview(bytearray(16 * 1024))
        self._data = bytearray()
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None
        self._out: Any = None

    async def hold(self, talk: Conversation) -> None:
        """Carry a conversation on; the caller limits the time."""
        try:
            step = next(talk)
            while True:
                if isinstance(step, bytes):
                    if self._out is None:
                        raise self._error or ConnectionClosed("connection closed")
                    self._out.write(step)
                    step = next(talk)
                else:
                    step = talk.send(await self._receive(step))
        except StopIteration:
            pass

    async def _receive(self, size: int) -> bytes:
        while not self._data and not self._ended:
            self._reader = self._loop.create_future()
            await self._reader
        if not self._data and self._error is not None:
            raise self._error
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def close(self) -> None:
        """Close, without waiting for the peer."""
        if self._out is not None:
            self._out.abort()

    # -- the protocol --

    def connection_made(self, transport: Any) -> None:
        self._out = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._data += self._view[:nbytes]
        self._wake()

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._out = None
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


async def open_through(
    loop: asyncio.AbstractEventLoop, proxy: Proxy, address: Address
) -> socket.socket:
    """A socket that a proxy has connected with an address. Raises ProxyError."""
    try:
        sock = await _open_socket(loop, *proxy.address)
        try:
            await converse_in(loop, sock, conversation(proxy, address))
        except BaseException:
            sock.close()
            raise
    except OSError as exc:
        raise proxy_error(proxy, exc) from exc
    return sock


async def _open_socket(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    try:
        targets = resolve(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        # A name. The same resolver for every loop: uvloop has one of its own.
        targets = await outcome(loop, begin_lookup(host, port))
    if len(targets) == 1:
        sock = await _connect_one(loop, targets[0])
    else:
        sock = await _connect_first(loop, targets)
    set_tcp_options(sock)
    return sock


async def _connect_one(loop: asyncio.AbstractEventLoop, target: Target) -> socket.socket:
    sock = socket.socket(target[0], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, target[1])
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect_first(
    loop: asyncio.AbstractEventLoop, targets: Sequence[Target]
) -> socket.socket:
    """Race the addresses of one name, each started a moment after the one before it (RFC 8305)."""
    waiting = list(targets)
    pending: set[asyncio.Task[socket.socket]] = set()
    won: socket.socket | None = None
    error: OSError = OSError("no address to connect to")
    try:
        while won is None and (waiting or pending):
            if waiting:
                pending.add(loop.create_task(_connect_one(loop, waiting.pop(0))))
            done, pending = await asyncio.wait(
                pending,
                timeout=ATTEMPT_DELAY if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                try:
                    sock = task.result()
                except OSError as exc:
                    error = exc
                    continue
                if won is None:
                    won = sock
                else:
                    sock.close()
        if won is None:
            raise error
        return won
    finally:
        for task in pending:
            task.cancel()
            task.add_done_callback(_close_late)


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """Close what an attempt brings after another one has won."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
