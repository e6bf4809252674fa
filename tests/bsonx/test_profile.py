"""CodecOptions(profile="python"): more types in, friendlier ones out."""

import copy
import dataclasses
import datetime
import decimal
import enum
import pathlib
import pickle
import uuid

import pytest


class Color(enum.Enum):
    RED = "red"
    NESTED = ("a", 1)


class Number(enum.IntEnum):
    ONE = 1


class Inner(enum.Enum):
    COLOR = Color.RED


@dataclasses.dataclass
class Point:
    x: int
    color: Color = Color.RED


U = uuid.UUID("12345678-1234-5678-1234-567812345678")
UTC = datetime.UTC


def options(bx, **more):
    return bx.CodecOptions(profile="python", **more)


def stored(bx, value, **more):
    """Return the value as plain decoding sees it."""
    return bx.decode(bx.encode({"v": value}, codec_options=options(bx, **more)))["v"]


VALUES = [
    # value, what is stored
    (datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2)),
    (datetime.date(1, 1, 1), datetime.datetime(1, 1, 1)),
    (datetime.date(9999, 12, 31), datetime.datetime(9999, 12, 31)),
    (datetime.time(1, 2, 3, 4), "01:02:03.000004"),
    (datetime.time(1, 2, tzinfo=UTC), "01:02:00+00:00"),
    (datetime.timedelta(seconds=1.5), 1500),
    (datetime.timedelta(microseconds=-1), -1),
    (datetime.timedelta(days=20000), 20000 * 86400000),
    (datetime.timedelta.max, 86399999999999999),
    (Color.RED, "red"),
    (Color.NESTED, ["a", 1]),
    (Number.ONE, 1),
    (Inner.COLOR, "red"),
    ({5}, [5]),
    (frozenset(["a"]), ["a"]),
    (set(), []),
    ({Color.RED}, ["red"]),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (pathlib.PureWindowsPath("a/b"), "a\\b"),
    (pathlib.Path("x"), "x"),
    (Point(1), {"x": 1, "color": "red"}),
    ([{"a": {Color.RED}}], [{"a": ["red"]}]),
]


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=lambda v: repr(v)[:40])
def test_values(bx, value, expected):
    got = stored(bx, value)
    assert got == expected
    if isinstance(expected, bool | float):
        assert type(got) is type(expected)


def test_durations_are_int64(bx):
    assert type(stored(bx, datetime.timedelta(0))) is bx.Int64


def test_decimals(bx):
    for text in ("1.50", "-0", "1E+3", "NaN", "Infinity", "9" * 34):
        assert stored(bx, decimal.Decimal(text)) == bx.Decimal128(text)
    with pytest.raises(bx.InvalidDocument, match="no exact Decimal128 form") as info:
        bx.encode({"a": [decimal.Decimal("1" * 35)]}, codec_options=options(bx))
    assert info.value.path == "a[0]"
    assert isinstance(info.value.__cause__, ValueError)


def test_uuids_are_standard(bx):
    assert stored(bx, U) == bx.Binary.from_uuid(U)
    assert stored(bx, U, uuid_representation=5).subtype == 3


@pytest.mark.parametrize(
    "value",
    [object(), range(3), iter([]), 1j, bytearray(b"x")],
    ids=lambda value: type(value).__name__,
)
def test_what_stays_unencodable(bx, value):
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": value}, codec_options=options(bx))


STRICT = [
    datetime.date(2020, 1, 2),
    datetime.time(1),
    datetime.timedelta(1),
    Color.RED,
    {1},
    frozenset(),
    decimal.Decimal(1),
    pathlib.Path("x"),
]


@pytest.mark.parametrize("value", STRICT, ids=lambda value: type(value).__name__)
def test_without_the_profile_all_is_as_strict_as_ever(bx, value):
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": value})
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": [value]}, codec_options=bx.CodecOptions(tz_aware=True))


def test_inside_instances_the_profile_always_holds(bx):
    @dataclasses.dataclass
    class Doc:
        a: object
        b: uuid.UUID = U

    got = bx.decode(bx.encode({"d": Doc([{Color.RED}, decimal.Decimal("1")])}))
    assert got == {"d": {"a": [["red"], bx.Decimal128("1")], "b": bx.Binary.from_uuid(U)}}
    assert bx.decode(bx.encode(Doc(datetime.date(2020, 1, 1))))["a"] == datetime.datetime(
        2020, 1, 1
    )
    # and ends with them
    with pytest.raises(bx.InvalidDocument):
        bx.encode({"d": Doc(1), "e": {1}})
    with pytest.raises(ValueError, match="UuidRepresentation"):
        bx.encode({"d": Doc(1), "e": U})


