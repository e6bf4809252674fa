"""The structs of the Arrow C data interface, and capsules, by ctypes."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from typing import Any

from bsonx._errors import ArrowError

__all__ = [
    "ARRAY",
    "SCHEMA",
    "STREAM",
    "ArrowArray",
    "ArrowArrayStream",
    "ArrowSchema",
    "GetError",
    "GetNext",
    "GetSchema",
    "Release",
    "TellError",
    "is_empty",
    "moved",
    "pointer_of",
    "release",
]

#: Names of the capsules.
SCHEMA = b"arrow_schema"
ARRAY = b"arrow_array"
STREAM = b"arrow_array_stream"


class ArrowSchema(Structure):
    """A schema: https://arrow.apache.org/docs/format/CDataInterface.html"""


class ArrowArray(Structure):
    """An array."""


class ArrowArrayStream(Structure):
    """A stream of arrays."""


# Functions of structs are plain addresses here: what is empty has none.
ArrowSchema._fields_ = [
    ("format", c_void_p),
    ("name", c_void_p),
    ("metadata", c_void_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(c_void_p)),
    ("dictionary", c_void_p),
    ("release", c_void_p),
    ("private_data", c_void_p),
]
ArrowArray._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(c_void_p)),
    ("dictionary", c_void_p),
    ("release", c_void_p),
    ("private_data", c_void_p),
]
ArrowArrayStream._fields_ = [
    ("get_schema", c_void_p),
    ("get_next", c_void_p),
    ("get_last_error", c_void_p),
    ("release", c_void_p),
    ("private_data", c_void_p),
]

Release = CFUNCTYPE(None, c_void_p)
GetSchema = CFUNCTYPE(c_int, c_void_p, c_void_p)
GetNext = CFUNCTYPE(c_int, c_void_p, c_void_p)
GetError = CFUNCTYPE(c_char_p, c_void_p)
TellError = CFUNCTYPE(c_void_p, c_void_p)  # the same, of a function of ours


def pointer_of(capsule: Any, name: bytes) -> int:
    """Return the address that a capsule holds. Raises ValueError for one of another name."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype = c_void_p
    get.argtypes = [ctypes.py_object, c_char_p]
    address: int = get(capsule, name)
    return address


def is_empty(struct: Structure) -> bool:
    """Whether there is nothing in a struct (any more)."""
    return not struct.release


def moved(kind: type[Any], capsule: Any, name: bytes) -> Any:
    """Move a struct out of its capsule. Raises ArrowError if it has been taken already."""
    source = kind.from_address(pointer_of(capsule, name))
    if is_empty(source):
        raise ArrowError(f"the capsule {name.decode()} is used up")
    mine = kind.from_buffer_copy(source)
    source.release = None
    return mine


def release(struct: Any) -> None:
    """Give a struct back to who made it; nothing happens if it is empty."""
    if not is_empty(struct):
        Release(struct.release)(ctypes.addressof(struct))
        struct.release = None
