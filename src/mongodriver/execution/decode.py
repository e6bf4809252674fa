"""Stage "decode": the reply as values, the user's documents in it as the user wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx.codec_options import CodecOptions, DatetimeConversion

from ..wire.header import MORE_TO_COME, message_flags
from ..wire.op_msg import decode_message

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution

#: For the driver's own fields of a reply whose other fields may be anything.
_OWN_OPTIONS: CodecOptions[Any] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


def decode(execution: Execution, connection: Connection, message: bytes) -> Any:
    """The document of a reply.

    :raises BSONError: for a message that is none, or that the codec options do not allow.
    """
    operation = execution.operation
    try:
        flags, reply = decode_message(
            message, operation.reply_options or operation.codec_options, operation.user_fields
        )
    except BaseException:  # classes and decoders of the user's may raise whatever they like
        # The message was read whole, so the connection is in order, unless more are coming.
        if connection.more_to_come or message_flags(message) & MORE_TO_COME:
            connection.close()
        raise
    if flags or connection.more_to_come:
        connection.note(message, flags)
    return reply


def decode_own(message: bytes) -> dict[str, Any]:
    """The same document with plain values, whatever the user's class has made of it."""
    reply: dict[str, Any] = decode_message(message, _OWN_OPTIONS)[1]
    return reply
