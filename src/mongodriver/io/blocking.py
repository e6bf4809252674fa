"""The blocking backend: plain sockets and threads. Its coroutines never suspend."""

from __future__ import annotations

import contextvars
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

from bsonx._impl import exchange as exchange_in_c
from bsonx._impl import run_coroutine

from .base import (
    HEADER_SIZE,
    Address,
    ConnectionClosed,
    ConnectOptions,
    Conversation,
    first_buffer,
    larger_buffer,
    message_length,
    unpack_length,
)
from .blocking_connect import hold, is_plain_socket, open_connection, open_socket, start_tls
from .daemon import DaemonCall, wait_for
from .deadline import sooner

ResultT = TypeVar("ResultT")

#: Asked of the kernel in one go: most replies are smaller and arrive whole.
READ_SIZE = 32 * 1024
#: How long a socket that C reads from waits in the kernel: seconds and microseconds.
_LOOK_UP_AFTER = struct.pack("@ll", 0, 200_000)

#: Run a coroutine of the core to its end. RuntimeError if it suspends, which none does here.
run: Callable[[Coroutine[Any, Any, ResultT]], ResultT] = run_coroutine


class BlockingStream:
    """A connected socket, plain or TLS."""

    __slots__ = (
        "_extra",
        "_keep_session",
        "_recv",
        "_recv_into",
        "_sendall",
        "_sock",
        "_timeout",
        "_tls",
        "closed",
        "fd",
    )

    def __init__(
        self, sock: socket.socket, tls: bool = False, keep_session: Callable[[], None] | None = None
    ) -> None:
        sock.settimeout(None)
        self._sock = sock
        self._tls = tls
        self._keep_session = keep_session
        self._timeout: float | None = None
        self._sendall = sock.sendall
        self._recv = sock.recv
        self._recv_into = sock.recv_into
        self._extra = b""
        self.closed = False
        self.fd = -1
        if exchange_in_c is not None and _is_plain(sock):
            self.fd = sock.fileno()
            _look_up_from_time_to_time(sock)
            self._recv = _patient(sock.recv)
            self._recv_into = _patient(sock.recv_into)

    async def exchange(self, message: bytes, deadline: float | None, max_size: int) -> bytes:
        try:
            if deadline is not None:
                self._send_within(message, deadline)
                self._limit(deadline)
            else:
                if self._timeout is not None:
                    self._limit(None)
                self._sendall(message)
            data = self._extra or self._recv(READ_SIZE)
            size = len(data)
            # The usual case, with no further call: one recv brought exactly one message.
            if size >= HEADER_SIZE and unpack_length(data)[0] == size <= max_size:
                self._extra = b""
                return data
            return self._complete(data, deadline, max_size)
        except BaseException as exc:
            raise self._broken(exc)

    async def send(self, message: bytes, deadline: float | None) -> None:
        try:
            if deadline is not None:
                self._send_within(message, deadline)
            else:
                if self._timeout is not None:
                    self._limit(None)
                self._sendall(message)
        except BaseException as exc:
            raise self._broken(exc)

    def _send_within(self, message: bytes, deadline: float) -> None:
        """`sendall` with a limit for the whole: a TLS socket has one for each of its records."""
        self._limit(deadline)
        if not self._tls:
            self._sendall(message)
            return
        with memoryview(message) as view:
            sent = self._sock.send(view)
            while sent < len(view):
                self._limit(deadline)
                sent += self._sock.send(view[sent:])

    async def receive(self, deadline: float | None, max_size: int) -> bytes:
        try:
            data = self._extra
            if not data:
                if deadline is not None or self._timeout is not None:
                    self._limit(deadline)
                data = self._recv(READ_SIZE)
            return self._complete(data, deadline, max_size)
        except BaseException as exc:
            raise self._broken(exc)

    async def finish(self, start: bytes, deadline: float | None, max_size: int) -> bytes:
        try:
            return self._complete(start, deadline, max_size)
        except BaseException as exc:
            raise self._broken(exc)

    def _complete(self, data: bytes, deadline: float | None, max_size: int) -> bytes:
        """One whole message from its first bytes; what follows it is kept for the next call."""
        if not data:
            raise ConnectionClosed("connection closed")
        while len(data) < HEADER_SIZE:
            if deadline is not None:
                self._limit(deadline)
            more = self._recv(READ_SIZE)
            if not more:
                raise ConnectionClosed("connection closed")
            data += more
        length = message_length(data, max_size)
        if len(data) >= length:
            self._extra = data[length:]
            return data[:length]
        self._extra = b""
        return self._fill(data, length, deadline)

    def _fill(self, start: bytes, length: int, deadline: float | None) -> bytes:
        """A message longer than one read, gathered in place."""
        whole = first_buffer(length)
        have = len(start)
        whole[:have] = start
        while have < length:
            if have == len(whole):
                whole = larger_buffer(whole, length)
            with memoryview(whole) as view:
                while have < len(view):
                    if deadline is not None:
                        self._limit(deadline)
                    count = self._recv_into(view[have:])
                    if not count:
                        raise ConnectionClosed("connection closed")
                    have += count
        return whole  # type: ignore[return-value]  # bytes-like and never changed: not copied

    def _limit(self, deadline: float | None) -> None:
        """Make the next socket call respect `deadline`."""
        if deadline is None:
            self._timeout = None
        else:
            self._timeout = deadline - time.monotonic()
            if self._timeout <= 0:
                raise TimeoutError("timed out")
        self._sock.settimeout(self._timeout)

    def keep_session(self) -> None:
        if self._keep_session is not None:
            self._keep_session()
            self._keep_session = None

    def is_stale(self) -> bool:
        if self.closed or self._extra:
            return True
        try:
            return is_readable(self._sock)
        except (OSError, ValueError):
            return True

    def _broken(self, exc: BaseException) -> BaseException:
        """What to raise for an exception, which ends the stream."""
        was_closed = self.closed
        self.close()
        # What a call on a socket that was shut down meanwhile says depends on the system, and for
        # TLS on OpenSSL: nothing, a reset, a broken pipe, no descriptor.
        if was_closed and isinstance(exc, (OSError, ValueError)):
            return ConnectionClosed("connection closed")
        return exc

    # On the way out errors of any kind are swallowed: the socket may be another library's.

    def close(self) -> None:
        self.closed = True
        self.fd = -1
        try:
            self._sock.close()
        except Exception:
            pass

    def interrupt(self) -> None:
        # Only a shutdown: closing here could hand the descriptor's number to another socket
        # while the user's thread is about to read from it.
        self.closed = True
        try:
            _shut_down(self._sock, self._tls)
        except Exception:
            pass

    def dispose(self) -> None:
        self.close()

    def abandon(self) -> None:
        self.close()


