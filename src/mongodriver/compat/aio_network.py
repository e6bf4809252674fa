"""Bytes and messages over a transport of asyncio that somebody holds in his hands."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import Any

from mongodriver.compat.messages import OpMsg
from mongodriver.compat.network import NetworkingInterfaceBase, check_header, read_message
from mongodriver.io.aio import AioStream
from mongodriver.io.base import first_buffer, larger_buffer
from mongodriver.values.limits import MAX_MESSAGE_SIZE
from mongodriver.values.public_names import known_as
from mongodriver.wire.compression import decompress_message
from mongodriver.wire.header import HEADER, OP_COMPRESSED

__all__ = [
    "AsyncNetworkingInterface",
    "PyMongoProtocol",
    "async_receive_data_socket",
    "async_receive_message",
    "async_sendall",
    "async_socket_sendall",
    "stream_of",
]


class AsyncNetworkingInterface(NetworkingInterfaceBase):
    """A transport and its protocol.

    :param conn: both, as a tuple.
    """

    @property
    def gettimeout(self) -> float | None:
        """Seconds an exchange may take, None for any time."""
        timeout: float | None = self.get_conn.gettimeout
        return timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        self.get_conn.settimeout(timeout)

    async def close(self) -> None:
        """Close it, and wait until it is closed."""
        self.get_conn.close()
        await self.get_conn.wait_closed()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return bool(self.conn[0].is_closing())

    @property
    def get_conn(self) -> Any:
        """The protocol."""
        return self.conn[1]

    @property
    def sock(self) -> Any:
        """The socket."""
        return self.conn[0].get_extra_info("socket")


class PyMongoProtocol(asyncio.BufferedProtocol):
    """Whole messages over a transport.

    :param timeout: seconds a read may take, None for any time.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self.transport: Any = None
        self._timeout = timeout
        self._header = bytearray(HEADER.size)
        self._begin()
        self._messages: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._request_id: int | None = None
        self._max_size = MAX_MESSAGE_SIZE
        self._paused = False

    def _begin(self) -> None:
        """The header of the next message follows."""
        self._message: bytearray = self._header
        self._length = HEADER.size
        self._have = 0

    @property
    def gettimeout(self) -> float | None:
        """Seconds a read may take, None for any time."""
        return self._timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        self._timeout = timeout

    # -- what the event loop calls --

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport
        self._closed = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return memoryview(self._message)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes are there."""
        self._have += nbytes
        if self._have < len(self._message):
            return
        if self._message is self._header:
            try:
                length, _ = self.process_header()
            except Exception as exc:
                self.close(exc)
                return
            self._length += length
            self._message = first_buffer(self._length)
            self._message[: HEADER.size] = self._header
            return
        if self._have < self._length:
            self._message = larger_buffer(self._message, self._length)
            return
        self._messages.append(bytes(self._message))
        self._begin()
        if self._reader is None or self._reader.done():
            # Nobody waits: let the socket fill up.
            self._paused = True
            self.transport.pause_reading()
        _wake(self._reader)

    def connection_lost(self, exc: Exception | None = None) -> None:
        """It has ended."""
        self._error = self._error or exc or OSError("connection closed")
        for waiting in (self._reader, self._writer, self._closed):
            _wake(waiting)

    def pause_writing(self) -> None:
        """The transport has no room at this moment."""
        self._writer = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """The transport has room again."""
        writer, self._writer = self._writer, None
        _wake(writer)

    # -- messages --

    def process_header(self) -> tuple[int, int]:
        """Return how many bytes follow the header that has come, and what kind of message it is.

        :raises ProtocolError: for a length that cannot be.
        """
        length = check_header(self._header, None, self._max_size)
        return length - HEADER.size, HEADER.unpack_from(self._header)[3]

    def process_compression_header(self) -> tuple[int, int]:
        """Return what kind of message the compressed one is that has come, and how it is packed."""
        message = self._messages[-1] if self._messages else self._message
        start = HEADER.size
        return int.from_bytes(message[start : start + 4], "little"), message[start + 8]

    async def read(self, request_id: int | None, max_message_size: int) -> tuple[memoryview, int]:
        """Wait for a message; what follows its header, inflated, and its kind.

        :param request_id: of the one that it must answer; None: any.
        :param max_message_size: the longest one, in bytes.
        :raises ProtocolError: for another one.
        :raises TimeoutError: when none has come in time. The connection is closed then.
        :raises OSError: when the connection is closed.
        """
        self._max_size = max_message_size
        try:
            async with asyncio.timeout(self._timeout):
                while not self._messages:
                    if self._error is not None:
                        raise self._error
                    if self._paused:
                        self._paused = False
                        self.transport.resume_reading()
                    self._reader = asyncio.get_running_loop().create_future()
                    await self._reader
        except TimeoutError:
            self.close()
            raise TimeoutError("timed out") from None
        message = self._messages.popleft()
        check_header(message, request_id, max_message_size)
        if HEADER.unpack_from(message)[3] == OP_COMPRESSED:
            message = decompress_message(message, max_message_size)
        return memoryview(message)[HEADER.size :], HEADER.unpack_from(message)[3]

    async def write(self, message: bytes) -> None:
        """Send bytes, and wait until there is room for more.

        :raises OSError: when the connection is closed.
        """
        if self._error is not None or self.transport.is_closing():
            raise self._error or OSError("connection closed")
        self.transport.write(message)
        if self._writer is not None:
            await asyncio.shield(self._writer)

    def close(self, exc: Exception | None = None) -> None:
        """Close the connection at once.

        :param exc: what whoever waits for a message gets.
        """
        self._error = self._error or exc
        if self.transport is not None:
            self.transport.abort()

    async def wait_closed(self) -> None:
        """Wait until it is closed."""
        if self._closed is not None:
            await asyncio.shield(self._closed)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


class StreamProtocol:
    """The protocol of a connection that is ours.

    :param connection: see `mongodriver.compat.connections`.
    """

    def __init__(self, connection: Any) -> None:
        # Not the connection itself, which holds this.
        self._core, self._limits = connection._core, connection._limits
        self.transport = connection._core.stream._transport

    @property
    def gettimeout(self) -> float | None:
        """Seconds an exchange may take, None for any time."""
        timeout: float | None = self._limits.timeout
        return timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        self._limits.timeout = timeout

    def _deadline(self) -> float | None:
        return None if self.gettimeout is None else monotonic() + self.gettimeout

    async def write(self, message: bytes) -> None:
        """Send bytes."""
        await self._core.stream.send(message, self._deadline())

    async def read(self, request_id: int | None, max_message_size: int) -> tuple[memoryview, int]:
        """Wait for a message; see `PyMongoProtocol.read`."""
        stream = self._core.stream
        message = await stream.receive(self._deadline(), MAX_MESSAGE_SIZE)
        try:
            check_header(message, request_id, max_message_size)
            if HEADER.unpack_from(message)[3] == OP_COMPRESSED:
                message = decompress_message(message, max_message_size)
        except BaseException:
            stream.close()
            raise
        return memoryview(message)[HEADER.size :], HEADER.unpack_from(message)[3]

    def close(self, exc: Exception | None = None) -> None:
        """Close the connection at once; whoever waits for a message gets our error of that."""
        self._core.close()

    async def wait_closed(self) -> None:
        """Wait until the event loop has let go of it."""
        while self.transport.get_extra_info("socket").fileno() >= 0:
            await asyncio.sleep(0)


def stream_of(interface: AsyncNetworkingInterface) -> AioStream:
    """Take a transport over from its protocol."""
    transport = interface.conn[0]
    stream = AioStream(asyncio.get_running_loop())
    transport.set_protocol(stream)
    stream.connection_made(transport)
    return stream


async def async_sendall(conn: Any, buf: bytes) -> None:
    """Send bytes.

    :param conn: a protocol: ``get_conn`` of an `AsyncNetworkingInterface`.
    """
    await conn.write(buf)


async def async_receive_message(
    conn: Any, request_id: int | None, max_message_size: int = MAX_MESSAGE_SIZE
) -> OpMsg:
    """Wait for a message from a connection, and return it.

    :param conn: an asynchronous one of `mongodriver.asynchronous.pool`.
    :param request_id: of the one it must answer; None: any.
    :param max_message_size: the longest one, in bytes.
    :raises ProtocolError: for another one.
    :raises TimeoutError, OSError: when none has come in time, or the connection is closed.
    """
    data, code = await conn.conn.get_conn.read(request_id, max_message_size)
    header = HEADER.pack(HEADER.size + len(data), 0, 0, code)
    return read_message(header + bytes(data), max_message_size)


async def async_socket_sendall(sock: Any, buf: bytes) -> None:
    """Send bytes over a socket that does not block."""
    await asyncio.get_running_loop().sock_sendall(sock, buf)


async def async_receive_data_socket(sock: Any, length: int) -> memoryview:
    """Wait for so many bytes from a socket that does not block, and return them.

    :raises OSError: when the peer has closed the connection.
    """
    loop = asyncio.get_running_loop()
    data = first_buffer(length)
    have = 0
    while have < length:
        if have == len(data):
            data = larger_buffer(data, length)
        with memoryview(data) as whole, whole[have:] as rest:
            received = await loop.sock_recv_into(sock, rest)
        if received == 0:
            raise OSError("connection closed")
        have += received
    return memoryview(data)


known_as("mongodriver.network_layer", globals())
