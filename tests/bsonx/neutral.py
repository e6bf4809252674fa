"""Decoded values as plain tuples that compare exactly, whichever package they came from."""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Mapping
from typing import Any

_pack = struct.Struct("<d").pack


def _document(value):
    return (type(value).__name__, [(key, neutral_value(item)) for key, item in value.items()])


def _datetime(value):
    return ("datetime", value.replace(tzinfo=None), value.utcoffset(), value.tzname())


_BY_TYPE = {
    bool: lambda value: value,
    type(None): lambda value: value,
    str: lambda value: value,
    int: lambda value: value,
    bytes: lambda value: value,
    float: lambda value: ("float", _pack(value)),
    dict: _document,
    list: lambda value: [neutral_value(item) for item in value],
    datetime.datetime: _datetime,
    uuid.UUID: lambda value: value,
}

_BY_NAME = {
    "Int64": lambda value: ("Int64", int(value)),
    "ObjectId": lambda value: ("ObjectId", value.binary),
    "Binary": lambda value: ("Binary", bytes(value), value.subtype),
    "Code": lambda value: ("Code", str(value), neutral_value(value.scope)),
    "DBRef": lambda value: ("DBRef", _document(value.as_doc())),
    "DatetimeMS": lambda value: ("DatetimeMS", int(value)),
    "Decimal128": lambda value: ("Decimal128", value.bid),
    "MaxKey": lambda value: "MaxKey",
    "MinKey": lambda value: "MinKey",
    "Regex": lambda value: ("Regex", value.pattern, int(value.flags), type(value.flags)),
    "Timestamp": lambda value: ("Timestamp", value.time, value.inc),
}


def neutral_value(value: Any) -> Any:
    """Return a decoded value as tuples, lists and plain values; types and order count."""
    kind = type(value)
    convert = _BY_TYPE.get(kind) or _BY_NAME.get(kind.__name__)
    if convert is None:
        if not isinstance(value, Mapping):
            raise TypeError(f"unexpected type {kind}")
        convert = _document
    return convert(value)


def attempt(function: Any, *args: Any) -> tuple[Any, ...]:
    """Return what a call gives, or its exception: class, text, and where the problem is."""
    try:
        return ("gives", neutral_value(function(*args)))
    except Exception as exc:
        where = getattr(exc, "offset", None), getattr(exc, "path", None)
        return ("raises", type(exc).__name__, str(exc), where)
