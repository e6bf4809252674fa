"""CSV files as batches: the same documents as by rows, ids, places to go on at, damage."""

import gzip
import io
import os
import random

import pytest

import bsonx
from mongodriver.ingest import CSVOptions, IngestError
from mongodriver.ingest.batch import BatchLimits, Ids
from mongodriver.ingest.sources import make_source
from mongodriver.ingest.sources.csv_text import CSVSource

SEED = bytes(range(9))
ANY_DATE = bsonx.CodecOptions(datetime_conversion=bsonx.DatetimeConversion.DATETIME_AUTO)


def read_all(path, limits=None, at=None, options=None, seed=SEED, **how):
    """The documents, the lines they came from, and the rejects."""
    source = CSVSource(make_source(path, **how), options)
    reader = source.open(Ids(seed) if seed else None, at)
    documents, lines, rejects = [], [], []
    try:
        while (batch := reader.read(limits or BatchLimits())) is not None:
            documents += bsonx.decode_all(batch.data, ANY_DATE)
            lines += batch.positions
            rejects += [(one.position, one.raw, one.error) for one in batch.rejects]
            assert len(batch) == len(batch.positions)
    finally:
        reader.close()
    return documents, lines, rejects


def table(path, rows=5000):
    rng = random.Random(rows)
    lines = ["id,name,when,v\n"]
    for n in range(rows):
        if n % 97 == 5:
            lines.append("bad\n")
        name = rng.choice(["x", '"a, b"', '"two\nlines"', ""])
        lines.append(f"{n},{name},2020-01-{n % 28 + 1:02},{n / 4}\n")
    path.write_text("".join(lines))
    return path


def test_every_row_once(tmp_path):
    documents, lines, rejects = read_all(table(tmp_path / "a.csv"))
    assert [document["id"] for document in documents] == list(range(5000))
    assert len({document["_id"] for document in documents}) == 5000
    assert len(rejects) == len(range(5, 5000, 97))
    assert {error for _, _, error in rejects} == {"1 fields where the header has 4"}
    text = (tmp_path / "a.csv").read_text().split("\n")
    for document, line in zip(documents, lines, strict=True):
        assert text[line - 1].startswith(f"{document['id']},")


@pytest.mark.parametrize(
    "limits",
    [BatchLimits(1), BatchLimits(7), BatchLimits(1000, 3000), BatchLimits(100, 1 << 20, 0.0)],
)
def test_batches_of_any_size_have_the_same_documents(tmp_path, limits):
    path = table(tmp_path / "a.csv", 600)
    assert read_all(path, limits) == read_all(path)


@pytest.mark.parametrize("packed", [False, True])
def test_going_on_in_the_middle(tmp_path, packed):
    """At each place, with the same ids; far behind what was looked at first, too."""
    path = table(tmp_path / "a.csv", 12_000)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    everything = read_all(path)
    reader = CSVSource(make_source(path)).open(Ids(SEED))
    seen, bad = 0, 0
    while (batch := reader.read(BatchLimits(1700))) is not None:
        seen += len(batch)
        bad += len(batch.rejects)
        documents, lines, rejects = read_all(path, at=batch.resume)
        assert documents == everything[0][seen:]
        assert lines == everything[1][seen:]
        assert rejects == everything[2][bad:]
    reader.close()
    with pytest.raises(IngestError, match="the file ends before byte"):
        read_all(path, at={"documents": 0, "offset": 1 << 20, "line": 1})


def test_ids(tmp_path):
    """Made ones are the reader's own; where a row brings one, they are not."""
    path = tmp_path / "a.csv"
    path.write_text("_id,a\n1,2\n,3\n")
    reader = CSVSource(make_source(path)).open(Ids(SEED))
    batch = reader.read(BatchLimits())
    assert not batch.own_ids
    made = bsonx.ObjectId(Ids(SEED).first(1))
    assert bsonx.decode_all(batch.data) == [{"_id": 1, "a": 2}, {"_id": made, "a": 3}]
    reader.close()
    assert read_all(path, seed=None)[0] == [{"_id": 1, "a": 2}, {"a": 3}]
    path.write_text("a\n2\n")
    reader = CSVSource(make_source(path)).open(Ids(SEED))
    assert reader.read(BatchLimits()).own_ids
    reader.close()


def test_a_column_with_a_format_goes_the_python_way(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("d,n\n31.1.2020,1\nx,2\n")
    options = CSVOptions(types={"d": "date(%d.%m.%Y)"})
    documents, _, rejects = read_all(path, options=options)
    assert [document["n"] for document in documents] == [1]
    assert rejects[0][0] == 3
    assert "does not match the date format" in rejects[0][2]


@pytest.mark.parametrize("data", [b"", b"\n", b"a,b\n", b"\xef\xbb\xbf", b"\xef\xbb\xbfa,b"])
def test_files_without_rows(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    assert read_all(tmp_path / "a.csv") == ([], [], [])


def test_f17_what_can_be_unpacked_and_then_the_error(tmp_path):
    path = tmp_path / "a.csv.gz"
    text = b"a,b\n" + b"".join(b"%d,22222\n" % n for n in range(50_000))
    packed = gzip.compress(text)
    path.write_bytes(packed[: len(packed) // 2])
    reader = CSVSource(make_source(path)).open(Ids(SEED))
    rows, rejects = [], []
    with pytest.raises(IngestError, match="the gzip data are cut off"):
        while (batch := reader.read(BatchLimits())) is not None:
            rows += bsonx.decode_all(batch.data)
            rejects += batch.rejects
    reader.close()
    assert {row["b"] for row in rows} == {22222}
    assert [row["a"] for row in rows] == list(range(len(rows)))
    assert len(rows) > 10_000
    assert [reject.error for reject in rejects] in ([], ["the row is cut off"])


def test_f17_bytes_behind_the_end(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n2\n") + b"tail")
    reader = CSVSource(make_source(path)).open(None)
    assert bsonx.decode_all(reader.read(BatchLimits()).data) == [{"a": 1}, {"a": 2}]
    with pytest.raises(IngestError, match="behind the end"):
        reader.read(BatchLimits())
    reader.close()


def test_a_pipe_gives_what_it_has(tmp_path):
    """A batch is not waited for longer than it may take."""
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    os.write(held, b"n\n1\n2\n")
    reader = CSVSource(make_source(path), CSVOptions(infer=False)).open(None)
    limits = BatchLimits(seconds=0.0)
    assert bsonx.decode_all(reader.read(limits).data) == [{"n": "1"}, {"n": "2"}]
    os.write(held, b"3\n")
    assert bsonx.decode_all(reader.read(limits).data) == [{"n": "3"}]
    os.close(held)
    assert reader.read(limits) is None
    reader.close()


def test_consumed_bytes(tmp_path):
    path = table(tmp_path / "a.csv", 50)
    source = CSVSource(make_source(path))
    reader = source.open(None)
    while reader.read(BatchLimits(10)) is not None:
        pass
    assert reader.consumed() == source.size == path.stat().st_size
    reader.close()


def test_standard_input(monkeypatch):
    stream = io.BufferedReader(io.BytesIO(b"a;b\n1;2\n"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert read_all("-", form="csv", seed=None)[0] == [{"a": 1, "b": 2}]
