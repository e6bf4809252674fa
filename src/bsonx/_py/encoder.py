"""Python values to BSON, in pure Python."""

from __future__ import annotations

import datetime
import re
import struct
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from bsonx._py.datetime_ms import DatetimeMS, millis_from_datetime
from bsonx._py.decimal128 import Decimal128
from bsonx._py.objectid import ObjectId
from bsonx._py.regex import Regex
from bsonx._py.timestamp import Timestamp
from bsonx.binary import OLD_BINARY_SUBTYPE, Binary
from bsonx.code import Code
from bsonx.codec_options import CodecOptions
from bsonx.dbref import DBRef
from bsonx.errors import InvalidDocument, InvalidStringData
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.son import SON

MAX_DEPTH = 1000
_RAW_DOCUMENT = 101

_pack_int = struct.Struct("<i").pack
_pack_long = struct.Struct("<q").pack
_pack_double = struct.Struct("<d").pack
_pack_timestamp = struct.Struct("<II").pack
_pack_length_and_subtype = struct.Struct("<iB").pack

_REGEX_LETTERS = (
    (re.IGNORECASE, b"i"),
    (re.LOCALE, b"l"),
    (re.MULTILINE, b"m"),
    (re.DOTALL, b"s"),
    (re.UNICODE, b"u"),
    (re.VERBOSE, b"x"),
)

# An encoder gets the stored name (with its NUL), the value, the names, the options and the depth;
# it returns one whole element.
_Encoder: TypeAlias = "Callable[[bytes, Any, Names, CodecOptions, int], bytes]"


class Names(dict[Any, bytes]):
    """Document keys to stored names (UTF-8 and a NUL): checks a new key, remembers common ones."""

    _LIMIT = 4096
    _LONGEST = 64

    def __missing__(self, key: Any) -> bytes:
        if not isinstance(key, str):
            raise InvalidDocument(f"documents must have only string keys, key was {key!r}")
        if "\0" in key:
            raise InvalidDocument("Key names must not contain the NULL byte")
        name = key.encode() + b"\0"
        if type(key) is str and len(key) <= self._LONGEST and len(self) < self._LIMIT:
            self[key] = name
        return name


class CheckedNames(Names):
    """Names that also refuse operators and dotted paths."""

    _LIMIT = 0

    def __missing__(self, key: Any) -> bytes:
        if isinstance(key, str):
            if key.startswith("$"):
                raise InvalidDocument(f"key {key!r} must not start with '$'")
            if "." in key:
                raise InvalidDocument(f"key {key!r} must not contain '.'")
        return super().__missing__(key)


class _Positions(dict[int, bytes]):
    """Array positions to stored names."""

    _LIMIT = 4096

    def __missing__(self, position: int) -> bytes:
        name = b"%d\0" % position
        if position < self._LIMIT:
            self[position] = name
        return name


_names = Names()
_checked_names = CheckedNames()
_positions = _Positions()


def encode_document(document: Any, check_keys: bool, codec_options: CodecOptions) -> bytes:
    """Return the BSON of a top-level document: its ``_id`` comes first.

    TypeError if it is no mapping; InvalidDocument with ``path`` and ``document`` for what BSON
    cannot hold; OverflowError for ints beyond 64 bits; UnicodeEncodeError for lone surrogates.
    """
    if type(document) is not dict:
        if getattr(document, "_type_marker", None) == _RAW_DOCUMENT:
            return bytes(document.raw)
        if not isinstance(document, Mapping):
            raise TypeError(f"encoder expected a mapping type but got: {document!r}")
    names = _checked_names if check_keys else _names
    try:
        if "_id" in document:
            return _id_first(document, names, codec_options)
        return _document(_pairs(document), names, names, codec_options, 0)
    except Exception as exc:
        _finish_error(exc, document)
        raise


def _id_first(document: Mapping[str, Any], names: Names, options: CodecOptions) -> bytes:
    pairs = _pairs(document)
    for key, _ in pairs:
        if key == "_id":
            return _document(_pairs(document), names, names, options, 0)
        break
    ordered = [("_id", document["_id"])]
    ordered += [pair for pair in _pairs(document) if pair[0] != "_id"]
    return _document(ordered, names, names, options, 0)


