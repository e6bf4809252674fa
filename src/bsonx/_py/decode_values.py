"""One reader for each BSON type that holds no other values.

A reader gets the bytes, the position of its value, the end of the enclosing document (without its
final NUL), the plan, the nesting depth and the field's name; it returns the value and the position
after it.
"""

from __future__ import annotations

import datetime
import operator
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from bsonx._py.bounds import bad, bad_value
from bsonx._py.types.datetime_ms import datetime_from_millis, out_of_range
from bsonx._py.types.decimal128 import Decimal128
from bsonx._py.types.int64 import Int64
from bsonx._py.types.objectid import ObjectId
from bsonx._py.types.timestamp import Timestamp
from bsonx.binary import (
    ALL_UUID_SUBTYPES,
    OLD_BINARY_SUBTYPE,
    UUID_SUBTYPE,
    Binary,
    UuidRepresentation,
)
from bsonx.code import Code
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.dbref import DBRef
from bsonx.errors import InvalidBSON
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.regex import Regex, str_flags_to_int

if TYPE_CHECKING:
    from bsonx._py.decode import Plan

Reader: TypeAlias = "Callable[[bytes, int, int, Plan, int, str], tuple[Any, int]]"

_unpack_int = struct.Struct("<i").unpack_from
_unpack_long = struct.Struct("<q").unpack_from
_unpack_double = struct.Struct("<d").unpack_from
_unpack_timestamp = struct.Struct("<II").unpack_from
_unpack_length_and_subtype = struct.Struct("<iB").unpack_from

_EPOCH_NAIVE = datetime.datetime(1970, 1, 1)
_MILLISECOND = datetime.timedelta(milliseconds=1)


# What says nothing about the input.
_PASSING = (InvalidBSON, MemoryError, RecursionError)


def text(raw: bytes, plan: Plan, offset: int) -> str:
    """Return the str of UTF-8 bytes, with the error handler of the options."""
    try:
        return raw.decode("utf-8", plan.errors)
    except _PASSING:
        raise
    except Exception as exc:  # no UTF-8, or what an error handler raises
        bad(str(exc), offset, exc)


def _double(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    return _unpack_double(data, pos)[0], pos + 8


def read_string(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    """Read a length-prefixed string (also the source of code)."""
    start = pos + 4
    if start >= end:
        bad_value(pos)
    stop: int = start + _unpack_int(data, pos)[0]
    if stop <= start or stop > end or data[stop - 1]:
        bad_value(pos)
    return text(data[start : stop - 1], plan, start), stop


def _binary(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    start = pos + 5
    if start > end:
        bad_value(pos)
    size, subtype = _unpack_length_and_subtype(data, pos)
    stop: int = start + size
    if size < 0 or stop > end:
        bad_value(pos)
    if subtype == 0:
        return data[start:stop], stop
    if subtype == OLD_BINARY_SUBTYPE:
        if size < 4 or _unpack_int(data, start)[0] != size - 4:
            bad_value(start)
        start += 4
    return Binary(data[start:stop], subtype), stop


def read_uuid(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    """Read binary data; the subtype of the options' UUID representation gives a UUID."""
    value, stop = _binary(data, pos, end, plan, depth, name)
    if type(value) is Binary and value.subtype in ALL_UUID_SUBTYPES:
        standard = plan.uuid_representation == UuidRepresentation.STANDARD
        if standard == (value.subtype == UUID_SUBTYPE):
            try:
                return value.as_uuid(plan.uuid_representation), stop
            except ValueError as exc:
                bad(str(exc), pos, exc)
    return value, stop


def _null(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    return None, pos


def _objectid(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    stop = pos + 12
    if stop > end:
        bad_value(pos)
    return ObjectId(data[pos:stop]), stop


def _bool(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    if pos >= end:
        bad_value(pos)
    value = data[pos]
    if value > 1:
        bad(f"invalid boolean value: {value}", pos)
    return value == 1, pos + 1


def _regex(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    middle = data.find(b"\0", pos, end)
    if middle < 0:
        bad_value(pos)
    pattern = text(data[pos:middle], plan, pos)
    last = data.find(b"\0", middle + 1, end)
    if last < 0:
        bad_value(middle + 1)
    flags = str_flags_to_int(text(data[middle + 1 : last], plan, middle + 1))
    return Regex(pattern, int(flags)), last + 1


def _dbpointer(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    collection, middle = read_string(data, pos, end, plan, depth, name)
    oid, stop = _objectid(data, middle, end, plan, depth, name)
    return DBRef(collection, oid), stop


def _code(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    source, stop = read_string(data, pos, end, plan, depth, name)
    return Code(source), stop


def _int32(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    if pos + 4 > end:
        bad_value(pos)
    return _unpack_int(data, pos)[0], pos + 4


def _int64(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    return Int64(_unpack_long(data, pos)[0]), pos + 8


def _timestamp(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    inc, time = _unpack_timestamp(data, pos)
    return Timestamp(time, inc), pos + 8


def _decimal128(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    stop = pos + 16
    if stop > end:
        bad_value(pos)
    return Decimal128.from_bid(data[pos:stop]), stop


def _minkey(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    return MinKey(), pos


def _maxkey(data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str) -> tuple[Any, int]:
    return MaxKey(), pos


# ---- datetimes ----


def datetime_reader(options: CodecOptions[Any]) -> Reader:
    """Return the reader of datetimes that the options ask for."""
    conversion = operator.index(options.datetime_conversion)  # type: ignore[arg-type]
    if conversion == DatetimeConversion.DATETIME_CLAMP:
        return read_datetime_clamp
    if conversion == DatetimeConversion.DATETIME_MS:
        return read_datetime_ms
    if conversion == DatetimeConversion.DATETIME_AUTO:
        return _datetime_auto
    return read_datetime if options.tz_aware else _datetime_naive


def _converted(data: bytes, pos: int, end: int, plan: Plan, conversion: int) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    millis = _unpack_long(data, pos)[0]
    try:
        return datetime_from_millis(millis, plan.options, conversion), pos + 8
    except _PASSING:
        raise
    except OverflowError as exc:
        bad(out_of_range(millis, exc), pos, exc)
    except Exception as exc:  # of the time zone
        bad(str(exc), pos, exc)


def _datetime_naive(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    try:
        return _EPOCH_NAIVE + _unpack_long(data, pos)[0] * _MILLISECOND, pos + 8
    except OverflowError:
        return read_datetime(data, pos, end, plan, depth, name)


def read_datetime(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    """Read a datetime; InvalidBSON out of its range."""
    return _converted(data, pos, end, plan, DatetimeConversion.DATETIME)


def read_datetime_clamp(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    """Read the nearest datetime."""
    return _converted(data, pos, end, plan, DatetimeConversion.DATETIME_CLAMP)


def read_datetime_ms(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    """Read a DatetimeMS."""
    return _converted(data, pos, end, plan, DatetimeConversion.DATETIME_MS)


def _datetime_auto(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    return _converted(data, pos, end, plan, DatetimeConversion.DATETIME_AUTO)


READERS: dict[int, Reader] = {
    0x01: _double,
    0x02: read_string,
    0x05: _binary,
    0x06: _null,
    0x07: _objectid,
    0x08: _bool,
    0x09: read_datetime,
    0x0A: _null,
    0x0B: _regex,
    0x0C: _dbpointer,
    0x0D: _code,
    0x0E: read_string,
    0x10: _int32,
    0x11: _timestamp,
    0x12: _int64,
    0x13: _decimal128,
    0x7F: _maxkey,
    0xFF: _minkey,
}
