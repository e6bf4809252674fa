"""Executes decode plans: from BSON to instances of the user's types, in pure Python.

A reader gets what is wanted (a node) and what is there (an element), and returns the value and
the position after it. It raises TypedDecodeError if the two do not fit, InvalidBSON if the bytes
are malformed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from bsonx._py.bounds import bad, bad_value, inner_end, is_known_type, unknown_type
from bsonx._py.decode import MAX_DEPTH, TOO_DEEP, Plan, decode_top, refuse_depth
from bsonx._py.decode_values import READERS, read_datetime, read_datetime_clamp, read_datetime_ms
from bsonx._py.skip import value_end
from bsonx._typed.errors import USER_ERRORS, TypedDecodeError, wrap_error
from bsonx._typed.plan import (
    ABSENT,
    ARRAY,
    BSON_NAMES,
    DOCUMENT,
    INT32,
    MISSING,
    Build,
    Kind,
    ModelPlan,
    Node,
    TypePlan,
    Unknown,
)
from bsonx.binary import OLD_UUID_SUBTYPE, UUID_SUBTYPE, Binary, UuidRepresentation
from bsonx.codec_options import DatetimeConversion
from bsonx.int64 import Int64

__all__ = ["decode_typed", "read_typed_array", "read_typed_document"]

_unpack_int = struct.Struct("<i").unpack_from
_unpack_long = struct.Struct("<q").unpack_from

# How many bytes may be read in vain, per byte of the document, while alternatives of unions are
# tried: nested unions could otherwise cost exponential time.
_RETRY_FACTOR = 16
_RETRY_FLOOR = 4096


class _Run:
    """The decoding of one document."""

    __slots__ = ("data", "options", "retries")

    def __init__(self, data: bytes, options: Plan, size: int) -> None:
        self.data = data
        self.options = options
        self.retries = _RETRY_FACTOR * size + _RETRY_FLOOR


class _Element(NamedTuple):
    """One element: its type, where it and its value begin, and what is around it."""

    code: int
    at: int
    pos: int
    end: int  # of the enclosing document, without its final NUL
    depth: int  # of the enclosing document
    name: str  # of the field, also for the items of an array


_Value: TypeAlias = "tuple[Any, int]"
_Reader: TypeAlias = "Callable[[_Run, Node, _Element], _Value]"


def decode_typed(data: bytes, start: int, end: int, options: Plan, plan: TypePlan) -> Any:
    """Return the document between ``start`` and ``end`` (bounds already checked)."""
    run = _Run(data, options, end - start)
    try:
        return _read(run, plan.node, _Element(DOCUMENT, start, start, end, 0, ""))[0]
    except RecursionError as exc:
        refuse_depth(exc, start)


def read_typed_document(
    data: bytes, pos: int, end: int, options: Plan, depth: int, name: str
) -> _Value:
    """Read a document inside a reply that is one of the user's."""
    assert options.typed is not None
    stop = inner_end(data, pos, end)
    return decode_typed(data, pos, stop, options, options.typed), stop


def read_typed_array(
    data: bytes, pos: int, end: int, options: Plan, depth: int, name: str
) -> _Value:
    """Read an array inside a reply whose documents are the user's."""
    run = _Run(data, options, 0)
    items, stop = [], inner_end(data, pos, end)
    pos += 4
    while pos < stop - 1:
        element = _item(run, pos, stop - 1, depth + 1, name)
        if element.code == DOCUMENT:
            value, pos = read_typed_document(data, element.pos, stop - 1, options, depth, name)
        else:
            value, pos = _any(run, _ANY, element)
        items.append(value)
    return items, stop


def _read(run: _Run, node: Node, element: _Element) -> _Value:
    if element.code not in node.codes and element.code not in node.widened:
        reason = f"expected {node.label}, got {BSON_NAMES[element.code]}"
        raise TypedDecodeError(reason, element.pos)
    return _READERS[node.kind](run, node, element)


def _skip(run: _Run, element: _Element) -> int:
    """Return the end of a value that is not wanted; its inside is not looked at."""
    return value_end(run.data, element.code, element.pos, element.end, element.at)


def _enter(run: _Run, element: _Element) -> int:
    """Return the end of a document or array that is about to be read."""
    if element.depth >= MAX_DEPTH:
        what = "list value" if element.code == ARRAY else "BSON document"
        bad(TOO_DEEP.format(what), element.pos)
    return inner_end(run.data, element.pos, element.end)


