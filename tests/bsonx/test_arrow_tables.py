"""Arrow tables of pyarrow, polars, pandas and DuckDB as BSON documents."""

from __future__ import annotations

import datetime
import decimal
import importlib
import uuid

import pytest

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")


@pytest.fixture
def arrow(bx):
    return importlib.import_module("bsonx.arrow")


def documents(bx, arrow, source, **options):
    return [
        document
        for rows in arrow.to_bson(source, **options)
        for document in bx.decode_all(rows.documents)
    ]


def without_nulls(value):
    """A document without its fields that are None; in arrays they stay."""
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


WHEN = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
MILLIS = datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)


def columns():
    """Name, array, and what its values become."""
    yield "null", pa.nulls(3), [None, None, None]
    yield "bool", pa.array([True, None, False]), [True, None, False]
    for bits in (8, 16, 32, 64):
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        values = [least, None, most]
        yield f"int{bits}", pa.array(values, getattr(pa, f"int{bits}")()), values
        values = [0, None, min(2**63 - 1, 2**bits - 1)]
        yield f"uint{bits}", pa.array(values, getattr(pa, f"uint{bits}")()), values
    for kind in ("float16", "float32", "float64"):
        values = [1.5, None, -0.25]
        yield kind, pa.array(values, getattr(pa, kind)()), values
    for kind in ("string", "large_string", "string_view"):
        values = ["", None, "é and more than twelve bytes"]
        yield kind, pa.array(values, getattr(pa, kind)()), values
    for kind in ("binary", "large_binary", "binary_view"):
        values = [b"", None, b"\0\xff and more than twelve bytes"]
        yield kind, pa.array(values, getattr(pa, kind)()), values
    values = [b"123", None, b"\0\0\0"]
    yield "fixed", pa.array(values, pa.binary(3)), values
    dates = [datetime.date(1969, 12, 31), None, datetime.date(2020, 2, 29)]
    at_midnight = [d and datetime.datetime(d.year, d.month, d.day) for d in dates]
    yield "date32", pa.array(dates, pa.date32()), at_midnight
    yield "date64", pa.array(dates, pa.date64()), at_midnight
    for unit, values in (
        ("s", [MILLIS.replace(microsecond=0), None]),
        ("ms", [MILLIS, None]),
        ("us", [WHEN, None]),
        ("ns", [WHEN, None]),
    ):
        expected = [v and v.replace(microsecond=v.microsecond // 1000 * 1000) for v in values]
        for zone in (None, "UTC", "Europe/Berlin"):
            array = pa.array(values, pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
            yield f"timestamp {unit} {zone}", array, expected
    seconds = datetime.time(1, 2, 3)
    for unit, each in (("s", 1), ("ms", 1000)):
        yield f"time {unit}", pa.array([seconds, None], pa.time32(unit)), [3723 * each, None]
    for unit, each in (("us", 10**6), ("ns", 10**9)):
        yield f"time {unit}", pa.array([seconds, None], pa.time64(unit)), [3723 * each, None]
    for unit in ("s", "ms", "us", "ns"):
        yield f"duration {unit}", pa.array([-5, None], pa.duration(unit)), [-5, None]
    items = pa.int32()
    values = [[1, None, 3], None, []]
    for kind in ("list_", "large_list", "list_view", "large_list_view"):
        yield kind, pa.array(values, getattr(pa, kind)(items)), values
    values = [[1, None], None, [3, 4]]
    yield "fixed list", pa.array(values, pa.list_(items, 2)), values
    values = [{"x": 1, "y": {"z": "q", "w": [None]}}, None, {"x": None, "y": None}]
    yield "struct", pa.array(values), values
    pairs = [[("a", 1), ("b", None)], None, []]
    expected = [{"a": 1, "b": None}, None, {}]
    yield "map", pa.array(pairs, pa.map_(pa.string(), pa.int64())), expected
    expected = [[{"key": 1, "value": "a"}], None, []]
    yield "map of ints", pa.array([[(1, "a")], None, []], pa.map_(items, pa.string())), expected
    values = ["a", None, "b", "a"]
    yield "dictionary", pa.array(values).dictionary_encode(), values
    with_null = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    yield "dictionary with a null", with_null, ["a", None, None]
    runs = pa.RunEndEncodedArray.from_arrays([2, 3, 5], ["p", None, "q"])
    yield "runs", runs, ["p", "p", None, "q", "q"]
    sparse = pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, None]), pa.array(["a", "b", "c"])]
    )
    yield "sparse union", sparse, [1, "b", None]
    dense = pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()),
        pa.array([0, 0, 1], pa.int32()),
        [pa.array([1, None]), pa.array(["b"])],
    )
    yield "dense union", dense, [1, "b", None]


