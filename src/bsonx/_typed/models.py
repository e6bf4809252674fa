"""From classes with fields to model plans: dataclasses, attrs, msgspec, TypedDict, NamedTuple.

None of the packages is imported here: a class of theirs can only exist if they are loaded.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable, Iterable
from typing import Any, get_args, get_origin

from bsonx._typed.annotations import Builder, Name, any_node, is_qualifier, strip_annotated
from bsonx._typed.plan import ABSENT, MISSING, Build, Field, ModelPlan, Unknown

__all__ = ["annotations_of", "explicit_alias", "field_keys", "read_model", "reader_of"]

Reader = Callable[[Builder, ModelPlan, Any], None]


def reader_of(cls: type) -> Reader | None:
    """Return the function that reads the fields of this kind of class, or None."""
    if is_pydantic(cls):
        from bsonx._typed.pydantic_models import read_pydantic

        return read_pydantic
    if is_msgspec(cls):
        return _read_msgspec
    if hasattr(cls, "__attrs_attrs__"):
        return _read_attrs
    if hasattr(cls, "__dataclass_fields__"):
        return _read_dataclass
    if is_typeddict(cls):
        return _read_typeddict
    if is_namedtuple(cls):
        return _read_namedtuple
    return None


def is_pydantic(cls: type) -> bool:
    """Whether it is a pydantic model or a dataclass made by pydantic."""
    pydantic = sys.modules.get("pydantic")
    if pydantic is None:
        return False
    base = getattr(pydantic, "BaseModel", ())
    return issubclass(cls, base) or (
        "__pydantic_validator__" in vars(cls) and hasattr(cls, "__dataclass_fields__")
    )


def is_msgspec(cls: type) -> bool:
    """Whether it is a ``msgspec.Struct``."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and issubclass(cls, msgspec.Struct) and cls is not msgspec.Struct


def is_typeddict(cls: type) -> bool:
    """Whether it is a TypedDict of typing or typing_extensions."""
    return type(cls).__name__ == "_TypedDictMeta" and hasattr(cls, "__required_keys__")


def is_namedtuple(cls: type) -> bool:
    """Whether it is a named tuple: a tuple subclass with the names of its items."""
    return (
        issubclass(cls, tuple)
        and isinstance(getattr(cls, "_fields", None), tuple)
        and hasattr(cls, "_field_defaults")
    )


