"""The table of types in docs/typed.md, in both directions and for every kind of class.

What an instance is stored with must come back, also in a pydantic model that has a validator, and
so is read in another way than one that has none.
"""

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import re
import typing
import uuid
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

# They have no wheels for every interpreter.
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")
typing_extensions = pytest.importorskip("typing_extensions")

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "typed.md"
UTC = datetime.UTC
NEW_YORK = ZoneInfo("America/New_York")

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


class Color(enum.Enum):
    RED = "red"


class Shade(enum.StrEnum):
    DARK = "dark"


class Level(enum.IntEnum):
    LOW = 1


class Price(enum.Enum):
    CHEAP = decimal.Decimal("1.50")
    FREE = decimal.Decimal(0)


class Delay(enum.Enum):
    SHORT = datetime.timedelta(seconds=1)


class Day(enum.Enum):
    FIRST = datetime.date(2020, 1, 1)


@dataclasses.dataclass
class Inner:
    price: decimal.Decimal
    key: uuid.UUID
    seen: int = dataclasses.field(init=False, default=0)


class Struct(msgspec.Struct):
    price: decimal.Decimal
    when: datetime.date


@attrs.define
class Attrs:
    price: decimal.Decimal
    when: datetime.date


class Model(pydantic.BaseModel):
    price: decimal.Decimal
    delay: datetime.timedelta


class Pair(typing.NamedTuple):
    price: decimal.Decimal
    key: uuid.UUID


class Movie(typing_extensions.TypedDict):  # pydantic refuses that of typing before 3.12
    price: decimal.Decimal


U = uuid.UUID("12345678-1234-5678-1234-567812345678")
D = decimal.Decimal("1.50")


def seen_inner():
    inner = Inner(D, U)
    inner.seen = 7
    return inner


def rows(bx):
    """Return the rows of the table: their first cell, and pairs of annotation and values."""
    from bsonx.raw_bson import RawBSONDocument

    moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)
    day, span = datetime.date(2020, 1, 2), datetime.timedelta(hours=-1, milliseconds=5)
    raw = RawBSONDocument(bx.encode({"a": {"b": 1}}))
    return {
        "`int`": [(int, [5, -(2**40)])],
        "`float`": [(float, [2.5, float("inf")])],
        "`str`, `bool`, `None`": [(str, ["é"]), (bool, [True, False]), (None, [None])],
        "`bytes`": [(bytes, [b"\0\1"]), (bx.Binary, [bx.Binary(b"x"), bx.Binary(b"x" * 16, 3)])],
        "`datetime`": [
            (datetime.datetime, [moment]),
            (bx.DatetimeMS, [bx.DatetimeMS(5), bx.DatetimeMS(2**60)]),
        ],
        "`date`": [(datetime.date, [day, datetime.date(1901, 12, 31)])],
        "`time`": [(datetime.time, [datetime.time(1, 2, 3, 4), datetime.time(23, tzinfo=UTC)])],
        "`timedelta`": [(datetime.timedelta, [span, datetime.timedelta(days=40000)])],
        "`UUID`": [(uuid.UUID, [U])],
        "`Decimal`": [(decimal.Decimal, [D])],
        "`ObjectId` and the other BSON types": [
            (bx.ObjectId, [bx.ObjectId()]),
            (bx.Int64, [bx.Int64(5), bx.Int64(2**40)]),
            (bx.Decimal128, [bx.Decimal128("1.50")]),
            (bx.Code, [bx.Code("x"), bx.Code("x", {"a": 1})]),
            (bx.DBRef, [bx.DBRef("c", 1)]),
            (bx.MaxKey, [bx.MaxKey()]),
            (bx.MinKey, [bx.MinKey()]),
            (bx.Regex, [bx.Regex("a", "i")]),
            (bx.Timestamp, [bx.Timestamp(1, 2)]),
        ],
        "`Enum`, `Literal`": [
            (Color, [Color.RED]),
            (Shade, [Shade.DARK]),
            (Level, [Level.LOW]),
            (Price, [Price.CHEAP, Price.FREE]),
            (Delay, [Delay.SHORT]),
            (Day, [Day.FIRST]),
            (Literal["a", 5, True], ["a", 5, True]),
            (Literal[Color.RED], [Color.RED]),
            (Literal[Level.LOW, "x"], [Level.LOW, "x"]),
        ],
        "`Path`": [(pathlib.Path, [pathlib.Path("/tmp/x")])],
        "`re.Pattern`": [(re.Pattern, [re.compile("a", re.IGNORECASE)])],
        ARRAYS: [
            (list[uuid.UUID], [[U], []]),
            (typing.Sequence[decimal.Decimal], [[D]]),
            (set[uuid.UUID], [{U}]),
            (frozenset[datetime.timedelta], [frozenset({span})]),
            (tuple[decimal.Decimal, ...], [(D, D)]),
            (tuple[decimal.Decimal, uuid.UUID, int], [(D, U, 5)]),
            (collections.deque[uuid.UUID], [collections.deque([U])]),
            (list[Pair], [[Pair(D, U)]]),
        ],
        "`dict[str, T]`, `Mapping[str, T]`": [
            (dict[str, uuid.UUID], [{"a": U}]),
            (typing.Mapping[str, datetime.date], [{"a": day}]),
            (dict[Shade, decimal.Decimal], [{Shade.DARK: D}]),
            (dict[Literal["a"], bytes], [{"a": b"x"}]),
            (collections.OrderedDict[str, decimal.Decimal], [collections.OrderedDict(a=D)]),
            (collections.defaultdict[str, list[int]], [collections.defaultdict(list, {"a": [1]})]),
        ],
        "a class with fields": [
            (Inner, [Inner(D, U), seen_inner()]),
            (Struct, [Struct(D, day)]),
            (Attrs, [Attrs(D, day)]),
            (Model, [Model(price=D, delay=span)]),
            (Pair, [Pair(D, U)]),
            (Movie, [Movie(price=D)]),
            (list[Struct] | None, [[Struct(D, day)], None]),
        ],
        "`SON`, `RawBSONDocument`, other mappings": [
            (bx.SON, [bx.SON(a=bx.SON(b=1))]),
            (RawBSONDocument, [raw]),
            (collections.Counter[str], [collections.Counter(a=2)]),
        ],
        "`Any`, `object`": [(Any, [[1, {"a": "b"}]]), (object, ["x"])],
        "`A \\| B`": [
            (int | str | None, [5, "a", None]),
            (uuid.UUID | bytes, [U, b"x"]),
            (uuid.UUID | str, [U, "x"]),
            (decimal.Decimal | str, [D, "x"]),
            (
                re.Pattern | str | None,
                [re.compile("a"), None],
            ),  # pydantic makes patterns of strings
            (datetime.timedelta | str, [span, "x"]),
            (Model | str, [Model(price=D, delay=span), "x"]),
            (list[decimal.Decimal] | None, [[D], None]),
        ],
    }


