"""CSV rows as a whole: header, quoting, bad rows."""

from datetime import UTC, datetime

import pytest

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers import CSVOptions, CSVReader

from .reading import read


def test_typed_rows():
    data = b"year,carrier,delay,when\n2013,UA,NA,2013-01-01T10:00:00Z\n2014,AA,1.5,2013-01-02\n"
    records, rejected = read(CSVReader, data)
    assert records == [
        (
            2,
            {
                "year": 2013,
                "carrier": "UA",
                "delay": None,
                "when": datetime(2013, 1, 1, 10, tzinfo=UTC),
            },
        ),
        (
            3,
            {"year": 2014, "carrier": "AA", "delay": 1.5, "when": datetime(2013, 1, 2, tzinfo=UTC)},
        ),
    ]
    assert rejected == []


def test_options():
    options = CSVOptions(
        delimiter=";",
        columns=["a", "b"],
        types={"a": "str"},
        infer=False,
        nulls=["x"],
        omit_nulls=True,
    )
    assert read(CSVReader, b"1;2\nx;4\n", options=options)[0] == [
        (1, {"a": "1", "b": "2"}),
        (2, {"b": "4"}),
    ]


def test_quotes_and_line_numbers():
    data = b'\xef\xbb\xbfa,b\r\n"x\ny","say ""hi"", ok"\r\n\r\n1,2\r\n'
    assert read(CSVReader, data) == (
        [(2, {"a": "x\ny", "b": 'say "hi", ok'}), (5, {"a": "1", "b": "2"})],
        [],
    )


@pytest.mark.parametrize("data", [b"", b"a,b\n", b"\n"])
def test_no_rows(data):
    assert read(CSVReader, data) == ([], [])


def test_unnamed_columns_get_a_name():
    assert read(CSVReader, b",a,\n1,2,3\n")[0] == [(2, {"column1": 1, "a": 2, "column3": 3})]


@pytest.mark.parametrize("header", [b"a,b,a", b"a,$b", b"a,b\0"])
def test_bad_headers(header):
    with pytest.raises(IngestError, match=r"named 'a'|cannot be the name"):
        read(CSVReader, header + b"\n1,2,3\n")


def test_bad_rows_are_rejected_alone():
    data = b"n,s\n1,a\n2\n3,b,c\nx,d\n4,\xff\n5,e\n"
    records, rejected = read(CSVReader, data, options=CSVOptions(types={"n": "int"}))
    assert records == [(2, {"n": 1, "s": "a"}), (7, {"n": 5, "s": "e"})]
    assert sorted(rejected) == [
        (3, b"2\n", "1 fields where the header has 2"),
        (4, b"3,b,c\n", "3 fields where the header has 2"),
        (5, b"x,d\n", "column 'n': 'x' is not a 64-bit integer"),
        (6, b"4,\xff\n", "not UTF-8 at byte 2: invalid start byte"),
    ]


def test_a_quote_that_is_never_closed():
    """All lines that it swallows are in the rejected record, and reading goes on behind it."""
    lines = [b'"open,a\n', *[b"%d,%s\n" % (n, b"x" * 1000) for n in range(140)]]
    records, [(number, raw, why)] = read(CSVReader, b"n,s\n1,a\n" + b"".join(lines))
    assert number == 3
    assert "field larger than field limit" in why
    swallowed = raw.count(b"\n")
    assert raw == b"".join(lines[:swallowed])
    assert [line for line, _ in records] == [2, *range(3 + swallowed, 144)]


def test_columns_are_guessed_from_the_beginning_only():
    rows = [f"{n},{n}\n" for n in range(1500)]
    rows[1200] = "1200,x\n"
    records, rejected = read(CSVReader, ("a,b\n" + "".join(rows)).encode())
    assert rejected == []
    assert [document["a"] for _, document in records] == list(range(1500))
    assert records[1199:1202] == [
        (1201, {"a": 1199, "b": 1199}),
        (1202, {"a": 1200, "b": "x"}),
        (1203, {"a": 1201, "b": 1201}),
    ]


def test_an_overlong_line():
    with pytest.raises(IngestError, match="a line is longer than 100 bytes"):
        read(CSVReader, b"a,b\n1," + b"x" * 1000, max_record=100)