def read_model(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    """Fill a model plan from its class, or from a parametrised generic class ``tp``."""
    cls = plan.cls
    if inspect.isabstract(cls):
        raise TypeError(f"cannot decode documents to the abstract class {plan.label}")
    reader = reader_of(cls)
    assert reader is not None  # the builder has asked
    old = builder.enter(tp, cls)
    try:
        reader(builder, plan, tp)
    finally:
        builder.leave(old)
    _check_names(plan)


def _check_names(plan: ModelPlan) -> None:
    seen: dict[str, str] = {}
    for field in plan.fields:
        if field.key in seen:
            raise TypeError(
                f"the fields {seen[field.key]!r} and {field.name!r} of {plan.label} "
                f"are both called {field.key!r} in documents"
            )
        seen[field.key] = field.name


# ---- what the kinds share ----


def annotations_of(cls: Any, builder: Builder) -> dict[str, Any]:
    """Return the resolved annotations; binds the parameters of generic base classes."""
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as exc:
        raise TypeError(f"cannot resolve the annotations of {cls.__qualname__}: {exc}") from None
    builder.bind_bases(cls)
    return hints


def name_in(metadata: Iterable[Any]) -> str | None:
    """Return the explicit name among the metadata of ``Annotated``."""
    names = [item.name for item in metadata if isinstance(item, Name)]
    return names[-1] if names else None


def name_of_metadata(metadata: Any) -> str | None:
    """Return the explicit name in ``field(metadata={"bson": name})``, also under "name"."""
    for key in ("bson", "name"):
        name = metadata.get(key)
        if isinstance(name, str):
            return name
    return None


def field_keys(name: str, explicit: str | None, names: Iterable[str]) -> tuple[str, str | None]:
    """Return a field's name in documents and the weaker one.

    A field ``id`` that says nothing else is ``_id``, and ``id`` in documents without ``_id``,
    unless the class has a field ``_id`` as well.
    """
    if explicit is not None:
        return explicit, None
    if name == "id" and "_id" not in names:
        return "_id", "id"
    return name, None


def add_field(
    builder: Builder,
    plan: ModelPlan,
    name: str,
    tp: Any,
    keys: tuple[str, str | None],
    default: Any = MISSING,
    factory: Callable[[], Any] | None = None,
) -> None:
    """Append a field; what its type lacks is reported with the field's name."""
    try:
        node = builder.field_node(plan.cls, name, tp)
    except TypeError as exc:
        raise TypeError(f"{plan.label}.{name}: {exc}") from None
    plan.fields.append(
        Field(name, keys[0], node, weak_key=keys[1], default=default, factory=factory)
    )


def plainly_made(cls: Any) -> bool:
    """Whether calling the class does no more than object.__new__ and __init__."""
    return type(cls).__call__ is type.__call__ and cls.__new__ is object.__new__


def plainly_set(cls: Any, names: Iterable[str], frozen: bool) -> bool:
    """Whether setting these attributes runs no code of the class."""
    if not frozen and cls.__setattr__ is not object.__setattr__:
        return False
    for name in names:
        found = inspect.getattr_static(cls, name, None)
        if hasattr(type(found), "__set__") and not inspect.ismemberdescriptor(found):
            return False
    return True


# ---- dataclasses ----


def _read_dataclass(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    cls = plan.cls
    hints = annotations_of(cls, builder)
    fields = [f for f in cls.__dataclass_fields__.values() if not _is_classvar(f)]
    direct = _is_direct_dataclass(cls, fields)
    plan.build = Build.ATTRIBUTES if direct else Build.CALL
    if direct and hasattr(cls, "__post_init__"):
        plan.post_init = "__post_init__"
    names = {f.name for f in fields}
    for f in fields:
        annotation = hints.get(f.name, f.type)
        if isinstance(annotation, dataclasses.InitVar):
            annotation = annotation.type
        _, metadata = strip_annotated(annotation)
        explicit = name_of_metadata(f.metadata) or name_in(metadata)
        if f.init:
            keys = field_keys(f.name, explicit, names)
            default, factory = _dataclass_default(f)
            if not direct and not (default is MISSING and factory is None):
                default, factory = ABSENT, None  # the constructor knows it
            add_field(builder, plan, f.name, annotation, keys, default, factory)
        elif direct:
            _add_constant(plan, f)


def _is_classvar(f: Any) -> bool:
    return f._field_type is dataclasses._FIELD_CLASSVAR  # type: ignore[attr-defined]


def _dataclass_default(f: Any) -> tuple[Any, Callable[[], Any] | None]:
    if f.default_factory is not dataclasses.MISSING:
        return MISSING, f.default_factory
    return (MISSING if f.default is dataclasses.MISSING else f.default), None


def _add_constant(plan: ModelPlan, f: Any) -> None:
    """A field that is no argument: it is set to its default and never read from documents."""
    default, factory = _dataclass_default(f)
    if default is not MISSING or factory is not None:
        # No document can hold this name.
        key = f"\0{f.name}"
        plan.fields.append(Field(f.name, key, any_node(), default=default, factory=factory))


def _is_direct_dataclass(cls: Any, fields: list[Any]) -> bool:
    """Whether instances can be made by setting attributes, without the constructor."""
    if any(f._field_type is dataclasses._FIELD_INITVAR for f in fields):  # type: ignore[attr-defined]
        return False
    frozen = cls.__dataclass_params__.frozen
    return (
        plainly_made(cls)
        and plainly_set(cls, (f.name for f in fields), frozen)
        and _has_generated_init(cls, fields)
    )


def _has_generated_init(cls: Any, fields: list[Any]) -> bool:
    """Whether ``__init__`` is what dataclasses generates for these fields."""
    code = getattr(cls.__init__, "__code__", None)
    if code is None:
        return False
    specs = []
    for f in fields:
        spec = dataclasses.field(init=f.init, kw_only=f.kw_only)
        spec.default, spec.default_factory = f.default, f.default_factory
        if f.default is not dataclasses.MISSING:
            spec.default = 0
        specs.append((f.name, object, spec))
    namespace: dict[str, Any] = {}
    if hasattr(cls, "__post_init__"):
        namespace["__post_init__"] = lambda self: None
    params = cls.__dataclass_params__
    try:
        slots = bool(getattr(params, "slots", False))
        twin = dataclasses.make_dataclass(
            "Twin", specs, namespace=namespace, frozen=params.frozen, slots=slots
        )
    except (TypeError, ValueError):
        return False
    expected = vars(twin)["__init__"].__code__
    return all(
        getattr(code, name) == getattr(expected, name)
        for name in ("co_code", "co_names", "co_varnames", "co_freevars", "co_kwonlyargcount")
    )


# ---- attrs ----


def _read_attrs(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    cls = plan.cls
    hints = annotations_of(cls, builder)
    attributes = [a for a in cls.__attrs_attrs__ if a.init]
    direct = _is_direct_attrs(cls)
    plan.build = Build.ATTRIBUTES if direct else Build.CALL
    if direct and hasattr(cls, "__attrs_post_init__"):
        plan.post_init = "__attrs_post_init__"
    names = {a.name for a in attributes}
    for a in attributes:
        annotation = hints.get(a.name, a.type)
        annotation = Any if annotation is None else annotation
        _, metadata = strip_annotated(annotation)
        explicit = name_of_metadata(a.metadata) or name_in(metadata) or explicit_alias(a)
        keys = field_keys(a.name, explicit, names)
        default, factory = _attrs_default(a)
        if not direct:
            known = default is not MISSING or factory is not None
            default, factory = (ABSENT if known else MISSING), None
        name = a.name if direct else a.alias
        add_field(builder, plan, name, annotation, keys, default, factory)


def explicit_alias(a: Any) -> str | None:
    default = a.name.lstrip("_")
    alias = getattr(a, "alias", None)
    return alias if alias not in (None, default) else None


def _attrs_default(a: Any) -> tuple[Any, Callable[[], Any] | None]:
    nothing = sys.modules["attr"].NOTHING
    if a.default is nothing:
        return MISSING, None
    if isinstance(a.default, sys.modules["attr"].Factory):
        return MISSING, a.default.factory
    return a.default, None


def _is_direct_attrs(cls: Any) -> bool:
    if not plainly_made(cls) or hasattr(cls, "__attrs_pre_init__"):
        return False
    filename = getattr(getattr(cls.__init__, "__code__", None), "co_filename", "")
    if not filename.startswith("<attrs generated"):
        return False
    if issubclass(cls, BaseException) or hasattr(cls, "_attrs_cached_hash"):
        return False
    for a in cls.__attrs_attrs__:
        if a.validator is not None or a.converter is not None:
            return False
        if not a.init or getattr(a.default, "takes_self", False):
            return False
    return plainly_set(cls, (a.name for a in cls.__attrs_attrs__), True)


# ---- msgspec ----


def _read_msgspec(builder: Builder, plan: ModelPlan, tp: Any) -> None:
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


def _read_typeddict(builder: Builder, plan: ModelPlan, tp: Any) -> None:
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


def _read_namedtuple(builder: Builder, plan: ModelPlan, tp: Any) -> None:
    cls = plan.cls
    hints = annotations_of(cls, builder)
    direct = type(cls).__call__ is type.__call__ and _has_generated_new(cls)
    plan.build = Build.TUPLE if direct else Build.CALL
    for name in cls._fields:
        annotation = hints.get(name, Any)
        _, metadata = strip_annotated(annotation)
        keys = field_keys(name, name_in(metadata), cls._fields)
        default = cls._field_defaults.get(name, MISSING)
        if not direct and default is not MISSING:
            default = ABSENT
        add_field(builder, plan, name, annotation, keys, default)


def _has_generated_new(cls: Any) -> bool:
    """Whether ``__new__`` and ``__init__`` come from the class that namedtuple made."""
    made = next(base for base in cls.__mro__ if "_field_defaults" in vars(base))
    for base in cls.__mro__:
        if base is made:
            return cls.__init__ is object.__init__ and base.__bases__[:1] == (tuple,)
        if "__new__" in vars(base):
            return False
    return False
