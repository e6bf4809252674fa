"""The whole job over a collection in memory: accounting for every record."""

import gzip
import json
import threading

import pytest

import bsonx
from mongodriver.errors import AutoReconnect, OperationFailure
from mongodriver.ingest import (
    CSVOptions,
    IngestError,
    IngestOptions,
    Job,
    ingest,
    make_source,
)
from mongodriver.ingest.sources.iterables import IterableSource

from .fake import FakeCollection


class Steps:
    """A progress callback that remembers what it was told."""

    def __init__(self):
        self.told = []

    def __call__(self, snapshot):
        self.told.append(snapshot)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("mongodriver.ingest.retrying._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("mongodriver.ingest.telling._INTERVAL", 0.0)


def write_lines(path, count, start=0):
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(start, start + count)))
    return path


def numbers(collection):
    return sorted(document["n"] for document in collection.stored.values())


@pytest.mark.parametrize("batch_documents", [1, 7, 100, 5000])
@pytest.mark.parametrize("lanes", [1, 4])
def test_all_documents_of_all_files(tmp_path, batch_documents, lanes):
    files = [write_lines(tmp_path / "a.ndjson", 50), write_lines(tmp_path / "b.ndjson", 50, 50)]
    collection, steps = FakeCollection(), Steps()
    report = ingest(collection, files, batch_documents=batch_documents, lanes=lanes, progress=steps)
    assert numbers(collection) == list(range(100))
    assert (report.files, report.records, report.documents, report.rejected) == (2, 100, 100, 0)
    assert report.bytes == sum(file.stat().st_size for file in files)
    assert report.ok
    assert report.seconds > 0
    assert max(collection.calls) <= batch_documents
    positions = [snapshot.consumed for snapshot in steps.told]
    assert positions == sorted(positions)
    assert positions[-1] == report.bytes == steps.told[-1].size
    assert steps.told[-1].documents == 100
    assert steps.told[-1].in_flight == 0


def test_batches_are_limited_in_bytes(tmp_path):
    collection = FakeCollection()
    ingest(collection, write_lines(tmp_path / "a.ndjson", 10), batch_bytes=80)
    assert max(collection.calls) == 3  # of 29 bytes


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
    report = ingest(collection, path, dead_letter=tmp_path / "rejects")
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
    assert json.loads(entries[2]["record"])["n"] == 99999999999999999999
    assert entries[3]["record"] == "\\xff"
    assert {entry["file"] for entry in entries} == {str(path)}


def test_refused_documents_are_named(tmp_path):
    collection = FakeCollection()
    collection.stored["x"] = {"_id": "x", "n": -1}
    path = tmp_path / "a.csv"
    path.write_text("key,n\nw,0\nx,1\ny,2\ny,3\n")
    report = ingest(collection, path, id_field="key", dead_letter=tmp_path / "rejects")
    assert numbers(collection) == [-1, 0, 2]
    assert report.errors[11000].examples == [f"{path}:3: E11000", f"{path}:5: E11000"]
    assert (report.records, report.documents, report.rejected) == (4, 2, 2)
    entries = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert [entry["document"] for entry in entries] == [{"_id": "x", "n": 1}, {"_id": "y", "n": 3}]


def test_records_without_a_fitting_id_field(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"k": 1}\n{"n": 1}\n{"k": 2, "_id": 2}\n')
    collection = FakeCollection()
    report = ingest(collection, path, id_field="k")
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
    ingest(collection, path, csv=CSVOptions(columns=["n"], types={"n": "float"}))
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
    report = ingest(FakeCollection(), [tmp_path / name, tmp_path / "missing.csv", good])
    first, second = report.errors["file"].examples
    assert message in first
    assert first.startswith(str(tmp_path / name))
    assert second == f"{tmp_path / 'missing.csv'}: No such file or directory"
    assert report.documents == report.records >= 3
    assert report.files == 3


def test_failures_of_the_server_in_between(tmp_path):
    def lose(collection, documents):
        collection.store(documents[:3])
        raise AutoReconnect("gone")

    collection = FakeCollection(lose, FakeCollection.store, lose)
    report = ingest(collection, write_lines(tmp_path / "a.ndjson", 100), batch_documents=10)
    assert numbers(collection) == list(range(100))
    assert (report.documents, report.resent, report.errors) == (100, 2, {})


