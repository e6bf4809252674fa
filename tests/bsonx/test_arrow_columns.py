"""BSON documents as Arrow columns, and as documents again: no library of Arrow is needed."""

from __future__ import annotations

import datetime
import importlib
import uuid

import pytest

from implementations import CPYTHON

pytestmark = pytest.mark.skipif(not CPYTHON, reason="the pure twin calls CPython's functions")

DAY = datetime.datetime(2020, 2, 29)
MILLIS = datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)


@pytest.fixture
def arrow(bx):
    return importlib.import_module("bsonx.arrow")


def data_of(bx, documents):
    return b"".join(map(bx.encode, documents))


def again(bx, arrow, documents, schema=None, **options):
    """The documents, by way of columns."""
    table = arrow.from_bson(data_of(bx, documents), schema, **options)
    return [d for rows in arrow.to_bson(table) for d in bx.decode_all(rows.documents)]


def formats(bx, table):
    from bsonx._impl import arrow_fields

    return {child[1]: child[0] for child in arrow_fields(table.__arrow_c_schema__())[4]}


@pytest.mark.parametrize(
    "values",
    [
        [1, None, -(2**31)],
        [1, 2**40, -(2**63)],
        [1.5, None, float("inf")],
        ["", None, "é" * 40, "x"],
        [True, None, False, *[True] * 20],
        [b"", None, b"\0\xff"],
        [MILLIS, None, DAY],
        [[1, None, 3], None, []],
        [[["a"], []], [None], None],
        [{"x": 1, "y": {"z": "q"}}, None, {"x": None, "y": None}],
        [[{"a": [1.5]}, {"a": None}], None],
        [None, None],
    ],
    ids=repr,
)
def test_values_there_and_back(bx, arrow, values):
    documents = [{"x": value} for value in values]
    assert again(bx, arrow, documents) == documents
    nested = [{"a": [{"x": value}, None], "b": {"x": value}} for value in values]
    assert again(bx, arrow, nested) == nested


def test_types_of_bson_there_and_back(bx, arrow):
    documents = [
        {
            "_id": bx.ObjectId(),
            "u": bx.Binary.from_uuid(uuid.uuid4()),
            "items": [bx.ObjectId(), bx.ObjectId()],
        },
        {"_id": bx.ObjectId(), "u": None, "items": None},
    ]
    assert again(bx, arrow, documents) == documents
    table = arrow.from_bson(data_of(bx, documents))
    assert formats(bx, table) == {"_id": "w:12", "u": "w:16", "items": "+l"}
    assert table.schema.names == ["_id", "u", "items"]
    assert repr(table.schema) == "<ArrowSchema of _id, u, items>"
    text = again(bx, arrow, documents, objectid="text")
    assert text[0]["_id"] == str(documents[0]["_id"])


def test_what_becomes_text(bx, arrow):
    number = "-1.234567890123456789012345678901234E+100"
    decimals = [
        "0",
        "-0.00",
        "1.50",
        "1E+3",
        "1E-7",
        "0.000001",
        "NaN",
        "-Infinity",
        number,
        "1E-6176",
    ]
    documents = [{"d": bx.Decimal128(text), "r": bx.Regex("a/b", "im")} for text in decimals]
    expected = [{"d": str(bx.Decimal128(text)), "r": "/a/b/im"} for text in decimals]
    assert again(bx, arrow, documents) == expected
    assert again(bx, arrow, [{"c": bx.Code("f()")}]) == [{"c": "f()"}]
    one = uuid.uuid4()
    row = {"k": bx.ObjectId(), "u": bx.Binary.from_uuid(one)}
    assert again(bx, arrow, [row], {"k": "string", "u": str}) == [
        {"k": str(row["k"]), "u": str(one)}
    ]


