"""The functions of the codec, of whichever implementation runs (see :mod:`bsonx._switch`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bsonx._switch import HAS_C

if TYPE_CHECKING:
    from bsonx._py.json.options import JSONOptions

if HAS_C:
    from bsonx._native import (
        RawDocument,
        arrow_array,
        arrow_builder,
        arrow_fields,
        arrow_reader,
        arrow_schema,
        arrow_stream,
        arrow_types,
        decode_all_documents,
        decode_as,
        decode_document,
        decode_message,
        encode_batch,
        encode_document,
        encode_documents,
        encode_message,
        encode_statements,
        message_header,
        options_for_type,
        resize,
        run_coroutine,
    )
else:
    from bsonx._py.arrow.late import (
        arrow_array,
        arrow_builder,
        arrow_fields,
        arrow_reader,
        arrow_schema,
        arrow_stream,
        arrow_types,
    )
    from bsonx._py.codec import (
        decode_all_documents,
        decode_as,
        decode_document,
        encode_document,
        options_for_type,
    )
    from bsonx._py.documents import encode_documents
    from bsonx._py.op_msg import decode_message, encode_batch, encode_message, message_header
    from bsonx._py.raw import RawDocument
    from bsonx._py.resize import resize
    from bsonx._py.run import run_coroutine
    from bsonx._py.statements import encode_statements

# None: the driver then goes step by step.
exchange: Callable[..., Any] | None = None
if HAS_C and sys.platform != "win32":
    from bsonx._native import exchange

# None: json_util then uses the pure functions that it needs in any case, for the rarer options.
json_dumps: Callable[[Any, JSONOptions], str] | None = None
json_dumps_layout: Callable[..., str | None] | None = None
json_loads: Callable[[Any, JSONOptions], Any] | None = None
json_loads_strict: Callable[[Any, JSONOptions], Any] | None = None
json_bind: Callable[..., None] | None = None
# Without Python values: None (the first) or a result of None (the others) where the pure way is to
# be gone. The two that read records take what goes that way for one record as an argument.
json_to_bson: Callable[[Any], bytes | None] | None = None
json_from_bson: Callable[[Any, JSONOptions, bool], str | None] | None = None
json_write_lines: Callable[[bytes, int, JSONOptions, bool], tuple[bytes, int] | None] | None = None
json_read_lines: Callable[..., tuple[Any, ...]] | None = None
json_read_values: Callable[..., tuple[Any, ...]] | None = None
if HAS_C:
    from bsonx._native import (
        json_bind,
        json_dumps,
        json_dumps_layout,
        json_from_bson,
        json_loads,
        json_loads_strict,
        json_read_lines,
        json_read_values,
        json_to_bson,
        json_write_lines,
    )

# None: bsonx.csv then uses the pure function, which it needs in any case, for converters of Python.
csv_compile: Callable[..., Any] | None = None
csv_read: Callable[..., Any] | None = None
if HAS_C:
    from bsonx._native import csv_compile, csv_read

__all__ = [
    "RawDocument",
    "arrow_array",
    "arrow_builder",
    "arrow_fields",
    "arrow_reader",
    "arrow_schema",
    "arrow_stream",
    "arrow_types",
    "csv_compile",
    "csv_read",
    "decode_all_documents",
    "decode_as",
    "decode_document",
    "decode_message",
    "encode_batch",
    "encode_document",
    "encode_documents",
    "encode_message",
    "encode_statements",
    "exchange",
    "json_bind",
    "json_dumps",
    "json_dumps_layout",
    "json_from_bson",
    "json_loads",
    "json_loads_strict",
    "json_read_lines",
    "json_read_values",
    "json_to_bson",
    "json_write_lines",
    "message_header",
    "options_for_type",
    "resize",
    "run_coroutine",
]
