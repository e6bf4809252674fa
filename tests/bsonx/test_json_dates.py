"""Dates in extended JSON: RFC 3339, and classes of dates that are not what they seem."""

import datetime
import decimal
import pathlib
import re
import sys
import types
from datetime import timedelta, timezone

import json_cases as cases
import pytest

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


def in_zone(**offset):
    return datetime.datetime(2020, 1, 1, 12, 0, 0, 5999, timezone(timedelta(**offset)))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (in_zone(hours=-5), "2020-01-01T12:00:00.005-05:00"),
        (in_zone(hours=5, minutes=30), "2020-01-01T12:00:00.005+05:30"),
        (in_zone(minutes=-1), "2020-01-01T12:00:00.005-00:01"),
        (in_zone(hours=23, minutes=59), "2020-01-01T12:00:00.005+23:59"),
        (in_zone(hours=0), "2020-01-01T12:00:00.005Z"),
        # Finer offsets than RFC 3339 knows: PyMongo writes what it cannot read.
        (in_zone(seconds=3601), "2020-01-01T10:59:59.005Z"),
        (in_zone(seconds=-1), "2020-01-01T12:00:01.005Z"),
        (in_zone(microseconds=6000), "2020-01-01T11:59:59.999Z"),
        (datetime.datetime(2020, 1, 1), "2020-01-01T00:00:00Z"),
        (datetime.datetime(1970, 1, 1), "1970-01-01T00:00:00Z"),
        (
            datetime.datetime(1969, 12, 31, 19, tzinfo=timezone(timedelta(hours=-5))),
            "1969-12-31T19:00:00-05:00",
        ),
        (
            datetime.datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
            "9999-12-31T23:00:00-05:00",
        ),
        (
            datetime.datetime(2020, 1, 1, tzinfo=cases.Offset(None)),
            "2020-01-01T00:00:00Z",
        ),
    ],
)
def test_offsets(ours, moment, text):
    assert RFC3339.fullmatch(text)
    legacy = ours.JSONOptions(json_mode=0, datetime_representation=2)
    for options in (ours.RELAXED_JSON_OPTIONS, legacy):
        for kwargs in ({}, {"indent": 0, "separators": (",", ": ")}):
            written = ours.dumps({"d": moment}, json_options=options, **kwargs)
            assert f'{{"$date": "{text}"}}' in written.replace("\n", "")
    assert ours.default(moment) == {"$date": text}
    aware = moment if moment.utcoffset() is not None else moment.replace(tzinfo=ours.utc)
    if aware.year < 9999:
        again = ours.loads(written, json_options=ours.JSONOptions(tz_aware=True))["d"]
        assert timedelta(0) <= aware - again < timedelta(milliseconds=1)


@pytest.mark.parametrize("offset", ["-05:00", "-0500", "-05"])
def test_all_forms_of_offsets_are_read(ours, offset):
    assert ours.loads(f'{{"$date": "2020-01-01T00:00:00{offset}"}}') == datetime.datetime(
        2020, 1, 1, 5
    )


def test_numbers_have_no_offset(ours):
    before = datetime.datetime(1969, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert ours.dumps(before) == '{"$date": {"$numberLong": "-31539600000"}}'
    moment = in_zone(hours=-5)
    assert ours.dumps(moment, json_options=ours.CANONICAL_JSON_OPTIONS) == (
        '{"$date": {"$numberLong": "1577898000005"}}'
    )
    assert ours.dumps(moment, json_options=ours.LEGACY_JSON_OPTIONS) == '{"$date": 1577898000005}'


class NotATime(datetime.datetime):
    """What pandas.NaT does: a datetime that has no time."""

    def utcoffset(self):
        raise ValueError("NaTType does not support utcoffset")

    def timetuple(self):
        raise ValueError("NaTType does not support timetuple")

    def __sub__(self, other):
        return self

    def __eq__(self, other):
        return False

    def __ne__(self, other):
        return True

    __hash__ = None


class Shifted(datetime.datetime):
    """Its offset is its own, without a tzinfo."""

    def utcoffset(self):
        return timedelta(hours=2)


def all_options(lib):
    return [lib.JSONOptions(json_mode=mode) for mode in (0, 1, 2)]


@pytest.mark.parametrize("value", [NotATime(1, 1, 1), NotATime(2020, 1, 1)])
def test_not_a_time(ours, value, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(NaT=value))
    for options in all_options(ours):
        for kwargs in ({}, {"indent": 1}, {"skipkeys": True}):
            with pytest.raises(ValueError, match="NaTType does not support utcoffset"):
                ours.dumps({"a": value}, json_options=options, **kwargs)
        python = options.with_options(profile="python")
        assert ours.dumps({"a": value}, json_options=python) == '{"a": null}'


def test_a_subclass_is_asked_for_its_offset(ours):
    value = Shifted(2020, 1, 1, 2)
    texts = [ours.dumps(value, json_options=options) for options in all_options(ours)]
    assert texts == [
        '{"$date": 1577836800000}',
        '{"$date": "2020-01-01T02:00:00+02:00"}',
        '{"$date": {"$numberLong": "1577836800000"}}',
    ]
    early = Shifted(1970, 1, 1, 1)
    assert ours.dumps(early) == '{"$date": {"$numberLong": "-3600000"}}'


def test_a_subclass_without_methods_of_its_own(ours):
    value = cases.MyDatetime(2020, 1, 1, 0, 0, 0, 5000)
    assert ours.dumps(value) == '{"$date": "2020-01-01T00:00:00.005Z"}'


def test_not_a_time_of_pandas(ours):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="NaTType does not support utcoffset"):
        ours.dumps({"a": pandas.NaT})
    python = ours.JSONOptions(profile="python")
    assert ours.dumps({"a": pandas.NaT}, json_options=python) == '{"a": null}'
    assert ours.dumps(pandas.Timestamp("2020-01-01T00:00:00.123456789")) == (
        '{"$date": "2020-01-01T00:00:00.123Z"}'
    )


def test_what_the_profile_adds(ours):
    """The types that encoding takes with profile="python" are written as what it makes of them."""
    value = {
        "date": datetime.date(2020, 1, 1),
        "time": datetime.time(1, 2),
        "span": timedelta(seconds=1.5),
        "decimal": decimal.Decimal("1.50"),
        "path": pathlib.PurePosixPath("/a"),
        "enum": cases.PlainEnum.A,
    }
    options = ours.JSONOptions(profile="python")
    for kwargs in ({}, {"skipkeys": True}):
        assert ours.loads(ours.dumps(value, json_options=options, **kwargs)) == {
            "date": datetime.datetime(2020, 1, 1),
            "time": "01:02:00",
            "span": 1500,
            "decimal": ours.Decimal128("1.50"),
            "path": "/a",
            "enum": "x",
        }
    with pytest.raises(TypeError, match="Object of type date is not JSON serializable"):
        ours.dumps(value)


def test_numpy_in_the_profile(ours):
    numpy = pytest.importorskip("numpy")
    options = ours.JSONOptions(profile="python")
    values = [numpy.datetime64("NaT"), numpy.int64(5), numpy.float32(0.5), numpy.bool_(True)]
    assert ours.dumps(values, json_options=options) == "[null, 5, 0.5, true]"