def test_a_refusal_ends_the_job_and_names_what_was_not_stored(tmp_path):
    def refuse(collection, documents):
        raise OperationFailure("no rights", 13)

    collection = FakeCollection(FakeCollection.store, *[refuse] * 20)
    job = Job(IngestOptions(batch_documents=10, lanes=1, max_in_flight=900))
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

    job = Job(IngestOptions(lanes=2, batch_documents=10, retry_seconds=0))
    source = make_source(write_lines(tmp_path / "a.ndjson", 100))
    with pytest.raises(IngestError, match="not recovered"):
        job.run([(source, FakeCollection(*[lose] * 20))])
    assert job.report.documents == 0
    assert job.report.records == job.report.rejected > 0


def test_an_interrupt_waits_for_what_is_under_way(tmp_path):
    """Ctrl-C while reading: batches that were handed over are either stored or named."""

    def documents():
        yield from ({"n": n} for n in range(25))
        raise KeyboardInterrupt

    collection = FakeCollection()
    job = Job(IngestOptions(batch_documents=10))
    source = IterableSource(documents(), collection.codec_options)
    with pytest.raises(KeyboardInterrupt):
        job.run([(source, collection)])
    report = job.report
    assert (report.records, report.documents, report.rejected) == (20, 20, 0)
    assert report.interrupted
    assert numbers(collection) == list(range(20))


def test_only_so_much_is_in_memory():
    """While the lanes are held up the source is not asked for more."""
    release, seen = threading.Event(), threading.Semaphore(0)

    def hold(collection, documents):
        seen.release()
        assert release.wait(60)
        return collection.store(documents)

    asked = 0

    def documents():
        nonlocal asked
        for asked in range(1, 201):
            yield {"n": asked, "x": "x" * 974}  # with its id 1,024 bytes

    collection = FakeCollection(*[hold] * 200)
    job = Job(IngestOptions(batch_documents=2, lanes=2, max_in_flight=16 << 10))
    source = IterableSource(documents(), collection.codec_options)
    runner = threading.Thread(target=job.run, args=([(source, collection)],))
    runner.start()
    try:
        assert seen.acquire(timeout=60)
        assert seen.acquire(timeout=60)
        # Room for a whole batch as large as one may be is waited for.
        assert asked <= 16
    finally:
        release.set()
        runner.join(60)
    assert numbers(collection) == list(range(1, 201))


def test_a_job_that_is_stopped_stores_what_it_has_read():
    collection = FakeCollection()
    job = Job(IngestOptions(batch_documents=10))

    def documents():
        for n in range(100):
            if n == 35:
                job.stop()
            yield {"n": n}

    report = job.run([(IterableSource(documents(), collection.codec_options), collection)])
    assert (report.records, report.documents, report.rejected) == (40, 40, 0)
    assert report.interrupted
    assert not report.ok
    assert numbers(collection) == list(range(40))


def test_a_job_that_is_stopped_waits_only_so_long():
    """What is still on its way then is named, and whatever comes of it changes nothing."""
    release = threading.Event()

    def hold(collection, documents):
        assert release.wait(60)
        return collection.store(documents)

    collection = FakeCollection(*[hold] * 9)
    job = Job(IngestOptions(batch_documents=10, lanes=2, drain_seconds=0))

    def documents():
        for n in range(100):
            if n == 35:
                job.stop()
            yield {"n": n}

    report = job.run([(IterableSource(documents(), collection.codec_options), collection)])
    assert (report.records, report.documents, report.rejected) == (40, 0, 40)
    assert report.errors["unsent"].count == 40
    assert "the job was stopped" in report.errors["unsent"].examples[0]
    before = report.to_dict()
    release.set()
    for lane in job._engine._lanes:
        lane._task._thread.join(60)
    assert report.to_dict() == before


