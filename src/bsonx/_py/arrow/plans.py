"""From schemas to plans: what each column is read as.

A plan is the tuple of csrc/arrow/column.h: (kind, a, b, name, path, type ids, children).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from bsonx._errors import ArrowError

from .formats import Field, Type, parse_format, unpack_metadata
from .kinds import CODE, DECIMAL128, DEPTH, OBJECTID, Kind

__all__ = ["EXTENSION_NAME", "Plan", "document_plan", "refusal"]

EXTENSION_NAME = b"ARROW:extension:name"
_EXTENSION_DATA = b"ARROW:extension:metadata"

#: Extension types that BSON has a type for, by their names: formats of the storage and the form.
_FORMS = {
    b"arrow.uuid": (("w:16",), 4),
    b"pymongoarrow.objectid": (("w:12",), OBJECTID),
    b"pymongoarrow.decimal128": (("w:16",), DECIMAL128),
    b"pymongoarrow.code": (("u", "U", "vu"), CODE),
}

_INDICES = {Kind.INT8, Kind.UINT8, Kind.INT16, Kind.UINT16, Kind.INT32, Kind.UINT32}
_INDICES |= {Kind.INT64, Kind.UINT64}


class Plan(NamedTuple):
    """What a column is read as."""

    kind: int
    a: int
    b: int
    name: bytes
    path: str
    type_ids: bytes
    children: tuple[Plan, ...]


def refusal(path: str, problem: str) -> ArrowError:
    """The error for a column that cannot be read."""
    return ArrowError(problem, path or None)


def document_plan(field: tuple[Any, ...]) -> Plan:
    """Return the plan of a schema whose rows become documents.

    Raises ArrowError for a schema that is no struct, and, naming the column, for types that BSON
    has nothing for and names that it cannot hold.
    """
    root = Field.of(field)
    if root.format != "+s":
        raise ArrowError(f"documents are made of a struct's columns, not of {root.format!r}")
    return _plan(root._replace(name=""), "", 0)


def _plan(field: Field, path: str, depth: int) -> Plan:
    if depth > DEPTH:
        raise refusal(path, "the schema is nested too deep")
    kind = parse_format(field.format)
    if kind is None:
        raise refusal(path, f"BSON has nothing for Arrow's type {field.format!r}")
    name = _name(field, path)
    if field.dictionary is not None:
        if kind.kind not in _INDICES:
            raise refusal(path, f"a dictionary's indices are no {field.format!r}")
        values = _plan(field.dictionary, path, depth + 1)
        return Plan(Kind.DICTIONARY, kind.kind, 0, name, path, b"", (values,))
    kind = _extended(field, kind, path)
    type_ids = b""
    if kind.kind == Kind.UNION:
        type_ids = _type_ids(field, path)
    children = _children(field, kind, path, depth)
    if kind.kind == Kind.RUNS:
        if children[0].kind not in (Kind.INT16, Kind.INT32, Kind.INT64):
            raise refusal(path, "the ends of runs are no integers")
        kind = kind._replace(a=children[0].kind)
    if kind.kind == Kind.MAP and children[0].children[0].kind not in (Kind.TEXT, Kind.TEXT_VIEW):
        kind = Type(Kind.LIST, 32)  # of documents with a key and a value
    return Plan(kind.kind, kind.a, kind.b, name, path, type_ids, children)


def _name(field: Field, path: str) -> bytes:
    if "\0" in field.name:
        raise refusal(path, "a field's name cannot contain a NUL")
    return field.name.encode()


def _extended(field: Field, kind: Type, path: str) -> Type:
    """What an extension type makes of its storage; others are read as the storage is."""
    pairs = unpack_metadata(field.metadata)
    name = pairs.get(EXTENSION_NAME)
    if name == b"arrow.bool8" and kind.kind == Kind.INT8:
        return Type(Kind.BOOL, 8)
    if name == b"pymongoarrow.binary" and kind.kind in (Kind.BINARY, Kind.BINARY_VIEW):
        subtype = pairs.get(_EXTENSION_DATA, b"").decode("ascii", "replace")
        known = subtype.isdecimal() and len(subtype) < 4 and int(subtype) < 256
        return kind._replace(b=int(subtype)) if known else kind
    if name is None or name not in _FORMS:
        return kind
    storages, form = _FORMS[name]
    if field.format not in storages:
        raise refusal(path, f"{name.decode()} is stored as {storages[0]!r}, not {field.format!r}")
    return kind._replace(b=form)


def _type_ids(field: Field, path: str) -> bytes:
    table = bytearray(b"\xff" * 128)
    numbers = field.format.partition(":")[2]
    ids = [int(i) if i.isdecimal() and len(i) < 4 else 128 for i in numbers.split(",") if numbers]
    if len(ids) != len(field.children) or any(i > 127 for i in ids) or len({*ids}) != len(ids):
        raise refusal(path, f"{field.format!r} does not name a union's columns")
    for index, number in enumerate(ids):
        table[number] = index
    return bytes(table)


def _children(field: Field, kind: Type, path: str, depth: int) -> tuple[Plan, ...]:
    wanted = {Kind.LIST: 1, Kind.LIST_VIEW: 1, Kind.FIXED_LIST: 1, Kind.MAP: 1, Kind.RUNS: 2}
    count = len(field.children)
    if kind.kind == Kind.STRUCT:
        names = [child.name for child in field.children]
        if len({*names}) != count:
            twice = next(name for name in names if names.count(name) > 1)
            raise refusal(path, f"two columns are named {twice!r}")
    elif kind.kind != Kind.UNION and count != wanted.get(kind.kind, 0):
        raise refusal(path, f"{field.format!r} with {count} fields")
    if kind.kind == Kind.MAP:
        pairs = field.children[0]
        if pairs.format != "+s" or len(pairs.children) != 2:
            raise refusal(path, "a map is made of pairs")
    inside = path if kind.kind in (Kind.RUNS, Kind.UNION) else None
    return tuple(
        _plan(child, _path(path, child.name) if inside is None else inside, depth + 1)
        for child in field.children
    )


def _path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
