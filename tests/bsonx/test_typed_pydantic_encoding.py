"""Encoding pydantic models: by what their values are, and by serializers where there are any."""

import dataclasses
import inspect
import typing
from typing import Annotated, Any

import pytest

pytest.importorskip("pydantic")

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WrapSerializer
from typing_extensions import TypedDict

POLYMORPHIC = "polymorphic_serialization" in inspect.signature(BaseModel.model_dump).parameters


def stored(bx, value, **kwargs):
    return bx.decode(bx.encode(value, **kwargs))


def as_text(value):
    return str(value)


class Part(BaseModel):
    name: str


class Motor(Part):
    power: str


@dataclasses.dataclass
class Wheel:
    size: int


@dataclasses.dataclass
class Tyre(Wheel):
    maker: str


class Machine(BaseModel):
    item: Part
    items: list[Part] = []
    maybe: Part | None = None
    either: Part | int = 1
    named: dict[str, Part] = {}
    wheel: Wheel | None = None
    n: int = 1


class WithComputed(Machine):
    @pydantic.computed_field
    @property
    def double(self) -> int:
        return self.n * 2


class WithJsonSerializer(Machine):
    @pydantic.field_serializer("n", when_used="json")
    def of_n(self, n):
        return str(n)


class WithSerializer(Machine):
    @pydantic.field_serializer("n")
    def of_n(self, n):
        return str(n)


class WithMarker(Machine):
    n: Annotated[int, PlainSerializer(as_text)] = 1


class WithExclude(Machine):
    secret: int = Field(default=5, exclude=True)


MACHINES = [Machine, WithComputed, WithJsonSerializer, WithSerializer, WithMarker, WithExclude]


@pytest.mark.parametrize("cls", MACHINES, ids=lambda cls: cls.__name__)
def test_instances_of_subclasses_keep_their_fields(bx, cls):
    motor = Motor(name="a", power="b")
    full = {"name": "a", "power": "b"}
    machine = cls(
        item=motor,
        items=[motor, Part(name="c")],
        maybe=motor,
        either=motor,
        named={"x": motor},
        wheel=Tyre(1, "m"),
    )
    got = stored(bx, machine)
    assert got.pop("n") in (1, "1")
    assert got.pop("double", 2) == 2
    expected = {
        "item": full,
        "items": [full, {"name": "c"}],
        "maybe": full,
        "either": full,
        "named": {"x": full},
        "wheel": {"size": 1, "maker": "m"},
    }
    assert got == expected
    inner = stored(bx, {"x": [machine]})["x"][0]
    assert {key: inner[key] for key in expected} == expected


def test_serialize_as_any_is_the_rule_and_changes_nothing(bx):
    class Doc(BaseModel):
        item: pydantic.SerializeAsAny[Part]
        items: list[pydantic.SerializeAsAny[Part]] = []

    motor = Motor(name="a", power="b")
    full = {"name": "a", "power": "b"}
    assert stored(bx, Doc(item=motor, items=[motor])) == {"item": full, "items": [full]}


@pytest.mark.skipif(not POLYMORPHIC, reason="needs pydantic 2.13")
def test_subclasses_inside_what_pydantic_serializes(bx):
    class Wrapped(BaseModel):
        item: Part
        z: Annotated[int, PlainSerializer(lambda n: n * 10)] = 1

        @pydantic.field_serializer("item", mode="wrap")
        def of_item(self, item, serialize):
            return {"item": serialize(item)}

    class Whole(Wrapped):
        @pydantic.model_serializer(mode="wrap")
        def whole(self, serialize):
            return {"whole": serialize(self)}

    item = {"item": {"name": "a", "power": "b"}}
    motor = Motor(name="a", power="b")
    assert stored(bx, Wrapped(item=motor)) == {"item": item, "z": 10}
    assert stored(bx, Whole(item=motor)) == {"whole": {"item": item, "z": 10}}


# ---- as model_dump, where all values are of the declared classes ----


