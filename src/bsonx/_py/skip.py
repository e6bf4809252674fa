"""Stepping over BSON elements without decoding them."""

from __future__ import annotations

import struct

from bsonx._py.bounds import bad, bad_value, unknown_type

_unpack_int = struct.Struct("<i").unpack_from

_FIXED = {
    0x01: 8,
    0x06: 0,
    0x07: 12,
    0x08: 1,
    0x09: 8,
    0x0A: 0,
    0x10: 4,
    0x11: 8,
    0x12: 8,
    0x13: 16,
    0x7F: 0,
    0xFF: 0,
}

# Bytes of the value beyond the length that it starts with.
_COUNTED = {
    0x02: 4,
    0x03: 0,
    0x04: 0,
    0x05: 5,
    0x0C: 16,
    0x0D: 4,
    0x0E: 4,
    0x0F: 0,
}


def find_field(data: bytes, pos: int, end: int, name: bytes) -> tuple[int, int] | None:
    """Return the bounds of the last element with this stored name, or None.

    InvalidBSON if the elements do not fit between ``pos`` and ``end``.
    """
    found = None
    size = len(name)
    while pos < end:
        nul, stop = element_bounds(data, pos, end)
        if nul - pos - 1 == size and data.startswith(name, pos + 1):
            found = (pos, stop)
        pos = stop
    return found


def element_bounds(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Return the ends of the name and of the value of the element at ``pos``."""
    nul = data.find(b"\0", pos + 1, end)
    if nul < 0:
        bad("field name too large", pos + 1)
    return nul, value_end(data, data[pos], nul + 1, end, pos)


def value_end(data: bytes, kind: int, pos: int, end: int, start: int) -> int:
    """Return the end of a value at ``pos``, whose element is at ``start``."""
    fixed = _FIXED.get(kind)
    if fixed is not None:
        stop = pos + fixed
    elif kind in _COUNTED:
        stop = pos + 4
        if stop <= end:
            (size,) = _unpack_int(data, pos)
            stop = pos + _COUNTED[kind] + size
            if size < 0 or stop < pos + 4:
                bad_value(pos)
    elif kind == 0x0B:
        stop = data.find(b"\0", pos, end) + 1
        stop = data.find(b"\0", stop, end) + 1 if stop else 0
        if not stop:
            stop = end + 1
    else:
        name = data[start + 1 : pos - 1].decode("utf-8", "replace")
        unknown_type(kind, name, start)
    if stop > end:
        bad_value(pos)
    return stop
