"""The entries of a dead letter as a source."""

import json
from datetime import datetime

import pytest

import bsonx
from bsonx import DatetimeMS, ObjectId
from bsonx._impl import run_coroutine as run
from mongodriver.ingest.batch import BatchLimits
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.repaired import RepairedRows
from mongodriver.ingest.dead_letter import DeadRecord, FileDeadLetter
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import BadRecord
from mongodriver.ingest.sources.entries import EntriesFile

ALL = BatchLimits()


def text(position, record, **fields):
    return DeadRecord("a.ndjson", position, "parse", "bad", text=record, format="ndjson", **fields)


def write(path, *records):
    run(FileDeadLetter(path).add(records))
    return EntriesFile(path)


def read(source, limits=ALL, at=None):
    reader = source.open(None, at)
    batches = []
    while (batch := reader.read(limits)) is not None:
        batches.append(batch)
    assert reader.consumed() == source.size
    reader.close()
    return batches


def documents(batch):
    return [bsonx.decode(batch.document(index)) for index in range(len(batch))]


@pytest.mark.parametrize("name", ["dead.ndjson", "dead.bson"])
def test_documents_come_as_they_were(tmp_path, name):
    data = [bsonx.encode({"_id": n, "t": DatetimeMS(1 << 60), "s": "x" * n}) for n in range(3)]
    records = [DeadRecord("f", n, 121, "bad", document=document) for n, document in enumerate(data)]
    [batch] = read(write(tmp_path / name, *records))
    assert [batch.document(index) for index in range(3)] == data
    assert list(batch.positions) == [1, 2, 3]
    assert not batch.own_ids
    assert batch.resume == {"documents": 3}


def test_texts_get_the_ids_of_their_entries(tmp_path):
    source = write(tmp_path / "dead", text(1, b'{"a": 1'), text(2, b'{"_id": 7'))
    entries = [json.loads(line) for line in (tmp_path / "dead").read_text().splitlines()]
    for entry in entries:
        entry["record"] += "}"  # somebody has repaired them
    (tmp_path / "dead").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    [batch] = read(source)
    first, second = documents(batch)
    assert first == {"_id": ObjectId(entries[0]["id"]["$oid"]), "a": 1}
    assert second == {"_id": 7}


def test_entries_without_ids_get_the_same_ones_each_time(tmp_path):
    line = '{"file": "a.ndjson", "line": %d, "code": "parse", "error": "", "record": "{}"}\n'
    (tmp_path / "dead").write_text(line % 1 + line % 2)
    source = EntriesFile(tmp_path / "dead")
    [one], [other] = read(source), read(source)
    assert one.data == other.data
    ids = {document["_id"] for document in documents(one)}
    assert len(ids) == 2
    assert all(isinstance(identity, ObjectId) for identity in ids)


def test_what_is_still_bad(tmp_path):
    source = write(
        tmp_path / "dead",
        text(1, b"{"),
        DeadRecord("a.csv", 2, "parse", "bad", text=b"1;2", format="csv"),
        DeadRecord("iterable", 3, "encode", "bad", text=b"{1j}", format="python"),
        DeadRecord("old", 4, "parse", "bad", text=b"?"),
        DeadRecord("f", 5, "encode", "bad", document=b"no BSON"),
        text(6, b'{"n": {"$numberInt": "5.5"}}'),
        text(7, b'{"ok": 1}'),
    )
    with (tmp_path / "dead").open("a") as file:
        file.write("\nspoilt\n")
    [batch] = read(source)
    assert len(batch) == 1
    assert [reject.position for reject in batch.rejects] == [1, 2, 3, 4, 5, 6, 9]
    problems = [reject.error for reject in batch.rejects]
    assert problems[1] == "a record as csv cannot be loaded: put a document into its entry"
    assert problems[2] == "a record as python cannot be loaded: put a document into its entry"
    assert "of an unknown format" in problems[3]
    assert batch.rejects[4].code == "encode"
    assert "the entry is no JSON" in problems[6]


