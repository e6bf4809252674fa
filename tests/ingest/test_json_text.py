"""NDJSON and JSON files as sources of batches."""

import io
import json
import os
import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bsonx
from mongodriver.ingest.batch import ENCODE, PARSE, BatchLimits, Ids
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.files import FileSource, OpenSource
from mongodriver.ingest.sources.geojson_text import GeoJSONTextReader
from mongodriver.ingest.sources.json_text import JSONSource, JSONTextReader

from .reading import Trickle
from .test_json_values import DOCUMENTS

SEED = b"123456789"
EXACT = bsonx.CodecOptions(datetime_conversion=bsonx.DatetimeConversion.DATETIME_AUTO)


def source(tmp_path, data, form="ndjson", **options):
    path = tmp_path / "file"
    path.write_bytes(data)
    return JSONSource(FileSource(os.fspath(path), form), **options)


def documents(batch):
    return [bsonx.decode(batch.document(index), EXACT) for index in range(len(batch))]


def batches(reader, limits=None):
    while (batch := reader.read(limits or BatchLimits())) is not None:
        yield batch


def read(made, limits=None, at=None, ids=None):
    """The documents with their positions, the rejects, and the place behind each batch."""
    reader = made.open(ids, at)
    try:
        found, rejects, places = [], [], []
        for batch in batches(reader, limits):
            found += zip(batch.positions, documents(batch), strict=True)
            rejects += batch.rejects
            places.append(batch.resume)
        return found, rejects, places
    finally:
        reader.close()


def over(stream, form, **options):
    """A reader of any stream."""
    reader = JSONTextReader("x", form, OpenSource(stream, stream), None, waits=True, **options)
    reader.stack = ExitStack()
    return reader


def test_lines(tmp_path):
    data = b'\xef\xbb\xbf{"a": 1}\n\n  \n{"b": [1.5, null, "\xc3\xa9"]}\r\n{"c": {}}'
    found, rejects, _ = read(source(tmp_path, data))
    assert found == [(1, {"a": 1}), (4, {"b": [1.5, None, "é"]}), (5, {"c": {}})]
    assert rejects == []


def test_positions_that_follow_each_other_are_a_range(tmp_path):
    reader = source(tmp_path, b"{}\n{}\n{}\n\n{}\n").open(None)
    batch = reader.read(BatchLimits(3))
    assert batch.positions == range(1, 4)
    assert batch.read == 9
    batch = reader.read(BatchLimits(3))
    assert [*batch.positions] == [5]
    assert reader.read(BatchLimits(3)) is None
    assert reader.consumed() == 13
    reader.close()


@pytest.mark.parametrize(
    ("line", "words", "code"),
    [
        (b"{", "not JSON: ", PARSE),
        (b'{"a": 1} x', "not JSON: Extra data", PARSE),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7: invalid start byte", PARSE),
        (b"null", "a JSON object is needed, not null", PARSE),
        (b"5", "a JSON object is needed, not a value of type int", PARSE),
        (b'{"n": {"$numberInt": "5.5"}}', "field n: $numberInt '5.5' is no integer", PARSE),
        (b'{"a": [{"n": {"$date": "soon"}}]}', "field a[0].n: $date 'soon' is no date", PARSE),
        (b'{"a": {"$oid": "x"}}', "field a: 'x' is not a valid ObjectId", PARSE),
        (b'{"a": {"$numberDecimal": "ten"}}', "field a: $numberDecimal must be a number", PARSE),
        (b'{"a": 1, "a": 2}', "the key 'a' comes twice", PARSE),
        (b'{"a": 1E400}', "field a: the number 1E400 is too large for a double", PARSE),
        (b'{"a": {"b": 99999999999999999999}}', "field a.b: MongoDB can only handle", ENCODE),
        (b'{"a": "\\ud800"}', "field a: 'utf-8' codec can't encode", ENCODE),
        (b'{"a\\u0000": 1}', "Key names must not contain the NULL byte", ENCODE),
        (b"[" * 100_000, "not JSON: maximum recursion depth", PARSE),
    ],
)
def test_a_bad_line_is_rejected_alone(tmp_path, line, words, code):
    made = source(tmp_path, b'{"a": 1}\n' + line + b'\n{"b": 2}\n')
    found, [reject], _ = read(made)
    assert found == [(1, {"a": 1}), (3, {"b": 2})]
    assert (reject.position, reject.raw, reject.code) == (2, line, code)
    assert words in reject.error
    assert "\n" not in reject.error
    assert "<class" not in reject.error


def test_dates_that_datetime_cannot_hold(tmp_path):
    text = b'{"d": {"$date": {"$numberLong": "-99999999999999999"}}}'
    for form in ("ndjson", "json"):
        found, rejects, _ = read(source(tmp_path, text, form))
        assert (int(found[0][1]["d"]), rejects) == (-99999999999999999, [])


