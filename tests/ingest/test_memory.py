"""Memory use does not depend on the size of the file."""

import io
from contextlib import contextmanager

import pytest

import bsonx
from mongodriver.ingest import FileSource, IngestOptions, Job
from mongodriver.ingest.sources import OpenSource, of_file

from .fake import Attempt, FakeCollection
from .reading import csv_records, json_records, ndjson_records

tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not

PART = {
    "ndjson": b'{"n": 123456, "text": "some text", "list": [1, 2, 3]}\n' * 1000,
    "json": b'{"n": 123456, "text": "some text", "list": [1, 2, 3]},\n' * 1000,
    "csv": b"123456,some text,2013-01-01\n" * 1000,
}
START = {"ndjson": b"", "json": b"[", "csv": b"n,text,day\n"}
READERS = {"ndjson": ndjson_records, "json": json_records, "csv": csv_records}
END = {"ndjson": b"", "json": b"{}]", "csv": b""}


class Endless(io.RawIOBase):
    """A file made while it is read: `parts` times 1000 records."""

    def __init__(self, form: str, parts: int) -> None:
        self._parts = iter([START[form], *[PART[form]] * parts, END[form]])
        self._rest = b""
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        self.given += size
        return size


class Forgetful(FakeCollection):
    """A collection that stores nothing."""

    count = 0

    async def execute(self, operation):
        attempt = Attempt(self.connection)
        attempt.stop = len(operation.build(attempt).documents)
        self.count += attempt.stop
        return operation.parse({"ok": 1, "n": attempt.stop}, attempt)


def peak(monkeypatch, form: str, parts: int) -> int:
    """Return the largest amount of memory in use during a job, in bytes."""

    @contextmanager
    def open_source(source):
        stream = io.BufferedReader(Endless(form, parts))
        yield OpenSource(stream, stream)

    monkeypatch.setattr(of_file, "open_source", open_source)
    collection = Forgetful()
    tracemalloc.start()
    try:
        job = Job(IngestOptions(batch_documents=500, lanes=1, max_in_flight=100_000))
        report = job.run([(FileSource("generated", form), collection)])
        assert report.documents == collection.count == parts * 1000 + (form == "json")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["ndjson", "json", "csv"])
def test_flat_memory(form, monkeypatch):
    """Five times the file needs about the same memory, a fraction of the file's own size."""
    # Enough to fill all buffers and queues; tracemalloc makes pure Python several times as slow.
    parts = 100 if bsonx.has_c() else 10
    peak(monkeypatch, form, parts)  # imports, caches
    small = peak(monkeypatch, form, parts)
    large = peak(monkeypatch, form, 5 * parts)
    assert large < 1.5 * small + 100_000, (small, large)
    assert large < 5 * parts * len(PART[form]), large


@pytest.mark.parametrize(("form", "reader"), READERS.items())
def test_readers_are_lazy(form, reader):
    """The first record comes before much of the file has been read."""
    file = Endless(form, 10_000)
    next(iter(reader(io.BufferedReader(file), print)))
    assert 0 < file.given < 1 << 20
