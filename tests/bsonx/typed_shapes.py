"""Types that typed decoding is tried with, and typed results as plain values that compare."""

import collections
import dataclasses
import datetime
import decimal
import enum
import importlib
import typing
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from neutral import neutral_value

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


class Color(enum.Enum):
    RED = "text"
    FIVE = 5
    NO = False


class Shade(enum.StrEnum):
    DARK = "dark"
    LIGHT = "x"


def _fields(value):
    for name in ("__dataclass_fields__", "__struct_fields__", "__pydantic_fields__"):
        if hasattr(type(value), name):
            return list(getattr(type(value), name))
    if hasattr(type(value), "__attrs_attrs__"):
        return [a.name for a in type(value).__attrs_attrs__]
    return getattr(value, "_fields", None)


def neutral(value):
    """Return a decoded value as plain values, whatever package its classes are of."""
    if isinstance(value, Mapping):
        return (type(value).__name__, [(key, neutral(item)) for key, item in value.items()])
    names = _fields(value)
    if names is not None:
        extra = getattr(value, "__pydantic_extra__", None)
        provided = sorted(getattr(value, "__pydantic_fields_set__", ()))
        content = [(name, neutral(getattr(value, name))) for name in names]
        return (type(value).__name__, content, provided, extra and neutral(extra))
    if isinstance(value, list | tuple):
        return (type(value).__name__, [neutral(item) for item in value])
    if isinstance(value, set | frozenset):
        return (type(value).__name__, sorted(map(repr, map(neutral, value))))
    if isinstance(value, enum.Enum | decimal.Decimal | datetime.date | datetime.timedelta):
        return repr(value)
    return neutral_value(value)


def attempt(function, *args, **kwargs):
    try:
        return ("gives", neutral(function(*args, **kwargs)))
    except Exception as exc:
        where = getattr(exc, "offset", None), getattr(exc, "path", None)
        return ("raises", type(exc).__name__, str(exc), where)


def single_types(bx):
    """Types for the field ``k`` of the shared seeds."""
    return [
        Any,
        int,
        float,
        str,
        bool,
        bytes,
        None,
        datetime.datetime,
        datetime.date,
        datetime.timedelta,
        decimal.Decimal,
        uuid.UUID,
        bx.ObjectId,
        bx.Int64,
        bx.Binary,
        bx.Code,
        bx.DBRef,
        bx.Decimal128,
        bx.DatetimeMS,
        bx.Regex,
        bx.Timestamp,
        bx.MinKey,
        bx.SON,
        importlib.import_module("bsonx.raw_bson").RawBSONDocument,
        Color,
        Literal["text", 5, True, None],
        list[int],
        list[Any],
        tuple[int, str, None],
        set[int],
        frozenset[Any],
        dict[str, int],
        dict[str, Any],
        list[dict[str, list[dict[str, Any]]]],
        int | str | None,
        float | list[int | str | None] | dict[str, int],
        list[int] | list[int | str | None] | list[Any],
        dict[str, int] | dict[str, str] | dict[str, Any],
        dict[Shade, int],
        collections.defaultdict[Literal["a", "b"], list[Any]],
    ]


def make_holders(bx):
    """Classes with one field ``k`` of each of these types."""
    return [dataclasses.make_dataclass("Holder", [("k", tp)]) for tp in single_types(bx)]


def make_classes(bx):
    """Classes of every kind, with documents that fit them."""

    @dataclasses.dataclass
    class Leaf:
        a: int
        b: str | None = None

    class Struct(msgspec.Struct, forbid_unknown_fields=True):
        id: int
        leaves: list[Leaf] = []

    class Cat(msgspec.Struct, tag=True):
        lives: int

    class Dog(msgspec.Struct, tag=True):
        name: str
        leaf: Leaf | None = None

    class Pair(typing.NamedTuple):
        x: int
        y: float = 1.5

    class Typed(typing.TypedDict, total=False):
        pair: typing.Required[Pair]
        pets: list[Cat | Dog]

    @attrs.define
    class Wide:
        first_very_long_field_name: int
        second_very_long_field_name_that_is_even_longer: str
        t: Typed
        either: Struct | Leaf | None = None
        d: dict[str, Leaf] = attrs.Factory(dict)

    class Inner(pydantic.BaseModel):
        v: int
        s: str = "x"

    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        id: int
        inner: Inner
        inners: list[Inner] = []
        price: decimal.Decimal | None = None
        day: datetime.date | None = None

    class Checked(pydantic.BaseModel):
        n: int = pydantic.Field(ge=0)
        inner: Inner | None = None

    @dataclasses.dataclass
    class Late:
        a: int
        b: str = dataclasses.field(init=False, default="")
        c: list[int] = dataclasses.field(init=False, default_factory=list)

    @attrs.define
    class Later:
        a: int = attrs.field(converter=int)
        late: Late | None = attrs.field(init=False, default=None)

    class Extras(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)
        __pydantic_extra__: dict[str, decimal.Decimal]
        key: uuid.UUID
        day: datetime.date | None = None
        struct: Cat | None = None
        pair: Pair | None = None

    class Deep(pydantic.BaseModel):
        late: Late | None = None
        extras: Extras | None = None

    number = bx.Decimal128("1.50")
    late = {"a": 1, "b": "x", "c": [1, 2]}
    extras = {
        "key": bx.Binary(b"0123456789abcdef", 4),
        "day": datetime.datetime(2020, 1, 1),
        "struct": {"lives": 9},
        "pair": [1, 2.5],
        "z": number,
    }
    pets = [{"type": "Cat", "lives": 9}, {"name": "x", "type": "Dog", "leaf": {"a": 1}}]
    typed = {"pair": [1, 2.5], "pets": pets}
    wide = {
        "first_very_long_field_name": 1,
        "second_very_long_field_name_that_is_even_longer": "x",
        "t": typed,
        "either": {"a": 1, "b": None},
        "d": {"x": {"a": 2}},
    }
    model = {"_id": 1, "inner": {"v": 1}, "inners": [{"v": 2, "s": "y"}], "price": number, "z": 1}
    return [
        (Leaf, {"a": 1, "b": "x"}),
        (Struct, {"_id": 1, "leaves": [{"a": 1}, {"a": 2, "b": "y"}]}),
        (Struct, {"id": 1}),
        (Cat | Dog, pets[1]),
        (Typed, typed),
        (Typed, {"pair": {"y": 1, "x": 2}}),
        (Wide, wide),
        (Wide, {**wide, "either": {"id": 5}, "unknown": [{"a": 1}]}),
        (Model, model),
        (Model, {**model, "day": datetime.datetime(2020, 1, 1), "inner": {"v": "7"}}),
        (Checked, {"n": 1, "inner": {"v": 1}}),
        (dict[str, Leaf | Any], {"x": {"a": 1}, "y": 5}),
        (Late, late),
        (Later, {"a": 1, "late": late}),
        (Extras, extras),
        (Deep, {"late": late, "extras": extras}),
    ]
