"""What each annotation takes and refuses."""

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import re
import typing
import uuid
from typing import Annotated, Any, Literal, NewType, TypeVar

import pytest

msgspec = pytest.importorskip("msgspec")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    A = 1
    B = "b"
    C = 2.5
    D = True

    @classmethod
    def _missing_(cls, value):
        return cls.B if value == "beta" else None


class Pair(enum.Enum):
    AB = ("a", "b")


class Point(typing.NamedTuple):
    x: int
    y: int = 0


UserId = NewType("UserId", int)
T = TypeVar("T")
Bound = TypeVar("Bound", bound=str)
U = uuid.UUID("12345678-1234-5678-1234-567812345678")
UTC = datetime.UTC


def holder(tp):
    return dataclasses.make_dataclass("Holder", [("v", tp)])


def decode(bx, tp, value, options=None):
    data = bx.encode({"v": value}, codec_options=bx.CodecOptions(uuid_representation=4))
    return bx.decode(data, options, type=holder(tp)).v


def refuse(bx, tp, value, text=""):
    from bsonx.typed import TypedDecodeError

    data = bx.encode({"v": value}, codec_options=bx.CodecOptions(uuid_representation=4))
    with pytest.raises(TypedDecodeError) as info:
        bx.decode(data, type=holder(tp))
    assert info.value.path.startswith("v")
    assert text in str(info.value)


def same(a, b):
    return type(a) is type(b) and a == b


VALUES = [
    # annotation, stored value, expected value
    (int, 5, 5),
    (int, 2**40, 2**40),
    (int, -(2**63), -(2**63)),
    (float, 2.5, 2.5),
    (float, 3, 3.0),
    (float, 2**40, float(2**40)),
    (str, "x", "x"),
    (str, "", ""),
    (str, "é" * 40, "é" * 40),
    (bool, True, True),
    (bytes, b"\0\1", b"\0\1"),
    (None, None, None),
    (Any, [1, {"a": "b"}], [1, {"a": "b"}]),
    (object, 5, 5),
    (datetime.datetime, datetime.datetime(2020, 1, 2, 3, 4, 5, 6000), ...),
    (datetime.date, datetime.datetime(2020, 1, 2), datetime.date(2020, 1, 2)),
    (datetime.date, datetime.datetime(1901, 1, 2), datetime.date(1901, 1, 2)),
    (datetime.time, "12:30:01.5", datetime.time(12, 30, 1, 500000)),
    (datetime.timedelta, -1500, datetime.timedelta(milliseconds=-1500)),
    (uuid.UUID, U, U),
    (pathlib.Path, "/tmp/x", pathlib.Path("/tmp/x")),
    (pathlib.PurePosixPath, "a/b", pathlib.PurePosixPath("a/b")),
    (re.Pattern, re.compile("a+", re.I), re.compile("a+", re.I)),
    (re.Pattern[str], re.compile("a+"), re.compile("a+")),
    (list, [1, "a"], [1, "a"]),
    (list[int], [], []),
    (list[int], list(range(40)), list(range(40))),
    (list[list[int]], [[1], [], [2, 3]], [[1], [], [2, 3]]),
    (typing.List[str], ["a"], ["a"]),  # noqa: UP006
    (typing.Sequence[int], [1], [1]),
    (collections.abc.Iterable[int], [1], [1]),
    (collections.deque[int], [1, 2], collections.deque([1, 2])),
    (tuple, [1, "a"], (1, "a")),
    (tuple[int, ...], [1, 2], (1, 2)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[()], [], ()),
    (set[int], [1, 1, 2], {1, 2}),
    (frozenset[str], ["a"], frozenset({"a"})),
    (typing.AbstractSet[str], ["a"], {"a"}),
    (dict, {"a": 1}, {"a": 1}),
    (dict[str, int], {"a": 1, "b": 2}, {"a": 1, "b": 2}),
    (dict[str, list[float]], {"a": [1]}, {"a": [1.0]}),
    (typing.Mapping[str, Any], {"a": [1]}, {"a": [1]}),
    (collections.OrderedDict[str, int], {"a": 1}, collections.OrderedDict(a=1)),
    (typing.Optional[int], None, None),  # noqa: UP045
    (int | None, 5, 5),
    (int | str | None, "a", "a"),
    (float | int, 3, 3),
    (int | float, 3.5, 3.5),
    (str | float, 3, 3.0),
    (list[int] | list[str], ["a"], ["a"]),
    (list[int] | list[str], [], []),
    (dict[str, int] | list[int], [1], [1]),
    (Any | int, "x", "x"),
    (Literal["a", "b"], "b", "b"),
    (Literal[1, True, "x", None], 1, 1),
    (Literal[1, True, "x", None], True, True),
    (Literal[1, True, "x", None], None, None),
    (Literal[Color.RED], "red", Color.RED),
    (Color, "red", Color.RED),
    (Level, 2, Level.HIGH),
    (Odd, 1, Odd.A),
    (Odd, 2.5, Odd.C),
    (Odd, "beta", Odd.B),
    (Color | None, None, None),
    (list[Color], ["red", "blue"], [Color.RED, Color.BLUE]),
    (UserId, 5, 5),
    (Annotated[int, "anything"], 5, 5),
    (T, [1], [1]),
    (Bound, "x", "x"),
    (Point, [1, 2], Point(1, 2)),
    (Point, [1], Point(1, 0)),
    (Point, {"y": 2, "x": 1}, Point(1, 2)),
    (list[Point], [[1, 2], {"x": 3}], [Point(1, 2), Point(3, 0)]),
]


