"""The ingestion: read records, send them in batches, account for every one.

It is written for threads, not for a loop: reading is work for the CPU, which a loop could not
overlap with anything, while a thread that waits for the server leaves the CPU to the reader.
So one thread reads and a few send; there is at most one batch for each of them and two more.
From a loop, call `asyncio.to_thread(job.run, ...)`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.errors import IngestError, RejectFileError
from mongodriver.ingest.progress import NoProgress, Progress
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.reading import Reading
from mongodriver.ingest.rejects import RejectFile
from mongodriver.ingest.report import FILE, PARSE, UNSENT, Code, Report
from mongodriver.ingest.sources import DAMAGE, FileSource
from mongodriver.ingest.store import Batch, Outcome, Store, refuse_unacknowledged

if TYPE_CHECKING:
    from mongodriver.collection import Collection

_BATCH_BYTES = 4 << 20  # bytes of text
_UNREADABLE = (OSError, IngestError, *DAMAGE)


@dataclass(frozen=True)
class JobOptions:
    """`batch_size` documents go to the server at a time, from `workers` threads. After
    `retry_seconds` without success the job gives up. `id_field` becomes `_id`."""

    batch_size: int = 2000
    workers: int = 4
    retry_seconds: float = 120.0
    id_field: str | None = None
    csv: CSVOptions = field(default_factory=CSVOptions)

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= 100_000:
            raise IngestError(f"the batch size must be from 1 to 100000, not {self.batch_size}")
        if not 1 <= self.workers <= 64:
            raise IngestError(f"there must be 1 to 64 workers, not {self.workers}")


class Job:
    """Reads files into collections, once. `report` is up to date at any time."""

    def __init__(
        self,
        options: JobOptions | None = None,
        *,
        rejects: RejectFile | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.report = Report()
        self._options = options or JobOptions()
        self._rejects = rejects
        self._progress = progress or NoProgress()
        self._lock = threading.Lock()  # guards report and _failure
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._store = Store(self._options.retry_seconds, self._stop)
        self._slots = threading.Semaphore(self._options.workers + 1)
        self._read_bytes = 0  # of the files that are done
        self._begun: dict[FileSource, Reading] = {}  # looked into, and could not be opened again

    def check(self, sources: Iterable[FileSource]) -> None:
        """Look into every source; to be called before anything is destroyed for their sake.

        Raises IngestError when one of them cannot be read, does not fit the options, has records
        but none that is good, or is where rejected records go.
        """
        for source in sources:
            if self._rejects is not None:
                self._rejects.refuse(source)
            if source not in self._begun:
                self._look(source)

    def _look(self, source: FileSource) -> None:
        try:
            reading = Reading(source, self._options.csv)
            if not source.is_repeatable:
                self._begun[source] = reading
                reading.look(self._id_problem)
                return
            with closing(reading):
                reading.look(self._id_problem)
        except _UNREADABLE as error:
            raise IngestError(f"{source.name}: {error or repr(error)}") from error

    def run(self, tasks: Iterable[tuple[FileSource, Collection[Any]]]) -> Report:
        """Read every source into its collection; return the report.

        Bad records and unreadable files are counted in the report and do not end the job. What
        makes it senseless to go on is raised: IngestError when the server stays away or is not to
        answer (w=0), or when rejected records cannot be written, the driver's error when the
        server refuses us. Records read until then are in the report.
        """
        tasks = list(tasks)
        for source, collection in tasks:
            refuse_unacknowledged(collection)
            if self._rejects is not None:
                self._rejects.refuse(source)
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(self._options.workers) as pool:
                try:
                    for source, collection in tasks:
                        if self._failure is None:
                            self._read(source, collection, pool)
                except BaseException:
                    self._stop.set()
                    raise
        finally:
            self.report.seconds = time.monotonic() - started
            self._progress.close()
            for reading in self._begun.values():
                reading.close()
        if self._failure is not None:
            raise self._failure
        return self.report

    def _read(
        self, source: FileSource, collection: Collection[Any], pool: ThreadPoolExecutor
    ) -> None:
        self.report.files += 1
        line = 0

        def reject(number: int, raw: bytes, message: str) -> None:
            nonlocal line
            line = number
            self._reject_text(source, number, raw, message)

        options = self._options
        batch = Batch(source, collection)
        try:
            reading = self._begun.pop(source, None) or Reading(source, options.csv)
            with closing(reading):
                for line, size, document in reading.records(reject):
                    self._add(batch, line, size, document)
                    if len(batch.lines) >= options.batch_size or batch.size > _BATCH_BYTES:
                        self._submit(batch, pool)
                        batch = Batch(source, collection)
                        self._show(reading)
                        if self._failure is not None:
                            return
        except _UNREADABLE as error:
            where = f"{source.name}, after line {line}" if line else source.name
            with self._lock:
                self.report.add_error(FILE, where, str(error) or repr(error))
        self._read_bytes += source.size or 0
        if batch.lines:
            self._submit(batch, pool)

    def _add(self, batch: Batch, line: int, size: int, document: dict[str, Any]) -> None:
        if problem := self._id_problem(document):
            self._count(1, size)
            self._reject_document(batch, line, PARSE, problem, document)
            return
        id_field = self._options.id_field
        if id_field is not None and id_field != "_id":
            document["_id"] = document.pop(id_field)
        if "_id" in document:
            batch.with_id.add(len(batch.lines))
        batch.documents.append(document)
        batch.lines.append(line)
        batch.size += size

    def _id_problem(self, document: dict[str, Any]) -> str | None:
        """Return what keeps the field that is to become `_id` from it."""
        id_field = self._options.id_field
        if id_field is None or id_field == "_id":
            return None
        if "_id" in document:
            return "the record has an _id"
        return None if id_field in document else f"the record has no {id_field!r}"

    def _submit(self, batch: Batch, pool: ThreadPoolExecutor) -> None:
        """Hand a batch to the senders; waits while enough of them are under way."""
        self._count(len(batch.lines), batch.size)
        self._slots.acquire()
        pool.submit(self._send, batch)

    def _send(self, batch: Batch) -> None:
        try:
            if self._stop.is_set():
                self._give_up(batch, "the job was stopped")
            else:
                self._settle(batch, self._store.store(batch))
        except BaseException as error:
            self._fail(error)
            self._give_up(batch, str(error))
        finally:
            self._slots.release()

    def _fail(self, error: BaseException) -> None:
        """End the job; the first error counts."""
        self._stop.set()
        with self._lock:
            self._failure = self._failure or error

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        for failure in outcome.failures:
            line, document = batch.lines[failure.index], batch.documents[failure.index]
            self._reject_document(batch, line, failure.code, failure.message, document)
        with self._lock:
            self.report.documents += len(batch.lines) - len(outcome.failures)
            self.report.resent += outcome.resent
            if outcome.warning is not None:
                code, message = outcome.warning
                self.report.add_error(code, f"{batch.source.name}:{batch.lines[0]}", message)

    def _give_up(self, batch: Batch, problem: str) -> None:
        """The outcome of this batch stays unknown: name every record of it."""
        for line, document in zip(batch.lines, batch.documents, strict=True):
            self._reject_document(batch, line, UNSENT, problem, document)

    def _reject_text(self, source: FileSource, line: int, raw: bytes, message: str) -> None:
        self._count(1, len(raw))
        self._count_reject(source, line, PARSE, message)
        if self._rejects is not None:
            try:
                self._rejects.text(source.name, line, message, raw)
            except RejectFileError as error:
                self._fail(error)

    def _reject_document(
        self, batch: Batch, line: int, code: Code, message: str, document: dict[str, Any]
    ) -> None:
        self._count_reject(batch.source, line, code, message)
        if self._rejects is not None:
            try:
                self._rejects.document(batch.source.name, line, code, message, document)
            except RejectFileError as error:
                self._fail(error)

    def _count_reject(self, source: FileSource, line: int, code: Code, message: str) -> None:
        with self._lock:
            self.report.rejected += 1
            self.report.add_error(code, f"{source.name}:{line}", message)

    def _count(self, records: int, size: int) -> None:
        with self._lock:
            self.report.records += records
            self.report.bytes += size

    def _show(self, reading: Reading) -> None:
        self._progress.update(self._read_bytes + reading.position(), self.report.documents)
