"""Which classes may be built without their constructor, which then cannot be told.

That takes private knowledge: what a generated ``__init__`` does, where an instance keeps what. So
a class of each library is made here, once, and built in both ways; where the two differ, or
something is there that was not known, all classes of the library go through their constructor.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = [
    "attrs_is_direct",
    "dataclass_is_direct",
    "has_init",
    "namedtuple_is_direct",
    "pydantic_is_known",
    "struct_probes",
]


def _plainly_made(cls: Any) -> bool:
    """Whether calling the class does no more than object.__new__ and __init__."""
    return type(cls).__call__ is type.__call__ and cls.__new__ is object.__new__


def has_init(cls: Any) -> bool:
    """Whether there is an ``__init__``, which also calls the hook behind it."""
    return cls.__init__ is not object.__init__


def _plainly_set(cls: Any, names: Iterable[str], frozen: bool) -> bool:
    """Whether setting these attributes runs no code of the class."""
    if not frozen and cls.__setattr__ is not object.__setattr__:
        return False
    for name in names:
        found = inspect.getattr_static(cls, name, None)
        if hasattr(type(found), "__set__") and not inspect.ismemberdescriptor(found):
            return False
    return True


def built(cls: Any, attributes: Mapping[str, Any]) -> Any:
    """Return an instance that is made without its constructor."""
    instance = object.__new__(cls)
    for name, value in attributes.items():
        object.__setattr__(instance, name, value)
    return instance


def _same(made: Any, expected: Any) -> bool:
    return bool(
        type(made) is type(expected)
        and made.__getstate__() == expected.__getstate__()
        and made == expected
        and repr(made) == repr(expected)
    )


def _as_expected(check: Callable[[], bool]) -> bool:
    """Whether a check of private parts holds; an exception says that they have changed."""
    try:
        return check()
    except Exception:
        return False


# ---- dataclasses ----


def dataclass_is_direct(cls: Any, fields: list[Any]) -> bool:
    """Whether instances can be made by setting these fields; they are all that ``cls`` has."""
    frozen = cls.__dataclass_params__.frozen
    return (
        _plainly_made(cls)
        and _plainly_set(cls, (f.name for f in fields), frozen)
        and dataclasses_are_known()
        and _has_generated_init(cls, fields)
    )


@functools.cache
def dataclasses_are_known() -> bool:
    """Whether the ``__init__`` of a dataclass does no more than we do."""
    return all(_as_expected(functools.partial(_dataclass_probe, slots)) for slots in (True, False))


def _dataclass_probe(slots: bool) -> bool:
    specs: list[tuple[str, Any, Any]] = [
        ("a", int, dataclasses.field()),
        ("b", list, dataclasses.field(default_factory=list)),
        ("c", int, dataclasses.field(default=3, kw_only=True)),
    ]
    probe = dataclasses.make_dataclass("Probe", specs, slots=slots, frozen=True)
    return _same(built(probe, {"a": 1, "b": [], "c": 3}), probe(1))


def _has_generated_init(cls: Any, fields: list[Any]) -> bool:
    """Whether ``__init__`` is what dataclasses generates for these fields, or there is none."""
    if not has_init(cls):
        return True
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

_ATTRIBUTE_PARTS = {
    *("name", "default", "validator", "repr", "eq", "eq_key", "order", "order_key", "hash"),
    *("init", "metadata", "type", "converter", "kw_only", "inherited", "on_setattr", "alias"),
    "alias_is_default",
}


def attrs_is_direct(cls: Any) -> bool:
    """Whether instances of a class made by attrs can be made by setting its attributes."""
    if not _plainly_made(cls) or hasattr(cls, "__attrs_pre_init__"):
        return False
    if (has_init(cls) and not _is_generated(cls.__init__)) or not attrs_is_known():
        return False
    if issubclass(cls, BaseException) or hasattr(cls, "_attrs_cached_hash"):
        return False
    for a in cls.__attrs_attrs__:
        if a.validator is not None or a.converter is not None:
            return False
        if getattr(a.default, "takes_self", False):
            return False
    return _plainly_set(cls, (a.name for a in cls.__attrs_attrs__), True)


def _is_generated(init: Any) -> bool:
    filename = getattr(getattr(init, "__code__", None), "co_filename", "")
    return bool(filename.startswith("<attrs generated"))


@functools.cache
def attrs_is_known() -> bool:
    """Whether this version of attrs keeps to what we know of it."""
    return all(_as_expected(functools.partial(_attrs_probe, slots)) for slots in (True, False))


def _attrs_probe(slots: bool) -> bool:
    attr = sys.modules["attr"]
    attributes = {
        "a": attr.ib(),
        "b": attr.ib(factory=list),
        "c": attr.ib(default=3, init=False),
    }
    probe = attr.make_class("Probe", attributes, slots=slots, frozen=True)
    return (
        set(attr.Attribute.__slots__) <= _ATTRIBUTE_PARTS
        and _is_generated(probe.__init__)
        and _same(built(probe, {"a": 1, "b": [], "c": 3}), probe(1))
    )


# ---- named tuples ----


def namedtuple_is_direct(cls: Any) -> bool:
    """Whether ``__new__`` and ``__init__`` come from the class that namedtuple made."""
    if type(cls).__call__ is not type.__call__:
        return False
    made = next(base for base in cls.__mro__ if "_field_defaults" in vars(base))
    for base in cls.__mro__:
        if base is made:
            return cls.__init__ is object.__init__ and base.__bases__[:1] == (tuple,)
        if "__new__" in vars(base):
            return False
    return False


# ---- pydantic ----

_MODEL_SLOTS = {
    "__dict__",
    "__pydantic_fields_set__",
    "__pydantic_extra__",
    "__pydantic_private__",
}


@functools.cache
def pydantic_is_known() -> bool:
    """Whether an instance of a model is what we take it for: a dict and three slots."""
    return _as_expected(_pydantic_probe)


def _pydantic_probe() -> bool:
    pydantic = sys.modules["pydantic"]
    config = {"extra": "allow"}
    probe = pydantic.create_model("Probe", __config__=config, a=(int, ...), b=(list, []))
    expected = probe.__pydantic_validator__.validate_python({"a": 1, "x": 2})
    made = built(
        probe,
        {
            "__dict__": {"a": 1, "b": []},
            "__pydantic_fields_set__": {"a", "x"},
            "__pydantic_extra__": {"x": 2},
            "__pydantic_private__": None,
        },
    )
    slots = set(pydantic.BaseModel.__slots__)
    return slots == _MODEL_SLOTS and _same(made, expected) and probe.__pydantic_post_init__ is None


# ---- msgspec ----


def struct_probes() -> list[Any]:
    """Return structs of several layouts, made by msgspec.

    The native executor fills structs in place; it looks whether that gives the same ones.
    """
    msgspec = sys.modules["msgspec"]
    layouts: list[dict[str, bool]] = [
        {},
        {"gc": False},
        {"frozen": True, "cache_hash": True},
        {"dict": True, "weakref": True},
    ]
    fields = [("a", int), ("b", str), ("c", object)]
    values: list[Any] = [None, []]
    classes = [msgspec.defstruct("Probe", fields, **layout) for layout in layouts]
    return [cls(a=1, b="x", c=value) for cls in classes for value in values]
