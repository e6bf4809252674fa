"""Every setting and special annotation of pydantic, on both ways in which models are read.

A model is built directly, or always validated by pydantic; which of the two must not show. The
judge is ``model_validate``.
"""

import dataclasses
import datetime
import decimal
import typing
import uuid
from typing import Annotated, Any

import pytest
from test_typed_pydantic import compare, model_validate

# They have no wheels for every interpreter.
pydantic = pytest.importorskip("pydantic")
BaseModel = pydantic.BaseModel
ConfigDict = pydantic.ConfigDict
Field = pydantic.Field

# A value for each setting that differs from its default and matters in decoding.
SETTINGS = {
    "alias_generator": str.upper,
    "allow_inf_nan": False,
    "arbitrary_types_allowed": True,
    "cache_strings": "none",
    "coerce_numbers_to_str": True,
    "defer_build": True,
    "extra": "allow",
    "field_title_generator": lambda name, info: name,
    "from_attributes": True,
    "frozen": True,
    "hide_input_in_errors": True,
    "ignored_types": (float,),
    "json_encoders": {int: str},
    "json_schema_extra": {"a": 1},
    "json_schema_mode_override": "validation",
    "json_schema_serialization_defaults_required": True,
    "loc_by_alias": False,
    "model_title_generator": lambda cls: "x",
    "plugin_settings": {"a": 1},
    "polymorphic_serialization": True,
    "populate_by_name": True,
    "protected_namespaces": (),
    "regex_engine": "python-re",
    "revalidate_instances": "always",
    "ser_json_bytes": "base64",
    "ser_json_inf_nan": "constants",
    "ser_json_temporal": "seconds",
    "ser_json_timedelta": "float",
    "serialize_by_alias": True,
    "str_max_length": 2,
    "str_min_length": 1,
    "str_strip_whitespace": True,
    "str_to_lower": True,
    "str_to_upper": True,
    "strict": True,
    "title": "x",
    "url_preserve_empty_path": True,
    "use_attribute_docstrings": True,
    "use_enum_values": True,
    "val_json_bytes": "base64",
    "val_temporal_unit": "seconds",
    "validate_assignment": True,
    "validate_by_alias": True,
    "validate_by_name": True,
    "validate_default": True,
    "validate_return": True,
    "validation_error_cause": True,
}

DOCUMENTS = [
    {"s": " aB ", "n": 5, "f": 1.5},
    {"s": "", "n": 5, "f": float("inf")},
    {"s": 5, "n": "5", "f": 3},
    {"S": "xyz", "N": 5, "F": 0.5, "more": [1]},
    {"s": "x", "n": 1.0, "f": True, "b": b"yes", "more": {"x": 1}},
    {"s": b"x", "n": True, "f": "1.5", "day": datetime.datetime(2020, 1, 1)},
    {"n": None},
]


def model(config, *, validated):
    """Return a model; with a validator that changes nothing, if it is to be validated."""

    class Base(BaseModel):
        model_config = config
        s: str
        n: int
        f: float = 2.0
        b: bytes | None = None
        day: datetime.date | None = None
        others: list[int] = []

    class Validated(Base):
        @pydantic.field_validator("s")
        @classmethod
        def _same(cls, value):
            return value

    return Validated if validated else Base


def test_no_setting_is_forgotten():
    from bsonx._typed.pydantic_models import _HARMLESS_SETTINGS

    # one that is not in this table must not be taken for harmless either
    assert set(SETTINGS) >= _HARMLESS_SETTINGS


@pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")
@pytest.mark.parametrize("validated", [False, True], ids=["direct", "validated"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings(bx, setting, validated):
    if setting not in ConfigDict.__annotations__:
        pytest.skip("not known to this version of pydantic")
    cls = model(ConfigDict(**{setting: SETTINGS[setting]}), validated=validated)
    for document in DOCUMENTS:
        if setting == "strict" and "day" in document:
            continue  # which BSON has no type for: it is converted before pydantic gets it
        compare(bx, cls, document, model_validate(cls, document))


def test_aliases_that_are_not_read(bx):
    class ByName(BaseModel):
        model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
        a: int = Field(alias="b", default=0)

    if "validate_by_alias" not in ConfigDict.__annotations__:
        pytest.skip("not known to this version of pydantic")
    for document in ({"a": 1}, {"b": 1}, {"a": 1, "b": 2}):
        compare(bx, ByName, document, model_validate(ByName, document))


def test_a_setting_that_is_not_known_is_left_to_pydantic():
    from bsonx._typed.nodes import Build
    from bsonx._typed.plan import plan_for

    class Future(BaseModel):
        a: int

    Future.model_config["a_new_setting"] = True
    assert plan_for(Future).node.model.build is Build.VALIDATED


# ---- extras ----


def extras(annotation, default=..., **namespace):
    body = {"__annotations__": {"a": int}, **namespace}
    if annotation is not None:
        body["__annotations__"]["__pydantic_extra__"] = annotation
    if default is not ...:
        body["__pydantic_extra__"] = default
    body["model_config"] = ConfigDict(extra="allow")
    return type("Extras", (BaseModel,), body)


CASES = [
    {"a": 1},
    {"a": 1, "z": 2},
    {"a": 1, "z": "5"},
    {"a": 1, "z": "no"},
    {"a": "1", "z": 2.0, "y": True},
]


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (None, ...),
        (None, None),
        (dict[str, int], ...),
        (dict[str, int], None),
        (dict[str, int], Field(init=False)),
        (dict[str, Any], Field(init=False)),
        ("dict[str, int]", ...),
        (dict[Annotated[str, Field(max_length=0)], int], ...),
    ],
    ids=str,
)
def test_extras_like_model_validate(bx, annotation, default):
    cls = extras(annotation, default)

    class Derived(cls):
        b: int = 0

    class Holder(BaseModel):
        x: cls
        more: list[Derived] = []

    for document in CASES:
        for model in (cls, Derived):
            compare_extras(bx, model, document)
        compare_extras(bx, Holder, {"x": document, "more": [document]})


def compare_extras(bx, cls, document):
    """As ``compare``, for models whose own attributes may hide those of pydantic."""
    from bsonx.typed import TypedDecodeError

    try:
        expected = cls.model_validate(document)
    except pydantic.ValidationError:
        with pytest.raises(TypedDecodeError):
            bx.decode(bx.encode(document), type=cls)
        return
    made = bx.decode(bx.encode(document), type=cls)
    assert made.__dict__ == expected.__dict__
    assert made.__pydantic_fields_set__ == expected.__pydantic_fields_set__
    for name in ("__pydantic_extra__", "__pydantic_private__"):
        slot = vars(BaseModel)[name]
        assert slot_value(slot, made) == slot_value(slot, expected)


def slot_value(slot, instance):
    try:
        return slot.__get__(instance)
    except AttributeError:
        return "nothing"


def test_extras_are_converted_as_fields_are(bx):
    from bsonx.typed import TypedDecodeError

    cls = extras(dict[str, decimal.Decimal])
    made = bx.decode(bx.encode({"a": 1, "x": bx.Decimal128("1.5")}), type=cls)
    assert made.model_extra == {"x": decimal.Decimal("1.5")}
    keys = extras(dict[str, uuid.UUID])
    key = uuid.uuid4()
    made = bx.decode(bx.encode({"a": 1, "x": bx.Binary.from_uuid(key)}), type=keys)
    assert made.model_extra == {"x": key}
    with pytest.raises(TypedDecodeError, match="subtype 3") as info:
        bx.decode(bx.encode({"a": 1, "x": bx.Binary(b"x" * 16, 3)}), type=keys)
    assert info.value.path == "x"


def test_a_hidden_slot_of_private_attributes(bx):
    cls = extras(None, __pydantic_private__=None)
    compare_extras(bx, cls, {"a": 1, "z": 2})


# ---- binary data ----


