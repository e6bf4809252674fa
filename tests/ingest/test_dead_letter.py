"""Dead letters: what an entry holds, what is written and what is never written over."""

import asyncio
import errno
import io
import json
import os
import sys
import threading

import pytest

import bsonx
from bsonx import DatetimeMS, Decimal128, Int64, ObjectId, Regex
from bsonx._impl import run_coroutine
from mongodriver.ingest import Job, ingest, make_source
from mongodriver.ingest.dead_letter import (
    CallableDeadLetter,
    DeadRecord,
    FileDeadLetter,
    make_dead_letter,
)
from mongodriver.ingest.dead_letter.entry import BadEntry, from_bson, from_json
from mongodriver.ingest.dead_letter.files import read_entries
from mongodriver.ingest.errors import DeadLetterError, IngestError
from mongodriver.ingest.letters import JobLetters

from .fake import FakeCollection

TEXT = DeadRecord("é.csv", 3, "parse", "bad", text=b"a;1\r\n", format="csv")


def add(letter, *records):
    run_coroutine(letter.add(list(records)))


def document(value, **fields):
    return DeadRecord("f", 4, 121, "bad", document=bsonx.encode(value), **fields)


ODD_DOCUMENTS = [
    {"x": [1, None], "s": "é\n"},
    {"n": 5, "m": Int64(5), "f": 5.0, "nan": float("nan"), "d": Decimal128("1.0")},
    {
        "_id": ObjectId("0123456789ab0123456789ab"),
        "r": Regex("a", "i"),
        "t": DatetimeMS(1 << 60),
        "b": b"\x00",
    },
    {"t": DatetimeMS(1_500_000_000_123), "before": DatetimeMS(-1)},
    {"$date": "no date", "$oid": 1},
    {"deep": {"$oid": "x"}},
]


@pytest.mark.parametrize("value", ODD_DOCUMENTS, ids=str)
def test_a_document_comes_back_byte_by_byte(value):
    record = document(value)
    assert from_json(record.to_json()).document == record.document
    assert from_bson(record.to_bson()) == record


TWICE = b"\x13\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x10a\x00\x02\x00\x00\x00\x00"
TWICE = len(TWICE).to_bytes(4, "little") + TWICE[4:]
BROKEN = b"\x0c\x00\x00\x00\x99a\x00\x01\x00\x00\x00\x00"


@pytest.mark.parametrize("data", [TWICE, BROKEN, b"", b"no BSON"])
def test_what_json_cannot_hold_comes_along_as_bytes(data):
    record = DeadRecord("f", 4, "encode", "bad", document=data)
    assert from_json(record.to_json()) == record
    assert from_bson(record.to_bson()) == record


def test_a_repair_counts_more_than_the_bytes():
    entry = json.loads(DeadRecord("f", 4, "encode", "bad", document=TWICE).to_json())
    entry["document"] = {"a": 1, "b": 2}
    assert bsonx.decode(from_json(json.dumps(entry)).document) == {"a": 1, "b": 2}


def test_the_entry_of_a_text():
    entry = json.loads(TEXT.with_id().to_json())
    assert len(entry.pop("id")["$oid"]) == 24
    assert entry == {
        "file": "é.csv",
        "line": 3,
        "code": "parse",
        "error": "bad",
        "record": "a;1",
        "format": "csv",
    }


def test_a_text_that_is_no_utf_8():
    record = DeadRecord("f", 1, "parse", "bad", text=b"a\xff\n")
    entry = json.loads(record.to_json())
    assert (entry["record"], entry["bytes"]) == ("a\\xff", "Yf8=")
    assert from_json(record.to_json()).text == b"a\\xff"  # what people see, and repair
    assert bsonx.decode(record.to_bson())["bytes"] == b"a\xff"


def test_names_and_errors_that_are_no_utf_8():
    record = DeadRecord("a\udcff", 1, "parse", "\udcff", text=b"x")
    assert from_json(record.to_json()).source == from_bson(record.to_bson()).source == "a\\udcff"


def test_entries_of_earlier_versions_are_read():
    line = '{"file": "a.csv", "line": 2, "code": "parse", "error": "bad", "record": "x"}'
    assert from_json(line) == DeadRecord("a.csv", 2, "parse", "bad", text=b"x")
    line = '{"file": "a", "line": 2, "code": 11000, "error": "E", "document": {"_id": 1}}'
    assert bsonx.decode(from_json(line).document) == {"_id": 1}


BAD_ENTRIES = [
    ("x", "no JSON"),
    ("[]", "no JSON object"),
    ("{}", "neither a document nor a record"),
    ('{"record": 1}', "neither a document nor a record"),
    ('{"document": 1}', "neither a document nor a record"),
    ('{"document": {"n": 1e400}}', "cannot be read: the number 1e400 is too large"),
    ('{"document": {"n": 1}, "bson": "?"}', "no base64"),
    ('{"document": {"n": 99999999999999999999}}', "cannot be encoded"),
]


