"""Arrow data and Parquet files as sources of an ingestion."""

from __future__ import annotations

import json
import sys

import pytest

import bsonx
from mongodriver.ingest import ingest, replay
from mongodriver.ingest.batch import ENCODE, BatchLimits, Ids
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.arrow import ArrowSource, is_arrow
from mongodriver.ingest.sources.parquet import ParquetSource

from .fake import FakeCollection

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")

TABLE = pa.table({"n": range(10), "s": [f"s{i}" for i in range(10)]})
SMALL = BatchLimits(documents=4)


def batches(reader, limits=SMALL):
    found = []
    while (batch := reader.read(limits)) is not None:
        found.append(batch)
    reader.close()
    return found


def documents(found):
    return [document for batch in found for document in bsonx.decode_all(batch.data)]


def sources(tmp_path):
    path = tmp_path / "ten.parquet"
    parquet.write_table(TABLE, path, row_group_size=3)
    return [ArrowSource(TABLE), ParquetSource(path)]


@pytest.mark.parametrize("which", [0, 1], ids=["table", "parquet"])
def test_batches_and_resuming(tmp_path, which):
    source = sources(tmp_path)[which]
    assert source.repeatable
    assert not source.awaits
    ids = Ids(b"123456789")
    found = batches(source.open(ids))
    assert [list(batch.positions) for batch in found] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert all(batch.own_ids for batch in found)
    everything = documents(found)
    assert [d["n"] for d in everything] == list(range(10))
    assert [d["_id"].binary for d in everything] == [ids.first(i) for i in range(10)]
    again = source.open(Ids(b"123456789"), found[0].resume)
    assert documents(batches(again)) == everything[4:]


@pytest.mark.parametrize("which", ["table", "pyarrow", "polars"])
def test_what_a_rejected_row_was(tmp_path, monkeypatch, which):
    """A dead letter that does not say it would be of no use, and no replay may change it."""
    table = pa.table({"n": pa.array([1, 2**63], pa.uint64()), "s": ["a", "b"]})
    source, form = ArrowSource(table), "arrow"
    if which != "table":
        pytest.importorskip(which)
        parquet.write_table(table, tmp_path / "a.parquet")
        source, form = ParquetSource(tmp_path / "a.parquet"), "parquet"
        if which == "polars":
            monkeypatch.setitem(sys.modules, "pyarrow", None)
    dead = tmp_path / "dead.ndjson"
    report = ingest(FakeCollection(), source, dead_letter=dead)
    assert (report.documents, report.rejected) == (1, 1)
    entry = json.loads(dead.read_text())
    assert entry["format"] == form
    row = {"n": {"$numberDecimal": "9223372036854775808"}, "s": "b"}
    assert json.loads(entry["record"]) == row
    report = replay(FakeCollection(), dead)
    assert "put a document into its entry" in report.errors["parse"].examples[0]
    dead.write_text(json.dumps({**entry, "document": row}))
    assert replay(FakeCollection(), dead).documents == 1


def test_a_damaged_page(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(TABLE, path)
    data = bytearray(path.read_bytes())
    data[10:60] = b"\xff" * 50
    path.write_bytes(data)
    report = ingest(FakeCollection(), path)
    (problem,) = report.errors["file"].examples
    assert "the producer gives no more rows" in problem
    assert "Traceback" not in problem
    assert "\n" not in problem


def test_progress_of_a_parquet_file(tmp_path):
    source = sources(tmp_path)[1]
    reader = source.open(None)
    assert reader.consumed() == 0
    reader.read(BatchLimits(documents=5))
    assert reader.consumed() == source.size // 2
    reader.read(BatchLimits())
    assert reader.consumed() == source.size
    reader.close()


def test_rejects():
    table = pa.table({"k": pa.array([1, 2**63, 3], pa.uint64())})
    (batch,) = batches(ArrowSource(table, id_field="k").open(None))
    assert documents([batch]) == [{"_id": 1}, {"_id": 3}]
    assert list(batch.positions) == [1, 3]
    assert not batch.own_ids
    (reject,) = batch.rejects
    assert (reject.position, reject.code) == (2, ENCODE)
    assert reject.error == "column 'k': 9223372036854775808 is too large for an int64"


def test_what_can_be_read_once():
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())
    source = ArrowSource(reader, "once")
    assert not source.repeatable
    assert len(documents(batches(source.open(None)))) == 10
    assert is_arrow(reader)
    assert not is_arrow([{}])


def test_what_does_not_fit(tmp_path):
    with pytest.raises(IngestError, match="x: there is no column 'z'"):
        ArrowSource(TABLE, "x", id_field="z").open(None)
    with pytest.raises(OSError, match="No such file"):
        ParquetSource(tmp_path / "missing.parquet").open(None)
    path = tmp_path / "text.parquet"
    path.write_text("no parquet\n")
    with pytest.raises(IngestError, match=r"text\.parquet: "):
        ParquetSource(path).open(None)


def test_a_parquet_file_without_pyarrow(tmp_path, monkeypatch):
    source = sources(tmp_path)[1]
    expected = documents(batches(source.open(Ids(b"123456789"))))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    pytest.importorskip("polars", reason="needs polars")
    found = batches(source.open(Ids(b"123456789")))
    assert documents(found) == expected
    assert [n for batch in found for n in batch.positions] == list(range(1, 11))
    large = tmp_path / "large.parquet"
    numbers = pa.array([i if i % 40_000 else 2**63 for i in range(100_000)], pa.uint64())
    parquet.write_table(pa.table({"n": numbers}), large)
    found = batches(ParquetSource(large).open(None), BatchLimits(documents=30_000))
    assert [n - 1 for b in found for n in b.positions] == [d["n"] for d in documents(found)]
    assert [r.position for batch in found for r in batch.rejects] == [1, 40_001, 80_001]
    assert found[-1].resume == {"documents": 99_997, "rows": 100_000}
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(IngestError, match="reading Parquet needs pyarrow or polars"):
        source.open(None)
