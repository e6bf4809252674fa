"""BSON to Python values, in pure Python.

Every reader gets the bytes, the position of its value, the end of the enclosing document (without
its final NUL) and the plan; it returns the value and the position after it.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from bsonx._py.datetime_ms import (
    MAX_MILLIS,
    MIN_MILLIS,
    RANGE_HINT,
    DatetimeMS,
)
from bsonx._py.decimal128 import Decimal128
from bsonx._py.objectid import ObjectId
from bsonx._py.regex import Regex, str_flags_to_int
from bsonx._py.timestamp import Timestamp
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
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.tz_util import utc

MAX_DEPTH = 1000

_RAW_DOCUMENT = 101

_unpack_int = struct.Struct("<i").unpack_from
_unpack_long = struct.Struct("<q").unpack_from
_unpack_double = struct.Struct("<d").unpack_from
_unpack_timestamp = struct.Struct("<II").unpack_from
_unpack_length_and_subtype = struct.Struct("<iB").unpack_from

_EPOCH_AWARE = datetime.datetime(1970, 1, 1, tzinfo=utc)
_EPOCH_NAIVE = datetime.datetime(1970, 1, 1)

_Reader: TypeAlias = "Callable[[bytes, int, int, Plan, int], tuple[Any, int]]"


class _UnknownType(Exception):
    """An unknown element type; the enclosing document knows the field's name."""

    def __init__(self, kind: int, offset: int) -> None:
        super().__init__(kind, offset)
        self.kind = kind
        self.offset = offset


def bad(message: str, offset: int) -> NoReturn:
    """Raise InvalidBSON for the problem at ``offset``."""
    error = InvalidBSON(message)
    error.offset = offset
    raise error


def _bad_value(offset: int) -> NoReturn:
    bad("invalid length or type code", offset)


class Plan:
    """The readers that one CodecOptions needs, chosen once."""

    __slots__ = ("document_class", "errors", "keys", "options", "raw", "readers", "tzinfo")

    _KEY_LIMIT = 4096

    def __init__(self, options: CodecOptions) -> None:
        self.options = options
        self.document_class = options.document_class
        self.errors = options.unicode_decode_error_handler
        self.tzinfo = options.tzinfo
        self.keys: dict[bytes, str] = _strict_keys if self.errors == "strict" else {}
        readers = dict(_READERS)
        readers[0x09] = _DATETIME_READERS.get(options.datetime_conversion, _datetime)
        if options.uuid_representation != UuidRepresentation.UNSPECIFIED:
            readers[0x05] = _binary_or_uuid
        self.raw = getattr(self.document_class, "_type_marker", None) == _RAW_DOCUMENT
        if self.raw:
            readers[0x03] = _raw
        elif self.document_class is not dict:
            readers[0x03] = _mapping
        converters = options.type_registry._decoder_map
        if converters:
            readers = {code: _converting(read, converters) for code, read in readers.items()}
        self.readers = readers

    def key(self, raw: bytes, offset: int) -> str:
        """Return the field name, from the cache if it can be."""
        name = self.keys.get(raw)
        if name is None:
            name = _text(raw, self, offset)
            if len(raw) <= 64 and len(self.keys) < self._KEY_LIMIT:
                self.keys[raw] = name
        return name


_strict_keys: dict[bytes, str] = {}
_plans: dict[int, Plan] = {}
_PLAN_LIMIT = 64


def plan_for(options: CodecOptions) -> Plan:
    """Return the plan of these options, which are unhashable and therefore known by identity."""
    plan = _plans.get(id(options))
    if plan is None or plan.options is not options:
        plan = Plan(options)
        if len(_plans) >= _PLAN_LIMIT:
            _plans.clear()
        _plans[id(options)] = plan
    return plan


# ---- whole documents ----


def document_bounds(data: bytes, start: int, limit: int) -> int:
    """Return the end of the document at ``start``, which must lie before ``limit``."""
    if limit - start < 5:
        bad("not enough data for a BSON document", start)
    (size,) = _unpack_int(data, start)
    if size < 5:
        bad("invalid message size", start)
    if size > limit - start:
        bad("objsize too large", start)
    end: int = start + size
    if data[end - 1]:
        bad("bad eoo", end - 1)
    return end