def test_numbers_go_together(bx, arrow):
    documents = [{"x": 1}, {"x": 2**40}, {"x": 1.5}]
    assert formats(bx, arrow.from_bson(data_of(bx, documents[:2]))) == {"x": "l"}
    assert formats(bx, arrow.from_bson(data_of(bx, documents))) == {"x": "g"}
    assert again(bx, arrow, documents) == [{"x": 1.0}, {"x": float(2**40)}, {"x": 1.5}]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("int8", [-128, 127.0, None], [-128, 127, None]),
        ("uint8", [0, 255], [0, 255]),
        ("int16", [-(2**15)], [-(2**15)]),
        ("uint16", [2**16 - 1], [2**16 - 1]),
        ("int32", [-(2**31)], [-(2**31)]),
        ("uint32", [2**32 - 1], [2**32 - 1]),
        ("uint64", [2**63 - 1, 5.0], [2**63 - 1, 5]),
        ("float32", [1, 0.5], [1.0, 0.5]),
        (float, [1, 2**53], [1.0, 2.0**53]),
        (int, [1, 2.0], [1, 2]),
        ("large_string", ["a", None, "b"], ["a", None, "b"]),
        ("large_binary", [b"a", None, b"b"], [b"a", None, b"b"]),
        ("fixed_size_binary[2]", [b"ab", None], [b"ab", None]),
        ("date32", [MILLIS, DAY], [datetime.datetime(1969, 12, 31), DAY]),
        ("date64", [MILLIS, DAY], [datetime.datetime(1969, 12, 31), DAY]),
        ("timestamp[s]", [MILLIS], [MILLIS.replace(microsecond=0)]),
        ("timestamp[ms]", [MILLIS], [MILLIS]),
        ("timestamp[us, UTC]", [MILLIS], [MILLIS]),
        ("timestamp[ns, tz=Europe/Berlin]", [MILLIS, None], [MILLIS, None]),
        ("time32[ms]", [5], [5]),
        ("time64[ns]", [5], [5]),
        ("duration[s]", [-5], [-5]),
        (["int8"], [[1, None], None], [[1, None], None]),
        ({"a": "int8", "b": [str]}, [{"a": 1, "c": 5}, None], [{"a": 1, "b": None}, None]),
    ],
    ids=str,
)
def test_a_schema_that_is_given(bx, arrow, kind, values, expected):
    documents = [{"x": value, "y": 1} for value in values]
    found = again(bx, arrow, documents, {"x": kind})
    assert found == [{"x": value} for value in expected]


def test_decimals_by_a_schema(bx, arrow):
    texts = ["1.50", "-12.3", "1E+2", "0E+50", "99999999.99"]
    documents = [{"x": bx.Decimal128(text)} for text in texts] + [{"x": 7}, {"x": None}]
    found = again(bx, arrow, documents, {"x": "decimal128(10, 2)"})
    assert [d["x"] and str(d["x"]) for d in found] == [
        *("1.50", "-12.30", "100.00", "0.00", "99999999.99", "7.00", None),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "what"),
    [
        ("int8", 128, "an int32"),
        ("uint64", -1, "an int32"),
        ("int64", 1.5, "a double"),
        ("int64", float("nan"), "a double"),
        ("int64", "1", "a string"),
        ("float64", "1", "a string"),
        ("bool", 1, "an int32"),
        ("string", 1, "an int32"),
        ("string", MILLIS, "a date"),
        ("binary", "a", "a string"),
        ("fixed_size_binary[2]", b"abc", "binary data"),
        ("objectid", b"123456789012", "binary data"),
        ("uuid", b"1234567890123456", "binary data"),
        ("timestamp[ms]", 5, "an int32"),
        ("date32", True, "a bool"),
        ("null", 5, "an int32"),
        ({"a": "int8"}, [1], "an array"),
        (["int8"], {"a": 1}, "a document"),
    ],
    ids=str,
)
def test_what_does_not_fit(bx, arrow, kind, value, what):
    documents = [{"x": None}, {"x": value}]
    with pytest.raises(arrow.ArrowError) as caught:
        again(bx, arrow, documents, {"x": kind})
    assert str(caught.value) == f"column 'x', row 1: {what} does not fit its type"
    found = again(bx, arrow, documents, {"x": kind}, on_mismatch="null")
    assert found == [{"x": None}, {"x": None}]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("decimal128(4, 2)", "100"),
        ("decimal128(4, 2)", "0.001"),
        ("decimal128(38, 2)", "1E+40"),
        ("decimal128(38, 2)", "NaN"),
        ("uint64", "1.5"),
        ("uint64", "1E+30"),
    ],
)
def test_decimals_that_do_not_fit(bx, arrow, kind, text):
    with pytest.raises(arrow.ArrowError, match="a decimal does not fit"):
        again(bx, arrow, [{"x": bx.Decimal128(text)}], {"x": kind})


