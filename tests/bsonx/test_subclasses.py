"""Values of subclasses: which of their own methods count when they are encoded.

As PyMongo has it, subclasses of the containers, numbers and strings are read as their base holds
them. Those of datetime, timedelta, UUID, Binary and Code are asked, because they may keep their
value elsewhere: pandas.Timestamp and NaT do.
"""

import collections
import datetime
import enum
import importlib
import sys
import types
import uuid

import bson
import pytest

from implementations import CPYTHON

DT = datetime.datetime
HOURS = datetime.timedelta(hours=2)
AWARE = datetime.timezone(datetime.timedelta(hours=1))
PARTS = (2020, 1, 2, 3, 4, 5, 678901)


class Moment(DT):
    """Overrides nothing."""


class NoTime(DT):
    """What pandas.NaT does."""

    def utcoffset(self):
        raise ValueError("has no offset")

    def timetuple(self):
        raise ValueError("has no time")

    def __sub__(self, other):
        raise ValueError("no arithmetic")


class Offset(DT):
    """Overrides utcoffset() only; tzinfo is None."""

    def utcoffset(self):
        return HOURS


class NoOffset(DT):
    def utcoffset(self):
        return None


class NumberOffset(DT):
    def utcoffset(self):
        return 3


class HugeOffset(DT):
    def utcoffset(self):
        return datetime.timedelta.max


class FarYear(DT):
    """What pandas.Timestamp does beyond the year 9999: the base holds a stand-in."""

    year = property(lambda self: 20000)


class OtherYear(DT):
    year = property(lambda self: 1999)


class BadMicrosecond(DT):
    microsecond = property(lambda self: 10**9)


class Span(datetime.timedelta):
    """What pandas.Timedelta does with units of seconds: the base holds 0."""

    days = property(lambda self: 1)
    seconds = property(lambda self: 2)
    microseconds = property(lambda self: 3000)


class SpanOffset(DT):
    def utcoffset(self):
        return Span(0)


class SpanZone(datetime.tzinfo):
    def utcoffset(self, moment):
        return Span(0)


class Day(datetime.date):
    year = property(lambda self: 1999)


