"""The file of rejected records: what is written, and that nothing is written over."""

import errno
import io
import json
import os
import sys

import pytest

from mongodriver.ingest import IngestError, IngestOptions, Job, RejectFile, ingest, make_source
from mongodriver.ingest.errors import RejectFileError

from .fake import FakeCollection


def test_reject_file_takes_anything(tmp_path):
    path = tmp_path / "rejects"
    with RejectFile(path) as rejects:
        rejects.text("é.csv", 3, "bad", b"a\xff\r\n")
        rejects.document("f", 4, "encode", "bad", {"x": object()})
        rejects.document("f", 5, "encode", "bad", {"x": "\ud800"})
        rejects.document("f", 6, 121, "bad", {"x": [1, None]})
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert entries[0] == {
        "file": "é.csv",
        "line": 3,
        "code": "parse",
        "error": "bad",
        "record": "a\\xff",
    }
    assert entries[1]["record"].startswith("{'x': <object object")
    assert [entry["line"] for entry in entries] == [3, 4, 5, 6]
    assert entries[3]["document"] == {"x": [1, None]}
    assert entries[3]["code"] == 121


def test_it_is_made_at_the_first_reject(tmp_path):
    path = tmp_path / "rejects"
    with RejectFile(path):
        pass
    assert not path.exists()
    with RejectFile(path) as rejects:
        rejects.text("f", 1, "bad", b"x")
    assert path.exists()


def test_a_file_with_content_is_refused(tmp_path):
    path = tmp_path / "rejects"
    path.write_text("precious")
    with pytest.raises(IngestError, match="rejects, which exists and is not empty"):
        RejectFile(path)
    assert path.read_text() == "precious"


def test_an_empty_file_is_taken(tmp_path):
    """As mktemp leaves it."""
    path = tmp_path / "rejects"
    path.touch()
    with RejectFile(path) as rejects:
        path.write_text("of somebody else\n")
        rejects.text("f", 1, "bad", b"x")
    lines = path.read_text().splitlines()
    assert lines[0] == "of somebody else"
    assert json.loads(lines[1])["record"] == "x"


def test_a_file_that_somebody_else_has_made_meanwhile(tmp_path):
    path = tmp_path / "rejects"
    rejects = RejectFile(path)
    path.write_text("precious")
    with rejects, pytest.raises(RejectFileError, match=r"cannot be written: .* exists"):
        rejects.text("f", 1, "bad", b"x")
    assert path.read_text() == "precious"


def test_a_link_to_a_new_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with RejectFile(tmp_path / "link") as rejects:
        rejects.text("f", 1, "bad", b"x")
    assert json.loads((tmp_path / "target").read_text())["line"] == 1


def test_a_pipe(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        with RejectFile(f"/dev/fd/{writing}") as rejects:
            rejects.text("f", 1, "bad", b"x")
        os.close(writing)
        assert json.loads(pipe.read())["record"] == "x"


@pytest.mark.parametrize("name", ["x.csv", "./x.csv", "other/../x.csv", "link", "hard"])
@pytest.mark.parametrize("content", ["a\n1\n", ""])
def test_a_source_is_refused(tmp_path, monkeypatch, name, content):
    """By what it is, not by its name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(content)
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("x.csv")
    (tmp_path / "hard").hardlink_to("x.csv")
    with pytest.raises(IngestError, match=r"cannot go to x.csv, which is to be read"):
        RejectFile(name, [make_source("y.csv"), make_source("x.csv")])
    assert (tmp_path / "x.csv").read_text() == content


@pytest.mark.parametrize("method", ["check", "run"])
def test_a_source_is_refused_by_the_job(tmp_path, method):
    path = tmp_path / "x.csv"
    path.touch()
    source = make_source(path)
    job = Job(dead_letters=RejectFile(path))
    with pytest.raises(IngestError, match="is to be read"):
        job.check([source]) if method == "check" else job.run([(source, FakeCollection())])


def test_standard_input_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.ndjson"
    path.write_text("{}\n")
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(IngestError, match="cannot go to stdin"):
            RejectFile(path, [make_source("-")])
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # one without a file
    RejectFile(tmp_path / "new", [make_source("-")])


def test_places_where_no_file_can_be_made(tmp_path):
    with pytest.raises(IsADirectoryError):
        RejectFile(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing/rejects"):
        RejectFile(tmp_path / "missing" / "rejects")


def test_records_that_cannot_be_written_end_the_job(tmp_path, monkeypatch):
    """Each record is still accounted for, and the error is that of the first one."""

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    rejects = RejectFile(tmp_path / "rejects")
    rejects._file = Full()
    bad, good = tmp_path / "bad.ndjson", tmp_path / "good.ndjson"
    bad.write_text("x\n" * 5 + "{}\n")
    good.write_text("x\n" * 5)
    job = Job(IngestOptions(max_in_flight=1), dead_letters=rejects)
    collection = FakeCollection()
    with pytest.raises(RejectFileError, match="No space left"):
        job.run([(make_source(bad), collection), (make_source(good), collection)])
    report = job.report
    assert (report.records, report.documents, report.rejected) == (6, 1, 5)
    assert len(collection.stored) == 1


def test_duplicates_that_cannot_be_written_end_the_job(tmp_path):
    """Those of the batch that are stored count as stored."""
    path = tmp_path / "rejects"
    rejects = RejectFile(path)
    path.write_text("made meanwhile")
    source = tmp_path / "a.ndjson"
    source.write_text('{"_id": 1}\n{"_id": 1}\n{"_id": 1}\n{"_id": 2}\n')
    with pytest.raises(RejectFileError):
        ingest(FakeCollection(), source, dead_letters=rejects)
    job = Job(dead_letters=RejectFile(tmp_path / "others"))
    (tmp_path / "others").write_text("made meanwhile")
    with pytest.raises(RejectFileError):
        job.run([(make_source(source), FakeCollection())])
    assert (job.report.documents, job.report.rejected) == (2, 2)
