"""The asyncio backend: a buffered protocol per connection and a task per monitor.

A backend belongs to the first event loop it is used in; so do all its streams and events.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

from .aio_connect import ByteStream, is_plain_socket, open_stream, open_through, outcome
from .base import (
    HEADER_SIZE,
    Address,
    BadMessage,
    ConnectionClosed,
    ConnectOptions,
    Conversation,
    ProxyError,
    first_buffer,
    larger_buffer,
    message_length,
)
from .daemon import DaemonCall
from .deadline import remaining, sooner
from .socks import proxy_error

ResultT = TypeVar("ResultT")

#: The reading buffer of a connection. Longer messages get a buffer of their own.
BUFFER_SIZE = 32 * 1024


class AioStream(asyncio.BufferedProtocol):
    """A connection as the loop's protocol: bytes are read straight into our buffer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._buffer = bytearray(BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._have = 0  # bytes of unfinished messages at the start of the buffer
        self._large: bytearray | None = None  # the long message being read
        self._large_have = 0
        self._large_length = 0
        self._max_size = 0
        # Long messages are bytearrays, never changed any more: handed on as bytes, uncopied.
        self._messages: deque[Any] = deque()
        self._reader: asyncio.Future[Any] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._paused = False
        self._full = False
        self.closed = False
        self.fd = -1
        #: Has later connections resume the TLS session of this one; None: there is none.
        self.remember: Callable[[], None] | None = None

    # -- the stream --

    async def exchange(self, message: bytes, deadline: float | None, max_size: int) -> bytes:
        if self.closed:
            raise self._error or ConnectionClosed("connection closed")
        self._max_size = max_size
        try:
            if deadline is not None:
                remaining(deadline)  # nothing is sent that nobody waits for any more
            self._transport.write(message)
            return await self._next(deadline)
        except BaseException:
            self.close()
            raise

    async def send(self, message: bytes, deadline: float | None) -> None:
        if self.closed:
            raise self._error or ConnectionClosed("connection closed")
        try:
            if deadline is not None:
                remaining(deadline)
            self._transport.write(message)
            if self._full:
                self._writer = self._loop.create_future()
                await self._wait(self._writer, deadline)
        except BaseException:
            self.close()
            raise

    async def receive(self, deadline: float | None, max_size: int) -> bytes:
        if self.closed and not self._messages:
            raise self._error or ConnectionClosed("connection closed")
        self._max_size = max_size
        try:
            return await self._next(deadline)
        except BaseException:
            self.close()
            raise

    async def _next(self, deadline: float | None) -> bytes:
        if self._messages:
            return self._messages.popleft()  # type: ignore[no-any-return]
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            self._split()  # whole messages may lie in the buffer already
            if self._messages:
                return self._messages.popleft()  # type: ignore[no-any-return]
        reader: asyncio.Future[bytes] = self._loop.create_future()
        self._reader = reader
        if deadline is None:
            return await reader
        return await self._wait(reader, deadline)

    async def _wait(self, future: asyncio.Future[ResultT], deadline: float | None) -> ResultT:
        if deadline is None:
            return await future
        left = deadline - time.monotonic()
        timer = self._loop.call_later(max(left, 0), _time_out, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def finish(self, start: bytes, deadline: float | None, max_size: int) -> bytes:
        raise RuntimeError("nobody but the event loop reads from this stream")

    def keep_session(self) -> None:
        remember, self.remember = self.remember, None
        if remember is not None:
            remember()

    def is_stale(self) -> bool:
        return self.closed or bool(self._messages) or self._have > 0 or self._large is not None

    def close(self) -> None:
        if self.closed and self._transport is None:
            return
        self.closed = True
        transport, self._transport = self._transport, None
        if transport is not None:
            try:
                transport.abort()
            except RuntimeError:
                pass  # the loop has been closed, and its sockets with it

    def interrupt(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._interrupted)
        except RuntimeError:
            self.closed = True  # the loop has been closed: nobody is waiting

    def dispose(self) -> None:
        self.interrupt()

    def _interrupted(self) -> None:
        self.close()
        self._fail(ConnectionClosed("connection closed"))

    def abandon(self) -> None:
        # The loop's selector is shared with the parent: aborting would end the parent's reads.
        self.closed = True
        self._transport = None

    # -- the protocol --

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        large = self._large
        if large is not None:
            if self._large_have == len(large):
                self._large = large = larger_buffer(large, self._large_length)
            return memoryview(large)[self._large_have :]
        return self._view[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._large is None:
            self._have += nbytes
            self._split()
            return
        self._large_have += nbytes
        if self._large_have == self._large_length:
            message, self._large = self._large, None
            self._deliver(message)

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = None
        self._fail(exc or ConnectionClosed("connection closed"))

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        writer, self._writer = self._writer, None
        if writer is not None and not writer.done():
            writer.set_result(None)

    # -- messages --

    def _split(self) -> None:
        """Deliver the whole messages at the start of the buffer, keep the rest."""
        start = 0
        have = self._have
        while have - start >= HEADER_SIZE and not self._paused:
            try:
                length = message_length(self._view[start : start + 4], self._max_size)
            except BadMessage as exc:
                self._fail(exc)
                self.close()
                return
            end = start + length
            if end > have:
                if length > BUFFER_SIZE:
                    self._begin_large(start, have, length)
                    return
                break
            self._deliver(bytes(self._view[start:end]))
            start = end
        self._have = have - start
        if start and self._have:
            self._buffer[: self._have] = self._buffer[start:have]

    def _begin_large(self, start: int, have: int, length: int) -> None:
        self._large = large = first_buffer(length)
        self._large_length = length
        self._large_have = have - start
        large[: self._large_have] = self._view[start:have]
        self._have = 0

    def _deliver(self, message: bytes | bytearray) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(message)
            return
        # Nobody waits: a stream of replies is ahead of its reader. Let the socket fill up.
        self._messages.append(message)
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def _fail(self, exc: BaseException) -> None:
        self._error = self._error or exc
        for future in (self._reader, self._writer):
            if future is not None and not future.done():
                future.set_exception(exc)
        self._reader = self._writer = None


def _time_out(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(TimeoutError("timed out"))


class AioEvent:
    """A flag that a coroutine of the loop waits for and anybody sets."""

    __slots__ = ("_flag", "_loop", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._flag = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._flag = True
        if self._waiter is None:
            return
        if asyncio._get_running_loop() is self._loop:
            self._wake()
            return
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            pass  # the loop has been closed: nobody waits any more

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def clear(self) -> None:
        self._flag = False

    async def wait(self, timeout: float | None = None) -> bool:
        if self._flag:
            return True
        self._waiter = waiter = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, self._wake)
        try:
            # Set between the check above and the assignment, by another thread: seen here.
            if not self._flag:
                await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        return self._flag


class AioTask:
    """A background task."""

    __slots__ = ("_loop", "_task")

    def __init__(self, task: asyncio.Task[None], loop: asyncio.AbstractEventLoop) -> None:
        self._task = task
        self._loop = loop

    def cancel(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._task.cancel)
        except RuntimeError:
            pass  # the loop has been closed

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not asyncio.current_task():
            await asyncio.wait((self._task,), timeout=timeout)


class AioBackend:
    """An event loop: the one that runs at the first use."""

    name = "asyncio"

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None:
                raise
            here = None  # in trio, say
        if self._loop is not here:
            self._bind()

    def _bind(self) -> None:
        if self._loop is not None:
            raise RuntimeError(
                "Cannot use AsyncMongoClient in different event loop. AsyncMongoClient uses "
                "low-level asyncio APIs that bind it to the event loop it was created on."
            )
        self._loop = asyncio.get_running_loop()

    def is_over(self) -> bool:
        return self._loop is not None and self._loop.is_closed()

    def is_cancelled(self) -> bool:
        return False  # that is an exception, raised once

    def undisturbed(self, seconds: float) -> AbstractContextManager[Any]:
        return nullcontext()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    async def connect(
        self, address: Address, options: ConnectOptions, deadline: float | None = None
    ) -> AioStream:
        loop = self.loop
        proxy = None if address[1] is None else options.proxy
        opened = None
        try:
            deadline = sooner(deadline, options.connect_timeout)
            async with asyncio.timeout(remaining(deadline)):
                if proxy is not None:
                    opened = await open_through(loop, proxy, address)
                tls = options.tls
                stream, below = await open_stream(
                    loop, address, tls, lambda: AioStream(loop), proxy, opened, deadline
                )
                if tls is not None and below is not None:
                    stream.remember = partial(tls.keep_session, address, below.ssl_object)
                return stream
        except OSError as exc:
            if proxy is not None and opened is None and not isinstance(exc, ProxyError):
                raise proxy_error(proxy, exc) from exc
            # Perhaps nothing was waited for. Whoever tries again and again lets the loop go on so:
            # monitors are in it, and other connections that may become free.
            await asyncio.sleep(0)
            raise

    async def converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        deadline: float | None = None,
        opened: Any = None,
    ) -> None:
        loop = self.loop
        if opened is not None:
            opened.setblocking(False)
        deadline = sooner(deadline, options.connect_timeout)
        async with asyncio.timeout(remaining(deadline)):
            stream, _ = await open_stream(
                loop,
                address,
                options.tls,
                lambda: ByteStream(loop),
                opened=opened,
                deadline=deadline,
            )
            try:
                await stream.hold(talk)
            finally:
                stream.close()

    def is_plain_socket(self, value: Any) -> bool:
        return is_plain_socket(value)

    def event(self) -> AioEvent:
        return AioEvent(self.loop)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def spawn(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> AioTask:
        # An empty context: the background work must not inherit a caller's timeout or session.
        task = self.loop.create_task(main(), name=name, context=contextvars.Context())
        return AioTask(task, self.loop)

    def report(self, exc: BaseException) -> None:
        message = "mongodriver: an exception in the background"
        self.loop.call_exception_handler({"message": message, "exception": exc})

    async def call(
        self, function: Callable[..., ResultT], *args: Any, deadline: float | None = None
    ) -> ResultT:
        async with asyncio.timeout(remaining(deadline)):
            return await outcome(self.loop, DaemonCall(function, *args))
