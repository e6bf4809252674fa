"""Files as people have them (F7, F16, F19): written by other programs, named in other ways."""

import codecs
import json
import os
from contextlib import closing

import pytest

import bsonx
from mongodriver.ingest import CSVOptions, IngestError
from mongodriver.ingest.batch import BatchLimits, Ids
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.look import look_at
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.sources import find_files, make_source
from mongodriver.ingest.sources.by_format import source_of_file
from mongodriver.ingest.sources.choose import sources_of

from .reading import Trickle, csv_records, geojson_records, read, records

TABLE = "id,name,v\n1,Ä,1.5\n2,b,2.5\n"
DOCUMENTS = [{"id": 1, "name": "Ä", "v": 1.5}, {"id": 2, "name": "b", "v": 2.5}]


def documents(path, options=None, **how):
    """The documents of a file, as the command line reads it."""
    source = make_source(path, **how)
    bad = []
    with closing(source_of_file(source, options).open(None)) as reader:
        found = [document for _, _, document in records(reader, lambda *one: bad.append(one))]
    assert bad == []
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.psv"])
def test_f16_the_delimiter_is_noticed(tmp_path, delimiter, name):
    (tmp_path / name).write_text(TABLE.replace(",", delimiter), encoding="utf-8")
    assert documents(tmp_path / name) == DOCUMENTS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a;b;c\n", ["a", "b", "c"]),
        ('"x,y";b\n1,5;2,5\n3,5;4,5\n', ["x,y", "b"]),
        ("a,b\n1;2,3\n4;5,6\n", ["a", "b"]),
        ('a,b\n"1;2;3",x\n"4;5;6",y\n', ["a", "b"]),
        ("only\n1;2\n3\n", ["only"]),
        ("a b\n1 2\n", ["a b"]),
        ("x,y\n", ["x", "y"]),
    ],
)
def test_f16_what_the_rows_say_of_the_delimiter(text, names):
    plan = CSVText(Trickle(text.encode(), 7), CSVOptions()).begin()
    assert [column.name for column in plan.columns] == names


def test_f16_a_delimiter_that_is_given_counts():
    options = CSVOptions(delimiter=",")
    assert read(csv_records, b"a;b\n1;2\n", options=options)[0] == [(2, {"a;b": "1;2"})]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0", "ä"])
def test_delimiters_that_cannot_be(delimiter):
    with pytest.raises(IngestError, match="the delimiter must be one ASCII character"):
        CSVOptions(delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["", "le", "be"])
def test_f16_marks_of_encodings(tmp_path, encoding, order):
    path = tmp_path / "a.csv"
    if order and encoding != "utf-8-sig":
        mark = getattr(codecs, f"BOM_{encoding.upper().replace('-', '')}_{order.upper()}")
        path.write_bytes(mark + TABLE.encode(f"{encoding}-{order}"))
    else:
        path.write_text(TABLE, encoding=encoding)
    assert documents(path) == DOCUMENTS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "UTF8", "utf-7", "cp850"])
def test_f16_encodings_that_are_given(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text(TABLE, encoding=encoding)
    assert documents(path, encoding=encoding) == DOCUMENTS


def test_f16_encodings_of_other_formats(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"s": "Ä"}]', encoding="utf-16")
    assert documents(path) == [{"s": "Ä"}]
    path = tmp_path / "a.ndjson"
    path.write_text('{"s": "Ä"}\n{"s": 2}', encoding="latin-1")
    assert documents(path, encoding="latin-1") == [{"s": "Ä"}, {"s": 2}]


@pytest.mark.parametrize("name", ["klingon", "hex", "rot13", "", "a\0b"])
def test_encodings_that_nobody_knows(name):
    with pytest.raises(IngestError, match="there is no encoding"):
        make_source("a.csv", encoding=name)


def test_text_that_is_not_in_its_encoding(tmp_path):
    """What stands before it is read."""
    path = tmp_path / "a.ndjson"
    good = '{"n": 1}\n'.encode("utf-16-le") * 100_000
    path.write_bytes(good + b"\x00\xd8x\x00")
    found = []
    source = make_source(path, encoding="utf-16-le")
    reader = source_of_file(source).open(None)
    with (
        closing(reader),
        pytest.raises(IngestError, match=f"not utf-16-le at byte {len(good)}: illegal"),
    ):
        found.extend(records(reader, lambda *bad: None))
    assert len(found) == 100_000


def test_a_header_in_another_encoding_says_what_to_do():
    with pytest.raises(IngestError, match=r"not UTF-8.*give it: --encoding latin-1"):
        read(csv_records, "Größe,b\n1,2\n".encode("latin-1"))


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_f16_lines_that_end_in_cr_alone(step):
    data = b'id,v\r1,2\r3,"a\rb"\r\r4,\xff\r5,6'
    bad = []
    reader = csv_records(Trickle(data, step), lambda *one: bad.append(one))
    assert [(line, document) for line, _, document in reader] == [
        (2, {"id": 1, "v": "2"}),
        (3, {"id": 3, "v": "a\rb"}),
        (7, {"id": 5, "v": "6"}),
    ]
    assert [(line, raw) for line, raw, _ in bad] == [(6, b"4,\xff\r")]


