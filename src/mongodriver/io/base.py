"""What a backend offers to the core: streams, events, sleeping and background coroutines.

The core is written once, as coroutines, against these protocols. On the blocking backend none of
the coroutines ever suspends; on those of asyncio and trio they suspend as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractContextManager
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bsonx._impl import resize

if TYPE_CHECKING:
    from ..values.proxy import Proxy
    from .tls import Tls

ResultT = TypeVar("ResultT")

#: ``(host, port)``; port None makes the host the path of a Unix socket.
Address = tuple[str, int | None]

#: Yields bytes to send, or how many to receive at most; is sent what has come, b"" at the end.
Conversation = Generator["bytes | int", bytes, None]

#: A message starts with four little-endian int32: length, requestID, responseTo, opCode.
HEADER_SIZE = 16
#: The largest piece of memory that is taken because a header says so, in bytes.
FIRST_BUFFER = 1 << 20
unpack_length = Struct("<i").unpack_from


class ConnectionClosed(OSError):
    """The peer ended the connection, or it was closed here while it was in use."""


class BadMessage(OSError):
    """A header announced an impossible length, so the stream cannot be followed any further."""


class HandshakeFailed(ConnectionError):
    """The peer ended the connection instead of speaking TLS."""


class ProxyError(ConnectionError):
    """The proxy cannot be reached, or does not connect us with the server."""


def message_length(header: bytes | bytearray | memoryview, max_size: int) -> int:
    """The message length a header announces, checked before anything of that size is allocated.

    :param header: at least the first 4 bytes of a message.
    :param max_size: the largest length accepted, in bytes.
    :raises BadMessage: for a length below that of a header, or above `max_size`.
    """
    length: int = unpack_length(header)[0]
    if length < HEADER_SIZE:
        raise BadMessage(
            f"Message length ({length}) not longer than standard message header size (16)"
        )
    if length > max_size:
        raise BadMessage(
            f"Message length ({length}) is larger than server max message size ({max_size})"
        )
    return length


def first_buffer(length: int) -> bytearray:
    """Where a long message begins to be gathered: not `length` bytes, which is only announced."""
    return bytearray(min(length, FIRST_BUFFER))


def larger_buffer(full: bytearray, length: int) -> bytearray:
    """A buffer with the content of a full one and room for as much again, `length` at most.

    A forged length so costs memory only for what has really arrived.
    """
    size = min(2 * len(full), length)
    try:
        resize(full, size)
    except BufferError:
        full = bytearray(full)  # whoever wrote into it has not let go of it yet
        resize(full, size)
    return full


class ConnectOptions:
    """How to open a stream.

    :param connect_timeout: the seconds allowed; None: any.
    :param tls: None: without TLS.
    :param proxy: through which TCP connections go; None: none.
    """

    __slots__ = ("connect_timeout", "proxy", "tls")

    def __init__(
        self,
        connect_timeout: float | None = None,
        tls: Tls | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.connect_timeout = connect_timeout
        self.tls = tls
        self.proxy = proxy
        if proxy is not None:
            from . import socks  # noqa: F401  # now: threads in the background connect with it


class Stream(Protocol):
    """One connection that carries whole messages; one user at a time.

    Deadlines are values of `time.monotonic()`, None for no limit; a missed one raises
    TimeoutError. Whatever is raised by `send`, `receive` or `exchange`, cancellation and Ctrl-C
    included, leaves the stream closed: a stream never carries half a message. It stays open only
    for whoever was cancelled before anything was sent (in trio).
    """

    closed: bool
    #: Of a plain socket that `bsonx._impl.exchange` may use; -1 where there is none.
    fd: int

    async def exchange(self, message: bytes, deadline: float | None, max_size: int) -> bytes:
        """Send one message and return the whole next one, header included."""

    async def send(self, message: bytes, deadline: float | None) -> None:
        """Send one message."""

    async def receive(self, deadline: float | None, max_size: int) -> bytes:
        """Return the next whole message; a length above `max_size` raises BadMessage."""

    async def finish(self, start: bytes, deadline: float | None, max_size: int) -> bytes:
        """Return the whole next message, of which somebody has received the first bytes already.

        Only of streams that have an `fd`.
        """

    def keep_session(self) -> None:
        """The peer has spoken: later connections may resume the TLS session, if there is one."""

    def is_stale(self) -> bool:
        """Whether the peer has closed this idle stream, or sent bytes nobody asked for."""

    def close(self) -> None:
        """Close, by the stream's user. Never raises."""

    def interrupt(self) -> None:
        """Make the user's pending or next call fail. From any thread; never raises."""

    def dispose(self) -> None:
        """Close a stream nobody uses. From any thread; never raises."""

    def abandon(self) -> None:
        """Let go without protocol traffic: in a child process after a fork."""


class Event(Protocol):
    """A flag for one waiter. Every method but `wait` may be called from any thread."""

    def set(self) -> None: ...

    def clear(self) -> None: ...

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag, at most `timeout` seconds; return whether it is set."""


class Task(Protocol):
    """A background coroutine started by `Backend.spawn`."""

    def cancel(self) -> None:
        """Cancel it where that is possible (not a thread). From any thread; never raises."""

    async def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most `timeout` seconds; its errors are not raised here."""


class Backend(Protocol):
    """One way of doing I/O: blocking calls, an asyncio event loop, or trio."""

    @property
    def name(self) -> str:
        """``"blocking"``, or another name where coroutines suspend."""

    def check(self) -> None:
        """Raise RuntimeError where the backend cannot be used: in another event loop."""

    def is_over(self) -> bool:
        """Whether nothing can be run with it any more: its event loop has been closed."""

    def is_cancelled(self) -> bool:
        """Whether all that the caller awaits would be cancelled at once, as he was (in trio)."""

    def undisturbed(self, seconds: float) -> AbstractContextManager[Any]:
        """A block for last words: where `is_cancelled`, it can still await for some seconds."""

    async def connect(
        self, address: Address, options: ConnectOptions, deadline: float | None = None
    ) -> Stream:
        """Open a stream, TLS included, before the sooner of the deadline and the options' limit.

        :raises OSError: TimeoutError and ssl.SSLError included.
        """

    async def converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        deadline: float | None = None,
        opened: Any = None,
    ) -> None:
        """Connect, carry a conversation on, and close.

        :param opened: a plain socket that somebody has connected with the address already; it is
            closed as well.
        :raises OSError: TimeoutError and ssl.SSLError included; and what `talk` raises.
        """

    def is_plain_socket(self, value: Any) -> bool:
        """Whether a value is a socket without TLS."""

    def event(self) -> Event: ...

    async def sleep(self, seconds: float) -> None: ...

    def spawn(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> Task:
        """Run `main()` in the background: in a daemon thread, or as a task of the loop."""

    def report(self, exc: BaseException) -> None:
        """Tell of an exception that background work goes on after; never raises."""

    async def call(
        self, function: Callable[..., ResultT], *args: Any, deadline: float | None = None
    ) -> ResultT:
        """Run a slow function (key derivation) without holding up other coroutines.

        :raises TimeoutError: at the deadline; the function may go on then, unheard.
        """