@pytest.mark.parametrize(("tp", "stored", "expected"), VALUES, ids=lambda v: str(v)[:40])
def test_values(bx, tp, stored, expected):
    value = decode(bx, tp, stored)
    assert same(value, stored if expected is ... else expected)


REFUSED = [
    # annotation, stored value, part of the message
    (int, 5.0, "expected int, got double"),
    (int, "5", "expected int, got string"),
    (int, True, "expected int, got bool"),
    (bool, 1, "expected bool, got int"),
    (float, "1", "expected float, got string"),
    (str, 5, "expected str, got int"),
    (str, b"x", "expected str, got binData"),
    (bytes, "x", "expected bytes, got string"),
    (None, 0, "expected None, got int"),
    (datetime.datetime, "2020-01-01", "expected datetime, got string"),
    (datetime.date, datetime.datetime(2020, 1, 1, 1), "a date with a time of day"),
    (datetime.time, "late", "Invalid isoformat"),
    (datetime.timedelta, 1.5, "expected timedelta, got double"),
    (datetime.timedelta, 2**62, "too large"),
    (datetime.date, datetime.datetime(2020, 1, 1, 0, 0, 0, 1000), "a time of day"),
    (uuid.UUID, b"0123456789abcdef", "subtype 0"),
    (decimal.Decimal, "1", "expected Decimal, got string"),
    (decimal.Decimal, 1, "expected Decimal, got int"),
    (pathlib.Path, 5, "expected Path, got int"),
    (list[int], [1, "x"], "v[1]"),
    (list[int], {"a": 1}, "expected list[int], got object"),
    (tuple[int, str], [1], "length 1"),
    (tuple[int, str], [1, "a", 2], "length over 2"),
    (set[list[int]], [[1]], "unhashable"),
    (dict[str, int], {"a": {"b": 1}}, "v.a"),
    (dict[str, int], [1], "expected dict[int], got array"),
    (int | None, "x", "expected int | None, got string"),
    (list[int] | list[str], [1, "a"], "fits no alternative of list[int] | list[str]"),
    (Literal["a"], "b", "expected Literal['a'], got 'b'"),
    (Literal[1], True, "got bool"),
    (Color, "green", "expected Color, got 'green'"),
    (Color, 5, "expected Color, got int"),
    (Odd, "gamma", "'gamma' is not a valid Odd"),
    (Pair, ["b", "a"], "is not a valid Pair"),
    (Point, [1, 2, 3], "length over 2"),
    (Point, [], "Point needs the field 'x'"),
    (bytearray, b"x", "expected bytearray, got bytes"),
]