@pytest.mark.parametrize("validated", [False, True], ids=["direct", "validated"])
def test_the_subtype_of_binary_data_is_part_of_the_value(bx, validated):
    from bsonx.typed import TypedDecodeError

    def holder(tp):
        class Direct(BaseModel):
            v: tp

        class Validated(Direct):
            @pydantic.field_validator("v")
            @classmethod
            def _same(cls, value):
                return value

        return Validated if validated else Direct

    key = uuid.uuid4()
    java = bx.Binary.from_uuid(key, bx.binary.JAVA_LEGACY)
    legacy = bx.CodecOptions(uuid_representation=bx.binary.JAVA_LEGACY)
    wrapped = [
        (uuid.UUID, lambda value: value),
        (uuid.UUID | None, lambda value: value),
        (list[uuid.UUID], lambda value: [value]),
        (dict[str, uuid.UUID], lambda value: {"a": value}),
        (tuple[int, uuid.UUID], lambda value: (1, value)),
        (uuid.UUID | int, lambda value: value),
        (uuid.UUID | bytes, lambda value: value),
    ]
    for tp, wrap in wrapped:
        cls = holder(tp)
        data = bx.encode({"v": wrap(java)})
        for options in (None, bx.CodecOptions(uuid_representation=4)):
            with pytest.raises(TypedDecodeError):
                bx.decode(data, options, type=cls)
        assert bx.decode(data, legacy, type=cls).v == wrap(key)
        standard = bx.encode({"v": wrap(bx.Binary.from_uuid(key))})
        assert bx.decode(standard, type=cls).v == wrap(key)
    for tp in (bytes, str, int, uuid.UUID, list[int]):
        with pytest.raises(TypedDecodeError, match="subtype 5"):
            bx.decode(bx.encode({"v": bx.Binary(b"7", 5)}), type=holder(tp))
    assert bx.decode(bx.encode({"v": b"7"}), type=holder(str)).v == "7"  # as pydantic does
    assert bx.decode(bx.encode({"v": b"x"}), type=holder(uuid.UUID | bytes)).v == b"x"


def test_a_validator_may_want_the_binary_data_themselves(bx):
    key = uuid.uuid4()

    def convert(value):
        return value.as_uuid(bx.binary.JAVA_LEGACY) if isinstance(value, bx.Binary) else value

    class InAnnotation(BaseModel):
        v: Annotated[uuid.UUID, pydantic.BeforeValidator(convert)]

    class InClass(BaseModel):
        v: uuid.UUID

        @pydantic.field_validator("v", mode="before")
        @classmethod
        def _convert(cls, value):
            return convert(value)

    data = bx.encode({"v": bx.Binary.from_uuid(key, bx.binary.JAVA_LEGACY)})
    assert bx.decode(data, type=InAnnotation).v == key
    assert bx.decode(data, type=InClass).v == key


# ---- dates ----


@pytest.mark.parametrize("zone", [None, datetime.timezone(datetime.timedelta(hours=-5))])
def test_a_date_is_midnight_utc(bx, zone):
    from bsonx.typed import TypedDecodeError

    class Checked(BaseModel):
        day: datetime.date

        @pydantic.field_validator("day")
        @classmethod
        def _same(cls, value):
            return value

    options = bx.CodecOptions(tz_aware=zone is not None, tzinfo=zone)
    day = datetime.datetime(2020, 1, 2)
    assert bx.decode(bx.encode({"day": day}), options, type=Checked).day == day.date()
    late = day + datetime.timedelta(hours=5)  # midnight in the zone
    with pytest.raises(TypedDecodeError, match="zero time"):
        bx.decode(bx.encode({"day": late}), options, type=Checked)


# ---- fields that are no arguments ----


def test_fields_of_pydantic_dataclasses_that_are_no_arguments(bx):
    @pydantic.dataclasses.dataclass
    class Person:
        name: str
        nick: str = Field(init=False, default="")
        price: decimal.Decimal = Field(init=False, default=decimal.Decimal(0))
        tags: list[int] = Field(init=False, default_factory=list)
        bare: int = dataclasses.field(init=False, default=3)

    @dataclasses.dataclass
    class Plain:
        person: Person

    class Holder(BaseModel):
        people: list[Person]

    ada = Person("Ada")
    ada.nick, ada.price = "Countess", decimal.Decimal("1.5")
    ada.tags, ada.bare = [1], 4
    assert bx.decode(bx.encode(ada), type=Person) == ada
    assert bx.decode(bx.encode({"name": "x"}), type=Person) == Person("x")
    assert bx.decode(bx.encode(Plain(ada)), type=Plain) == Plain(ada)
    holder = Holder(people=[ada])
    assert bx.decode(bx.encode(holder), type=Holder) == holder


def test_generic_models_whose_parameter_has_a_default(bx):
    typing_extensions = pytest.importorskip("typing_extensions")
    T = typing_extensions.TypeVar("T", default=int)

    class Page(BaseModel, typing.Generic[T]):
        item: T

    for cls, document in ((Page, {"item": "5"}), (Page[str], {"item": "5"}), (Page, {"item": "x"})):
        compare(bx, cls, document, model_validate(cls, document))
