"""BSON to extended JSON text, over Python values: what the C that makes none is held to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bsonx._py.json.encode import convert
from bsonx.codec_options import DatetimeConversion

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

Decode = Callable[[Any, Any], Any]
"""A ``decode_document``, or a ``decode_all_documents``."""


def _reading(options: JSONOptions) -> JSONOptions:
    # Text has a form for dates that datetime cannot hold.
    if options.datetime_conversion == DatetimeConversion.DATETIME:
        return options.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return options


def bson_to_text(data: Any, options: JSONOptions, ensure_ascii: bool, decode: Decode) -> str:
    """Return the extended JSON of the one document that `data` is."""
    value = decode(data, _reading(options))
    return json.dumps(convert(value, options), ensure_ascii=ensure_ascii)


def bson_to_lines(data: Any, options: JSONOptions, ensure_ascii: bool, decode_all: Decode) -> bytes:
    """Return the extended JSON of the documents that `data` is a sequence of, a line for each."""
    lines = [
        json.dumps(convert(value, options), ensure_ascii=ensure_ascii) + "\n"
        for value in decode_all(data, _reading(options))
    ]
    return "".join(lines).encode()
