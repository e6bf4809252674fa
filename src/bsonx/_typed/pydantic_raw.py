"""What pydantic gets to validate: a dict in which BSON's values have a form that it understands.

For each value the types declared are tried, as for every other class; what fits none of them is
handed over as it is, so that pydantic's coercions and errors apply. Binary data are an exception:
pydantic would take those of any subtype for a UUID or for bytes.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable
from typing import Any

from bsonx._typed import nodes as p
from bsonx._typed.choices import Chosen
from bsonx._typed.hints import late_names, pydantic_fields
from bsonx._typed.kinds import ClassKind, class_kind
from bsonx._typed.nodes import ABSENT, Field, Kind, ModelPlan, Node, Unknown, any_node
from bsonx._typed.scalars import to_decimal

__all__ = ["raw_model", "raw_node"]

_Known = dict[Any, Node]


def raw_node(nodes: list[Node], known: _Known, sees_stored: bool = False) -> Node:
    """Return a node that takes anything, and converts what pydantic would not understand.

    ``nodes`` are the alternatives declared; ``known`` the models on the way, which may be
    recursive; ``sees_stored`` says that a validator wants what no type fits.
    """
    flat = [inner for node in nodes for inner in _alternatives(node)]
    table: dict[int, tuple[Node, ...]] = {}
    for code in sorted(p.ALL_CODES):
        choices = _choices(code, flat, known, sees_stored)
        if choices:
            table[code] = tuple(choices)
    if not table:
        return any_node()
    items = tuple(n for alternatives in table.values() for n in alternatives)
    return Node(
        Kind.UNION, "any value", (), widened=p.ALL_CODES, table=table, item=any_node(), items=items
    )


def _alternatives(node: Node) -> Iterable[Node]:
    if node.kind in (Kind.UNION, Kind.TAGGED):
        for inner in node.items:
            yield from _alternatives(inner)
    elif _is_converted(node) or node.item is None:
        yield node
    elif node.kind in (Kind.CALL, Kind.LOOKUP):
        yield from _alternatives(node.item)
    else:
        yield node


def _is_converted(node: Node) -> bool:
    """Whether pydantic gets the result of a node, not what it is made of."""
    if node.kind is Kind.LOOKUP:  # an Enum is for pydantic to make; a member in a Literal is not
        members = any(isinstance(value, enum.Enum) for value in (node.values or {}).values())
        return members and node.label.startswith("Literal[")
    if isinstance(node.call, Chosen):  # pydantic would not find a tuple by an array
        return True
    return node.kind is Kind.CALL and node.label in ("Decimal", "Pattern", "date", "timedelta")


def _choices(code: int, flat: list[Node], known: _Known, sees_stored: bool) -> list[Node]:
    """Return what to try for one element type, in this order; nothing if it is for pydantic."""
    fitting = [n for n in flat if code in n.codes]
    if code == p.BINARY:
        return _binary(fitting, flat, sees_stored)
    members = [n for n in fitting if _is_choice(n)]
    fitting = [n for n in fitting if not _is_choice(n)]
    if code == p.DOCUMENT:
        return members + (_documents(fitting, known, sees_stored) or (members and [any_node()]))
    if code == p.ARRAY:
        return members + (_array(fitting, known) or (members and [any_node()]))
    choices = members + _scalar(code, fitting, [n for n in flat if code in n.widened])
    return [*choices, any_node()] if choices and choices[-1].label != _MOMENT else choices


def _is_choice(node: Node) -> bool:
    return node.kind is Kind.LOOKUP or isinstance(node.call, Chosen)


# ---- scalars ----

# Declared types that agree about the form of an element type.
_CONVERSIONS: dict[int, set[str]] = {
    p.INT32: {"Int64", "float", "int", "timedelta"},
    p.INT64: {"Int64", "float", "int", "timedelta"},
    p.DECIMAL128: {"Decimal"},
    p.REGEX: {"Pattern"},
    p.DATETIME: {"date", "datetime"},
}

_MOMENT = "moment"


def _scalar(code: int, fitting: list[Node], widened: list[Node]) -> list[Node]:
    labels = {n.label for n in (*fitting, *widened)}
    if code == p.DATETIME:
        return _datetime(labels, fitting)
    if not labels or not labels <= _CONVERSIONS.get(code, set()):
        return []
    first = (fitting or widened)[0]
    if code == p.DECIMAL128:  # whether it must be finite is for pydantic to say
        return [Node(Kind.CALL, first.label, first.codes, item=first.item, call=to_decimal)]
    return [first] if first.label != "float" else []


def _datetime(labels: set[str], fitting: list[Node]) -> list[Node]:
    if labels == {"DatetimeMS"}:
        return fitting[:1]
    if not labels or not labels <= _CONVERSIONS[p.DATETIME]:
        return []
    if "datetime" in labels:
        return [Node(Kind.DATETIME, _MOMENT, (p.DATETIME,))]
    # A date is midnight UTC, whatever zone the options name.
    millis = Node(Kind.DATETIME_MS, "DatetimeMS", (p.DATETIME,))
    moment = Node(Kind.CALL, _MOMENT, (p.DATETIME,), item=millis, call=_utc)
    return [fitting[0], moment]


def _utc(moment: Any) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=int(moment))


def _binary(fitting: list[Node], flat: list[Node], sees_stored: bool) -> list[Node]:
    """Return the nodes for binary data, of which the subtype is part of the value."""
    others = any(p.BINARY in n.widened for n in flat)
    if not fitting:
        if others or sees_stored or not flat:
            return []
        label = " | ".join(dict.fromkeys(n.label for n in flat))
        return [Node(Kind.BYTES, label, (p.BINARY,))]  # coerced by pydantic, if it can be
    if all(n.kind is Kind.BINARY for n in fitting):
        return fitting[:1]
    return [*fitting, any_node()] if others or sees_stored else fitting


# ---- containers ----


def _array(fitting: list[Node], known: _Known) -> list[Node]:
    inner: list[Node] = []
    for node in fitting:
        positions = _positions(node)
        if positions is not None:
            inner.extend(positions)
        elif node.kind in (Kind.LIST, Kind.TUPLE, Kind.SET, Kind.FROZENSET) and node.item:
            inner.append(node.item)
        else:
            return []
    item = raw_node(inner, known) if inner else any_node()
    if item.kind is Kind.ANY:
        return []
    found = Node(Kind.LIST, "list", (p.ARRAY,), item=item)
    positions = _positions(fitting[0]) if len(fitting) == 1 else None
    if positions is None:
        return [found]
    raw = tuple(raw_node([node], known) for node in positions)
    return [Node(Kind.FIXED, fitting[0].label, (p.ARRAY,), items=raw), found]


def _positions(node: Node) -> tuple[Node, ...] | None:
    """Return the nodes of an array by position, if it is a tuple that has them."""
    if node.kind is Kind.FIXED:
        return node.items
    if node.kind is Kind.MODEL and node.model is not None:
        return tuple(field.node for field in node.model.fields)
    return None


def _documents(fitting: list[Node], known: _Known, sees_stored: bool) -> list[Node]:
    if fitting and all(n.kind is Kind.DICT for n in fitting):
        item = raw_node([n.item for n in fitting if n.item is not None], known)
        return [] if item.kind is Kind.ANY else [Node(Kind.DICT, "dict", (p.DOCUMENT,), item=item)]
    instances: list[Node] = []
    models: list[ModelPlan] = []
    for node in fitting:
        if node.kind not in (Kind.MODEL, Kind.DOCUMENT, Kind.INSTANCE):
            return []
        if not models and (node.model is None or _is_handed_over(node.model)):
            instances.append(node)  # while there is no dict, which fits everything
        if node.model is not None and not _is_foreign(node.model.cls):
            models.append(node.model)
    if models:
        key = tuple(dict.fromkeys(model.cls for model in models))
        return [*instances, known.get(key) or raw_model(models, known)]
    only_models = all(node.kind is Kind.MODEL for node in instances)
    return instances if only_models and not sees_stored else [*instances, any_node()]


def _is_handed_over(model: ModelPlan) -> bool:
    """Whether pydantic gets instances of a class, because it could not make them of a dict."""
    if _is_foreign(model.cls):
        return True
    return dataclasses.is_dataclass(model.cls) and bool(late_names(model.cls))


def _is_foreign(cls: Any) -> bool:
    """Whether pydantic does not know this kind of class."""
    foreign = class_kind(cls) in (ClassKind.ATTRS, ClassKind.MSGSPEC)
    return foreign and not hasattr(cls, "__get_pydantic_core_schema__")


def raw_model(models: list[ModelPlan], known: _Known, *, late: bool = False) -> Node:
    """Return the node of a dict whose fields are those of all the models.

    ``late``: also with those that are no arguments, which pydantic must not get to see.
    """
    raw = ModelPlan(dict, models[0].label)
    raw.unknown = Unknown.KEEP
    node = Node(Kind.MODEL, raw.label, (p.DOCUMENT,), model=raw)
    if not late:
        known[tuple(dict.fromkeys(model.cls for model in models))] = node
    found: dict[str, list[tuple[Field, ModelPlan]]] = {}
    for model in models:
        for field in model.fields:
            if field.late and not late:
                continue
            found.setdefault(field.key, []).append((field, model))
    for key, pairs in found.items():
        raw.fields.append(_raw_field(key, pairs, known))
    raw.rest = raw_node([model.rest for model in models], known)
    return node


def _raw_field(key: str, pairs: list[tuple[Field, ModelPlan]], known: _Known) -> Field:
    field, model = pairs[0]
    if field.late:  # taken out of the dict again before pydantic gets it
        return Field(f"\0{field.name}", key, field.node, weak_key=field.weak_key, default=ABSENT)
    name = key if _has_alias(model.cls, field.name) else field.name
    item = raw_node([f.node for f, _ in pairs], known, any(f.sees_stored for f, _ in pairs))
    return Field(name, key, item, weak_key=field.weak_key, default=ABSENT)


def _has_alias(cls: Any, name: str) -> bool:
    info = pydantic_fields(cls).get(name)
    return info is not None and (info.validation_alias or info.alias) is not None