def test_dates_out_of_range(bx, arrow):
    documents = [{"x": bx.DatetimeMS(2**62)}]
    for kind in ("timestamp[ns]", "timestamp[us]", "date32"):
        assert again(bx, arrow, documents, {"x": kind}, on_mismatch="null") == [{"x": None}]
    documents = [{"x": bx.DatetimeMS(-(2**63))}]
    assert again(bx, arrow, documents, {"x": "date64"}, on_mismatch="null") == [{"x": None}]


def test_mismatches_inside_of_lists_and_documents(bx, arrow):
    documents = [{"x": [{"a": 1}, {"a": "1"}, 5]}]
    schema = {"x": [{"a": "int8"}]}
    with pytest.raises(arrow.ArrowError) as caught:
        again(bx, arrow, documents, schema)
    assert caught.value.column == "x.item.a"
    found = again(bx, arrow, documents, schema, on_mismatch="null")
    assert found == [{"x": [{"a": 1}, {"a": None}, None]}]


def test_fields_that_the_schema_does_not_have(bx, arrow):
    documents = [{"a": 1}, {"a": 2, "b": {"c": 1}}]
    assert again(bx, arrow, documents, {"a": int}) == [{"a": 1}, {"a": 2}]
    with pytest.raises(arrow.ArrowError) as caught:
        again(bx, arrow, documents, {"a": int, "b": {"d": int}}, on_unknown="error")
    assert str(caught.value) == "column 'b.c', row 1: the schema has no such field"
    stream = arrow.ArrowStream([data_of(bx, documents[:1]), data_of(bx, documents[1:])])
    batches = iter(stream)
    assert len(next(batches)) == 1
    with pytest.raises(arrow.ArrowError) as caught:
        next(batches)
    assert stream.error is caught.value
    assert str(caught.value) == "column 'b', row 1: the schema has no such field"


def test_types_that_no_column_holds(bx, arrow):
    documents = [{"a": {"x": 1}}, {"a": {"x": "s"}}, {"a": {"x": 2}}]
    with pytest.raises(arrow.ArrowError) as caught:
        again(bx, arrow, documents)
    assert str(caught.value) == (
        "column 'a.x', row 1: no column holds int32, string together: give a schema"
    )
    found = again(bx, arrow, documents, on_mismatch="null")
    assert [d["a"]["x"] for d in found] == [1, None, 2]
    with pytest.raises(arrow.ArrowError, match="no column is made of a timestamp unless"):
        again(bx, arrow, [{"t": bx.Timestamp(5, 6)}])
    assert again(bx, arrow, [{"t": bx.MinKey()}], on_mismatch="null") == [{"t": None}]
    found = again(bx, arrow, [{"t": bx.Timestamp(5, 6)}], {"t": "timestamp[s]"})
    assert found == [{"t": datetime.datetime(1970, 1, 1, 0, 0, 5)}]
    assert again(bx, arrow, [{"t": bx.Timestamp(5, 6)}], {"t": "uint64"}) == [{"t": 5 << 32 | 6}]


def test_fields_in_any_order_missing_and_twice(bx, arrow):
    documents = [{"a": 1, "b": 2, "c": 3}, {"c": 4, "a": 5}, {}, {"b": 6}]
    missing = dict.fromkeys("abc")
    assert again(bx, arrow, documents) == [{**missing, **d} for d in documents]
    element = b"\x10a\0\1\0\0\0"
    twice = (4 + 2 * len(element) + 1).to_bytes(4, "little") + element
    twice += element.replace(b"\1", b"\2") + b"\0"
    table = arrow.from_bson(twice)
    assert [d for r in arrow.to_bson(table) for d in bx.decode_all(r.documents)] == [{"a": 1}]


