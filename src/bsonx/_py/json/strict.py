"""Extended JSON read without leniency: what BSON would hold as something else is an error.

What a program reads it can look at; what a tool reads and stores nobody sees any more. So this
refuses all that the ordinary reader drops, rounds away or takes for something else: keys that come
twice, numbers beyond a double, wrappers with more or other keys and values than the extended JSON
specification gives them ("Parsers": extra keys and values of an incorrect type are errors).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isinf
from typing import TYPE_CHECKING, Any

from bsonx._py.json.decode import _PARSERS, _is_dbref, object_hook
from bsonx._py.json.depth import refuse_depth
from bsonx.regex import FLAG_LETTERS

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

_INT32 = range(-(1 << 31), 1 << 31)
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
# RFC 3339, and besides the offsets that older writers leave out or write without a colon.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_SUBTYPE = re.compile(r"(?:ffffff(?=[89a-fA-F]))?[0-9a-fA-F]{1,2}")


def _fail(name: str, value: Any, what: str) -> ValueError:
    shown = repr(value)
    return ValueError(f"{name} {shown if len(shown) <= 80 else shown[:77] + '...'} {what}")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_int32(value: Any) -> None:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise _fail("$numberInt", value, "is no integer")
    if not isinstance(value, str) or int(value) not in _INT32:
        raise _fail("$numberInt", value, "is no text of a 32-bit integer")


def _check_int64(value: Any) -> None:
    number = int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value
    # Not "in range": that would go through it for an Int64, which is no exact int.
    if not _is_int(number) or not _INT64_MIN <= number <= _INT64_MAX:
        raise _fail("$numberLong", value, "is no 64-bit integer")


def read_double(text: str) -> float:
    """Return the number in decimal `text`; ValueError where nothing of it would be left."""
    value = float(text)
    if isinf(value):
        raise ValueError(f"the number {text} is too large for a double")
    if value == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        raise ValueError(f"the number {text} is too small for a double")
    return value


def _check_double(value: Any) -> None:
    if value in _NOT_FINITE:
        return
    if not isinstance(value, str) or not _DOUBLE.fullmatch(value):
        raise _fail("$numberDouble", value, "is no text of a number")
    read_double(value)


def _check_decimal128(value: Any) -> None:
    if not isinstance(value, str) or not value.isascii():
        raise _fail("$numberDecimal", value, "is no text of a number")


def _check_date(value: Any) -> None:
    if isinstance(value, str):
        if not _DATE.fullmatch(value):
            raise _fail("$date", value, "is no date and time of RFC 3339")
    elif not _is_int(value) and not (isinstance(value, float) and value.is_integer()):
        raise _fail("$date", value, "is no number of milliseconds")


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _fail(name, value, "is no text")


def _check_base64(name: str, value: Any) -> None:
    _check_text(name, value)
    text = "".join(value.split())  # some writers break the lines
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = None
    if data is None or base64.b64encode(data).decode() != text:
        raise _fail(name, value, "is no base64 (RFC 4648, section 4)")


def _check_subtype(name: str, value: Any) -> None:
    # The legacy format also has numbers, and subtypes from 80 on with their sign extended.
    if _is_int(value) and 0 <= value <= 0xFF:
        return
    if not isinstance(value, str) or not _SUBTYPE.fullmatch(value):
        raise _fail(name, value, "is no subtype of two hexadecimal digits")


def _check_binary(value: Any) -> None:
    """Both parts of the canonical form; the legacy one is in _check_legacy_binary."""
    if not isinstance(value, Mapping) or value.keys() != {"base64", "subType"}:
        raise _fail("$binary", value, 'must hold "base64" and "subType" and nothing else')
    _check_base64("$binary base64", value["base64"])
    _check_subtype("$binary subType", value["subType"])


def _check_legacy_binary(doc: Any) -> None:
    _check_base64("$binary", doc["$binary"])
    _check_subtype("$type", doc["$type"])


def _check_uuid(value: Any) -> None:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise _fail("$uuid", value, "is no UUID (RFC 4122, section 3)")


def _check_timestamp(value: Any) -> None:
    if not isinstance(value, Mapping) or value.keys() != {"t", "i"}:
        raise _fail("$timestamp", value, 'must hold "t" and "i" and nothing else')
    for part in value.values():
        if not _is_int(part):
            raise _fail("$timestamp", value, "must hold integers")


def _check_flags(name: str, value: Any) -> None:
    _check_text(name, value)
    for letter in value:
        if letter not in FLAG_LETTERS or value.count(letter) > 1:
            raise _fail(name, value, f"must be letters of {''.join(FLAG_LETTERS)}, each once")


def _check_regex(value: Any) -> None:
    if not isinstance(value, Mapping) or value.keys() != {"pattern", "options"}:
        raise _fail("$regularExpression", value, 'must hold "pattern" and "options" alone')
    _check_text("$regularExpression pattern", value["pattern"])
    _check_flags("$regularExpression options", value["options"])


def _check_code(doc: Any) -> None:
    _check_text("$code", doc["$code"])
    if not isinstance(doc.get("$scope", {}), Mapping):
        raise _fail("$scope", doc["$scope"], "is no document")


def _check_undefined(value: Any) -> None:
    if value is not True:
        raise _fail("$undefined", value, "must be true")


def _check_nothing(value: Any) -> None:
    """For wrappers that the ordinary reader checks well enough."""


# What must be the only key of its wrapper, and how its value is checked.
_ALONE: dict[str, Callable[[Any], None]] = {
    "$oid": lambda value: _check_text("$oid", value),
    "$numberDecimal": _check_decimal128,
    "$numberInt": _check_int32,
    "$numberLong": _check_int64,
    "$numberDouble": _check_double,
    "$date": _check_date,
    "$binary": _check_binary,
    "$uuid": _check_uuid,
    "$timestamp": _check_timestamp,
    "$regularExpression": _check_regex,
    "$symbol": lambda value: _check_text("$symbol", value),
    "$dbPointer": _check_nothing,
    "$minKey": _check_nothing,
    "$maxKey": _check_nothing,
    "$undefined": _check_undefined,
}


def _read_reference(doc: Any, options: JSONOptions) -> Any:
    """A reference, unless it would be written differently: the document is as good in BSON."""
    reference = object_hook(dict(doc), options)
    return reference if list(reference.as_doc()) == list(doc) else doc


def _read_wrapper(doc: Any, key: str, options: JSONOptions) -> Any:
    allowed = {key}
    if key == "$regex":
        # Without options it is a part of a query (extended JSON specification, "Parsers").
        if not isinstance(doc["$regex"], str) or "$options" not in doc:
            return doc
        allowed.add("$options")
        _check_flags("$options", doc["$options"])
    elif key == "$code":
        allowed.add("$scope")
        _check_code(doc)
    elif key == "$binary" and "$type" in doc:
        allowed.add("$type")
        _check_legacy_binary(doc)
    else:
        _ALONE[key](doc[key])
    for other in doc:
        if other not in allowed:
            raise ValueError(f"{key} must not have {other!r} beside it")
    return object_hook(doc, options)


def object_hook_strict(doc: Any, options: JSONOptions) -> Any:
    """Return the BSON value that `doc` stands for, or `doc` itself; ValueError if anything of it
    would get lost. The keys of `doc` must have come once each."""
    for key in doc:
        if key == "$ref" or key in _PARSERS:
            if _is_dbref(doc):
                return _read_reference(doc, options)
            if key != "$ref":
                return _read_wrapper(doc, key, options)
    return doc


def json_loads_strict(text: str | bytes | bytearray, options: JSONOptions) -> Any:
    """Return the value of extended JSON `text`; ValueError if anything of it would get lost,
    RecursionError if it nests deeper than any BSON may."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: hook_pairs(pairs, options),
            parse_float=read_double,
        )
    except Exception as exc:
        refuse_depth(text, getattr(exc, "pos", None))
        raise
    refuse_depth(text)
    return value


def hook_pairs(pairs: Sequence[tuple[str, Any]], options: JSONOptions) -> Any:
    """Return the BSON value that the members of a JSON object stand for, as object_hook_strict."""
    make: Callable[[Any], Any] = options.document_class
    doc = make(pairs)
    if len(doc) != len(pairs):
        raise ValueError(f"the key {_repeated(pairs)!r} comes twice")
    return object_hook_strict(doc, options)


def _repeated(pairs: Sequence[tuple[str, Any]]) -> str:
    names = [name for name, _ in pairs]
    return next(name for name in names if names.count(name) > 1)
