"""The one switch between the native extension and its pure-Python twin.

``BSONX_IMPL=c`` demands the extension, ``BSONX_IMPL=py`` avoids it; otherwise it is used if it is
there. Everything else imports these names from here and does not know which it got.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

_F = TypeVar("_F", bound=Callable[..., Any])

_wanted = os.environ.get("BSONX_IMPL", "")
if _wanted not in ("", "c", "py"):
    raise ImportError(f"BSONX_IMPL must be c, py or empty, not {_wanted!r}")


def _load() -> ModuleType | None:
    """Return the extension if it is there and wanted."""
    if _wanted == "py":
        return None
    try:
        from bsonx import _native
    except ImportError:
        if _wanted == "c":
            raise
        return None
    return _native


_native = _load()
HAS_C: bool = _native is not None

if HAS_C:
    from bsonx._native import (
        DatetimeMS,
        Decimal128,
        Int64,
        ObjectId,
        RawDocument,
        Regex,
        Timestamp,
        decode_all_documents,
        decode_as,
        decode_document,
        decode_message,
        encode_batch,
        encode_document,
        encode_message,
        message_header,
        options_for_type,
        run_coroutine,
    )
else:
    from bsonx._py.codec import (
        decode_all_documents,
        decode_as,
        decode_document,
        encode_document,
        options_for_type,
    )
    from bsonx._py.op_msg import decode_message, encode_batch, encode_message, message_header
    from bsonx._py.raw import RawDocument
    from bsonx._py.run import run_coroutine
    from bsonx._py.types.datetime_ms import DatetimeMS
    from bsonx._py.types.decimal128 import Decimal128
    from bsonx._py.types.int64 import Int64
    from bsonx._py.types.objectid import ObjectId
    from bsonx._py.types.regex import Regex
    from bsonx._py.types.timestamp import Timestamp

# None: json_util then uses the pure functions that it needs in any case, for the rarer options.
json_dumps: Callable[[Any, JSONOptions], str] | None = None
json_dumps_layout: Callable[..., str | None] | None = None
json_loads: Callable[[Any, JSONOptions], Any] | None = None
json_bind: Callable[..., None] | None = None
if HAS_C:
    from bsonx._native import json_bind, json_dumps, json_dumps_layout, json_loads


def native_form(function: _F) -> _F:
    """Return the native function of the same name and arguments, or the function itself.

    For the public functions whose call from Python takes longer than a small document.
    """
    form = getattr(_native, function.__name__, None)
    if form is None:
        return function
    functools.update_wrapper(form, function)
    return form  # type: ignore[no-any-return]


__all__ = [
    "HAS_C",
    "DatetimeMS",
    "Decimal128",
    "Int64",
    "ObjectId",
    "RawDocument",
    "Regex",
    "Timestamp",
    "decode_all_documents",
    "decode_as",
    "decode_document",
    "decode_message",
    "encode_batch",
    "encode_document",
    "encode_message",
    "json_bind",
    "json_dumps",
    "json_dumps_layout",
    "json_loads",
    "message_header",
    "native_form",
    "options_for_type",
    "run_coroutine",
]
