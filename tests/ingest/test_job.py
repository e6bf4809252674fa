"""The whole job over a collection in memory: accounting for every record."""

import gzip
import json
import threading

import pytest

from mongodriver.errors import AutoReconnect, OperationFailure
from mongodriver.ingest import (
    CSVOptions,
    IngestError,
    Job,
    JobOptions,
    RejectFile,
    ingest,
    make_source,
)

from .fake import FakeCollection


class Steps:
    """A progress display that remembers what it was told."""

    def __init__(self):
        self.positions = []
        self.closed = False

    def update(self, position, documents):
        self.positions.append(position)

    def close(self):
        self.closed = True


def write_lines(path, count, start=0):
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(start, start + count)))
    return path


def numbers(collection):
    return sorted(document["n"] for document in collection.stored.values())


@pytest.mark.parametrize("batch_size", [1, 7, 100, 5000])
@pytest.mark.parametrize("workers", [1, 4])
def test_all_documents_of_all_files(tmp_path, batch_size, workers):
    files = [write_lines(tmp_path / "a.ndjson", 50), write_lines(tmp_path / "b.ndjson", 50, 50)]
    collection, steps = FakeCollection(), Steps()
    options = JobOptions(batch_size=batch_size, workers=workers)
    report = ingest(files, collection, options, progress=steps)
    assert numbers(collection) == list(range(100))
    assert (report.files, report.records, report.documents, report.rejected) == (2, 100, 100, 0)
    assert report.bytes == sum(file.stat().st_size for file in files)
    assert report.ok
    assert report.seconds > 0
    assert max(collection.calls) <= batch_size
    assert steps.closed
    assert steps.positions == sorted(steps.positions)
    assert all(0 < position <= report.bytes for position in steps.positions)


def test_batches_are_limited_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("mongodriver.ingest.job._BATCH_BYTES", 20)
    collection = FakeCollection()
    ingest([write_lines(tmp_path / "a.ndjson", 10)], collection)
    assert max(collection.calls) == 3


def test_every_source_has_its_collection(tmp_path):
    sources = [make_source(write_lines(tmp_path / f"{n}.ndjson", n)) for n in (1, 2)]
    collections = [FakeCollection(), FakeCollection()]
    Job().run(list(zip(sources, collections, strict=True)))
    assert [len(collection.stored) for collection in collections] == [1, 2]


def test_bad_records_are_counted_named_and_kept(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_bytes(
        b'{"n": 0}\n{"n": }\n{"n": 1}\n[]\n{"n": 99999999999999999999}\n\xff\n{"n": 2}\n'
    )
    collection = FakeCollection()
    with RejectFile(tmp_path / "rejects") as rejects:
        report = ingest([path], collection, rejects=rejects)
    assert numbers(collection) == [0, 1, 2]
    assert (report.records, report.documents, report.rejected) == (7, 3, 4)
    assert {code: entry.count for code, entry in report.errors.items()} == {"parse": 3, "encode": 1}
    assert report.errors["parse"].examples[0].startswith(f"{path}:2: not JSON")
    assert report.errors["encode"].examples[0].startswith(f"{path}:5: ")
    assert not report.ok
    entries = sorted(
        map(json.loads, (tmp_path / "rejects").read_text().splitlines()), key=lambda e: e["line"]
    )
    assert [(entry["line"], entry["code"]) for entry in entries] == [
        (2, "parse"),
        (4, "parse"),
        (5, "encode"),
        (6, "parse"),
    ]
    assert entries[0]["record"] == '{"n": }'
    assert entries[2]["document"]["n"] == 99999999999999999999
    assert entries[3]["record"] == "\\xff"
    assert {entry["file"] for entry in entries} == {str(path)}


def test_refused_documents_are_named(tmp_path):
    collection = FakeCollection()
    collection.stored["x"] = {"_id": "x", "n": -1}
    path = tmp_path / "a.csv"
    path.write_text("key,n\nw,0\nx,1\ny,2\ny,3\n")
    with RejectFile(tmp_path / "rejects") as rejects:
        report = ingest([path], collection, JobOptions(id_field="key"), rejects=rejects)
    assert numbers(collection) == [-1, 0, 2]
    assert report.errors[11000].examples == [f"{path}:3: E11000", f"{path}:5: E11000"]
    assert (report.records, report.documents, report.rejected) == (4, 2, 2)
    entries = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert [entry["document"] for entry in entries] == [{"n": 1, "_id": "x"}, {"n": 3, "_id": "y"}]


def test_records_without_a_fitting_id_field(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"k": 1}\n{"n": 1}\n{"k": 2, "_id": 2}\n')
    collection = FakeCollection()
    report = ingest([path], collection, JobOptions(id_field="k"))
    assert list(collection.stored) == [1]
    assert report.errors["parse"].examples == [
        f"{path}:2: the record has no 'k'",
        f"{path}:3: the record has an _id",
    ]
    assert (report.records, report.documents, report.rejected) == (3, 1, 2)


def test_csv_options_reach_the_reader(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1\n2\n")
    collection = FakeCollection()
    ingest([path], collection, JobOptions(csv=CSVOptions(columns=["n"], types={"n": "float"})))
    assert [type(document["n"]) for document in collection.stored.values()] == [float, float]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "a.ndjson.gz",
            gzip.compress(b'{"n": 0}\n' * 10, mtime=0)[:-4],
            "the gzip data are cut off",
        ),
        ("a.ndjson.gz", b"\x1f\x8b\x00" + b"x" * 100, "the gzip data are damaged"),
        ("a.json", b'[{"n": 0}', "the array is cut off"),
        ("a.json", b"n: 0", "neither a JSON array"),
        ("a.csv", b"n,n\n1,2\n", "two columns"),
    ],
)
def test_a_damaged_file_does_not_end_the_job(tmp_path, name, data, message):
    """What was read of it is kept, and the next file follows."""
    (tmp_path / name).write_bytes(data)
    good = write_lines(tmp_path / "good.ndjson", 3)
    report = ingest([tmp_path / name, tmp_path / "missing.csv", good], FakeCollection())
    first, second = report.errors["file"].examples
    assert message in first
    assert first.startswith(str(tmp_path / name))
    assert "missing.csv: [Errno 2]" in second
    assert report.documents == report.records >= 3
    assert report.files == 3