@pytest.mark.parametrize(("line", "problem"), BAD_ENTRIES)
def test_bad_entries(line, problem):
    with pytest.raises(BadEntry, match=problem):
        from_json(line)


def test_bad_entries_in_bson():
    for data in (BROKEN, bsonx.encode({"a": 1})):
        with pytest.raises(BadEntry):
            from_bson(data)


@pytest.mark.parametrize("name", ["dead.ndjson", "dead.bson", "dead"])
def test_a_file(tmp_path, name):
    path = tmp_path / name
    letter = FileDeadLetter(path)
    assert not path.exists()  # before there is anything dead
    add(letter, TEXT, document({"a": 1}))
    add(letter, document({"a": 2}))
    letter.sync()
    letter.close()
    read = [entry for _, _, entry in read_entries(str(path))]
    assert [entry.place for entry in read] == [("é.csv", 3), ("f", 4), ("f", 4)]
    assert read[1:] == [document({"a": 1}), document({"a": 2})]
    if name == "dead.bson":
        assert [len(entry) for entry in bsonx.decode_all(path.read_bytes())] == [7, 5, 5]


def test_threads_write_whole_entries(tmp_path):
    letter = FileDeadLetter(tmp_path / "dead")
    texts = [bytes([65 + number]) * 5000 for number in range(8)]
    threads = [
        threading.Thread(
            target=lambda text=text: [add(letter, DeadRecord("f", 1, "parse", "", text=text))] * 9
        )
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = [entry.text for _, _, entry in read_entries(str(tmp_path / "dead"))]
    assert sorted(read) == texts


def test_a_file_with_content_is_refused(tmp_path):
    path = tmp_path / "dead"
    path.write_text("precious")
    with pytest.raises(IngestError, match="dead, which exists and is not empty"):
        FileDeadLetter(path)
    assert path.read_text() == "precious"


def test_an_empty_file_is_taken(tmp_path):
    """As mktemp leaves it."""
    path = tmp_path / "dead"
    path.touch()
    letter = FileDeadLetter(path)
    path.write_text("of somebody else\n")
    add(letter, TEXT)
    lines = path.read_text().splitlines()
    assert lines[0] == "of somebody else"
    assert json.loads(lines[1])["record"] == "a;1"


def test_a_file_that_somebody_else_has_made_meanwhile(tmp_path):
    path = tmp_path / "dead"
    letter = FileDeadLetter(path)
    path.write_text("precious")
    with pytest.raises(DeadLetterError, match=r"dead letters cannot be written: .* exists"):
        add(letter, TEXT)
    add(letter, TEXT)  # the job has been told
    assert path.read_text() == "precious"


def test_a_link_to_a_new_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    add(FileDeadLetter(tmp_path / "link"), TEXT)
    assert json.loads((tmp_path / "target").read_text())["line"] == 3


def test_a_pipe():
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        letter = FileDeadLetter(f"/dev/fd/{writing}")
        add(letter, TEXT)
        letter.sync()
        letter.close()
        os.close(writing)
        assert json.loads(pipe.read())["record"] == "a;1"


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
        FileDeadLetter(name, [make_source("y.csv"), make_source("x.csv")])
    assert (tmp_path / "x.csv").read_text() == content


def test_standard_input_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.ndjson"
    path.write_text("{}\n")
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(IngestError, match="cannot go to stdin"):
            FileDeadLetter(path, [make_source("-")])
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # one without a file
    FileDeadLetter(tmp_path / "new", [make_source("-")])


def test_places_where_no_file_can_be_made(tmp_path):
    with pytest.raises(IsADirectoryError):
        FileDeadLetter(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing/dead"):
        FileDeadLetter(tmp_path / "missing" / "dead")


def test_a_full_disk_leaves_no_half_entry(tmp_path, monkeypatch):
    path = tmp_path / "dead"
    letter = FileDeadLetter(path)
    add(letter, TEXT)
    before = path.read_bytes()
    write = os.write
    left = [10]

    def full(file, data):
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: left.pop()])

    monkeypatch.setattr("os.write", full)
    with pytest.raises(DeadLetterError, match="No space left"):
        add(letter, document({"a": 1}))
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["dead.ndjson", "dead.bson"])
def test_going_on_after_a_kill(tmp_path, name):
    """The last entry was cut off; the others are known and kept."""
    path = tmp_path / name
    add(FileDeadLetter(path), TEXT, document({"a": 1}))
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(whole[:50])
    letter = FileDeadLetter(path, resume=True)
    assert path.read_bytes() == whole
    assert run_coroutine(letter.settled()) == {("é.csv", 3), ("f", 4)}
    add(letter, TEXT)
    assert path.read_bytes().startswith(whole)
    assert len(list(read_entries(str(path)))) == 3