def decode_top(data: bytes, start: int, end: int, plan: Plan) -> Any:
    """Return the document between ``start`` and ``end`` (bounds already checked)."""
    document_class = plan.document_class
    if document_class is dict:
        return read_elements(data, start + 4, end - 1, plan, 0, {})
    if plan.raw:
        return _raw_document(data, start, end, plan)
    return read_elements(data, start + 4, end - 1, plan, 0, document_class())


def read_elements(data: bytes, pos: int, end: int, plan: Plan, depth: int, into: Any) -> Any:
    """Store the elements between ``pos`` and ``end`` in ``into``; the last of equal keys wins."""
    readers = plan.readers
    known = plan.keys
    find = data.find
    try:
        while pos < end:
            nul = find(b"\0", pos + 1, end)
            if nul < 0:
                bad("field name too large", pos + 1)
            raw = data[pos + 1 : nul]
            name = known.get(raw) or plan.key(raw, pos + 1)
            reader = readers.get(data[pos])
            if reader is None:
                raise _UnknownType(data[pos], pos)
            into[name], pos = reader(data, nul + 1, end, plan, depth)
    except _UnknownType as exc:
        _unknown_type(exc, name)
    return into


def read_one(data: bytes, pos: int, nul: int, end: int, plan: Plan, into: Any, name: str) -> int:
    """Store one element, whose name ends at ``nul``, in ``into``; return the position after it."""
    reader = plan.readers.get(data[pos])
    try:
        if reader is None:
            raise _UnknownType(data[pos], pos)
        into[name], pos = reader(data, nul + 1, end, plan, 0)
    except _UnknownType as exc:
        _unknown_type(exc, name)
    return pos


def _unknown_type(exc: _UnknownType, name: str) -> NoReturn:
    bad(
        f"Detected unknown BSON type {bytes([exc.kind])!r} for fieldname {name!r}. "
        "Are you using the latest driver version?",
        exc.offset,
    )


def inner_bounds(data: bytes, pos: int, end: int, depth: int) -> int:
    """Return the end of the sub-document or array at ``pos``."""
    if end - pos < 5:
        _bad_value(pos)
    (size,) = _unpack_int(data, pos)
    stop: int = pos + size
    if size < 5 or stop > end or data[stop - 1]:
        _bad_value(pos)
    if depth >= MAX_DEPTH:
        raise RecursionError("maximum recursion depth exceeded while decoding a BSON document")
    return stop


# ---- one function per type ----