def test_forms_of_documents(bx, arrow):
    from bsonx.raw_bson import RawBSONDocument

    one, two = bx.encode({"x": 1}), bx.encode({"x": 2})
    forms = [one + two, bytearray(one + two), memoryview(one + two), [one, memoryview(two)]]
    forms += [[RawBSONDocument(one), bytearray(two)]]
    for form in forms:
        table = arrow.from_bson(form)
        assert len(table) == 2
        assert [bx.decode_all(r.documents) for r in arrow.to_bson(table)] == [[{"x": 1}, {"x": 2}]]
    for nothing in (b"", []):
        assert len(arrow.from_bson(nothing)) == 0
    with pytest.raises(TypeError):
        arrow.from_bson([{"x": 1}])
    with pytest.raises(TypeError):
        arrow.from_bson("x")


def test_bytes_that_are_no_documents(bx, arrow):
    good = bx.encode({"x": "text", "d": {"y": [1]}})
    for bad in (good[:-1], good + b"\0", b"\5\0\0\0\1", good[:6], [good + good], [b""]):
        with pytest.raises(bx.InvalidBSON, match="the bytes are no document of BSON"):
            arrow.from_bson(bad)
    for place in range(4, len(good) - 1):
        for value in (0, 1, 0x7F, 0xFF):
            damaged = bytearray(good)
            damaged[place] = value
            try:
                table = arrow.from_bson(bytes(damaged), {"x": str, "d": {"y": [int]}})
            except (bx.InvalidBSON, arrow.ArrowError):
                continue
            assert len(table) == 1


def test_text_that_is_not_utf8(bx, arrow):
    bad = bx.encode({"x": "abc"}).replace(b"abc", b"a\xffc")
    with pytest.raises(arrow.ArrowError, match="column 'x', row 0: a string does not fit"):
        arrow.from_bson(bad)


def test_streams(bx, arrow):
    batches = [data_of(bx, [{"x": 1}, {"x": 2}]), b"", data_of(bx, [{"x": 3}])]
    closed = []
    stream = arrow.ArrowStream(iter(batches), close=lambda: closed.append(1))
    assert repr(stream) == "<ArrowStream: not read yet>"
    assert stream.schema.names == ["x"]
    found = list(arrow.to_bson(stream))
    assert [d for rows in found for d in bx.decode_all(rows.documents)] == [
        {"x": i} for i in (1, 2, 3)
    ]
    assert closed == [1]
    assert repr(stream) == "<ArrowStream: taken>"
    with pytest.raises(arrow.ArrowError, match="it can be read once"):
        stream.__arrow_c_stream__()
    broken = arrow.ArrowStream([b"no document"])
    with pytest.raises(bx.errors.InvalidBSON):
        list(broken)
    assert repr(broken) == "<ArrowStream: ended by InvalidBSON>"
    with arrow.ArrowStream(batches, arrow.ColumnBuilder({"x": int})) as stream:
        assert [len(batch) for batch in stream] == [2, 1]
    lists = [[bx.encode({"x": i})] * i for i in (0, 1, 2, 3, 0, 1)]
    assert [len(batch) for batch in arrow.ArrowStream(lists, rows=3)] == [3, 3, 1]
    assert [len(batch) for batch in arrow.ArrowStream(lists, rows=9, size=1)] == [1, 2, 3, 1]
    packed = [b"".join(documents) for documents in lists]
    assert [len(batch) for batch in arrow.ArrowStream(packed, rows=3)] == [3, 3, 1]
    assert [len(batch) for batch in arrow.ArrowStream(packed, rows=9, size=1)] == [1, 2, 3, 1]
    mixed = [lists[1], packed[2], [bytearray(one) for one in lists[3]], packed[5]]
    for batches_of in (lists, packed, mixed):  # the schema is that of all that the first holds
        stream = arrow.ArrowStream([*batches_of, data_of(bx, [{"y": "z"}])], rows=8)
        assert stream.schema.names == ["x", "y"]
        assert [len(batch) for batch in stream] == [8]
    assert list(arrow.ArrowStream([])) == []
    assert arrow.ArrowStream([b"", batches[0]]).schema.names == ["x"]
    for batch in arrow.ArrowStream(batches[:1]):
        for _ in range(2):  # a batch can be given more than once
            assert len(bx.decode_all(next(arrow.to_bson(batch)).documents)) == 2


