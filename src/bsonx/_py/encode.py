"""Python values to BSON, in pure Python."""

from __future__ import annotations

import collections
import datetime
import functools
import operator
import re
import struct
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeGuard

from bsonx._markers import Markers as _Markers
from bsonx._py.names import CHECKED_NAMES, NAMES, POSITIONS, Names
from bsonx._py.typed.encode import Unreadable, elements
from bsonx._py.types.datetime_ms import DatetimeMS
from bsonx._py.types.decimal128 import Decimal128
from bsonx._py.types.int64 import Int64
from bsonx._py.types.moments import is_nat, millis_from_datetime
from bsonx._py.types.objectid import ObjectId
from bsonx._py.types.timestamp import Timestamp
from bsonx.binary import OLD_BINARY_SUBTYPE, Binary
from bsonx.code import Code
from bsonx.codec_options import CodecOptions
from bsonx.dbref import DBRef
from bsonx.errors import InvalidBSON, InvalidDocument, InvalidStringData
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.regex import FLAG_LETTERS, Regex
from bsonx.son import SON

if TYPE_CHECKING:
    from bsonx._typed.encode_nodes import EncodePlan

_MAX_DEPTH = 1000
_TOO_DEEP = "maximum recursion depth exceeded while encoding an object to BSON "
_LARGEST = 2**31 - 1  # sizes are int32
_TOO_LARGE = "Document would overflow BSON size limit"

_pack_int = struct.Struct("<i").pack
_pack_long = struct.Struct("<q").pack
_pack_double = struct.Struct("<d").pack
_pack_timestamp = struct.Struct("<II").pack
_pack_length_and_subtype = struct.Struct("<iB").pack

_REGEX_LETTERS = [(int(flag), letter.encode()) for letter, flag in FLAG_LETTERS.items()]

# An encoder gets the stored name (with its NUL), the value, the names of the document, the options
# and the depth; it returns one whole element.
_Encoder: TypeAlias = "Callable[[bytes, Any, Names, CodecOptions[Any], int], bytes]"


def encode_document(document: Any, check_keys: bool, codec_options: CodecOptions[Any]) -> bytes:
    """Return the BSON of a top-level document: its ``_id`` comes first.

    TypeError if it is no mapping; InvalidDocument with ``path`` and ``document`` for what BSON
    cannot hold; OverflowError for ints beyond 64 bits; UnicodeEncodeError for lone surrogates.
    """
    try:
        return _top(document, document, CHECKED_NAMES if check_keys else NAMES, codec_options, 1)
    except Exception as exc:
        _finish_error(exc, document)
        raise