class Nested(BaseModel):
    text: str = "t"

    @pydantic.field_serializer("text")
    def upper(self, text):
        return text.upper()


class Typed(TypedDict):
    n: Annotated[int, PlainSerializer(lambda n: n + 1)]


def tenfold(number):
    return number * 10


Tenfold = Annotated[int, PlainSerializer(tenfold)]


class Fields(BaseModel):
    id: Tenfold = 5
    plain: int = 1
    marked: Tenfold = 1
    wrapped: Annotated[int, WrapSerializer(lambda n, serialize: [serialize(n)])] = 1
    inside: list[Tenfold] = [1, 2]
    deep: dict[str, list[Tenfold | None]] = {"a": [1, None]}
    typed: Typed = {"n": 1}
    nested: Nested = Nested()
    nested_list: list[Nested] = [Nested()]
    encoded: pydantic.Base64Bytes = b"aGVsbG8="
    json_only: Annotated[int, PlainSerializer(as_text, when_used="json")] = 7
    unless_none: Annotated[int | None, PlainSerializer(as_text, when_used="unless-none")] = None
    named: Tenfold = Field(1, serialization_alias="other")
    last: int = 9


class Wrapping(BaseModel):
    """Validators stand around the schema of the fields."""

    n: Tenfold = 1

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def around(cls, value, validate):
        return validate(value)

    @pydantic.model_validator(mode="before")
    @classmethod
    def before(cls, value):
        return value

    @pydantic.model_validator(mode="after")
    def after(self):
        return self


