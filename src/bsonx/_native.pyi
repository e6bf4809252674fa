# What the extension exports (_native.pyx). Its types have the interface of their twins in pure
# Python, and to a type checker they are the same classes.
#
# test_native_stub.py compares names and signatures with the extension.

import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from typing_extensions import Buffer

from bsonx._py.json.options import JSONOptions
from bsonx._py.raw import RawDocument as RawDocument
from bsonx._py.types.datetime_ms import DatetimeMS as DatetimeMS
from bsonx._py.types.decimal128 import Decimal128 as Decimal128
from bsonx._py.types.int64 import Int64 as Int64
from bsonx._py.types.objectid import ObjectId as ObjectId
from bsonx._py.types.timestamp import Timestamp as Timestamp
from bsonx._storage import BinaryStorage as BinaryStorage
from bsonx._storage import CodeStorage as CodeStorage
from bsonx._storage import RegexStorage as RegexStorage
from bsonx.codec_options import CodecOptions

_T = TypeVar("_T")

# ---- the public functions of the package ----

def encode(
    document: Any, check_keys: bool = False, codec_options: CodecOptions[Any] = ...
) -> bytes: ...
def decode(
    data: Buffer, codec_options: CodecOptions[Any] | None = None, type: Any = None
) -> Any: ...
def decode_all(
    data: Buffer, codec_options: CodecOptions[Any] | None = None, type: Any = None
) -> list[Any]: ...

# ---- what bsonx._impl hands on ----

def encode_document(document: Any, check_keys: bool, codec_options: CodecOptions[Any]) -> bytes: ...
def decode_document(data: Buffer, codec_options: CodecOptions[Any]) -> Any: ...
def decode_all_documents(data: Buffer, codec_options: CodecOptions[Any]) -> list[Any]: ...
def decode_as(type: Any, data: Buffer, codec_options: CodecOptions[Any] | None) -> Any: ...
def options_for_type(type: Any, codec_options: CodecOptions[Any] | None) -> CodecOptions[Any]: ...
def encode_message(
    request_id: int, flags: int, body: Mapping[str, Any], codec_options: CodecOptions[Any]
) -> bytes: ...
def encode_batch(
    request_id: int,
    flags: int,
    body: Mapping[str, Any],
    identifier: str,
    documents: Sequence[Any],
    start: int,
    codec_options: CodecOptions[Any],
    *,
    max_count: int,
    max_document_size: int,
    max_message_size: int,
    add_ids: bool = False,
    ids: list[Any] | None = None,
) -> tuple[bytes, int]: ...
def encode_documents(
    iterator: Iterator[Any],
    codec_options: CodecOptions[Any],
    first_id: bytes | None,
    *,
    max_count: int,
    max_bytes: int,
    seconds: float = -1.0,
) -> tuple[bytes, bytes, bool, list[tuple[int, Exception, Any]], int, Any]: ...
def encode_statements(
    data: bytes, ends: bytes, kind: int, keys: tuple[str, ...]
) -> tuple[bytes, bytes, bytes, list[tuple[int, str]]]: ...
def decode_message(
    data: Buffer,
    codec_options: CodecOptions[Any],
    user_fields: frozenset[str] | None = None,
    joined: bool = False,
) -> tuple[int, Any]: ...

if sys.platform != "win32":
    def exchange(
        stream: Any,
        fd: int,
        timeout: float | None,
        max_reply_size: int,
        request_id: int,
        flags: int,
        body: Mapping[str, Any],
        codec_options: CodecOptions[Any],
        sequence: int
        | tuple[str, Sequence[Any], int, int, int, int, bool, list[Any] | None]
        | tuple[int, str, bytes, int, int],
        reply_options: CodecOptions[Any],
        user_fields: frozenset[str] | None,
        joined: bool = False,
    ) -> Any: ...

def message_header(data: Buffer, offset: int = 0) -> tuple[int, int, int, int]: ...
def run_coroutine(coro: Coroutine[Any, Any, _T]) -> _T: ...
def resize(buffer: bytearray, size: int) -> None: ...

# ---- Arrow ----

def arrow_reader(capsule: Any, array: Any = None) -> Any: ...
def arrow_fields(capsule: Any) -> tuple[Any, ...]: ...
def arrow_schema(field: tuple[Any, ...]) -> Any: ...
def arrow_builder(plan: tuple[Any, ...], strict: bool, lenient: bool) -> Any: ...
def arrow_types(documents: Any) -> tuple[Any, ...]: ...
def arrow_array(data: Any) -> Any: ...
def arrow_stream(
    field: tuple[Any, ...],
    next: Callable[[], Any],
    failed: Callable[[BaseException], object],
) -> Any: ...

# ---- extended JSON ----

def json_bind(
    options_class: type[JSONOptions],
    encode_value: Callable[[Any, JSONOptions], Any],
    convert: Callable[[Any, JSONOptions], Any],
    dumps: Callable[[Any, JSONOptions], str],
    object_hook: Callable[[Any, JSONOptions], Any],
    regex_flags: Callable[[str], int],
    loads: Callable[[Any, JSONOptions], Any],
    object_hook_strict: Callable[..., Any],
    loads_strict: Callable[..., Any],
) -> None: ...
def json_dumps(value: Any, options: JSONOptions) -> str: ...
def json_dumps_layout(
    value: Any,
    options: JSONOptions,
    indent: bytes | None,
    item_separator: bytes,
    key_separator: bytes,
    sort_keys: bool,
    ensure_ascii: bool,
) -> str | None: ...
def json_loads(text: Any, options: JSONOptions) -> Any: ...
def json_loads_strict(text: Any, options: JSONOptions) -> Any: ...
def csv_compile(
    columns: tuple[tuple[bytes, int, tuple[bytes, ...]], ...],
    delimiter: int,
    newline: int,
    longest: int,
    point: int,
    omit_nulls: bool,
    id_column: int,
    id_needed: bool,
    slow: Callable[[int, bytes], bytes],
) -> object: ...
def csv_read(
    plan: object,
    data: bytes,
    start: int,
    line: int,
    at_end: bool,
    first_id: bytes | None,
    most: int,
    most_bytes: int,
) -> tuple[Any, ...]: ...
def json_to_bson(text: Any) -> bytes | None: ...
def json_from_bson(data: Buffer, options: JSONOptions, ensure_ascii: bool) -> str | None: ...
def json_write_lines(
    data: bytes, start: int, options: JSONOptions, ensure_ascii: bool
) -> tuple[bytes, int] | None: ...
def json_read_lines(
    data: bytes,
    start: int,
    line: int,
    final: bool,
    first_id: bytes | None,
    max_documents: int,
    max_bytes: int,
    id_field: str | None,
    convert: Callable[[bytes], bytes],
) -> tuple[Any, ...]: ...
def json_read_values(
    data: bytes,
    start: int,
    line: int,
    state: int,
    final: bool,
    first_id: bytes | None,
    max_documents: int,
    max_bytes: int,
    id_field: str | None,
    convert: Callable[[bytes], bytes],
) -> tuple[Any, ...]: ...
