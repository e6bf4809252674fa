"""Type aliases for annotations."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, MutableMapping
from mmap import mmap
from typing import TYPE_CHECKING, Any, TypeVar, Union

if TYPE_CHECKING:
    from bsonx.raw_bson import RawBSONDocument

__all__ = ["ReadableBuffer"]

# Spelled with Union: these are evaluated at run time, where RawBSONDocument is only a name.
_DocumentOut = Union[MutableMapping[str, Any], "RawBSONDocument"]
_DocumentType = TypeVar("_DocumentType", bound=Mapping[str, Any])
_DocumentTypeArg = TypeVar("_DocumentTypeArg", bound=Mapping[str, Any])
_ReadableBuffer = Union[bytes, memoryview, bytearray, mmap, "array[Any]"]

ReadableBuffer = _ReadableBuffer