def test_ids_follow_from_the_number_of_the_document(tmp_path):
    data = b'{"a": 1}\nbad\n{"a": 2, "_id": 5}\n{"a": 3}\n' * 30
    ids = Ids(SEED)
    made = source(tmp_path, data)
    whole, rejects, places = read(made, BatchLimits(7), ids=ids)
    assert (len(whole), len(rejects)) == (90, 30)
    assert whole[0][1]["_id"].binary == ids.first(0)
    assert whole[89][1]["_id"].binary == ids.first(89)
    assert [*whole[1][1].values()] == [5, 2]
    assert places[-1] == {"documents": 90, "offset": len(data), "line": 121, "state": 0}
    for place in places:
        rest, more, _ = read(made, BatchLimits(50), at=place, ids=ids)
        assert rest == whole[place["documents"] :]
        assert len(more) == len([r for r in rejects if r.position >= place["line"]])


def test_a_batch_says_whether_all_ids_are_its_own(tmp_path):
    data = b'{"a": 1}\n{"a": 2}\n{"_id": 3}\n{"a": 4}\n'
    reader = source(tmp_path, data).open(Ids(SEED))
    assert [batch.own_ids for batch in batches(reader, BatchLimits(2))] == [True, False]
    reader.close()
    reader = source(tmp_path, data).open(None)
    assert [batch.own_ids for batch in batches(reader, BatchLimits(2))] == [False, False]
    reader.close()


def test_a_field_that_becomes_the_id(tmp_path):
    found, rejects, _ = read(source(tmp_path, b'{"a": 1, "k": 2}\n', id_field="k"))
    assert (found, rejects) == ([(1, {"_id": 2, "a": 1})], [])


def test_limits(tmp_path):
    made = source(tmp_path, b'{"a": 1}\n' * 1000)
    sizes = [len(batch) for batch in batches(made.open(None), BatchLimits(300))]
    assert sizes == [300, 300, 300, 100]
    sizes = [len(batch) for batch in batches(made.open(None), BatchLimits(bytes=12 * 400))]
    assert sizes == [400, 400, 200]


def test_records_longer_than_what_is_read_at_a_time(tmp_path):
    texts = [json.dumps({"a": "x" * size}).encode() for size in (10, 700_000, 10, 3_000_000)]
    for form, data in (("ndjson", b"\n".join(texts)), ("json", b"[" + b",".join(texts) + b"]")):
        found, rejects, _ = read(source(tmp_path, data, form), BatchLimits(bytes=100_000))
        assert [len(document["a"]) for _, document in found] == [10, 700_000, 10, 3_000_000]
        assert rejects == []


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_an_overlong_line_is_not_kept(ending):
    data = b'{"a": 1}\n{"b": "' + b"x" * 5_000_000 + b'"}\n{"c": 3}\n' + b"y" * 3_000_000 + ending
    reader = over(io.BytesIO(data), "ndjson", max_record=400_000)
    found, rejects, places = [], [], []
    for batch in batches(reader):
        found += zip(batch.positions, documents(batch), strict=True)
        rejects += batch.rejects
        places.append(batch.resume)
    assert found == [(1, {"a": 1}), (3, {"c": 3})]
    assert [(reject.position, reject.raw) for reject in rejects] == [
        (2, data[9:1009]),
        (4, b"y" * 1000),
    ]
    assert rejects[0].error == "the line is longer than 400000 bytes"
    assert [place.get("too_long") for place in places] == [None, True, None, True]


def test_an_overlong_value_ends_the_reading():
    data = b'[{"a": 1}, {"b": "' + b"x" * 5_000_000 + b'"}]'
    reader = over(io.BytesIO(data), "json", max_record=400_000)
    assert documents(reader.read(BatchLimits())) == [{"a": 1}]
    with pytest.raises(IngestError, match="line 1: a value is longer than 400000 bytes"):
        reader.read(BatchLimits())


@pytest.mark.parametrize(
    ("data", "count", "words"),
    [
        (b'[{"a": 1}', 1, "line 1: the array is cut off"),
        (b'[{"a": 1},\n', 1, "line 2: the array is cut off"),
        (b'[{"a": 1}]\n x', 1, "line 2: there is text behind the end of the array"),
        (b"\n5", 0, "line 2: neither a JSON array nor a JSON object begins here"),
        (b"a,b\n1,2\n", 0, "line 1: neither a JSON array nor a JSON object begins here"),
    ],
)
def test_what_is_good_comes_before_the_error(tmp_path, data, count, words):
    reader = source(tmp_path, data, "json").open(None)
    assert sum(len(reader.read(BatchLimits())) for _ in range(count)) == count
    for _ in range(2):
        with pytest.raises(IngestError, match=words):
            reader.read(BatchLimits())
    reader.close()


def test_errors_of_the_file_come_last():
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            data = super().read1(30)
            if not data:
                raise OSError("the disk is gone")
            return data

    reader = over(Failing(b'{"a": 1}\n' * 100), "ndjson")
    assert sum(len(reader.read(BatchLimits(50))) for _ in range(2)) == 100
    with pytest.raises(OSError, match="the disk is gone"):
        reader.read(BatchLimits())