def _double(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos + 8 > end:
        _bad_value(pos)
    return _unpack_double(data, pos)[0], pos + 8


def _text(raw: bytes, plan: Plan, offset: int) -> str:
    try:
        return raw.decode("utf-8", plan.errors)
    except (UnicodeDecodeError, LookupError) as exc:
        bad(str(exc), offset)


def _string(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    start = pos + 4
    if start >= end:
        _bad_value(pos)
    (size,) = _unpack_int(data, pos)
    stop: int = start + size
    if size < 1 or stop > end or data[stop - 1]:
        _bad_value(pos)
    try:
        return data[start : stop - 1].decode("utf-8", plan.errors), stop
    except (UnicodeDecodeError, LookupError) as exc:
        bad(str(exc), start)


def _document(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = inner_bounds(data, pos, end, depth)
    value = read_elements(data, pos + 4, stop - 1, plan, depth + 1, {})
    if "$ref" in value:
        value = _maybe_dbref(value)
    return value, stop


def _mapping(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = inner_bounds(data, pos, end, depth)
    value = read_elements(data, pos + 4, stop - 1, plan, depth + 1, plan.document_class())
    if "$ref" in value:
        value = _maybe_dbref(value)
    return value, stop


def _raw(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = inner_bounds(data, pos, end, depth)
    return _raw_document(data, pos, stop, plan), stop


def _raw_document(data: bytes, start: int, end: int, plan: Plan) -> Any:
    """Return a raw document that shares ``data``; foreign classes get bytes of their own."""
    over = getattr(plan.document_class, "_over", None)
    if over is not None:
        return over(data, start, end, plan.options)
    return plan.document_class(data[start:end], plan.options)  # type: ignore[call-arg]


def _maybe_dbref(document: Any) -> Any:
    """Return a DBRef if the document has the form of one, else the document."""
    database = document.get("$db")
    if (
        isinstance(document["$ref"], str)
        and "$id" in document
        and (database is None or isinstance(database, str))
    ):
        document.pop("$db", None)
        return DBRef(document.pop("$ref"), document.pop("$id"), database, document)
    return document


def _array(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = inner_bounds(data, pos, end, depth)
    pos += 4
    end = stop - 1
    readers = plan.readers
    find = data.find
    values: list[Any] = []
    add = values.append
    while pos < end:
        reader = readers.get(data[pos])
        if reader is None:
            raise _UnknownType(data[pos], pos)
        nul = find(b"\0", pos + 1, end)  # the names are positions, which nobody checks
        if nul < 0:
            _bad_value(pos + 1)
        value, pos = reader(data, nul + 1, end, plan, depth + 1)
        add(value)
    return values, stop


def _binary_parts(data: bytes, pos: int, end: int) -> tuple[bytes, int, int]:
    """Return payload, subtype and the position after the value."""
    start = pos + 5
    if start > end:
        _bad_value(pos)
    size, subtype = _unpack_length_and_subtype(data, pos)
    stop: int = start + size
    if size < 0 or stop > end:
        _bad_value(pos)
    if subtype == OLD_BINARY_SUBTYPE:
        if size < 4 or _unpack_int(data, start)[0] != size - 4:
            _bad_value(start)
        start += 4
    return data[start:stop], subtype, stop


def _binary(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    payload, subtype, stop = _binary_parts(data, pos, end)
    return (Binary(payload, subtype) if subtype else payload), stop


def _binary_or_uuid(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    value, stop = _binary(data, pos, end, plan, depth)
    if type(value) is Binary and value.subtype in ALL_UUID_SUBTYPES:
        representation = plan.options.uuid_representation
        standard = representation == UuidRepresentation.STANDARD
        if standard == (value.subtype == UUID_SUBTYPE):
            try:
                return value.as_uuid(representation), stop
            except ValueError as exc:
                bad(str(exc), pos)
    return value, stop


def _null(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    return None, pos


def _objectid(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = pos + 12
    if stop > end:
        _bad_value(pos)
    return ObjectId(data[pos:stop]), stop


def _bool(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos >= end:
        _bad_value(pos)
    value = data[pos]
    if value > 1:
        bad(f"invalid boolean value: {value}", pos)
    return value == 1, pos + 1


def _millis(data: bytes, pos: int, end: int) -> int:
    if pos + 8 > end:
        _bad_value(pos)
    return _unpack_long(data, pos)[0]  # type: ignore[no-any-return]


def _aware(millis: int, plan: Plan) -> datetime.datetime:
    moment = _EPOCH_AWARE + datetime.timedelta(milliseconds=millis)
    return moment if plan.tzinfo is None else moment.astimezone(plan.tzinfo)


def _datetime(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    millis = _millis(data, pos, end)
    try:
        if plan.options.tz_aware:
            return _aware(millis, plan), pos + 8
        return _EPOCH_NAIVE + datetime.timedelta(milliseconds=millis), pos + 8
    except OverflowError as exc:
        if MIN_MILLIS <= millis <= MAX_MILLIS:  # only the time zone leads out of the range
            bad(str(exc), pos)
        bad(f"year {_year(millis)} is out of range {RANGE_HINT}", pos)


def _datetime_auto(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    millis = _millis(data, pos, end)
    try:
        if plan.options.tz_aware:
            return _aware(millis, plan), pos + 8
        return _EPOCH_NAIVE + datetime.timedelta(milliseconds=millis), pos + 8
    except OverflowError:
        return DatetimeMS(millis), pos + 8


def _datetime_clamp(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    millis = max(MIN_MILLIS, min(MAX_MILLIS, _millis(data, pos, end)))
    if not plan.options.tz_aware:
        return _EPOCH_NAIVE + datetime.timedelta(milliseconds=millis), pos + 8
    try:
        return _aware(millis, plan), pos + 8
    except OverflowError:
        moment = _EPOCH_NAIVE + datetime.timedelta(milliseconds=millis)
        return moment.replace(tzinfo=plan.tzinfo), pos + 8


def _datetime_ms(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    return DatetimeMS(_millis(data, pos, end)), pos + 8


def _year(millis: int) -> int:
    """Return the year of a moment in the proleptic Gregorian calendar, however far away."""
    cycles, rest = divmod(millis, 146097 * 86400000)  # the calendar repeats after 400 years
    return (_EPOCH_NAIVE + datetime.timedelta(milliseconds=rest)).year + 400 * cycles


def _cstring(data: bytes, pos: int, end: int) -> tuple[bytes, int]:
    nul = data.find(b"\0", pos, end)
    if nul < 0:
        _bad_value(pos)
    return data[pos:nul], nul + 1


def _regex(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    pattern, middle = _cstring(data, pos, end)
    letters, stop = _cstring(data, middle, end)
    text = _text(pattern, plan, pos)
    flags = str_flags_to_int(_text(letters, plan, middle))
    return Regex(text, int(flags)), stop


def _dbpointer(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    collection, middle = _string(data, pos, end, plan, depth)
    oid, stop = _objectid(data, middle, end, plan, depth)
    return DBRef(collection, oid), stop


def _code(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    text, stop = _string(data, pos, end, plan, depth)
    return Code(text), stop


def _code_w_scope(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos + 8 > end:
        _bad_value(pos)
    (size,) = _unpack_int(data, pos)
    stop: int = pos + size
    if size < 14 or stop > end:
        _bad_value(pos)
    text, middle = _string(data, pos + 4, stop, plan, depth)
    if inner_bounds(data, middle, stop, depth) != stop:
        _bad_value(middle)
    if plan.document_class is dict:
        scope: Any = read_elements(data, middle + 4, stop - 1, plan, depth + 1, {})
    elif plan.raw:
        scope, _ = _raw(data, middle, stop, plan, depth)
    else:
        scope = plan.document_class()
        read_elements(data, middle + 4, stop - 1, plan, depth + 1, scope)
    return Code(text, scope), stop


def _int32(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos + 4 > end:
        _bad_value(pos)
    return _unpack_int(data, pos)[0], pos + 4


def _int64(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos + 8 > end:
        _bad_value(pos)
    return Int64(_unpack_long(data, pos)[0]), pos + 8


def _timestamp(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    if pos + 8 > end:
        _bad_value(pos)
    inc, time = _unpack_timestamp(data, pos)
    return Timestamp(time, inc), pos + 8


def _decimal128(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    stop = pos + 16
    if stop > end:
        _bad_value(pos)
    return Decimal128.from_bid(data[pos:stop]), stop


def _minkey(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    return MinKey(), pos


def _maxkey(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
    return MaxKey(), pos


def _converting(read: _Reader, converters: dict[Any, Callable[[Any], Any]]) -> _Reader:
    """Return a reader that passes its value through the user's converter for its type."""

    def converted(data: bytes, pos: int, end: int, plan: Plan, depth: int) -> tuple[Any, int]:
        value, stop = read(data, pos, end, plan, depth)
        convert = converters.get(type(value))
        return (value if convert is None else convert(value)), stop

    return converted


_READERS: dict[int, _Reader] = {
    0x01: _double,
    0x02: _string,
    0x03: _document,
    0x04: _array,
    0x05: _binary,
    0x06: _null,
    0x07: _objectid,
    0x08: _bool,
    0x09: _datetime,
    0x0A: _null,
    0x0B: _regex,
    0x0C: _dbpointer,
    0x0D: _code,
    0x0E: _string,
    0x0F: _code_w_scope,
    0x10: _int32,
    0x11: _timestamp,
    0x12: _int64,
    0x13: _decimal128,
    0x7F: _maxkey,
    0xFF: _minkey,
}

_DATETIME_READERS: dict[Any, _Reader] = {
    DatetimeConversion.DATETIME_CLAMP: _datetime_clamp,
    DatetimeConversion.DATETIME_MS: _datetime_ms,
    DatetimeConversion.DATETIME_AUTO: _datetime_auto,
}
