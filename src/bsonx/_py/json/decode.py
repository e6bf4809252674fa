"""Extended JSON wrappers to BSON values, in plain Python.

All three formats are read at once (extended JSON specification, "Parsers"); comments name the rows
of its "Conversion table".
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bsonx._py.types.datetime_ms import _RANGE_HINT, datetime_from_millis
from bsonx.binary import ALL_UUID_SUBTYPES, UUID_SUBTYPE, Binary, UuidRepresentation
from bsonx.code import Code
from bsonx.codec_options import DatetimeConversion
from bsonx.datetime_ms import DatetimeMS
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.errors import InvalidBSON
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import FLAG_LETTERS, Regex
from bsonx.timestamp import Timestamp
from bsonx.tz_util import utc

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

# Some tools wrote subtypes from 0x80 on as sign-extended 32-bit numbers.
_SIGN_EXTENDED = 0xFFFFFF80
_KEEP_MILLIS = (DatetimeConversion.DATETIME_MS, DatetimeConversion.DATETIME_AUTO)


def _refuse_extra(doc: Any, name: str) -> None:
    if len(doc) != 1:
        raise TypeError(f"Bad {name}, extra field(s): {doc}")


def _text(doc: Any, name: str) -> str:
    """Return the value of a wrapper that holds nothing but one string."""
    _refuse_extra(doc, name)
    value = doc[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be string: {doc}")
    return value


def _parse_oid(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$oid")
    return ObjectId(doc["$oid"])


def _parse_symbol(doc: Any, options: JSONOptions) -> Any:
    symbol = doc["$symbol"]
    _refuse_extra(doc, "$symbol")
    return str(symbol)


def _parse_undefined(doc: Any, options: JSONOptions) -> Any:
    return None


def _number(make: Callable[[Any], Any], value: Any, doc: Any, name: str) -> Any:
    """Return ``make(value)``; the error names the wrapper, which that of `make` does not know."""
    try:
        return make(value)
    except TypeError:
        raise TypeError(f"{name} must be a number: {doc}") from None
    except ValueError as exc:
        raise ValueError(f"Bad {name}, {exc}: {doc}") from exc
    except ArithmeticError as exc:
        raise type(exc)(f"{name} must be a number that its type can hold: {doc}") from exc


def _parse_int32(doc: Any, options: JSONOptions) -> Any:
    return _number(int, _text(doc, "$numberInt"), doc, "$numberInt")


def _parse_int64(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$numberLong")
    return _number(Int64, doc["$numberLong"], doc, "$numberLong")


def _parse_double(doc: Any, options: JSONOptions) -> Any:
    return _number(float, _text(doc, "$numberDouble"), doc, "$numberDouble")


def _parse_decimal128(doc: Any, options: JSONOptions) -> Any:
    return _number(Decimal128, _text(doc, "$numberDecimal"), doc, "$numberDecimal")


def _parse_min_key(doc: Any, options: JSONOptions) -> Any:
    value = doc["$minKey"]
    if type(value) is not int or value != 1:
        raise TypeError(f"$minKey value must be 1: {doc}")
    _refuse_extra(doc, "$minKey")
    return MinKey()


def _parse_max_key(doc: Any, options: JSONOptions) -> Any:
    value = doc["$maxKey"]
    if type(value) is not int or value != 1:
        raise TypeError(f"$maxKey value must be 1: {doc}")
    _refuse_extra(doc, "$maxKey")
    return MaxKey()


def _parse_timestamp(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$timestamp")
    parts = doc["$timestamp"]
    if not isinstance(parts, Mapping):
        raise TypeError(f'$timestamp value must be a document with "t" and "i" components: {doc}')
    if len(parts) != 2 or "t" not in parts or "i" not in parts:
        raise TypeError(f'$timestamp must include exactly "t" and "i" components: {doc}')
    return Timestamp(parts["t"], parts["i"])


def _parse_code(doc: Any, options: JSONOptions) -> Any:
    for key in doc:
        if key not in ("$code", "$scope"):
            raise TypeError(f"Bad $code, extra field(s): {doc}")
    return Code(doc["$code"], doc.get("$scope"))


def _parse_dbref(doc: Any, options: JSONOptions) -> Any:
    # Extra fields may be named like the arguments.
    return DBRef(doc.pop("$ref"), doc.pop("$id"), doc.pop("$db", None), doc)


# Row "DBPointer": read as a DBRef, which BSON has instead.
def _parse_dbpointer(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$dbPointer")
    dbref = doc["$dbPointer"]
    if not isinstance(dbref, DBRef):
        raise TypeError(f"Bad $dbPointer, expected a DBRef: {doc}")
    inner = dbref.as_doc()
    if dbref.database is not None:
        raise TypeError(f"Bad $dbPointer, extra field $db: {inner}")
    if not isinstance(dbref.id, ObjectId):
        raise TypeError(f"Bad $dbPointer, $id must be an ObjectId: {inner}")
    if len(inner) != 2:
        raise TypeError(f"Bad $dbPointer, extra field(s) in DBRef: {inner}")
    return dbref


def _regex_flags(options: Any) -> int:
    flags = 0
    for letter in options:
        flags |= FLAG_LETTERS.get(letter, 0)
    return flags


def _parse_legacy_regex(doc: Any, options: JSONOptions) -> Any:
    pattern = doc["$regex"]
    # A query with the $regex operator over an extended JSON value stays a query.
    if not isinstance(pattern, (str, bytes)):
        return doc
    letters = doc.get("$options", "")
    if not isinstance(letters, Iterable):
        raise TypeError(f"Bad $regex, $options must be string: {doc}")
    return Regex(pattern, _regex_flags(letters))


def _parse_regex(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$regularExpression")
    regex = doc["$regularExpression"]
    if not hasattr(regex, "__len__") or len(regex) != 2:
        raise TypeError(
            f'Bad $regularExpression must include only "pattern and "options" components: {doc}'
        )
    flags = regex["options"]
    if not isinstance(flags, str):
        raise TypeError(
            f"Bad $regularExpression options, options must be string, was type {type(flags)}"
        )
    return Regex(regex["pattern"], _regex_flags(flags))


# Rows "Binary" and, for the two UUID subtypes, "Special rules for parsing $uuid fields".
def _binary_or_uuid(data: bytes, subtype: int, options: JSONOptions) -> Any:
    if subtype in ALL_UUID_SUBTYPES:
        representation = options.uuid_representation
        binary = Binary(data, subtype)
        if representation == UuidRepresentation.UNSPECIFIED:
            return binary
        if subtype == UUID_SUBTYPE:
            # Subtype 4 has one byte order, whatever the representation.
            representation = UuidRepresentation.STANDARD
        elif representation == UuidRepresentation.STANDARD:
            representation = UuidRepresentation.PYTHON_LEGACY
        return binary.as_uuid(representation)
    if subtype == 0:
        return data
    return Binary(data, subtype)


def _parse_uuid(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$uuid")
    text = doc["$uuid"]
    if not isinstance(text, str):
        raise TypeError(f"$uuid must be a string: {doc}")
    try:
        value = uuid.UUID(text)
    except ValueError as exc:
        raise ValueError(f"Bad $uuid, {exc}: {doc}") from exc
    return _binary_or_uuid(value.bytes, UUID_SUBTYPE, options)


def _parse_binary(doc: Any, options: JSONOptions) -> Any:
    if "$type" in doc:
        return _parse_legacy_binary(doc, options)
    binary = doc["$binary"]
    if not isinstance(binary, Mapping):
        raise TypeError(
            f'$binary value must be a document with "base64" and "subType" components: {doc}'
        )
    for part in ("base64", "subType"):
        if part not in binary:
            raise KeyError(f'$binary must include "base64" and "subType" components: {doc}')
    encoded = binary["base64"]
    subtype = binary["subType"]
    if not isinstance(encoded, str):
        raise TypeError(f"$binary base64 must be a string: {doc}")
    if not isinstance(subtype, str) or len(subtype) > 2:
        raise TypeError(f"$binary subType must be a string at most 2 characters: {doc}")
    if len(binary) != 2:
        raise TypeError(f'$binary must include only "base64" and "subType" components: {doc}')
    return _binary_or_uuid(_base64(encoded, doc), _hex(subtype, "subType", doc), options)


def _base64(text: str, doc: Any) -> bytes:
    try:
        return base64.b64decode(text.encode())
    except binascii.Error as exc:
        raise binascii.Error(f"Bad $binary, {exc}: {doc}") from exc


def _hex(text: str, name: str, doc: Any) -> int:
    try:
        return int(text, 16)
    except ValueError as exc:
        raise ValueError(f"Bad $binary, {name} must be hexadecimal: {doc}") from exc


def _parse_legacy_binary(doc: Any, options: JSONOptions) -> Any:
    if isinstance(doc["$type"], int):
        doc["$type"] = f"{doc['$type']:02x}"
    kind = doc["$type"]
    if not isinstance(kind, str):
        raise TypeError(f"Bad $binary, $type must be a number or a string: {doc}")
    subtype = _hex(kind, "$type", doc)
    if subtype >= _SIGN_EXTENDED:
        subtype = _hex(kind[6:], "$type", doc)
    encoded = doc["$binary"]
    if not isinstance(encoded, str):
        raise TypeError(f"$binary base64 must be a string: {doc}")
    if not 0 <= subtype <= 0xFF:
        raise ValueError(f"Bad $binary, $type must be contained in [0, 256): {doc}")
    return _binary_or_uuid(_base64(encoded, doc), subtype, options)


def _parse_date(doc: Any, options: JSONOptions) -> Any:
    _refuse_extra(doc, "$date")
    value = doc["$date"]
    if isinstance(value, str):
        return _from_iso8601(value, options)
    return _from_millis(_number(int, value, doc, "$date"), options)


def _from_millis(millis: int, options: JSONOptions) -> Any:
    conversion: Any = options.datetime_conversion
    kept = DatetimeMS(millis) if conversion in _KEEP_MILLIS else None
    if conversion == DatetimeConversion.DATETIME_MS:
        return kept
    try:
        value = datetime_from_millis(millis, options, conversion)
    except OverflowError as exc:
        raise InvalidBSON(f"{exc} {_RANGE_HINT}") from exc
    return value if isinstance(value, datetime) else kept


def _split_offset(text: str) -> tuple[str, str]:
    """Split an ISO 8601 text into date with time, and Z or ±HH:MM, ±HHMM, ±HH or nothing."""
    if text[-1] == "Z":
        return text[:-1], ""
    if text[-6] in ("+", "-") and text[-3] == ":":
        return text[:-6], text[-6:-3] + text[-2:]
    if text[-5] in ("+", "-"):
        return text[:-5], text[-5:]
    if text[-3] in ("+", "-"):
        return text[:-3], text[-3:] + "00"
    return text, ""


def _from_iso8601(text: str, options: JSONOptions) -> Any:
    try:
        value = _utc_moment(text)
    except (ValueError, IndexError) as exc:
        # Its own error shows the part that was left when it failed, but also what is out of range
        # (which "must be in" it since Python 3.14).
        words = "" if isinstance(exc, IndexError) else str(exc)
        is_cause = "out of range" in words or "must be in" in words
        reason = f": {words}" if is_cause else ""
        raise ValueError(
            f"time data {text!r} does not match ISO-8601 datetime format{reason}"
        ) from exc
    except OverflowError as exc:
        raise OverflowError(f"date value out of range: {text!r}") from exc
    if not options.tz_aware:
        value = value.replace(tzinfo=None)
    elif options.tzinfo:
        value = value.astimezone(options.tzinfo)
    if options.datetime_conversion == DatetimeConversion.DATETIME_MS:
        return DatetimeMS(value)
    return value


def _utc_moment(text: str) -> datetime:
    moment, offset = _split_offset(text)
    microsecond = 0
    dot = moment.rfind(".")
    if dot != -1:
        microsecond = int(float(moment[dot:]) * 1000000)
        moment = moment[:dot]
    value = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S")
    value = value.replace(microsecond=microsecond, tzinfo=utc)
    if offset:
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        value = value + shift if offset[0] == "-" else value - shift
    return value


_PARSERS: dict[str, Callable[[Any, JSONOptions], Any]] = {
    "$oid": _parse_oid,
    "$numberDecimal": _parse_decimal128,
    "$numberInt": _parse_int32,
    "$numberLong": _parse_int64,
    "$numberDouble": _parse_double,
    "$date": _parse_date,
    "$binary": _parse_binary,
    "$uuid": _parse_uuid,
    "$timestamp": _parse_timestamp,
    "$regex": _parse_legacy_regex,
    "$regularExpression": _parse_regex,
    "$code": _parse_code,
    "$symbol": _parse_symbol,
    "$dbPointer": _parse_dbpointer,
    "$minKey": _parse_min_key,
    "$maxKey": _parse_max_key,
    "$undefined": _parse_undefined,
}


def object_hook(doc: Any, options: JSONOptions) -> Any:
    """Return the BSON value that the JSON object `doc` stands for, or `doc` itself.

    The first key that names a type decides; a reference may have its keys in any order. `doc`
    is used up when it is a reference.
    """
    for key in doc:
        if key in _PARSERS:
            return (_parse_dbref if _is_dbref(doc) else _PARSERS[key])(doc, options)
        if key == "$ref" and _is_dbref(doc):
            return _parse_dbref(doc, options)
    return doc


def _is_dbref(doc: Any) -> bool:
    return (
        "$ref" in doc
        and isinstance(doc["$ref"], str)
        and "$id" in doc
        and isinstance(doc.get("$db"), (str, type(None)))
    )


def object_pairs_hook(pairs: Sequence[tuple[str, Any]], options: JSONOptions) -> Any:
    """Make `pairs` a document of ``options.document_class`` and apply :func:`object_hook`."""
    make: Callable[[Any], Any] = options.document_class
    return object_hook(make(pairs), options)


def json_loads(text: str | bytes | bytearray, options: JSONOptions) -> Any:
    """Return the value of extended JSON `text`."""
    if options.document_class is dict:
        return json.loads(text, object_hook=lambda doc: object_hook(doc, options))
    return json.loads(text, object_pairs_hook=lambda pairs: object_pairs_hook(pairs, options))