def test_going_on_in_a_file_that_became_shorter(tmp_path):
    made = source(tmp_path, b'{"a": 1}\n')
    place = {"documents": 5, "offset": 100, "line": 6, "state": 0}
    with pytest.raises(IngestError, match="ends before byte 100"):
        made.open(None, place)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_going_on_in_a_stream(form):
    for text in (b'{"a": 1}\n{"a": 2}\n{"a": 3}', b'[{"a": 1},\n{"a": 2}, {"a": 3}]'):
        if form == "ndjson" and text.startswith(b"["):
            continue
        places = [None]
        places += [b.resume for b in batches(over(io.BytesIO(text), form), BatchLimits(1))]
        for number, place in enumerate(places[:3]):
            reader = over(Trickle(text, 4), form)
            if place:
                reader.go_to(place)
            rest = [d["a"] for batch in batches(reader) for d in documents(batch)]
            assert rest == [1, 2, 3][number:]


@given(
    DOCUMENTS,
    st.sampled_from([None, 2]),
    st.booleans(),
    st.sampled_from(["array", "\n", "", " \r\n\n"]),
    st.integers(1, 9),
)
def test_json_of_any_shape(values, indent, ascii_only, shape, size):
    if shape == "array":
        text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    else:
        text = shape.join(json.dumps(value, indent=indent) for value in values)
    reader = over(Trickle(text.encode(), size), "json")
    found = [d for batch in batches(reader, BatchLimits(3)) for d in documents(batch)]
    if not any("_id" in value for value in values):
        assert found == values


def test_a_pipe_gives_what_it_has_by_the_deadline():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", 0) as pipe:
        reader = over(stream, "ndjson")
        pipe.write(b'{"a": 1}\n{"a": 2}\n{"a"')
        batch = reader.read(BatchLimits(seconds=0.01))
        assert documents(batch) == [{"a": 1}, {"a": 2}]
        threading.Timer(0, pipe.write, [b": 3}\n"]).start()
        assert documents(reader.read(BatchLimits(seconds=0.01))) == [{"a": 3}]
        pipe.close()
        assert reader.read(BatchLimits(seconds=0.01)) is None


@pytest.mark.parametrize("packed", ["gz", None])
def test_packed_files_go_on_in_the_middle(tmp_path, packed):
    import gzip

    data = b"".join(b'{"a": %d}\n' % number for number in range(5000))
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if packed else data)
    made = JSONSource(FileSource(os.fspath(path), "ndjson"))
    whole, _, places = read(made, BatchLimits(1000))
    for place in places[:-1]:
        assert read(made, at=place)[0] == whole[place["documents"] :]


FEATURES = b"""{"type": "FeatureCollection", "name": "x", "crs": {"features": [1]},
"features": [
{"type": "Feature", "properties": {"n": 1}},
{"type": "Feature", "properties": {"n": 2}}
], "bbox": [1, 2]}
"""


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_features(tmp_path, mark):
    made = source(tmp_path, mark + FEATURES, "geojson")
    found, rejects, places = read(made, BatchLimits(1))
    assert [(line, document["properties"]) for line, document in found] == [
        (3, {"n": 1}),
        (4, {"n": 2}),
    ]
    assert rejects == []
    for number, place in enumerate(places, 1):
        assert read(made, at=place)[0] == found[number:]


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b'{"type": "Feature", "properties": {"features": []}}', 1),
        (b'{"type": "Point"}\n{"type": "Point"}', 2),
        (b'[{"type": "Point"}, {"type": "Point"}]', 2),
        (b'{"features": []}', 0),
        (b'{"features": [{}, {}], "features": 5}', 2),
        (b"", 0),
        (b" \n", 0),
    ],
)
def test_other_geojson(tmp_path, data, count):
    found, rejects, _ = read(source(tmp_path, data, "geojson"))
    assert (len(found), rejects) == (count, [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (FEATURES[:-4], "line 5: the collection is cut off"),
        (FEATURES[:160], "line 4: the collection is cut off"),
        (FEATURES + b"x", "line 5: there is text behind the end of the collection"),
        (b'{"features": [{}]', "line 1: the collection is cut off"),
    ],
)
def test_features_that_are_damaged(tmp_path, data, words):
    reader = source(tmp_path, data, "geojson").open(None)
    assert len(reader.read(BatchLimits())) >= 1
    for _ in range(2):
        with pytest.raises(IngestError, match=words):
            reader.read(BatchLimits())
    reader.close()


@pytest.mark.parametrize("size", [1, 5, 100])
def test_features_in_parts(size):
    opened = OpenSource(Trickle(FEATURES, size), Trickle(FEATURES, size))
    reader = GeoJSONTextReader("x", "geojson", opened, None, waits=True)
    assert sum(len(batch) for batch in batches(reader)) == 2