COLUMNS = list(columns())


@pytest.mark.parametrize(("name", "array", "expected"), COLUMNS, ids=[c[0] for c in COLUMNS])
def test_a_column(bx, arrow, name, array, expected):
    table = pa.table({"x": array})
    assert [d["x"] for d in documents(bx, arrow, table)] == expected
    sliced = [d["x"] for d in documents(bx, arrow, table.slice(1))]
    assert sliced == expected[1:]
    omitted = [without_nulls({"x": value}) for value in expected]
    assert documents(bx, arrow, table, nulls="omit") == omitted


@pytest.mark.parametrize(("name", "array", "expected"), COLUMNS, ids=[c[0] for c in COLUMNS])
def test_a_column_inside_of_others(bx, arrow, name, array, expected):
    count = len(array)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    whole = pa.array([0, count], pa.int32())
    if not isinstance(array.type, pa.RunEndEncodedType):
        listed = pa.table({"x": pa.ListArray.from_arrays(whole, array)})
        assert documents(bx, arrow, listed) == [{"x": expected}]
    nested = pa.StructArray.from_arrays([array, array], ["a", "b"])
    wanted = [{"x": {"a": value, "b": value}} for value in expected]
    for start in (0, 1):
        table = pa.table({"x": nested.slice(start)})
        assert documents(bx, arrow, table) == wanted[start:]


def test_decimals(bx, arrow):
    values = ["1.50", "-12.34", "0.00", None]
    numbers = [v and decimal.Decimal(v) for v in values]
    for kind in (pa.decimal32(9, 2), pa.decimal64(10, 2), pa.decimal128(20, 2)):
        table = pa.table({"x": pa.array(numbers, kind)})
        found = [d["x"] for d in documents(bx, arrow, table)]
        assert [v and str(v) for v in found] == values


def test_a_decimal_of_more_digits_than_34(bx, arrow):
    exact = decimal.Decimal(10**37 - 10**3)
    table = pa.table({"x": pa.array([exact], pa.decimal128(38, 0))})
    assert documents(bx, arrow, table)[0]["x"].to_decimal() == exact
    table = pa.table({"x": pa.array([decimal.Decimal(10**37 - 1)], pa.decimal128(38, 0))})
    with pytest.raises(arrow.ArrowError, match="column 'x', row 0: a decimal has more than 34"):
        documents(bx, arrow, table)


def test_uint64(bx, arrow):
    table = pa.table({"x": pa.array([1, 2**63], pa.uint64())})
    with pytest.raises(arrow.ArrowError) as caught:
        documents(bx, arrow, table)
    assert (caught.value.column, caught.value.row) == ("x", 1)
    assert str(caught.value) == "column 'x', row 1: 9223372036854775808 is too large for an int64"
    found = documents(bx, arrow, table, uint64="decimal")
    assert found == [{"x": 1}, {"x": bx.Decimal128("9223372036854775808")}]


def test_what_cannot_be_written_is_collected(bx, arrow):
    table = pa.table({"x": pa.array([1, 2**63, 3], pa.uint64()), "y": ["a", "b", "c"]})
    (rows,) = arrow.to_bson(table, collect=True)
    assert bx.decode_all(rows.documents) == [{"x": 1, "y": "a"}, {"x": 3, "y": "c"}]
    assert rows.rejects == [(1, "x", "9223372036854775808 is too large for an int64")]
    assert (rows.start, rows.stop, len(rows)) == (0, 3, 2)


