"""One established connection: whole messages out and in, with compression and reply checks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.errors import InvalidBSON

from ..values.address import address_text
from ..values.errors import ProtocolError
from ..values.hello import Hello
from ..values.limits import MAX_MESSAGE_SIZE, MAX_REPLY_SIZE
from ..values.server_type import SERVER_TYPE
from ..wire.checksum import is_intact
from ..wire.header import (
    CHECKSUM_PRESENT,
    MORE_TO_COME,
    OP_COMPRESSED,
    OP_MSG,
    next_request_id,
    unpack_header,
)
from ..wire.op_msg import decode_message, encode_message
from ..wire.op_query import decode_reply, encode_query

if TYPE_CHECKING:
    from ..io.base import Address, Stream
    from ..wire.compression import Compressor
    from .login import Login

#: What a connection has heard before its handshake.
NO_HELLO: Hello[Any] = Hello({})


class Connection:
    """A stream with what its handshake told. Used by one operation at a time.

    :param id: number within the pool, as in pool events; 0 for monitoring connections.
    :param generation: of the pool when the connection was begun.
    """

    __slots__ = (
        "__weakref__",
        "_last_reply_id",
        "address",
        "compressor",
        "created",
        "generation",
        "handshake_seconds",
        "hello",
        "id",
        "last_used",
        "logical_session_timeout_minutes",
        "login",
        "max_bson_size",
        "max_message_size",
        "max_reply_size",
        "max_wire_version",
        "max_write_batch_size",
        "more_to_come",
        "pinned",
        "server_connection_id",
        "server_type",
        "service_id",
        "stream",
        "supports_retryable_writes",
        "supports_sessions",
    )

    def __init__(self, stream: Stream, address: Address, id: int = 0, generation: int = 0) -> None:
        self.stream = stream
        self.address = address
        self.id = id
        self.generation = generation
        self.created = self.last_used = monotonic()
        self.compressor: Compressor | None = None
        self.hello = NO_HELLO
        self.server_type = SERVER_TYPE.Unknown
        self.service_id: Any = None
        self.server_connection_id: int | None = None
        self.logical_session_timeout_minutes: int | None = None
        self.supports_sessions = False
        self.supports_retryable_writes = False
        #: Seconds the hello of the handshake took.
        self.handshake_seconds = 0.0
        self.max_wire_version = 0
        self.max_bson_size = self.hello.max_bson_size
        self.max_message_size = self.hello.max_message_size
        self.max_write_batch_size = self.hello.max_write_batch_size
        self.max_reply_size = MAX_MESSAGE_SIZE
        #: The server streams further replies to the last request: nothing else may be sent.
        self.more_to_come = False
        self._last_reply_id = 0
        #: How its user was logged in, and can be again; None: nobody was.
        self.login: Login | None = None
        #: What keeps it out of the pool: "cursor", "transaction"; "" for nothing.
        self.pinned = ""

    def __repr__(self) -> str:
        return f"<Connection {self.id} to {self.address!r}>"

    @property
    def closed(self) -> bool:
        return self.stream.closed

    def close(self) -> None:
        self.stream.close()

    def adopt(self, hello: Hello[Any]) -> None:
        """Take the limits and the identity from the reply to the handshake."""
        self.hello = hello
        self.server_type = hello.server_type
        self.max_wire_version = hello.max_wire_version
        self.max_bson_size = hello.max_bson_size
        self.max_message_size = hello.max_message_size
        self.max_write_batch_size = hello.max_write_batch_size
        self.max_reply_size = min(max(self.max_message_size, MAX_MESSAGE_SIZE), MAX_REPLY_SIZE)
        self.service_id = hello.service_id
        self.server_connection_id = hello.connection_id
        self.logical_session_timeout_minutes = hello.logical_session_timeout_minutes
        self.supports_sessions = hello.logical_session_timeout_minutes is not None
        self.supports_retryable_writes = (
            self.supports_sessions and hello.server_type != SERVER_TYPE.Standalone
        )

    async def exchange(
        self, message: bytes, request_id: int, deadline: float | None, name: str
    ) -> bytes:
        """Send one OP_MSG and return its reply as an OP_MSG. Any error closes the connection.

        :param name: the command's name; some must not be compressed.
        """
        if self.compressor is not None:
            message = self._pack(message, name)
        reply = await self.stream.exchange(message, deadline, self.max_reply_size)
        _, _, response_to, opcode = unpack_header(reply)
        if response_to == request_id and opcode == OP_MSG:
            return reply
        return self._unwrap(reply, request_id)

    async def finish(self, start: bytes, request_id: int, deadline: float | None) -> bytes:
        """The reply that begins with bytes already received, as `exchange` returns it."""
        reply = await self.stream.finish(start, deadline, self.max_reply_size)
        return self._unwrap(reply, request_id)

    async def send(self, message: bytes, deadline: float | None, name: str) -> None:
        """Send one OP_MSG that gets no reply."""
        if self.compressor is not None:
            message = self._pack(message, name)
        await self.stream.send(message, deadline)

    def _pack(self, message: bytes, name: str) -> bytes:
        from ..wire.compression import UNCOMPRESSED_COMMANDS, compress_message  # with compressors

        if self.compressor is None or name in UNCOMPRESSED_COMMANDS:
            return message
        return compress_message(message, self.compressor)

    async def receive(self, deadline: float | None, request_id: int | None = None) -> bytes:
        """The next message of a stream of replies.

        :param request_id: of the message that it must answer, if that is not the reply before it.
        """
        reply = await self.stream.receive(deadline, self.max_reply_size)
        return self._unwrap(reply, self._last_reply_id if request_id is None else request_id)

    def expect(self, request_id: int) -> None:
        """The next message answers one that was sent before; nothing may overtake it."""
        self.more_to_come = True
        self._last_reply_id = request_id

    def note(self, message: bytes, flags: int, may_stream: bool) -> None:
        """Take note of whether more replies follow one: each answers the one before it.

        :param message: that was decoded.
        :param flags: its flags.
        :param may_stream: the server was allowed to send more than one.
        :raises ProtocolError: where it was not, or where the checksum is wrong.
        """
        more = bool(flags & MORE_TO_COME)
        problem = None
        if flags & CHECKSUM_PRESENT and not is_intact(message):
            problem = "the checksum of a message is wrong"
        elif more and not may_stream:
            problem = "more replies are announced than were asked for"
        if problem is not None:
            self.close()
            raise ProtocolError(f"{address_text(self.address)}: {problem}")
        self.more_to_come = more
        if more:
            self._last_reply_id = unpack_header(message)[1]

    def _unwrap(self, reply: bytes, request_id: int) -> bytes:
        """Check the header of a reply and inflate it where it is compressed."""
        try:
            _, _, response_to, opcode = unpack_header(reply)
            if response_to != request_id:
                raise ProtocolError(f"Got response id {response_to!r} but expected {request_id!r}")
            if opcode == OP_COMPRESSED:
                reply = self._inflated(reply)
                opcode = unpack_header(reply)[3]
            if opcode != OP_MSG:
                raise ProtocolError(f"Got opcode {opcode!r} but expected {OP_MSG}")
        except BaseException:
            self.close()
            raise
        return reply

    def _inflated(self, reply: bytes) -> bytes:
        from ..wire.compression import CompressionError, decompress_message  # with compressors

        try:
            return decompress_message(reply, self.max_reply_size)
        except CompressionError as exc:
            raise ProtocolError(str(exc)) from exc

    async def query(self, body: dict[str, Any], deadline: float | None) -> dict[str, Any]:
        """`run` for a server that may not know OP_MSG: the first hello of a connection."""
        request_id = next_request_id()
        message = encode_query(request_id, body)
        reply = await self.stream.exchange(message, deadline, self.max_reply_size)
        try:
            return decode_reply(reply, request_id)
        except InvalidBSON as exc:
            self.close()
            raise ProtocolError(f"{address_text(self.address)}: {exc}") from exc
        except BaseException:
            self.close()
            raise

    async def run(
        self,
        body: dict[str, Any],
        deadline: float | None,
        request_id: int | None = None,
    ) -> dict[str, Any]:
        """Send a complete command (``$db`` included), return its reply whatever its ``ok`` is.

        For the handshake, authentication and monitoring: no session, no events.
        """
        request_id = request_id or next_request_id()
        message = encode_message(request_id, 0, body, DEFAULT_CODEC_OPTIONS)
        reply = await self.exchange(message, request_id, deadline, next(iter(body)))
        document: dict[str, Any] = self.decode_own(reply)
        return document

    def decode_own(self, message: bytes, may_stream: bool = False) -> dict[str, Any]:
        """A reply that is the driver's own. One that is none closes the connection.

        :param may_stream: see `note`.
        """
        try:
            flags, document = decode_message(message, DEFAULT_CODEC_OPTIONS, None)
        except InvalidBSON as exc:
            self.close()
            raise ProtocolError(f"{address_text(self.address)}: {exc}") from exc
        self.note(message, flags, may_stream)
        return document  # type: ignore[no-any-return]