def _top(stored: Any, document: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    """Return the BSON of what is stored in place of a top-level document."""
    if not isinstance(stored, dict):
        if _marker(stored) == _Markers.RAW_DOCUMENT:
            return _raw_bytes(stored)
        if not isinstance(stored, Mapping):
            return _top_instance(stored, document, names, options, depth)
    return _document(_id_first(stored), names, names, options, depth)


def _top_instance(
    stored: Any, document: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    """Encode an instance of a class with fields as a top-level document."""
    plan = _instance_plan(type(stored))
    if plan is None:
        raise TypeError(f"encoder expected a mapping type but got: {document!r}")
    options = extended_options(options)
    if plan.dump is None:
        return _document(elements(plan, stored, True), names, names, options, depth)
    if depth > _MAX_DEPTH:
        raise RecursionError(_TOO_DEEP)
    return _top(plan.dump(stored, True), document, names, options, depth + 1)


def _id_first(document: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    if not isinstance(document, dict):
        return _mapping_pairs(document, "_id" in document)
    has_id = dict.__contains__(document, "_id")
    if isinstance(document, OrderedDict):
        return _mapping_pairs(document, has_id)
    return _dict_pairs_id_first(document) if has_id else dict.items(document)


def _dict_pairs_id_first(document: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    pairs = iter(dict.items(document))  # which notices from now on if keys are added or removed
    yield "_id", dict.__getitem__(document, "_id")
    for pair in pairs:
        if not _is_id(pair[0]):
            yield pair


def _is_id(key: Any) -> bool:
    return isinstance(key, str) and str.__eq__(key, "_id")


def _pairs(document: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """Return the pairs; subclasses of dict do not get a say, other mappings do."""
    return dict.items(document) if _is_plain(document) else _mapping_pairs(document, False)


def _is_plain(document: Mapping[Any, Any]) -> TypeGuard[dict[Any, Any]]:
    # The order of an OrderedDict may differ from that of the dict below it.
    return isinstance(document, dict) and not isinstance(document, OrderedDict)


def _mapping_pairs(document: Mapping[Any, Any], id_first: bool) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of any mapping; subclasses of OrderedDict do not get a say."""
    get: Callable[[Any], Any] = document.__getitem__
    if isinstance(document, OrderedDict):
        get = functools.partial(dict.__getitem__, document)
    if id_first:
        yield "_id", get("_id")
    keys = OrderedDict.__iter__(document) if isinstance(document, OrderedDict) else iter(document)
    for key in keys:
        if not id_first or not _is_id(key):
            yield key if isinstance(key, str) else _OddKey(key), get(key)


class _OddKey:
    """Stands for a key that is no str: it is refused in its turn, even if it has no hash."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __repr__(self) -> str:
        return repr(self.key)


def _document(
    pairs: Iterable[tuple[Any, Any]],
    known: Names,
    names: Names,
    options: CodecOptions[Any],
    depth: int,
) -> bytes:
    """Return a document or an array: they differ in ``known``, where the names come from.

    The frequent types are handled here, the others by the functions below.
    """
    if depth > _MAX_DEPTH:
        raise RecursionError(_TOO_DEEP)
    parts: list[bytes] = []
    add = parts.append
    get_name = known.get
    for key, value in pairs:
        try:
            name = get_name(key)
            if name is None:
                name = known.new(key)
            kind = type(value)
            if kind is str:
                text = value.encode()
                if len(text) >= _LARGEST:
                    _refuse_length("String")
                add(b"\x02" + name + _pack_int(len(text) + 1) + text + b"\0")
            elif kind is int and -2147483648 <= value <= 2147483647:
                add(b"\x10" + name + _pack_int(value))
            elif kind is dict:
                add(b"\x03" + name + _document(value.items(), names, names, options, depth + 1))
            elif kind is list:
                items = enumerate(value)
                add(b"\x04" + name + _document(items, POSITIONS, names, options, depth + 1))
            else:
                encode = _ENCODERS.get(kind, _other)
                add(encode(name, value, names, options, depth))
        except Exception as exc:
            if isinstance(key, str) or known is POSITIONS:
                _note_path(exc, key)
            raise
    body = b"".join(parts)
    if len(body) > _LARGEST - 5:
        raise InvalidDocument(_TOO_LARGE)
    return _pack_int(len(body) + 5) + body + b"\0"


# ---- errors ----


def _note_path(exc: Exception, key: Any) -> None:
    try:
        exc._steps.append(key)  # type: ignore[attr-defined]
    except AttributeError:
        try:
            exc._steps = [key]  # type: ignore[attr-defined]
        except AttributeError:
            pass  # an exception of the user's, without room for attributes


def _finish_error(exc: Exception, document: Any) -> None:
    """Give an exception its ``path``, and an InvalidDocument its top-level document."""
    steps = getattr(exc, "_steps", [])
    path = ""
    for step in reversed(steps):
        if type(step) is int:
            path += f"[{step}]"
        else:
            path += f".{step}" if path else f"{step}"
    try:
        exc.path = path  # type: ignore[attr-defined]
        del exc._steps  # type: ignore[attr-defined]
    except AttributeError:
        pass
    if isinstance(exc, InvalidDocument):
        if not steps or steps[-1] != "_id":  # PyMongo's texts for what is wrong in _id
            exc.args = (f"Invalid document: {exc}",)
        exc._document = document


def _cannot_encode(value: Any) -> NoReturn:
    raise InvalidDocument(f"cannot encode object: {value!r}, of type: {type(value)!r}")


# ---- one function per type ----


def _double(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x01" + name + _pack_double(value)


def _string(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x02" + name + _text(value)


def _text(value: str) -> bytes:
    text = str.encode(value)
    if len(text) >= _LARGEST:
        _refuse_length("String")
    return _pack_int(len(text) + 1) + text + b"\0"


def _mapping(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    return b"\x03" + name + _document(_pairs(value), names, names, options, depth + 1)


def _array(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    base = list if isinstance(value, list) else tuple
    items = enumerate(base.__iter__(value))
    return b"\x04" + name + _document(items, POSITIONS, names, options, depth + 1)


def _bytes(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    payload = _payload(name, value, 0)
    return b"\x05" + name + _pack_length_and_subtype(len(payload), 0) + payload


def _binary(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    subtype = operator.index(value.subtype)
    if not 0 <= subtype <= 255:
        raise ValueError("the subtype of a Binary must be in 0..255")
    if subtype == OLD_BINARY_SUBTYPE:
        payload = _payload(name, value, 4)
        payload = _pack_int(len(payload)) + payload
    else:
        payload = _payload(name, value, 0)
    return b"\x05" + name + _pack_length_and_subtype(len(payload), subtype) + payload


def _payload(name: bytes, value: Any, extra: int) -> bytes:
    """Return the bytes of a binary, if there are documents that have room for it."""
    size = bytes.__len__(value) if isinstance(value, bytes) else 0
    if size > _LARGEST - 4:
        _refuse_length("Binary")
    if 5 + len(name) + 5 + extra + size > _LARGEST:
        raise InvalidDocument(_TOO_LARGE)
    return _base_bytes(value)


def _refuse_length(what: str) -> NoReturn:
    raise InvalidStringData(f"{what} length must be <= 2147483647")


def _base_bytes(value: Any) -> bytes:
    """Return what bytes itself holds: subclasses do not get a say."""
    if type(value) is bytes:
        return value
    if not isinstance(value, bytes):
        raise TypeError(f"expected bytes, {type(value).__name__} found")
    return bytes.__getitem__(value, slice(None))


def _uuid(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    binary = Binary.from_uuid(value, uuid_representation=options.uuid_representation)
    if len(binary) != 16:  # a subclass says so
        raise ValueError("the bytes of a UUID must be 16")
    return _binary(name, binary, names, options, depth)


def _objectid(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    oid: bytes = value.binary
    return b"\x07" + name + oid


def _bool(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x08" + name + (b"\x01" if value else b"\x00")


def _datetime(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    return b"\x09" + name + _pack_long(millis_from_datetime(value))


def _datetime_subclass(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    if options.profile is not None and is_nat(value):
        return b"\x0a" + name
    return _datetime(name, value, names, options, depth)


def _datetime_ms(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    return b"\x09" + name + _pack_long(int(value))


def _null(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x0a" + name


def _regex(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    pattern: str | bytes = value.pattern
    stored = pattern.encode() if isinstance(pattern, str) else _base_bytes(pattern)
    if b"\0" in stored:
        raise InvalidDocument("regex patterns must not contain the NULL byte")
    try:
        stored.decode()
    except UnicodeDecodeError:
        raise InvalidStringData("regex patterns must be valid UTF-8") from None
    flags = int(value.flags)  # arithmetic on enums is slow
    if not -(2**63) <= flags < 2**63:
        raise OverflowError("Python int too large to convert to C long")
    letters = b"".join([letter for flag, letter in _REGEX_LETTERS if flags & flag])
    return b"\x0b" + name + stored + b"\0" + letters + b"\0"


def _dbref(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    # $ref and $id are no operators here, whatever check_keys says.
    return b"\x03" + name + _subdocument(value.as_doc(), options, depth)


def _code(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    text = _text(value)
    scope = value.scope
    if scope is None:
        return b"\x0d" + name + text
    stored = _subdocument(scope, options, depth)
    size = 4 + len(text) + len(stored)
    if size > _LARGEST:
        raise InvalidDocument(_TOO_LARGE)
    return b"\x0f" + name + _pack_int(size) + text + stored


def _subdocument(value: Any, options: CodecOptions[Any], depth: int) -> bytes:
    """Return a document whose keys are not checked."""
    if type(value) is dict:
        return _document(value.items(), NAMES, NAMES, options, depth + 1)
    if _marker(value) == _Markers.RAW_DOCUMENT:
        return _raw_bytes(value)
    if not isinstance(value, Mapping):
        raise TypeError(f"encoder expected a mapping type but got: {value!r}")
    return _document(_pairs(value), NAMES, NAMES, options, depth + 1)


def _int(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    number = int.__add__(value, 0)  # subclasses do not get a say; in __index__ they do on PyPy
    if -2147483648 <= number <= 2147483647:
        return b"\x10" + name + _pack_int(number)
    fallback = options.type_registry._fallback_encoder
    if fallback is not None and not -(2**63) <= number < 2**63:
        return _encode_from(name, fallback(value), options, names, depth, _FROM_FALLBACK)
    return _long(name, number, names, options, depth)


def _long(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    try:
        return b"\x12" + name + _pack_long(value)
    except struct.error:
        raise OverflowError("MongoDB can only handle up to 8-byte ints") from None


def _timestamp(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    return b"\x11" + name + _pack_timestamp(value.inc, value.time)


def _decimal128(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> bytes:
    bid: bytes = value.bid
    return b"\x13" + name + bid


def _minkey(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\xff" + name


def _maxkey(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x7f" + name


def _raw(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    return b"\x03" + name + _raw_bytes(value)


def _unreadable(
    name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int
) -> NoReturn:
    raise value.exception


def _raw_bytes(value: Any) -> bytes:
    raw = bytes(value.raw)
    if len(raw) < 5 or int.from_bytes(raw[:4], "little") != len(raw) or raw[-1]:
        raise InvalidBSON("not a whole BSON document")
    return raw


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
    Unreadable: _unreadable,
}

# By the marker that the BSON types of every compatible package carry, subclasses included.
_MARKED: dict[int, _Encoder] = {
    _Markers.BINARY: _binary,
    _Markers.OBJECTID: _objectid,
    _Markers.DATETIME: _datetime_ms,
    _Markers.REGEX: _regex,
    _Markers.CODE: _code,
    _Markers.TIMESTAMP: _timestamp,
    _Markers.INT64: _long,
    _Markers.DECIMAL128: _decimal128,
    _Markers.DBREF: _dbref,
    _Markers.RAW_DOCUMENT: _raw,
    _Markers.MAXKEY: _maxkey,
    _Markers.MINKEY: _minkey,
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
    (datetime.datetime, _datetime_subclass),
    (uuid.UUID, _uuid),
    (Mapping, _mapping),
)

# How far a value has been converted: a type encoder's result is not given to type encoders again,
# a fallback encoder's not to the fallback.
_PLAIN, _FROM_ENCODER, _FROM_FALLBACK, _FROM_BOTH = range(4)


def _other(name: bytes, value: Any, names: Names, options: CodecOptions[Any], depth: int) -> bytes:
    """Encode what is not exactly of a known type: by marker, converter, base, fallback."""
    return _encode_unknown(name, value, options, names, depth, _PLAIN)


def _encode_unknown(
    name: bytes, value: Any, options: CodecOptions[Any], names: Names, depth: int, origin: int
) -> bytes:
    marker = _marker(value)
    if marker in _MARKED and (marker != _Markers.INT64 or isinstance(value, int)):
        return _MARKED[marker](name, value, names, options, depth)
    registry = options.type_registry
    if origin in (_PLAIN, _FROM_FALLBACK):
        convert = registry._encoder_map.get(type(value))
        if convert is not None:
            origin = _FROM_ENCODER if origin == _PLAIN else _FROM_BOTH
            return _encode_from(name, convert(value), options, names, depth, origin)
    for base, encode in _BASES:
        if isinstance(value, base):
            return encode(name, value, names, options, depth)
    if options.profile is not None:
        stored = _extended(name, value, options, names, depth, origin)
        if stored is not None:
            return stored
    fallback = registry._fallback_encoder
    if fallback is not None and origin in (_PLAIN, _FROM_ENCODER):
        return _encode_from(name, fallback(value), options, names, depth, _FROM_FALLBACK)
    if options.profile is None:
        stored = _instance(name, value, options, names, depth)
        if stored is not None:
            return stored
    _cannot_encode(value)


def _extended(
    name: bytes, value: Any, options: CodecOptions[Any], names: Names, depth: int, origin: int
) -> bytes | None:
    """Encode what only the profile "python" knows; None for anything else."""
    from bsonx._typed.profile import simplified  # which needs the types of this package

    try:
        simple = simplified(value)
    except ValueError as exc:
        raise InvalidDocument(f"cannot encode object: {value!r}, {exc}") from exc
    if simple is not NotImplemented:
        if depth >= _MAX_DEPTH:  # an Enum whose value is itself, for example
            raise RecursionError(_TOO_DEEP)
        return _encode_from(name, simple, options, names, depth + 1, origin)
    return _instance(name, value, options, names, depth)


def _instance(
    name: bytes, value: Any, options: CodecOptions[Any], names: Names, depth: int
) -> bytes | None:
    """Encode an instance of a class with fields; None for anything else."""
    plan = _instance_plan(type(value))
    if plan is None:
        return None
    options = extended_options(options)
    if plan.dump is not None:
        if depth >= _MAX_DEPTH:
            raise RecursionError(_TOO_DEEP)
        dumped = plan.dump(value, False)
        return _encode_from(name, dumped, options, names, depth + 1, _PLAIN)
    pairs = elements(plan, value, False)
    return b"\x03" + name + _document(pairs, names, names, options, depth + 1)


def _instance_plan(cls: type) -> EncodePlan | None:
    from bsonx._typed.encode import encode_plan_for  # not needed by programs without such classes

    return encode_plan_for(cls)


_extended_options: collections.OrderedDict[int, tuple[CodecOptions[Any], CodecOptions[Any]]] = (
    collections.OrderedDict()
)
_EXTENDED_LIMIT = 64


def extended_options(options: CodecOptions[Any]) -> CodecOptions[Any]:
    """Return the options for the fields of an instance: the profile "python" holds in them."""
    if options.profile is not None:
        return options
    known = _extended_options.get(id(options))
    if known is None:
        if len(_extended_options) >= _EXTENDED_LIMIT:
            _extended_options.popitem(last=False)
        # The key is an id: the options must live as long as the entry.
        known = _extended_options[id(options)] = (options, options.with_options(profile="python"))
    return known[1]


def _encode_from(
    name: bytes, value: Any, options: CodecOptions[Any], names: Names, depth: int, origin: int
) -> bytes:
    """Encode the result of a converter."""
    if type(value) is int and not -(2**63) <= value < 2**63:
        return _long(name, value, names, options, depth)  # no second fallback for a large int
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(name, value, names, options, depth)
    return _encode_unknown(name, value, options, names, depth, origin)


def _marker(value: Any) -> int:
    """Return the ``_type_marker`` of a value, 0 if it has none that is an int."""
    if isinstance(value, type):
        return 0
    try:
        marker = getattr(value, "_type_marker", 0)
    except Exception:
        return 0  # a property that fails says nothing
    return marker if type(marker) is int else 0