def test_a_stream_that_fails(bx, arrow):
    def batches():
        yield data_of(bx, [{"x": 1}])
        raise OSError("the line is dead")

    stream = arrow.ArrowStream(batches())
    with arrow.DocumentReader(stream) as reader:
        assert len(reader.read(1)) == 1
        with pytest.raises(arrow.ArrowError, match="OSError: the line is dead"):
            reader.read()
    assert isinstance(stream.error, OSError)


def test_a_schema_asked_for_by_the_consumer(bx, arrow):
    wanted = arrow.from_bson(b"", {"x": "int8"}).schema.__arrow_c_schema__()
    stream = arrow.ArrowStream([data_of(bx, [{"x": 1}])])
    capsule = stream.__arrow_c_stream__(wanted)
    from bsonx._impl import arrow_reader

    assert arrow_reader(capsule).fields()[4][0][0] == "c"


@pytest.mark.parametrize(
    ("schema", "error", "problem"),
    [
        ({"x": "int65"}, ValueError, "'x': there is no type 'int65'"),
        ({"x": "time32[us]"}, ValueError, "there is no type"),
        ({"x": 5}, TypeError, "'x': 5 is no type of a column"),
        ({"x": []}, ValueError, "a list has one type"),
        ({5: int}, TypeError, "the names of a schema are str"),
        ([int], TypeError, "a schema is a mapping"),
        ({"a\0b": int}, ValueError, "a field's name cannot contain a NUL"),
        ({"x": "decimal128(40, 2)"}, ValueError, "there are no decimals of 40 digits"),
        ({"x": "fixed_size_binary[0]"}, ValueError, "are not built"),
    ],
)
def test_schemas_that_are_none(bx, arrow, schema, error, problem):
    with pytest.raises(error, match=problem.replace("(", r"\(").replace("[", r"\[")):
        arrow.from_bson(b"", schema)


def test_options_that_are_none(bx, arrow):
    for name in ("objectid", "on_mismatch", "on_unknown"):
        with pytest.raises(ValueError, match=f"{name} must be"):
            arrow.from_bson(b"", **{name: "x"})


def nested(bx, depth):
    data = bx.encode({"x": "text"})
    for _ in range(depth):
        body = b"\x03x\0" + data
        data = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    return data


def test_depth(bx, arrow):
    data = nested(bx, 90)
    table = arrow.from_bson(data)
    assert next(arrow.to_bson(table)).documents == data
    with pytest.raises(arrow.ArrowError, match="nested too deep"):
        arrow.from_bson(nested(bx, 120))


def test_many_different_fields(bx, arrow):
    documents = [{f"f{i}": i} for i in range(25_000)]
    with pytest.raises(arrow.ArrowError, match="too many different fields"):
        arrow.from_bson(data_of(bx, documents))


def test_columns_that_failed_are_done(bx, arrow):
    from bsonx._impl import arrow_builder
    from bsonx._py.arrow.targets import build_plan
    from bsonx.arrow.schema import schema_field

    builder = arrow_builder(build_plan(schema_field({"x": int})), False, False)
    assert builder.append(bx.encode({"x": 1})) == builder.rows == 1
    with pytest.raises(arrow.ArrowError):
        builder.append(bx.encode({"x": "s"}))
    with pytest.raises(RuntimeError, match="broken by an error before"):
        builder.append(b"")
    with pytest.raises(RuntimeError, match="broken by an error before"):
        builder.finish()
