"""pydantic models: built directly where that cannot be told, else validated by pydantic.

The judge is pydantic itself: a typed decode must give what ``model_validate`` gives for the decoded
document (with BSON's Decimal128, UUIDs and ``_id`` put into the form that pydantic knows).
"""

import datetime
import decimal
import enum
import typing
import uuid
from typing import Annotated, Any, Literal

import pytest

# They have no wheels for every interpreter.
pydantic = pytest.importorskip("pydantic")
BaseModel = pydantic.BaseModel
ConfigDict = pydantic.ConfigDict
Field = pydantic.Field


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    zip: str | None = None


class Plain(BaseModel):
    id: int
    name: str
    score: float = 0
    born: datetime.datetime | None = None
    color: Color = Color.RED
    mode: Literal["a", "b"] = "a"
    tags: set[str] = set()
    address: Address | None = None
    addresses: list[Address] = []
    data: dict[str, Any] = {}
    key: uuid.UUID | None = None
    price: decimal.Decimal | None = None
    day: datetime.date | None = None
    pair: tuple[int, str] | None = None
    blob: bytes = b""
    number: int | str = 0


class Validated(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    name: str
    price: decimal.Decimal = Field(default=decimal.Decimal(1), gt=0)
    amounts: list[decimal.Decimal] = []
    keys: dict[str, uuid.UUID] = {}
    plain: Plain | None = None

    @pydantic.field_validator("name")
    @classmethod
    def _check(cls, value):
        if value == "bad":
            raise ValueError("a bad name")
        return value.upper()


class Recursive(BaseModel):
    value: int
    price: decimal.Decimal | None = None
    children: list["Recursive"] = []


DOCUMENTS = [
    (Plain, {"_id": 1, "name": "x"}),
    (Plain, {"_id": "7", "name": "x"}),
    (Plain, {"id": 1, "name": "x", "unknown": [1]}),
    (Plain, {"_id": 1, "name": "x", "score": 3}),
    (Plain, {"_id": 1.0, "name": "x", "score": "3.5"}),
    (Plain, {"_id": 1.5, "name": "x"}),
    (Plain, {"_id": 1}),
    (Plain, {}),
    (Plain, {"_id": None, "name": None}),
    (Plain, {"_id": 1, "name": "x", "born": datetime.datetime(2020, 1, 1)}),
    (Plain, {"_id": 1, "name": "x", "born": "2020-01-01T00:00:00"}),
    (Plain, {"_id": 1, "name": "x", "born": "never"}),
    (Plain, {"_id": 1, "name": "x", "color": "blue", "mode": "b"}),
    (Plain, {"_id": 1, "name": "x", "color": "green"}),
    (Plain, {"_id": 1, "name": "x", "mode": "c"}),
    (Plain, {"_id": True, "name": "x"}),
    (Plain, {"_id": 2**40, "name": "x"}),
    (Plain, {"_id": 1, "name": "x", "tags": ["a", "b", "a"]}),
    (Plain, {"_id": 1, "name": "x", "tags": [["a"]]}),
    (Plain, {"_id": 1, "name": "x", "address": {"street": "s"}}),
    (Plain, {"_id": 1, "name": "x", "address": {"street": "s", "zip": "1"}}),
    (Plain, {"_id": 1, "name": "x", "address": {"zip": "1"}}),
    (Plain, {"_id": 1, "name": "x", "addresses": [{"street": "s"}, {"street": 5}]}),
    (Plain, {"_id": 1, "name": "x", "data": {"a": [{"b": 2**40}]}}),
    (Plain, {"_id": 1, "name": "x", "data": 5}),
    (Plain, {"_id": 1, "name": "x", "day": datetime.datetime(2020, 1, 1)}),
    (Plain, {"_id": 1, "name": "x", "day": datetime.datetime(2020, 1, 1, 5)}),
    (Plain, {"_id": 1, "name": "x", "pair": [1, "a"], "blob": b"x"}),
    (Plain, {"_id": 1, "name": "x", "pair": [1], "blob": "x"}),
    (Plain, {"_id": 1, "name": "x", "number": "5"}),
    (Plain, {"_id": 1, "name": "x", "number": 5.0}),
    (Validated, {"name": " x "}),
    (Validated, {"name": "bad"}),
    (Validated, {"name": "x", "plain": {"id": 1, "name": "y"}}),
    (Validated, {"name": "x", "plain": {"id": "z", "name": "y"}}),
    (Recursive, {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}]}),
    (Recursive, {"value": 1, "children": [{"value": "2", "children": [{"value": "3"}]}]}),
    (Recursive, {"value": 1, "children": [{"value": 2, "children": [{"value": "x"}]}]}),
]


