"""Arrow data of producers that are strange, wrong or hostile: no library of Arrow is needed."""

from __future__ import annotations

import ctypes
import importlib
import sys

import pytest
from arrow_producer import Array, Producer, pack, plain

from implementations import CPYTHON

pytestmark = pytest.mark.skipif(not CPYTHON, reason="the pure twin calls CPython's functions")


@pytest.fixture
def arrow(bx):
    return importlib.import_module("bsonx.arrow")


def rows_of(*columns, length=None):
    """The array of rows of these columns."""
    return Array(columns[0].length if length is None else length, [None], list(columns))


def schema_of(*fields):
    return plain("+s", "", fields)


def read(bx, arrow, producer, **options):
    with arrow.DocumentReader(producer, **options) as reader:
        return [d for rows in reader for d in bx.decode_all(rows.documents)]


INTS = Array(3, [None, pack("i", 1, 2, 3)])
TEXT = plain("u")


def text(*offsets, data=b"abcdef", length=None, **more):
    count = len(offsets) - 1 if length is None else length
    return Array(count, [None, pack("i", *offsets), data], **more)


def test_a_producer_that_is_right(bx, arrow):
    producer = Producer(
        schema_of(plain("i", "n"), TEXT),
        rows_of(INTS, text(0, 1, 1, 6)),
        rows_of(INTS, text(0, 2, 4, 6)),
    )
    with arrow.DocumentReader(producer) as reader:
        found = [d for rows in reader for d in bx.decode_all(rows.documents)]
    assert [d["x"] for d in found] == ["a", "", "bcdef", "ab", "cd", "ef"]
    assert sorted(producer.released) == ["array"] * 6 + ["stream"]


def test_everything_is_released_once(bx, arrow):
    for reads in (0, 1, 5):
        producer = Producer(schema_of(plain("i")), rows_of(INTS), rows_of(INTS))
        reader = arrow.DocumentReader(producer)
        for _ in range(reads):
            reader.read(2)
        reader.close()
        reader.close()
        del reader
        arrays = {0: 0, 1: 1, 5: 2}[reads]
        assert producer.released.count("array") == 2 * arrays
        assert producer.released.count("stream") == 1
    producer = Producer(schema_of(plain("i")))
    capsule = producer.__arrow_c_stream__()
    del capsule
    assert producer.released == ["stream"]
    producer = Producer(schema_of(plain("tin")))
    with pytest.raises(arrow.ArrowError):
        arrow.DocumentReader(producer)
    assert producer.released == ["stream"]


def test_a_capsule_that_is_used_up_or_of_another_kind(bx, arrow):
    from bsonx._impl import arrow_fields, arrow_reader

    capsule = Producer(schema_of(plain("i"))).__arrow_c_stream__()
    arrow_reader(capsule).close()
    with pytest.raises(arrow.ArrowError, match="the capsule arrow_array_stream is used up"):
        arrow_reader(capsule)
    with pytest.raises(ValueError, match="PyCapsule_GetPointer called with incorrect name"):
        arrow_fields(capsule)
    for wrong in (None, 5, b"x"):
        with pytest.raises((ValueError, TypeError)):
            arrow_reader(wrong)


def test_a_stream_that_fails(bx, arrow):
    producer = Producer(schema_of(plain("i")), rows_of(INTS), fails=5)
    with arrow.DocumentReader(producer) as reader:
        assert len(reader.read()) == 3
        with pytest.raises(arrow.ArrowError, match="the producer gives no more rows: it "):
            reader.read()
    assert producer.released.count("stream") == 1


ONE_INT = Array(1, [None, pack("i", 5)])
LIST = plain("+l", "x", [plain("i", "item")])
LIST_VIEW = plain("+vl", "x", [plain("i", "item")])
FIXED = plain("+w:2", "x", [plain("i", "item")])
STRUCT = plain("+s", "x", [plain("i", "a")])
MAP = plain("+m", "x", [plain("+s", "entries", [plain("u", "key"), plain("i", "value")])])
WORDS = plain("c", "x", dictionary=plain("u", ""))
RUNS = plain("+r", "x", [plain("i", "run_ends"), plain("i", "values")])
SPARSE = plain("+us:0,5", "x", [plain("i", "a"), plain("u", "b")])
DENSE = plain("+ud:0,5", "x", [plain("i", "a"), plain("u", "b")])
VIEW = plain("vu")


