"""Opening connections in trio: the addresses of a name raced, then a proxy, then TLS."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from .addresses import ATTEMPT_DELAY, Target, begin_lookup, resolve
from .base import Address, HandshakeFailed
from .blocking_connect import begin_connect, open_connection, set_tcp_options
from .daemon import DaemonCall
from .socks import conversation, converse_in, proxy_error
from .trio_pipes import PlainPipe, TlsPipe

if TYPE_CHECKING:
    from ..values.proxy import Proxy
    from .tls import Tls

__all__ = ["in_thread", "open_socket", "open_through", "start_tls"]

ResultT = TypeVar("ResultT")


class ThreadCall(DaemonCall[ResultT]):
    """A call in one of trio's threads, which are daemons as well."""

    def _start(self) -> None:
        trio.lowlevel.start_thread_soon(self._run, _heard, name="mongodriver call")


def _heard(_: Any) -> None:
    """Whoever waits for a call is told of its end otherwise."""


async def outcome(call: DaemonCall[ResultT]) -> ResultT:
    """What a call returns or raises. Cancelling only ends the waiting."""
    token, ended = trio.lowlevel.current_trio_token(), trio.Event()

    def wake() -> None:
        try:
            token.run_sync_soon(ended.set)
        except trio.RunFinishedError:
            pass  # nobody waits any more

    call.when_done(wake)
    try:
        await ended.wait()
        return call.result()
    finally:
        del call  # it may hold an error, whose traceback holds this frame


async def in_thread(function: Callable[..., ResultT], *args: Any) -> ResultT:
    """What a function returns that is called in a thread."""
    return await outcome(ThreadCall(function, *args))


async def open_socket(address: Address) -> socket.socket:
    """A connected socket that does not block. Raises OSError; the caller limits the time."""
    host, port = address
    if port is None:
        return await _connect_one((socket.AF_UNIX, host))
    try:
        targets = resolve(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        targets = await outcome(begin_lookup(host, port, ThreadCall))
    if len(targets) == 1:
        sock = await _connect_one(targets[0])
    else:
        sock = await _Race(targets).run()
    set_tcp_options(sock)
    return sock


async def open_through(proxy: Proxy, address: Address) -> socket.socket:
    """A socket that a proxy has connected with an address. Raises ProxyError."""
    try:
        sock = await open_socket(proxy.address)
        try:
            await converse_in(_Sockets, sock, conversation(proxy, address))
        except BaseException:
            PlainPipe(sock).close()
            raise
    except OSError as exc:
        raise proxy_error(proxy, exc) from exc
    return sock


class _Sockets:
    """Methods of event loops that `converse_in` asks for."""

    @staticmethod
    async def sock_sendall(sock: socket.socket, data: bytes) -> None:
        await PlainPipe(sock).send(data)

    @staticmethod
    async def sock_recv(sock: socket.socket, size: int) -> bytes:
        return await PlainPipe(sock).receive(size)


async def start_tls(
    pipe: PlainPipe,
    address: Address,
    tls: Tls,
    proxy: Proxy | None,
    deadline: float | None,
) -> TlsPipe:
    """TLS over a connection, which is the caller's to close where this fails.

    :param proxy: through which other connections with the address go; None: none.
    :param deadline: of all; the caller sees to it.
    :raises OSError: ssl.SSLError included.
    """
    secure = TlsPipe(pipe, tls, address)
    try:
        await secure.handshake()
        inquiry = tls.inquiry(address, secure.ssl_object, partial(open_connection, proxy, address))
        if inquiry is not None:
            await in_thread(inquiry, deadline)
    except BaseException as exc:
        tls.forget_session(address)
        if isinstance(exc, ConnectionError) and not isinstance(exc, HandshakeFailed):
            raise HandshakeFailed(str(exc) or "the peer ended the connection") from exc
        raise
    return secure


async def _connect_one(target: Target) -> socket.socket:
    sock: socket.socket = begin_connect(*target)
    try:
        await trio.lowlevel.wait_writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        PlainPipe(sock).close()
        raise
    return sock


class _Race:
    """The addresses of one name, each tried a moment after the one before it (RFC 8305)."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._won: socket.socket | None = None
        self._error: OSError = OSError("no address to connect to")

    async def run(self) -> socket.socket:
        """The socket that is connected first. Raises the last error where none is."""
        try:
            async with trio.open_nursery() as nursery:
                self._begin(nursery, 0)
        except BaseException:
            self._close()
            raise
        if self._won is None:
            raise self._error
        return self._won

    def _begin(self, nursery: Any, which: int) -> None:
        nursery.start_soon(self._try, nursery, which)

    async def _try(self, nursery: Any, which: int) -> None:
        ended = trio.Event()
        if which + 1 < len(self._targets):
            nursery.start_soon(self._begin_next, nursery, which + 1, ended)
        try:
            sock = await _connect_one(self._targets[which])
        except OSError as exc:
            self._error = exc
        else:
            self._close()
            self._won = sock
            nursery.cancel_scope.cancel()
        finally:
            ended.set()

    async def _begin_next(self, nursery: Any, which: int, ended: Any) -> None:
        with trio.move_on_after(ATTEMPT_DELAY):
            await ended.wait()
        self._begin(nursery, which)

    def _close(self) -> None:
        won, self._won = self._won, None
        if won is not None:
            won.close()
