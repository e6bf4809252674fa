"""The nodes that choose: unions, literals and enums."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import pathlib
import typing
import uuid
from typing import Any

from bsonx._typed import nodes as p
from bsonx._typed.hints import label_of
from bsonx._typed.nodes import Kind, Node, any_node
from bsonx._typed.scalars import scalar_node
from bsonx.datetime_ms import DatetimeMS
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId

__all__ = ["Chosen", "enum_node", "literal_node", "tagged_node", "union_node"]

# ---- unions ----


def union_node(items: list[Node]) -> Node:
    """Return the node of a union: the alternatives by element type, in their order."""
    flat = list(_flattened(items))
    if len(flat) == 1:
        return flat[0]
    table = {}
    for code in sorted(p.ALL_CODES):
        fitting = [n for n in flat if code in n.codes] or [n for n in flat if code in n.widened]
        if fitting:
            table[code] = _by_tag(fitting)
    label = " | ".join(dict.fromkeys(n.label for n in flat))
    codes = frozenset().union(*(n.codes for n in flat))
    widened = frozenset(table) - codes
    return Node(Kind.UNION, label, codes, widened=widened, items=tuple(flat), table=table)


def _flattened(items: list[Node]) -> typing.Iterator[Node]:
    for node in items:
        if node.kind is Kind.UNION and node.items:
            yield from _flattened(list(node.items))
        else:
            yield node


def _by_tag(fitting: list[Node]) -> tuple[Node, ...]:
    """Join tagged classes (those of msgspec) into one node that selects by the tag."""
    tagged = [n for n in fitting if n.model is not None and n.model.tag_field is not None]
    fields = {n.model.tag_field for n in tagged if n.model is not None}
    if len(tagged) < 2 or len(fields) != 1:
        return tuple(fitting)
    values = {n.model.tag: n for n in tagged if n.model is not None}
    (key,) = fields
    return (tagged_node(str(key), values), *(n for n in fitting if n not in tagged))


def tagged_node(key: str, values: dict[Any, Node]) -> Node:
    """Return the node of a document whose field ``key`` says which of ``values`` it is."""
    label = " | ".join(dict.fromkeys(n.label for n in values.values()))
    items = tuple(dict.fromkeys(values.values()))
    return Node(Kind.TAGGED, label, (p.DOCUMENT,), key=key, values=values, items=items)


# ---- literals and enums ----

# Types of values that are looked up; 1, 1.0 and True are equal keys but not equal values.
_LITERALS = (str, int, bool, bytes, float)
_MEMBERS = (
    *_LITERALS,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
    DatetimeMS,
    Decimal128,
    Int64,
    ObjectId,
)


def literal_node(arguments: tuple[Any, ...]) -> Node:
    """Return the node of a Literal; members of an Enum are found by their value."""
    label = f"Literal[{', '.join(map(repr, arguments))}]"
    pairs = [(arg.value if isinstance(arg, enum.Enum) else arg, arg) for arg in arguments]
    return union_node(_value_nodes(pairs, label, None))


def enum_node(cls: type[enum.Enum]) -> Node:
    """Return the node of an Enum, whose members are stored as their values."""
    pairs = [(member.value, member) for member in cls.__members__.values()]
    missing = getattr(cls._missing_, "__func__", None)
    custom = missing is not enum.Enum._missing_.__func__  # type: ignore[attr-defined]
    if not pairs:
        return Node(Kind.CALL, label_of(cls), p.ALL_CODES, item=any_node(), call=cls)
    call = cls if custom or issubclass(cls, enum.Flag) else None
    return union_node(_value_nodes(pairs, label_of(cls), call))


def _value_nodes(pairs: list[tuple[Any, Any]], label: str, call: Any) -> list[Node]:
    """Return nodes that give, for each of these values, what stands beside it.

    ``call`` is asked for a value that is none of them.
    """
    pairs = [(_comparable(value), result) for value, result in pairs]
    nodes = _lookup_nodes(pairs, label, call)
    for result in [result for value, result in pairs if value is None][:1]:
        none = _scalar(type(None))
        if result is not None:  # a member of an Enum
            find = functools.partial(_same, result)
            none = Node(Kind.CALL, label, none.codes, item=none, call=find)
        nodes.append(none)
    others = [pair for pair in pairs if pair[0] is not None and type(pair[0]) not in _MEMBERS]
    if others:
        chosen = Chosen(others, label, call)
        nodes.append(Node(Kind.CALL, label, p.ALL_CODES, item=any_node(), call=chosen))
    return nodes


def _comparable(value: Any) -> Any:
    """Return what a member is recognized by: it must not depend on the options of decoding."""
    if type(value) is datetime.datetime:
        return DatetimeMS(value)
    return str(value) if isinstance(value, pathlib.PurePath) else value


def _same(result: Any, _: Any) -> Any:
    return result


class Chosen:
    """Finds what is stored otherwise than as a scalar, tuples for instance, by comparing."""

    def __init__(self, pairs: list[tuple[Any, Any]], label: str, call: Any) -> None:
        self._pairs = [(_as_stored(value), result) for value, result in pairs]
        self._label = label
        self._call = call

    def __call__(self, value: Any) -> Any:
        for stored, result in self._pairs:
            if stored == value:
                return result
        if self._call is not None:
            return self._call(value)
        raise ValueError(f"{value!r} is not a valid {self._label}")


def _as_stored(value: Any) -> Any:
    return [*map(_as_stored, value)] if isinstance(value, list | tuple) else value


def _lookup_nodes(pairs: list[tuple[Any, Any]], label: str, call: Any) -> list[Node]:
    """Return one LOOKUP per type of value."""
    nodes = []
    for tp in _MEMBERS:
        values: dict[Any, Any] = {}
        for value, result in pairs:
            if type(value) is tp:
                values.setdefault(value, result)
        if values:
            nodes.append(_lookup_node(_scalar(tp), values, label, call))
    return nodes


def _lookup_node(item: Node, values: dict[Any, Any], label: str, call: Any) -> Node:
    return Node(
        Kind.LOOKUP,
        label,
        item.codes,
        widened=item.widened,
        item=item,
        values=values,
        call=call,
    )


def _scalar(tp: Any) -> Node:
    node = scalar_node(tp)
    assert node is not None
    return node