def test_a_cr_in_the_middle_of_a_line_is_none():
    assert read(csv_records, b"a,b\n1,2\r3\n4,5\r\r\n") == (
        [(3, {"a": 4, "b": 5})],
        [(2, b"1,2\r3\n", "not CSV: there is a carriage return in the middle of a line")],
    )


def test_f16_an_array_in_ndjson(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n [{"a": 1},\n{"a": 2}]\n')
    with pytest.raises(IngestError, match=r"an array begins here.*--format json"):
        documents(path)
    assert documents(path, form="json") == [{"a": 1}, {"a": 2}]


FEATURES = [{"type": "Feature", "properties": {"n": n}, "geometry": None} for n in range(3)]


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "FeatureCollection", "features": %s}',
        '{"features": %s, "type": "FeatureCollection"}',
        '{"type":"FeatureCollection","bbox":[1,2.5],"crs":{"features":[1]},"features":%s,"n":1}\n',
        '\ufeff { "name": "\u00e4\\"]", "features" : %s , "a": {"b": [1]}, "c": "}" } ',
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_f16_features_of_geojson(text, step):
    data = (text % json.dumps(FEATURES)).encode()
    reader = geojson_records(Trickle(data, step), lambda *bad: pytest.fail(str(bad)))
    assert [document for _, _, document in reader] == FEATURES


@pytest.mark.parametrize(
    "text",
    ['{"type": "Feature", "properties": {}}', '{"a": {"features": [{"b": 1}]}}', '{"features": 1}'],
)
def test_f16_geojson_that_is_no_collection(text):
    assert read(geojson_records, text.encode()) == ([(1, json.loads(text))], [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"features": [{"a": 1}', "the collection is cut off"),
        ('[{"a": 1}', "the array is cut off"),
        ('{"features": [{"a": 1}]', "the collection is cut off"),
        ('{"features": [{"a": 1}], "b": 1', "the collection is cut off"),
        ('{"features": [{"a": 1}]} x', "text behind the end of the collection"),
    ],
)
def test_f16_geojson_that_is_cut_off(text, problem):
    with pytest.raises(IngestError, match=problem):
        read(geojson_records, text.encode())


def test_f16_geojson_by_its_name(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": FEATURES}))
    assert documents(path) == FEATURES
    assert make_source("a.geojsonl.gz").format == "ndjson"


@pytest.mark.parametrize("name", ["data", "data.unknown", "data.xml.gz", "archive.xlsx"])
def test_f16_unknown_names_say_what_to_do(name):
    with pytest.raises(IngestError, match=r"cannot tell the format.*--format \{csv,json,ndjson"):
        make_source(name)


def test_f16_a_folder(tmp_path):
    for form in (None, "csv"):
        with pytest.raises(IngestError, match="is a folder: name the files in it"):
            make_source(tmp_path, form)


def test_f16_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv", "c.json", "x[1].csv"):
        (tmp_path / name).touch()
    os.mkdir("d.csv")
    assert find_files("*.csv") == ["a.csv", "b.csv", "x[1].csv"]
    assert find_files("x[1].csv") == ["x[1].csv"]  # a file of that name
    assert find_files("a.csv") == ["a.csv"]
    assert find_files("missing.csv") == ["missing.csv"]
    assert find_files("-") == ["-"]
    for pattern in ("*.tsv", "m[0-9].csv", "?"):
        with pytest.raises(IngestError, match="no file matches"):
            find_files(pattern)
    with pytest.raises(IngestError, match="no file matches"):
        make_source("*.tsv.gz.x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"x, y\n 1.5,  -2.25 \n", [{"x": 1.5, "y": -2.25}]),
        (
            b'"LatD", "City", "State"\n   41, "Youngstown, Steel", OH\n',
            [{"LatD": 41, "City": "Youngstown, Steel", "State": " OH"}],
        ),
        (b'a,b\n\t"x" ,1\n', None),
        (b'a\tb\n  "x\ty"\t1\n', [{"a": "x\ty", "b": 1}]),
        (b" a ,\tb\t,  \n1,2,3\n", [{"a": 1, "b": 2, "column3": 3}]),
        (b"a,b\n1,2\n   \n \t \n3,4\n", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        (b"a,b\n NA ,x\n1, \n", [{"a": None, "b": "x"}, {"a": 1, "b": " "}]),
    ],
)
def test_f7_blanks_beside_fields(text, expected):
    records, bad = read(csv_records, text)
    if expected is None:
        assert [why for _, _, why in bad] == [
            "not CSV: the quote that opens in line 2 is closed in front of more text"
        ]
    else:
        assert bad == []
        assert [document for _, document in records] == expected


def test_f19_an_empty_id_is_made():
    records, bad = read(csv_records, b"_id,name\n,a\n,b\n7,c\n")
    assert bad == []
    assert [document for _, document in records] == [
        {"name": "a"},
        {"name": "b"},
        {"_id": 7, "name": "c"},
    ]


def test_f9_dates_in_csv_outside_of_pythons_years():
    records, _ = read(csv_records, b"d\n2020-01-01\n+10000-01-01\n")
    assert [int(document["d"].timestamp() * 1000) for _, document in records[:1]] == [1577836800000]
    assert int(records[1][1]["d"]) == 253402300800000


def batches(path, limits=None, at=None, seed=None):
    reader = source_of_file(make_source(path)).open(seed and Ids(seed), at)
    try:
        while (batch := reader.read(limits or BatchLimits())) is not None:
            yield batch
    finally:
        reader.close()


def stored(found):
    return [document for batch in found for document in bsonx.decode_all(batch.data)]


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "FeatureCollection", "features": %s}',
        '{"features": %s, "type": "FeatureCollection", "a": {"features": [1]}}\n',
        '\ufeff\n {\n"bbox":[1,2.5],"crs":{"features":[1]},\n"features":\n%s }\n\n',
        "%s",
        '{"type": "Feature", "a": %s}',
    ],
)
@pytest.mark.parametrize("limits", [BatchLimits(), BatchLimits(1)])
def test_f16_features_of_geojson_in_batches(tmp_path, text, limits):
    """The same documents and lines as record by record, from any place on."""
    path = tmp_path / "a.geojson"
    path.write_text(text % json.dumps(FEATURES, indent=1))
    expected, bad = read(geojson_records, path.read_bytes())
    assert bad == []
    found = list(batches(path, limits))
    lines = [line for batch in found for line in batch.positions]
    assert list(zip(lines, stored(found), strict=True)) == expected
    count = 0
    for batch in found:
        count += len(batch)
        assert stored(batches(path, limits, batch.resume)) == stored(found)[count:]


