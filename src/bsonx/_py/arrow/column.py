"""Columns: a plan and the array at hand, compared with it. The twin of csrc/arrow/column.c."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from bsonx._errors import ArrowError

from .abi import ArrowArray, is_empty
from .kinds import Kind
from .plans import Plan

__all__ = ["Column"]

_LONGEST = 1 << 56
_INTEGERS = {
    Kind.INT8: "=b",
    Kind.UINT8: "=B",
    Kind.INT16: "=h",
    Kind.UINT16: "=H",
    Kind.INT32: "=i",
    Kind.UINT32: "=I",
}
_BUFFERS = {
    **dict.fromkeys((Kind.NULL, Kind.RUNS), 0),
    **dict.fromkeys((Kind.STRUCT, Kind.FIXED_LIST), 1),
    **dict.fromkeys((Kind.TEXT, Kind.BINARY, Kind.LIST_VIEW), 3),
    **dict.fromkeys((Kind.TEXT_VIEW, Kind.BINARY_VIEW), -1),
}


class Column:
    """A column of a plan; `bind` gives it its array."""

    def __init__(self, plan: Any) -> None:
        kind, self.a, self.b, self.name, self.path, self.type_ids, children = plan
        self.kind = Kind(kind)
        self.plan: Plan = plan
        self.children = [Column(child) for child in children]
        self.length = 0  # the offset included
        self.offset = 0
        self.validity: int | None = None
        self.values: int | None = None
        self.data: int | None = None
        self.limit = 0
        self.sizes: int | None = None
        self.buffers: list[int | None] = []

    # -- reading buffers: addresses --

    @staticmethod
    def at(form: str, address: Any, i: int) -> Any:
        """Value `i` of a buffer of what `struct` calls `form`."""
        size = struct.calcsize(form)
        return struct.unpack(form, ctypes.string_at(address + i * size, size))[0]

    def offset_at(self, address: Any, i: int) -> int:
        """An offset or size: `a` says of how many bits."""
        return self.at("=q" if self.a == 64 else "=i", address, i)  # type: ignore[no-any-return]

    def index_at(self, address: Any, i: int) -> int:
        """An index or a run's end: `a` says of which kind."""
        return self.at(_INTEGERS.get(Kind(self.a), "=q"), address, i)  # type: ignore[no-any-return]

    def bit(self, address: Any, i: int) -> bool:
        """Bit `i` of a bitmap."""
        return bool(self.at("=B", address, i >> 3) >> (i & 7) & 1)

    def is_null_at(self, i: int) -> bool:
        """Whether value `i` (the offset included) is null by the bitmap."""
        return self.validity is not None and not self.bit(self.validity, i)

    @property
    def has(self) -> int:
        """How many values the array has."""
        return self.length - self.offset

    # -- binding --

    def wrong(self, problem: str) -> ArrowError:
        """The error for an array that is not what the plan says."""
        return ArrowError(problem, self.path)

    def bind(self, array: Any) -> None:
        """Take an array. Raises ArrowError for what cannot be one of the plan's."""
        self._check_shape(array)
        self.offset = array.offset
        self.length = array.offset + array.length
        self._find_validity(array)
        self._find_buffers(array)
        for i, child in enumerate(self.children):
            address = array.dictionary if self.kind == Kind.DICTIONARY else array.children[i]
            if not address:
                raise child.wrong("the array is missing")
            child.bind(ArrowArray.from_address(address))
        if self.kind == Kind.RUNS:
            self._check_runs()
        else:
            self._check_children()

    def _check_shape(self, array: Any) -> None:
        buffers = _BUFFERS.get(self.kind, 2)
        if self.kind == Kind.UNION:
            buffers = 2 if self.a else 1
        children = 0 if self.kind == Kind.DICTIONARY else len(self.children)
        if is_empty(array):
            raise self.wrong("the array has been released")
        length, offset, nulls = array.length, array.offset, array.null_count
        if not 0 <= length <= _LONGEST or not 0 <= offset <= _LONGEST:
            raise self.wrong(f"an array of length {length} at offset {offset}")
        if not -1 <= nulls <= length:
            raise self.wrong(f"{nulls} of {length} values are null")
        if array.n_children != children or (children and not array.children):
            raise self.wrong(f"the array has {array.n_children} children, its type has {children}")
        if (self.kind == Kind.DICTIONARY) != bool(array.dictionary):
            raise self.wrong("a dictionary is there and not in the type, or the reverse")
        if array.n_buffers != buffers if buffers >= 0 else array.n_buffers < 3:
            wanted = 3 if buffers < 0 else buffers
            raise self.wrong(f"the array has {array.n_buffers} buffers, its type has {wanted}")
        if array.n_buffers > 0 and not array.buffers:
            raise self.wrong("the array has no buffers")

    def _find_validity(self, array: Any) -> None:
        self.validity = None
        if self.kind in (Kind.NULL, Kind.UNION, Kind.RUNS) or array.null_count == 0:
            return
        self.validity = array.buffers[0]
        if self.validity is None and array.null_count > 0:
            raise self.wrong("values are null, but the array does not say which")

    def _find_buffers(self, array: Any) -> None:
        n, kind = array.n_buffers, self.kind
        self.values = self.data = self.sizes = None
        self.buffers = []
        self.limit = 0
        if n <= 1 and kind != Kind.UNION:
            return
        self.values = array.buffers[0 if kind == Kind.UNION else 1]
        if self.values is None and array.length > 0 and not (kind == Kind.FIXED and self.a == 0):
            raise self.wrong("the array has values, but no buffer of them")
        if kind in (Kind.TEXT, Kind.BINARY):
            self.data = array.buffers[2]
            self.limit = self.offset_at(self.values, self.length) if array.length else 0
            if self.limit < 0 or (self.limit and self.data is None):
                raise self.wrong(f"the data end at {self.limit}")
        elif kind in (Kind.TEXT_VIEW, Kind.BINARY_VIEW):
            self.buffers = [array.buffers[i] for i in range(2, n - 1)]
            self.sizes = array.buffers[n - 1]
            if self.buffers and self.sizes is None:
                raise self.wrong("the array does not say how long its data are")
        elif kind in (Kind.LIST_VIEW, Kind.UNION) and n > 1:
            self.sizes = array.buffers[1 if kind == Kind.UNION else 2]
            if self.sizes is None and array.length > 0:
                raise self.wrong("a buffer is missing")

    def _check_children(self) -> None:
        for child in self.children:
            needs = 0
            if self.kind == Kind.STRUCT or (self.kind == Kind.UNION and not self.a):
                needs = self.length
            if self.kind == Kind.FIXED_LIST and self.a > 0 and self.length > child.has // self.a:
                needs = child.has + 1
            if needs > child.has:
                raise child.wrong(f"{child.has} values are too few for {self.length}")

    def _check_runs(self) -> None:
        ends, values = self.children
        before = 0
        if values.has < ends.has:
            raise self.wrong("there are fewer values than runs")
        for i in range(ends.has):
            at = ends.offset + i
            end = self.index_at(ends.values, at)
            if end <= before or ends.is_null_at(at):
                raise self.wrong(f"run {i} ends at {end}, the one before at {before}")
            before = end
        if self.length > self.offset and before < self.length:
            raise self.wrong(f"the runs end at {before}, the array at {self.length}")