def _item(run: _Run, pos: int, end: int, depth: int, name: str) -> _Element:
    """Return the element at ``pos`` of the array in the field ``name``."""
    data = run.data
    nul = data.find(b"\0", pos + 1, end)
    if not is_known_type(data[pos]):
        unknown_type(data[pos], name, pos)
    if nul < 0:
        bad_value(pos + 1)
    return _Element(data[pos], pos, nul + 1, end, depth, name)


def _entry(run: _Run, pos: int, end: int, depth: int) -> tuple[bytes, _Element]:
    """Return the stored name and the element at ``pos`` of a document, not knowing its name."""
    nul = run.data.find(b"\0", pos + 1, end)
    if nul < 0:
        bad("field name too large", pos + 1)
    return run.data[pos + 1 : nul], _Element(run.data[pos], pos, nul + 1, end, depth, "")


def _named(element: _Element, name: str) -> _Element:
    """Return the element with its name; unknown types are reported with it."""
    if not is_known_type(element.code):
        unknown_type(element.code, name, element.at)
    return element._replace(name=name)


# ---- scalars ----


def _any(run: _Run, node: Node, element: _Element) -> _Value:
    """A value as the options make it."""
    read = run.options.readers[element.code]
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def _stored(run: _Run, node: Node, element: _Element) -> _Value:
    """A scalar as it is stored, whatever converters the options have."""
    read = READERS[element.code]
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def _int(run: _Run, node: Node, element: _Element) -> _Value:
    stop = element.pos + (4 if element.code == INT32 else 8)
    if stop > element.end:
        bad_value(element.pos)
    unpack = _unpack_int if element.code == INT32 else _unpack_long
    return unpack(run.data, element.pos)[0], stop


def _int64(run: _Run, node: Node, element: _Element) -> _Value:
    value, stop = _int(run, node, element)
    return Int64(value), stop


def _float(run: _Run, node: Node, element: _Element) -> _Value:
    value, stop = _stored(run, node, element)
    return float(value), stop


def _binary(run: _Run, node: Node, element: _Element) -> _Value:
    value, stop = _stored(run, node, element)
    return (value if type(value) is Binary else Binary(value)), stop


def _bytes(run: _Run, node: Node, element: _Element) -> _Value:
    value, stop = _binary(run, node, element)
    if value.subtype:
        reason = f"expected {node.label}, got binData of subtype {value.subtype}"
        raise TypedDecodeError(reason, element.pos)
    return bytes(value), stop


def _uuid(run: _Run, node: Node, element: _Element) -> _Value:
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


def _datetime(run: _Run, node: Node, element: _Element) -> _Value:
    conversion = run.options.options.datetime_conversion
    clamp = conversion == DatetimeConversion.DATETIME_CLAMP
    read = read_datetime_clamp if clamp else read_datetime
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def _datetime_ms(run: _Run, node: Node, element: _Element) -> _Value:
    return read_datetime_ms(
        run.data, element.pos, element.end, run.options, element.depth, element.name
    )


def _instance(run: _Run, node: Node, element: _Element) -> _Value:
    value, stop = _any(run, node, element)
    if not isinstance(value, node.cls):
        reason = f"expected {node.label}, got {type(value).__name__}"
        raise TypedDecodeError(reason, element.pos)
    return value, stop


def _document(run: _Run, node: Node, element: _Element) -> _Value:
    stop = _enter(run, element)
    inner = run.options.options.with_options(document_class=node.cls)
    return decode_top(run.data, element.pos, stop, Plan(inner)), stop


# ---- containers ----


def _items(run: _Run, nodes: Callable[[int], Node], element: _Element) -> tuple[list[Any], int]:
    """Read an array; ``nodes`` gives the node of each position."""
    stop = _enter(run, element)
    pos = element.pos + 4
    items: list[Any] = []
    while pos < stop - 1:
        item = _item(run, pos, stop - 1, element.depth + 1, element.name)
        node = nodes(len(items))
        try:
            value, pos = _read(run, node, item)
        except TypedDecodeError as exc:
            exc._within(len(items))
            raise
        items.append(value)
    return items, stop


def _list(run: _Run, node: Node, element: _Element) -> _Value:
    item = node.item
    assert item is not None
    return _items(run, lambda index: item, element)


def _tuple(run: _Run, node: Node, element: _Element) -> _Value:
    items, stop = _list(run, node, element)
    return tuple(items), stop


def _set(run: _Run, node: Node, element: _Element) -> _Value:
    items, stop = _list(run, node, element)
    make = set if node.kind is Kind.SET else frozenset
    return _called(element.pos, make, items), stop


