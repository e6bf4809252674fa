"""The encode plans of all kinds of classes: found, or made at their first use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from bsonx._typed.encode_nodes import EncodeField, EncodePlan
from bsonx._typed.hints import (
    explicit_alias,
    field_keys,
    hints_of,
    name_in,
    name_of_metadata,
    strip_annotated,
)
from bsonx._typed.kinds import ClassKind, class_kind
from bsonx._typed.pydantic_encode import pydantic_plan

__all__ = ["EncodePlan", "encode_plan_for"]


_ATTRIBUTE = "__bsonx_encode__"


def encode_plan_for(cls: type) -> EncodePlan | None:
    """Return the plan of a class with fields, from the cache if it can be; else None."""
    plan = cls.__dict__.get(_ATTRIBUTE)
    if type(plan) is EncodePlan and plan.cls is cls:
        return plan
    plan = _build(cls)
    if plan is not None:
        try:
            setattr(cls, _ATTRIBUTE, plan)
        except (AttributeError, TypeError):  # an immutable class gets a new plan each time
            pass
    return plan


def _build(cls: Any) -> EncodePlan | None:
    kind = class_kind(cls)
    make = None if kind is None else _MAKERS.get(kind)
    return None if make is None else make(cls)


def _named(name: str, explicit: str | None, names: Any, hints: dict[str, Any]) -> EncodeField:
    if explicit is None and name in hints:
        explicit = name_in(strip_annotated(hints[name])[1])
    key, weak = field_keys(name, explicit, names)
    return EncodeField(name, key, weak or key)


def _namedtuple_plan(cls: Any) -> EncodePlan:
    hints = hints_of(cls)
    return EncodePlan(cls, [_named(name, None, cls._fields, hints) for name in cls._fields])


def _dataclass_plan(cls: Any) -> EncodePlan:
    import dataclasses

    hints = hints_of(cls)
    fields = dataclasses.fields(cls)
    names = {f.name for f in fields}
    return EncodePlan(
        cls, [_named(f.name, name_of_metadata(f.metadata), names, hints) for f in fields]
    )


def _attrs_plan(cls: Any) -> EncodePlan:
    hints = hints_of(cls)
    names = {a.name for a in cls.__attrs_attrs__}
    fields = []
    for a in cls.__attrs_attrs__:
        explicit = name_of_metadata(a.metadata)
        if explicit is None and name_in(strip_annotated(hints.get(a.name))[1]) is None:
            explicit = explicit_alias(a)
        fields.append(_named(a.name, explicit, names, hints))
    return EncodePlan(cls, fields)


def _msgspec_plan(cls: Any) -> EncodePlan:
    hints = hints_of(cls)
    config = cls.__struct_config__
    names = cls.__struct_fields__
    fields = []
    for name, stored in zip(names, cls.__struct_encode_fields__, strict=True):
        fields.append(_named(name, stored if stored != name else None, names, hints))
    if config.omit_defaults:
        for field, info in zip(fields, sys.modules["msgspec"].structs.fields(cls), strict=True):
            if info.default is not sys.modules["msgspec"].NODEFAULT:
                field.default = info.default
            elif info.default_factory in (list, dict, set, frozenset, bytearray):
                field.empty = info.default_factory
    plan = EncodePlan(cls, fields)
    plan.unset = sys.modules["msgspec"].UNSET
    if config.tag_field is not None:
        plan.set_tag(config.tag_field, config.tag)
    return plan


# ---- all kinds ----

# An instance of a TypedDict is a dict.
_MAKERS: dict[ClassKind, Callable[[Any], EncodePlan]] = {
    ClassKind.PYDANTIC: pydantic_plan,
    ClassKind.MSGSPEC: _msgspec_plan,
    ClassKind.ATTRS: _attrs_plan,
    ClassKind.DATACLASS: _dataclass_plan,
    ClassKind.NAMEDTUPLE: _namedtuple_plan,
}
