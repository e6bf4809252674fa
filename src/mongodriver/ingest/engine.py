"""The engine: reads sources, and keeps the lanes busy, until every record is settled.

It is written once, as coroutines over the backend of the collection's client. In the blocking
flavour the caller's thread reads, and lanes are threads. In a loop lanes are tasks, and what blocks
is read in a thread. Memory is bounded by the bytes in flight: the reader waits for room before it
reads more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from mongodriver.execution.timeouts import current_deadline
from mongodriver.ingest.batch import Batch
from mongodriver.ingest.channel import Channel
from mongodriver.ingest.errors import CheckpointError, IngestError, in_words
from mongodriver.ingest.lane import Lane
from mongodriver.ingest.settling import Settling
from mongodriver.ingest.sizing import Sizing
from mongodriver.ingest.tracker import Track
from mongodriver.ingest.work import Work, divide

if TYPE_CHECKING:
    from mongodriver.ingest.modes import Prepared
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.reading import Reading
    from mongodriver.ingest.seams import Checkpoint, DeadLetters
    from mongodriver.ingest.target import Target
    from mongodriver.ingest.telling import Telling
    from mongodriver.io.base import Backend

__all__ = ["Engine"]

#: What may go wrong with one source without ending the job.
_UNREADABLE = (OSError, IngestError)
#: How long lanes may take to end when nobody waits for their work any more, seconds.
_LAST_WORDS = 5.0
_SUSPENDED = "a dead letter or a checkpoint waits for something that a blocking job has not"


class Engine:
    """Does one job, once.

    :param backend: of the client of all targets.
    :param telling: the report, and who else is told of what happens.
    """

    def __init__(
        self,
        backend: Backend,
        options: IngestOptions,
        telling: Telling,
        letters: DeadLetters | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self._backend = backend
        self._options = options
        self._telling = telling
        self._checkpoint = checkpoint
        self._settling = Settling(backend, options, telling, letters, checkpoint)
        self._news = backend.event()  # of whatever the reader may wait for
        count = 1 if options.ordered else options.lanes
        self._channel = Channel(backend, count, options.max_in_flight, self._news)
        telling.in_flight = lambda: self._channel.in_flight
        room = max(options.max_in_flight // (count + 2), 1)
        self._sizing = Sizing(
            options.batch_documents, min(options.batch_bytes, room), options.batch_seconds
        )
        self._lanes = [
            Lane(
                number,
                backend,
                options,
                self._channel,
                self._settling,
                self._acknowledged,
                current_deadline(None),
            )
            for number in range(count)
        ]
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        #: Until when what has been read may still be stored; None: as long as it takes.
        self._deadline: float | None = None
        self._stopped = False
        self._hopeless = False  # no more work is begun

    # -- how it ends before its time --

    def stop(self) -> None:
        """Read no more, and end when what has been read is stored, or `drain_seconds` are over.

        From any thread, and from signal handlers.
        """
        self._stopped = True
        self._limit(self._options.drain_seconds)
        self._news.set()

    def _limit(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline

    def _lane_failed(self, error: BaseException) -> None:
        """End the job: what lanes have begun they may finish. The first error counts."""
        with self._lock:
            self._failure = self._failure or error
            self._hopeless = True
        self._limit(self._options.drain_seconds)
        self._news.set()

    def _reader_failed(self, error: BaseException) -> None:
        """Something was raised where the source was read, or the job waited for.

        What had been read is still stored: within some time after Ctrl-C, and not at all where the
        caller was cancelled.
        """
        with self._lock:
            if self._failure is None or not isinstance(error, Exception):
                self._failure = error
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._limit(self._options.drain_seconds)
        elif not isinstance(error, Exception):
            self._hopeless = True
            self._limit(0)

    def _is_over(self) -> bool:
        return self._stopped or self._failure is not None

    async def _wait_until(
        self, condition: Callable[[], bool], deadline: float | None = None
    ) -> bool:
        """Wait for a condition that news may change; return whether it holds."""
        while not condition():
            self._news.clear()
            if condition():
                break
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            await self._news.wait(left)
        return True

    # -- the whole --

    async def run(self, tasks: Iterable[tuple[Reading, Target]]) -> bool:
        """Read all sources, and settle all that is in them; return whether that was done.

        :raises BaseException: what ended the job before that.
        """
        try:
            for lane in self._lanes:
                lane.start(partial(self._run_lane, lane))
            for reading, target in tasks:
                if self._is_over():
                    break
                await self._read(reading, target)
        except BaseException as error:
            self._reader_failed(error)
        try:
            with self._backend.undisturbed(self._options.drain_seconds + _LAST_WORDS):
                await self._finish()
        except BaseException as error:  # Ctrl-C once more, or cancelled while waiting
            self._reader_failed(error)
            self._limit(0)
        with self._backend.undisturbed(_LAST_WORDS):
            await self._end_lanes()
        if self._failure is not None:
            try:
                raise self._failure
            finally:
                self._failure = None  # its traceback holds this frame
        return not self._stopped

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await lane.run()
        except Exception as error:
            lane.is_done = True
            self._lane_failed(error)
        except GeneratorExit:
            lane.is_done = True
            self._lane_failed(IngestError(_SUSPENDED))
            raise
        finally:
            lane.is_done = True
            self._news.set()

    def _acknowledged(self, documents: int, seconds: float) -> None:
        self._sizing.acknowledged(documents, seconds)
        self._telling.acknowledged(seconds)

    # -- the reader --

    async def _read(self, reading: Reading, target: Target) -> None:
        """Read one source to its end, and hand its batches over."""
        track = Track()
        last = 0
        self._telling.begin(reading)
        try:
            try:
                await reading.open(self._backend, self._checkpoint)
                while await self._has_room():
                    ready = await reading.next(self._backend, self._sizing.limits)
                    if ready is None:
                        break
                    last = _last_position(*ready) or last
                    for work in self._works(reading, target, track, *ready):
                        self._channel.put(work)
                    self._telling.show()
            finally:
                await reading.close()
        except _UNREADABLE as error:
            if reading.raises or isinstance(error, CheckpointError):
                raise
            self._telling.unreadable(reading, last, error)
            return
        finally:
            self._telling.end(reading)
        if self._checkpoint is not None:
            await self._wait_until(lambda: self._is_over() or self._channel.is_empty)
            if not self._is_over():
                await self._settling.finish(reading.name)

    async def _has_room(self) -> bool:
        """Wait until more may be read; False when nothing more is to be."""
        size = self._sizing.limits.bytes
        await self._wait_until(lambda: self._is_over() or self._channel.has_room(size))
        return not self._is_over()

    def _works(
        self, reading: Reading, target: Target, track: Track, batch: Batch, ready: Prepared
    ) -> Iterator[Work]:
        track.begin(batch)
        self._telling.read(batch, ready)
        whole = Work(
            target,
            track,
            batch,
            ready.documents,
            ready.positions,
            ready.rejects,
            ready.statements,
            maybe_stored=reading.maybe_stored,
        )
        if ready.groups is None or len(self._lanes) == 1:
            yield whole
            return
        parts = divide(whole, ready.groups, len(self._lanes))
        track.split(batch, len(parts))
        yield from parts

    # -- the end --

    async def _finish(self) -> None:
        """Wait for the lanes, as long as that is of use."""
        self._channel.close()
        while not self._lanes_are_done():
            if self._hopeless:
                left = self._abandoned(lane for lane in self._lanes if lane.is_done)
                left += self._channel.give_up()
                await self._settling.unsent(left, self._reason())
            if not await self._wait_until(self._has_changed(), self._deadline):
                return

    def _has_changed(self) -> Callable[[], bool]:
        """Whether the lanes are done, or there is another reason to wait for them."""
        known = self._deadline, self._hopeless
        return lambda: self._lanes_are_done() or (self._deadline, self._hopeless) != known

    def _lanes_are_done(self) -> bool:
        return all(lane.is_done for lane in self._lanes)

    async def _end_lanes(self) -> None:
        """End those that have not, and name what they were about to send."""
        left = self._abandoned(self._lanes)
        left += self._channel.give_up()
        if self._backend.name != "blocking":  # threads end when they can
            for lane in self._lanes:
                await lane.join(_LAST_WORDS)
        await self._settling.unsent(left, self._reason())

    def _abandoned(self, lanes: Iterable[Lane]) -> list[Work]:
        works = [lane.abandon() for lane in lanes]
        return [work for work in works if work is not None]

    def _reason(self) -> str:
        if isinstance(self._failure, Exception):
            return in_words(self._failure)
        return "the job was stopped"


def _last_position(batch: Batch, ready: Prepared) -> int:
    places = [reject.position for reject in ready.rejects[-1:]]
    return max([*places, *ready.positions[-1:]], default=0)