def model_validate(cls, document):
    document = dict(document)
    if "_id" in document:
        document["id"] = document.pop("_id")
    try:
        return cls.model_validate(document)
    except pydantic.ValidationError as exc:
        return exc.errors(include_url=False, include_context=False, include_input=False)


def state(model):
    """Return everything that pydantic keeps in an instance."""
    return (
        type(model),
        model.__dict__,
        model.__pydantic_fields_set__,
        model.__pydantic_extra__,
        model.__pydantic_private__,
    )


def decode(bx, cls, document):
    return bx.decode(bx.encode(document), type=cls)


def compare(bx, cls, document, expected):
    from bsonx.typed import TypedDecodeError

    if isinstance(expected, BaseModel):
        model = decode(bx, cls, document)
        assert model == expected
        assert state(model) == state(expected)
        assert list(model.__dict__) == list(expected.__dict__)
        assert model.model_dump() == expected.model_dump()
        return
    with pytest.raises(TypedDecodeError) as info:
        decode(bx, cls, document)
    cause = info.value.__cause__
    assert isinstance(cause, pydantic.ValidationError)
    found = cause.errors(include_url=False, include_context=False, include_input=False)
    assert found == expected
    assert info.value.reason.startswith(expected[0]["msg"])


@pytest.mark.parametrize(("cls", "document"), DOCUMENTS, ids=lambda v: str(v)[:60])
def test_like_model_validate(bx, cls, document):
    compare(bx, cls, document, model_validate(cls, document))


def test_types_that_pydantic_does_not_know(bx):
    key, price = uuid.uuid4(), bx.Decimal128("1.50")
    binary = bx.Binary.from_uuid(key)
    plain = {"_id": 1, "name": "x", "key": binary, "price": price}
    expected = Plain(id=1, name="x", key=key, price=decimal.Decimal("1.50"))
    compare(bx, Plain, plain, expected)
    # the same where pydantic itself validates, because something else does not fit
    compare(bx, Plain, {**plain, "_id": "1"}, expected)
    compare(
        bx,
        Validated,
        {
            "name": "x",
            "price": price,
            "amounts": [bx.Decimal128("1"), 2],
            "keys": {"a": binary},
            "plain": {**plain, "_id": "1"},
        },
        Validated(
            name="x",
            price=decimal.Decimal("1.50"),
            amounts=[1, 2],
            keys={"a": key},
            plain=expected,
        ),
    )
    tree = {"value": "1", "children": [{"value": 2, "price": price}]}
    child = Recursive(value=2, price=decimal.Decimal("1.50"))
    compare(bx, Recursive, tree, Recursive(value=1, children=[child]))


def test_numbers_that_are_none(bx):
    nan = {"_id": 1, "name": "x", "price": bx.Decimal128("NaN")}
    expected = model_validate(Plain, {**nan, "price": decimal.Decimal("NaN")})
    compare(bx, Plain, nan, expected)


def test_constraints(bx):
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match="greater than 0") as info:
        decode(bx, Validated, {"name": "x", "price": bx.Decimal128("-1")})
    assert info.value.path == "price"
    with pytest.raises(TypedDecodeError, match=r"a bad name \(and 1 more\)"):
        decode(bx, Validated, {"name": "bad", "price": 0})


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    key: int = Field(alias="_id")
    first: str = Field(alias="firstName")
    last: str = Field(default="", validation_alias="lastName", serialization_alias="family")
    hidden: int = Field(default=0, exclude=True)


