"""BSON to Python values, in pure Python: documents, arrays and what depends on the options."""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from bsonx._markers import Markers as _Markers
from bsonx._py.bounds import (
    bad,
    bad_value,
    document_end,
    inner_end,
    is_known_type,
    is_ours,
    unknown_type,
)
from bsonx._py.decode_values import READERS, Reader, datetime_reader, read_string, read_uuid, text
from bsonx._typed.plan import typed_plan
from bsonx.binary import UuidRepresentation
from bsonx.code import Code
from bsonx.codec_options import CodecOptions
from bsonx.dbref import DBRef

MAX_DEPTH = 1000
TOO_DEEP = "maximum recursion depth exceeded while decoding a {}"

_unpack_int = struct.Struct("<i").unpack_from


class Plan:
    """What one CodecOptions means for the readers, worked out once."""

    __slots__ = (
        "decode_typed",
        "document_class",
        "errors",
        "keys",
        "nested",
        "options",
        "origin",
        "plain",
        "raw",
        "readers",
        "typed",
        "user_readers",
        "uuid_representation",
    )

    _KEY_LIMIT = 4096
    _LONGEST_KEY = 64

    def __init__(self, options: CodecOptions[Any]) -> None:
        self.options = options
        self.origin = 0
        self.document_class = options.document_class
        self.typed = typed_plan(options.document_class)
        if self.typed is not None:
            self.document_class = dict  # of what has no type of its own
        self.errors = options.unicode_decode_error_handler or "strict"
        self.uuid_representation = options.uuid_representation
        self.raw = getattr(self.document_class, "_type_marker", None) == _Markers.RAW_DOCUMENT
        self.keys: dict[bytes, str] = _strict_keys if self.errors == "strict" else {}
        readers = dict(READERS)
        readers[0x03] = _read_raw if self.raw else _read_document
        readers[0x04] = _read_array
        readers[0x09] = datetime_reader(options)
        readers[0x0F] = _read_code_w_scope
        if self.uuid_representation != UuidRepresentation.UNSPECIFIED:
            readers[0x05] = read_uuid
        converters = options.type_registry._decoder_map
        if converters:
            readers = {kind: _converting(read, converters) for kind, read in readers.items()}
        self.readers: dict[int, Reader] = readers
        self.nested: dict[type, Plan] = {}  # of fields that name their document class
        # Of the fields of a reply that hold documents of the user's. It and the next are filled
        # in by bsonx._py.plans for a class with fields.
        self.user_readers = readers
        self.decode_typed: Callable[..., Any] | None = None
        # Whether the short cuts of read_elements are right.
        self.plain = self.document_class is dict and self.errors == "strict" and not converters

    def of_field(self, document_class: type) -> Plan:
        """Return the plan for a field of a document class of its own, otherwise like this one."""
        plan = self.nested.get(document_class)
        if plan is None:
            plan = Plan(self.options.with_options(document_class=document_class))
            plan = self.nested.setdefault(document_class, plan)
        return plan

    def at(self, origin: int) -> Plan:
        """Return this plan for a part of the input, ``origin`` bytes from its start."""
        if not origin:
            return self
        moved = copy.copy(self)
        moved.origin = origin
        return moved

    def key(self, raw: bytes, offset: int) -> str:
        """Return the field name of stored bytes; equal names are one object if they are short."""
        name = self.keys.get(raw)
        if name is None:
            name = text(raw, self, offset)
            if len(raw) <= self._LONGEST_KEY and len(self.keys) < self._KEY_LIMIT:
                self.keys[raw] = name
        return name


_strict_keys: dict[bytes, str] = {}


def decode_top(data: bytes, start: int, end: int, plan: Plan) -> Any:
    """Return the document between ``start`` and ``end`` (see bounds.document_end)."""
    if plan.raw:
        return _raw_document(data, start, end, plan)
    if plan.decode_typed is not None:
        return plan.decode_typed(data, start, end, plan, plan.typed)
    try:
        return read_elements(data, start + 4, end - 1, plan, 1, plan.document_class())
    except RecursionError as exc:
        refuse_depth(exc, start)


def refuse_depth(exc: RecursionError, offset: int) -> NoReturn:
    """Raise what Python's own limit means, which is lower than ours if the caller is deep in calls.

    A RecursionError of the user's code is not ours to explain.
    """
    if is_ours(exc):
        bad(TOO_DEEP.format("BSON document"), offset)
    raise exc


def decode_next(data: bytes, start: int, limit: int, plan: Plan) -> tuple[Any, int]:
    """Return the document at ``start``, which must end by ``limit``, and its end."""
    end = document_end(data, start, limit)
    return decode_top(data, start, end, plan), end


