"""Checks of lengths, and the errors for bytes that are no BSON."""

from __future__ import annotations

import struct
from typing import NoReturn

from bsonx.errors import InvalidBSON

_unpack_int = struct.Struct("<i").unpack_from


# Also what makes instances of named tuples: Python's module for them is named after the class.
_OURS = ("bsonx.", "namedtuple_")


def bad(message: str, offset: int, cause: Exception | None = None) -> NoReturn:
    """Raise InvalidBSON for the problem at ``offset``."""
    error = InvalidBSON(message)
    error.offset = offset
    raise error from cause


def is_ours(exc: BaseException) -> bool:
    """Return whether an exception comes from the codec itself, and not from code that it called."""
    step = exc.__traceback__
    while step is not None:
        if not step.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
            return False
        step = step.tb_next
    return True


def bad_value(offset: int) -> NoReturn:
    """Raise InvalidBSON for a value that is malformed or does not fit its document."""
    bad("invalid length or type code", offset)


def unknown_type(kind: int, name: str, offset: int) -> NoReturn:
    """Raise InvalidBSON for an element of a type that BSON does not have."""
    bad(
        f"Detected unknown BSON type {bytes([kind])!r} for fieldname '{name}'. "
        "Are you using the latest driver version?",
        offset,
    )


def document_end(data: bytes, start: int, limit: int) -> int:
    """Return the end of the top-level document at ``start``, which must end by ``limit``."""
    if limit - start < 5:
        bad("not enough data for a BSON document", start)
    (size,) = _unpack_int(data, start)
    if size < 5:
        bad("invalid message size", start)
    if size > limit - start:
        bad("objsize too large", start)
    end: int = start + size
    if data[end - 1]:
        bad("bad eoo", end - 1)
    return end


def is_known_type(kind: int) -> bool:
    """Return whether the specification has an element type of this code."""
    return 0x01 <= kind <= 0x13 or kind in (0x7F, 0xFF)


def inner_end(data: bytes, pos: int, end: int) -> int:
    """Return the end of the document or array at ``pos``, which must end by ``end``."""
    if end - pos < 5:
        bad_value(pos)
    size = _unpack_int(data, pos)[0]
    stop: int = pos + size
    if size < 5 or stop > end or data[stop - 1]:
        bad_value(pos)
    return stop
