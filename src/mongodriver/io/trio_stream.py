"""Whole messages over a connection in trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

from .base import (
    HEADER_SIZE,
    ConnectionClosed,
    first_buffer,
    larger_buffer,
    message_length,
    unpack_length,
)
from .blocking import is_readable
from .deadline import remaining
from .trio_pipes import Pipe

__all__ = ["TrioStream", "within"]

ResultT = TypeVar("ResultT")

#: Asked of the kernel in one go: most replies are smaller and arrive whole.
READ_SIZE = 32 * 1024


async def within(
    deadline: float | None, function: Callable[..., Awaitable[ResultT]], *args: Any
) -> ResultT:
    """What a function returns until a deadline. Raises TimeoutError when it is over."""
    left = remaining(deadline)
    if left is None:
        return await function(*args)
    with trio.CancelScope(deadline=trio.current_time() + left):
        return await function(*args)
    raise TimeoutError("timed out")


class TrioStream:
    """A connection of one run of trio. Nobody reads from it while it is idle.

    :param remember: has later connections resume the TLS session of this one.
    """

    def __init__(self, pipe: Pipe, token: Any, remember: Callable[[], None] | None = None) -> None:
        self._pipe = pipe
        self._token = token
        self._remember = remember
        self._extra = b""
        self.closed = False
        self.fd = -1

    async def exchange(self, message: bytes, deadline: float | None, max_size: int) -> bytes:
        if self.closed:
            raise ConnectionClosed("connection closed")
        # Whoever was cancelled before sends nothing, and the connection is as good as it was.
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            if deadline is None:
                return await self._exchange(message, max_size)
            return await within(deadline, self._exchange, message, max_size)
        except BaseException as exc:
            raise self._broken(exc)

    async def _exchange(self, message: bytes, max_size: int) -> bytes:
        await self._pipe.send(message)
        return await self._next(max_size)

    async def send(self, message: bytes, deadline: float | None) -> None:
        if self.closed:
            raise ConnectionClosed("connection closed")
        # Before anything is sent: often nothing else here waits, and others have their turn.
        await trio.lowlevel.checkpoint()
        try:
            await within(deadline, self._pipe.send, message)
        except BaseException as exc:
            raise self._broken(exc)

    async def receive(self, deadline: float | None, max_size: int) -> bytes:
        if self.closed:
            raise ConnectionClosed("connection closed")
        try:
            return await within(deadline, self._next, max_size)
        except BaseException as exc:
            raise self._broken(exc)

    def _broken(self, exc: BaseException) -> BaseException:
        """What to raise for an exception, which ends the stream."""
        was_closed, self.closed = self.closed, True
        self._pipe.close()
        # A socket that was closed meanwhile has no descriptor any more, which is a ValueError.
        closed = (OSError, ValueError) if was_closed else ()
        if isinstance(exc, (trio.ClosedResourceError, *closed)):
            return ConnectionClosed("connection closed")
        return exc

    async def _next(self, max_size: int) -> bytes:
        data = self._extra or await self._pipe.receive(READ_SIZE)
        size = len(data)
        # The usual case: one read brought exactly one message.
        if size >= HEADER_SIZE and unpack_length(data)[0] == size <= max_size:
            self._extra = b""
            return data
        return await self._complete(data, max_size)

    async def _complete(self, data: bytes, max_size: int) -> bytes:
        """One whole message from its first bytes; what follows it is kept for the next call."""
        if not data:
            raise ConnectionClosed("connection closed")
        while len(data) < HEADER_SIZE:
            more = await self._pipe.receive(READ_SIZE)
            if not more:
                raise ConnectionClosed("connection closed")
            data += more
        length = message_length(data, max_size)
        if len(data) >= length:
            self._extra = data[length:]
            return data[:length]
        self._extra = b""
        return await self._fill(data, length)

    async def _fill(self, start: bytes, length: int) -> bytes:
        """A message longer than one read, gathered in place."""
        whole = first_buffer(length)
        have = len(start)
        whole[:have] = start
        while have < length:
            if have == len(whole):
                whole = larger_buffer(whole, length)
            with memoryview(whole) as view:
                while have < len(view):
                    with view[have:] as rest:
                        count = await self._pipe.receive_into(rest)
                    if not count:
                        raise ConnectionClosed("connection closed")
                    have += count
        return whole  # type: ignore[return-value]  # bytes-like and never changed: not copied

    async def finish(self, start: bytes, deadline: float | None, max_size: int) -> bytes:
        raise RuntimeError("nobody but the run of trio reads from this stream")

    def keep_session(self) -> None:
        remember, self._remember = self._remember, None
        if remember is not None:
            remember()

    def is_stale(self) -> bool:
        if self.closed or self._extra:
            return True
        try:
            return is_readable(self._pipe.sock)
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        self.closed = True
        self._pipe.close()

    def interrupt(self) -> None:
        try:
            self._token.run_sync_soon(self.close)
        except trio.RunFinishedError:
            self.close()  # nobody is waiting

    def dispose(self) -> None:
        self.interrupt()

    def abandon(self) -> None:
        # What trio waits with is shared with the parent, which goes on with its own descriptor.
        self.closed = True
        self._pipe.sock.close()