@pytest.mark.parametrize(("tp", "stored", "text"), REFUSED, ids=lambda v: str(v)[:40])
def test_refused(bx, tp, stored, text):
    refuse(bx, tp, stored, text)


def test_the_types_of_bson(bx):
    from bsonx.raw_bson import RawBSONDocument

    values = [
        bx.ObjectId(),
        bx.Int64(5),
        bx.Binary(b"x", 7),
        bx.Code("x"),
        bx.Code("x", {"a": 1}),
        bx.DBRef("c", 1),
        bx.Decimal128("1.5"),
        bx.MaxKey(),
        bx.MinKey(),
        bx.Regex("a", "i"),
        bx.Timestamp(1, 2),
    ]
    for value in values:
        got = decode(bx, type(value), value)
        assert same(got, value), value
        assert same(decode(bx, type(value) | None, value), value)
        refuse(bx, type(value), "other", f"expected {type(value).__name__}, got string")
    moment = datetime.datetime(1970, 1, 1, 0, 0, 1)
    assert same(decode(bx, bx.DatetimeMS, moment), bx.DatetimeMS(1000))
    assert same(decode(bx, bx.Int64, 7), bx.Int64(7))
    assert same(decode(bx, bx.Binary, b"x"), bx.Binary(b"x", 0))
    assert type(decode(bx, int, bx.Int64(5))) is int
    raw = decode(bx, RawBSONDocument, {"a": {"b": 1}})
    assert type(raw) is RawBSONDocument and raw["a"]["b"] == 1
    son = decode(bx, bx.SON, {"a": {"b": 1}})
    assert type(son) is bx.SON and type(son["a"]) is bx.SON


def test_decimals(bx):
    assert same(decode(bx, decimal.Decimal, bx.Decimal128("1.50")), decimal.Decimal("1.50"))
    assert str(decode(bx, decimal.Decimal, bx.Decimal128("NaN"))) == "NaN"
    assert same(decode(bx, decimal.Decimal | bx.Decimal128, bx.Decimal128("1")), decimal.Decimal(1))


def test_other_stored_forms_of_strings_and_null(bx):
    symbol = b"\x0ev\0\2\0\0\0s\0"
    undefined = b"\x06v\0"
    for element, tp, expected in ((symbol, str, "s"), (undefined, int | None, None)):
        data = (len(element) + 5).to_bytes(4, "little") + element + b"\0"
        assert bx.decode(data, type=holder(tp)).v == expected


class Shade(str, enum.Enum):  # noqa: UP042
    DARK = "dark"
    LIGHT = "light"


class Tone(enum.StrEnum):
    DARK = "dark"

    @classmethod
    def _missing_(cls, value):
        return cls.DARK if value == "black" else None


class Word(str):
    pass


Short = Annotated[str, msgspec.Meta(max_length=4)]


@pytest.mark.parametrize(
    ("tp", "good", "key", "bad"),
    [
        (Shade, "dark", Shade.DARK, "red"),
        (Tone, "black", Tone.DARK, "red"),
        (Literal["dark"], "dark", "dark", "red"),
        (Literal[Shade.DARK], "dark", Shade.DARK, "light"),
        (Literal["a", "b"] | Shade, "light", Shade.LIGHT, "c"),
        (Shade | str, "red", "red", None),
        (NewType("New", Shade), "dark", Shade.DARK, "red"),
        (Word, "x", Word("x"), None),
        (Short, "dark", "dark", "black"),
        (Any, "x", "x", None),
        (T, "x", "x", None),
    ],
    ids=str,
)
def test_keys_of_a_declared_type(bx, tp, good, key, bad):
    for mapping in (dict, typing.Mapping, collections.OrderedDict, collections.defaultdict):
        got = decode(bx, mapping[tp, int], {good: 1})
        assert got == {key: 1}
        assert [type(k) for k in got] == [type(key)]
        if bad is not None:
            from bsonx.typed import TypedDecodeError

            data = bx.encode({"v": {good: 1, bad: 2}})
            with pytest.raises(TypedDecodeError) as info:
                bx.decode(data, type=holder(mapping[tp, int]))
            assert info.value.path == f"v.{bad}"
            assert 0 <= info.value.offset < len(data)


