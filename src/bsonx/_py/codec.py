"""The codec's functions in pure Python (see ``bsonx._impl`` for what each is used for)."""

from __future__ import annotations

from typing import Any

from bsonx._py.bounds import bad, document_end, is_ours
from bsonx._py.decode import Plan, decode_next, decode_top, read_elements
from bsonx._py.encode import encode_document
from bsonx._py.plans import plan_for
from bsonx._py.skip import find_field
from bsonx.errors import InvalidBSON

__all__ = [
    "decode_all_documents",
    "decode_as",
    "decode_document",
    "encode_document",
    "options_for_type",
    "raw_elements",
    "raw_get",
]


def as_bytes(data: Any) -> bytes:
    """Return the content of a bytes-like object, without a copy if it is bytes."""
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not {type(data).__name__!r}") from None
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return bytes(view)


def decode_document(data: Any, codec_options: Any) -> Any:
    """Return the one document that ``data`` (bytes-like) is; InvalidBSON for anything else."""
    data = as_bytes(data)
    end = document_end(data, 0, len(data))
    if end != len(data):
        bad("bad eoo", end)
    return decode_top(data, 0, end, plan_for(codec_options))


def decode_all_documents(data: Any, codec_options: Any) -> list[Any]:
    """Return the documents that ``data`` (bytes-like) is a sequence of."""
    data = as_bytes(data)
    plan = plan_for(codec_options)
    documents = []
    start, limit = 0, len(data)
    while start < limit:
        document, start = decode_next(data, start, limit, plan)
        documents.append(document)
    return documents


def _check_bounds(data: bytes, start: int, end: int) -> None:
    if not 0 <= start <= end <= len(data):
        raise ValueError("the document is outside the data")
    stop = document_end(data, start, end)
    if stop != end:
        bad("bad eoo", stop)


def raw_elements(
    data: Any, start: int, end: int, codec_options: Any, origin: int = 0
) -> dict[str, Any]:
    """Return the fields of the document between two positions, inner documents per options.

    ``data`` stands at ``origin`` in the input, where the offsets of errors count from the start of.
    """
    data = as_bytes(data)
    try:
        _check_bounds(data, start, end)
        return _elements(data, start, end, plan_for(codec_options).at(origin))
    except InvalidBSON as exc:
        _move_offset(exc, origin)
        raise


def raw_get(data: Any, start: int, end: int, name: str, codec_options: Any, origin: int = 0) -> Any:
    """Return one field of the document between two positions; KeyError if there is none.

    The other fields are stepped over, so only their structure is checked. See raw_elements for
    ``origin``.
    """
    data = as_bytes(data)
    try:
        _check_bounds(data, start, end)
        return _field(data, start, end, name, plan_for(codec_options).at(origin))
    except InvalidBSON as exc:
        _move_offset(exc, origin)
        raise


def _elements(data: bytes, start: int, end: int, plan: Plan) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    read_elements(data, start + 4, end - 1, plan, 1, fields)
    return fields


def _field(data: bytes, start: int, end: int, name: str, plan: Plan) -> Any:
    if not isinstance(name, str):
        raise KeyError(name)
    if plan.errors != "strict":  # then different stored names may be the same str
        return _elements(data, start, end, plan)[name]
    found = find_field(data, start + 4, end - 1, name.encode("utf-8", "surrogatepass"))
    if found is None:
        raise KeyError(name)
    single: dict[str, Any] = {}
    read_elements(data, found[0], found[1], plan, 1, single)
    return single[name]


def _move_offset(exc: InvalidBSON, by: int) -> None:
    if by and exc.offset is not None and is_ours(exc):
        exc.offset += by


def decode_as(type: Any, data: Any, codec_options: Any) -> Any:
    """Return the one document that ``data`` is as an instance of ``type``."""
    return decode_document(data, options_for_type(type, codec_options))


def options_for_type(type: Any, codec_options: Any) -> Any:
    """Return the CodecOptions that decode to ``type``, otherwise like ``codec_options``."""
    from bsonx.typed import options_for  # not needed by programs without typed documents

    return options_for(type, codec_options)
