"""Stage "decode": the reply as values, the user's documents in it as the user wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.errors import BSONError

from ..replies.verdicts import command_error, write_concern_error, write_error
from ..values.errors import ProtocolError
from ..wire.header import MORE_TO_COME, message_flags
from ..wire.op_msg import decode_message

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..ops.base import Operation
    from .execution import Execution

#: For the driver's own fields of a reply whose other fields may be anything.
_OWN_OPTIONS: CodecOptions[Any] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


def decode(execution: Execution, connection: Connection, message: bytes) -> Any:
    """The document of a reply.

    What the user's own decoders and document classes raise passes as it is; but an error of the
    server is told whatever they would make of it.

    :raises BSONError: for a message that is none, or that the codec options do not allow.
    :raises ProtocolError: for a stream of replies that nobody asked for, a checksum that is wrong.
    """
    operation = execution.operation
    try:
        flags, reply = decode_message(
            message,
            operation.reply_options or operation.codec_options,
            operation.user_fields,
            operation.gives_bytes,
        )
    except BaseException as exc:  # classes and decoders of the user's may raise whatever they like
        flags = message_flags(message)
        reply = _failure(message, operation) if isinstance(exc, Exception) else None
        if reply is None:
            # The message was read whole, so the connection is in order, unless more are coming.
            if connection.more_to_come or flags & MORE_TO_COME:
                connection.close()
            raise
    if flags or connection.more_to_come:
        connection.note(message, flags, operation.exhaust)
    return reply


def _failure(message: bytes, operation: Operation[Any]) -> dict[str, Any] | None:
    """The reply that is an error, as plain values; None for any other."""
    try:
        reply = decode_own(message)
        error = command_error(reply, None, operation.allowable_errors)
        if error is None and not operation.reports_errors:
            error = write_error(reply) or write_concern_error(reply)
    except (BSONError, ProtocolError):
        return None
    return None if error is None else reply


def decode_own(message: bytes) -> dict[str, Any]:
    """The same document with plain values, whatever the user's class has made of it."""
    reply: dict[str, Any] = decode_message(message, _OWN_OPTIONS)[1]
    return reply
