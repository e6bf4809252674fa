"""A row that has no BSON form, as a document for people: what has one is as it would be stored.

Both implementations use this; rows like that are few.
"""

from __future__ import annotations

import ctypes
import decimal
import struct
from typing import Any

from .abi import ArrowArray
from .column import Column
from .to_bson import RowWriter, Unwritable

__all__ = ["rejected_row"]


class _Lenient(RowWriter):
    """Writes something for every value."""

    def __init__(self) -> None:
        super().__init__(omit_nulls=False, uint64_decimal=True)

    def element(self, c: Column, i: int, name: bytes) -> bytes:
        try:
            return super().element(c, i, name)
        except Unwritable as exc:
            return b"\x02" + name + b"\0" + _string(f"<{exc.problem}>")

    def _decimal(self, c: Column, at: int) -> tuple[int, bytes]:
        try:
            return super()._decimal(c, at)
        except Unwritable:
            raw = ctypes.string_at((c.values or 0) + at * c.b // 8, c.b // 8)
            order = "little" if struct.pack("=H", 1)[0] else "big"
            number = int.from_bytes(raw, order, signed=True)  # type: ignore[arg-type]
            digits = tuple(map(int, str(abs(number))))
            return 0x02, _string(str(decimal.Decimal((int(number < 0), digits, -c.a))))

    def _bytes(self, c: Column, data: bytes) -> tuple[int, bytes]:
        try:
            return super()._bytes(c, data)
        except Unwritable:
            return 0x05, struct.pack("<iB", len(data), 0) + data

    def _value(self, c: Column, at: int) -> tuple[int, bytes]:
        try:
            return super()._value(c, at)
        except _BadMap as exc:
            return 0x04, exc.pairs

    def _map(self, c: Column, at: int) -> bytes:
        try:
            return super()._map(c, at)
        except Unwritable:
            raise _BadMap(self._pairs(c, at)) from None

    def _pairs(self, c: Column, at: int) -> bytes:
        pairs = c.children[0]
        found: list[bytes] = []
        for i in range(c.at("=i", c.values, at), c.at("=i", c.values, at + 1)):
            keys, values = pairs.children
            inside = self.element(keys, i + pairs.offset, b"key")
            inside += self.element(values, i + pairs.offset, b"value")
            found.append(b"\x03%d\0" % len(found) + _document(inside))
        return _document(b"".join(found))


class _BadMap(Exception):
    def __init__(self, pairs: bytes) -> None:
        super().__init__()
        self.pairs = pairs


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<i", len(data) + 1) + data + b"\0"


def _document(inside: bytes) -> bytes:
    return struct.pack("<i", len(inside) + 5) + inside + b"\0"


def rejected_row(plan: Any, address: int, row: int) -> bytes | None:
    """Return a row of the array at an address as a document, with text for what BSON has no form
    of; None for a row that is null."""
    root = Column(plan)
    root.bind(ArrowArray.from_address(address))
    i = row + root.offset
    if root.is_null_at(i):
        return None
    writer = _Lenient()
    return _document(b"".join([writer.element(child, i, child.name) for child in root.children]))
