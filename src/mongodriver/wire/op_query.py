"""OP_QUERY and OP_REPLY, which every server since the first understands.

Only the first legacy hello of a connection travels in them (mongodb-handshake specification): a
server too old for OP_MSG would end the connection, where it should tell how old it is.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import bsonx
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

from ..values.errors import ProtocolError
from .header import HEADER, OP_QUERY, OP_REPLY, unpack_header

__all__ = ["OP_MSG_WIRE_VERSION", "decode_reply", "encode_query"]

#: The wire version from which servers take OP_MSG (MongoDB 3.6).
OP_MSG_WIRE_VERSION = 6

#: flags, a database's collection of commands, numberToSkip, numberToReturn; then the command.
_QUERY = Struct("<i")
_SKIP_RETURN = Struct("<ii")
#: responseFlags, cursorID, startingFrom, numberReturned; then the documents.
_REPLY = Struct("<iqii")
_DOCUMENT = HEADER.size + _REPLY.size
#: Also where the primary is not.
_SECONDARY_OK = 1 << 2


def encode_query(request_id: int, body: dict[str, Any]) -> bytes:
    """One command as an OP_QUERY message.

    :param body: complete as for OP_MSG; its ``$db`` becomes the message's namespace.
    """
    fields = dict(body)
    namespace = f"{fields.pop('$db')}.$cmd".encode()
    content = b"".join(
        (
            _QUERY.pack(_SECONDARY_OK),
            namespace,
            b"\0",
            _SKIP_RETURN.pack(0, -1),
            bsonx.encode(fields, codec_options=DEFAULT_CODEC_OPTIONS),
        )
    )
    return HEADER.pack(HEADER.size + len(content), request_id, 0, OP_QUERY) + content


def decode_reply(message: bytes, request_id: int) -> dict[str, Any]:
    """The one document of an OP_REPLY message.

    :raises ProtocolError: for another message, or one that does not answer this request.
    :raises InvalidBSON: for a document that is none.
    """
    _, _, response_to, opcode = unpack_header(message)
    if response_to != request_id:
        raise ProtocolError(f"Got response id {response_to!r} but expected {request_id!r}")
    if opcode != OP_REPLY:
        raise ProtocolError(f"Got opcode {opcode!r} but expected {OP_REPLY}")
    if len(message) < _DOCUMENT:
        raise ProtocolError("reply is too short")
    _, _, _, count = _REPLY.unpack_from(message, HEADER.size)
    if count != 1:
        raise ProtocolError(f"Got {count} documents but expected 1")
    document: dict[str, Any] = bsonx.decode(message[_DOCUMENT:], DEFAULT_CODEC_OPTIONS)
    return document