def _is_plain(sock: Any) -> bool:
    """Whether a socket is one of the operating system: no TLS, and not what gevent puts there."""
    return type(sock) is socket.socket and socket.socket.__module__ == "socket"


def _look_up_from_time_to_time(sock: socket.socket) -> None:
    """Have the kernel end a wait for data without limit now and then, with EAGAIN.

    A signal that arrives just before such a wait would not end it.
    """
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LOOK_UP_AFTER)
    except OSError:
        pass  # another layout of the time: it is as with other sockets of Python, then


def _patient(receive: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """A method of a socket that goes on after such an interruption."""

    def patiently(*args: Any) -> ResultT:
        while True:
            try:
                return receive(*args)
            except BlockingIOError:
                pass

    return patiently


def _shut_down(sock: Any, tls: bool) -> None:
    if tls:
        import ssl

        if isinstance(sock, ssl.SSLSocket):
            # Past SSLSocket's own method, which makes a plain socket of it: the thread that is
            # reading would then take what is left of the encrypted bytes for a message.
            sock = super(ssl.SSLSocket, sock)
    sock.shutdown(socket.SHUT_RDWR)


def is_readable(sock: socket.socket) -> bool:
    """Whether a socket has something to be read at this moment, its end included."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], (), (), 0)[0])
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))


class BlockingEvent:
    """A flag that one thread waits for and anybody sets, finalizers included.

    Not a `threading.Event`: that holds a lock while it is being waited for, and the collector may
    run a finalizer that sets it in the very thread that holds the lock. Here `set` only opens a
    gate, which never blocks, whoever has it shut.
    """

    __slots__ = ("_flag", "_gate")

    def __init__(self) -> None:
        self._flag = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def set(self) -> None:
        self._flag = True
        try:
            self._gate.release()
        except RuntimeError:
            pass  # it is open already

    def clear(self) -> None:
        self._flag = False

    async def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        # The gate may stand open since a flag that was cleared: hence the loop.
        while not self._flag:
            left = -1.0
            if deadline is not None:
                left = min(max(deadline - time.monotonic(), 0.0), threading.TIMEOUT_MAX)
            if not self._gate.acquire(timeout=left):
                break
        return self._flag


class BlockingTask:
    """A background thread."""

    __slots__ = ("_thread",)

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def cancel(self) -> None:
        return None  # a thread ends by itself: its stream is interrupted, its event set

    async def join(self, timeout: float | None = None) -> None:
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)


class BlockingBackend:
    """Sockets and threads."""

    name = "blocking"

    def check(self) -> None:
        return None

    def is_over(self) -> bool:
        return False

    def is_cancelled(self) -> bool:
        return False

    def undisturbed(self, seconds: float) -> AbstractContextManager[Any]:
        return nullcontext()

    async def connect(
        self, address: Address, options: ConnectOptions, deadline: float | None = None
    ) -> BlockingStream:
        deadline = sooner(deadline, options.connect_timeout)
        dial = partial(open_connection, options.proxy, address)
        sock = dial(deadline)
        tls = options.tls
        if tls is None:
            return BlockingStream(sock)
        secure = start_tls(sock, tls, address, dial, deadline)
        return BlockingStream(secure, True, partial(tls.keep_session, address, secure))

    async def converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        deadline: float | None = None,
        opened: Any = None,
    ) -> None:
        deadline = sooner(deadline, options.connect_timeout)
        sock = open_socket(address, deadline) if opened is None else opened
        if options.tls is not None:
            dial = partial(open_connection, None, address)
            sock = start_tls(sock, options.tls, address, dial, deadline)
        try:
            hold(sock, talk, deadline)
        finally:
            sock.close()

    def is_plain_socket(self, value: Any) -> bool:
        return is_plain_socket(value)

    def event(self) -> BlockingEvent:
        return BlockingEvent()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def spawn(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> BlockingTask:
        # An empty context: the background work must not inherit a caller's timeout, which threads
        # of some builds do.
        target = contextvars.Context().run
        thread = threading.Thread(target=target, args=(_run_main, main), name=name, daemon=True)
        thread.start()
        return BlockingTask(thread)

    def report(self, exc: BaseException) -> None:
        thread = threading.current_thread()
        threading.excepthook(threading.ExceptHookArgs((type(exc), exc, exc.__traceback__, thread)))

    async def call(
        self, function: Callable[..., ResultT], *args: Any, deadline: float | None = None
    ) -> ResultT:
        if deadline is None:
            return function(*args)
        return wait_for(DaemonCall(function, *args), deadline)


def _run_main(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(main())