def ends_and_values(*ends, values=3):
    return [
        Array(len(ends), [None, pack("i", *ends)]),
        Array(values, [None, pack("i", *range(values))]),
    ]


def view(size, buffer=0, start=0, data=b"x" * 20, sizes=(20,)):
    buffers = [None, pack("i", size, 0, buffer, start)]
    if data is not None:
        buffers.append(data)
    return Array(1, [*buffers, pack("q", *sizes)])


def pairs(keys, length=1, nulls=0, validity=None):
    values = Array(length, [None, pack("i", *range(length))])
    return Array(length, [validity], [keys, values], nulls)


WRONG = [
    (plain("i"), Array(-1, [None, b""]), "an array of length -1 at offset 0"),
    (plain("i"), Array(1 << 60, [None, b"abcd"]), "an array of length"),
    (plain("i"), Array(1, [None, b"abcd"], offset=-1), "an array of length 1 at offset -1"),
    (plain("i"), Array(1, [None, b"abcd"], offset=1 << 57), "an array of length 1 at offset"),
    (plain("i"), Array(1, [None, b"abcd"], nulls=2), "2 of 1 values are null"),
    (plain("i"), Array(1, [None, b"abcd"], nulls=-2), "-2 of 1 values are null"),
    (plain("i"), Array(1, [None, b"abcd"], nulls=1), "values are null, but the array does not say"),
    (plain("i"), Array(1, [None, None]), "the array has values, but no buffer of them"),
    (plain("i"), Array(1, [None]), "the array has 1 buffers, its type has 2"),
    (plain("i"), Array(1, [None, b"abcd", b""]), "the array has 3 buffers, its type has 2"),
    (plain("i"), Array(1, [None, b"abcd"], n_buffers=-5), "the array has -5 buffers"),
    (plain("i"), Array(1, [None, b"abcd"], no_buffers=True), "the array has no buffers"),
    (plain("i"), Array(1, [None, b"abcd"], [ONE_INT]), "the array has 1 children, its type has 0"),
    (plain("i"), Array(1, [None, b"abcd"], dictionary=ONE_INT), "a dictionary is there and not in"),
    (plain("i"), Array(1, [None, b"abcd"], released=True), "the array has been released"),
    (TEXT, text(0, -1), "the data end at -1"),
    (TEXT, text(0, 3, data=None), "the data end at 3"),
    (VIEW, Array(1, [None, bytes(16)]), "the array has 2 buffers, its type has 3"),
    (VIEW, Array(1, [None, bytes(16), b"", None]), "the array does not say how long its data are"),
    (STRUCT, Array(4, [None], [INTS]), "3 values are too few for 4"),
    (STRUCT, Array(1, [None], [INTS], offset=3), "3 values are too few for 4"),
    (STRUCT, Array(1, [None], n_children=1), "the array has 1 children, its type has 1"),
    (FIXED, Array(2, [None], [INTS]), "3 values are too few for 2"),
    (FIXED, Array(1, [None], [INTS], offset=1), "3 values are too few for 2"),
    (LIST_VIEW, Array(1, [None, pack("i", 0), None], [INTS]), "a buffer is missing"),
    (WORDS, Array(1, [None, b"\0"]), "a dictionary is there and not in the type, or the reverse"),
    (RUNS, Array(3, [], ends_and_values(1, 1, 3)), "run 1 ends at 1, the one before at 1"),
    (RUNS, Array(3, [], ends_and_values(0, 1, 3)), "run 0 ends at 0, the one before at 0"),
    (RUNS, Array(3, [], ends_and_values(-1)), "run 0 ends at -1"),
    (RUNS, Array(3, [], ends_and_values(1, 2)), "the runs end at 2, the array at 3"),
    (RUNS, Array(1, [], ends_and_values(1, 2), offset=2), "the runs end at 2, the array at 3"),
    (RUNS, Array(3, [], ends_and_values()), "the runs end at 0, the array at 3"),
    (RUNS, Array(3, [], ends_and_values(1, 2, 3, values=2)), "there are fewer values than runs"),
    (SPARSE, Array(2, [b"\0\0"], [ONE_INT, text(0, 1)]), "1 values are too few for 2"),
    (DENSE, Array(1, [b"\0", None], [ONE_INT, text(0, 1)]), "a buffer is missing"),
]


