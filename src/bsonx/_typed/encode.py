"""Encode plans: which attributes of an instance are stored, and under which names.

The values themselves are encoded by what they are at run time; only the names, their order and
what is left out come from the class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from bsonx._typed.hints import (
    explicit_alias,
    field_keys,
    hints_of,
    name_in,
    name_of_metadata,
    strip_annotated,
)
from bsonx._typed.kinds import ClassKind, class_kind
from bsonx._typed.nodes import MISSING

__all__ = ["EncodeField", "EncodePlan", "Source", "encode_plan_for"]


class Source:
    """Where the value of a field comes from; ``csrc/typed/encode_plan.h`` has the same numbers."""

    ATTRIBUTE = 0
    CONSTANT = 1
    DUMP = 2  # what ``dump_some`` made of it
    EXTRA = 3  # no field: all elements of a dict in the attribute


class EncodeField:
    """One attribute and its name in documents, at the top and inside other documents.

    A value that is ``default``, or is empty and exactly of type ``empty``, is left out.
    ``constant``: the value of a CONSTANT, the key of a DUMP in what ``dump_some`` returns.
    """

    __slots__ = ("constant", "default", "empty", "key", "name", "nested_key", "source")

    def __init__(
        self, name: str, key: str, nested_key: str, source: int = Source.ATTRIBUTE
    ) -> None:
        self.name = name
        self.key = key
        self.nested_key = nested_key
        self.source = source
        self.constant: Any = None
        self.default: Any = MISSING
        self.empty: Any = None


class EncodePlan:
    """How the instances of one class are stored.

    ``unset``: a value that stands for no value. ``dump``: a function from the instance, and whether
    it is the whole document, to what is stored instead. ``dump_some``: a function from the instance
    to a dict of the fields that come from it. ``may_be_marked``: an instance may have a
    ``_type_marker`` though its class has none.
    """

    __slots__ = (
        "cls",
        "compiled",
        "dump",
        "dump_some",
        "fields",
        "may_be_marked",
        "nested_fields",
        "unset",
    )

    def __init__(self, cls: Any, fields: list[EncodeField]) -> None:
        self.cls = cls
        self.compiled: Any = None  # the native encoder's form of the plan
        # A top-level document starts with its _id.
        self.fields = tuple(sorted(fields, key=lambda field: field.key != "_id"))
        self.nested_fields = tuple(fields)
        self.unset: Any = MISSING
        self.dump: Callable[[Any, bool], Any] | None = None
        self.dump_some: Callable[[Any], dict[str, Any]] | None = None
        self.may_be_marked = _may_be_marked(cls, fields)

    def set_tag(self, key: str, value: Any) -> None:
        """Put a constant element before everything but a top-level ``_id``."""
        tag = EncodeField(key, key, key, Source.CONSTANT)
        tag.constant = value
        self.nested_fields = (tag, *self.nested_fields)
        first = 1 if self.fields and self.fields[0].key == "_id" else 0
        self.fields = (*self.fields[:first], tag, *self.fields[first:])


def _may_be_marked(cls: Any, fields: list[EncodeField]) -> bool:
    own = getattr(cls, "__getattr__", None)
    pydantic = sys.modules.get("pydantic")
    if own is not None and pydantic is not None:
        own = None if own is getattr(pydantic.BaseModel, "__getattr__", None) else own
    return (
        own is not None
        or cls.__getattribute__ is not object.__getattribute__
        or any(field.name == "_type_marker" for field in fields)
    )


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


def _pydantic_plan(cls: Any) -> EncodePlan:
    from bsonx._typed.pydantic_encode import pydantic_plan

    return pydantic_plan(cls)


# ---- all kinds ----

# An instance of a TypedDict is a dict.
_MAKERS: dict[ClassKind, Callable[[Any], EncodePlan]] = {
    ClassKind.PYDANTIC: _pydantic_plan,
    ClassKind.MSGSPEC: _msgspec_plan,
    ClassKind.ATTRS: _attrs_plan,
    ClassKind.DATACLASS: _dataclass_plan,
    ClassKind.NAMEDTUPLE: _namedtuple_plan,
}
