"""Schemas: of Arrow's structs fields (csrc/arrow/schema.h), and the reverse."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from bsonx._errors import ArrowError

from .abi import SCHEMA, ArrowSchema, is_empty, pointer_of
from .kinds import DEPTH

__all__ = ["arrow_fields", "fields_of"]


def arrow_fields(capsule: Any) -> tuple[Any, ...]:
    """Return the schema that a schema capsule holds."""
    return fields_of(ArrowSchema.from_address(pointer_of(capsule, SCHEMA)))


def fields_of(schema: Any) -> tuple[Any, ...]:
    """Return a schema's struct as a field. Raises ArrowError for what is none."""
    try:
        return _field(schema, 0)
    except UnicodeDecodeError:
        raise ArrowError("a name of the schema is not UTF-8") from None


def _text(address: int | None) -> str:
    return "" if address is None else ctypes.string_at(address).decode()


def _metadata(address: int | None) -> bytes | None:
    if address is None:
        return None

    def number(at: int) -> int:
        found = int.from_bytes(ctypes.string_at(address + at, 4), sys.byteorder, signed=True)
        if found < 0:
            raise ArrowError("a schema has broken metadata")
        return found

    size = 4
    for _ in range(2 * number(0)):
        size += 4 + number(size)
        if size > 2**31 - 1:
            raise ArrowError("a schema has broken metadata")
    return ctypes.string_at(address, size)


def _field(schema: Any, depth: int) -> tuple[Any, ...]:
    if is_empty(schema) or not schema.format:
        raise ArrowError("the schema has been released")
    if depth > DEPTH:
        raise ArrowError("the schema is nested too deep")
    count = schema.n_children
    if not 0 <= count <= (2**31 - 1) // 64 or (count and not schema.children):
        raise ArrowError("the number of fields of a schema cannot be")
    metadata = _metadata(schema.metadata)
    children = []
    for i in range(count):
        address = schema.children[i]
        if not address:
            raise ArrowError("a schema lacks a field")
        children.append(_field(ArrowSchema.from_address(address), depth + 1))
    dictionary = None
    if schema.dictionary:
        dictionary = _field(ArrowSchema.from_address(schema.dictionary), depth + 1)
    form = _text(schema.format)
    return (form, _text(schema.name), metadata, schema.flags, tuple(children), dictionary)
