"""CSV values: given types, guessed types, nulls."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsonx.csv import CONVERTERS
from bsonx.datetime_ms import DatetimeMS
from bsonx.decimal128 import Decimal128
from bsonx.objectid import ObjectId
from mongodriver.ingest.csv.guess import guess
from mongodriver.ingest.csv.types import column, parse_types
from mongodriver.ingest.errors import IngestError


def converter_for(kind):
    found = column("c", kind)
    return found.convert or CONVERTERS[found.kind]


def guessed(sample):
    """What converts the texts of a column with such values."""
    return CONVERTERS[guess(sample)]


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
    "text",
    [
        *("a", "a:", "a:integer", ":int", "a:int,", "a:int,a:str", "a:int(5)"),
        *("a:date(%Q)", "a:date(%)", "a:date(%Y-%Y)"),
    ],
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
        (["1.5"], "12e4", 120000.0),
        (["12e4", "13e5"], "12e4", "12e4"),  # may be part numbers
        (["1.5"], "1e+999", "1e+999"),
        (["1.5"], "1e-999", "1e-999"),
        (["1.5"], "0e-999", 0.0),
        (["1.5"], "1234567890123456", 1234567890123456),
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
        (["-0", "7"], "-5", -5),
        ([], "1", "1"),
        (["N123", "1"], "1", "1"),
    ],
)
def test_guesses(sample, text, value):
    converted = guessed(sample)(text)
    assert converted == value
    assert type(converted) is type(value)


def test_minus_zero_keeps_its_sign():
    assert str(guessed(["-0"])("-0")) == "-0.0"


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_integer_column_is_guessed(values):
    convert = guessed(map(str, values))
    assert [convert(str(value)) for value in values] == values


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=8))
def test_a_guess_never_fails_and_loses_nothing(sample, text):
    """Whatever comes, the value is the text itself or prints as an equal value again."""
    value = guessed(sample)(text)
    if isinstance(value, bool):
        assert str(value).lower() == text.lower()
    elif isinstance(value, int | float):
        assert float(text) == value or value != value
    elif not isinstance(value, datetime):
        assert value == text


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        (["999.5", "1e3", "1000.5"], "float?"),
        (["1998", "1999", "2e3", "2001"], "float?"),
        (["1998", "1e+05"], "float?"),
        (["1.", "2.", "3.5"], "float?"),
        (["+1.5", "-2.5"], "float?"),
        (["+1", "-2"], "int?"),
        ([".5", "-.25"], "float?"),
        (["1E3", "1.0"], "float?"),
        # Where all are like that, they may be no numbers.
        (["1e3", "2e3"], "str"),
        (["1.", "2."], "str"),
        (["+49", "+1"], "str"),
        (["007", "8"], "str"),
        (["1", "99999999999999999999"], "str"),
    ],
)
def test_f5_how_programs_write_numbers(sample, kind):
    """R writes 1000 as 1e3: a number where others are; the caution is for whole columns."""
    assert guess(sample) == kind
    convert = guessed(sample)
    assert all(isinstance(convert(text), str) == (kind == "str") for text in sample)


@pytest.mark.parametrize("text", ["NaN", "nan", "NAN", "-nan", "Inf", "-inf", "Infinity", "+Inf"])
@pytest.mark.parametrize("others", [["1.5", "2"], ["1", "2"], []])
def test_f13_nan_and_infinities_among_numbers(text, others):
    kind = guess([text, *others])
    assert kind == ("int?" if others == ["1", "2"] else "float?")
    value = CONVERTERS[kind](text)
    assert type(value) is float
    assert value != value or value == float(text)


@pytest.mark.parametrize(
    ("common", "kind"),
    [("1.5", "float?"), ("12", "int?"), ("2020-01-31", "date?"), ("true", "bool?")],
)
@pytest.mark.parametrize("odd", ["unknown", "2020-02-31", "1e999", "?"])
def test_f13_what_is_rare_makes_no_column_text(common, kind, odd):
    """It stays text itself."""
    assert guess([common] * 100 + [odd]) == kind
    assert CONVERTERS[kind](odd) == odd
    assert guess([common] * 98 + [odd]) == "str"


@pytest.mark.parametrize("code", ["00501", "99999999999999999999"])
def test_digits_that_are_no_number_decide_for_text(code):
    """However rare they are: zip codes of the one state that has a 0 in front."""
    assert guess(["10001"] * 999 + [code]) == "str"


@pytest.mark.parametrize("text", ["Nan", "INFINITY", "iNF", "N", "nano"])
def test_names_are_no_numbers(text):
    assert guess([text]) == "str"
    assert guessed(["1.5"])(text) == text


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", " 5\t", 5),
        ("float", "  1.5", 1.5),
        ("bool", " yes ", True),
        ("decimal", " 1.10 ", Decimal128("1.10")),
        ("date", " 2020-01-31 ", datetime(2020, 1, 31, tzinfo=UTC)),
        ("date(%d.%m.%Y)", " 31.1.2020", datetime(2020, 1, 31, tzinfo=UTC)),
        ("objectid", " 0123456789abcdef01234567", ObjectId("0123456789abcdef01234567")),
        ("str", " x ", " x "),
    ],
)
def test_f7_blanks_beside_given_types(kind, text, value):
    assert converter_for(kind)(text) == value


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ([" 1.5", " -2.25 "], "float?"),
        (["\t7", " 8"], "int?"),
        ([" TRUE", "false "], "bool?"),
        ([" 2020-01-31"], "date?"),
        ([" x", " 1"], "str"),
    ],
)
def test_f7_blanks_beside_guessed_types(sample, kind):
    assert guess(sample) == kind
    values = [guessed(sample)(text) for text in sample]
    assert values == sample if kind == "str" else not any(isinstance(v, str) for v in values)


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("+10000-01-01", 253402300800000),
        ("0000-12-31T23:59:59.999Z", -62135596800001),
        ("-0001-01-01", -62198755200000),
        ("9999-12-31T23:59:59-01:00", 253402304399000),
        ("+292278994-08-17T07:12:55.807Z", 2**63 - 1),
        ("-292275055-05-16T16:47:04.192Z", -(2**63)),
    ],
)
def test_f9_dates_that_python_cannot_hold(text, millis):
    assert converter_for("date")(text) == DatetimeMS(millis)
    assert guess([text]) == "date?"
    assert guessed([text])(text) == DatetimeMS(millis)


@pytest.mark.parametrize(
    "text",
    [
        "+292278994-08-17T07:12:55.808Z",
        "10000-01-01",
        "+1-01-01",
        "0000-02-30",
        "2020-13-01",
        "2020-01-01T24:00",
        "2020-01-01T23:60",
        "2020-01-01T10:00:60",
        "2020-01-01T10:00+24:00",
    ],
)
def test_f9_dates_that_are_none(text):
    assert guess([text]) == "str"
    with pytest.raises(ValueError, match="is not an ISO 8601 date"):
        converter_for("date")(text)


@given(st.datetimes(), st.sampled_from(["", "Z", "+05:30", "-0200"]))
def test_dates_as_python_reads_them(moment, offset):
    text = moment.isoformat(timespec="milliseconds") + offset
    expected = datetime.fromisoformat(text)
    expected = expected.replace(tzinfo=UTC) if expected.tzinfo is None else expected
    value = guessed([text])(text)
    if isinstance(value, datetime):
        assert value == expected
    else:
        assert int(value) not in range(-62135596800000, 253402300800000)


@pytest.mark.parametrize("null", ["NA", "N/A", "NULL", "null", "None", "<NA>", r"\N", " NA", "  "])
def test_what_programs_write_for_null(null):
    """Null in columns that are not text."""
    assert guess(["1", null]) == "int?"
    assert guess(["x", null]) == "str"