def millis(*parts):
    return int((DT(*parts) - DT(1970, 1, 1)) // datetime.timedelta(milliseconds=1))


# What all ways make of a moment: milliseconds, or the exception.
MOMENTS = [
    (Moment(*PARTS), millis(*PARTS)),
    (Moment(*PARTS, tzinfo=AWARE), millis(2020, 1, 2, 2, 4, 5, 678901)),
    (NoTime(*PARTS), ValueError("has no offset")),
    (NoTime(*PARTS, tzinfo=AWARE), ValueError("has no offset")),
    (Offset(*PARTS), millis(2020, 1, 2, 1, 4, 5, 678901)),
    (Offset(*PARTS, tzinfo=AWARE), millis(2020, 1, 2, 1, 4, 5, 678901)),
    (NoOffset(*PARTS, tzinfo=AWARE), millis(*PARTS)),
    (NumberOffset(*PARTS), TypeError("utcoffset() must return None or a timedelta")),
    (HugeOffset(*PARTS), OverflowError("date value out of range")),
    (FarYear(*PARTS), ValueError("20000")),
    (OtherYear(*PARTS), millis(1999, *PARTS[1:])),
    (BadMicrosecond(*PARTS), ValueError("microsecond")),
    (SpanOffset(*PARTS), millis(2020, 1, 1, 3, 4, 3, 675901)),
    (DT(*PARTS, tzinfo=SpanZone()), millis(2020, 1, 1, 3, 4, 3, 675901)),
    (DT.min.replace(tzinfo=AWARE), OverflowError("date value out of range")),
]


@pytest.mark.parametrize("value, right", MOMENTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("way", ["encode", "profile", "DatetimeMS", "Timestamp", "ObjectId"])
def test_moments_are_asked(bx, way, value, right):
    python = bx.CodecOptions(profile="python")
    auto = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_MS)
    ways = {
        "encode": lambda: int(bx.decode(bx.encode({"v": value}), auto)["v"]),
        "profile": lambda: int(bx.decode(bx.encode({"v": value}, codec_options=python), auto)["v"]),
        "DatetimeMS": lambda: int(bx.DatetimeMS(value)),
        "Timestamp": lambda: bx.Timestamp(value, 1).time,
        "ObjectId": lambda: int.from_bytes(bx.ObjectId.from_datetime(value).binary[:4], "big"),
    }
    if isinstance(right, Exception):
        with pytest.raises(type(right)) as caught:
            ways[way]()
        if CPYTHON or type(right) is not OverflowError:  # datetime's own words
            assert str(right) in str(caught.value)
        return
    seconds = way in ("Timestamp", "ObjectId")
    assert ways[way]() == (right // 1000 if seconds else right)


@pytest.mark.parametrize("value", [NoTime(*PARTS), Offset(*PARTS), Moment(*PARTS, tzinfo=AWARE)])
def test_moments_like_pymongo(bx, value):
    def stored(encode):
        try:
            return encode({"v": value})
        except ValueError as exc:
            return type(exc), str(exc)

    assert stored(bx.encode) == stored(bson.encode)


def test_no_time_is_null_under_the_profile_if_pandas_says_so(bx, monkeypatch):
    nat, other = NoTime(1, 1, 1), NoTime(1, 1, 1)
    python = bx.CodecOptions(profile="python")

    def stored(value):
        return bx.decode(bx.encode({"v": value}, codec_options=python))["v"]

    with pytest.raises(ValueError, match="has no offset"):
        stored(nat)
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace())
    with pytest.raises(ValueError, match="has no offset"):
        stored(nat)  # pandas is in the middle of its import
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(NaT=nat))
    assert stored(nat) is None
    assert stored([nat, {"a": nat}]) == [None, {"a": None}]
    with pytest.raises(ValueError, match="has no offset"):
        stored(other)
    with pytest.raises(ValueError, match="has no offset"):
        bx.encode({"v": nat})  # as PyMongo


def test_real_pandas(bx):
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    python = bx.CodecOptions(profile="python")
    frame = pandas.DataFrame(
        {
            "when": pandas.to_datetime(["2020-01-01", None]),
            "span": pandas.to_timedelta(["1s", None]),
        }
    )
    rows = [bx.decode(bx.encode(row, codec_options=python)) for row in frame.to_dict("records")]
    assert rows == [{"when": DT(2020, 1, 1), "span": 1000}, {"when": None, "span": None}]
    far = pandas.Timestamp(numpy.datetime64("20000-01-01", "s"))
    for value in (pandas.NaT, far):
        with pytest.raises(ValueError, match=r"utcoffset|20000"):
            bx.encode({"v": value})
        with pytest.raises(ValueError, match=r"utcoffset|20000"):
            bx.DatetimeMS(value)


def test_dates_and_durations_of_the_profile_are_asked(bx):
    python = bx.CodecOptions(profile="python")
    stored = bx.decode(bx.encode({"a": Day(2020, 2, 3), "b": Span(0)}, codec_options=python))
    assert stored == {"a": DT(1999, 2, 3), "b": 86400000 + 2000 + 3}


def test_from_datetime_wants_a_datetime(bx):
    for wrong in (5, "2020", datetime.date(2020, 1, 1), None):
        with pytest.raises(AttributeError, match="utcoffset"):
            bx.ObjectId.from_datetime(wrong)


# ---- what has no say ----


class Number(int):
    def __int__(self):
        return 99

    __index__ = __int__

    def __lt__(self, other):
        return True

    def __le__(self, other):
        return False

    __ge__ = __le__


class Unordered(int):
    def __lt__(self, other):
        raise AssertionError("compared")

    __le__ = __gt__ = __ge__ = __lt__


class Level(enum.IntEnum):
    HIGH = 5


