"""CSV values: given types, guessed types, nulls."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsonx.decimal128 import Decimal128
from bsonx.objectid import ObjectId
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.types import RowBuilder, _Memo, converter_for, guess, parse_types


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "0", 0),
        ("int", "-12", -12),
        ("int", "+007", 7),
        ("long", "9223372036854775807", 2**63 - 1),
        ("int", "-9223372036854775808", -(2**63)),
        ("float", "1", 1.0),
        ("float", "-.5e3", -500.0),
        ("double", "inf", float("inf")),
        ("double", "0e-400", 0.0),
        ("bool", "TRUE", True),
        ("bool", "no", False),
        ("bool", "0", False),
        ("str", "007", "007"),
        ("string", "", ""),
        ("decimal", "1.10", Decimal128("1.10")),
        ("objectid", "0123456789abcdef01234567", ObjectId("0123456789abcdef01234567")),
        ("date", "2013-01-01", datetime(2013, 1, 1, tzinfo=UTC)),
        ("date", "2013-01-01T10:00:00Z", datetime(2013, 1, 1, 10, tzinfo=UTC)),
        (
            "date",
            "2013-01-01 10:00:00.250+02:00",
            datetime(2013, 1, 1, 8, 0, 0, 250000, tzinfo=UTC),
        ),
        ("date(%d/%m/%Y %H:%M)", "31/12/2013 23:59", datetime(2013, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_given_types(kind, text, value):
    converted = converter_for(kind)(text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1.0"),
        ("int", "1_000"),
        ("int", " 1"),
        ("int", "١"),
        ("int", "9223372036854775808"),
        ("int", "-9223372036854775809"),
        ("int", "9" * 5000),
        ("float", "1,5"),
        ("float", "1_0.5"),
        ("float", "١"),
        ("float", "1e400"),
        ("float", "-1e400"),
        ("float", "1e-400"),
        ("decimal", "١"),
        ("bool", "maybe"),
        ("decimal", "ten"),
        ("objectid", "0123"),
        ("date", "yesterday"),
        ("date", "2013-02-30"),
        ("date(%d/%m/%Y)", "2013-01-01"),
    ],
)
def test_what_does_not_fit_a_given_type(kind, text):
    with pytest.raises(ValueError, match=r"is not|does not match|is too large or") as caught:
        converter_for(kind)(text)
    assert len(str(caught.value)) < 120


def test_parse_types():
    text = "a:int, b : date ,c d:date(%d.%m.%Y, %H:%M),e:skip"
    assert parse_types(text) == {
        "a": "int",
        "b": "date",
        "c d": "date(%d.%m.%Y, %H:%M)",
        "e": "skip",
    }
    assert parse_types("") == {}


@pytest.mark.parametrize(
    "text", ["a", "a:", "a:integer", ":int", "a:int,", "a:int,a:str", "a:int(5)"]
)
def test_bad_types(text):
    with pytest.raises(IngestError):
        parse_types(text)


@pytest.mark.parametrize(
    ("sample", "text", "value"),
    [
        (["1", "-5"], "12", 12),
        (["1"], "1.5", 1.5),  # a float among integers stays a number
        (["1"], "007", "007"),
        (["1"], "x", "x"),
        (["1"], "9223372036854775808", "9223372036854775808"),
        (["1", "2.5"], "3", 3.0),
        (["1.5"], "1e+05", 1e5),
        (["1.5"], "2.0E3", 2000.0),
        (["1.5"], "12e4", "12e4"),  # may be a part number
        (["1.5"], "1e+999", "1e+999"),
        (["1.5"], "1e-999", "1e-999"),
        (["1.5"], "0e-999", 0.0),
        (["1.5"], "1234567890123456", "1234567890123456"),
        (["true", "FALSE"], "True", True),
        (["true"], "t", "t"),
        (["1", "true"], "1", "1"),
        (
            ["2013-01-01", "2013-01-01T05:06:07.123Z"],
            "2013-06-01",
            datetime(2013, 6, 1, tzinfo=UTC),
        ),
        (["2013-01-01"], "2013-02-30", "2013-02-30"),
        (["20130101T000000Z"], "20130101T000000Z", "20130101T000000Z"),
        (["2013-01-01T05:06:07.123456Z"], "x", "x"),  # BSON dates have no microseconds
        (["00501", "10001"], "10001", "10001"),  # postal codes
        (["-0"], "-5", -5.0),
        ([], "1", "1"),
        (["N123", "1"], "1", "1"),
    ],
)
def test_guesses(sample, text, value):
    converted = guess(sample)(text)
    assert converted == value
    assert type(converted) is type(value)


def test_minus_zero_keeps_its_sign():
    assert str(guess(["-0"])("-0")) == "-0.0"


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_integer_column_is_guessed(values):
    convert = guess(map(str, values))
    assert [convert(str(value)) for value in values] == values


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=8))
def test_a_guess_never_fails_and_loses_nothing(sample, text):
    """Whatever comes, the value is the text itself or prints as an equal value again."""
    value = guess(sample)(text)
    if isinstance(value, bool):
        assert str(value).lower() == text.lower()
    elif isinstance(value, int | float):
        assert float(text) == value
    elif not isinstance(value, datetime):
        assert value == text


class TestRowBuilder:
    def test_types_guesses_and_text(self):
        names = ["id", "when", "n", "text"]
        builder = RowBuilder(
            names, {"when": "date", "id": "str"}, sample=[["1", "2013-01-01", "5", "a"]]
        )
        assert builder.build(["2", "2013-01-02", "6", "7"]) == {
            "id": "2",
            "when": datetime(2013, 1, 2, tzinfo=UTC),
            "n": 6,
            "text": "7",
        }
        plain = RowBuilder(names, {})
        assert plain.build(["1", "2", "3", "4"]) == dict(zip(names, "1234", strict=True))

    def test_nulls(self):
        """NA is a null among numbers; among texts it may be Namibia."""
        builder = RowBuilder(["n", "t"], {}, sample=[["1", "a"], ["NA", "NA"], ["", ""]])
        assert builder.build(["NA", "NA"]) == {"n": None, "t": "NA"}
        assert builder.build(["", ""]) == {"n": None, "t": None}

    def test_given_nulls(self):
        builder = RowBuilder(["n", "t"], {}, sample=[["1", "a"], ["-", "-"]], nulls=["-"])
        assert builder.build(["-", "-"]) == {"n": None, "t": None}
        assert builder.build(["", ""]) == {"n": "", "t": ""}

    def test_omitted_fields(self):
        builder = RowBuilder(["a", "b", "c"], {"b": "skip", "a": "int"}, omit_nulls=True)
        assert builder.build(["NA", "x", ""]) == {}
        assert builder.build(["1", "x", "y"]) == {"a": 1, "c": "y"}

    def test_skip_without_omitting_nulls(self):
        builder = RowBuilder(["a", "b"], {"b": "skip"})
        assert builder.build(["", "x"]) == {"a": None}

    def test_errors_name_the_column(self):
        builder = RowBuilder(["a", "b"], {"a": "int", "b": "int"})
        with pytest.raises(ValueError, match="column 'b': 'x' is not a 64-bit integer"):
            builder.build(["1", "x"])
        with pytest.raises(ValueError, match="3 fields where the header has 2"):
            builder.build(["1", "2", "3"])

    def test_a_type_for_no_column(self):
        with pytest.raises(IngestError, match="there is no column 'c'; there are a, b"):
            RowBuilder(["a", "b"], {"c": "int"})

    def test_many_values(self):
        """More distinct values than are remembered."""
        builder = RowBuilder(["n"], {"n": "int"})
        count = _Memo._LIMIT + 10
        assert [builder.build([str(n)])["n"] for n in range(count)] == list(range(count))
        assert len(builder._converters[0].__self__) <= _Memo._LIMIT
