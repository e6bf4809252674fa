"""A look into the sources before anything is destroyed for their sake."""

import gzip
import os
import sys

import pytest

from mongodriver.ingest import CSVOptions, IngestError, IngestOptions, Job, make_source
from mongodriver.ingest import reading as reading_module

from .fake import FakeCollection


def check(*paths, **options):
    Job(IngestOptions(**options)).check([make_source(path) for path in paths])


GOOD = [
    ("a.csv", b""),
    ("a.csv", b"n\n"),
    ("a.csv", b"n\n1\n"),
    ("a.ndjson", b""),
    ("a.ndjson", b"{}\n"),
    ("a.ndjson", b"# a remark\n{}\n"),
    ("a.json", b"[]"),
    ("a.json", b"[5, {}]"),
    ("a.ndjson.gz", gzip.compress(b"{}\n", mtime=0)),
]


@pytest.mark.parametrize(("name", "data"), GOOD)
def test_files_that_can_be_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    check(tmp_path / name)


BAD = [
    ("a.csv", b"n,n\n1,2\n", "two columns are named 'n'"),
    ("a.csv", b"n,$n\n1,2\n", "cannot be the name of a field"),
    ("a.csv", b"n,m\n1\n2\n", "no record is good; line 2: 1 fields where"),
    ("a.csv", b"n,\xff\n1,2\n", "the header cannot be read: not UTF-8"),
    ("a.csv", b'n,"m\n1,2\n', "the header cannot be read: not CSV"),
    ("a.csv", "n\n1\n".encode("utf-16-le"), "looks like UTF-16 without a mark: give --encoding"),
    ("a.csv.gz", b"\x1f\x8b\x08\x00", "cut off"),
    ("a.csv.zip", b"PK\x03\x04 and more", "not a zip file"),
    ("a.json", b"n,m\n1,2\n", "neither a JSON array nor a JSON object"),
    ("a.json", b"[1, 2]", "no record is good; line 1: a JSON object is needed"),
    ("a.json", b"[1, 2", "cut off"),
    ("a.ndjson", b"n,m\n1,2\n", "no record is good; line 1: not JSON"),
    ("a.ndjson", b"[{},\n{}]\n", "an array begins here.*--format json"),
]


@pytest.mark.parametrize(("name", "data", "problem"), BAD)
def test_files_that_cannot_be_read(tmp_path, name, data, problem):
    """The good one in front does not help."""
    good = tmp_path / "good.ndjson"
    good.write_text("{}\n")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(IngestError, match=problem) as caught:
        check(good, tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(IngestError, match="No such file"):
        check(tmp_path / "a.csv")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(IngestError, match=r"is a folder: name the files in it"):
        check(tmp_path / "b.csv")


def test_options_that_do_not_fit(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("zip,n\n1,2\n")
    with pytest.raises(IngestError, match="there is no column 'zipp'"):
        check(path, csv=CSVOptions(types={"zipp": "str"}))
    with pytest.raises(IngestError, match="no record is good; line 2: column 'n'"):
        check(path, csv=CSVOptions(types={"n": "date"}))
    with pytest.raises(IngestError, match="line 2: the record has no 'zipp'"):
        check(path, id_field="zipp")
    with pytest.raises(IngestError, match="line 2: the record has no 'zip'"):
        check(path, id_field="zip", csv=CSVOptions(types={"zip": "skip"}))
    check(path, id_field="zip")
    check(path, id_field="_id")


def test_a_look_is_no_more_than_that(tmp_path, monkeypatch):
    monkeypatch.setattr(reading_module, "_LOOK", 3)
    path = tmp_path / "a.ndjson"
    path.write_text("x\ny\n{}\n")
    check(path)
    path.write_text("x\ny\nz\n{}\n")
    with pytest.raises(IngestError, match="begins with 3 bad records; line 1: not JSON"):
        check(path)


def test_a_pipe_is_read_on(tmp_path, monkeypatch):
    """What has been looked at cannot be read again, so it is kept."""
    reading, writing = os.pipe()
    os.write(writing, b'x\n{"n": 1}\ny\n{"n": 2}\n')
    os.close(writing)
    (tmp_path / "a.ndjson").write_text('{"n": 3}\n')
    sources = [make_source("-"), make_source(tmp_path / "a.ndjson")]
    collection = FakeCollection()
    job = Job()
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        job.check(sources)
        report = job.run([(source, collection) for source in sources])
    assert sorted(document["n"] for document in collection.stored.values()) == [1, 2, 3]
    assert (report.records, report.documents, report.rejected) == (5, 3, 2)
    # Two batches, what was looked at and the rest, so that either lane may be the first to tell.
    assert {example.split(": ")[0] for example in report.errors["parse"].examples} == {
        "stdin:1",
        "stdin:3",
    }


def test_a_named_pipe_is_opened_once(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)  # so that opening it does not wait for the other side
    os.write(held, b"n\n1\n2\n")
    job, source, collection = (
        Job(IngestOptions(csv=CSVOptions(infer=False))),
        make_source(path),
        None,
    )
    job.check([source])
    os.write(held, b"3\n")
    os.close(held)
    collection = FakeCollection()
    job.run([(source, collection)])
    assert sorted(document["n"] for document in collection.stored.values()) == ["1", "2", "3"]
