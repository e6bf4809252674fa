"""What a job does with the records that could not be stored."""

import pytest

import bsonx
from bsonx._impl import run_coroutine as run
from mongodriver.ingest import make_source
from mongodriver.ingest.dead_letter import FileDeadLetter, make_dead_letter
from mongodriver.ingest.dead_letter.files import read_entries
from mongodriver.ingest.letters import JobLetters
from mongodriver.ingest.seams import Letter


def letter(position, code="parse", **fields):
    return Letter("a.csv", position, code, "bad", **(fields or {"raw": b"x"}))


def test_what_a_letter_becomes():
    seen = []
    letters = JobLetters(make_dead_letter(seen.append), [make_source("a.csv")])
    data = bsonx.encode({"a": 1})
    run(letters.add([letter(1), letter(2, 121, document=data), letter(3, "encode", value={1j})]))
    assert [record.position for record in seen] == [1, 2, 3]
    assert (seen[0].text, seen[0].format) == (b"x", "csv")
    assert (seen[1].document, seen[1].code, seen[1].format) == (data, 121, None)
    assert (seen[2].text, seen[2].format) == (b"{1j}", "python")
    assert letters.count == 3


@pytest.mark.parametrize(
    ("value", "text", "form"),
    [
        ({"n": 1 << 70}, b'{"n": 1180591620717411303424}', "json"),
        ({"x": object}, b"{'x': <class 'object'>}", "python"),
        ({"x": "\ud800"}, b"{'x': '\\ud800'}", "python"),
    ],
)
def test_values_that_are_no_bson(value, text, form):
    """What JSON can hold can be repaired."""
    seen = []
    run(JobLetters(make_dead_letter(seen.append)).add([letter(1, "encode", value=value)]))
    assert (seen[0].text, seen[0].format) == (text, form)


def test_each_record_once(tmp_path):
    path = tmp_path / "dead"
    run(JobLetters(FileDeadLetter(path)).add([letter(1), letter(2)]))
    letters = JobLetters(FileDeadLetter(path, resume=True), resumable=True)
    run(letters.add([letter(2), letter(3)]))
    assert [entry.position for _, _, entry in read_entries(str(path))] == [1, 2, 3]
    assert letters.count == 3


def test_what_a_resumed_job_will_settle_is_not_dead(tmp_path):
    seen = []
    unsent = letter(1, "unsent")
    run(JobLetters(make_dead_letter(seen.append), resumable=True).add([unsent, letter(2)]))
    assert [record.position for record in seen] == [2]
    run(JobLetters(make_dead_letter(seen.append)).add([unsent]))
    assert [record.position for record in seen] == [2, 1]


def test_the_disk_comes_before_the_checkpoint(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    letters = JobLetters(FileDeadLetter(tmp_path / "dead"))
    letters.sync()
    assert synced == []
    run(letters.add([letter(1)]))
    run(letters.flush())
    letters.sync()
    assert len(synced) == 1
    letters.close()
