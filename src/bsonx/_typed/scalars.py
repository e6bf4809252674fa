"""The nodes of single values: Python's own types, BSON's, and those that are stored as one."""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any

from bsonx._typed import nodes as p
from bsonx._typed.hints import label_of
from bsonx._typed.nodes import Kind, Node
from bsonx.binary import Binary
from bsonx.code import Code
from bsonx.datetime_ms import DatetimeMS
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp

__all__ = ["scalar_node", "to_decimal"]

_INTEGERS = (p.INT32, p.INT64)
_SCALARS: dict[Any, tuple[Kind, tuple[int, ...], tuple[int, ...]]] = {
    type(None): (Kind.NONE, (p.NULL, p.UNDEFINED), ()),
    bool: (Kind.BOOL, (p.BOOL,), ()),
    int: (Kind.INT, _INTEGERS, ()),
    float: (Kind.FLOAT, (p.DOUBLE,), _INTEGERS),
    str: (Kind.STR, (p.STRING, p.SYMBOL), ()),
    bytes: (Kind.BYTES, (p.BINARY,), ()),
    datetime.datetime: (Kind.DATETIME, (p.DATETIME,), ()),
    uuid.UUID: (Kind.UUID, (p.BINARY,), ()),
}


def _date(moment: Any) -> datetime.date:
    days, rest = divmod(int(moment), 86400000)
    if rest:
        raise ValueError("a date with a time of day")
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=days)


def _timedelta(millis: int) -> datetime.timedelta:
    return datetime.timedelta(milliseconds=millis)


def to_decimal(value: Any) -> decimal.Decimal:
    """Return the Decimal of a Decimal128."""
    return value.to_decimal()  # type: ignore[no-any-return]


def _pattern(value: Any) -> re.Pattern[Any]:
    try:
        return value.try_compile()  # type: ignore[no-any-return]
    except re.error as exc:
        raise ValueError(f"invalid pattern: {exc}") from exc


def _instance(cls: type, *codes: int) -> Callable[[], Node]:
    return lambda: Node(Kind.INSTANCE, cls.__name__, codes, cls=cls)


def _converted(label: str, item: Callable[[], Node], call: Any) -> Callable[[], Node]:
    def make() -> Node:
        inner = item()
        return Node(Kind.CALL, label, inner.codes, item=inner, call=call)

    return make


def _moment() -> Node:
    return Node(Kind.DATETIME_MS, "DatetimeMS", (p.DATETIME,))


def _basic(tp: Any) -> Node:
    kind, codes, widened = _SCALARS[tp]
    return Node(kind, label_of(tp), codes, widened=widened)


# BSON's own types, and those that are stored as one of them.
_BSON: dict[Any, Callable[[], Node]] = {
    ObjectId: lambda: Node(Kind.OBJECTID, "ObjectId", (p.OBJECTID,)),
    Int64: lambda: Node(Kind.INT64, "Int64", _INTEGERS),
    Binary: lambda: Node(Kind.BINARY, "Binary", (p.BINARY,)),
    DatetimeMS: _moment,
    Code: _instance(Code, p.CODE, p.CODE_W_SCOPE),
    DBRef: _instance(DBRef, p.DOCUMENT, p.DBPOINTER),
    Decimal128: _instance(Decimal128, p.DECIMAL128),
    MaxKey: _instance(MaxKey, p.MAXKEY),
    MinKey: _instance(MinKey, p.MINKEY),
    Regex: _instance(Regex, p.REGEX),
    Timestamp: _instance(Timestamp, p.TIMESTAMP),
    decimal.Decimal: _converted("Decimal", _instance(Decimal128, p.DECIMAL128), to_decimal),
    re.Pattern: _converted("Pattern", _instance(Regex, p.REGEX), _pattern),
    datetime.date: _converted("date", _moment, _date),
    datetime.time: _converted("time", lambda: _basic(str), datetime.time.fromisoformat),
    datetime.timedelta: _converted("timedelta", lambda: _basic(int), _timedelta),
}


def scalar_node(tp: Any) -> Node | None:
    """Return a new node of a type whose values are single elements; None for other types."""
    if tp in _SCALARS:
        return _basic(tp)
    make = _BSON.get(tp)
    return None if make is None else make()