def test_extension_types(bx, arrow):
    one = uuid.uuid4()
    table = pa.table({"x": pa.array([one.bytes, None], pa.uuid())})
    found = documents(bx, arrow, table)
    assert found == [{"x": bx.Binary.from_uuid(one)}, {"x": None}]
    key = bx.ObjectId()
    field = pa.field("x", pa.binary(12), metadata={"ARROW:extension:name": "pymongoarrow.objectid"})
    table = pa.table([pa.array([key.binary, None], pa.binary(12))], schema=pa.schema([field]))
    assert documents(bx, arrow, table) == [{"x": key}, {"x": None}]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (pa.decimal256(50, 2), "BSON has nothing for Arrow's type 'd:50,2,256'"),
        (pa.month_day_nano_interval(), "BSON has nothing for Arrow's type 'tin'"),
    ],
)
def test_what_bson_has_nothing_for(bx, arrow, kind, problem):
    table = pa.table({"a": pa.array([{"b": None}], pa.struct([("b", kind)]))})
    with pytest.raises(arrow.ArrowError) as caught:
        documents(bx, arrow, table)
    assert str(caught.value) == f"column 'a.b': {problem}"


def test_ids(bx, arrow):
    table = pa.table({"a": ["x", "y"], "_id": [1, None], "k": [5, 6]})
    assert documents(bx, arrow, table) == [{"_id": 1, "a": "x", "k": 5}, {"a": "y", "k": 6}]
    first, second = documents(bx, arrow, table, add_ids=True)
    assert (list(first), first["_id"]) == (["_id", "a", "k"], 1)
    assert isinstance(second["_id"], bx.ObjectId)
    plain = table.drop_columns("_id")
    assert documents(bx, arrow, plain, id_field="k")[1] == {"_id": 6, "a": "y"}
    first, second = documents(bx, arrow, plain, add_ids=True)
    assert list(first) == ["_id", "a", "k"]
    assert first["_id"] < second["_id"]
    with pytest.raises(arrow.ArrowError, match="there is no column 'z'; there are a, k"):
        documents(bx, arrow, plain, id_field="z")
    with pytest.raises(arrow.ArrowError, match="'k' cannot become _id: there is a column _id"):
        documents(bx, arrow, table, id_field="k")
    base = bytes(11) + b"\xff"
    rows = arrow.DocumentReader(table).read(first_id=base)
    assert [d["_id"] for d in bx.decode_all(rows.documents)] == [
        1,
        bx.ObjectId(bytes(10) + b"\x01\0"),
    ]
    assert not rows.own_ids
    assert arrow.DocumentReader(plain).read(first_id=base).own_ids
    with pytest.raises(ValueError, match="the first id must have 12 bytes, not 3"):
        arrow.DocumentReader(plain).read(first_id=b"abc")
    some = pa.table({"k": [1, None]})
    with pytest.raises(arrow.ArrowError, match="column 'k', row 1: it is to be the _id"):
        documents(bx, arrow, some, id_field="k")


