"""Extended JSON text to BSON, over Python values: what the C that makes none is held to.

That C leaves every text to these functions that it does not understand at once, so the words for
all errors are here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bsonx._py.json.options import JSONOptions
from bsonx._py.json.strict import hook_pairs, json_loads_strict, read_double
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, DatetimeConversion

Encode = Callable[[Any, bool, Any], bytes]
"""An ``encode_document``."""

# Dates that datetime cannot hold are dates all the same.
_EXACT: JSONOptions = JSONOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def text_to_bson(text: Any, encode: Encode) -> bytes:
    """Return the BSON of the document in `text` (str or bytes-like); errors are those of
    json_loads_strict and of `encode`."""
    if not isinstance(text, (str, bytes, bytearray)):
        text = bytes(memoryview(text))
    return encode(json_loads_strict(text, _EXACT), False, DEFAULT_CODEC_OPTIONS)


def record_to_bson(raw: bytes, encode: Encode, id_field: str | None = None) -> bytes:
    """Return the BSON of the document in `raw`, UTF-8, with `_id` first if there is one.

    :param id_field: the name of a field that becomes `_id`.

    Errors are Exceptions of any class; their ``path`` names the field at fault, if one is.
    """
    text = raw.decode("utf-8")
    try:
        document = json_loads_strict(text, _EXACT)
    except Exception as exc:
        exc.path = _path(text)  # type: ignore[attr-defined]
        raise
    if type(document) is not dict:
        raise ValueError(f"a JSON object is needed, not {_kind(document)}")
    if id_field is not None and id_field in document and id_field != "_id":
        if "_id" in document:
            raise ValueError(f"there is an '_id' beside {id_field!r}, which is to become it")
        document = {"_id": document.pop(id_field), **document}
    return encode(document, False, DEFAULT_CODEC_OPTIONS)


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else f"a value of type {type(value).__name__}"


# ---- the place of an error ----


class _Fault(Exception):
    """Ends a walk; `steps` lead to where it ended, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []


class _Pairs(list[Any]):
    """The members of an object."""


class _Double(str):
    """The text of a number that is no integer."""


def _path(text: str) -> str:
    """Return which field of a document could not be read, "" where it is none or cannot be told."""
    try:
        tree = json.loads(text, object_pairs_hook=_Pairs, parse_float=_Double)
        _walk(tree)
    except _Fault as fault:
        return "".join(reversed(fault.steps)).removeprefix(".")
    except (ValueError, RecursionError):  # no JSON at all
        pass
    return ""


def _walk(value: Any) -> Any:
    """Do what json_loads_strict does, from the outside."""
    try:
        if type(value) is _Pairs:
            return hook_pairs([(k, _step(f".{k}", v)) for k, v in value], _EXACT)
        if type(value) is list:
            return [_step(f"[{i}]", item) for i, item in enumerate(value)]
        return read_double(value) if type(value) is _Double else value
    except _Fault:
        raise
    except Exception as exc:
        raise _Fault from exc


def _step(name: str, value: Any) -> Any:
    try:
        return _walk(value)
    except _Fault as fault:
        fault.steps.append(name)
        raise