@pytest.mark.parametrize(("kind", "array", "problem"), WRONG, ids=[w[2] for w in WRONG])
def test_an_array_that_is_not_of_its_type(bx, arrow, kind, array, problem):
    producer = Producer(schema_of(kind), rows_of(array, length=max(array.length, 0) and 1))
    with pytest.raises(arrow.ArrowError) as caught:
        read(bx, arrow, producer)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("column 'x")
    assert producer.released.count("stream") == 1


CONTRADICTIONS = [
    (TEXT, text(0, 5, 3, 6), 1, "a value from 5 to 3 of 6 bytes"),
    (TEXT, text(0, 1, 7, 6), 1, "a value from 1 to 7 of 6 bytes"),
    (TEXT, text(-1, 2), 0, "a value from -1 to 2 of 2 bytes"),
    (plain("U"), Array(1, [None, pack("q", 1 << 40, 1), b"ab"]), 0, "a value from"),
    (VIEW, view(13, buffer=1), 0, "a view of 13 bytes at 0 of buffer 1 of 1"),
    (VIEW, view(13, buffer=-1), 0, "a view of 13 bytes at 0 of buffer -1 of 1"),
    (VIEW, view(13, start=8), 0, "a view of 13 bytes at 8 of buffer 0 of 1"),
    (VIEW, view(13, start=-1), 0, "a view of 13 bytes at -1 of buffer 0 of 1"),
    (VIEW, view(-1), 0, "a view of -1 bytes"),
    (VIEW, view(13, data=None, sizes=()), 0, "a view of 13 bytes at 0 of buffer 0 of 0"),
    (VIEW, view(13, sizes=(-20,)), 0, "a view of 13 bytes at 0 of buffer 0 of 1"),
    (LIST, Array(2, [None, pack("i", 0, 2, 4)], [INTS]), 1, "a list from 2 to 4 of 3 values"),
    (LIST, Array(1, [None, pack("i", 2, 1)], [INTS]), 0, "a list from 2 to 1 of 3 values"),
    (LIST, Array(1, [None, pack("i", -1, 1)], [INTS]), 0, "a list from -1 to 1 of 3 values"),
    (
        LIST_VIEW,
        Array(1, [None, pack("i", 2), pack("i", 2)], [INTS]),
        0,
        "a list from 2 to 4 of 3 values",
    ),
    (LIST_VIEW, Array(1, [None, pack("i", -2), pack("i", 2)], [INTS]), 0, "a list at -2"),
    (
        plain("+vL", "x", [plain("i", "item")]),
        Array(1, [None, pack("q", 1 << 62), pack("q", 1 << 62)], [INTS]),
        0,
        "a list at",
    ),
    (LIST_VIEW, Array(1, [None, pack("i", 1), pack("i", -1)], [INTS]), 0, "a list from 1 to 0"),
    (
        MAP,
        Array(1, [None, pack("i", 0, 2)], [pairs(text(0, 1))]),
        0,
        "a map from 0 to 2 of 1 pairs",
    ),
    (
        MAP,
        Array(1, [None, pack("i", 1, 0)], [pairs(text(0, 1))]),
        0,
        "a map from 1 to 0 of 1 pairs",
    ),
    (
        WORDS,
        Array(2, [None, b"\0\1"], dictionary=text(0, 1)),
        1,
        "an index is not one of the dictionary's",
    ),
    (
        WORDS,
        Array(1, [None, b"\xff"], dictionary=text(0, 1)),
        0,
        "an index is not one of the dictionary's",
    ),
    (
        plain("L", "x", dictionary=plain("u", "")),
        Array(1, [None, b"\xff" * 8], dictionary=text(0, 1)),
        0,
        "an index is not one of the dictionary's",
    ),
    (SPARSE, Array(1, [b"\1"], [ONE_INT, text(0, 1)]), 0, "a value of the union is in none"),
    (SPARSE, Array(1, [b"\xff"], [ONE_INT, text(0, 1)]), 0, "a value of the union is in none"),
    (
        DENSE,
        Array(1, [b"\0", pack("i", 1)], [ONE_INT, text(0, 1)]),
        0,
        "a value of the union is in",
    ),
    (
        DENSE,
        Array(1, [b"\5", pack("i", -1)], [ONE_INT, text(0, 1)]),
        0,
        "a value of the union is in",
    ),
]