class Text(str):
    def encode(self, *args):
        return b"other"

    def __str__(self):
        return "other"

    def __len__(self):
        return 100


class Name(enum.StrEnum):
    ANY = "x"


class Ratio(float):
    def __float__(self):
        return 9.0


class Data(bytes):
    def __bytes__(self):
        return b"other"

    def __len__(self):
        return 7

    def __buffer__(self, flags):
        return memoryview(b"other")


class Changed(dict):
    def items(self):
        return [("x", 1)]

    def __iter__(self):
        return iter(["x"])

    def __getitem__(self, key):
        return 42

    def __len__(self):
        return 1


class Ordered(collections.OrderedDict):
    def items(self):
        return [("x", 1)]

    def __iter__(self):
        return iter(["z"])

    def __getitem__(self, key):
        return 42

    def __contains__(self, key):
        return False


class List(list):
    def __iter__(self):
        return iter([7])

    def __getitem__(self, index):
        return 8

    def __len__(self):
        return 1


class Tuple(tuple):
    def __iter__(self):
        return iter([7])

    def __getitem__(self, index):
        return 8

    def __len__(self):
        return 1


class Default(collections.defaultdict):
    def __missing__(self, key):
        raise AssertionError("asked")


BASES = [
    # a value, what its base holds
    (Number(5), 5),
    (Number(2**40), 2**40),
    (Unordered(5), 5),
    (Level.HIGH, 5),
    (Text("abc"), "abc"),
    (Text("é"), "é"),
    (Name.ANY, "x"),
    (Ratio(1.5), 1.5),
    (Data(b"abc"), b"abc"),
    (Changed(y=1, _id=3, z=2), {"y": 1, "_id": 3, "z": 2}),
    (Ordered(y=1, _id=3, z=2), {"y": 1, "_id": 3, "z": 2}),
    (Ordered(y=1, z=2), {"y": 1, "z": 2}),
    (List([1, 2]), [1, 2]),
    (Tuple((1, 2)), [1, 2]),
    (Default(int, a=1), {"a": 1}),
    ({Text("abc"): 1}, {"abc": 1}),
    ({Name.ANY: 1}, {"x": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"b": 2, "a": 1}),
    (collections.namedtuple("Pair", "a b")(1, 2), [1, 2]),
]


@pytest.mark.parametrize(("value", "held"), BASES, ids=lambda value: type(value).__name__)
def test_read_as_the_base_holds_it(bx, value, held):
    for document, plain in ((value, held), ({"v": value}, {"v": held})):
        if isinstance(document, collections.abc.Mapping):
            assert bx.encode(document) == bx.encode(plain)
            if CPYTHON:
                assert bx.encode(document) == bson.encode(document)


@pytest.mark.parametrize("number", [2**70, -(2**70)])
def test_numbers_beyond_64_bits_as_the_base_holds_them(bx, number):
    with pytest.raises(OverflowError):
        bx.encode({"v": Number(number)})


def test_an_id_that_is_no_plain_str_is_written_once(bx):
    document = {"z": 1, Text("_id"): 2}
    assert bx.encode(document) == bson.encode(document)
    document = {"a": 1, Text("_id"): 2, "b": 3}
    assert [*bx.decode(bx.encode(document))] == ["_id", "a", "b"]


def test_an_ordered_dict_keeps_its_own_order(bx):
    document = collections.OrderedDict(a=1, b=2, _id=3)
    document.move_to_end("a")
    assert [*bx.decode(bx.encode({"v": document}))["v"]] == ["b", "_id", "a"]
    assert [*bx.decode(bx.encode(document))] == ["_id", "b", "a"]


# ---- what is asked ----

HEX = "12345678123456781234567812345678"


class Bytes16(uuid.UUID):
    bytes = property(lambda self: b"x" * 15 + b"y")


class Bytes1(uuid.UUID):
    bytes = property(lambda self: b"x")
    bytes_le = property(lambda self: b"x")


class BytesText(uuid.UUID):
    bytes = property(lambda self: "x" * 16)
    bytes_le = property(lambda self: "x" * 16)