ARRAYS = (
    "`list[T]`, `Sequence[T]`, `deque[T]`, `set[T]`, `frozenset[T]`, `tuple[T, ...]`, `tuple[A, B]`"
)


def first_cells():
    """Return the first cells of the table of types in the document."""
    text = DOCS.read_text(encoding="utf-8")
    table = text[text.index("| annotation | stored as |") :].split("\n\n")[0]
    return {re.split(r"(?<!\\)\|", line)[1].strip() for line in table.splitlines()[2:]}


def test_every_row_of_the_table_is_tried(bx):
    assert set(rows(bx)) == first_cells()


# ---- one field of every type ----


def checked_pydantic(tp):
    class Checked(direct_pydantic(tp)):
        @pydantic.field_validator("v")
        @classmethod
        def _same(cls, value):
            return value

    return Checked


def direct_pydantic(tp):
    config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    return pydantic.create_model("Direct", __config__=config, v=(tp, ...))


def pydantic_dataclass(tp):
    config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    return pydantic.dataclasses.dataclass(
        dataclasses.make_dataclass("Data", [("v", tp)]), config=config
    )


def attrs_class(tp):
    return attrs.define(type("Attrs", (), {"__annotations__": {"v": tp}}))


MAKERS = {
    "dataclass": lambda tp: dataclasses.make_dataclass("Data", [("v", tp)]),
    "attrs": attrs_class,
    "msgspec": lambda tp: msgspec.defstruct("Struct", [("v", tp)]),
    "namedtuple": lambda tp: typing.NamedTuple("Tuple", [("v", tp)]),
    "pydantic": direct_pydantic,
    "pydantic with a validator": checked_pydantic,
    "pydantic dataclass": pydantic_dataclass,
}


def all_options(bx):
    """Return options under which every type must come back, as far as times are equal."""
    return [
        bx.CodecOptions(),
        bx.CodecOptions(tz_aware=True, tzinfo=NEW_YORK),
        bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_MS),
        bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_AUTO),
        bx.CodecOptions(uuid_representation=4),
        bx.CodecOptions(uuid_representation=bx.binary.JAVA_LEGACY, profile="python"),
    ]


def naive(value):
    """Return a datetime without its zone: whether there is one, the options say."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_stored_comes_back(bx, maker):
    for row, cases in rows(bx).items():
        for tp, values in cases:
            cls = MAKERS[maker](tp)
            for value in values:
                for options in all_options(bx):
                    try:
                        data = bx.encode(cls(v=value), codec_options=options)
                        got = naive(bx.decode(data, options, type=cls).v)
                    except Exception as exc:
                        exc.add_note(f"{row}: {tp} {value!r} {options}")
                        raise
                    assert got == value and type(got) is type(value), (row, tp, options)


def test_what_is_stored_comes_back_in_a_typeddict(bx):
    for cases in rows(bx).values():
        for tp, values in cases:
            fields = {"v": tp}
            cls = typing.TypedDict("Dict", fields)
            holder = dataclasses.make_dataclass("Holder", [("d", cls)])
            for value in values:
                got = bx.decode(bx.encode(holder({"v": value})), type=holder).d["v"]
                assert naive(got) == value and type(got) is type(value), tp
