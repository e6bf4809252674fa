"""What reading typed documents needs everywhere: the run, its elements, and moving over them.

A reader gets what is wanted (a node) and what is there (an element), and returns the value and
the position after it. It raises TypedDecodeError if the two do not fit, InvalidBSON if the bytes
are malformed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from bsonx._py.bounds import bad, bad_value, inner_end, is_known_type, unknown_type
from bsonx._py.decode import MAX_DEPTH, TOO_DEEP, Plan
from bsonx._py.decode_values import READERS as STORED_READERS
from bsonx._py.skip import value_end
from bsonx._typed.errors import USER_ERRORS, TypedDecodeError, wrap_error
from bsonx._typed.nodes import (
    ARRAY,
    BSON_NAMES,
    DOCUMENT,
    INT32,
    INT64,
    STRING,
    SYMBOL,
    Kind,
    Node,
    any_node,
)

_unpack_int = struct.Struct("<i").unpack_from
_unpack_long = struct.Struct("<q").unpack_from

# How many bytes may be read in vain, per byte of the document, while alternatives of unions are
# tried: nested unions could otherwise cost exponential time.
_RETRY_FACTOR = 16
_RETRY_FLOOR = 4096


class Run:
    """The decoding of one document."""

    __slots__ = ("data", "options", "retries")

    def __init__(self, data: bytes, options: Plan, size: int) -> None:
        self.data = data
        self.options = options
        self.retries = _RETRY_FACTOR * size + _RETRY_FLOOR


class Element(NamedTuple):
    """One element: its type, where it and its value begin, and what is around it."""

    code: int
    at: int
    pos: int
    end: int  # of the enclosing document, without its final NUL
    depth: int  # of the enclosing document
    name: str  # of the field, also for the items of an array


Value: TypeAlias = "tuple[Any, int]"
Reader: TypeAlias = "Callable[[Run, Node, Element], Value]"


# Filled in by the modules that have the readers.
READERS: dict[Kind, Reader] = {}


def read_node(run: Run, node: Node, element: Element) -> Value:
    if element.code not in node.codes and element.code not in node.widened:
        reason = f"expected {node.label}, got {BSON_NAMES[element.code]}"
        raise TypedDecodeError(reason, element.pos)
    return READERS[node.kind](run, node, element)


def skip(run: Run, element: Element) -> int:
    """Return the end of a value that is not wanted; its inside is not looked at."""
    return value_end(run.data, element.code, element.pos, element.end, element.at)


def enter(run: Run, element: Element) -> int:
    """Return the end of a document or array that is about to be read."""
    if element.depth >= MAX_DEPTH:
        what = "list value" if element.code == ARRAY else "BSON document"
        bad(TOO_DEEP.format(what), element.pos)
    return inner_end(run.data, element.pos, element.end)


def read_item(run: Run, pos: int, end: int, depth: int, name: str) -> Element:
    """Return the element at ``pos`` of the array in the field ``name``."""
    data = run.data
    nul = data.find(b"\0", pos + 1, end)
    if not is_known_type(data[pos]):
        unknown_type(data[pos], name, pos)
    if nul < 0:
        bad_value(pos + 1)
    return Element(data[pos], pos, nul + 1, end, depth, name)


def read_entry(run: Run, pos: int, end: int, depth: int) -> tuple[bytes, Element]:
    """Return the stored name and the element at ``pos`` of a document, not knowing its name."""
    nul = run.data.find(b"\0", pos + 1, end)
    if nul < 0:
        bad("field name too large", pos + 1)
    return run.data[pos + 1 : nul], Element(run.data[pos], pos, nul + 1, end, depth, "")


def named(element: Element, name: str) -> Element:
    """Return the element with its name; unknown types are reported with it."""
    if not is_known_type(element.code):
        unknown_type(element.code, name, element.at)
    return element._replace(name=name)


def pay_retry(run: Run, element: Element) -> None:
    """Pay for a value that is to be read again."""
    sized = element.code in (DOCUMENT, ARRAY)
    run.retries -= _unpack_int(run.data, element.pos)[0] if sized else 16
    if run.retries < 0:
        bad("too many alternatives to try", element.pos)


def called(pos: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call user code; its errors are about the document."""
    try:
        return function(*arguments)
    except USER_ERRORS as exc:
        raise wrap_error(exc, pos) from exc


# ---- elements of every kind ----


def read_any(run: Run, node: Node, element: Element) -> Value:
    """A value as the options make it."""
    read = run.options.readers[element.code]
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def read_stored(run: Run, node: Node, element: Element) -> Value:
    """A scalar as it is stored, whatever converters the options have."""
    read = STORED_READERS[element.code]
    return read(run.data, element.pos, element.end, run.options, element.depth, element.name)


def read_int(run: Run, node: Node, element: Element) -> Value:
    stop = element.pos + (4 if element.code == INT32 else 8)
    if stop > element.end:
        bad_value(element.pos)
    unpack = _unpack_int if element.code == INT32 else _unpack_long
    return unpack(run.data, element.pos)[0], stop


# ---- items of arrays ----


def read_items(run: Run, nodes: Callable[[int], Node], element: Element) -> tuple[list[Any], int]:
    """Read an array; ``nodes`` gives the node of each position."""
    stop = enter(run, element)
    pos = element.pos + 4
    items: list[Any] = []
    while pos < stop - 1:
        item = read_item(run, pos, stop - 1, element.depth + 1, element.name)
        node = nodes(len(items))
        try:
            value, pos = read_node(run, node, item)
        except TypedDecodeError as exc:
            exc._within(len(items))
            raise
        items.append(value)
    return items, stop


def read_positions(
    run: Run, nodes: tuple[Node, ...], label: str, element: Element
) -> tuple[list[Any], int]:
    def node_of(index: int) -> Node:
        if index == len(nodes):
            reason = f"expected {label}, got an array of length over {index}"
            raise TypedDecodeError(reason, element.pos)
        return nodes[index]

    return read_items(run, node_of, element)


# ---- tags ----

ANY = any_node()


def read_tag(run: Run, element: Element) -> Value:
    """Return a string or an int; None for what cannot be a tag."""
    if element.code in (STRING, SYMBOL):
        return read_stored(run, ANY, element)
    if element.code in (INT32, INT64):
        return read_int(run, ANY, element)
    return None, skip(run, element)
