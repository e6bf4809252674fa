"""Reading a stream of Arrow arrays. The twin of csrc/arrow/reader.c."""

from __future__ import annotations

import ctypes
from array import array as numbers
from collections.abc import Callable
from typing import Any

from bsonx._errors import ArrowError
from bsonx._py.documents import numbered_id
from bsonx.objectid import ObjectId

from .abi import (
    ARRAY,
    SCHEMA,
    STREAM,
    ArrowArray,
    ArrowArrayStream,
    ArrowSchema,
    GetError,
    GetNext,
    GetSchema,
    is_empty,
    moved,
    release,
)
from .column import Column
from .kinds import Kind
from .schemas import fields_of
from .to_bson import Contradiction, RowWriter, Unwritable, raised

__all__ = ["ArrowReader"]


class ArrowReader:
    """Reads the Arrow data of a stream capsule, or of a schema and an array capsule."""

    def __init__(self, capsule: Any, array: Any = None) -> None:
        self._stream = ArrowArrayStream()
        self._schema = ArrowSchema()
        self._array = ArrowArray()
        if array is None:
            self._stream = moved(ArrowArrayStream, capsule, STREAM)
        else:
            self._schema = moved(ArrowSchema, capsule, SCHEMA)
            self._array = moved(ArrowArray, array, ARRAY)
        self._root: Column | None = None
        self._bound = False
        self._row = 0  # of the array at hand, the next
        self._rows = 0  # of the arrays before
        self._failure: Exception | None = None  # waits for the next call
        self._closed = False

    def close(self) -> None:
        """Release the data; may be called again."""
        self._closed = True
        for struct in (self._array, self._schema, self._stream):
            release(struct)

    def __del__(self) -> None:
        if "_array" in self.__dict__:
            self.close()

    # -- the producer --

    def _producer_failed(self, what: str, status: int) -> ArrowError:
        get = self._stream.get_last_error
        told = GetError(get)(ctypes.addressof(self._stream)) if get else None
        if told is None:
            return ArrowError(f"the producer gives no {what}: error {status}")
        return ArrowError(f"the producer gives no {what}: {told.decode(errors='replace')}")

    def fields(self) -> tuple[Any, ...]:
        """Return the schema: see csrc/arrow/schema.h."""
        if not is_empty(self._schema):
            return fields_of(self._schema)
        if is_empty(self._stream):
            raise ArrowError("the Arrow data are closed")
        schema = ArrowSchema()
        get = GetSchema(self._stream.get_schema)
        status = get(ctypes.addressof(self._stream), ctypes.addressof(schema))
        if status:
            raise self._producer_failed("schema", status)
        try:
            return fields_of(schema)
        finally:
            release(schema)

    def set_plan(self, plan: Any) -> None:
        """Set what the columns are read as: see csrc/arrow/column.h."""
        root = Column(plan)
        if root.kind != Kind.STRUCT:
            raise ValueError("documents are made of a struct")
        self._root, self._bound = root, False

    def _has_rows(self, root: Column) -> bool:
        """Have an array at hand with rows left; False at the end."""
        while True:
            if not is_empty(self._array):
                if not self._bound:
                    root.bind(self._array)
                    self._bound = True
                    self._row = 0
                length = self._array.length
                if self._row < length:
                    return True
                self._rows += length
                self._row = 0
                self._bound = False
                release(self._array)
            if is_empty(self._stream):
                return False
            self._array = ArrowArray()
            get = GetNext(self._stream.get_next)
            status = get(ctypes.addressof(self._stream), ctypes.addressof(self._array))
            if status:
                self._array.release = None
                raise self._producer_failed("more rows", status)
            if is_empty(self._array):
                return False

    # -- documents --

    def read(
        self,
        max_documents: int,
        max_bytes: int,
        *,
        id: int = -1,
        id_needed: bool = False,
        add_ids: bool = False,
        first_id: bytes | None = None,
        omit_nulls: bool = False,
        uint64_decimal: bool = False,
        collect: bool = False,
        describe: Callable[[int, int], Any] | None = None,
    ) -> tuple[bytes, bytes, int, int, bool, list[tuple[Any, ...]] | None] | None:
        """Return the next documents, or None: see csrc/arrow/reader.h."""
        if first_id is not None and len(first_id) != 12:
            raise ValueError(f"the first id must have 12 bytes, not {len(first_id)}")
        if self._closed:
            raise ArrowError("the Arrow data are closed")
        root = self._root
        if root is None or not -1 <= id < len(root.children):
            raise ValueError("there is no such column, or no plan")
        out = _Documents(add_ids, first_id)
        if self._failure is None:
            try:
                writer = RowWriter(omit_nulls, uint64_decimal)
                while (
                    out.seen < max_documents and len(out.data) < max_bytes and self._has_rows(root)
                ):
                    self._take(out, writer, root, id, id_needed, collect, describe)
            except ArrowError as exc:
                self._failure = exc
        if not out.seen:
            if self._failure is None:
                return None
            failure, self._failure = self._failure, None
            raise failure
        stop = self._rows + self._row
        own_ids = out.made == len(out.ends)
        ends = out.ends.tobytes()
        return bytes(out.data), ends, stop - out.seen, stop, own_ids, out.rejects or None

    def _take(
        self,
        out: _Documents,
        writer: RowWriter,
        root: Column,
        id: int,
        id_needed: bool,
        collect: bool,
        describe: Callable[[int, int], Any] | None,
    ) -> None:
        """Write the next row, or note what is wrong with it."""
        try:
            out.add(*_row(writer, root, self._row, id, id_needed))
        except Unwritable as exc:
            row = self._rows + self._row
            if not collect or isinstance(exc, Contradiction):
                raise raised(exc, row) from None
            told: tuple[Any, ...] = ()
            if describe is not None:
                told = (describe(ctypes.addressof(self._array), self._row),)
            out.rejects.append((row, exc.column.path, exc.problem, *told))
        self._row += 1
        out.seen += 1


class _Documents:
    """Documents one behind the other, with ids by their numbers."""

    def __init__(self, add_ids: bool, first_id: bytes | None) -> None:
        self._add_ids = add_ids or first_id is not None
        self._first_id = first_id
        self.data = bytearray()
        self.ends = numbers("I")
        self.rejects: list[tuple[Any, ...]] = []
        self.seen = 0  # rows, with those rejected
        self.made = 0  # ids

    def add(self, brought: bool, fields: bytes) -> None:
        """A document of these elements; `brought`: it has an _id."""
        if not brought and self._add_ids:
            self.made += 1
            first = self._first_id
            own = ObjectId().binary if first is None else numbered_id(first, len(self.ends))
            fields = b"\x07_id\0" + own + fields
        self.data += (len(fields) + 5).to_bytes(4, "little") + fields + b"\0"
        self.ends.append(len(self.data))


def _row(writer: RowWriter, root: Column, row: int, id: int, id_needed: bool) -> tuple[bool, bytes]:
    """Whether a row brings an `_id`, and its elements."""
    i = row + root.offset
    if root.is_null_at(i):
        raise Unwritable(root, "the row is null")
    parts = []
    column = None if id < 0 else root.children[id]
    if column is not None and not writer.is_null(column, i):
        parts.append(writer.element(column, i, b"_id"))
    elif column is not None and id_needed:
        raise Unwritable(column, "it is to be the _id, and is null")
    brought = bool(parts)
    parts += [
        writer.element(child, i, child.name) for k, child in enumerate(root.children) if k != id
    ]
    return brought, b"".join(parts)
