"""Schemas to build columns by: what is asked for, as what can be built, and its plan."""

from __future__ import annotations

from typing import Any

from bsonx._errors import ArrowError

from .formats import Field, parse_format, unpack_metadata
from .kinds import CODE, DECIMAL128, DEPTH, OBJECTID, Kind
from .plans import EXTENSION_NAME, Plan, refusal

__all__ = ["build_plan", "buildable"]

_FORMS = {
    (b"arrow.uuid", "w:16"): 4,
    (b"pymongoarrow.objectid", "w:12"): OBJECTID,
    (b"pymongoarrow.decimal128", "w:16"): DECIMAL128,
    (b"pymongoarrow.code", "u"): CODE,
}

#: What has no builder has one of the same values.
_PLAINER = {"vu": "U", "vz": "Z", "+vl": "+L", "+vL": "+L"}

#: Units of timestamps: what to multiply milliseconds with, and to divide by.
_FROM_MILLISECONDS = {"s": (1, 1000), "m": (1, 1), "u": (1000, 1), "n": (1_000_000, 1)}

_AS_THEY_ARE = {
    *(Kind.NULL, Kind.BOOL, Kind.INT8, Kind.UINT8, Kind.INT16, Kind.UINT16, Kind.INT32),
    *(Kind.UINT32, Kind.INT64, Kind.UINT64, Kind.FLOAT32, Kind.FLOAT64, Kind.TEXT, Kind.BINARY),
    *(Kind.DATE32, Kind.DATE64, Kind.LIST, Kind.STRUCT, Kind.FIXED, Kind.FIXED_LIST, Kind.MAP),
}


def buildable(field: Field, path: str = "", depth: int = 0) -> Field:
    """Return a schema with plainer types where the asked ones cannot be built: for a dictionary and
    runs their values' type, for views the large types. Raises ArrowError, naming the column, where
    there is none.
    """
    if depth > DEPTH:
        raise refusal(path, "the schema is nested too deep")
    if field.dictionary is not None:
        return buildable(field.dictionary._replace(name=field.name), path, depth + 1)
    if field.format == "+r" and len(field.children) == 2:
        return buildable(field.children[1]._replace(name=field.name), path, depth + 1)
    if field.format in ("+us", "+ud") or field.format.startswith(("+us:", "+ud:")):
        raise refusal(path, "columns of unions are not built")
    children = tuple(
        buildable(child, f"{path}.{child.name}" if path else child.name, depth + 1)
        for child in field.children
    )
    form = _PLAINER.get(field.format, field.format)
    return Field(form, field.name, field.metadata, field.flags, children, None)


def build_plan(field: Field) -> Plan:
    """Return the plan (csrc/arrow/builder.h) of a schema that `buildable` has given."""
    if field.format != "+s":
        raise ArrowError(f"the schema of documents is a struct, not {field.format!r}")
    return _plan(field._replace(name=""), "")


def _plan(field: Field, path: str) -> Plan:
    kind = parse_format(field.format)
    if kind is None:
        raise refusal(path, f"BSON has nothing for Arrow's type {field.format!r}")
    a, b = kind.a, kind.b
    pairs = unpack_metadata(field.metadata)
    b = _FORMS.get((pairs.get(EXTENSION_NAME, b""), field.format), b)
    if kind.kind == Kind.TIMESTAMP:
        a, b = _FROM_MILLISECONDS[field.format[2]]
    elif kind.kind == Kind.DECIMAL:
        a, b = _decimal(field, path)
    elif kind.kind not in _AS_THEY_ARE:
        raise refusal(path, f"columns of Arrow's type {field.format!r} are not built")
    _check(field, kind.kind, path)
    children = tuple(
        _plan(child, f"{path}.{child.name}" if path else child.name) for child in field.children
    )
    if kind.kind == Kind.MAP:
        a = 32
        if children[0].children[0].kind != Kind.TEXT:
            raise refusal(path, "the keys of a map must be text")
    return Plan(kind.kind, a, b, field.name.encode(), path, b"", children)


def _check(field: Field, kind: Kind, path: str) -> None:
    count = len(field.children)
    if "\0" in field.name:
        raise refusal(path, "a field's name cannot contain a NUL")
    if kind == Kind.STRUCT:
        names = [child.name for child in field.children]
        if len({*names}) != count:
            raise refusal(path, "two columns have the same name")
    elif count != (kind in (Kind.LIST, Kind.FIXED_LIST, Kind.MAP)):
        raise refusal(path, f"{field.format!r} with {count} fields")
    if kind in (Kind.FIXED, Kind.FIXED_LIST) and field.format.endswith(":0"):
        raise refusal(path, f"columns of Arrow's type {field.format!r} are not built")
    if kind == Kind.MAP:
        pairs = field.children[0]
        if pairs.format != "+s" or len(pairs.children) != 2:
            raise refusal(path, "a map is made of pairs")


def _decimal(field: Field, path: str) -> tuple[int, int]:
    """Scale and digits."""
    parts: list[Any] = field.format.partition(":")[2].split(",")
    if len(parts) == 3 and parts[2] != "128":
        raise refusal(path, f"columns of Arrow's type {field.format!r} are not built")
    digits, scale = int(parts[0]), int(parts[1])
    if not 1 <= digits <= 38:
        raise refusal(path, f"there are no decimals of {digits} digits")
    return scale, digits