def test_aliases(bx):
    compare(bx, Aliased, {"_id": 1, "firstName": "a"}, Aliased(_id=1, firstName="a"))
    compare(bx, Aliased, {"_id": 1, "first": "a"}, Aliased(_id=1, firstName="a"))
    compare(bx, Aliased, {"_id": 1, "first": "b", "firstName": "a"}, Aliased(_id=1, firstName="a"))
    document = {"_id": "1", "first": "a", "lastName": "b"}
    compare(bx, Aliased, document, Aliased.model_validate(document))
    made = decode(bx, Aliased, {"_id": 1, "firstName": "a", "lastName": "b", "hidden": 5})
    assert made.hidden == 5
    assert bx.decode(bx.encode(made)) == {"_id": 1, "firstName": "a", "family": "b"}


def test_alias_choices_and_paths(bx):
    class Choices(BaseModel):
        a: decimal.Decimal = Field(validation_alias=pydantic.AliasChoices("x", "y"))
        b: int = Field(default=0, validation_alias=pydantic.AliasPath("p", "q"))

    document = {"y": bx.Decimal128("2"), "p": {"q": 5}}
    assert decode(bx, Choices, document) == Choices(x=2, p={"q": 5})


def test_extra_fields(bx):
    class Allow(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int

    class Forbid(BaseModel):
        model_config = ConfigDict(extra="forbid")
        a: int

    document = {"a": 1, "b": [{"c": 2}], "z": None}
    compare(bx, Allow, document, Allow.model_validate(document))
    compare(bx, Allow, {"a": 1}, Allow.model_validate({"a": 1}))
    made = decode(bx, Allow, document)
    assert bx.decode(bx.encode(made)) == document
    compare(bx, Forbid, {"a": 1}, Forbid(a=1))
    compare(bx, Forbid, document, model_validate(Forbid, document))


def test_private_attributes_and_post_init(bx):
    class Private(BaseModel):
        a: int
        _count: int = pydantic.PrivateAttr(default=3)
        _seen: list = pydantic.PrivateAttr(default_factory=list)

    compare(bx, Private, {"a": 1}, Private(a=1))
    assert decode(bx, Private, {"a": 1})._seen is not decode(bx, Private, {"a": 1})._seen

    class Post(BaseModel):
        a: int

        def model_post_init(self, context):
            if self.a < 0:
                raise ValueError("negative")
            self.a += 1

    compare(bx, Post, {"a": 1}, Post(a=1))
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match="negative"):
        decode(bx, Post, {"a": -1})


def test_validators_of_all_sorts_run(bx):
    class Before(BaseModel):
        a: int

        @pydantic.model_validator(mode="before")
        @classmethod
        def _before(cls, data):
            return {"a": data["a"] + 1}

    class After(BaseModel):
        a: int

        @pydantic.model_validator(mode="after")
        def _after(self):
            self.a *= 2
            return self

    class InAnnotation(BaseModel):
        a: Annotated[int, pydantic.AfterValidator(lambda value: value + 1)]
        b: list[Annotated[int, pydantic.BeforeValidator(lambda value: value + 1)]] = []

    class OwnInit(BaseModel):
        a: int

        def __init__(self, **data):
            super().__init__(a=data["a"] + 1)

    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        a: int

    assert decode(bx, Before, {"a": 1}).a == 2
    assert decode(bx, After, {"a": 1}).a == 2
    assert decode(bx, InAnnotation, {"a": 1, "b": [1]}).model_dump() == {"a": 2, "b": [2]}
    assert decode(bx, OwnInit, {"a": 1}).a == 2
    compare(bx, Strict, {"a": "1"}, model_validate(Strict, {"a": "1"}))

    class Outer(BaseModel):
        inner: Before
        after: After

    made = decode(bx, Outer, {"inner": {"a": 1}, "after": {"a": 2}})
    assert (made.inner.a, made.after.a) == (2, 4)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    age: int


class Owner(BaseModel):
    pet: Cat | Dog = Field(discriminator="kind")
    others: list[Cat | Dog] = []


def test_unions_of_models(bx):
    for document in (
        {"pet": {"kind": "dog", "age": 1}},
        {"pet": {"kind": "cat", "lives": "9"}, "others": [{"kind": "dog", "age": 2}]},
        {"pet": {"kind": "cow"}},
        {"pet": {"age": 1}},
        {"pet": {"kind": "dog", "age": 1}, "others": [{"kind": "cow"}]},
    ):
        compare(bx, Owner, document, model_validate(Owner, document))


