"""From the types that were met in documents to a schema."""

from __future__ import annotations

from typing import Any, NamedTuple

from bsonx._errors import ArrowError

from .formats import Field, pack_metadata
from .plans import EXTENSION_NAME

__all__ = ["NULLABLE", "Met", "inferred", "objectid_field", "simple", "uuid_field"]

NULLABLE = 2

# Bits of `Met.types`: numbers of BSON's types, and these.
MAXKEY, MINKEY, UUID = 20, 21, 22

_DOUBLE, _STRING, _DOCUMENT, _ARRAY, _BINARY, _UNDEFINED, _OBJECTID = 1, 2, 3, 4, 5, 6, 7
_BOOL, _DATE, _NULL, _REGEX, _CODE, _SYMBOL, _INT32, _INT64, _DECIMAL = (
    *(8, 9, 10, 11, 13, 14, 16, 18, 19),
)

_NAMES = {
    _DOUBLE: "double",
    _STRING: "string",
    _DOCUMENT: "document",
    _ARRAY: "array",
    _BINARY: "binary",
    _OBJECTID: "ObjectId",
    _BOOL: "bool",
    _DATE: "date",
    _REGEX: "regular expression",
    12: "DBPointer",
    _CODE: "code",
    _SYMBOL: "symbol",
    15: "code with scope",
    _INT32: "int32",
    17: "timestamp",
    _INT64: "int64",
    _DECIMAL: "decimal",
    MAXKEY: "MaxKey",
    MINKEY: "MinKey",
    UUID: "UUID",
}

#: Types that go into one column, and its format; the first that has them all.
_TOGETHER: list[tuple[set[int], str]] = [
    ({_INT32, _INT64}, "l"),
    ({_INT32, _INT64, _DOUBLE}, "g"),
    ({_STRING, _SYMBOL}, "u"),
    ({_DATE}, "tsm:UTC"),
    ({_BOOL}, "b"),
    ({UUID}, "uuid"),
    ({_BINARY, UUID}, "z"),
    ({_OBJECTID}, "objectid"),
    ({_DECIMAL}, "u"),
    ({_CODE}, "u"),
    ({_REGEX}, "u"),
    ({_DOCUMENT}, "+s"),
    ({_ARRAY}, "+l"),
]


class Met(NamedTuple):
    """What `arrow_types` tells of a field: see csrc/arrow/builder.h."""

    name: str
    types: int
    row: int
    first: int
    fields: tuple[Met, ...]
    items: Met | None

    @classmethod
    def of(cls, met: tuple[Any, ...]) -> Met:
        """Make one of plain tuples."""
        name, types, row, first, fields, items = met
        inside = None if items is None else cls.of(items)
        return cls(name, types, row, first, tuple(map(cls.of, fields)), inside)


def simple(name: str, form: str) -> Field:
    """A nullable field without more to it."""
    return Field(form, name, None, NULLABLE, (), None)


def objectid_field(name: str) -> Field:
    """ObjectIds as 12 bytes, marked as what they are."""
    mark = pack_metadata({EXTENSION_NAME: b"pymongoarrow.objectid"})
    return simple(name, "w:12")._replace(metadata=mark)


def uuid_field(name: str) -> Field:
    """UUIDs as Arrow has them."""
    return simple(name, "w:16")._replace(metadata=pack_metadata({EXTENSION_NAME: b"arrow.uuid"}))


def inferred(met: tuple[Any, ...], objectid_text: bool, lenient: bool) -> Field:
    """Return the schema of the documents that were looked at.

    Raises ArrowError for a field with types that go into no one column, naming it and the document;
    if `lenient` the column is for those that came first.
    """
    root = Met.of(met)
    fields = tuple(_field(child, child.name, objectid_text, lenient) for child in root.fields)
    return Field("+s", "", None, 0, fields, None)


def _field(met: Met, path: str, objectid_text: bool, lenient: bool) -> Field:
    form = _format(met, path, lenient)
    if form == "objectid":
        return simple(met.name, "u") if objectid_text else objectid_field(met.name)
    if form == "uuid":
        return uuid_field(met.name)
    children: tuple[Field, ...] = ()
    if form == "+s":
        children = tuple(
            _field(child, f"{path}.{child.name}", objectid_text, lenient) for child in met.fields
        )
    elif form == "+l":
        items = met.items or Met("", 0, 0, -1, (), None)
        items = items._replace(name="item")
        children = (_field(items, f"{path}.item", objectid_text, lenient),)
    return Field(form, met.name, None, NULLABLE, children, None)


def _format(met: Met, path: str, lenient: bool) -> str:
    if "\0" in met.name:
        raise ArrowError("a field's name cannot contain a NUL", path)
    types = {bit for bit in range(23) if met.types >> bit & 1} - {_NULL, _UNDEFINED}
    if not types:
        return "n"
    for together, form in _TOGETHER:
        if types <= together:
            return form
    if lenient:
        for together, form in _TOGETHER:
            if met.first in together:
                return form
        return "n"
    names = ", ".join(sorted(_NAMES[bit] for bit in types))
    if len(types) == 1:
        raise ArrowError(f"no column is made of a {names} unless a schema says how", path, met.row)
    raise ArrowError(f"no column holds {names} together: give a schema", path, met.row)
