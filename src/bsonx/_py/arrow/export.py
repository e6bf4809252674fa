"""Giving Arrow data away: structs whose memory Python keeps until they are released."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from ctypes import CFUNCTYPE, c_char_p, c_int64, c_void_p
from functools import partial
from typing import Any

from .abi import (
    ARRAY,
    SCHEMA,
    STREAM,
    ArrowArray,
    ArrowArrayStream,
    ArrowSchema,
    GetNext,
    GetSchema,
    Release,
    TellError,
    is_empty,
    release,
)
from .builder import ArrayData
from .kinds import DEPTH

__all__ = ["array_struct", "arrow_array", "arrow_schema", "arrow_stream", "schema_struct"]

#: What structs need that have been given away, by their `private_data`.
_kept: dict[int, Any] = {}
_last = 0

#: Structs in capsules, by the capsules' addresses.
_in_capsules: dict[int, Any] = {}


def keep(objects: Any) -> int:
    """Keep objects until their struct is released; what goes into its `private_data`."""
    global _last
    _last += 1
    _kept[_last] = objects
    return _last


def table(addresses: list[int | None]) -> Any:
    """An array of pointers."""
    return (c_void_p * max(1, len(addresses)))(*addresses)


def _drop(kind: Any, address: int) -> None:
    """The release function of a struct: what is left of its children goes too."""
    struct = kind.from_address(address)
    if struct.private_data not in _kept:
        return  # the interpreter ends
    for i in range(struct.n_children):
        release(kind.from_address(struct.children[i]))
    if struct.dictionary:
        release(kind.from_address(struct.dictionary))
    key = struct.private_data
    struct.release = None
    _kept.pop(key, None)


def _end_capsule(capsule: int) -> None:
    """The destructor of a capsule."""
    struct = _in_capsules.pop(capsule, None)
    if struct is not None:
        release(struct)


# Called from C: they must stay.
_release_schema = Release(partial(_drop, ArrowSchema))
_release_array = Release(partial(_drop, ArrowArray))
_destructor = CFUNCTYPE(None, c_void_p)(_end_capsule)


def capsule_of(struct: Any, name: bytes) -> Any:
    """A capsule that holds a struct, and releases it if nobody has moved it out."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [c_void_p, c_char_p, c_void_p]
    destructor = ctypes.cast(_destructor, c_void_p)
    capsule = new(ctypes.addressof(struct), name, destructor)
    _in_capsules[id(capsule)] = struct
    return capsule


def schema_struct(field: Any, depth: int = 0) -> Any:
    """A schema's struct of a field: see csrc/arrow/schema.h."""
    if not isinstance(field, tuple) or depth > DEPTH:
        raise ValueError("not a field of a schema")
    form, name, metadata, flags, fields, dictionary = field
    if "\0" in form or "\0" in name:
        raise ValueError("embedded null character")
    texts = [ctypes.create_string_buffer(text.encode()) for text in (form, name)]
    data = None if metadata is None else ctypes.create_string_buffer(metadata)
    children = [schema_struct(child, depth + 1) for child in fields]
    entry = None if dictionary is None else schema_struct(dictionary, depth + 1)
    struct = ArrowSchema(
        ctypes.addressof(texts[0]),
        ctypes.addressof(texts[1]),
        None if data is None else ctypes.addressof(data),
        c_int64(flags),
        len(children),
    )
    pointers = table([ctypes.addressof(child) for child in children])
    struct.children = ctypes.cast(pointers, ctypes.POINTER(c_void_p))
    struct.dictionary = None if entry is None else ctypes.addressof(entry)
    struct.release = ctypes.cast(_release_schema, c_void_p).value
    struct.private_data = keep((texts, data, children, entry, pointers))
    return struct


def arrow_schema(field: Any) -> Any:
    """Return a schema capsule."""
    return capsule_of(schema_struct(field), SCHEMA)


def move_into(struct: Any, address: int) -> None:
    """Move a struct to where somebody wants it."""
    assert not is_empty(struct)
    ctypes.memmove(address, ctypes.addressof(struct), ctypes.sizeof(struct))
    struct.release = None


# ---- arrays ----


def array_struct(data: ArrayData) -> Any:
    """An array's struct; more can be made of the same data."""
    children = [array_struct(child) for child in data.children]
    memory = [
        None if b is None else ctypes.create_string_buffer(b, len(b) or 8) for b in data.buffers
    ]
    buffers = table([None if b is None else ctypes.addressof(b) for b in memory])
    pointers = table([ctypes.addressof(child) for child in children])
    struct = ArrowArray(data.length, data.nulls, 0, len(memory), len(children))
    struct.buffers = ctypes.cast(buffers, ctypes.POINTER(c_void_p))
    struct.children = ctypes.cast(pointers, ctypes.POINTER(c_void_p))
    struct.release = ctypes.cast(_release_array, c_void_p).value
    struct.private_data = keep((children, memory, buffers, pointers))
    return struct


def arrow_array(data: ArrayData) -> Any:
    """Return an array capsule of what a builder has finished."""
    return capsule_of(array_struct(data), ARRAY)


# ---- streams ----


class _Source:
    """What a stream's functions go to."""

    def __init__(self, field: Any, following: Any, failed: Any) -> None:
        self._field = field
        self._following = following
        self._failed = failed
        self._text: Any = None

    def _note(self, exc: BaseException) -> int:
        name, text = type(exc).__name__, str(exc)
        full = f"{name}: {text}" if text else name
        self._text = ctypes.create_string_buffer(full.encode(errors="replace"))
        with contextlib.suppress(Exception):
            self._failed(exc)
        return errno.ENOMEM if isinstance(exc, MemoryError) else errno.EIO

    def get_schema(self, stream: int, out: int) -> int:
        try:
            move_into(schema_struct(self._field), out)
        except BaseException as exc:
            return self._note(exc)
        return 0

    def get_next(self, stream: int, out: int) -> int:
        try:
            data = self._following()
            if data is None:
                ctypes.memset(out, 0, ctypes.sizeof(ArrowArray))
            else:
                move_into(array_struct(data), out)
        except BaseException as exc:
            return self._note(exc)
        return 0

    def get_last_error(self, stream: int) -> int | None:
        return None if self._text is None else ctypes.addressof(self._text)


def _drop_stream(address: int) -> None:
    stream = ArrowArrayStream.from_address(address)
    key = stream.private_data
    stream.release = None
    _kept.pop(key, None)


_release_stream = Release(_drop_stream)


def arrow_stream(field: Any, next: Any, failed: Any) -> Any:
    """Return a stream capsule: see csrc/arrow/data.h."""
    source = _Source(field, next, failed)
    functions = (
        GetSchema(source.get_schema),
        GetNext(source.get_next),
        TellError(source.get_last_error),
    )
    addresses = [ctypes.cast(function, c_void_p).value for function in functions]
    stream = ArrowArrayStream(*addresses)
    stream.release = ctypes.cast(_release_stream, c_void_p).value
    stream.private_data = keep((source, functions))
    return capsule_of(stream, STREAM)
