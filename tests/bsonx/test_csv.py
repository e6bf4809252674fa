"""bsonx.csv: rows to documents, in both implementations."""

import gc
import math
import sys
import threading
from datetime import datetime
from itertools import pairwise

import pytest


@pytest.fixture
def csv(bx):
    from bsonx import csv

    return csv


def documents(bx, csv, text, *columns, **options):
    """The documents of rows, all of which are good."""
    dialect = csv.Dialect(**options.pop("dialect", {}))
    plan = csv.Plan(tuple(csv.Column(*column) for column in columns), dialect, **options)
    rows = csv.Converter(plan).read(text.encode())
    assert rows.rejects == []
    return bx.decode_all(rows.data)


def test_values(bx, csv):
    row = "5, -1.50,true,2020-01-31T10:00:00.25+01:00,0123456789abcdef01234567,1.10,x y,z\n"
    kinds = ("int", "float", "bool", "date", "objectid", "decimal", "str", "skip")
    columns = [(f"c{n}", kind) for n, kind in enumerate(kinds)]
    (document,) = documents(bx, csv, row, *columns)
    assert document == {
        "c0": 5,
        "c1": -1.5,
        "c2": True,
        "c3": datetime(2020, 1, 31, 9, 0, 0, 250000),
        "c4": bx.ObjectId("0123456789abcdef01234567"),
        "c5": bx.Decimal128("1.10"),
        "c6": "x y",
    }


@pytest.mark.parametrize(
    ("text", "size"), [("2147483647", 4), ("2147483648", 8), ("-2147483648", 4), ("-2147483649", 8)]
)
def test_integers_are_as_short_as_they_can_be(bx, csv, text, size):
    rows = csv.Converter(csv.Plan((csv.Column("", "int?"),))).read(text.encode())
    assert len(rows.data) == 5 + 2 + size


def test_nan_and_infinities(bx, csv):
    found = documents(bx, csv, "NaN\n-nan\nInf\n-inf\n", ("v", "float?"))
    values = [document["v"] for document in found]
    assert [math.copysign(1, value) for value in values] == [1, -1, 1, -1]
    assert [math.isnan(value) for value in values] == [True, True, False, False]


def test_nulls(bx, csv):
    columns = [("n", "int", ("", "NA")), ("s", "str", ("",)), ("t", "str", ())]
    rows = "NA,NA,\n NA ,,x\n1, ,y\n"
    assert documents(bx, csv, rows, *columns) == [
        {"n": None, "s": "NA", "t": ""},
        {"n": None, "s": None, "t": "x"},
        {"n": 1, "s": " ", "t": "y"},
    ]
    assert documents(bx, csv, rows, *columns, omit_nulls=True)[:2] == [
        {"s": "NA", "t": ""},
        {"t": "x"},
    ]


def test_ids(bx, csv):
    """In front of the others; made where the row has none, and counted with the documents."""
    plan = csv.Plan((csv.Column("a", "int"), csv.Column("k")), id_column=1)
    rows = csv.Converter(plan).read(b"1,x\n2,\n3,\n", first_id=bytes(11) + b"\xff")
    found = bx.decode_all(rows.data)
    assert [list(document) for document in found] == [["_id", "a"]] * 3
    assert [document["_id"] for document in found] == [
        "x",
        bx.ObjectId("000000000000000000000100"),
        bx.ObjectId("000000000000000000000101"),
    ]
    assert rows.own_ids == 1
    rows = csv.Converter(plan).read(b"1,x\n2,\n")
    assert bx.decode_all(rows.data) == [{"_id": "x", "a": 1}, {"a": 2}]


def test_an_id_that_is_needed(bx, csv):
    plan = csv.Plan((csv.Column("k"),), id_column=0, id_needed=True)
    rows = csv.Converter(plan).read(b'x\n""\n', first_id=bytes(12))
    assert bx.decode_all(rows.data) == [{"_id": "x"}]
    assert rows.rejects == [(2, b'""\n', "column 'k' is to be the _id, and is empty")]


