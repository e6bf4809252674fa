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

__all__ = ["EncodeField", "EncodePlan", "encode_plan_for"]


class EncodeField:
    """One attribute and its name in documents, at the top and inside other documents.

    A value that is ``default``, or is empty and exactly of type ``empty``, is left out.
    """

    __slots__ = ("default", "empty", "key", "name", "nested_key")

    def __init__(self, name: str, key: str, nested_key: str) -> None:
        self.name = name
        self.key = key
        self.nested_key = nested_key
        self.default: Any = MISSING
        self.empty: Any = None


class EncodePlan:
    """How the instances of one class are stored.

    ``tag``: a constant element (name, value) before the others, or None. ``extra``: attribute
    that holds a dict of more elements. ``unset``: a value that stands for no value. ``dump``: a
    function from the instance, and whether it is the whole document, to what is stored instead.
    """

    __slots__ = (
        "cls",
        "compiled",
        "dump",
        "extra",
        "fields",
        "has_dict",
        "nested_fields",
        "tag",
        "unset",
    )

    def __init__(self, cls: Any, fields: list[EncodeField]) -> None:
        self.cls = cls
        self.compiled: Any = None  # the native encoder's form of the plan
        # A top-level document starts with its _id.
        self.fields = tuple(sorted(fields, key=lambda field: field.key != "_id"))
        self.nested_fields = tuple(fields)
        self.tag: tuple[str, Any] | None = None
        self.extra: str | None = None
        self.unset: Any = MISSING
        self.dump: Callable[[Any, bool], Any] | None = None
        self.has_dict = False  # attributes are in an instance dict that exists in any case

    def items(self, instance: Any, top: bool) -> list[tuple[str, Any]]:
        """Return the elements of an instance; a top-level ``_id`` of None is left out."""
        found = []
        for field in self.fields if top else self.nested_fields:
            value = getattr(instance, field.name)
            if value is field.default or value is self.unset:
                continue
            if field.empty is not None and type(value) is field.empty and not value:
                continue
            key = field.key if top else field.nested_key
            if top and value is None and key == "_id":
                continue
            found.append((key, value))
        if self.tag is not None:
            found.insert(1 if found and top and found[0][0] == "_id" else 0, self.tag)
        if self.extra is not None:
            found.extend((getattr(instance, self.extra, None) or {}).items())
        return found


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
        plan.tag = (config.tag_field, config.tag)
    return plan


# ---- pydantic ----


def _pydantic_plan(cls: Any) -> EncodePlan:
    is_model = hasattr(cls, "model_dump")
    names = cls.__pydantic_fields__
    fields = []
    for name, info in names.items():
        stored = info.serialization_alias or info.alias
        key, weak = field_keys(name, stored, names)
        if not info.exclude:
            fields.append(EncodeField(name, key, weak or key))
    plan = EncodePlan(cls, fields)
    plan.has_dict = is_model
    if is_model and _serializes_itself(cls):
        renamed = [f.key for f in fields if f.key != f.nested_key]
        plan.dump = _dumper(bool(renamed))
    elif is_model and cls.model_config.get("extra") == "allow":
        plan.extra = "__pydantic_extra__"
    return plan


def _dumper(renames_id: bool) -> Callable[[Any, bool], Any]:
    def dump(instance: Any, top: bool) -> Any:
        """Return what pydantic makes of the model; the rules about ``_id`` hold."""
        document = instance.model_dump(by_alias=True)
        if top and isinstance(document, dict):
            if renames_id and "id" in document:
                document = {"_id": document.pop("id"), **document}
            if document.get("_id", MISSING) is None:
                del document["_id"]
        return document

    return dump


def _serializes_itself(cls: Any) -> bool:
    """Whether the model has a say in what is stored: serializers, computed fields, a root."""
    base = sys.modules["pydantic"].BaseModel
    decorators = cls.__pydantic_decorators__
    return bool(
        cls.__pydantic_root_model__
        or decorators.field_serializers
        or decorators.model_serializers
        or decorators.computed_fields
        or cls.model_dump is not base.model_dump
        or any(getattr(info, "exclude_if", None) for info in cls.model_fields.values())
        or any(_has_serializer(info.annotation) for info in cls.model_fields.values())
        or any(_is_serializer(m) for info in cls.model_fields.values() for m in info.metadata)
    )


def _has_serializer(tp: Any) -> bool:
    tp, metadata = strip_annotated(tp)
    return any(map(_is_serializer, metadata)) or any(
        _has_serializer(argument) for argument in getattr(tp, "__args__", ())
    )


def _is_serializer(item: Any) -> bool:
    return type(item).__name__ in ("PlainSerializer", "WrapSerializer")


# ---- all kinds ----

# An instance of a TypedDict is a dict.
_MAKERS: dict[ClassKind, Callable[[Any], EncodePlan]] = {
    ClassKind.PYDANTIC: _pydantic_plan,
    ClassKind.MSGSPEC: _msgspec_plan,
    ClassKind.ATTRS: _attrs_plan,
    ClassKind.DATACLASS: _dataclass_plan,
    ClassKind.NAMEDTUPLE: _namedtuple_plan,
}