def test_default_dicts_have_a_factory(bx):
    for tp, default in (
        (list[int], []),
        (int, 0),
        (str, ""),
        (typing.Sequence[int], []),
        (set[int], set()),
        (typing.Mapping[str, int], {}),
        (Annotated[dict[str, int], "x"], {}),
        (collections.Counter[str], collections.Counter()),
    ):
        for alias in (collections.defaultdict[str, tp], typing.DefaultDict[str, tp]):  # noqa: UP006
            got = decode(bx, alias, {})
            assert type(got) is collections.defaultdict
            assert same(got["new"], default), tp
    nested = decode(bx, collections.defaultdict[str, collections.defaultdict[str, int]], {})
    nested["a"]["b"] += 1
    assert nested == {"a": {"b": 1}}

    @dataclasses.dataclass
    class Boxed(typing.Generic[T]):
        v: collections.defaultdict[str, T]

    assert bx.decode(bx.encode({"v": {}}), type=Boxed[list[int]]).v["new"] == []
    from bsonx.typed import prepare

    for tp in (
        collections.defaultdict,
        collections.defaultdict[str, Any],
        collections.defaultdict[str, int | None],
        collections.defaultdict[str, Color],
    ):
        with pytest.raises(TypeError, match=r"Holder\.v: a defaultdict of .* has no default"):
            prepare(holder(tp))


def test_members_of_enums_of_every_stored_type(bx):
    class Price(enum.Enum):
        CHEAP = decimal.Decimal("1.50")
        FREE = decimal.Decimal(0)

    class Mixed(enum.Enum):
        DAY = datetime.date(2020, 1, 1)
        SPAN = datetime.timedelta(seconds=1)
        TIME = datetime.time(1, 2)
        KEY = U
        TEXT = "01:02:03"

    assert decode(bx, Price, bx.Decimal128("1.5")) is Price.CHEAP
    refuse(bx, Price, bx.Decimal128("2"), "expected Price")
    for member, stored in (
        (Mixed.DAY, datetime.datetime(2020, 1, 1)),
        (Mixed.SPAN, 1000),
        (Mixed.TIME, "01:02:00"),
        (Mixed.KEY, U),
        (Mixed.TEXT, "01:02:03"),
    ):
        assert decode(bx, Mixed, stored) is member


def test_members_of_enums_of_several_kinds_come_back(bx):
    class Mixed(enum.Enum):
        NONE = None
        ONE = 1
        DAY = datetime.date(2020, 1, 1)
        NOON = datetime.datetime(2020, 1, 1, 12, 0, 0, 5000)
        LATE = datetime.datetime(
            2020, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=-8))
        )
        KEY = U
        PRICE = decimal.Decimal("1.5")
        BYTES = b"x"
        PAIR = (5.9, ("a", 1))
        LIST = [1]
        FILE = pathlib.PurePosixPath("/tmp/x")
        REGEX = bx.Regex("a", 2)

    aware = bx.CodecOptions(tz_aware=True)
    for member in Mixed:
        data = bx.encode(holder(Mixed)(member))
        for options in (None, aware):
            assert bx.decode(data, options, type=holder(Mixed)).v is member
        assert decode(bx, Literal[member], bx.decode(data)["v"]) is member
        assert decode(bx, Mixed | bool, True) is True
    for value in (True, 1.0, "x", [1.0, 2], bx.Binary(b"x", 2), {"a": 1}, bx.Regex("a")):
        refuse(bx, Mixed, value, "Mixed")


