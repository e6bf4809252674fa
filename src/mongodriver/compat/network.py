"""Bytes and messages over a socket that somebody holds in his hands."""

from __future__ import annotations

from ssl import SSLWantReadError, SSLWantWriteError
from time import monotonic
from typing import Any

from mongodriver.compat.messages import OpMsg
from mongodriver.compat.socket_checker import SocketChecker
from mongodriver.io.base import first_buffer, larger_buffer
from mongodriver.values.errors import ProtocolError
from mongodriver.values.limits import MAX_MESSAGE_SIZE
from mongodriver.values.public_names import known_as
from mongodriver.wire.compression import decompress_message
from mongodriver.wire.header import HEADER, OP_COMPRESSED, OP_MSG

__all__ = [
    "BLOCKING_IO_ERRORS",
    "NetworkingInterface",
    "NetworkingInterfaceBase",
    "check_header",
    "read_message",
    "receive_data",
    "receive_message",
    "sendall",
    "wait_for_read",
]

#: What a socket says that can do nothing at this moment.
BLOCKING_IO_ERRORS = (BlockingIOError, SSLWantReadError, SSLWantReadError, SSLWantWriteError)


class NetworkingInterfaceBase:
    """What the interfaces of both flavours offer."""

    def __init__(self, conn: Any) -> None:
        self.conn = conn

    @property
    def gettimeout(self) -> Any:
        """Seconds an exchange may take, None for any time."""
        raise NotImplementedError

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        raise NotImplementedError

    def close(self) -> Any:
        """Close it."""
        raise NotImplementedError

    def is_closing(self) -> bool:
        """Whether it was closed."""
        raise NotImplementedError

    @property
    def get_conn(self) -> Any:
        """What bytes are sent with."""
        raise NotImplementedError

    @property
    def sock(self) -> Any:
        """The socket."""
        raise NotImplementedError


class NetworkingInterface(NetworkingInterfaceBase):
    """A socket.

    :param conn: the socket, with TLS or without.
    """

    def gettimeout(self) -> float | None:
        """Seconds a call may take, None for any time."""
        timeout: float | None = self.conn.gettimeout()
        return timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        self.conn.settimeout(timeout)

    def close(self) -> None:
        """Close the socket."""
        self.conn.close()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.fileno() < 0

    @property
    def get_conn(self) -> Any:
        """The socket."""
        return self.conn

    @property
    def sock(self) -> Any:
        """The socket."""
        return self.conn

    def fileno(self) -> int:
        """Its number; -1 when it was closed."""
        number: int = self.conn.fileno()
        return number

    def recv_into(self, buffer: bytes | bytearray | memoryview) -> int:
        """Wait for bytes, and return how many were put into a buffer; 0 at the end."""
        received: int = self.conn.recv_into(buffer)
        return received


class StreamInterface(NetworkingInterface):
    """The socket of a connection that is ours, whose time limits are kept otherwise.

    :param connection: see `mongodriver.compat.connections`.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(connection._core.stream._sock)
        # Not the connection itself, which holds this.
        self._core, self._limits = connection._core, connection._limits

    def gettimeout(self) -> float | None:
        """Seconds an exchange may take, None for any time."""
        timeout: float | None = self._limits.timeout
        return timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set that."""
        self._limits.timeout = timeout

    def close(self) -> None:
        """Close the connection."""
        self._core.close()

    def recv_into(self, buffer: bytes | bytearray | memoryview) -> int:
        """Wait for bytes, and return how many were put into a buffer; 0 at the end."""
        timeout = self.gettimeout()
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            _wait(self, deadline)
            try:
                return super().recv_into(buffer)
            except BLOCKING_IO_ERRORS:
                pass  # of a TLS record there was only a part, say


def _wait(interface: Any, deadline: float | None) -> None:
    """Wait until there is something to read. TimeoutError at the deadline."""
    pending = getattr(interface.conn, "pending", None)
    if pending is not None and pending():
        return  # TLS has it already
    left = None if deadline is None else max(deadline - monotonic(), 0)
    if not SocketChecker().select(interface.sock, read=True, timeout=left):
        raise TimeoutError("timed out")


def wait_for_read(conn: Any, deadline: float | None) -> None:
    """Wait until there is something to read from a connection.

    :param conn: one of `mongodriver.pool`.
    :param deadline: monotonic time; None: any.
    :raises TimeoutError: when there is nothing by then.
    """
    _wait(conn.conn, deadline)


def sendall(sock: Any, buf: bytes) -> None:
    """Send bytes over a socket."""
    sock.sendall(buf)


def receive_data(conn: Any, length: int, deadline: float | None) -> memoryview:
    """Wait for so many bytes from a connection, and return them.

    :param conn: one of `mongodriver.pool`.
    :param deadline: monotonic time; None: any.
    :raises TimeoutError: when they have not come by then.
    :raises OSError: when the server has closed the connection.
    """
    data = first_buffer(length)
    have = 0
    while have < length:
        if have == len(data):
            data = larger_buffer(data, length)
        wait_for_read(conn, deadline)
        try:
            with memoryview(data) as whole, whole[have:] as rest:
                received = conn.conn.recv_into(rest)
        except BLOCKING_IO_ERRORS:
            continue
        if received == 0:
            raise OSError("connection closed")
        have += received
    return memoryview(data)


def check_header(header: Any, request_id: int | None, max_message_size: int) -> int:
    """Return the length that the header of a message tells.

    :param request_id: of the message that it must answer; None: any.
    :raises ProtocolError: for an answer to another one, or one that cannot be or is too long.
    """
    length, _, response_to, _ = HEADER.unpack_from(header)
    if request_id is not None and request_id != response_to:
        raise ProtocolError(f"Got response id {response_to!r} but expected {request_id!r}")
    if length <= HEADER.size:
        raise ProtocolError(
            f"Message length ({length!r}) not longer than standard message header size (16)"
        )
    if length > max_message_size:
        raise ProtocolError(
            f"Message length ({length!r}) is larger than server max message size "
            f"({max_message_size!r})"
        )
    return int(length)


def read_message(message: bytes, max_message_size: int) -> OpMsg:
    """Take a whole message apart.

    :raises ProtocolError: for what is no OP_MSG, compressed or not.
    """
    code = HEADER.unpack_from(message)[3]
    if code == OP_COMPRESSED:
        message = decompress_message(message, max_message_size)
        code = HEADER.unpack_from(message)[3]
    if code != OP_MSG:
        raise ProtocolError(f"Got opcode {code!r} but expected {OP_MSG}")
    return OpMsg.of(message)


def receive_message(
    conn: Any, request_id: int | None, max_message_size: int = MAX_MESSAGE_SIZE
) -> OpMsg:
    """Wait for a message from a connection, and return it.

    :param conn: one of `mongodriver.pool`.
    :param request_id: of the one it must answer; None: any.
    :param max_message_size: the longest one, in bytes.
    :raises ProtocolError: for another one.
    :raises TimeoutError, OSError: see `receive_data`.
    """
    timeout = conn.conn.gettimeout()
    deadline = None if timeout is None else monotonic() + timeout
    header = receive_data(conn, HEADER.size, deadline)
    length = check_header(header, request_id, max_message_size)
    rest = receive_data(conn, length - HEADER.size, deadline)
    return read_message(bytes(header) + bytes(rest), max_message_size)


known_as("mongodriver.network_layer", globals())