@pytest.mark.parametrize(
    ("kind", "array", "row", "problem"), CONTRADICTIONS, ids=[c[3] for c in CONTRADICTIONS]
)
def test_an_array_that_contradicts_itself(bx, arrow, kind, array, row, problem):
    for options in ({}, {"collect": True}):
        producer = Producer(schema_of(kind), rows_of(array))
        with arrow.DocumentReader(producer, **options) as reader:
            if row:
                assert len(reader.read()) == row
            with pytest.raises(arrow.ArrowError) as caught:
                reader.read()
        assert problem in str(caught.value)
        assert caught.value.row == row
        assert caught.value.column == "x"
        assert producer.released.count("array") == producer.released.count("array")
        assert producer.released.count("stream") == 1


def test_values_that_no_document_can_have(bx, arrow):
    bad_keys = [
        (pairs(text(0, 3, data=b"a\0b")), "a key of a map is no name of a field"),
        (pairs(text(0, 1, data=b"\xff")), "a key of a map is no name of a field"),
        (pairs(Array(1, [b"\0", pack("i", 0, 0), None], nulls=1)), "a key of a map is null"),
        (pairs(text(0, 1), nulls=1, validity=b"\0"), "a key of a map is null"),
    ]
    for entries, problem in bad_keys:
        array = Array(1, [None, pack("i", 0, 1)], [entries])
        (rows,) = arrow.to_bson(Producer(schema_of(MAP), rows_of(array)), collect=True)
        assert rows.rejects == [(0, "x.entries.key", problem)]
        assert rows.documents == b""
    seconds = Array(2, [None, pack("q", 5, 1 << 62)])
    (rows,) = arrow.to_bson(Producer(schema_of(plain("tss:")), rows_of(seconds)), collect=True)
    assert rows.rejects == [(1, "x", f"a timestamp of {1 << 62} seconds is no date of BSON")]
    nothing = Array(2, [b"\1"], [Array(2, [None, pack("i", 1, 2)])], nulls=1)
    (rows,) = arrow.to_bson(Producer(schema_of(plain("i")), nothing), collect=True)
    assert rows.rejects == [(1, "", "the row is null")]


def test_the_values_of_rows_that_are_no_documents(bx, arrow):
    """What BSON has no form of is text, the rest is as it would be stored."""
    kinds = [
        ("L", Array(1, [None, pack("Q", 1 << 63)]), bx.Decimal128("9223372036854775808")),
        ("tss:", Array(1, [None, pack("q", 1 << 62)]), f"<a timestamp of {1 << 62} seconds is no "),
        ("u", text(0, 2, data=b"a\xff"), b"a\xff"),
        ("d:38,2", Array(1, [None, (10**37 + 1).to_bytes(16, sys.byteorder)]), "1" + "0" * 34),
        ("d:38,2", Array(1, [None, (-(10**37)).to_bytes(16, sys.byteorder, signed=True)]), None),
    ]
    for form, array, shown in kinds:
        fields = [plain("i", "n"), plain(form, "x")]
        producer = Producer(schema_of(*fields), rows_of(Array(1, [None, pack("i", 7)]), array))
        (rows,) = arrow.to_bson(producer, collect=True, keep=True)
        assert len(rows.rejects) == len(rows.rejected) == (shown is not None)
        if shown is not None:
            row = bx.decode(rows.rejected[0])
            assert row["n"] == 7
            assert row["x"] == shown or row["x"].startswith(shown)
    keys = pairs(text(0, 3, data=b"a\0b"))
    array = Array(1, [None, pack("i", 0, 1)], [keys])
    (rows,) = arrow.to_bson(Producer(schema_of(MAP), rows_of(array)), collect=True, keep=True)
    assert bx.decode(rows.rejected[0])["x"][0]["key"] == "a\0b"
    nothing = Array(3, [b"\5"], [Array(3, [None, pack("i", 1, 2, 3)])], nulls=1)
    producer = Producer(schema_of(plain("i")), nothing)
    (rows,) = arrow.to_bson(producer, collect=True, keep=True)
    assert (rows.rejects, rows.rejected) == ([(1, "", "the row is null")], [None])