def test_parameters_with_defaults(bx):
    typing_extensions = pytest.importorskip("typing_extensions")
    Default = typing_extensions.TypeVar("Default", default=int)

    @dataclasses.dataclass
    class Page(typing.Generic[Default]):
        item: Default

    assert bx.decode(bx.encode({"item": 5}), type=Page).item == 5
    assert bx.decode(bx.encode({"item": "x"}), type=Page[str]).item == "x"
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match="expected int, got string"):
        bx.decode(bx.encode({"item": "x"}), type=Page)


def test_patterns_that_python_does_not_know(bx):
    refuse(bx, re.Pattern, bx.Regex("(a"), "invalid pattern")


def test_datetimes_follow_the_options(bx):
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5)
    aware = bx.CodecOptions(tz_aware=True)
    assert decode(bx, datetime.datetime, moment, aware) == moment.replace(tzinfo=UTC)
    # what the field is declared as counts, not the conversion of the options
    only_ms = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_MS)
    assert decode(bx, datetime.datetime, moment, only_ms) == moment
    assert decode(bx, datetime.date, moment.replace(hour=0, minute=0, second=0), aware)
    far = bx.DatetimeMS(2**50)
    clamp = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_CLAMP)
    assert decode(bx, datetime.datetime, far, clamp).year == 9999
    with pytest.raises(bx.InvalidBSON, match="37648"):
        decode(bx, datetime.datetime, far)
    assert same(decode(bx, bx.DatetimeMS, far), far)


def test_uuids_need_no_option_for_the_standard_form(bx):
    from bsonx.binary import JAVA_LEGACY, Binary

    java = Binary.from_uuid(U, JAVA_LEGACY)
    refuse(bx, uuid.UUID, java, "subtype 3")
    legacy = bx.CodecOptions(uuid_representation=JAVA_LEGACY)
    assert decode(bx, uuid.UUID, java, legacy) == U
    assert decode(bx, uuid.UUID, U, legacy) == U
    refuse(bx, uuid.UUID, bx.Binary(b"short", 4), "length 5")


def test_values_without_a_declared_type_follow_the_options(bx):
    class ToStr(bx.codec_options.TypeDecoder):
        bson_type = bx.ObjectId

        def transform_bson(self, value):
            return f"<{value}>"

    oid = bx.ObjectId()
    registry = bx.codec_options.TypeRegistry([ToStr()])
    options = bx.CodecOptions(type_registry=registry, tz_aware=True)
    assert decode(bx, Any, [oid], options) == [f"<{oid}>"]
    assert decode(bx, bx.ObjectId, oid, options) == oid  # the declared type wins
    assert decode(bx, str | bx.ObjectId, oid, options) == oid


def test_a_type_that_only_a_decoder_makes(bx):
    class Money:
        def __init__(self, value):
            self.value = value

    class ToMoney(bx.codec_options.TypeDecoder):
        bson_type = bx.Decimal128

        def transform_bson(self, value):
            return Money(value.to_decimal())

    options = bx.CodecOptions(type_registry=bx.codec_options.TypeRegistry([ToMoney()]))
    assert decode(bx, Money, bx.Decimal128("1.5"), options).value == decimal.Decimal("1.5")
    refuse(bx, Money, bx.Decimal128("1.5"), "expected Money, got Decimal128")


def test_nested_documents_without_a_type_are_plain(bx):
    value = decode(bx, Any, {"a": {"$ref": "c", "$id": 1}, "b": {"x": [{}]}})
    assert value == {"a": bx.DBRef("c", 1), "b": {"x": [{}]}}
    assert type(value["b"]["x"][0]) is dict


def test_constraints_of_msgspec_are_checked(bx):
    checked = Annotated[int, msgspec.Meta(ge=1, lt=10)]
    assert decode(bx, checked, 5) == 5
    refuse(bx, checked, 0, "expected a value >= 1")
    refuse(bx, checked, 10, "expected a value < 10")
    assert decode(bx, checked | None, None) is None
    short = Annotated[str, msgspec.Meta(max_length=3, pattern="^a")]
    assert decode(bx, short, "abc") == "abc"
    refuse(bx, short, "abcd", "of length <= 3")
    refuse(bx, short, "bcd", "matching '^a'")
    refuse(bx, list[short], ["a", "b"], "v[1]")


