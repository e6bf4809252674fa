"""CSV rows as a whole: header, quoting, bad rows."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.errors import IngestError

from .reading import csv_records, read


def test_typed_rows():
    data = b"year,carrier,delay,when\n2013,UA,NA,2013-01-01T10:00:00Z\n2014,AA,1.5,2013-01-02\n"
    records, rejected = read(csv_records, data)
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
    assert read(csv_records, b"1;2\nx;4\n", options=options)[0] == [
        (1, {"a": "1", "b": "2"}),
        (2, {"b": "4"}),
    ]


def test_quotes_and_line_numbers():
    data = b'\xef\xbb\xbfa,b\r\n"x\ny","say ""hi"", ok"\r\n\r\n1,2\r\n'
    assert read(csv_records, data) == (
        [(2, {"a": "x\ny", "b": 'say "hi", ok'}), (5, {"a": "1", "b": "2"})],
        [],
    )


@pytest.mark.parametrize("data", [b"", b"a,b\n", b"\n"])
def test_no_rows(data):
    assert read(csv_records, data) == ([], [])


def test_unnamed_columns_get_a_name():
    assert read(csv_records, b",a,\n1,2,3\n")[0] == [(2, {"column1": 1, "a": 2, "column3": 3})]


@pytest.mark.parametrize("header", [b"a,b,a", b"a,$b", b"a,b\0"])
def test_bad_headers(header):
    with pytest.raises(IngestError, match=r"named 'a'|cannot be the name"):
        read(csv_records, header + b"\n1,2,3\n")


def test_bad_rows_are_rejected_alone():
    data = b"n,s\n1,a\n2\n3,b,c\nx,d\n4,\xff\n5,e\n"
    records, rejected = read(csv_records, data, options=CSVOptions(types={"n": "int"}))
    assert records == [(2, {"n": 1, "s": "a"}), (7, {"n": 5, "s": "e"})]
    assert sorted(rejected) == [
        (3, b"2\n", "1 fields where the header has 2"),
        (4, b"3,b,c\n", "3 fields where the header has 2"),
        (5, b"x,d\n", "column 'n': 'x' is not a 64-bit integer"),
        (6, b"4,\xff\n", "not UTF-8 at byte 2: invalid start byte"),
    ]


def test_a_field_without_end():
    """Only the line with the quote is rejected: what the quote swallows may be good rows."""
    lines = [b'"open,a\n', *[b"%d,%s\n" % (n, b"x" * 1000) for n in range(140)]]
    options = CSVOptions(max_field=131072)
    records, rejected = read(csv_records, b"n,s\n1,a\n" + b"".join(lines), options=options)
    why = "not CSV: the quote that opens in line 3 is not closed within 131072 bytes"
    assert rejected == [(3, lines[0], why)]
    assert [line for line, _ in records] == [2, *range(4, 144)]


NOT_CLOSED, MORE_TEXT = "is not closed", "is closed in front of more text"


@pytest.mark.parametrize(
    ("rows", "faults", "good"),
    [
        (b'1,"open\n2,b\n3,c\n', {2: (b'1,"open\n', 2, NOT_CLOSED)}, [3, 4]),
        (b'1,"open', {2: (b'1,"open', 2, NOT_CLOSED)}, []),
        (b'1,"', {2: (b'1,"', 2, NOT_CLOSED)}, []),
        (b'1,a\n2,"\n', {3: (b'2,"\n', 3, NOT_CLOSED)}, [2]),
        (b'1,"open ""x""\n2,b\n', {2: (b'1,"open ""x""\n', 2, NOT_CLOSED)}, [3]),
        (b'"a\nb","open\n3,c\n', {2: (b'"a\nb","open\n', 3, NOT_CLOSED)}, [4]),
        (b'1,"abc"def\n2,b\n', {2: (b'1,"abc"def\n', 2, MORE_TEXT)}, [3]),
        (b'1,"x" "y"\n2,b\n', {2: (b'1,"x" "y"\n', 2, MORE_TEXT)}, [3]),
        (b'1,"x" \n2,b\n', {2: (b'1,"x" \n', 2, MORE_TEXT)}, [3]),
        (b'1,""x\n2,b\n', {2: (b'1,""x\n', 2, MORE_TEXT)}, [3]),
        (
            b'1,"a\n2,"b\n3,"c\n',
            {
                2: (b'1,"a\n', 2, MORE_TEXT),
                3: (b'2,"b\n', 3, MORE_TEXT),
                4: (b'3,"c\n', 4, NOT_CLOSED),
            },
            [],
        ),
        (b'1,"a\r\n2,b\r\n', {2: (b'1,"a\r\n', 2, NOT_CLOSED)}, [3]),
    ],
)
def test_faulty_quotes(rows, faults, good):
    records, rejected = read(csv_records, b"n,s\n" + rows)
    assert [line for line, _ in records] == good
    assert {line: (raw, why) for line, raw, why in rejected} == {
        line: (raw, f"not CSV: the quote that opens in line {opened} {problem}")
        for line, (raw, opened, problem) in faults.items()
    }


def test_an_open_quote_counts_every_line():
    """Three fields: the rows behind the quote are no part of one record."""
    data = b'id,note,qty\n1,"unfinished,5\n2,fine,6\n3,fine,7\n'
    records, [(line, raw, _)] = read(csv_records, data)
    assert (line, raw) == (2, b'1,"unfinished,5\n')
    assert [document["id"] for _, document in records] == [2, 3]


def test_quotes_inside_unquoted_fields_are_text():
    assert read(csv_records, b'n,s\n1,5" pipe\n2,a "b" c\n') == (
        [(2, {"n": 1, "s": '5" pipe'}), (3, {"n": 2, "s": 'a "b" c'})],
        [],
    )


@given(st.text('a1,"\n', max_size=40), st.sampled_from([",", ";"]))
def test_every_line_is_accounted_for(text, delimiter):
    """Whatever the quotes do, each byte is in one record or one reject, or in an empty line."""
    data = text.encode()
    rejected = []
    options = CSVOptions(columns=["a", "b"], delimiter=delimiter)
    reader = csv_records(io.BytesIO(data), lambda *bad: rejected.append(bad), options)
    records = list(reader)
    pieces = {line: len(raw) for line, raw, _ in rejected}
    pieces |= {line: size for line, size, _ in records}
    assert len(pieces) == len(records) + len(rejected)
    empty = sum(line == "\n" for line in text.splitlines(keepends=True))
    assert len(data) - empty <= sum(pieces.values()) <= len(data)


@given(st.lists(st.lists(st.text('a,"\n;', max_size=6), min_size=2, max_size=2), max_size=6))
def test_rows_as_they_are_written(rows):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([["x", "y"], *rows])
    options = CSVOptions(infer=False, nulls=[])
    records, rejected = read(csv_records, file.getvalue().encode(), options=options)
    assert rejected == []
    assert [list(document.values()) for _, document in records] == rows


@pytest.mark.parametrize("header", [b'a,"b\n1,2\n', b'"a"b,c\n1,2\n', b"Gr\xf6\xdfe,b\n1,2\n"])
def test_a_row_is_not_taken_for_the_header(header):
    with pytest.raises(IngestError, match="line 1: the header cannot be read: not "):
        read(csv_records, header)


def test_columns_are_guessed_from_the_beginning_only():
    rows = [f"{n},{n}\n" for n in range(1500)]
    rows[1200] = "1200,x\n"
    records, rejected = read(csv_records, ("a,b\n" + "".join(rows)).encode())
    assert rejected == []
    assert [document["a"] for _, document in records] == list(range(1500))
    assert records[1199:1202] == [
        (1201, {"a": 1199, "b": 1199}),
        (1202, {"a": 1200, "b": "x"}),
        (1203, {"a": 1201, "b": 1201}),
    ]


def test_an_overlong_line():
    with pytest.raises(IngestError, match="line 2 is longer than 100 bytes"):
        read(csv_records, b"a,b\n1," + b"x" * (20 << 20), max_record=100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # As R's write.table does it: the names of the rows have none.
        (b"x,y\n1,5,6\n2,7,8\n", [{"column1": 1, "x": 5, "y": 6}, {"column1": 2, "x": 7, "y": 8}]),
        (
            b"x,y\n5,6,\n7,8,\n",
            [{"x": 5, "y": 6, "column3": None}, {"x": 7, "y": 8, "column3": None}],
        ),
    ],
)
def test_rows_with_one_field_more_than_the_header(text, expected):
    records, bad = read(csv_records, text)
    assert bad == []
    assert [document for _, document in records] == expected


def test_one_row_with_a_field_more_is_ragged():
    records, bad = read(csv_records, b"x,y\n1,2\n3,4,5\n")
    assert (len(records), len(bad)) == (1, 1)


def test_a_column_that_is_empty_at_first_has_numbers_later():
    """Text that looks like one is none: nothing was guessed."""
    rows = [f"{n},\n" for n in range(1000)] + ["1000,5\n", "1001,x\n", "1002,1.5\n", "1003,NA\n"]
    records, _ = read(csv_records, ("n,v\n" + "".join(rows)).encode())
    assert [document["v"] for _, document in records[-4:]] == [5, "x", 1.5, "NA"]
