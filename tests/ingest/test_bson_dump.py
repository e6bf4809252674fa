"""Dumps of BSON as batches."""

import gzip

import pytest

import bsonx
from mongodriver.ingest import IngestError
from mongodriver.ingest.batch import BatchLimits, Ids
from mongodriver.ingest.sources import make_source
from mongodriver.ingest.sources.bson_dump import BSONSource

SEED = bytes(9)
DOCUMENTS = [{"_id": n, "x": "y" * (n % 50)} for n in range(500)]
DUMP = b"".join(map(bsonx.encode, DOCUMENTS))


def batches(path, limits=None, at=None):
    reader = BSONSource(make_source(path)).open(Ids(SEED), at)
    try:
        while (batch := reader.read(limits or BatchLimits())) is not None:
            yield batch
    finally:
        reader.close()


def documents(found):
    return [document for batch in found for document in bsonx.decode_all(batch.data)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("limits", [BatchLimits(), BatchLimits(1), BatchLimits(33, 1000)])
def test_every_document_and_going_on_anywhere(tmp_path, packed, limits):
    path = tmp_path / ("a.bson.gz" if packed else "a.bson")
    path.write_bytes(gzip.compress(DUMP) if packed else DUMP)
    found = list(batches(path, limits))
    assert documents(found) == DOCUMENTS
    assert [number for batch in found for number in batch.positions] == list(range(1, 501))
    assert sum(batch.read for batch in found) == len(DUMP)
    assert not any(batch.own_ids for batch in found)
    seen = 0
    for batch in found[:: max(1, len(found) // 20)]:
        rest = documents(batches(path, limits, batch.resume))
        seen = batch.positions[-1]
        assert rest == DOCUMENTS[seen:]


def test_documents_without_ids_get_them(tmp_path):
    path = tmp_path / "a.bson"
    path.write_bytes(bsonx.encode({"a": 1}) * 3)
    (batch,) = batches(path)
    assert batch.own_ids
    made = [bsonx.ObjectId(Ids(SEED).first(n)) for n in range(3)]
    assert documents([batch]) == [{"_id": one, "a": 1} for one in made]


def test_a_document_that_is_damaged_is_rejected_alone(tmp_path):
    path = tmp_path / "a.bson"
    bad = bytearray(bsonx.encode({"a": "text"}))
    bad[4] = 0x63  # no such type
    path.write_bytes(bsonx.encode({"a": 1}) + bad + bsonx.encode({"a": 2}))
    (batch,) = batches(path)
    assert [document["a"] for document in documents([batch])] == [1, 2]
    assert list(batch.positions) == [1, 3]
    (reject,) = batch.rejects
    assert (reject.position, reject.raw) == (2, bytes(bad))


@pytest.mark.parametrize(
    ("data", "good", "problem"),
    [
        (DUMP[:-1], 499, "the document at byte .* is cut off"),
        (DUMP + b"\x05", 500, "the document at byte .* is cut off"),
        (DUMP + b"\x04\0\0\0", 500, "no document of BSON begins at byte .*: its size would be 4"),
        (DUMP + b"\xff\xff\xff\x7f", 500, "its size would be 2147483647"),
        (b"\x6d\xe2\x99\x81" + bytes(50), 0, "it is an archive of mongodump"),
    ],
)
def test_what_is_no_dump(tmp_path, data, good, problem):
    path = tmp_path / "a.bson"
    path.write_bytes(data)
    found = []
    with pytest.raises(IngestError, match=problem):
        found.extend(batches(path))
    reader = BSONSource(make_source(path)).open(Ids(SEED))
    count = 0
    with pytest.raises(IngestError):
        while (batch := reader.read(BatchLimits())) is not None:
            count += len(batch)
    reader.close()
    assert count == good


def test_an_empty_dump(tmp_path):
    (tmp_path / "a.bson").write_bytes(b"")
    assert list(batches(tmp_path / "a.bson")) == []