def test_long_keys_of_maps(bx, arrow):
    key = b"k" * 1000
    array = Array(1, [None, pack("i", 0, 1)], [pairs(text(0, 1000, data=key))])
    assert read(bx, arrow, Producer(schema_of(MAP), rows_of(array))) == [{"x": {"k" * 1000: 0}}]


def test_lists_with_many_values(bx, arrow):
    count = 12_345
    values = Array(count, [None, pack("i", *range(count))])
    array = Array(1, [None, pack("i", 0, count)], [values])
    found = read(bx, arrow, Producer(schema_of(LIST), rows_of(array)))
    assert found == [{"x": list(range(count))}]
    assert bx.encode(found[0]) == bx.encode({"x": list(range(count))})


def test_schemas_that_are_none(bx, arrow):
    wrong = [
        (plain("i"), "documents are made of a struct's columns, not of 'i'"),
        (schema_of(plain("d:50,2,256")), "BSON has nothing for Arrow's type 'd:50,2,256'"),
        (schema_of(plain("w:-1")), "BSON has nothing for"),
        (schema_of(plain("w:x")), "BSON has nothing for"),
        (schema_of(plain("what")), "BSON has nothing for Arrow's type 'what'"),
        (schema_of(plain("+l")), "'+l' with 0 fields"),
        (schema_of(plain("+us:0", children=[])), "does not name a union's columns"),
        (schema_of(plain("+us:0,0", "x", [plain("i"), plain("i")])), "does not name a union's"),
        (schema_of(plain("+us:200", "x", [plain("i")])), "does not name a union's columns"),
        (schema_of(plain("+m", "x", [plain("i")])), "a map is made of pairs"),
        (schema_of(plain("u", dictionary=plain("u"))), "a dictionary's indices are no 'u'"),
        (schema_of(plain("+r", "x", [plain("u"), plain("i")])), "the ends of runs are no integers"),
        (schema_of(plain("i"), plain("u")), "two columns are named 'x'"),
    ]
    for schema, problem in wrong:
        producer = Producer(schema)
        with pytest.raises(arrow.ArrowError) as caught:
            arrow.DocumentReader(producer)
        assert problem in str(caught.value)
        assert producer.released == ["stream"]
    deep = plain("i")
    for _ in range(90):
        deep = plain("+s", "x", [deep])
    assert arrow.DocumentReader(Producer(deep)).read() is None


def test_metadata_that_are_broken(bx, arrow):
    from bsonx._impl import arrow_fields, arrow_schema
    from bsonx._py.arrow.formats import pack_metadata, unpack_metadata

    pairs = {b"k": b"v", b"": b"x" * 100}
    field = ("i", "n", pack_metadata(pairs), 2, (), None)
    found = arrow_fields(arrow_schema(field))
    assert found == field
    assert unpack_metadata(found[2]) == pairs
    for broken in (pack("i", -1), pack("i", 1, -5), pack("i", 1, 1 << 30, 0)):
        with pytest.raises(arrow.ArrowError, match="a schema has broken metadata"):
            unpack_metadata(broken)
    for broken in (pack("i", -1), pack("i", 1, -5)):
        with pytest.raises(arrow.ArrowError, match="a schema has broken metadata"):
            arrow_fields(arrow_schema(("i", "n", broken, 2, (), None)))


def test_arrays_that_are_not_aligned(bx, arrow):
    """Buffers may be anywhere: values are read where they are."""
    producer = Producer(schema_of(plain("l")))
    memory = ctypes.create_string_buffer(b"." + pack("q", 1, -2), 17)
    told = producer.array(Array(2, [None, bytes(16)]))
    told.buffers[1] = ctypes.addressof(memory) + 1
    rows = producer.array(Array(2, [None], [Array(2, [None, bytes(16)])]))
    rows.children[0] = ctypes.addressof(told)
    producer.array = lambda array: rows
    producer._arrays = [None]
    assert read(bx, arrow, producer) == [{"x": 1}, {"x": -2}]