def test_batches_and_limits(bx, arrow):
    numbers = [pa.array(range(i, i + n), pa.int64()) for i, n in ((0, 3), (3, 0), (3, 4))]
    batches = [pa.record_batch({"x": array}) for array in numbers]
    reader = arrow.DocumentReader(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    assert reader.columns == ["x"]
    found = []
    while (rows := reader.read(2)) is not None:
        found.append((rows.start, rows.stop, [d["x"] for d in bx.decode_all(rows.documents)]))
    assert found == [(0, 2, [0, 1]), (2, 4, [2, 3]), (4, 6, [4, 5]), (6, 7, [6])]
    assert reader.read() is None
    reader.close()
    with pytest.raises(arrow.ArrowError, match="closed"):
        reader.read()
    with arrow.DocumentReader(batches[2]) as reader:
        assert len(reader.read(max_bytes=1)) == 1


def test_no_rows_and_no_columns(bx, arrow):
    assert documents(bx, arrow, pa.table({})) == []
    assert documents(bx, arrow, pa.table({"x": pa.array([], pa.int32())})) == []
    empty = pa.record_batch(pa.StructArray.from_buffers(pa.struct([]), 3, [None]))
    assert documents(bx, arrow, empty) == [{}, {}, {}]


def test_names(bx, arrow):
    twice = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(arrow.ArrowError, match="two columns are named 'x'"):
        documents(bx, arrow, twice)
    odd = pa.table({"": [1], "$a.b": [2]})
    assert documents(bx, arrow, odd) == [{"": 1, "$a.b": 2}]


def test_a_producer_that_fails(bx, arrow):
    def batches():
        yield pa.record_batch({"x": [1]})
        raise OSError("the disk is gone")

    schema = pa.schema([("x", pa.int64())])
    reader = arrow.DocumentReader(pa.RecordBatchReader.from_batches(schema, batches()))
    rows = reader.read()
    assert (rows.start, rows.stop, len(rows)) == (0, 1, 1)
    with pytest.raises(arrow.ArrowError, match="the disk is gone"):
        reader.read()


def test_what_is_good_comes_before_what_is_not(bx, arrow):
    array = pa.array(["one", "two", "three", "four"])
    broken = pa.Array.from_buffers(
        pa.string(), 3, [None, array.buffers()[1], pa.py_buffer(b"onetw\xffthree")]
    )
    with arrow.DocumentReader(pa.record_batch({"x": broken})) as reader:
        assert bx.decode_all(reader.read().documents) == [{"x": "one"}]
        for _ in range(2):
            with pytest.raises(arrow.ArrowError, match="column 'x', row 1: the text is not UTF-8"):
                reader.read()


def test_what_is_no_arrow_data(bx, arrow):
    with pytest.raises(TypeError, match="it is no Arrow data"):
        arrow.DocumentReader([{"a": 1}])
    with pytest.raises(arrow.ArrowError, match="documents are made of a struct's columns"):
        arrow.DocumentReader(pa.array([1]))
    for options in ({"nulls": "x"}, {"uint64": "x"}):
        with pytest.raises(ValueError, match="must be"):
            arrow.DocumentReader(pa.table({}), **options)
    with pytest.raises(ValueError, match="1 or more"):
        arrow.DocumentReader(pa.table({})).read(0)


def test_polars(bx, arrow):
    pl = pytest.importorskip("polars", reason="needs polars")
    frame = pl.DataFrame(
        {
            "s": ["a", None, "a text of more than twelve bytes"],
            "i": [1, 2, None],
            "l": [[1], [], None],
            "d": [{"x": 1.5}, {"x": None}, None],
            "c": pl.Series(["p", "q", None], dtype=pl.Categorical),
            "t": [WHEN, None, WHEN],
        }
    )
    assert documents(bx, arrow, frame) == [
        {"s": "a", "i": 1, "l": [1], "d": {"x": 1.5}, "c": "p", "t": MILLIS},
        {"s": None, "i": 2, "l": [], "d": {"x": None}, "c": "q", "t": None},
        {"s": frame["s"][2], "i": None, "l": None, "d": None, "c": None, "t": MILLIS},
    ]


def test_pandas(bx, arrow):
    pd = pytest.importorskip("pandas", minversion="3", reason="needs pandas 3")
    frame = pd.DataFrame({"s": ["a", None], "f": [1.5, None], "t": [pd.Timestamp(MILLIS)] * 2})
    assert documents(bx, arrow, frame) == [
        {"s": "a", "f": 1.5, "t": MILLIS},
        {"s": None, "f": None, "t": MILLIS},
    ]


def test_duckdb(bx, arrow):
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    query = "select i, 'x' || i as s, [i] as l, {'k': i} as d from range(3) t(i)"
    expected = [{"i": i, "s": f"x{i}", "l": [i], "d": {"k": i}} for i in range(3)]
    with duckdb.connect() as connection:
        assert documents(bx, arrow, connection.sql(query)) == expected
