"""Python values to what ``json.dumps`` takes: extended JSON, written in plain Python.

The forms are those of the extended JSON specification's "Conversion table", canonical and relaxed;
comments name its rows. Legacy is what drivers wrote before there was one.
"""

from __future__ import annotations

import base64
import json
import math
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from bsonx._markers import Markers as _Markers
from bsonx._py.json.options import DatetimeRepresentation, JSONMode
from bsonx._py.types.datetime_ms import MAX_MILLIS
from bsonx._py.types.moments import asked_fields, is_nat, millis_from_datetime
from bsonx.binary import Binary
from bsonx.code import Code
from bsonx.datetime_ms import DatetimeMS
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import FLAG_LETTERS, Regex
from bsonx.timestamp import Timestamp
from bsonx.tz_util import utc

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

EPOCH_AWARE = datetime(1970, 1, 1, tzinfo=utc)
_EPOCH_NAIVE = datetime(1970, 1, 1)
_NO_OFFSET = timedelta(0)
_MINUTE = timedelta(minutes=1)

_INT32_MIN = -(2**31)
_INT32_MAX = 2**31 - 1


def _same(obj: Any, options: JSONOptions) -> Any:
    return obj


def _encode_bytes(obj: bytes, options: JSONOptions) -> Any:
    return _binary(obj, 0, options)


def _encode_binary(obj: Any, options: JSONOptions) -> Any:
    return _binary(obj, obj.subtype, options)


def _binary(data: bytes, subtype: int, options: JSONOptions) -> Any:
    # Row "Binary": base64 with padding, and a subtype of one or two hexadecimal digits.
    text = base64.b64encode(data).decode()
    if options.json_mode == JSONMode.LEGACY:
        return {"$binary": text, "$type": f"{subtype:02x}"}
    return {"$binary": {"base64": text, "subType": f"{subtype:02x}"}}


def _encode_uuid(obj: uuid.UUID, options: JSONOptions) -> Any:
    if not options.strict_uuid:
        return {"$uuid": obj.hex}
    binary = Binary.from_uuid(obj, uuid_representation=options.uuid_representation)
    return _binary(binary, binary.subtype, options)


def _encode_int(obj: int, options: JSONOptions) -> Any:
    if options.json_mode != JSONMode.CANONICAL:
        return obj
    # Rows "Int32" and "Int64". By int's own repr: an enumeration's str() could not be read back.
    digits = int.__repr__(obj)
    if _INT32_MIN <= obj <= _INT32_MAX:
        return {"$numberInt": digits}
    return {"$numberLong": digits}


def _encode_int64(obj: Any, options: JSONOptions) -> Any:
    if options.strict_number_long:
        return {"$numberLong": int.__repr__(obj) if isinstance(obj, int) else str(obj)}
    return int(obj)


def _encode_float(obj: float, options: JSONOptions) -> Any:
    # Rows "Double", and "Representation of Non-finite Numeric Values": also in relaxed text.
    if options.json_mode != JSONMode.LEGACY:
        if math.isnan(obj):
            return {"$numberDouble": "NaN"}
        if math.isinf(obj):
            return {"$numberDouble": "Infinity" if obj > 0 else "-Infinity"}
        if options.json_mode == JSONMode.CANONICAL:
            return {"$numberDouble": float.__repr__(obj)}
    return obj


def _encode_datetime(obj: datetime, options: JSONOptions) -> Any:
    iso = options.datetime_representation == DatetimeRepresentation.ISO8601
    if type(obj) is not datetime:
        if options.profile is not None and is_nat(obj):
            return None
        obj = _exact(obj)
    if iso:
        offset = obj.utcoffset() or _NO_OFFSET
        local = obj.replace(tzinfo=None)
        if local - _EPOCH_NAIVE >= offset:
            return {"$date": _iso8601(local, offset)}
    return _millis(millis_from_datetime(obj), options)


def _exact(obj: datetime) -> datetime:
    """Ask an instance of a subclass, which may hold its value elsewhere."""
    offset = obj.utcoffset()
    return asked_fields(obj).replace(tzinfo=None if offset is None else timezone(offset))


def _iso8601(local: datetime, offset: timedelta) -> str:
    """Format a time from 1970 on, to the millisecond.

    Row "Datetime [year from 1970 to 9999 inclusive]" asks for RFC 3339: an offset is of hours and
    minutes with a colon; a finer one leads to UTC.
    """
    zone = "Z"
    if offset % _MINUTE:
        local -= offset
    elif offset:
        minutes = abs(offset) // _MINUTE
        zone = f"{'-' if offset < _NO_OFFSET else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    millis = local.microsecond // 1000
    fraction = f".{millis:03d}" if millis else ""
    return f"{local.replace(microsecond=0).isoformat()}{fraction}{zone}"


def _encode_datetime_ms(obj: Any, options: JSONOptions) -> Any:
    millis = int(obj)
    iso = options.datetime_representation == DatetimeRepresentation.ISO8601
    if iso and 0 <= millis <= MAX_MILLIS:
        return _encode_datetime(obj.as_datetime(), options)
    return _millis(millis, options)


def _millis(millis: int, options: JSONOptions) -> Any:
    if options.datetime_representation == DatetimeRepresentation.LEGACY:
        return {"$date": millis}
    return {"$date": {"$numberLong": str(millis)}}


