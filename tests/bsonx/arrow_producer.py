"""A producer of Arrow data by ctypes, which says what it is told: also what cannot be."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Array:
    """An array as its struct has it; buffers are bytes or None."""

    length: int
    buffers: list[bytes | None]
    children: list[Array] = field(default_factory=list)
    nulls: int = 0
    offset: int = 0
    dictionary: Array | None = None
    n_buffers: int | None = None
    n_children: int | None = None
    no_buffers: bool = False
    released: bool = False


def pack(form: str, *values: Any) -> bytes:
    """Values as a buffer."""
    return struct.pack(f"={len(values)}{form}", *values)


def plain(form: str, name: str = "x", children: Any = (), dictionary: Any = None) -> Any:
    """A field of a schema."""
    return (form, name, None, 2, tuple(children), dictionary)


class Producer:
    """Arrays and a schema, for one consumer. `released` counts what has been given back."""

    def __init__(self, schema: Any, *arrays: Array, fails: int = 0) -> None:
        from bsonx._py.arrow import abi

        self._abi = abi
        self._schema = schema
        self._arrays = list(arrays)
        self._fails = fails
        self._kept: list[Any] = []
        self.released: list[str] = []

    # -- structs --

    def _callback(self, name: str, kind: Any) -> Any:
        def release(address: int) -> None:
            self.released.append(name)
            value = kind.from_address(address)
            for i in range(max(value.n_children, 0) if name != "stream" else 0):
                if value.children and value.children[i]:
                    self._abi.release(kind.from_address(value.children[i]))
            value.release = None

        function = self._abi.Release(release)
        self._kept.append(function)
        return ctypes.cast(function, ctypes.c_void_p).value

    def array(self, told: Array) -> Any:
        """The struct of an array."""
        made = self._abi.ArrowArray()
        memory = [
            None if b is None else ctypes.create_string_buffer(b, len(b)) for b in told.buffers
        ]
        children = [self.array(child) for child in told.children]
        dictionary = None if told.dictionary is None else self.array(told.dictionary)
        addresses = [None if b is None else ctypes.addressof(b) for b in memory]
        buffers = (ctypes.c_void_p * max(1, len(memory)))(*addresses)
        pointers = [ctypes.addressof(child) for child in children]
        table = (ctypes.c_void_p * max(1, len(children)))(*pointers)
        made.length, made.null_count, made.offset = told.length, told.nulls, told.offset
        made.n_buffers = len(memory) if told.n_buffers is None else told.n_buffers
        made.n_children = len(children) if told.n_children is None else told.n_children
        if not told.no_buffers:
            made.buffers = ctypes.cast(buffers, ctypes.POINTER(ctypes.c_void_p))
        if children:
            made.children = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
        made.dictionary = None if dictionary is None else ctypes.addressof(dictionary)
        if not told.released:
            made.release = self._callback("array", self._abi.ArrowArray)
        self._kept += [memory, children, dictionary, buffers, table, made]
        return made

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        from bsonx._py.arrow.export import capsule_of, move_into, schema_struct

        abi = self._abi
        error = ctypes.create_string_buffer(b"it \xffails")

        def get_schema(stream: int, out: int) -> int:
            move_into(schema_struct(self._schema), out)
            return 0

        def get_next(stream: int, out: int) -> int:
            if not self._arrays:
                ctypes.memset(out, 0, ctypes.sizeof(abi.ArrowArray))
                return self._fails
            made = self.array(self._arrays.pop(0))
            ctypes.memmove(out, ctypes.addressof(made), ctypes.sizeof(made))
            return 0

        functions = (
            abi.GetSchema(get_schema),
            abi.GetNext(get_next),
            abi.TellError(lambda stream: ctypes.addressof(error)),
        )
        self._kept += [functions, error]
        made = abi.ArrowArrayStream(*(ctypes.cast(f, ctypes.c_void_p).value for f in functions))
        made.release = self._callback("stream", abi.ArrowArrayStream)
        return capsule_of(made, abi.STREAM)
