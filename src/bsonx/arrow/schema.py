"""Schemas as programs give them."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Mapping
from typing import Any

from bsonx._impl import arrow_fields, arrow_schema
from bsonx._py.arrow.formats import Field
from bsonx._py.arrow.inferred import NULLABLE, objectid_field, simple, uuid_field
from bsonx._py.arrow.targets import buildable
from bsonx.binary import Binary
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId

__all__ = ["ArrowSchema", "Schema", "schema_field"]

Schema = Any
"""Anything with ``__arrow_c_schema__``, or a mapping of names to types: names as ``"int64"``,
``"timestamp[ms, UTC]"``, Python's classes, ``[type]`` for a list, a mapping for a document."""

_NAMES = {
    "null": "n",
    "bool": "b",
    "boolean": "b",
    "int8": "c",
    "uint8": "C",
    "int16": "s",
    "uint16": "S",
    "int32": "i",
    "uint32": "I",
    "int64": "l",
    "uint64": "L",
    "float32": "f",
    "float": "f",
    "float64": "g",
    "double": "g",
    "string": "u",
    "utf8": "u",
    "large_string": "U",
    "large_utf8": "U",
    "binary": "z",
    "large_binary": "Z",
    "date32": "tdD",
    "date64": "tdm",
}
_UNITS = {"s": "s", "ms": "m", "us": "u", "ns": "n"}
_OF_UNITS = re.compile(r"(timestamp|time32|time64|duration)\[(s|ms|us|ns)(?:, *(?:tz=)?([^]]+))?\]")
_FIXED = re.compile(r"fixed_size_binary[\[(](\d{1,9})[\])]")
_DECIMAL = re.compile(r"decimal128\((\d{1,2}), *(-?\d{1,3})\)")

_CLASSES: dict[Any, str] = {
    bool: "b",
    int: "l",
    Int64: "l",
    float: "g",
    str: "u",
    bytes: "z",
    Binary: "z",
    Decimal128: "u",
    datetime.datetime: "tsm:UTC",
    datetime.date: "tdD",
}


class ArrowSchema:
    """A schema, for whoever takes one by the PyCapsule interface."""

    def __init__(self, field: Field) -> None:
        self._field = field

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [child.name for child in self._field.children]

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self._field)

    def __repr__(self) -> str:
        return f"<ArrowSchema of {', '.join(self.names)}>"


def schema_field(schema: Schema) -> Field:
    """Return the schema to build columns by.

    Raises TypeError for what is no schema, ValueError for a type's name that nobody knows and
    ArrowError for a type that cannot be built.
    """
    if hasattr(schema, "__arrow_c_schema__"):  # mappings may have it: that of polars does
        field = _of_capsule(schema)
    elif isinstance(schema, Mapping):
        field = _struct("", schema)
    else:
        raise TypeError(
            "a schema is a mapping or has __arrow_c_schema__ (pyarrow, polars, ...), "
            f"but this is {type(schema)}"
        )
    return buildable(field._replace(flags=0))


def _of_capsule(schema: Any) -> Field:
    return Field.of(arrow_fields(schema.__arrow_c_schema__()))


def _struct(name: str, fields: Mapping[str, Any]) -> Field:
    for key in fields:
        if not isinstance(key, str):
            raise TypeError(f"the names of a schema are str, not {type(key)}")
    children = tuple(_field(key, value) for key, value in fields.items())
    return Field("+s", name, None, NULLABLE, children, None)


def _field(name: str, kind: Any) -> Field:
    if isinstance(kind, Mapping):
        return _struct(name, kind)
    if isinstance(kind, list):
        if len(kind) != 1:
            raise ValueError(f"{name!r}: a list has one type in it, not {len(kind)}")
        return Field("+l", name, None, NULLABLE, (_field("item", kind[0]),), None)
    if isinstance(kind, str):
        return _named(name, kind)
    if kind is ObjectId:
        return objectid_field(name)
    if kind is uuid.UUID:
        return uuid_field(name)
    if isinstance(kind, type) and kind in _CLASSES:
        return simple(name, _CLASSES[kind])
    if hasattr(kind, "__arrow_c_schema__"):
        return _of_capsule(kind)._replace(name=name, flags=NULLABLE)
    raise TypeError(f"{name!r}: {kind!r} is no type of a column")


def _named(name: str, text: str) -> Field:
    if text == "objectid":
        return objectid_field(name)
    if text == "uuid":
        return uuid_field(name)
    return simple(name, _NAMES.get(text) or _parsed(name, text))


def _parsed(name: str, text: str) -> str:
    if match := _OF_UNITS.fullmatch(text):
        kind, unit, zone = match.groups()
        if kind == "timestamp":
            return f"ts{_UNITS[unit]}:{zone or ''}"
        narrow = unit in ("s", "ms")
        if zone is None and kind == "duration":
            return f"tD{_UNITS[unit]}"
        if zone is None and narrow == (kind == "time32"):
            return f"tt{_UNITS[unit]}"
    elif match := _FIXED.fullmatch(text):
        return f"w:{match[1]}"
    elif match := _DECIMAL.fullmatch(text):
        return f"d:{match[1]},{match[2]}"
    raise ValueError(f"{name!r}: there is no type {text!r}")