def _fixed(run: _Run, node: Node, element: _Element) -> _Value:
    items, stop = _by_position(run, node.items, node.label, element)
    if len(items) < len(node.items):
        reason = f"expected {node.label}, got an array of length {len(items)}"
        raise TypedDecodeError(reason, element.pos)
    return tuple(items), stop


def _by_position(
    run: _Run, nodes: tuple[Node, ...], label: str, element: _Element
) -> tuple[list[Any], int]:
    def node_of(index: int) -> Node:
        if index == len(nodes):
            reason = f"expected {label}, got an array of length over {index}"
            raise TypedDecodeError(reason, element.pos)
        return nodes[index]

    return _items(run, node_of, element)


def _dict(run: _Run, node: Node, element: _Element) -> _Value:
    assert node.item is not None
    stop = _enter(run, element)
    pos = element.pos + 4
    found: dict[str, Any] = {}
    while pos < stop - 1:
        raw, item = _entry(run, pos, stop - 1, element.depth + 1)
        item = _named(item, run.options.key(raw, pos + 1))
        try:
            found[item.name], pos = _read(run, node.item, item)
        except TypedDecodeError as exc:
            exc._within(item.name)
            raise
    return found, stop


# ---- models ----


def _model(run: _Run, node: Node, element: _Element) -> _Value:
    model = node.model
    assert model is not None
    if element.code == ARRAY:
        return _model_of_array(run, model, element)
    if model.fallback is None:
        return _fields(run, model, element)
    if model.build is not Build.VALIDATED:
        try:
            return _fields(run, model, element)
        except TypedDecodeError:
            _pay_retry(run, element)
    return _read(run, model.fallback, element)


def _model_of_array(run: _Run, model: ModelPlan, element: _Element) -> _Value:
    """A named tuple, stored by position as it is encoded inside a document."""
    nodes = tuple(field.node for field in model.fields)
    items, stop = _by_position(run, nodes, model.label, element)
    names = [field.name for field in model.fields]
    values = dict(zip(names, items, strict=False))
    return _finish(model, values, {}, element.pos), stop


def _fields(run: _Run, model: ModelPlan, element: _Element) -> _Value:
    stop = _enter(run, element)
    pos = element.pos + 4
    values: dict[str, Any] = {}
    # A dict keeps the order of the document; instances have their unknown fields apart.
    extra: dict[str, Any] = values if model.build is Build.DICT else {}
    known = model.by_key()
    while pos < stop - 1:
        raw, item = _entry(run, pos, stop - 1, element.depth + 1)
        field, weak = known.get(raw, (None, False))
        if field is None:
            pos = _unknown(run, model, extra, raw, item)
            continue
        item = _named(item, field.key)
        if weak and field.name in values:
            pos = _skip(run, item)
            continue
        try:
            values[field.name], pos = _read(run, field.node, item)
        except TypedDecodeError as exc:
            exc._within(field.key)
            raise
    return _finish(model, values, extra, element.pos), stop


def _unknown(
    run: _Run, model: ModelPlan, extra: dict[str, Any], raw: bytes, element: _Element
) -> int:
    """Deal with an element that no field of the model takes; return its end.

    Its name is read as text only where it is wanted.
    """
    if model.tag_field is not None and raw == model.tag_field.encode():
        return _check_tag(run, model, _named(element, model.tag_field))
    if model.unknown is Unknown.KEEP:
        element = _named(element, run.options.key(raw, element.at + 1))
        extra[element.name], stop = _any(run, _ANY, element)
        return stop
    element = _named(element, raw.decode("utf-8", "replace"))
    stop = _skip(run, element)
    if model.unknown is Unknown.FORBID:
        raise TypedDecodeError(f"{model.label} has no field {element.name!r}", element.at)
    return stop


def _check_tag(run: _Run, model: ModelPlan, element: _Element) -> int:
    tag, stop = _tag_value(run, element)
    if type(tag) is not type(model.tag) or tag != model.tag:
        error = TypedDecodeError(f"expected the tag {model.tag!r}", element.pos)
        error._within(element.name)
        raise error
    return stop


def _tag_value(run: _Run, element: _Element) -> _Value:
    """Return a string or an int; None for what cannot be a tag."""
    if element.code in _STRINGS:
        return _stored(run, _ANY, element)
    if element.code in _INTEGERS:
        return _int(run, _ANY, element)
    return None, _skip(run, element)


