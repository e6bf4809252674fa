"""Documents and their elements as bytes. The twin of csrc/arrow/documents_in.c."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NoReturn

from bsonx._py.raw import RawDocument
from bsonx._py.skip import element_bounds
from bsonx.errors import InvalidBSON

__all__ = [
    "Broken",
    "Element",
    "binary_of",
    "broken",
    "documents_in",
    "elements",
    "inside",
    "text_of",
]

Element = tuple[int, bytes, bytes]
"""Type, name, value."""


class Broken(Exception):
    """A value that is no BSON."""


def broken(row: int) -> NoReturn:
    """Raise InvalidBSON for a document."""
    error = InvalidBSON(f"document {row} is no BSON")
    error.offset = 0
    raise error from None


def _refuse() -> NoReturn:
    error = InvalidBSON("the bytes are no document of BSON")
    error.offset = 0
    raise error


def documents_in(documents: Any) -> Iterator[bytes]:
    """Yield documents: of bytes with one behind the other, or of a list."""
    if isinstance(documents, list):
        for item in documents:
            data = item.raw if isinstance(item, RawDocument) else bytes(memoryview(item))
            if _size_at(data, 0) != len(data):
                _refuse()
            yield data
        return
    data = bytes(memoryview(documents))
    pos = 0
    while pos < len(data):
        stop = pos + _size_at(data, pos)
        yield data[pos:stop]
        pos = stop


def _size_at(data: bytes, pos: int) -> int:
    if len(data) - pos < 5:
        _refuse()
    (size,) = struct.unpack_from("<i", data, pos)
    if size < 5 or size > len(data) - pos or data[pos + size - 1]:
        _refuse()
    return size  # type: ignore[no-any-return]


def elements(document: bytes) -> Iterator[Element]:
    """Yield the elements of a document whose size is right. Raises Broken."""
    pos, end = 4, len(document) - 1
    while pos < end:
        try:
            nul, stop = element_bounds(document, pos, end)
        except InvalidBSON:
            raise Broken from None
        yield document[pos], document[pos + 1 : nul], document[nul + 1 : stop]
        pos = stop


def inside(value: bytes) -> bytes:
    """The value of a document or an array, checked."""
    if len(value) < 5 or struct.unpack_from("<i", value)[0] != len(value) or value[-1]:
        raise Broken
    return value


def text_of(value: bytes) -> bytes:
    """The bytes of a string."""
    size = struct.unpack_from("<i", value)[0]
    if size < 1 or value[4 + size - 1]:
        raise Broken
    return value[4 : 4 + size - 1]


def binary_of(value: bytes) -> tuple[int, bytes]:
    """Subtype and bytes of binary data."""
    size, subtype = struct.unpack_from("<iB", value)
    data = value[5 : 5 + size]
    if subtype == 2:
        if len(data) < 4 or struct.unpack_from("<i", data)[0] != len(data) - 4:
            raise Broken
        data = data[4:]
    return subtype, data