class Computed(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = 1

    @pydantic.computed_field
    @property
    def double(self) -> int:
        return self.n * 2

    @pydantic.computed_field(alias="triple")
    @property
    def more(self) -> int:
        return self.n * 3

    @pydantic.computed_field
    @property
    def shown(self) -> Tenfold:
        return self.n


class Tree(BaseModel):
    n: Tenfold = 1
    children: list["Tree"] = []


T = typing.TypeVar("T")


class Box(BaseModel, typing.Generic[T]):
    value: T
    n: Tenfold = 1


class PlainWhole(BaseModel):
    n: int = 1

    @pydantic.model_serializer
    def whole(self):
        return {"N": self.n, "_id": None}


class Overridden(BaseModel):
    n: int = 1

    def model_dump(self, **settings):
        return {**super().model_dump(**settings), "more": 1}


class Deferred(BaseModel):
    model_config = ConfigDict(defer_build=True)
    n: Tenfold = 1


class Untouched(BaseModel):
    path: typing.Any = None
    pair: tuple[int, str] = (1, "a")


class Extras(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Tenfold]
    n: int = 1


DUMPED = [
    Fields(),
    Wrapping(),
    Computed(n=2, x=1, y=2),
    Tree(children=[Tree(), Tree(children=[Tree()])]),
    Box[int](value=1),
    Box[Nested](value=Nested()),
    Overridden(),
    Deferred(),
    Untouched(),
    Extras(x=1, y=2),
]


def plain(value):
    """Tuples are arrays."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("model", DUMPED, ids=lambda model: type(model).__name__)
def test_as_model_dump(bx, model):
    dumped = plain(model.model_dump(by_alias=True))
    inner = stored(bx, {"x": model})["x"]
    assert list(inner.items()) == list(dumped.items())
    top = {("_id" if key == "id" else key): value for key, value in dumped.items()}
    got = stored(bx, model)
    assert got == top
    assert list(got) == sorted(top, key=lambda key: key != "_id")


def test_models_that_serialize_themselves(bx):
    assert stored(bx, PlainWhole()) == {"N": 1}  # a top-level _id of None is none
    assert stored(bx, {"x": PlainWhole()}) == {"x": {"N": 1, "_id": None}}

    class Number(BaseModel):
        n: int = 5

        @pydantic.model_serializer
        def whole(self):
            return self.n

    assert stored(bx, {"x": Number()}) == {"x": 5}
    with pytest.raises(TypeError, match=r"expected a mapping type but got: Number\(n=5\)"):
        bx.encode(Number())

    class Strict(BaseModel):
        n: int = 1

        def model_dump(self):
            return {"m": self.n}

    assert stored(bx, Strict()) == {"m": 1}


def test_root_models(bx):
    class Item(pydantic.RootModel[Part]):
        pass

    class Items(pydantic.RootModel[list[Part]]):
        pass

    class Any_(pydantic.RootModel[dict[str, Any]]):
        pass

    class Shown(pydantic.RootModel[Tenfold]):
        pass

    motor = Motor(name="a", power="b")
    full = {"name": "a", "power": "b"}
    assert stored(bx, Item(motor)) == full
    assert stored(bx, {"x": Items([motor])}) == {"x": [full]}
    assert stored(bx, Any_({"_id": None, "a": 1})) == {"a": 1}
    assert stored(bx, {"x": Shown(1)}) == {"x": 10}
    for document in (Items([motor]), Shown(1)):
        with pytest.raises(TypeError, match="expected a mapping type but got"):
            bx.encode(document)


def test_dataclasses_of_pydantic(bx):
    @pydantic.dataclasses.dataclass
    class Doc:
        item: Part
        n: Tenfold = 1
        aliased: int = Field(2, alias="other")

    @pydantic.dataclasses.dataclass(slots=True)
    class Slots:
        id: int
        n: Tenfold = 1

        @pydantic.computed_field
        @property
        def double(self) -> int:
            return self.n * 2

    motor = Motor(name="a", power="b")
    item = {"name": "a", "power": "b"}
    assert stored(bx, Doc(motor)) == {"item": item, "n": 10, "other": 2}
    assert stored(bx, Slots(5)) == {"_id": 5, "n": 10, "double": 2}
    assert stored(bx, {"x": Slots(5)})["x"] == {"id": 5, "n": 10, "double": 2}


@pytest.mark.skipif(
    "exclude_if" not in inspect.signature(Field).parameters, reason="needs pydantic 2.12"
)
def test_exclude_if(bx):
    class Doc(BaseModel):
        a: int = Field(0, exclude_if=lambda a: a == 0)
        b: int = 1

    assert stored(bx, Doc()) == {"b": 1}
    assert stored(bx, Doc(a=2)) == {"a": 2, "b": 1}


def test_errors_of_serializers(bx):
    class Failing(BaseModel):
        n: int = 1

        @pydantic.computed_field
        @property
        def broken(self) -> int:
            raise LookupError("no such thing")

    class Unencodable(BaseModel):
        n: Annotated[int, PlainSerializer(lambda n: object())] = 1

    with pytest.raises(LookupError, match="no such thing") as info:
        bx.encode({"x": Failing()})
    assert info.value.path == "x.broken"
    with pytest.raises(bx.InvalidDocument, match="cannot encode object") as info:
        bx.encode({"x": [Unencodable()]})
    assert info.value.path == "x[0].n"
    model = Unencodable()
    with pytest.raises(bx.InvalidDocument) as info:
        bx.encode(model)
    assert info.value.document is model


def test_attributes_beside_the_fields(bx):
    class Doc(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int
        b: int = 2
        _private: int = 3

        @pydantic.computed_field
        @property
        def c(self) -> int:
            return 4

    made = Doc(a=1, x=5)
    assert list(stored(bx, made).items()) == [("a", 1), ("b", 2), ("x", 5), ("c", 4)]
    constructed = Doc.model_construct(b=7, a=1)
    assert stored(bx, constructed) == {"a": 1, "b": 7, "c": 4}
    del made.b
    with pytest.raises(AttributeError) as info:
        bx.encode({"x": made})
    assert info.value.path == "x.b"
    made.__pydantic_extra__ = None
    made.b = 8
    assert stored(bx, made) == {"a": 1, "b": 8, "c": 4}
