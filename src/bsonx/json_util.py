"""MongoDB extended JSON: BSON values as JSON text, and back.

:func:`dumps` writes and :func:`loads` reads the canonical and relaxed formats of the extended
JSON specification and the legacy format that came before it::

    >>> from bsonx.json_util import CANONICAL_JSON_OPTIONS, dumps, loads
    >>> dumps({"n": 5})
    '{"n": 5}'
    >>> dumps({"n": 5}, json_options=CANONICAL_JSON_OPTIONS)
    '{"n": {"$numberInt": "5"}}'
    >>> loads('{"_id": {"$oid": "6592008029c8c3e4dc76256c"}}')
    {'_id': ObjectId('6592008029c8c3e4dc76256c')}

:func:`default` and :func:`object_hook` fit the standard ``json`` module where its own options
are wanted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx import _impl
from bsonx._impl import json_bind as _native_bind
from bsonx._impl import json_dumps as _native_dumps
from bsonx._impl import json_dumps_layout as _dumps_layout
from bsonx._impl import json_loads as _native_loads
from bsonx._impl import json_loads_strict as _native_loads_strict
from bsonx._py.json import decode as _decode
from bsonx._py.json import encode as _encode
from bsonx._py.json import strict as _strict
from bsonx._py.json.encode import EPOCH_AWARE
from bsonx._py.json.options import DatetimeRepresentation, JSONMode, JSONOptions
from bsonx._py.json.size import get_size
from bsonx.binary import ALL_UUID_SUBTYPES, UUID_SUBTYPE, Binary, UuidRepresentation
from bsonx.code import Code
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.datetime_ms import DatetimeMS
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp
from bsonx.tz_util import utc

if TYPE_CHECKING:
    from bsonx.typings import ReadableBuffer

__all__ = [
    "ALL_UUID_SUBTYPES",
    "CANONICAL_JSON_OPTIONS",
    "DEFAULT_JSON_OPTIONS",
    "EPOCH_AWARE",
    "LEGACY_JSON_OPTIONS",
    "RELAXED_JSON_OPTIONS",
    "UUID_SUBTYPE",
    "Binary",
    "Code",
    "CodecOptions",
    "DBRef",
    "DatetimeConversion",
    "DatetimeMS",
    "DatetimeRepresentation",
    "Decimal128",
    "Int64",
    "JSONMode",
    "JSONOptions",
    "MaxKey",
    "MinKey",
    "ObjectId",
    "Regex",
    "Timestamp",
    "UuidRepresentation",
    "default",
    "dumps",
    "from_bson",
    "get_size",
    "loads",
    "loads_strict",
    "object_hook",
    "object_pairs_hook",
    "to_bson",
    "utc",
]

LEGACY_JSON_OPTIONS: JSONOptions = JSONOptions(json_mode=JSONMode.LEGACY)
"""Legacy extended JSON."""

RELAXED_JSON_OPTIONS: JSONOptions = JSONOptions(json_mode=JSONMode.RELAXED)
"""Relaxed extended JSON."""

CANONICAL_JSON_OPTIONS: JSONOptions = JSONOptions(json_mode=JSONMode.CANONICAL)
"""Canonical extended JSON."""

DEFAULT_JSON_OPTIONS: JSONOptions = RELAXED_JSON_OPTIONS
"""What :func:`dumps` and :func:`loads` use when they are given no options: relaxed."""

get_size.__module__ = __name__

if _native_bind is not None:
    _native_bind(
        JSONOptions,
        _encode.encode_value,
        _encode.convert,
        _encode.json_dumps,
        _decode.object_hook,
        _decode._regex_flags,
        _decode.json_loads,
        _strict.object_hook_strict,
        _strict.json_loads_strict,
    )
_dumps = _native_dumps or _encode.json_dumps
_loads = _native_loads or _decode.json_loads
_loads_strict = _native_loads_strict or _strict.json_loads_strict
_LAYOUT_ARGUMENTS = frozenset(("indent", "separators", "sort_keys", "ensure_ascii"))


def _read_layout(
    indent: Any = None, separators: Any = None, sort_keys: Any = False, ensure_ascii: Any = True
) -> tuple[bytes | None, bytes, bytes, bool, bool] | None:
    """Return the layout in the form of the native writer; None if it is beyond that."""
    if isinstance(indent, int):
        indent = " " * indent
    if separators is None:
        separators = (", " if indent is None else ",", ": ")
    try:
        item, key = separators
    except (TypeError, ValueError):
        return None
    for text in (item, key, "" if indent is None else indent):
        if not isinstance(text, str) or not text.isascii():
            return None
    margin = None if indent is None else indent.encode()
    return margin, item.encode(), key.encode(), bool(sort_keys), bool(ensure_ascii)


def dumps(obj: Any, *args: Any, **kwargs: Any) -> str:
    """Return `obj` as extended JSON text.

    :param obj: any value of BSON, any mapping, any iterable (written as an array).
    :param json_options: a :class:`JSONOptions`; default :data:`DEFAULT_JSON_OPTIONS`.
    :param args: positional arguments of ``json.dumps``.
    :param kwargs: keyword arguments of ``json.dumps`` (``indent``, ``sort_keys``, ``default``...).

    Raises TypeError for a value that extended JSON cannot hold and ValueError for a
    ``uuid.UUID`` without a UUID representation.
    """
    json_options = kwargs.pop("json_options", DEFAULT_JSON_OPTIONS)
    if not args:
        if not kwargs:
            return _dumps(obj, json_options)
        if _dumps_layout is not None and kwargs.keys() <= _LAYOUT_ARGUMENTS:
            layout = _read_layout(**kwargs)
            text = layout and _dumps_layout(obj, json_options, *layout)
            if text is not None:
                return text
    return json.dumps(_encode.convert(obj, json_options), *args, **kwargs)


def loads(s: str | bytes | bytearray, *args: Any, **kwargs: Any) -> Any:
    """Return the value of the extended JSON text `s`.

    :param s: text, or bytes in UTF-8, UTF-16 or UTF-32.
    :param json_options: a :class:`JSONOptions`; default :data:`DEFAULT_JSON_OPTIONS`. The mode
        does not matter: all formats are read.
    :param args: positional arguments of ``json.loads``.
    :param kwargs: keyword arguments of ``json.loads`` (``parse_float``, ``strict``, ...).

    Raises ValueError (``json.JSONDecodeError``) for what is not JSON, and TypeError, ValueError,
    KeyError, ArithmeticError, :exc:`~bsonx.errors.InvalidId` or
    :exc:`~bsonx.errors.InvalidBSON` for a malformed wrapper.
    """
    json_options = kwargs.pop("json_options", DEFAULT_JSON_OPTIONS)
    if not args and not kwargs:
        return _loads(s, json_options)
    if json_options.document_class is dict:
        kwargs["object_hook"] = lambda doc: _decode.object_hook(doc, json_options)
    else:
        kwargs["object_pairs_hook"] = lambda pairs: _decode.object_pairs_hook(pairs, json_options)
    return json.loads(s, *args, **kwargs)


def loads_strict(
    s: str | bytes | bytearray, *, json_options: JSONOptions = DEFAULT_JSON_OPTIONS
) -> Any:
    """Return the value of the extended JSON text `s`, if BSON can hold all that it says.

    For programs that store what they read without a look at it. :func:`loads` keeps the last of
    the values of a key that comes twice, takes 1E400 for infinity, and passes over what it does
    not know in base64, in the options of a regular expression or beside the key of a wrapper;
    here each of these is an error. A reference whose fields are in another order than those of
    :class:`~bsonx.dbref.DBRef` stays a document, as does ``$regex`` without ``$options``.

    :param s: text, or bytes in UTF-8, UTF-16 or UTF-32.
    :param json_options: a :class:`JSONOptions`; default :data:`DEFAULT_JSON_OPTIONS`.

    Raises ValueError for what would be lost, and else what :func:`loads` raises. (Not in PyMongo.)
    """
    return _loads_strict(s, json_options)


def to_bson(text: str | ReadableBuffer) -> bytes:
    """Return the BSON document that the extended JSON `text` stands for.

    The same as ``bsonx.encode(loads_strict(text))``, many times faster: no Python object is made
    for what the text holds. Dates that datetime cannot hold are kept.

    :param text: text, or anything with a buffer of UTF-8, UTF-16 or UTF-32. See
        :mod:`bsonx.ndjson` for many documents.

    Raises ValueError (``json.JSONDecodeError``) for what is not JSON, TypeError for what is no
    document, and else what :func:`loads_strict` and :func:`bsonx.encode` raise. (Not in PyMongo.)
    """
    data = None if _impl.json_to_bson is None else _impl.json_to_bson(text)
    if data is None:
        from bsonx._py.json.to_bson import text_to_bson  # for what is unusual, and errors

        data = text_to_bson(text, _impl.encode_document)
    return data


def from_bson(
    data: ReadableBuffer,
    json_options: JSONOptions = DEFAULT_JSON_OPTIONS,
    *,
    ensure_ascii: bool = True,
) -> str:
    """Return the extended JSON text of one BSON document.

    The same as ``dumps(bsonx.decode(data, json_options), json_options=json_options)``, many times
    faster: no Python object is made for what the document holds. Dates that datetime cannot hold
    are written as their milliseconds, also without ``DATETIME_AUTO``.

    :param data: the document, anything with a buffer.
    :param json_options: how to write. Options that say what Python values to make are respected
        where that shows in the text.
    :param ensure_ascii: write what is not ASCII as escapes.

    Raises :exc:`~bsonx.errors.InvalidBSON` for what is no BSON. (Not in PyMongo.)
    """
    text = None
    if _impl.json_from_bson is not None:
        text = _impl.json_from_bson(data, json_options, ensure_ascii)
    if text is None:
        from bsonx._py.json.from_bson import bson_to_text

        text = bson_to_text(data, json_options, ensure_ascii, _impl.decode_document)
    return text


def object_pairs_hook(
    pairs: Sequence[tuple[str, Any]], json_options: JSONOptions = DEFAULT_JSON_OPTIONS
) -> Any:
    """Return the value of a JSON object given as (name, value) pairs.

    For ``json.loads(text, object_pairs_hook=object_pairs_hook)``.
    """
    return _decode.object_pairs_hook(pairs, json_options)


def object_hook(dct: Mapping[str, Any], json_options: JSONOptions = DEFAULT_JSON_OPTIONS) -> Any:
    """Return the value of a JSON object given as a mapping.

    For ``json.loads(text, object_hook=object_hook)``. The mapping itself is returned when it is
    no type wrapper; it is emptied when it is a database reference.
    """
    return _decode.object_hook(dct, json_options)


def default(obj: Any, json_options: JSONOptions = DEFAULT_JSON_OPTIONS) -> Any:
    """Return one BSON value as what ``json.dumps`` takes.

    For ``json.dumps(obj, default=default)``. Raises TypeError for what is no BSON scalar.
    """
    return _encode.default(obj, json_options)
