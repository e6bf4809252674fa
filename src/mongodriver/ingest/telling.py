"""The report of a job while it is filled, and who is told how far the job is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mongodriver.ingest.errors import IngestError, in_words
from mongodriver.ingest.report import FILE, IngestReport
from mongodriver.ingest.seams import Snapshot
from mongodriver.ingest.timing import Times

if TYPE_CHECKING:
    from mongodriver.ingest.batch import Batch
    from mongodriver.ingest.delivery import Outcome
    from mongodriver.ingest.modes import Prepared
    from mongodriver.ingest.reading import Reading
    from mongodriver.ingest.seams import Letter, ProgressCallback
    from mongodriver.ingest.work import Work

__all__ = ["Telling"]

_INTERVAL = 0.1  # seconds between snapshots


class Telling:
    """Counts what happens to records. From any thread."""

    def __init__(self, report: IngestReport, progress: ProgressCallback | None = None) -> None:
        if progress is not None and not callable(progress):
            raise IngestError(f"progress must be a function, not {type(progress).__name__}")
        self.report = report
        self._progress = progress
        self._lock = threading.Lock()
        self._showing = threading.Lock()
        self._times = Times()
        self._sent = 0
        self._started = self._shown = time.monotonic()
        self._reading: Reading | None = None
        self._consumed = 0  # of the sources that are done
        self.size: int | None = None
        #: Tells the bytes that are in flight.
        self.in_flight: Callable[[], int] = int

    def start(self, readings: Sequence[Reading]) -> None:
        """The job begins."""
        sizes = [reading.source.size for reading in readings]
        known = [size for size in sizes if size is not None]
        self.size = sum(known) if len(known) == len(sizes) else None
        self._started = self._shown = time.monotonic()

    def begin(self, reading: Reading) -> None:
        """A source is opened."""
        with self._lock:
            self.report.files += 1
            self._reading = reading

    def end(self, reading: Reading) -> None:
        """It has been read."""
        with self._lock:
            self._consumed += reading.source.size or 0
            self._reading = None

    def unreadable(self, reading: Reading, last: int, error: Exception) -> None:
        """A source cannot be read any further; `last` is its last record that was read, or 0."""
        where = f"{reading.name}, after line {last}" if last else reading.name
        with self._lock:
            self.report.add_error(FILE, where, in_words(error, reading.name))

    def read(self, batch: Batch, ready: Prepared) -> None:
        """A batch has been read."""
        with self._lock:
            self.report.records += len(ready.documents) + len(ready.rejects)
            self.report.bytes += batch.read

    def acknowledged(self, seconds: float) -> None:
        """The server has answered a command, after so long."""
        with self._lock:
            self._times.add(seconds)

    def settled(self, work: Work, outcome: Outcome, unsent: int, letters: Sequence[Letter]) -> None:
        """A work is done, but for so many of its documents."""
        failed = len(outcome.failures)
        with self._lock:
            report = self.report
            report.documents += len(work.documents) - failed - outcome.skipped - unsent
            report.duplicates += outcome.duplicates
            report.skipped += outcome.skipped
            report.replaced += outcome.replaced
            report.inserted += outcome.inserted
            report.modified += outcome.modified
            report.deleted += outcome.deleted
            report.resent += outcome.resent
            report.sent += _confirmed_bytes(work, outcome, unsent)
            self._reject(letters)

    def unsent(self, letters: Sequence[Letter]) -> None:
        """Nobody knows what became of these documents."""
        with self._lock:
            self._reject(letters)

    def _reject(self, letters: Sequence[Letter]) -> None:
        self.report.rejected += len(letters)
        for letter in letters:
            where = f"{letter.source}:{letter.position}"
            self.report.add_error(letter.code, where, letter.error)

    def show(self, at_end: bool = False) -> None:
        """Tell the callback, unless it was told a moment ago or is being told."""
        now = time.monotonic()
        if self._progress is None or (now - self._shown < _INTERVAL and not at_end):
            return
        if not self._showing.acquire(blocking=at_end):
            return
        try:
            self._shown = now
            self._progress(self.snapshot())
        finally:
            self._showing.release()

    def snapshot(self) -> Snapshot:
        """How far the job is."""
        with self._lock:
            report, reading = self.report, self._reading
            return Snapshot(
                documents=report.documents,
                records=report.records,
                rejected=report.rejected,
                duplicates=report.duplicates,
                retries=report.resent,
                bytes=report.sent,
                consumed=self._consumed + (reading.consumed() if reading is not None else 0),
                size=self.size,
                in_flight=self.in_flight(),
                seconds=time.monotonic() - self._started,
                p50=self._times.percentile(0.5),
                p99=self._times.percentile(0.99),
            )

    def finish(self) -> None:
        """The job has ended."""
        with self._lock:
            self.report.seconds = time.monotonic() - self._started
            self.report.p50 = self._times.percentile(0.5)
            self.report.p99 = self._times.percentile(0.99)


def _confirmed_bytes(work: Work, outcome: Outcome, unsent: int) -> int:
    documents = work.documents
    failed = sum(documents.size(failure.index) for failure in outcome.failures)
    return documents.begin(len(documents) - unsent) - failed - outcome.skipped_bytes
