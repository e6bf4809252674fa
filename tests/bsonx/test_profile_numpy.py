"""CodecOptions(profile="python") with numpy's scalars, where numpy can be had."""

import datetime

import pytest
from test_profile import options, stored

numpy = pytest.importorskip("numpy")

VALUES = [
    # value, what is stored
    (numpy.int8(-5), -5),
    (numpy.uint32(2**32 - 1), 2**32 - 1),
    (numpy.int64(2**40), 2**40),
    (numpy.bool_(True), True),
    (numpy.float32(0.5), 0.5),
    (numpy.float64(0.1), 0.1),
    (numpy.float16(2), 2.0),
    (numpy.longdouble(0.5), 0.5),
    (numpy.str_("x"), "x"),
    (numpy.bytes_(b"x"), b"x"),
    (numpy.datetime64("2020-01-02T03:04:05.678"), datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)),
    (numpy.datetime64("2020-01-02"), datetime.datetime(2020, 1, 2)),
    (numpy.datetime64(1500, "ns"), datetime.datetime(1970, 1, 1)),
    (numpy.datetime64("NaT"), None),
    (numpy.timedelta64(2, "s"), 2000),
    (numpy.timedelta64("NaT"), None),
]


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=lambda v: repr(v)[:40])
def test_values(bx, value, expected):
    got = stored(bx, value)
    assert got == expected
    if isinstance(expected, bool | float):
        assert type(got) is type(expected)


def test_durations_are_int64(bx):
    assert type(stored(bx, numpy.timedelta64(1, "ms"))) is bx.Int64


@pytest.mark.parametrize(
    "value", [numpy.array([1]), numpy.complex64(1)], ids=lambda value: type(value).__name__
)
def test_what_stays_unencodable(bx, value):
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": value}, codec_options=options(bx))


def test_numbers_beyond_a_double(bx):
    infinity = numpy.longdouble("inf")
    assert stored(bx, infinity) == float("inf")
    assert stored(bx, -infinity) == float("-inf")
    huge = numpy.finfo(numpy.longdouble).max
    if huge > numpy.finfo(numpy.float64).max:  # elsewhere it is a double itself
        for value in (huge, -huge):
            with pytest.raises(OverflowError, match="too large for a double"):
                stored(bx, value)


def test_numbers_beyond_64_bits(bx):
    with pytest.raises(OverflowError):
        bx.encode({"v": numpy.uint64(2**64 - 1)}, codec_options=options(bx))


STRICT = [numpy.int8(1), numpy.bool_(True), numpy.float32(1), numpy.datetime64(0, "s")]


@pytest.mark.parametrize("value", STRICT, ids=lambda value: type(value).__name__)
def test_without_the_profile_all_is_as_strict_as_ever(bx, value):
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": value})
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode({"v": [value]}, codec_options=bx.CodecOptions(tz_aware=True))


# ---- dates and durations: every unit, and what int64 milliseconds cannot hold ----

UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("count", [0, 1, -1, 5, 999, -999, 1001, 2024, -2024, 123456, -123456])
def test_numpy_units_as_numpy_converts_them(bx, unit, count):
    moment, span = numpy.datetime64(count, unit), numpy.timedelta64(count, unit)
    millis = int(moment.astype("datetime64[ms]").astype("int64"))
    encoded = bx.encode({"m": moment, "s": span}, codec_options=options(bx))
    plain = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_MS)
    stored = bx.decode(encoded, plain)
    assert int(stored["m"]) == millis
    assert stored["s"] == int(span.astype("timedelta64[ms]").astype("int64"))


def test_numpy_units_with_a_factor(bx):
    assert stored(bx, numpy.datetime64(3, "25s")) == datetime.datetime(1970, 1, 1, 0, 1, 15)
    assert stored(bx, numpy.datetime64(3, "2Y")) == datetime.datetime(1976, 1, 1)
    assert stored(bx, numpy.timedelta64(3, "100us")) == 0
    assert stored(bx, numpy.timedelta64(-1, "100us")) == -1
    assert stored(bx, numpy.timedelta64(7)) == 7  # no unit: milliseconds, as numpy casts it


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("count", [2**63 - 1, -(2**63) + 1, 2**62, -(2**62), 10**10])
@pytest.mark.parametrize("kind", [numpy.datetime64, numpy.timedelta64])
def test_numpy_times_that_milliseconds_cannot_hold(bx, kind, unit, count):
    if unit in ("ns", "ps", "fs", "as", "us", "ms"):
        per = {"ms": 1, "us": 10**3, "ns": 10**6, "ps": 10**9, "fs": 10**12, "as": 10**15}[unit]
        auto = bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_MS)
        got = bx.decode(bx.encode({"v": kind(count, unit)}, codec_options=options(bx)), auto)["v"]
        assert int(got) == count // per
        return
    days = {"Y": 365, "M": 30, "W": 7, "D": 1}.get(unit)
    exact = count * (days * 86400000 if days else {"h": 3600000, "m": 60000, "s": 1000}[unit])
    if abs(exact) < 9 * 10**18:
        assert bx.encode({"v": kind(count, unit)}, codec_options=options(bx))
        return
    with pytest.raises(OverflowError) as caught:
        bx.encode({"a": {"v": kind(count, unit)}}, codec_options=options(bx))
    assert caught.value.path == "a.v"


@pytest.mark.parametrize("kind", [numpy.datetime64, numpy.timedelta64])
@pytest.mark.parametrize("unit", [*UNITS, "25s"])
def test_no_numpy_time_is_null(bx, kind, unit):
    assert stored(bx, kind("NaT", unit)) is None
