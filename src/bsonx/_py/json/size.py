"""A cheap estimate of a value's size as extended JSON text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bsonx.code import Code
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp

_CONSTANT_SIZES: dict[type, int] = {
    ObjectId: 28,
    int: 11,
    Int64: 11,
    Decimal128: 11,
    Timestamp: 14,
    MinKey: 8,
    MaxKey: 8,
}


def _variable_size(obj: Any) -> int | None:
    kind = type(obj)
    if kind is str or kind is bytes:
        return len(obj)
    if kind is datetime:
        return 5 + len(str(obj.time()))
    if kind is Regex:
        return 18 + len(obj.pattern)
    if kind is DBRef:
        return 34 + len(obj.collection)
    return None


def get_size(obj: Any, max_size: int, current_size: int = 0) -> int:
    """Return roughly how many characters `obj` takes, giving up at `max_size`.

    `current_size` is what has been counted already. Containers count from it and scalars from
    zero, so that nested containers are over-estimated, as in PyMongo.
    """
    if current_size >= max_size:
        return current_size
    size = _CONSTANT_SIZES.get(type(obj))
    if size is None:
        size = _variable_size(obj)
    if size is not None:
        return size
    if type(obj) is Code:
        if obj.scope:
            current_size += get_size(obj.scope, max_size, current_size)
        return current_size + 5 + len(obj) - len(obj.scope or ())
    if type(obj) is dict:
        for key, value in obj.items():
            current_size += get_size(key, max_size, current_size)
            current_size += get_size(value, max_size, current_size)
            if current_size >= max_size:
                return current_size
    elif hasattr(obj, "__iter__"):
        for value in obj:
            current_size += get_size(value, max_size, current_size)
            if current_size >= max_size:
                return current_size
    return current_size