def test_going_on_behind_a_line_that_has_no_end(tmp_path):
    """Else the next entry would be in the same line, and both lost."""
    path = tmp_path / "dead.ndjson"
    path.write_text(document({"a": 1}).to_json())
    add(FileDeadLetter(path, resume=True), TEXT)
    assert [entry.place for _, _, entry in read_entries(str(path))] == [("f", 4), ("é.csv", 3)]


@pytest.mark.parametrize("name", ["dead", "dead.bson"])
@pytest.mark.parametrize("content", ["precious\nthings\n", '{"a": 1', "precious", "{}x\0\0\0"])
def test_going_on_with_something_else(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(IngestError):
        FileDeadLetter(path, resume=True)
    assert path.read_text() == content


def test_going_on_before_anything_was_dead(tmp_path):
    letter = make_dead_letter(tmp_path / "dead", resume=True)
    assert run_coroutine(letter.settled()) == set()
    add(letter, TEXT)
    assert (tmp_path / "dead").exists()


def test_a_function():
    seen = []
    add(make_dead_letter(seen.append), TEXT, document({"a": 1}))
    assert [record.place for record in seen] == [("é.csv", 3), ("f", 4)]
    assert seen[0].id is not None


def test_a_coroutine_function():
    seen = []

    async def take(record):
        seen.append(record)

    add(CallableDeadLetter(take), TEXT)
    assert seen[0].text == TEXT.text


def test_a_coroutine_that_waits_in_a_blocking_job():
    """There is no loop for it: the record would be lost without a word."""

    async def keep(record):
        await asyncio.sleep(0)

    with pytest.raises(DeadLetterError, match="suspended on the blocking backend") as caught:
        ingest(FakeCollection(), [{"a": 1}, None], dead_letter=keep)
    assert caught.value.report.rejected == 1


def test_a_dead_letter_of_ones_own_that_waits_in_a_blocking_job(monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: told.set())

    class Waits(CallableDeadLetter):
        async def add(self, records):
            await asyncio.sleep(0)

    with pytest.raises(IngestError, match="waits for something that a blocking job has not"):
        ingest(FakeCollection(), [{"a": 1}, None], dead_letter=Waits(print))
    assert told.wait(60)  # by the lane's thread, which is no other test's


def test_a_function_that_fails():
    def fail(record):
        raise KeyError("no room")

    with pytest.raises(DeadLetterError, match=r"function failed: KeyError\('no room'\)"):
        add(make_dead_letter(fail), TEXT)


def test_what_is_no_dead_letter():
    with pytest.raises(IngestError, match="a dead letter is a path, a collection or a function"):
        make_dead_letter(3)


def test_a_dead_letter_of_ones_own(tmp_path):
    letter = FileDeadLetter(tmp_path / "dead")
    assert make_dead_letter(letter) is letter


@pytest.mark.parametrize("name", ["bad.ndjson", "double.ndjson"])
def test_a_dead_letter_that_cannot_be_written_ends_the_job(tmp_path, name):
    """Each record is still accounted for, and what is stored counts as stored."""
    (tmp_path / "bad.ndjson").write_text("x\n{}\nx\n")
    (tmp_path / "double.ndjson").write_text('{"_id": 1}\n{"_id": 1}\n{"_id": 1}\n')
    letter = FileDeadLetter(tmp_path / "dead")
    (tmp_path / "dead").write_text("made meanwhile")
    source, collection = make_source(tmp_path / name), FakeCollection()
    job = Job(dead_letters=JobLetters(letter, [source]))
    with pytest.raises(DeadLetterError, match="dead letters cannot be written"):
        job.run([(source, collection)])
    report = job.report
    assert (report.records, report.documents, report.rejected) == (3, 1, 2)
    assert len(collection.stored) == 1
    assert (tmp_path / "dead").read_text() == "made meanwhile"


@pytest.mark.parametrize("name", ["x.ndjson", "link"])
def test_a_job_does_not_destroy_what_it_reads(tmp_path, name):
    """F3."""
    (tmp_path / "x.ndjson").write_text("{}\n")
    (tmp_path / "link").symlink_to("x.ndjson")
    with pytest.raises(IngestError, match=r"cannot go to .*x.ndjson, which is to be read"):
        ingest(FakeCollection(), tmp_path / "x.ndjson", dead_letter=tmp_path / name)
    assert (tmp_path / "x.ndjson").read_text() == "{}\n"
