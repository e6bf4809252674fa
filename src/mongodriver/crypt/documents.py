"""Documents of commands and replies as libmongocrypt takes and gives them: as BSON."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.raw_bson import RawBSONDocument

from ..wire.header import BODY_OFFSET, CHECKSUM_PRESENT, message_flags

__all__ = ["RAW", "body_of", "fields_of", "reply_with", "single_document", "with_array"]

#: Documents stay as they are; dates that no datetime can be stay numbers.
RAW: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_INT32 = Struct("<i")
_ARRAY, _DOCUMENT = b"\x04", b"\x03"


def body_of(message: bytes) -> bytes:
    """The body of an OP_MSG, whose first section it is."""
    (size,) = _INT32.unpack_from(message, BODY_OFFSET)
    return bytes(message[BODY_OFFSET : BODY_OFFSET + size])


def single_document(message: bytes) -> bytes:
    """The command of an OP_MSG as one document, its document sequences as arrays."""
    document = body_of(message)
    start = BODY_OFFSET + len(document)
    while start < len(message):
        (size,) = _INT32.unpack_from(message, start + 1)
        end = message.index(b"\0", start + 5)
        name = bytes(message[start + 5 : end])
        start += 1 + size
        document = with_array(document, name, _split(message, end + 1, start))
    return document


def _split(message: bytes, start: int, end: int) -> Iterable[bytes]:
    while start < end:
        (size,) = _INT32.unpack_from(message, start)
        yield message[start : start + size]
        start += size


def with_array(document: bytes, name: bytes, items: Iterable[bytes]) -> bytes:
    """A document with one more field: an array of documents."""
    elements = b"".join(b"%b%d\0%b" % (_DOCUMENT, index, item) for index, item in enumerate(items))
    array = _INT32.pack(len(elements) + 5) + elements + b"\0"
    fields = document[4:-1] + _ARRAY + name + b"\0" + array
    return _INT32.pack(len(fields) + 5) + fields + b"\0"


def fields_of(document: bytes) -> dict[str, Any]:
    """The fields of a document; what documents lie in it stay BSON."""
    return dict(RawBSONDocument(document, RAW).items())


def reply_with(message: bytes, body: bytes) -> bytes:
    """An OP_MSG like another one, with this body alone and without a checksum."""
    flags = message_flags(message) & ~CHECKSUM_PRESENT
    head = bytes(message[4:16]) + flags.to_bytes(4, "little") + b"\0"
    return _INT32.pack(4 + len(head) + len(body)) + head + body
