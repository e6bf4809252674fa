"""The plans of the types that documents are decoded to: found, or made at their first use."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeVar, get_args, get_origin

from bsonx._bounded import forget_oldest
from bsonx._markers import Markers as _Markers
from bsonx._typed.kinds import ClassKind, class_kind
from bsonx._typed.nodes import DOCUMENT, Kind, Node, TypePlan

__all__ = ["is_document_type", "plan_for", "typed_plan"]


# A class keeps its plan itself, so that both can go together; a weak dictionary would keep the
# class alive through the plan.
_ATTRIBUTE = "__bsonx_plan__"
_ALIAS_LIMIT = 256
_aliases: dict[Any, TypePlan] = {}


def plan_for(type_: Any) -> TypePlan:
    """Return the plan of a document type, from the cache if it can be.

    TypeError for what documents cannot be decoded to, naming the field that is the reason.
    """
    if isinstance(type_, type):
        plan = type_.__dict__.get(_ATTRIBUTE)
        if type(plan) is TypePlan and plan.type is type_:
            return plan
        plan = _build(type_)
        try:
            setattr(type_, _ATTRIBUTE, plan)
        except (AttributeError, TypeError):  # an immutable class gets a new plan each time
            pass
        return plan
    return _alias_plan(type_)


def _alias_plan(type_: Any) -> TypePlan:
    """Return the plan of a type that is no class: a union, a parametrised generic, ..."""
    try:
        plan = _aliases.get(type_)
    except TypeError:
        raise TypeError(f"cannot decode documents to {type_!r}") from None
    if plan is None:
        plan = _aliases[type_] = _build(type_)
        while len(_aliases) > _ALIAS_LIMIT:
            forget_oldest(_aliases)
    return plan


def _build(type_: Any) -> TypePlan:
    from bsonx._typed.readers import builder  # only programs with such types pay for it

    node = builder().top(type_)
    if not _reads_documents(node):
        raise TypeError(f"cannot decode documents to {type_!r}")
    return TypePlan(type_, node)


def _reads_documents(node: Node) -> bool:
    if node.kind in (Kind.ANY, Kind.INSTANCE, Kind.DOCUMENT):
        return False
    if node.kind is Kind.CALL and node.item is not None:
        return _reads_documents(node.item)
    if node.kind is Kind.UNION:
        inner = [n for n in node.items if DOCUMENT in n.codes]
        return bool(inner) and all(map(_reads_documents, inner))
    return DOCUMENT in node.codes


def typed_plan(document_class: Any) -> TypePlan | None:
    """Return the plan behind a ``document_class``; None for mapping classes, which are filled.

    ``dict[str, Any]`` is dict, as in PyMongo; with another value type it is a type to decode to.
    TypeError for what is neither.
    """
    origin = get_origin(document_class) or document_class
    if isinstance(origin, type) and issubclass(origin, MutableMapping):
        if class_kind(origin) is ClassKind.TYPEDDICT:
            return plan_for(document_class)
        values = get_args(document_class)[1:]
        if not values or values[0] in (Any, object) or isinstance(values[0], TypeVar):
            return None
    if getattr(origin, "_type_marker", None) == _Markers.RAW_DOCUMENT:
        return None
    return plan_for(document_class)


def is_document_type(candidate: Any) -> bool:
    """Whether it is a class with fields, or a combination of types that may hold such."""
    if isinstance(candidate, type) and get_origin(candidate) is None:
        return class_kind(candidate) is not None
    return get_origin(candidate) is not None or hasattr(candidate, "__value__")