@pytest.mark.parametrize(
    ("tp", "text"),
    [
        (dict[int, str], "keys of a document are of type str"),
        (dict[Color, str], "keys of a document are of type str"),
        (dict[datetime.time, str], "keys of a document are of type str"),
        (dict[str | int, str], "keys of a document are of type str"),
        (5, "cannot decode BSON to 5"),
        (list["Nowhere"], "Nowhere"),  # noqa: F821
    ],
    ids=str,
)
def test_what_no_plan_can_be_made_of(bx, tp, text):
    with pytest.raises(TypeError, match=r"Holder\.v|cannot resolve") as info:
        bx.decode(bx.encode({}), type=holder(tp))
    assert text in str(info.value)


def test_annotations_that_nothing_stands_for(bx):
    from bsonx.typed import prepare

    attrs = pytest.importorskip("attrs")
    pydantic = pytest.importorskip("pydantic")

    class Struct(msgspec.Struct):
        v: "Nowhere"  # noqa: F821

    class Named(typing.NamedTuple):
        v: "Nowhere"  # noqa: F821

    class Model(pydantic.BaseModel):
        v: "Nowhere"  # noqa: F821

    class Root(pydantic.RootModel["Nowhere"]):
        pass

    for tp in (
        dataclasses.make_dataclass("Data", [("v", "Nowhere")]),
        attrs.make_class("Attrs", {"v": attrs.field(type="Nowhere")}),
        pydantic.dataclasses.dataclass(dataclasses.make_dataclass("Data", [("v", "Nowhere")])),
        Struct,
        Named,
        Model,
        Root,
        holder(Model),
    ):
        for _ in range(2):
            with pytest.raises(TypeError, match=r"cannot resolve the annotation.*Nowhere"):
                prepare(tp)


@pytest.mark.parametrize("tp", [int, str, list, list[int], int | None, type("Plain", (), {})])
def test_documents_decode_to_classes_with_fields_only(bx, tp):
    with pytest.raises(TypeError):
        bx.decode(bx.encode({}), type=tp)


# ---- recursive types ----


@dataclasses.dataclass
class Tree:
    value: int
    children: "list[Tree]" = dataclasses.field(default_factory=list)
    parent: "Tree | None" = None


class Chain(msgspec.Struct):
    value: int
    next: "Chain | None" = None


def test_recursive_types(bx):
    tree = {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}, {"value": 4}]}
    expected = Tree(1, [Tree(2, [Tree(3)]), Tree(4)])
    assert bx.decode(bx.encode(tree), type=Tree) == expected
    chain = {"value": 1, "next": {"value": 2, "next": {"value": 3}}}
    assert bx.decode(bx.encode(chain), type=Chain) == Chain(1, Chain(2, Chain(3)))


# ---- generics ----


@dataclasses.dataclass
class Box(typing.Generic[T]):
    content: T
    more: list[T] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Crate(Box[int], typing.Generic[T]):
    label: T | None = None


class Cell(msgspec.Struct, typing.Generic[T]):
    content: T


def test_generic_classes(bx):
    data = bx.encode({"content": 5, "more": [1]})
    assert bx.decode(data, type=Box[int]) == Box(5, [1])
    assert bx.decode(data, type=Box[float]).more == [1.0]
    assert type(bx.decode(data, type=Box[float]).content) is float
    assert bx.decode(data, type=Box) == Box(5, [1])
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match="expected str, got int"):
        bx.decode(data, type=Box[str])
    nested = bx.encode({"content": {"content": "x"}})
    assert bx.decode(nested, type=Box[Box[str]]) == Box(Box("x"))
    crate = bx.encode({"content": 1, "label": "x"})
    assert bx.decode(crate, type=Crate[str]) == Crate(1, [], "x")
    with pytest.raises(TypedDecodeError, match="label"):
        bx.decode(crate, type=Crate[int])
    assert bx.decode(bx.encode({"content": [1]}), type=Cell[list[int]]) == Cell([1])