class BytesRaise(uuid.UUID):
    bytes = property(lambda self: {}["bytes"])


@pytest.mark.parametrize("representation", [3, 4, 5, 6])
def test_uuids_are_asked_for_their_bytes(bx, representation):
    ours = bx.CodecOptions(uuid_representation=representation)
    theirs = bson.CodecOptions(uuid_representation=representation)
    value = {"v": Bytes16(HEX)}
    assert bx.encode(value, codec_options=ours) == bson.encode(value, codec_options=theirs)
    for kind, error in ((Bytes1, ValueError), (BytesText, TypeError), (BytesRaise, KeyError)):
        with pytest.raises(error):
            bx.encode({"v": kind(HEX)}, codec_options=ours)


def made(package):
    """Instances of subclasses of the package's types, which override what is asked."""

    class Subtype(package.Binary):
        subtype = property(lambda self: 77)

        def __bytes__(self):
            return b"other"

    class Old(package.Binary):
        subtype = property(lambda self: 2)

    class Scoped(package.Code):
        scope = property(lambda self: {"q": 1})

        def __str__(self):
            return "other"

        def encode(self, *args):
            return b"other"

    class Pattern(package.Regex):
        pattern = property(lambda self: "p", lambda self, value: None)
        flags = property(lambda self: 2, lambda self, value: None)

    class Id(package.ObjectId):
        binary = property(lambda self: b"y" * 12)

    class Time(package.Timestamp):
        time = property(lambda self: 77)

    class Decimal(package.Decimal128):
        bid = property(lambda self: b"y" * 16)

    class Millis(package.DatetimeMS):
        def __int__(self):
            return 77

    class Reference(package.DBRef):
        def as_doc(self):
            return {"$r": 1}

    class Long(package.Int64):
        def __int__(self):
            return 99

    return [
        Subtype(b"abc", 3), Old(b"abc", 3), Scoped("abc", {"a": 1}), Pattern("abc", 4),
        Id(b"x" * 12), Time(1, 2), Decimal("1"), Millis(5), Reference("c", 1), Long(5),
    ]  # fmt: skip


@pytest.mark.parametrize("index", range(10))
def test_bson_types_are_asked_as_in_pymongo(bx, index):
    bson_types = types.SimpleNamespace(**{
        name: getattr(importlib.import_module(f"bson.{module}"), name)
        for name, module in [
            ("Binary", "binary"), ("Code", "code"), ("Regex", "regex"), ("ObjectId", "objectid"),
            ("Timestamp", "timestamp"), ("Decimal128", "decimal128"), ("DBRef", "dbref"),
            ("DatetimeMS", "datetime_ms"), ("Int64", "int64"),
        ]
    })  # fmt: skip
    theirs = bson.encode({"v": made(bson_types)[index]})
    assert bx.encode({"v": made(bx)[index]}) == theirs


@pytest.mark.parametrize("subtype, error", [(256, ValueError), (-1, ValueError), ("5", TypeError)])
def test_a_subtype_out_of_range(bx, subtype, error):
    class Wrong(bx.Binary):
        pass

    Wrong.subtype = property(lambda self: subtype)
    with pytest.raises(error):
        bx.encode({"v": Wrong(b"abc", 3)})


@pytest.mark.parametrize("document", [[1], 5, "ab", None])
def test_a_reference_must_be_a_mapping(bx, document):
    class Reference(bx.DBRef):
        def as_doc(self):
            return document

    with pytest.raises(TypeError, match="encoder expected a mapping type but got"):
        bx.encode({"v": Reference("c", 1)})


def test_a_raw_document_inside_is_copied(bx):
    from bsonx.raw_bson import RawBSONDocument  # that of the package under test

    raw = RawBSONDocument(bx.encode({"b": 1, "a": {"c": 2}}))
    assert bx.encode({"v": bx.Code("x", raw)}) == bx.encode({"v": bx.Code("x", dict(raw))})