def test_failures_of_the_server_in_between(tmp_path):
    def lose(collection, documents):
        collection.store(documents[:3])
        raise AutoReconnect("gone")

    collection = FakeCollection(lose, FakeCollection.store, lose)
    report = ingest(
        [write_lines(tmp_path / "a.ndjson", 100)], collection, JobOptions(batch_size=10)
    )
    assert numbers(collection) == list(range(100))
    assert (report.documents, report.resent, report.errors) == (100, 2, {})


def test_a_refusal_ends_the_job_and_names_what_was_not_stored(tmp_path):
    def refuse(collection, documents):
        raise OperationFailure("no rights", 13)

    collection = FakeCollection(FakeCollection.store, *[refuse] * 20)
    job = Job(JobOptions(batch_size=10, workers=1))
    source = make_source(write_lines(tmp_path / "a.ndjson", 100))
    with pytest.raises(OperationFailure, match="no rights"):
        job.run([(source, collection), (make_source(tmp_path / "never.csv"), collection)])
    report = job.report
    assert report.files == 1
    assert report.documents == 10
    assert report.records == report.documents + report.rejected <= 100
    assert report.errors["unsent"].count == report.rejected
    assert report.errors["unsent"].examples[0].endswith("a.ndjson:11: no rights")


def test_giving_up_on_a_lost_server(tmp_path):
    def lose(collection, documents):
        raise AutoReconnect("gone")

    job = Job(JobOptions(workers=2, batch_size=10, retry_seconds=0))
    source = make_source(write_lines(tmp_path / "a.ndjson", 100))
    with pytest.raises(IngestError, match="not recovered"):
        job.run([(source, FakeCollection(*[lose] * 20))])
    assert job.report.documents == 0
    assert job.report.records == job.report.rejected > 0


def test_an_interrupt_waits_for_what_is_under_way(tmp_path):
    """Ctrl-C while reading: batches that were handed over are either stored or named."""

    class Interrupts(Steps):
        def update(self, position, documents):
            raise KeyboardInterrupt

    collection = FakeCollection()
    job = Job(JobOptions(batch_size=10), progress=Interrupts())
    with pytest.raises(KeyboardInterrupt):
        job.run([(make_source(write_lines(tmp_path / "a.ndjson", 100)), collection)])
    assert job.report.records == 10 == job.report.documents + job.report.rejected
    assert len(collection.stored) == job.report.documents


def test_only_so_many_batches_are_in_memory(tmp_path):
    """While the senders are held up the reader stops, too."""
    release, seen = threading.Event(), threading.Semaphore(0)

    def hold(collection, documents):
        seen.release()
        assert release.wait(60)
        collection.store(documents)

    collection = FakeCollection(*[hold] * 100)
    job = Job(JobOptions(batch_size=1, workers=2))
    source = make_source(write_lines(tmp_path / "a.ndjson", 100))
    runner = threading.Thread(target=job.run, args=([(source, collection)],))
    runner.start()
    try:
        assert seen.acquire(timeout=60)
        assert seen.acquire(timeout=60)
        assert job._slots.acquire(blocking=False) is False or job._slots.release() is None
        assert job.report.records <= 4
    finally:
        release.set()
        runner.join(60)
    assert numbers(collection) == list(range(100))


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"batch_size": 100_001}, {"workers": 0}])
def test_bad_options(bad):
    with pytest.raises(IngestError, match="must be"):
        JobOptions(**bad)
