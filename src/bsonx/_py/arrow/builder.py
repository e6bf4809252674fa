"""Columns built of BSON documents. The twin of csrc/arrow/builder.c."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from bsonx._errors import ArrowError

from .build_values import FORMATS, Misfit, value_for
from .elements import Broken, broken, documents_in, elements, inside
from .kinds import Kind

__all__ = ["ArrayData", "ArrowBuilder"]

_NULL, _UNDEFINED, _DOCUMENT, _ARRAY = 0x0A, 0x06, 0x03, 0x04

_NAMES = {
    0x01: "a double",
    0x02: "a string",
    0x03: "a document",
    0x04: "an array",
    0x05: "binary data",
    0x07: "an ObjectId",
    0x08: "a bool",
    0x09: "a date",
    0x0B: "a regular expression",
    0x0C: "a DBPointer",
    0x0D: "code",
    0x0E: "a symbol",
    0x0F: "code with scope",
    0x10: "an int32",
    0x11: "a timestamp",
    0x12: "an int64",
    0x13: "a decimal",
    0x7F: "MaxKey",
    0xFF: "MinKey",
}


class ArrayData(NamedTuple):
    """An array with its memory."""

    length: int
    nulls: int
    buffers: list[bytes | None]
    children: list[ArrayData]


class _Unfit(Exception):
    """A value that does not fit, with its place."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem


class _Column:
    """A column of a plan and its values so far."""

    def __init__(self, plan: Any) -> None:
        kind, self.a, self.b, self.name, self.path, _, children = plan
        self.kind = Kind(kind)
        self.children = [_Column(child) for child in children]
        self.begin()

    def begin(self) -> None:
        """Empty it."""
        self.there: list[bool] = []
        self.values: list[Any] = []
        self.offsets = [0]
        for child in self.children:
            child.begin()

    @property
    def length(self) -> int:
        """How many values there are."""
        return len(self.there)

    def pad(self, length: int) -> None:
        """Bring it to a length, by nulls."""
        while len(self.there) < length:
            self.put_null()

    def put_null(self) -> None:
        """Append a null."""
        self.there.append(False)
        self.values.append(None)
        self.offsets.append(self.offsets[-1])
        if self.kind == Kind.FIXED_LIST:
            self.children[0].pad(self.length * self.a)

    def finish(self) -> ArrayData:
        """The array."""
        if self.kind == Kind.STRUCT:
            for child in self.children:
                child.pad(self.length)
        nulls = self.there.count(False)
        buffers: list[bytes | None] = []
        if self.kind != Kind.NULL:
            buffers = [_bits(self.there) if nulls else None, *self._buffers()]
        return ArrayData(self.length, nulls, buffers, [child.finish() for child in self.children])

    def _buffers(self) -> list[bytes]:
        kind = self.kind
        if kind in (Kind.STRUCT, Kind.FIXED_LIST):
            return []
        if kind == Kind.BOOL:
            return [_bits(self.values)]
        if kind in FORMATS:
            numbers = [0 if value is None else value for value in self.values]
            return [struct.pack(f"={len(numbers)}{FORMATS[kind]}", *numbers)]
        if kind in (Kind.FIXED, Kind.DECIMAL):
            nothing = bytes(16 if kind == Kind.DECIMAL else self.a)
            return [b"".join(nothing if value is None else value for value in self.values)]
        offsets = struct.pack(f"={len(self.offsets)}{'q' if self.a == 64 else 'i'}", *self.offsets)
        if kind in (Kind.LIST, Kind.MAP):
            return [offsets]
        return [offsets, b"".join(value or b"" for value in self.values)]


def _bits(values: list[Any]) -> bytes:
    packed = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        if value:
            packed[i >> 3] |= 1 << (i & 7)
    return bytes(packed)


class ArrowBuilder:
    """Builds columns of documents: see csrc/arrow/builder.h."""

    def __init__(self, plan: Any, strict: bool, lenient: bool) -> None:
        self._root = _Column(plan)
        self._strict = strict
        self._lenient = lenient
        self._rows = 0
        self.size = 0  # bytes of BSON
        self._failed = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._root.length

    def _check(self) -> None:
        if self._failed:
            raise RuntimeError("the columns are broken by an error before")

    def append(self, documents: Any) -> int:
        """Add documents, bytes or a list; return how many."""
        self._check()
        before = self.rows
        for document in documents_in(documents):
            row = self._rows + self.rows
            try:
                self._put_fields(self._root, document)
            except _Unfit as exc:
                self._failed = True
                raise ArrowError(exc.problem, exc.path, row) from None
            except Broken:
                self._failed = True
                broken(row)
            self._root.there.append(True)
            self.size += len(document)
        return self.rows - before

    def finish(self) -> ArrayData:
        """Return what has been added, as data for `arrow_array` and streams, and begin again."""
        self._check()
        self._rows += self.rows
        self.size = 0
        data = self._root.finish()
        self._root.begin()
        return data

    # -- values --

    def _put_fields(self, c: _Column, document: bytes) -> None:
        by_name = {child.name: child for child in c.children}
        for code, name, value in elements(document):
            child = by_name.get(name)
            if child is None:
                if self._strict:
                    text = name.decode(errors="replace")
                    path = f"{c.path}.{text}" if c.path else text
                    raise _Unfit(path, "the schema has no such field")
                continue
            if child.length > c.length:
                continue  # of two of one name the first counts
            child.pad(c.length)
            self._put(child, code, value)

    def _put(self, c: _Column, code: int, value: bytes) -> None:
        if code in (_NULL, _UNDEFINED):
            c.put_null()
            return
        try:
            found = self._value(c, code, value)
        except Misfit:
            if self._lenient:
                c.put_null()
                return
            raise _Unfit(c.path, f"{_NAMES[code]} does not fit its type") from None
        c.there.append(True)
        c.values.append(found)
        end = c.offsets[-1]
        if c.kind in (Kind.LIST, Kind.MAP):
            end = c.children[0].length
        elif c.kind in (Kind.TEXT, Kind.BINARY):
            end += len(found)
        c.offsets.append(end)

    def _value(self, c: _Column, code: int, value: bytes) -> Any:
        if c.kind == Kind.STRUCT:
            if code != _DOCUMENT:
                raise Misfit
            self._put_fields(c, inside(value))
            return None
        if c.kind == Kind.MAP:
            if code != _DOCUMENT:
                raise Misfit
            self._put_pairs(c.children[0], inside(value))
            return None
        if c.kind in (Kind.LIST, Kind.FIXED_LIST):
            if code != _ARRAY:
                raise Misfit
            items = list(elements(inside(value))) if c.kind == Kind.FIXED_LIST else None
            if items is not None and len(items) != c.a:
                raise Misfit
            for inner, _, item in items or elements(inside(value)):
                self._put(c.children[0], inner, item)
            return None
        return value_for(c.kind, c.a, c.b, code, value)

    def _put_pairs(self, pairs: _Column, document: bytes) -> None:
        keys, values = pairs.children
        for code, name, value in elements(document):
            try:
                name.decode()
            except UnicodeDecodeError:
                raise Broken from None
            keys.there.append(True)
            keys.values.append(name)
            keys.offsets.append(keys.offsets[-1] + len(name))
            self._put(values, code, value)
            pairs.there.append(True)