def _finish(model: ModelPlan, values: dict[str, Any], extra: dict[str, Any], pos: int) -> Any:
    """Add the defaults and make the instance."""
    provided = set(values)
    for field in model.fields:
        if field.name in values:
            continue
        if field.factory is not None:
            values[field.name] = _called(pos, field.factory)
        elif field.default is MISSING:
            raise TypedDecodeError(f"{model.label} needs the field {field.key!r}", pos)
        elif field.default is not ABSENT:
            values[field.name] = field.default
    if model.build is Build.DICT:
        return values
    if model.build in (Build.CALL, Build.STRUCT):
        return _called(pos, lambda: model.cls(**values))
    if model.build is Build.TUPLE:
        return tuple.__new__(model.cls, [values[field.name] for field in model.fields])
    instance = model.cls.__new__(model.cls)
    for field in model.fields:
        if field.name in values:
            object.__setattr__(instance, field.name, values[field.name])
    if model.build is Build.PYDANTIC:
        kept = extra if model.unknown is Unknown.KEEP else None
        object.__setattr__(instance, "__pydantic_fields_set__", provided | set(kept or ()))
        object.__setattr__(instance, "__pydantic_extra__", kept)
        object.__setattr__(instance, "__pydantic_private__", None)
    if model.post_init is not None:
        arguments = (None,) if model.post_init_argument else ()
        _called(pos, getattr(instance, model.post_init), *arguments)
    return instance


def _called(pos: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call user code; its errors are about the document."""
    try:
        return function(*arguments)
    except USER_ERRORS as exc:
        raise wrap_error(exc, pos) from exc


# ---- choices ----


def _tagged(run: _Run, node: Node, element: _Element) -> _Value:
    assert node.key is not None and node.values is not None
    found = _find_element(run, node.key, element)
    if found is None:
        reason = f"expected {node.label}: no field {node.key!r}"
        raise TypedDecodeError(reason, element.pos)
    tag, _ = _tag_value(run, found)
    chosen = node.values.get(tag)
    if chosen is None:
        error = TypedDecodeError(f"expected {node.label}: unknown tag {tag!r}", found.pos)
        error._within(node.key)
        raise error
    return _read(run, chosen, element)


def _find_element(run: _Run, name: str, element: _Element) -> _Element | None:
    """Return the first element of a document with this name."""
    stop = _enter(run, element)
    pos = element.pos + 4
    while pos < stop - 1:
        raw, item = _entry(run, pos, stop - 1, element.depth + 1)
        item = _named(item, raw.decode("utf-8", "replace"))
        if raw == name.encode():
            return item
        pos = _skip(run, item)
    return None


def _union(run: _Run, node: Node, element: _Element) -> _Value:
    assert node.table is not None
    fitting = node.table.get(element.code, ())
    if not fitting:
        assert node.item is not None  # else the type would not be among the node's
        return _read(run, node.item, element)
    if len(fitting) == 1:
        return _read(run, fitting[0], element)
    for alternative in fitting:
        try:
            return _read(run, alternative, element)
        except TypedDecodeError as exc:
            cause = exc
            _pay_retry(run, element)
    raise TypedDecodeError(f"fits no alternative of {node.label}", element.pos) from cause


def _pay_retry(run: _Run, element: _Element) -> None:
    """Pay for a value that is to be read again."""
    sized = element.code in (DOCUMENT, ARRAY)
    run.retries -= _unpack_int(run.data, element.pos)[0] if sized else 16
    if run.retries < 0:
        bad("too many alternatives to try", element.pos)


def _lookup(run: _Run, node: Node, element: _Element) -> _Value:
    assert node.item is not None and node.values is not None
    value, stop = _read(run, node.item, element)
    found = node.values.get(value, MISSING)
    if found is not MISSING:
        return found, stop
    if node.call is not None:
        return _called(element.pos, node.call, value), stop
    raise TypedDecodeError(f"expected {node.label}, got {value!r}", element.pos)


def _call(run: _Run, node: Node, element: _Element) -> _Value:
    assert node.item is not None and node.call is not None
    value, stop = _read(run, node.item, element)
    return _called(element.pos, node.call, value), stop


_READERS: dict[Kind, _Reader] = {
    Kind.ANY: _any,
    Kind.NONE: _stored,
    Kind.BOOL: _stored,
    Kind.INT: _int,
    Kind.INT64: _int64,
    Kind.FLOAT: _float,
    Kind.STR: _stored,
    Kind.BYTES: _bytes,
    Kind.BINARY: _binary,
    Kind.OBJECTID: _stored,
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
    Kind.MODEL: _model,
    Kind.TAGGED: _tagged,
    Kind.UNION: _union,
    Kind.LOOKUP: _lookup,
    Kind.CALL: _call,
}

_STRINGS = (0x02, 0x0E)
_INTEGERS = (0x10, 0x12)
_ANY = Node(Kind.ANY, "any value", (), widened=BSON_NAMES)
