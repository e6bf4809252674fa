"""Rows of columns as BSON. The twin of csrc/arrow/to_bson.c."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator

from bsonx._errors import ArrowError

from .column import Column
from .kinds import CODE, DECIMAL128, OBJECTID, Kind

__all__ = ["RowWriter", "Unwritable", "decimal_bid"]

_MOST_TEXT = 2**31 - 1 - 64
_LIMIT = 10**34

#: Type of the element, and what `struct` calls the value in the array and in BSON.
_NUMBERS = {
    Kind.INT8: (0x10, "=b", "<i"),
    Kind.UINT8: (0x10, "=B", "<i"),
    Kind.INT16: (0x10, "=h", "<i"),
    Kind.UINT16: (0x10, "=H", "<i"),
    Kind.INT32: (0x10, "=i", "<i"),
    Kind.UINT32: (0x12, "=I", "<q"),
    Kind.INT64: (0x12, "=q", "<q"),
    Kind.FLOAT16: (0x01, "=e", "<d"),
    Kind.FLOAT32: (0x01, "=f", "<d"),
    Kind.FLOAT64: (0x01, "=d", "<d"),
    Kind.DATE64: (0x09, "=q", "<q"),
}


class Unwritable(Exception):
    """A value that has no BSON form: the column and what is wrong."""

    def __init__(self, column: Column, problem: str) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem


class Contradiction(Unwritable):
    """The same, because the array contradicts itself."""


def decimal_bid(value: int, exponent: int) -> bytes | None:
    """An integer with an exponent as 16 bytes of a Decimal128; None if it has too many digits."""
    coefficient = abs(value)
    while coefficient >= _LIMIT:
        coefficient, rest = divmod(coefficient, 10)
        if rest:
            return None
        exponent += 1
    return ((value < 0) << 127 | (exponent + 6176) << 113 | coefficient).to_bytes(16, "little")


class RowWriter:
    """Writes values of columns as elements."""

    def __init__(self, omit_nulls: bool, uint64_decimal: bool) -> None:
        self._omit_nulls = omit_nulls
        self._uint64_decimal = uint64_decimal

    def element(self, c: Column, i: int, name: bytes) -> bytes:
        """Value `i` of a column under a name; nothing for a null that is left out."""
        if self.is_null(c, i):
            return b"" if self._omit_nulls else b"\x0a" + name + b"\0"
        code, value = self._value(c, i + c.offset)
        return bytes([code]) + name + b"\0" + value

    def is_null(self, c: Column, i: int) -> bool:
        """Whether value `i` is null, as far as indices and runs."""
        at = i + c.offset
        if c.kind == Kind.NULL or c.is_null_at(at):
            return True
        if c.kind in (Kind.RUNS, Kind.DICTIONARY, Kind.UNION):
            found = self._elsewhere(c, at)
            return found is not None and self.is_null(*found)
        return False

    # -- values that stand elsewhere --

    def _elsewhere(self, c: Column, at: int) -> tuple[Column, int] | None:
        if c.kind == Kind.RUNS:
            ends, values = c.children
            run = 0
            while c.index_at(ends.values, ends.offset + run) <= at:
                run += 1
            return values, run
        if c.kind == Kind.DICTIONARY:
            index, child = c.index_at(c.values, at), c.children[0]
        else:
            number = c.at("=b", c.values, at)
            if number < 0 or c.type_ids[number] == 255:
                return None
            child = c.children[c.type_ids[number]]
            index = c.at("=i", c.sizes, at) if c.a else at
        return (child, index) if 0 <= index < child.has else None

    # -- values --

    def _value(self, c: Column, at: int) -> tuple[int, bytes]:
        """Type and value of what is not null."""
        kind, v = c.kind, c.values
        if kind in _NUMBERS:
            code, there, here = _NUMBERS[kind]
            return code, struct.pack(here, c.at(there, v, at))
        if kind == Kind.BOOL:
            return 0x08, bytes([c.at("=b", v, at) != 0 if c.a == 8 else c.bit(v, at)])
        if kind == Kind.UINT64:
            return self._uint64(c, c.at("=Q", v, at))
        if kind == Kind.DECIMAL:
            return self._decimal(c, at)
        if kind == Kind.DATE32:
            return 0x09, struct.pack("<q", c.at("=i", v, at) * 86_400_000)
        if kind == Kind.TIMESTAMP:
            return self._timestamp(c, c.at("=q", v, at))
        if kind in (Kind.TEXT, Kind.BINARY, Kind.TEXT_VIEW, Kind.BINARY_VIEW, Kind.FIXED):
            return self._bytes(c, self._found(c, at))
        if kind in (Kind.LIST, Kind.LIST_VIEW, Kind.FIXED_LIST):
            return 0x04, self._list(c, *self._ends(c, at))
        if kind == Kind.STRUCT:
            return 0x03, _document(self.element(child, at, child.name) for child in c.children)
        if kind == Kind.MAP:
            return 0x03, self._map(c, at)
        found = self._elsewhere(c, at)
        if found is None:
            what = "an index is not one of the dictionary's"
            if kind == Kind.UNION:
                what = "a value of the union is in none of its columns"
            raise Contradiction(c, what)
        return self._value(found[0], found[1] + found[0].offset)

    def _uint64(self, c: Column, value: int) -> tuple[int, bytes]:
        if value < 2**63:
            return 0x12, struct.pack("<q", value)
        if not self._uint64_decimal:
            raise Unwritable(c, f"{value} is too large for an int64")
        return 0x13, decimal_bid(value, 0) or b""

    def _decimal(self, c: Column, at: int) -> tuple[int, bytes]:
        size = c.b // 8
        raw = ctypes.string_at((c.values or 0) + at * size, size)
        number = int.from_bytes(raw, (struct.pack("=H", 1)[0] and "little") or "big", signed=True)
        bid = decimal_bid(number, -c.a)
        if bid is None:
            raise Unwritable(c, "a decimal has more than 34 digits")
        return 0x13, bid

    def _timestamp(self, c: Column, value: int) -> tuple[int, bytes]:
        millis = value * c.a // c.b
        if not -(2**63) <= millis < 2**63:
            raise Unwritable(c, f"a timestamp of {value} seconds is no date of BSON")
        return 0x09, struct.pack("<q", millis)

    # -- text and bytes --

    def _found(self, c: Column, at: int) -> bytes:
        if c.kind == Kind.FIXED:
            return ctypes.string_at((c.values or 0) + at * c.a, c.a) if c.a else b""
        if c.kind in (Kind.TEXT, Kind.BINARY):
            start, stop = c.offset_at(c.values, at), c.offset_at(c.values, at + 1)
            if not 0 <= start <= stop <= c.limit:
                raise Contradiction(c, f"a value from {start} to {stop} of {c.limit} bytes")
            return _bytes_at(c, c.data, start, stop - start)
        view = ctypes.string_at((c.values or 0) + 16 * at, 16)
        size, _, buffer, start = struct.unpack("=iiii", view)
        if 0 <= size <= 12:
            return view[4 : 4 + size]
        known = size > 0 and 0 <= buffer < len(c.buffers) and c.buffers[buffer] is not None
        if not known or start < 0 or start > c.at("=q", c.sizes, buffer) - size:
            where = f"at {start} of buffer {buffer} of {len(c.buffers)}"
            raise Contradiction(c, f"a view of {size} bytes {where}")
        return _bytes_at(c, c.buffers[buffer], start, size)

    def _bytes(self, c: Column, data: bytes) -> tuple[int, bytes]:
        if c.b >= 0:
            if c.b == 2:
                data = struct.pack("<i", len(data)) + data
            return 0x05, struct.pack("<iB", len(data), c.b) + data
        if c.b in (OBJECTID, DECIMAL128):
            what, size, code = ("ObjectId", 12, 7) if c.b == OBJECTID else ("Decimal128", 16, 0x13)
            if len(data) != size:
                raise Unwritable(c, f"{len(data)} bytes are no {what}")
            return code, data
        if not _is_utf8(data):
            raise Unwritable(c, "the text is not UTF-8")
        return 0x0D if c.b == CODE else 0x02, struct.pack("<i", len(data) + 1) + data + b"\0"

    # -- lists and documents --

    def _ends(self, c: Column, at: int) -> tuple[int, int]:
        if c.kind == Kind.FIXED_LIST:
            return at * c.a, (at + 1) * c.a
        start = c.offset_at(c.values, at)
        if c.kind == Kind.LIST:
            return start, c.offset_at(c.values, at + 1)
        size = c.offset_at(c.sizes, at)
        if start < 0 or start + size >= 2**63:
            raise Contradiction(c, f"a list at {start}")
        return start, start + size

    def _list(self, c: Column, start: int, stop: int) -> bytes:
        child = c.children[0]
        if not 0 <= start <= stop <= child.has:
            raise Contradiction(c, f"a list from {start} to {stop} of {child.has} values")
        return _document(self._item(child, start, i) for i in range(start, stop))

    def _item(self, child: Column, start: int, i: int) -> bytes:
        name = b"%d" % (i - start)
        return b"\x0a" + name + b"\0" if self.is_null(child, i) else self.element(child, i, name)

    def _map(self, c: Column, at: int) -> bytes:
        pairs = c.children[0]
        start, stop = c.at("=i", c.values, at), c.at("=i", c.values, at + 1)
        if not 0 <= start <= stop <= pairs.has:
            raise Contradiction(c, f"a map from {start} to {stop} of {pairs.has} pairs")
        return _document(self._pair(pairs, i) for i in range(start, stop))

    def _pair(self, pairs: Column, i: int) -> bytes:
        keys, values = pairs.children
        at = i + pairs.offset
        if pairs.is_null_at(at) or self.is_null(keys, at):
            raise Unwritable(keys, "a key of a map is null")
        name = self._found(keys, at + keys.offset)
        if b"\0" in name or not _is_utf8(name):
            raise Unwritable(keys, "a key of a map is no name of a field")
        return self.element(values, at, name)


def _bytes_at(c: Column, address: int | None, start: int, size: int) -> bytes:
    if size > _MOST_TEXT:
        raise Unwritable(c, f"{size} bytes are too many for BSON")
    return ctypes.string_at((address or 0) + start, size) if size else b""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _document(elements: Iterator[bytes]) -> bytes:
    inside = b"".join(elements)
    return struct.pack("<i", len(inside) + 5) + inside + b"\0"


def raised(exc: Unwritable, row: int) -> ArrowError:
    """The error for a row."""
    return ArrowError(exc.problem, exc.column.path, row)