def test_what_an_iterable_raises_is_raised_when_all_before_it_is_stored():
    def documents():
        yield from ({"n": n} for n in range(25))
        raise LookupError("the source is broken")

    collection = FakeCollection()
    with pytest.raises(LookupError, match="the source is broken"):
        ingest(collection, documents(), batch_documents=10)
    assert numbers(collection) == list(range(25))


@pytest.mark.parametrize("error", [OSError("gone"), IngestError("of another job"), KeyError("k")])
def test_whatever_an_iterable_raises_is_raised(error):
    """Also what of a file would be told in the report: nobody looks for that there."""

    def failing():
        yield {"a": 1}
        raise error

    collection = FakeCollection()
    with pytest.raises(type(error)) as caught:
        ingest(collection, failing())
    assert caught.value is error
    assert len(collection.stored) == 1


@pytest.mark.parametrize("options", [{}, {"on_duplicate": "skip"}, {"ordered": True}])
def test_only_bytes_that_are_confirmed_count(options):
    collection = FakeCollection()
    collection.stored = {n: {"_id": n} for n in range(50, 100, 2)}
    documents = [{"_id": n, "text": "x" * n} for n in range(100)]
    try:
        report = ingest(collection, documents, batch_documents=10, **options)
    except IngestError as error:
        report = error.report
    stored = [one for one in collection.stored.values() if "text" in one]
    assert report.documents == len(stored) > 0
    assert report.sent == sum(len(bsonx.encode(one)) for one in stored)


def test_too_many_errors():
    collection = FakeCollection()
    collection.stored = {n: {"_id": n, "n": n} for n in range(0, 100, 2)}
    documents = [{"_id": n, "n": n} for n in range(100)]
    with pytest.raises(IngestError, match="more than 10 records were rejected") as caught:
        ingest(collection, documents, batch_documents=10, lanes=1, max_errors=10)
    report = caught.value.report
    assert report.errors[11000].count == 15
    assert report.records == report.documents + report.rejected


def test_in_order_nothing_is_stored_behind_a_bad_record(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 0}\n{"n": 1}\n{"n": }\n{"n": 3}\n')
    collection = FakeCollection()
    with pytest.raises(IngestError, match=r"a\.ndjson:3: not JSON") as caught:
        ingest(collection, path, ordered=True)
    assert numbers(collection) == [0, 1]
    report = caught.value.report
    assert (report.records, report.documents, report.rejected) == (4, 2, 2)
    assert {code: entry.count for code, entry in report.errors.items()} == {"parse": 1, "unsent": 1}


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"batch_documents": 0}, "must be"),
        ({"batch_documents": 100_001}, "must be"),
        ({"lanes": 0}, "must be"),
        ({"key": 1}, "must be the name of a field"),
        ({"key": None}, "must be the name of a field"),
        ({"key": {"a": 1}}, "must be the name of a field"),
        ({"key": "a..b"}, "must be the name of a field"),
        ({"key": ["a", "a"], "mode": "upsert"}, "names a field twice"),
        ({"key": "a"}, "key is for the other modes"),
        ({"id_field": ""}, "must be the name of a field"),
        ({"id_field": 1}, "must be the name of a field"),
        ({"ordered": "yes"}, "ordered must be True or False"),
        ({"ordered": None}, "ordered must be True or False"),
        ({"keep_key_order": 1}, "must be True or False"),
        ({"bypass_document_validation": 1}, "must be True or False"),
        ({"csv": {"delimiter": ";"}}, "csv must be CSVOptions"),
        ({"mode": "upsert", "on_duplicate": "replace"}, "is for inserts, not for 'upsert'"),
    ],
)
def test_bad_options(bad, problem):
    with pytest.raises(IngestError, match=problem):
        IngestOptions(**bad)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"checkpoint": 1}, "a checkpoint is the path of a file, not int"),
        ({"dead_letter": ""}, "the path of the dead letter is empty"),
        ({"progress": 1}, "progress must be a function, not int"),
    ],
)
def test_bad_arguments(bad, problem):
    collection = FakeCollection()
    with pytest.raises(IngestError, match=problem):
        ingest(collection, [{"a": 1}], **bad)
    assert not collection.calls
