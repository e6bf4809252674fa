"""Executes decode plans: from BSON to instances of the user's types, in pure Python."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bsonx._py.bounds import inner_end
from bsonx._py.decode import Plan, decode_top, refuse_depth
from bsonx._py.decode_values import read_datetime, read_datetime_clamp, read_datetime_ms
from bsonx._py.typed.model import read_model
from bsonx._py.typed.run import (
    ANY,
    READERS,
    Element,
    Run,
    Value,
    called,
    enter,
    named,
    pay_retry,
    read_any,
    read_entry,
    read_int,
    read_item,
    read_items,
    read_node,
    read_positions,
    read_stored,
    read_tag,
    skip,
)
from bsonx._typed.errors import TypedDecodeError
from bsonx._typed.nodes import BOOL, BSON_NAMES, DOCUMENT, DOUBLE, MISSING, Kind, Node, TypePlan
from bsonx.binary import OLD_UUID_SUBTYPE, UUID_SUBTYPE, Binary, UuidRepresentation
from bsonx.codec_options import DatetimeConversion
from bsonx.int64 import Int64

__all__ = ["decode_typed", "read_typed_array", "read_typed_document"]


def decode_typed(data: bytes, start: int, end: int, options: Plan, plan: TypePlan) -> Any:
    """Return the document between ``start`` and ``end`` (bounds already checked)."""
    run = Run(data, options, end - start)
    try:
        return read_node(run, plan.node, Element(DOCUMENT, start, start, end, 0, ""))[0]
    except RecursionError as exc:
        refuse_depth(exc, start)


def read_typed_document(
    data: bytes, pos: int, end: int, options: Plan, depth: int, name: str
) -> Value:
    """Read a document inside a reply that is one of the user's."""
    assert options.typed is not None
    stop = inner_end(data, pos, end)
    return decode_typed(data, pos, stop, options, options.typed), stop


def read_typed_array(
    data: bytes, pos: int, end: int, options: Plan, depth: int, name: str
) -> Value:
    """Read an array inside a reply whose documents are the user's."""
    run = Run(data, options, 0)
    items, stop = [], inner_end(data, pos, end)
    pos += 4
    while pos < stop - 1:
        element = read_item(run, pos, stop - 1, depth + 1, name)
        if element.code == DOCUMENT:
            value, pos = read_typed_document(data, element.pos, stop - 1, options, depth, name)
        else:
            value, pos = read_any(run, ANY, element)
        items.append(value)
    return items, stop


# ---- scalars ----


def _int64(run: Run, node: Node, element: Element) -> Value:
    value, stop = read_int(run, node, element)
    return Int64(value), stop


def _float(run: Run, node: Node, element: Element) -> Value:
    value, stop = read_stored(run, node, element)
    return float(value), stop


def _binary(run: Run, node: Node, element: Element) -> Value:
    value, stop = read_stored(run, node, element)
    return (value if type(value) is Binary else Binary(value)), stop


def _bytes(run: Run, node: Node, element: Element) -> Value:
    value, stop = _binary(run, node, element)
    if value.subtype:
        reason = f"expected {node.label}, got binData of subtype {value.subtype}"
        raise TypedDecodeError(reason, element.pos)
    return bytes(value), stop


def _uuid(run: Run, node: Node, element: Element) -> Value:
    value, stop = _binary(run, node, element)
    representation = run.options.uuid_representation
    legacy = representation not in (UuidRepresentation.UNSPECIFIED, UuidRepresentation.STANDARD)
    if len(value) == 16:
        if value.subtype == UUID_SUBTYPE:
            return UUID(bytes=bytes(value)), stop
        if value.subtype == OLD_UUID_SUBTYPE and legacy:
            return value.as_uuid(representation), stop
    reason = f"expected UUID, got binData of subtype {value.subtype} and length {len(value)}"
    raise TypedDecodeError(reason, element.pos)


def _datetime(run: Run, node: Node, element: Element) -> Value:
    conversion = run.options.options.datetime_conversion
    clamp = conversion == DatetimeConversion.DATETIME_CLAMP
    read = read_datetime_clamp if clamp else read_datetime
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def _datetime_ms(run: Run, node: Node, element: Element) -> Value:
    return read_datetime_ms(
        run.data, element.pos, element.end, run.options, element.depth, element.name
    )


def _instance(run: Run, node: Node, element: Element) -> Value:
    value, stop = read_any(run, node, element)
    if not isinstance(value, node.cls):
        reason = f"expected {node.label}, got {type(value).__name__}"
        raise TypedDecodeError(reason, element.pos)
    return value, stop


def _document(run: Run, node: Node, element: Element) -> Value:
    stop = enter(run, element)
    return decode_top(run.data, element.pos, stop, run.options.of_field(node.cls)), stop


# ---- containers ----


