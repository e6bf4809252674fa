"""The look at what would be read."""

import json

import pytest

import bsonx
from mongodriver.ingest import CSVOptions
from mongodriver.ingest.look import look, look_at, render
from mongodriver.ingest.sources import make_source
from mongodriver.ingest.sources.bson_dump import BSONSource
from mongodriver.ingest.sources.csv_text import CSVSource


def csv(path, text, options=None, **how):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CSVSource(make_source(path, **how), options)


def test_csv(tmp_path):
    text = (
        "n;x;when;name;zip;empty;no\n"
        "1;1e3;2020-01-31;a b;00501;;x\n"
        "bad\n"
        "2;NaN;2020-01-31T10:00Z;;10001;NA;x\n"
    )
    options = CSVOptions(types={"zip": "str", "no": "skip"})
    plan = look_at(csv(tmp_path / "a.csv", text, options))
    assert (plan.format, plan.encoding, plan.delimiter) == ("csv", "utf-8", ";")
    assert (plan.records, plan.bad, plan.error) == (2, 1, None)
    assert plan.size == len(text)
    assert list(plan.examples) == [(3, "1 fields where the header has 7")]
    assert [(c.name, c.type, c.example, c.nulls) for c in plan.columns] == [
        ("n", "int", "1", 0),
        ("x", "string", "1e3", 0),
        ("when", "date", "2020-01-31T00:00:00", 0),
        ("name", "string", "a b", 1),
        ("zip", "string", "00501", 0),
        ("empty", "string", "NA", 1),
    ]


def test_mixed_types_are_told(tmp_path):
    text = "v\n" + "1\n" * 300 + "odd\n"
    (column,) = look_at(csv(tmp_path / "a.csv", text)).columns
    assert (column.type, column.guessed) == ("int, string", True)
    options = CSVOptions(types={"v": "int"})
    plan = look_at(csv(tmp_path / "a.csv", text, options))
    assert (plan.columns[0].type, plan.columns[0].guessed, plan.bad) == ("int", False, 1)


def test_only_the_beginning_is_read(tmp_path):
    plan = look_at(csv(tmp_path / "a.csv", "v\n" + "1\n" * 5000))
    assert plan.records == 1000
    assert "looked at the first 1,000 records, 0 bad ones" in render([plan])


def test_other_encodings_and_files_that_cannot_be_read(tmp_path):
    sources = [
        csv(tmp_path / "a.csv", "a\nÄ\n".encode("utf-16")),
        csv(tmp_path / "b.csv", "a,a\n1,2\n"),
        CSVSource(make_source(tmp_path / "missing.csv")),
    ]
    good, twice, missing = look(sources)
    assert (good.encoding, good.columns[0].example) == ("utf-16", "Ä")
    assert twice.error.startswith("two columns are named 'a'")
    assert "No such file" in missing.error
    assert "cannot be read: two columns" in render([twice])


def test_dumps_of_bson(tmp_path):
    path = tmp_path / "a.bson"
    path.write_bytes(bsonx.encode({"a": {"b": [1]}, "t": None}) + b"\x07\0\0\0")
    plan = look_at(BSONSource(make_source(path)))
    assert (plan.records, plan.format, plan.delimiter) == (1, "bson", None)
    assert [(c.name, c.type, c.example) for c in plan.columns] == [
        ("a", "object", '{"b": [1]}'),
        ("t", "null", None),
    ]
    assert "is cut off" in plan.error
    assert "cannot be read further" in render([plan])


def test_as_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = csv(tmp_path / "a.csv", f"id,text\n1,{'x' * 100}\n2\n")
    source.file.__dict__["path"] = "a.csv"
    assert render(look([source])).splitlines() == [
        "a.csv: csv, utf-8, delimiter ',', 113 bytes",
        "  field  type    example",
        "  id     int     1",
        f"  text   string  {'x' * 37}...",
        "  looked at 1 records, 1 bad ones",
        "    3: 1 fields where the header has 2",
    ]


def test_as_json(tmp_path):
    plan = look_at(csv(tmp_path / "a.csv", "a\n1\nx,y\n"))
    told = json.loads(json.dumps(plan.to_dict()))
    assert told["columns"] == [
        {"name": "a", "type": "int", "guessed": True, "example": "1", "nulls": 0}
    ]
    assert told["examples"] == [[3, "2 fields where the header has 1"]]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("1.5;2\n3;4\n", "the first row has numbers alone"),
        ("a;b\n3;4\n", "the delimiter ';' was noticed"),
        ("a,b\n1,3,4\n", "each row has one field more than the header"),
    ],
)
def test_notes(tmp_path, text, note):
    plan = look_at(csv(tmp_path / "a.csv", text))
    assert [found for found in plan.notes if found.startswith(note)]
    assert f"  note: {note}" in render([plan])


@pytest.mark.parametrize("text", ["2019,2020,name\n1,2,x\n", "5\n6\n", "a,b\n1,2\n"])
def test_nothing_to_note(tmp_path, text):
    assert look_at(csv(tmp_path / "a.csv", text)).notes == []


def test_text_that_is_no_utf_8_in_bson(tmp_path):
    """The server stores it, so that it is no reason not to look at the rest."""
    good = bsonx.encode({"a": "xyz", "n": 1})
    path = tmp_path / "a.bson"
    path.write_bytes(good.replace(b"xyz", b"x\xffz") + good)
    plan = look_at(BSONSource(make_source(path)))
    assert (plan.records, plan.bad, plan.error) == (2, 0, None)
    assert plan.columns[0].example == r"x\xffz"


def test_bson_that_cannot_be_read(tmp_path):
    good = bsonx.encode({"a": 1})
    path = tmp_path / "a.bson"
    path.write_bytes(good + good.replace(b"\x10a", b"\x77a") + good)
    plan = look_at(BSONSource(make_source(path)))
    assert (plan.records, plan.bad, plan.error) == (2, 1, None)
    assert [position for position, _ in plan.examples] == [2]
