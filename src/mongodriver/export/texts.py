"""Values as texts in a cell of CSV, so that `mongodriver ingest` reads them as what they were."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bsonx import json_util
from bsonx.binary import UUID_SUBTYPE, Binary
from bsonx.datetime_ms import DatetimeMS
from bsonx.decimal128 import Decimal128
from bsonx.errors import BSONError
from bsonx.objectid import ObjectId

__all__ = ["cell", "field"]

_MISSING: Any = None


def field(document: Any, path: Sequence[str]) -> Any:
    """The value at a path of names, and of places in arrays; None where there is none."""
    value = document
    for name in path:
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def cell(value: Any) -> str:
    """The text of a value; what is not plain is relaxed extended JSON."""
    if value is None:
        return ""
    if isinstance(value, str) and type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (DatetimeMS, datetime)):
        return _date(value)
    if isinstance(value, (ObjectId, Decimal128)):
        return str(value)
    if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE and len(value) == 16:
        return str(uuid.UUID(bytes=bytes(value)))
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _date(value: Any) -> str:
    """ISO 8601 in UTC; beyond the years that datetime has, milliseconds as JSON has them."""
    try:
        when = value.as_datetime() if isinstance(value, DatetimeMS) else value
    except BSONError:
        return json_util.dumps(value)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    spec = "milliseconds" if when.microsecond else "seconds"
    return when.isoformat(timespec=spec).replace("+00:00", "Z")