def test_decoding_gives_aware_datetimes_and_uuids(bx):
    data = bx.encode({"t": datetime.datetime(2020, 1, 2), "u": bx.Binary.from_uuid(U)})
    got = bx.decode(data, options(bx))
    assert got == {"t": datetime.datetime(2020, 1, 2, tzinfo=UTC), "u": U}
    assert got["t"].utcoffset() == datetime.timedelta(0)
    naive = bx.decode(data, options(bx, tz_aware=False))
    assert naive["t"].tzinfo is None


def test_round_trips(bx):
    document = {"t": datetime.datetime(2020, 1, 2, tzinfo=UTC), "u": U, "n": [1, {"a": None}]}
    chosen = options(bx)
    assert bx.decode(bx.encode(document, codec_options=chosen), chosen) == document


def test_a_recursive_enum_ends(bx):
    class Loop(enum.Enum):
        A = 1

    Loop.A._value_ = [Loop.A]
    with pytest.raises(RecursionError):
        bx.encode({"v": Loop.A}, codec_options=options(bx))


def test_converters_come_before_the_profile_and_the_fallback_after(bx):
    class AsText(bx.codec_options.TypeEncoder):
        python_type = decimal.Decimal

        def transform_python(self, value):
            return str(value)

    registry = bx.codec_options.TypeRegistry([AsText()], lambda value: repr(value))
    assert stored(bx, decimal.Decimal("1.5"), type_registry=registry) == "1.5"
    assert stored(bx, Color.RED, type_registry=registry) == "red"
    assert stored(bx, 1j, type_registry=registry) == "1j"
    to_date = bx.codec_options.TypeRegistry(fallback_encoder=lambda _: datetime.date(2020, 1, 1))
    assert stored(bx, 1j, type_registry=to_date) == datetime.datetime(2020, 1, 1)


# ---- the option ----


def test_the_option(bx):
    chosen = bx.CodecOptions(profile="python")
    assert chosen.profile == "python" and bx.CodecOptions().profile is None
    assert chosen.tz_aware is True
    assert chosen.uuid_representation == bx.UuidRepresentation.STANDARD
    assert bx.CodecOptions(dict, False, profile="python").tz_aware is False
    assert bx.CodecOptions(profile="python", uuid_representation=5).uuid_representation == 5
    assert len(chosen) == 7
    for bad in ("Python", "", 5):
        with pytest.raises(ValueError, match="profile must be 'python' or None"):
            bx.CodecOptions(profile=bad)


def test_the_option_in_copies(bx):
    chosen = bx.CodecOptions(profile="python")
    assert chosen.with_options(tz_aware=False).profile == "python"
    assert chosen.with_options(tz_aware=False).tz_aware is False
    assert chosen.with_options(profile=None).profile is None
    upgraded = bx.CodecOptions(tzinfo=UTC, tz_aware=True).with_options(profile="python")
    assert upgraded == bx.CodecOptions(tzinfo=UTC, profile="python")
    assert bx.CodecOptions().with_options(profile="python") == chosen
    java = bx.CodecOptions(uuid_representation=5).with_options(profile="python")
    assert java.uuid_representation == 5


def test_the_option_in_comparisons(bx):
    chosen = bx.CodecOptions(profile="python")
    same = bx.CodecOptions(tz_aware=True, uuid_representation=4)
    assert chosen == bx.CodecOptions(profile="python")
    assert chosen != same and same != chosen
    assert tuple(chosen) == tuple(same)
    assert bx.CodecOptions() == bx.CodecOptions()


def test_the_option_in_pickles(bx):
    chosen = bx.CodecOptions(profile="python")
    for again in (pickle.loads(pickle.dumps(chosen)), copy.copy(chosen), copy.deepcopy(chosen)):
        assert again == chosen and again.profile == "python"
    assert pickle.loads(pickle.dumps(bx.CodecOptions())).profile is None


def test_the_option_in_the_repr(bx):
    assert repr(bx.CodecOptions(profile="python")).endswith(", profile='python')")
    assert "profile" not in repr(bx.CodecOptions())


def test_the_longest_timedeltas(bx):
    for span in (datetime.timedelta.max, datetime.timedelta.min):
        assert stored(bx, span) == span // datetime.timedelta(milliseconds=1)