def read_elements(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, into: Any, array: str | None = None
) -> Any:
    """Store the elements between ``pos`` and ``end`` in ``into``; the last of equal keys wins.

    ``into`` is a mapping or, for the array in the field named ``array``, a list: the names of its
    elements are their positions, which nobody checks. With the default options the frequent types
    are handled here, everything else by one reader for each type.
    """
    if depth > MAX_DEPTH:
        bad(TOO_DEEP.format("BSON document" if array is None else "list value"), pos - 4)
    readers = plan.readers
    plain = plan.plain
    known = plan.keys
    find = data.find
    name: Any = array
    while pos < end:
        at = pos
        kind = data[at]
        nul = find(b"\0", at + 1, end)
        if array is None:
            if nul < 0:
                bad("field name too large", at + 1)
            raw = data[at + 1 : nul]
            name = known.get(raw) or plan.key(raw, at + 1)
        elif nul < 0:
            if not is_known_type(kind):
                unknown_type(kind, name, at)
            bad_value(at + 1)
        pos = nul + 1
        if kind == 0x02 and plain:
            start = pos + 4
            if start >= end:
                bad_value(pos)
            stop = start + _unpack_int(data, pos)[0]
            if stop <= start or stop > end or data[stop - 1]:
                bad_value(pos)
            try:
                value: Any = data[start : stop - 1].decode()
            except UnicodeDecodeError as exc:
                bad(str(exc), start, exc)
            pos = stop
        elif kind == 0x10 and plain:
            if pos + 4 > end:
                bad_value(pos)
            value = _unpack_int(data, pos)[0]
            pos += 4
        elif kind == 0x03 and plain:
            stop = inner_end(data, pos, end)
            value = read_elements(data, pos + 4, stop - 1, plan, depth + 1, {})
            if "$ref" in value:
                value = _maybe_dbref(value)
            pos = stop
        elif kind == 0x04 and plain:
            stop = inner_end(data, pos, end)
            value = read_elements(data, pos + 4, stop - 1, plan, depth + 1, [], name)
            pos = stop
        else:
            read = readers.get(kind)
            if read is None:
                unknown_type(kind, name, at)
            value, pos = read(data, pos, end, plan, depth, name)
        if array is None:
            into[name] = value
        else:
            into.append(value)
    return into


def _read_document(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    stop = inner_end(data, pos, end)
    value = read_elements(data, pos + 4, stop - 1, plan, depth + 1, plan.document_class())
    if "$ref" in value:
        value = _maybe_dbref(value)
    return value, stop


def _maybe_dbref(document: Any) -> Any:
    """Return a DBRef if the document has the form of one, else the document."""
    database = document.get("$db")
    if (
        "$id" in document
        and isinstance(document["$ref"], str)
        and (database is None or isinstance(database, str))
    ):
        document.pop("$db", None)
        return DBRef(document.pop("$ref"), document.pop("$id"), database, document)
    return document


def _read_array(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    stop = inner_end(data, pos, end)
    return read_elements(data, pos + 4, stop - 1, plan, depth + 1, [], name), stop


def _read_raw(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    stop = inner_end(data, pos, end)
    return _raw_document(data, pos, stop, plan), stop


def _raw_document(data: bytes, start: int, end: int, plan: Plan) -> Any:
    """Return a raw document that shares ``data``; foreign classes get bytes of their own."""
    over = getattr(plan.document_class, "_over", None)
    if over is not None:
        # A subclass may have an _over of its own, without the last argument.
        if plan.origin and hasattr(over, "takes_origin"):
            return over(data, start, end, plan.options, plan.origin)
        return over(data, start, end, plan.options)
    return plan.document_class(data[start:end], plan.options)


def _read_code_w_scope(
    data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
) -> tuple[Any, int]:
    if pos + 8 > end:
        bad_value(pos)
    size = _unpack_int(data, pos)[0]
    stop: int = pos + size
    if size < 14 or stop > end:
        bad_value(pos)
    source, middle = read_string(data, pos + 4, stop, plan, depth, name)
    if inner_end(data, middle, stop) != stop:
        bad_value(middle)
    if plan.raw:
        return Code(source, _raw_document(data, middle, stop, plan)), stop
    scope = read_elements(data, middle + 4, stop - 1, plan, depth + 1, plan.document_class())
    return Code(source, scope), stop


def _converting(read: Reader, converters: dict[Any, Callable[[Any], Any]]) -> Reader:
    """Return a reader that passes its value through the user's converter for its type."""

    def converted(
        data: bytes, pos: int, end: int, plan: Plan, depth: int, name: str
    ) -> tuple[Any, int]:
        value, stop = read(data, pos, end, plan, depth, name)
        convert = converters.get(type(value))
        return (value if convert is None else convert(value)), stop

    return converted