def test_where_reading_goes_on(bx, csv):
    converter = csv.Converter(csv.Plan((csv.Column("a"), csv.Column("b"))))
    data = b'1,2\n3,"x\ny"\nbad\n4,5\n6,'
    rows = converter.read(data, at_end=False, most=2)
    assert (len(bx.decode_all(rows.data)), rows.end, rows.line) == (2, 12, 4)
    rows = converter.read(data, rows.end, rows.line, at_end=False)
    assert (rows.end, rows.line) == (20, 6)
    assert rows.rejects == [(4, b"bad\n", "1 fields where the header has 2")]
    assert memoryview(rows.lines).cast("q").tolist() == [5]
    assert memoryview(rows.ends).cast("I").tolist() == [len(rows.data)]
    assert converter.read(data, rows.end, rows.line).end == len(data)


def test_a_converter_of_the_users(bx, csv):
    plan = csv.Plan((csv.Column("a", "str", (), int), csv.Column("b", "int")))
    rows = csv.Converter(plan).read(b"1,2\nx,3\n")
    assert bx.decode_all(rows.data) == [{"a": 1, "b": 2}]
    assert rows.rejects[0][2].startswith("column 'a': invalid literal")


def test_errors_of_a_converter_are_not_swallowed(csv):
    def convert(text):
        raise KeyError(text)

    converter = csv.Converter(csv.Plan((csv.Column("a", "str", (), convert),)))
    with pytest.raises(KeyError):
        converter.read(b"1\n")


@pytest.mark.parametrize(
    ("column", "problem"),
    [(("a", "text"), "unknown type 'text' of column 'a'"), (("a\0",), "cannot be the name")],
)
def test_columns_that_cannot_be(csv, column, problem):
    with pytest.raises(ValueError, match=problem):
        csv.Converter(csv.Plan((csv.Column(*column),)))


@pytest.mark.parametrize("size", [0, 11, 13])
def test_ids_of_another_size(csv, size):
    with pytest.raises(ValueError, match="an id has 12 bytes"):
        csv.Converter(csv.Plan((csv.Column("a"),))).read(b"1\n", first_id=bytes(size))


def test_large_rows_and_many(bx, csv):
    plan = csv.Plan((csv.Column("n", "int?"), csv.Column("s")), csv.Dialect(longest=1 << 30))
    text = "".join(f"{n},{'x' * (n % 1000)}\n" for n in range(5000)) + f'5000,"{"y" * 3_000_000}"\n'
    found = bx.decode_all(csv.Converter(plan).read(text.encode()).data)
    assert [document["n"] for document in found] == list(range(5001))
    assert found[-1]["s"] == "y" * 3_000_000


def test_threads(bx, csv):
    """One converter in many threads, which read without the GIL."""
    converter = csv.Converter(csv.Plan((csv.Column("n", "int?"), csv.Column("d", "decimal"))))
    text = "".join(f"{n},{n}.0E+9{n % 7}\nbad\n" for n in range(3000)).encode()
    expected = repr(converter.read(text))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(repr(converter.read(text)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


@pytest.mark.skipif(
    not getattr(sys, "getallocatedblocks", int)(), reason="the memory allocator does not count"
)
def test_nothing_is_kept(bx, csv):
    plan = csv.Plan((csv.Column("n", "int?"), csv.Column("d", "decimal")), omit_nulls=True)
    text = b'1,1.5\nbad\n2,x\n3,"1E+99"\n4,sNaN\n,\n' * 20

    def work():
        csv.Converter(plan).read(text, first_id=bytes(12))

    counts = []
    for _ in range(5):
        for _ in range(50):
            work()
        gc.collect()
        counts.append(sys.getallocatedblocks())
    # What is lost in each call makes every step 50 or more; the interpreter fills its caches in the
    # first ones, by a dozen or two.
    assert min(after - before for before, after in pairwise(counts)) < 25


def test_commas_for_points(bx, csv):
    """Then a point makes no number, and words and integers are what they are."""
    columns = [("f", "float"), ("d", "decimal"), ("g", "float?"), ("i", "int?"), ("s", "str")]
    rows = "1,5;1,10;-,5;7;1,5\n2;3;1.5;1,5;x\n"
    dialect = {"delimiter": 59, "point": 44}
    assert documents(bx, csv, rows, *columns, dialect=dialect) == [
        {"f": 1.5, "d": bx.Decimal128("1.10"), "g": -0.5, "i": 7, "s": "1,5"},
        {"f": 2.0, "d": bx.Decimal128("3"), "g": "1.5", "i": 1.5, "s": "x"},
    ]
    plan = csv.Plan((csv.Column("f", "float"),), csv.Dialect(**dialect))
    assert csv.Converter(plan).read(b"1.5\n").rejects[0][2] == "column 'f': '1.5' is not a number"