class Link(msgspec.Struct, typing.Generic[T]):
    content: T
    next: "Link[T] | None" = None


@dataclasses.dataclass
class Chest(Box[list[T]], typing.Generic[T]):
    box: Box[T] | None = None
    link: Link[list[T]] | None = None


@dataclasses.dataclass
class Bounded(typing.Generic[Bound]):
    box: Box[Bound]


def test_generic_classes_that_hand_on_their_own_parameters(bx):
    # T of the one class and T of the other are one object: without arguments it stood for itself.
    for tp in (Link, Link[T], Link[Any]):
        document = {"content": 1, "next": {"content": "x"}}
        assert bx.decode(bx.encode(document), type=tp) == Link(1, Link("x"))
    document = {"content": [1], "box": {"content": "x"}, "link": {"content": [1]}}
    for tp in (Chest, Chest[T]):
        assert bx.decode(bx.encode(document), type=tp) == Chest([1], [], Box("x"), Link([1]))
    refuse(bx, Chest, {"content": 1}, "expected list")
    assert bx.decode(bx.encode({"box": {"content": "x"}}), type=Bounded) == Bounded(Box("x"))
    refuse(bx, Bounded, {"box": {"content": 1}}, "expected str, got int")


# ---- unions of classes ----


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    age: int
    friend: "Cat | Dog | None" = None


class One(msgspec.Struct, tag=1, tag_field="version"):
    x: int


class Two(msgspec.Struct, tag=2, tag_field="version"):
    x: str


def test_unions_by_tag(bx):
    from bsonx.typed import TypedDecodeError

    either = Cat | Dog
    dog = Dog(3, Cat(9))
    data = bx.encode(dog)
    assert bx.decode(data)["type"] == "Dog"
    assert bx.decode(data, type=either) == dog
    assert bx.decode(bx.encode({"lives": 9, "type": "Cat"}), type=either) == Cat(9)
    for document, text in (
        ({"lives": 9}, "no field 'type'"),
        ({"type": "Cow"}, "unknown tag 'Cow'"),
        ({"type": None}, "unknown tag of type null"),
        ({"type": ["Cat"]}, "unknown tag of type array"),
    ):
        with pytest.raises(TypedDecodeError, match=text):
            bx.decode(bx.encode(document), type=either)
    with pytest.raises(TypedDecodeError, match="expected the tag 'Cat'") as info:
        bx.decode(bx.encode({"lives": 1, "type": "Dog"}), type=Cat)
    assert info.value.path == "type"
    assert bx.decode(bx.encode({"lives": 1}), type=Cat) == Cat(1)
    assert bx.decode(bx.encode(Two("a")), type=One | Two) == Two("a")
    assert bx.decode(bx.encode({"version": 1, "x": 1}), type=One | Two) == One(1)


@dataclasses.dataclass
class Circle:
    kind: Literal["circle"]
    radius: float


@dataclasses.dataclass
class Square:
    kind: Literal["square"]
    side: float


def test_unions_in_order(bx):
    from bsonx.typed import TypedDecodeError

    shape = Circle | Square
    assert bx.decode(bx.encode({"kind": "square", "side": 2}), type=shape) == Square("square", 2.0)
    assert bx.decode(bx.encode({"kind": "circle", "radius": 2}), type=shape) == Circle(
        "circle", 2.0
    )
    with pytest.raises(TypedDecodeError, match=r"fits no alternative of Circle \| Square"):
        bx.decode(bx.encode({"kind": "line"}), type=shape)
    assert decode(bx, list[shape | str], ["x", {"kind": "circle", "radius": 1}]) == [
        "x",
        Circle("circle", 1.0),
    ]