def test_other_formats(tmp_path):
    def convert(record):
        name, _, value = record.text.decode().partition(";")
        if not value:
            raise BadRecord("too short")
        return bsonx.encode({name: value})

    records = [
        DeadRecord("a.csv", n, "parse", "bad", text=record, format="csv")
        for n, record in enumerate((b"a;1", b"b"))
    ]
    write(tmp_path / "dead", *records)
    [batch] = read(EntriesFile(tmp_path / "dead", {"csv": convert}))
    assert documents(batch)[0]["a"] == "1"
    assert batch.rejects[0].error == "too short"


def test_batches_and_going_on(tmp_path):
    source = write(tmp_path / "dead", *[text(n, b'{"_id": %d}' % n) for n in range(1, 8)])
    whole = read(source, BatchLimits(documents=3))
    assert [len(batch) for batch in whole] == [3, 3, 1]
    assert [list(batch.positions) for batch in whole] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [batch.resume["documents"] for batch in whole] == [3, 6, 7]
    again = read(source, BatchLimits(bytes=1), whole[0].resume)
    assert [document["_id"] for batch in again for document in documents(batch)] == [4, 5, 6, 7]
    assert [batch.resume["documents"] for batch in again] == [4, 5, 6, 7]


def test_an_entry_that_is_cut_off(tmp_path):
    source = write(tmp_path / "dead.bson", text(1, b"{}"), text(2, b"{}"))
    data = (tmp_path / "dead.bson").read_bytes()
    (tmp_path / "dead.bson").write_bytes(data[:-3])
    reader = source.open(None)
    assert len(reader.read(ALL)) == 1  # what is good comes first
    for _ in range(2):
        with pytest.raises(IngestError, match="the last entry is cut off"):
            reader.read(ALL)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        EntriesFile(tmp_path / "missing").open(None)


def test_the_field_that_becomes_the_id(tmp_path):
    records = [
        DeadRecord("a", n, 1, "bad", document=bsonx.encode(document))
        for n, document in enumerate([{"x": 1, "zip": 2}, {"_id": 3, "zip": 4}, {"x": 5}])
    ]
    write(tmp_path / "dead", *records)
    [batch] = read(EntriesFile(tmp_path / "dead", id_field="zip"))
    first, second, third = documents(batch)
    assert list(first.items()) == [("_id", 2), ("x", 1)]
    assert second == {"_id": 3, "zip": 4}
    assert isinstance(third["_id"], ObjectId)


ROW = {"position": 3, "code": "parse", "error": "bad", "format": "csv"}


def repaired(path, text, options=None):
    return RepairedRows(options or CSVOptions())(DeadRecord(str(path), text=text, **ROW))


def test_a_repaired_row_is_read_as_its_file_was(tmp_path):
    """Names, types, delimiter and the name of the empty column are the file's."""
    path = tmp_path / "a.csv"
    path.write_text("n;when;code\n" + "1;2024-05-01;007\n" * 9 + '2;"x\n')
    assert bsonx.decode(repaired(path, b"5;2024-05-02;008\n")) == {
        "n": 5,
        "when": datetime(2024, 5, 2),
        "code": "008",
    }
    types = CSVOptions(types={"n": "str"})
    assert bsonx.decode(repaired(path, b'"5";;', types)) == {"n": "5", "when": None, "code": None}


@pytest.mark.parametrize(
    ("text", "problem"),
    [(b'1;"x', "quote"), (b"1;2\n1;2\n", "one row is needed"), (b"", "one row"), (b"1", "field")],
)
def test_rows_that_are_still_bad(tmp_path, text, problem):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(BadRecord, match=problem):
        repaired(path, text)


def test_a_row_of_a_file_that_is_gone(tmp_path):
    with pytest.raises(BadRecord, match=r"names and types its columns cannot be seen .*No such"):
        repaired(tmp_path / "a.csv", b"1,2")
    given = CSVOptions(columns=["a", "b"], types={"a": "int", "b": "str"})
    assert bsonx.decode(repaired(tmp_path / "a.csv", b"1,2", given)) == {"a": 1, "b": "2"}
    (tmp_path / "a.csv").touch()
    with pytest.raises(BadRecord, match="is empty by now"):
        repaired(tmp_path / "a.csv", b"1,2")