def _pairs(document: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    if isinstance(document, dict):
        return document.items()
    return [(key, document[key]) for key in document]


def _document(
    pairs: Iterable[tuple[Any, Any]],
    keys: Names | _Positions,
    names: Names,
    options: CodecOptions,
    depth: int,
) -> bytes:
    """Return a document or, with ``keys`` for positions, an array."""
    if depth > MAX_DEPTH:
        raise RecursionError("maximum recursion depth exceeded while encoding to BSON")
    parts: list[bytes] = []
    add = parts.append
    key: Any = None
    name = None
    try:
        for key, value in pairs:
            name = None
            name = keys[key]
            kind = type(value)
            if kind is str:
                text = value.encode()
                add(b"\x02" + name + _pack_int(len(text) + 1) + text + b"\0")
            elif kind is int and -2147483648 <= value <= 2147483647:
                add(b"\x10" + name + _pack_int(value))
            else:
                encoder = _ENCODERS.get(kind)
                if encoder is not None:
                    add(encoder(name, value, names, options, depth))
                else:
                    add(_other(name, value, names, options, depth))
    except RecursionError:
        raise
    except Exception as exc:
        if name is not None:  # a bad key belongs to the document that has it
            _note_path(exc, key)
        raise
    body = b"".join(parts)
    return _pack_int(len(body) + 5) + body + b"\0"


# ---- errors ----


def _note_path(exc: Exception, key: Any) -> None:
    steps = getattr(exc, "_steps", None)
    if steps is None:
        exc._steps = steps = []  # type: ignore[attr-defined]
    steps.append(key)


def _finish_error(exc: Exception, document: Any) -> None:
    """Give an exception its ``path`` and an InvalidDocument its top-level document."""
    path = ""
    for step in reversed(exc.__dict__.pop("_steps", ())):
        if type(step) is int:
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    exc.path = path  # type: ignore[attr-defined]
    if isinstance(exc, InvalidDocument):
        exc.args = (f"Invalid document: {exc}",)
        exc._document = document


def _cannot_encode(value: Any) -> NoReturn:
    raise InvalidDocument(f"cannot encode object: {value!r}, of type: {type(value)!r}")


# ---- one function per type ----


def _double(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x01" + name + _pack_double(value)


def _string(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    text = str.encode(value)
    return b"\x02" + name + _pack_int(len(text) + 1) + text + b"\0"


def _mapping(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x03" + name + _document(_pairs(value), names, names, options, depth + 1)


def _array(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x04" + name + _document(enumerate(value), _positions, names, options, depth + 1)


def _bytes(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x05" + name + _pack_length_and_subtype(len(value), 0) + value


def _binary(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    payload = bytes(value)
    if value.subtype == OLD_BINARY_SUBTYPE:
        payload = _pack_int(len(payload)) + payload
    return b"\x05" + name + _pack_length_and_subtype(len(payload), value.subtype) + payload


def _uuid(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    binary = Binary.from_uuid(value, uuid_representation=options.uuid_representation)
    return _binary(name, binary, names, options, depth)


def _objectid(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x07" + name + value.binary  # type: ignore[no-any-return]


def _bool(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x08" + name + (b"\x01" if value else b"\x00")


def _datetime(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x09" + name + _pack_long(millis_from_datetime(value))


def _datetime_ms(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x09" + name + _pack_long(int(value))


def _null(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x0a" + name


def _regex(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    pattern, flags = value.pattern, value.flags
    if isinstance(pattern, str):
        pattern = pattern.encode()
    else:
        try:
            pattern.decode()
        except UnicodeDecodeError:
            raise InvalidStringData("regex patterns must be valid UTF-8") from None
    if b"\0" in pattern:
        raise InvalidDocument("regex patterns must not contain the NULL byte")
    letters = b"".join([letter for flag, letter in _REGEX_LETTERS if flags & flag])
    return b"\x0b" + name + pattern + b"\0" + letters + b"\0"


def _dbref(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    # $ref and $id are no operators here, whatever check_keys says.
    document = _document(value.as_doc().items(), _names, _names, options, depth + 1)
    return b"\x03" + name + document


def _code(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    text = str.encode(value)
    text = _pack_int(len(text) + 1) + text + b"\0"
    if value.scope is None:
        return b"\x0d" + name + text
    scope = _subdocument(value.scope, names, options, depth)
    return b"\x0f" + name + _pack_int(len(text) + len(scope) + 4) + text + scope


def _int(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    if -2147483648 <= value <= 2147483647:
        return b"\x10" + name + _pack_int(value)
    return _long(name, value, names, options, depth)


def _long(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    try:
        return b"\x12" + name + _pack_long(value)
    except struct.error:
        raise OverflowError("MongoDB can only handle up to 8-byte ints") from None


def _timestamp(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x11" + name + _pack_timestamp(value.inc, value.time)


def _decimal128(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x13" + name + value.bid  # type: ignore[no-any-return]


def _minkey(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\xff" + name


def _maxkey(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x7f" + name


def _raw(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    return b"\x03" + name + bytes(value.raw)


def _subdocument(value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    if getattr(value, "_type_marker", None) == _RAW_DOCUMENT:
        return bytes(value.raw)
    return _document(_pairs(value), names, names, options, depth + 1)


_ENCODERS: dict[type, _Encoder] = {
    bool: _bool,
    bytes: _bytes,
    datetime.datetime: _datetime,
    dict: _mapping,
    float: _double,
    int: _int,
    list: _array,
    str: _string,
    tuple: _array,
    type(None): _null,
    uuid.UUID: _uuid,
    re.Pattern: _regex,
    Binary: _binary,
    Code: _code,
    DBRef: _dbref,
    DatetimeMS: _datetime_ms,
    Decimal128: _decimal128,
    Int64: _long,
    MaxKey: _maxkey,
    MinKey: _minkey,
    ObjectId: _objectid,
    Regex: _regex,
    SON: _mapping,
    Timestamp: _timestamp,
}

# By the marker that the BSON types of every compatible package carry, subclasses included.
_MARKED: dict[int, _Encoder] = {
    5: _binary,
    7: _objectid,
    9: _datetime_ms,
    11: _regex,
    13: _code,
    17: _timestamp,
    18: _long,
    19: _decimal128,
    100: _dbref,
    101: _raw,
    127: _maxkey,
    255: _minkey,
}

# Subclasses of these encode as their base.
_BASES: tuple[tuple[type, _Encoder], ...] = (
    (str, _string),
    (int, _int),
    (float, _double),
    (dict, _mapping),
    (list, _array),
    (tuple, _array),
    (bytes, _bytes),
    (datetime.datetime, _datetime),
    (uuid.UUID, _uuid),
    (Mapping, _mapping),
)

BUILTIN_TYPES: tuple[type, ...] = tuple(_ENCODERS)


def _other(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    """Encode what is not exactly of a known type: by marker, converter, base, fallback."""
    encoder = _find_encoder(value)
    if encoder is not None:
        return encoder(name, value, names, options, depth)
    registry = options.type_registry
    convert = registry._encoder_map.get(type(value))
    if convert is not None:
        return _converted(name, convert(value), names, options, depth)
    encoder = _find_base(value)
    if encoder is not None:
        return encoder(name, value, names, options, depth)
    if registry._fallback_encoder is not None:
        return _converted(name, registry._fallback_encoder(value), names, options, depth)
    _cannot_encode(value)


def _converted(name: bytes, value: Any, names: Names, options: CodecOptions, depth: int) -> bytes:
    """Encode the result of a converter, which gets no second conversion."""
    encoder = _ENCODERS.get(type(value)) or _find_encoder(value) or _find_base(value)
    if encoder is None:
        _cannot_encode(value)
    return encoder(name, value, names, options, depth)


def _find_encoder(value: Any) -> _Encoder | None:
    marker = getattr(value, "_type_marker", None)
    return _MARKED.get(marker) if type(marker) is int else None


def _find_base(value: Any) -> _Encoder | None:
    for base, encoder in _BASES:
        if isinstance(value, base):
            return encoder
    return None
