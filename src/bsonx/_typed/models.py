"""From classes with fields to model plans: dataclasses, attrs, msgspec, TypedDict, NamedTuple."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any, get_args, get_origin

from bsonx._typed.annotations import Builder
from bsonx._typed.direct import (
    attrs_is_direct,
    dataclass_is_direct,
    has_init,
    namedtuple_is_direct,
)
from bsonx._typed.fields import add_field, annotations_of
from bsonx._typed.hints import (
    explicit_alias,
    field_keys,
    is_qualifier,
    name_in,
    name_of_metadata,
    strip_annotated,
)
from bsonx._typed.nodes import ABSENT, MISSING, Build, ModelPlan, Unknown

__all__ = ["read_attrs", "read_dataclass", "read_msgspec", "read_namedtuple", "read_typeddict"]

_Default = tuple[Any, Callable[[], Any] | None]


def _for_constructor(default: _Default) -> _Default:
    """Leave a default to the constructor, which knows it."""
    return default if _is_none(default) else (ABSENT, None)


def _is_none(default: _Default) -> bool:
    return default[0] is MISSING and default[1] is None


# ---- dataclasses ----


def read_dataclass(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a dataclass."""
    cls = plan.cls
    hints = annotations_of(cls, builder)
    fields = list(dataclasses.fields(cls))
    variables = _init_variables(cls, hints)
    direct = not variables and dataclass_is_direct(cls, fields)
    plan.build = Build.ATTRIBUTES if direct else Build.CALL
    if direct and hasattr(cls, "__post_init__") and has_init(cls):
        plan.post_init = "__post_init__"
    names = {f.name for f in (*fields, *variables)}
    for f in cls.__dataclass_fields__.values():
        if f.name not in names:
            continue  # a ClassVar
        annotation = hints.get(f.name, f.type)
        if isinstance(annotation, dataclasses.InitVar):
            annotation = annotation.type
        _, metadata = strip_annotated(annotation)
        explicit = name_of_metadata(f.metadata) or name_in(metadata)
        keys = field_keys(f.name, explicit, names)
        late = not f.init
        default = _dataclass_default(cls, f, late)
        if not direct:
            default = (ABSENT, None) if late else _for_constructor(default)
        add_field(builder, plan, f.name, annotation, keys, *default, late=late and not direct)


def _init_variables(cls: Any, hints: dict[str, Any]) -> list[Any]:
    """Return the pseudo-fields that are only arguments."""
    return [
        f
        for f in cls.__dataclass_fields__.values()
        if isinstance(hints.get(f.name, f.type), dataclasses.InitVar)
        or hints.get(f.name, f.type) is dataclasses.InitVar
    ]


def _dataclass_default(cls: Any, f: Any, late: bool) -> _Default:
    if f.default_factory is not dataclasses.MISSING:
        return MISSING, f.default_factory
    if late and not inspect.ismemberdescriptor(inspect.getattr_static(cls, f.name, None)):
        return ABSENT, None  # what there is of a default is an attribute of the class
    if f.default is dataclasses.MISSING:
        return (ABSENT if late else MISSING), None
    return f.default, None


# ---- attrs ----


def read_attrs(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a class made by attrs."""
    cls = plan.cls
    hints = annotations_of(cls, builder)
    direct = attrs_is_direct(cls)
    plan.build = Build.ATTRIBUTES if direct else Build.CALL
    if direct and hasattr(cls, "__attrs_post_init__") and has_init(cls):
        plan.post_init = "__attrs_post_init__"
    names = {a.name for a in cls.__attrs_attrs__}
    for a in cls.__attrs_attrs__:
        annotation = hints.get(a.name, a.type)
        annotation = Any if annotation is None else annotation
        _, metadata = strip_annotated(annotation)
        explicit = name_of_metadata(a.metadata) or name_in(metadata) or explicit_alias(a)
        keys = field_keys(a.name, explicit, names)
        default = _attrs_default(a)
        if not direct:
            default = _for_constructor(default) if a.init else (ABSENT, None)
        elif not a.init and _is_none(default):
            default = (ABSENT, None)
        late = not direct and not a.init
        name = a.name if direct or late else a.alias
        add_field(builder, plan, name, annotation, keys, *default, attribute=a.name, late=late)


def _attrs_default(a: Any) -> _Default:
    nothing = sys.modules["attr"].NOTHING
    if a.default is nothing:
        return MISSING, None
    if isinstance(a.default, sys.modules["attr"].Factory):
        return MISSING, a.default.factory
    return a.default, None


# ---- msgspec ----


def read_msgspec(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a ``msgspec.Struct``."""
    cls = plan.cls
    structs: Any = sys.modules["msgspec"].structs
    nodefault = sys.modules["msgspec"].NODEFAULT
    config = cls.__struct_config__
    plan.build = Build.STRUCT
    plan.unknown = Unknown.FORBID if config.forbid_unknown_fields else Unknown.IGNORE
    plan.tag_field, plan.tag = config.tag_field, config.tag
    if hasattr(cls, "__post_init__"):
        plan.post_init = "__post_init__"
    infos = structs.fields(tp)
    names = {info.name for info in infos}
    for info in infos:
        _, metadata = strip_annotated(info.type)
        explicit = name_in(metadata)
        if explicit is None and info.encode_name != info.name:
            explicit = info.encode_name
        keys = field_keys(info.name, explicit, names)
        default = MISSING if info.default is nodefault else info.default
        factory = None if info.default_factory is nodefault else info.default_factory
        add_field(builder, plan, info.name, info.type, keys, default, factory)


# ---- TypedDict and NamedTuple ----


def read_typeddict(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a TypedDict."""
    cls = plan.cls
    plan.build = Build.DICT
    hints = annotations_of(cls, builder)
    for name, annotation in hints.items():
        _, metadata = strip_annotated(annotation)
        required = _is_required(annotation, name in cls.__required_keys__)
        keys = field_keys(name, name_in(metadata), hints)
        add_field(builder, plan, name, annotation, keys, MISSING if required else ABSENT)


def _is_required(annotation: Any, default: bool) -> bool:
    """``__required_keys__`` is wrong where annotations are strings; the qualifiers are right."""
    while (origin := get_origin(annotation)) is not None:
        if is_qualifier(origin, "Required"):
            return True
        if is_qualifier(origin, "NotRequired"):
            return False
        if origin is typing.Annotated:
            annotation = annotation.__origin__
        elif is_qualifier(origin, "ReadOnly"):
            (annotation,) = get_args(annotation)
        else:
            break
    return default


def read_namedtuple(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill the plan of a named tuple."""
    cls = plan.cls
    hints = annotations_of(cls, builder)
    direct = namedtuple_is_direct(cls)
    plan.build = Build.TUPLE if direct else Build.CALL
    for name in cls._fields:
        annotation = hints.get(name, Any)
        _, metadata = strip_annotated(annotation)
        keys = field_keys(name, name_in(metadata), cls._fields)
        default: _Default = (cls._field_defaults.get(name, MISSING), None)
        if not direct:
            default = _for_constructor(default)
        add_field(builder, plan, name, annotation, keys, *default)
