"""Documents of an iterator, encoded one behind the other, in pure Python."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from time import monotonic
from typing import Any

from bsonx._py.decode import MAX_DEPTH
from bsonx._py.encode import encode_document
from bsonx._py.skip import element_bounds
from bsonx.codec_options import CodecOptions
from bsonx.errors import InvalidBSON

__all__ = ["Rejects", "encode_documents", "is_document", "numbered_id", "with_id"]

Rejects = list[tuple[int, Exception, Any]]

_unpack_int = Struct("<i").unpack_from
_pack_int = Struct("<i").pack
_STRINGS = frozenset({0x02, 0x0D, 0x0E})
_CONTAINERS = frozenset({0x03, 0x04})
_DBPOINTER, _BOOL, _SCOPED_CODE = 0x0C, 0x08, 0x0F


def encode_documents(
    iterator: Iterator[Any],
    codec_options: CodecOptions[Any],
    first_id: bytes | None,
    *,
    max_count: int,
    max_bytes: int,
    seconds: float = -1.0,
) -> tuple[bytes, bytes, bool, Rejects, int, Any]:
    """Return (data, ends, own_ids, rejects, taken, end) of the next documents of an iterator.

    Items are what a document can be encoded from, and BSON in bytes-like objects. ``ends`` are
    native uint32. A document that has no ``_id`` gets the one of its number, counted on from
    ``first_id`` (12 bytes; None: none), in front; ``own_ids`` says whether all did. ``rejects``:
    (number from 0, exception, item) of items that cannot be encoded. It takes items until there are
    ``max_count``, or documents of ``max_bytes``, or ``seconds`` have passed (negative: any time).
    ``end``: None while there may be more, True at the end of the iterator, or the exception it has
    raised.
    """
    if not hasattr(type(iterator), "__next__"):
        raise TypeError(f"an iterator is needed, not {type(iterator)!r}")
    if first_id is not None and len(first_id) != 12:
        raise ValueError("an id has 12 bytes")
    parts: list[bytes] = []
    ends = array("I")
    rejects: Rejects = []
    size = taken = made = 0
    stop = monotonic() + seconds
    end: Any = None
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            end = True
            break
        except Exception as exc:
            end = exc
            break
        try:
            document = _encoded(item, codec_options)
            if first_id is not None and not _has_id(document):
                document = with_id(document, numbered_id(first_id, len(parts)))
                made += 1
        except MemoryError:
            raise
        except Exception as exc:
            rejects.append((taken, exc.with_traceback(None), item))
        else:
            parts.append(document)
            size += len(document)
            ends.append(size)
        taken += 1
        if taken >= max_count or size >= max_bytes or (seconds >= 0 and monotonic() >= stop):
            break
    return b"".join(parts), ends.tobytes(), made == len(parts), rejects, taken, end


def numbered_id(first: bytes, number: int) -> bytes:
    """Return the id ``number`` places behind another: its counter carries into the seconds."""
    count = int.from_bytes(first[9:], "big") + number
    seconds = (int.from_bytes(first[:4], "big") + (count >> 24)) & 0xFFFFFFFF
    return seconds.to_bytes(4, "big") + first[4:9] + (count & 0xFFFFFF).to_bytes(3, "big")


def with_id(document: bytes, oid: bytes) -> bytes:
    """Return a document with an ObjectId as ``_id`` in front."""
    return _pack_int(len(document) + 17) + b"\x07_id\0" + oid + document[4:]


def is_document(data: bytes, pos: int, end: int, depth: int = 0) -> bool:
    """Return whether the bytes from ``pos`` to ``end`` are a document, all through."""
    if depth > MAX_DEPTH or end - pos < 5 or data[end - 1]:
        return False
    if _unpack_int(data, pos)[0] != end - pos:
        return False
    pos += 4
    end -= 1
    while pos < end:
        kind = data[pos]
        nul, stop = element_bounds(data, pos, end)
        if not _is_value(data, kind, nul + 1, stop, depth):
            return False
        pos = stop
    return True


def _is_value(data: bytes, kind: int, pos: int, end: int, depth: int) -> bool:
    if kind in _STRINGS:
        return _is_string(data, pos, end)
    if kind in _CONTAINERS:
        return is_document(data, pos, end, depth + 1)
    if kind == _BOOL:
        return data[pos] <= 1
    if kind == _DBPOINTER:
        return _is_string(data, pos, end - 12)
    if kind == _SCOPED_CODE:
        return _is_scoped_code(data, pos, end, depth + 1)
    return True


def _is_string(data: bytes, pos: int, end: int) -> bool:
    return end - pos > 4 and data[end - 1] == 0


def _is_scoped_code(data: bytes, pos: int, end: int, depth: int) -> bool:
    if end - pos < 8:
        return False
    size = _unpack_int(data, pos + 4)[0]
    scope = pos + 8 + size
    if size < 0 or scope > end:
        return False
    return _is_string(data, pos + 4, scope) and is_document(data, scope, end, depth)


def _has_id(document: bytes) -> bool:
    pos, end = 4, len(document) - 1
    while pos < end:
        if document.startswith(b"_id\0", pos + 1):
            return True
        pos = element_bounds(document, pos, end)[1]
    return False


def _encoded(item: Any, codec_options: CodecOptions[Any]) -> bytes:
    if isinstance(item, (bytes, bytearray, memoryview)):
        document = bytes(item)
    else:
        document = encode_document(item, False, codec_options)
        if type(item) is dict:
            return document
    try:
        if is_document(document, 0, len(document)):
            return document
    except InvalidBSON:
        pass
    raise InvalidBSON("not a BSON document")
