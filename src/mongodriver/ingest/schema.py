"""Types of columns, said once: in a file, by a class with fields, or as text."""

from __future__ import annotations

import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from mongodriver.ingest.csv.types import column, parse_types
from mongodriver.ingest.errors import IngestError

__all__ = ["Schema"]

_OF_CLASSES: dict[Any, str] = {
    str: "str",
    int: "int",
    Int64: "int",
    float: "float",
    bool: "bool",
    datetime: "date",
    date: "date",
    Decimal: "decimal",
    Decimal128: "decimal",
    ObjectId: "objectid",
}
#: As `$jsonSchema` calls them.
_OF_BSON = {
    "string": "str",
    "int": "int",
    "long": "int",
    "double": "float",
    "decimal": "decimal",
    "bool": "bool",
    "date": "date",
    "objectId": "objectid",
}


@dataclass(frozen=True)
class Schema:
    """The types of the columns of CSV.

    :param types: by name, as in `CSVOptions.types`.
    """

    types: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, kind in self.types.items():
            column(name, kind)

    @classmethod
    def load(cls, text: str) -> Schema:
        """Return the schema that a user names: a file, or a class as `module:Class`.

        :raises IngestError: where there is no such thing, or it is no schema.
        """
        if os.path.exists(text):
            return cls.from_file(text)
        module, colon, name = text.partition(":")
        if not colon or not all(part.isidentifier() for part in module.split(".")):
            raise IngestError(f"there is no file {text!r}; a class is named module:Class")
        try:
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise IngestError(f"there is no class {text!r}: {error}") from error
        except Exception as error:  # it is a program, and may raise anything
            raise IngestError(f"{module} cannot be imported: {error!r}") from error
        return cls.from_class(found)

    @classmethod
    def from_text(cls, text: str) -> Schema:
        """Return that of `name:type,name:date(FORMAT)`. Raises IngestError for anything else."""
        return cls(parse_types(text))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Schema:
        """Return that of a JSON file: `{"name": "type", "when": "date(%d.%m.%Y)"}`, or a
        `$jsonSchema` whose properties have a `bsonType` each.

        :raises OSError, IngestError: where it cannot be read, or is no schema.
        """
        with open(path, encoding="utf-8") as file:
            try:
                content = json.load(file)
            except ValueError as error:
                raise IngestError(f"{os.fspath(path)}: not JSON: {error}") from error
        try:
            return cls(_types_in(content))
        except IngestError as error:
            raise IngestError(f"{os.fspath(path)}: {error}") from error

    @classmethod
    def from_class(cls, typed: Any) -> Schema:
        """Return that of a class with fields: a dataclass, a TypedDict, a NamedTuple, msgspec's,
        attrs' or pydantic's. Fields may be optional.

        :raises IngestError: for a field that no column can be.
        """
        try:
            hints = typing.get_type_hints(typed)
        except (TypeError, NameError) as error:
            raise IngestError(f"{typed!r} is no class with fields: {error}") from error
        if not isinstance(typed, type) or not hints:
            raise IngestError(f"{typed!r} is no class with fields")
        return cls(
            {
                name: _type_of(f"{typed.__name__}.{name}", hint)
                for name, hint in hints.items()
                if typing.get_origin(hint) is not typing.ClassVar
            }
        )


def _types_in(content: Any) -> dict[str, str]:
    if isinstance(content, dict) and isinstance(content.get("$jsonSchema"), dict):
        content = content["$jsonSchema"]
    if isinstance(content, dict) and isinstance(content.get("properties"), dict):
        return {
            name: _type_of_property(name, found) for name, found in content["properties"].items()
        }
    if not isinstance(content, dict) or not all(isinstance(kind, str) for kind in content.values()):
        raise IngestError('it must be an object such as {"name": "type"}')
    return content


def _type_of_property(name: str, found: Any) -> str:
    kinds = found.get("bsonType") if isinstance(found, dict) else None
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(kinds, list):
        known = {_OF_BSON.get(kind) for kind in kinds if kind != "null"}
        if len(known) == 1 and (kind := known.pop()) is not None:
            return kind
    raise IngestError(f"property {name!r} has no bsonType that a column can have")


def _type_of(name: str, hint: Any) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [one for one in typing.get_args(hint) if one is not type(None)]
        if len(rest) == 1:
            return _type_of(name, rest[0])
    if isinstance(hint, typing.NewType):
        return _type_of(name, hint.__supertype__)
    if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
        return _type_of(name, typing.get_args(hint)[0])
    try:
        return _OF_CLASSES[hint]
    except (KeyError, TypeError):
        raise IngestError(f"{name}: a column cannot be of type {hint!r}") from None