def test_root_models_generics_and_dataclasses(bx):
    class Tags(pydantic.RootModel[list[str]]):
        pass

    T = typing.TypeVar("T")

    class Page(BaseModel, typing.Generic[T]):
        items: list[T]
        tags: Tags = Tags([])

    made = decode(bx, Page[Address], {"items": [{"street": "s"}], "tags": ["a"]})
    assert made == Page[Address](items=[Address(street="s")], tags=Tags(["a"]))
    assert bx.decode(bx.encode(made)) == {
        "items": [{"street": "s", "zip": None}],
        "tags": ["a"],
    }

    @pydantic.dataclasses.dataclass
    class Checked:
        id: int
        price: decimal.Decimal = Field(default=decimal.Decimal(1), gt=0)

    made = decode(bx, Checked, {"_id": "5", "price": bx.Decimal128("2")})
    assert made == Checked(5, decimal.Decimal(2))
    assert bx.decode(bx.encode(made)) == {"_id": 5, "price": bx.Decimal128("2")}
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match="greater than 0"):
        decode(bx, Checked, {"_id": 1, "price": 0})


def test_serializers_have_their_say_in_encoding(bx):
    class Serialized(BaseModel):
        id: int | None = None
        name: str
        when: Annotated[datetime.date, pydantic.PlainSerializer(lambda day: day.isoformat())] = (
            datetime.date(2020, 1, 1)
        )

        @pydantic.computed_field
        @property
        def upper(self) -> str:
            return self.name.upper()

    made = Serialized(id=1, name="x")
    document = {"_id": 1, "name": "x", "when": "2020-01-01", "upper": "X"}
    assert bx.decode(bx.encode(made)) == document
    assert next(iter(bx.decode(bx.encode(made)))) == "_id"
    inner = bx.decode(bx.encode({"a": made}))["a"]
    assert inner == {"id": 1, "name": "x", "when": "2020-01-01", "upper": "X"}
    assert "_id" not in bx.decode(bx.encode(Serialized(name="x")))


def test_objectids_in_models(bx):
    class Doc(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        id: bx.ObjectId | None = None
        refs: list[bx.ObjectId] = []

    oid = bx.ObjectId()
    made = decode(bx, Doc, {"_id": oid, "refs": [oid]})
    assert made == Doc(id=oid, refs=[oid])
    assert bx.decode(bx.encode(made)) == {"_id": oid, "refs": [oid]}
    compare(bx, Doc, {"_id": "x"}, model_validate(Doc, {"_id": "x"}))

    class AsText(BaseModel):
        id: Annotated[str, pydantic.BeforeValidator(str)] = Field(alias="_id")

    assert decode(bx, AsText, {"_id": oid}).id == str(oid)


def test_the_direct_way_is_taken_for_plain_models_only():
    from bsonx._typed.nodes import Build
    from bsonx._typed.plan import plan_for

    assert plan_for(Plain).node.model.build is Build.PYDANTIC
    assert plan_for(Recursive).node.model.build is Build.PYDANTIC
    assert plan_for(Aliased).node.model.build is Build.PYDANTIC
    assert plan_for(Validated).node.model.build is Build.VALIDATED


def test_members_of_enums_of_several_kinds(bx):
    class Mixed(enum.Enum):
        NONE = None
        PAIR = (1, 2)
        PRICE = decimal.Decimal("1.5")
        KEY = uuid.UUID(int=7)
        TEXT = "x"

    class Direct(pydantic.BaseModel):
        one: Mixed
        many: list[Mixed | int]

    class Checked(Direct):
        @pydantic.field_validator("many")
        def check(cls, value):
            return value

    class Values(Direct):
        model_config = pydantic.ConfigDict(use_enum_values=True)

    for model in (Direct, Checked):
        for member in Mixed:
            made = model(one=member, many=[member, 3])
            assert bx.decode(bx.encode(made), type=model) == made
    read = bx.decode(bx.encode({"one": [1, 2], "many": [[1, 2], 3]}), type=Values)
    assert read == Values(one=(1, 2), many=[(1, 2), 3])
    from bsonx.typed import TypedDecodeError

    for wrong in ([2, 1], bx.Decimal128("2"), "y"):
        with pytest.raises(TypedDecodeError, match="Input should be"):
            bx.decode(bx.encode({"one": wrong, "many": []}), type=Direct)