def _list(run: Run, node: Node, element: Element) -> Value:
    item = node.item
    assert item is not None
    return read_items(run, lambda index: item, element)


def _tuple(run: Run, node: Node, element: Element) -> Value:
    items, stop = _list(run, node, element)
    return tuple(items), stop


def _set(run: Run, node: Node, element: Element) -> Value:
    items, stop = _list(run, node, element)
    make = set if node.kind is Kind.SET else frozenset
    return called(element.pos, make, items), stop


def _fixed(run: Run, node: Node, element: Element) -> Value:
    items, stop = read_positions(run, node.items, node.label, element)
    if len(items) < len(node.items):
        reason = f"expected {node.label}, got an array of length {len(items)}"
        raise TypedDecodeError(reason, element.pos)
    return tuple(items), stop


def _dict(run: Run, node: Node, element: Element) -> Value:
    assert node.item is not None
    stop = enter(run, element)
    pos = element.pos + 4
    found: dict[str, Any] = {}
    while pos < stop - 1:
        raw, item = read_entry(run, pos, stop - 1, element.depth + 1)
        item = named(item, run.options.key(raw, pos + 1))
        try:
            found[item.name], pos = read_node(run, node.item, item)
        except TypedDecodeError as exc:
            exc._within(item.name)
            raise
    return found, stop


# ---- choices ----


def _tagged(run: Run, node: Node, element: Element) -> Value:
    assert node.key is not None and node.values is not None
    found = _find_element(run, node.key, element)
    if found is None:
        reason = f"expected {node.label}: no field {node.key!r}"
        raise TypedDecodeError(reason, element.pos)
    tag, _ = read_tag(run, found)
    chosen = node.values.get(tag)
    if chosen is None:
        shown = _shown(run, found) if tag is None else repr(tag)
        error = TypedDecodeError(f"expected {node.label}: unknown tag {shown}", found.pos)
        error._within(node.key)
        raise error
    return read_node(run, chosen, element)


def _shown(run: Run, element: Element) -> str:
    """Return what stands where a tag should, for a message: the value if it is short."""
    if element.code in (DOUBLE, BOOL):
        return repr(read_stored(run, ANY, element)[0])
    return f"of type {BSON_NAMES[element.code]}"


def _find_element(run: Run, name: str, element: Element) -> Element | None:
    """Return the first element of a document with this name."""
    stop = enter(run, element)
    pos = element.pos + 4
    while pos < stop - 1:
        raw, item = read_entry(run, pos, stop - 1, element.depth + 1)
        item = named(item, raw.decode("utf-8", "replace"))
        if raw == name.encode():
            return item
        pos = skip(run, item)
    return None


def _union(run: Run, node: Node, element: Element) -> Value:
    assert node.table is not None
    fitting = node.table.get(element.code, ())
    if not fitting:
        assert node.item is not None  # else the type would not be among the node's
        return read_node(run, node.item, element)
    if len(fitting) == 1:
        return read_node(run, fitting[0], element)
    for alternative in fitting:
        try:
            return read_node(run, alternative, element)
        except TypedDecodeError as exc:
            cause = exc
            pay_retry(run, element)
    raise TypedDecodeError(f"fits no alternative of {node.label}", element.pos) from cause


def _lookup(run: Run, node: Node, element: Element) -> Value:
    assert node.item is not None and node.values is not None
    value, stop = read_node(run, node.item, element)
    found = node.values.get(value, MISSING)
    if found is not MISSING:
        return found, stop
    if node.call is not None:
        return called(element.pos, node.call, value), stop
    raise TypedDecodeError(f"expected {node.label}, got {value!r}", element.pos)


def _call(run: Run, node: Node, element: Element) -> Value:
    assert node.item is not None and node.call is not None
    value, stop = read_node(run, node.item, element)
    return called(element.pos, node.call, value), stop


READERS.update(
    {
        Kind.ANY: read_any,
        Kind.NONE: read_stored,
        Kind.BOOL: read_stored,
        Kind.INT: read_int,
        Kind.INT64: _int64,
        Kind.FLOAT: _float,
        Kind.STR: read_stored,
        Kind.BYTES: _bytes,
        Kind.BINARY: _binary,
        Kind.OBJECTID: read_stored,
        Kind.DATETIME: _datetime,
        Kind.DATETIME_MS: _datetime_ms,
        Kind.UUID: _uuid,
        Kind.INSTANCE: _instance,
        Kind.DOCUMENT: _document,
        Kind.LIST: _list,
        Kind.TUPLE: _tuple,
        Kind.SET: _set,
        Kind.FROZENSET: _set,
        Kind.FIXED: _fixed,
        Kind.DICT: _dict,
        Kind.MODEL: read_model,
        Kind.TAGGED: _tagged,
        Kind.UNION: _union,
        Kind.LOOKUP: _lookup,
        Kind.CALL: _call,
    }
)