@pytest.mark.parametrize(
    "text", ['{"features": [{"a": 1}', '{"features": [{"a": 1}]', '{"features": [], "b": 1']
)
def test_f16_geojson_that_is_cut_off_in_batches(tmp_path, text):
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(IngestError, match="cut off"):
        list(batches(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"n\n1\n2\n"),
        ("a.tsv", b"n\tm\n1\t\n2\t\n"),
        ("a.ndjson", b'{"n": 1}\n{"n": 2}\n'),
        ("a.json", b'[{"n": 1}, {"n": 2}]'),
        ("a.bson", bsonx.encode({"n": 1}) + bsonx.encode({"n": 2})),
        ("a.geojson", b'{"features": [{"n": 1}, {"n": 2}]}'),
    ],
)
def test_every_format_has_a_source(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    found = stored(batches(path, seed=bytes(9)))
    assert [document["n"] for document in found] == [1, 2]
    assert [document["_id"] for document in found] == [
        bsonx.ObjectId(Ids(bytes(9)).first(n)) for n in range(2)
    ]


def test_f16_commas_for_points(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1,5;7\n-2,25;8\n", encoding="utf-8")
    assert documents(path) == [{"a": "1,5", "b": 7}, {"a": "-2,25", "b": 8}]
    options = CSVOptions(decimal=",")
    (tmp_path / "one.csv").write_text("v\n1,5\n2,5\n")
    assert documents(tmp_path / "one.csv", options) == [{"v": 1.5}, {"v": 2.5}]
    assert documents(path, options) == [{"a": 1.5, "b": 7}, {"a": -2.25, "b": 8}]
    (note,) = [one for one in look_at(source_of_file(make_source(path))).notes if "1,5" in one]
    assert note == "a has values like 1,5: if they are numbers, say so: --decimal ,"
    for bad in ({"decimal": ";"}, {"decimal": ""}, {"decimal": ",", "delimiter": ","}):
        with pytest.raises(IngestError, match="a point or a comma"):
            CSVOptions(**bad)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "CSVSource"),
        ("a.ndjson.gz", "JSONSource"),
        ("a.geojson", "JSONSource"),
        ("a.bson", "BSONSource"),
        ("a.parquet", "ParquetSource"),
    ],
)
def test_what_a_job_makes_of_paths(name, kind):
    options = IngestOptions(csv=CSVOptions(delimiter=";"))
    (source,) = sources_of(name, None, options, encoding="latin-1")
    assert type(source).__name__ == kind
    if kind != "ParquetSource":
        assert source.file == make_source(name, encoding="latin-1")
    with pytest.raises(TypeError, match="format and encoding are for files, not for generator"):
        sources_of((one for one in ()), None, options, encoding="latin-1")