def _encode_regex(obj: Any, options: JSONOptions) -> Any:
    flags = obj.flags
    letters = "".join(letter for letter, flag in FLAG_LETTERS.items() if flags & flag)
    pattern = obj.pattern
    if isinstance(pattern, bytes):
        pattern = pattern.decode("utf-8")
    if options.json_mode == JSONMode.LEGACY:
        return {"$regex": pattern, "$options": letters}
    return {"$regularExpression": {"pattern": pattern, "options": letters}}


def _encode_code(obj: Any, options: JSONOptions) -> Any:
    if obj.scope is None:
        return {"$code": str(obj)}
    return {"$code": str(obj), "$scope": convert(obj.scope, options)}


def _encode_dbref(obj: Any, options: JSONOptions) -> Any:
    return convert(obj.as_doc(), options)


def _encode_objectid(obj: Any, options: JSONOptions) -> Any:
    return {"$oid": str(obj)}


def _encode_timestamp(obj: Any, options: JSONOptions) -> Any:
    return {"$timestamp": {"t": obj.time, "i": obj.inc}}


def _encode_decimal128(obj: Any, options: JSONOptions) -> Any:
    return {"$numberDecimal": str(obj)}


def _encode_min_key(obj: Any, options: JSONOptions) -> Any:
    return {"$minKey": 1}


def _encode_max_key(obj: Any, options: JSONOptions) -> Any:
    return {"$maxKey": 1}


_Encoder = Callable[[Any, "JSONOptions"], Any]

_ENCODERS: dict[type, _Encoder] = {
    bool: _same,
    type(None): _same,
    str: _same,
    int: _encode_int,
    float: _encode_float,
    datetime: _encode_datetime,
    bytes: _encode_bytes,
    uuid.UUID: _encode_uuid,
    re.Pattern: _encode_regex,
    ObjectId: _encode_objectid,
    Int64: _encode_int64,
    DatetimeMS: _encode_datetime_ms,
    Binary: _encode_binary,
    Decimal128: _encode_decimal128,
    Timestamp: _encode_timestamp,
    Regex: _encode_regex,
    Code: _encode_code,
    DBRef: _encode_dbref,
    MinKey: _encode_min_key,
    MaxKey: _encode_max_key,
}

# Types of other BSON packages are known by their marker.
_MARKERS: dict[int, _Encoder] = {
    _Markers.BINARY: _encode_binary,
    _Markers.OBJECTID: _encode_objectid,
    _Markers.DATETIME: _encode_datetime_ms,
    _Markers.REGEX: _encode_regex,
    _Markers.CODE: _encode_code,
    _Markers.TIMESTAMP: _encode_timestamp,
    _Markers.INT64: _encode_int64,
    _Markers.DECIMAL128: _encode_decimal128,
    _Markers.DBREF: _encode_dbref,
    _Markers.MAXKEY: _encode_max_key,
    _Markers.MINKEY: _encode_min_key,
}

_BUILT_IN_TYPES = (datetime, float, int, re.Pattern, str, uuid.UUID, bytes)


def encode_value(obj: Any, options: JSONOptions) -> Any:
    """Return the extended JSON of one scalar as dicts, strings and numbers.

    NotImplemented for containers and for types that BSON does not have.
    """
    encoder = _ENCODERS.get(type(obj))
    if encoder is not None:
        return encoder(obj, options)
    encoder = _MARKERS.get(getattr(obj, "_type_marker", -1))
    if encoder is not None:
        return encoder(obj, options)
    for base in _BUILT_IN_TYPES:
        if isinstance(obj, base):
            return _ENCODERS[base](obj, options)
    if getattr(options, "profile", None) is not None:
        from bsonx._typed.profile import simplified  # which needs the types of this package

        simple = simplified(obj)
        return simple if simple is NotImplemented else convert(simple, options)
    return NotImplemented


def default(obj: Any, options: JSONOptions) -> Any:
    """Return the extended JSON of one scalar as dicts, strings and numbers.

    Raises TypeError for containers and for types that BSON does not have.
    """
    value = encode_value(obj, options)
    if value is NotImplemented:
        raise TypeError(f"{obj!r} is not JSON serializable")
    return value


def convert(obj: Any, options: JSONOptions) -> Any:
    """Return `obj` with every value replaced by what ``json.dumps`` takes.

    Anything with ``items`` becomes a dict, any other iterable a list; a value that has no
    extended JSON is left for ``json.dumps`` (its ``default``, or its error).
    """
    encoder = _ENCODERS.get(type(obj))
    if encoder is None or obj.__class__ is DBRef:
        if hasattr(obj, "items"):
            return {key: convert(value, options) for key, value in obj.items()}
        # An enum.IntFlag iterates over itself; as a number it is well defined.
        if hasattr(obj, "__iter__") and not isinstance(obj, (str, bytes, int)):
            return [convert(value, options) for value in obj]
    value = encode_value(obj, options)
    return obj if value is NotImplemented else value


def json_dumps(obj: Any, options: JSONOptions) -> str:
    """Return `obj` as extended JSON text in the layout of plain ``json.dumps(obj)``."""
    return json.dumps(convert(obj, options))
