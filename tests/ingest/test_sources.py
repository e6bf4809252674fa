"""Which format a file has, and how it is opened."""

import gzip
import io
import os
import sys
import zipfile
from contextlib import closing

import pytest

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources import make_source, open_source
from mongodriver.ingest.sources.by_format import source_of_file
from mongodriver.ingest.sources.files import likely_delimiter

TEXT = b'{"a": 1}\n' * 1000


@pytest.mark.parametrize(
    ("name", "form", "stem"),
    [
        ("x/flights.csv", "csv", "flights"),
        ("flights.CSV.gz", "csv", "flights"),
        ("flights.csv.zip", "csv", "flights"),
        ("a.tsv", "csv", "a"),
        ("a.b.json", "json", "a"),
        ("a.jsonl", "ndjson", "a"),
        ("a.ndjson.gz", "ndjson", "a"),
        ("-", "ndjson", "-"),
    ],
)
def test_formats_by_name(name, form, stem):
    source = make_source(name)
    assert (source.format, source.stem) == (form, stem)


@pytest.mark.parametrize("name", ["data", "data.gz", "data.txt", ".csv", "data.xml.zip"])
def test_unknown_names(name):
    with pytest.raises(IngestError, match="cannot tell the format"):
        make_source(name)
    assert make_source(name, "json").format == "json"


def test_unknown_format():
    with pytest.raises(IngestError, match="unknown format 'xml'"):
        make_source("a.json", "xml")


def write(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, TEXT)


@pytest.mark.parametrize("packing", ["plain", "gzip", "two gzips", "zip"])
def test_packings_are_known_by_content(tmp_path, packing):
    path = tmp_path / "data.ndjson"
    if packing == "zip":
        write(path, "__MACOSX/data", "folder/", "folder/data.ndjson")
    elif packing == "plain":
        path.write_bytes(TEXT)
    else:
        half = len(TEXT) // 2
        parts = [TEXT] if packing == "gzip" else [TEXT[:half], TEXT[half:]]
        path.write_bytes(b"".join(gzip.compress(part) for part in parts))
    source = make_source(path)
    with open_source(source) as opened:
        assert opened.stream.read() == TEXT
        assert 0 < opened.position() <= source.size
    assert source.name == str(path)


def test_standard_input(monkeypatch):
    stream = io.BufferedReader(io.BytesIO(gzip.compress(TEXT)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
    source = make_source("-")
    assert source.size is None
    assert source.name == "stdin"
    with open_source(source) as opened:
        assert opened.stream.read() == TEXT


def test_a_pipe_has_no_position(monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, b"{}\n")
    os.close(writing)
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        with open_source(make_source("-")) as opened:
            assert opened.stream.readline() == b"{}\n"
            assert opened.position() == 0


@pytest.mark.parametrize("members", [["folder/"], ["a.csv", "b.csv"]])
def test_archives_of_other_than_one_file(tmp_path, members):
    path = tmp_path / "data.csv.zip"
    write(path, *members)
    with pytest.raises(IngestError, match="must hold one file"), open_source(make_source(path)):
        pass


def test_a_damaged_archive(tmp_path):
    path = tmp_path / "data.csv.zip"
    write(path, "a.csv")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IngestError, match="cannot be unpacked"), open_source(make_source(path)):
        pass


def test_an_encrypted_archive(tmp_path):
    path = tmp_path / "data.csv.zip"
    write(path, "data.csv")
    packed = bytearray(path.read_bytes())
    packed[6] |= 1  # the flag in the local header
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    path.write_bytes(packed)
    with pytest.raises(IngestError, match="cannot be unpacked"), open_source(make_source(path)):
        pass


def test_readers(tmp_path):
    def made(name):
        path = tmp_path / name
        path.write_bytes(b"")
        with closing(source_of_file(make_source(path)).open(None)) as reader:
            return type(reader).__name__

    assert made("a.ndjson") == made("a.json") == "JSONTextReader"
    assert made("a.geojson") == "GeoJSONTextReader"
    assert (made("a.csv"), made("a.bson")) == ("CSVBatches", "BSONReader")
    for name, likely in [("a.csv", ","), ("a.tsv.gz", "\t"), ("a.tab", "\t"), ("a.psv", "|")]:
        assert likely_delimiter(make_source(name)) == likely
