"""A job: sources read into collections, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bsonx._impl import run_coroutine
from mongodriver.ingest.engine import Engine
from mongodriver.ingest.errors import IngestError, in_words
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.reading import Reading
from mongodriver.ingest.report import IngestReport
from mongodriver.ingest.sources.choose import as_source
from mongodriver.ingest.target import Target
from mongodriver.ingest.telling import Telling

if TYPE_CHECKING:
    from mongodriver.ingest.seams import Checkpoint, DeadLetters, ProgressCallback
    from mongodriver.ingest.sources import SourceLike

__all__ = ["Job"]


class Job:
    """Reads sources into collections, once. `report` is up to date at any time.

    :param dead_letters: keeps records that cannot be stored; None: they are only counted.
    :param checkpoint: remembers how far the job came, so that another one can go on.
    :param progress: is told how far the job is.
    """

    def __init__(
        self,
        options: IngestOptions | None = None,
        *,
        dead_letters: DeadLetters | None = None,
        checkpoint: Checkpoint | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self.report = IngestReport()
        self._options = options or IngestOptions()
        self._dead_letters = dead_letters
        self._checkpoint = checkpoint
        self._telling = Telling(self.report, progress)
        self._readings: dict[Any, Reading] = {}  # of sources that have been looked into
        self._engine: Engine | None = None
        self._stopped = False

    def check(self, sources: Iterable[Any]) -> None:
        """Look into every source; to be called before anything is destroyed for their sake.

        Raises IngestError when one of them cannot be read, does not fit the options, has records
        but none that is good, or is where rejected records go.
        """
        for source in sources:
            self._refuse(source)
            if source in self._readings:
                continue
            reading = Reading(as_source(source, self._options), self._options)
            try:
                reading.look()
            except (OSError, IngestError) as error:
                raise IngestError(f"{source.name}: {in_words(error, source.name)}") from error
            self._readings[source] = reading

    def _refuse(self, source: Any) -> None:
        refuse = getattr(self._dead_letters, "refuse", None)
        if refuse is not None:
            refuse(source)

    def run(self, tasks: Iterable[tuple[SourceLike | Any, Any]]) -> IngestReport:
        """Read every source into its collection, in the blocking flavour; return the report.

        Bad records and unreadable sources are counted in the report and do not end the job. What
        makes it senseless to go on is raised: IngestError when the server stays away or is not to
        answer (w=0), or when rejected records cannot be written, the driver's error when the
        server refuses us or does not meet the write concern, what an iterable raises. Records read
        until then are in the report, stored or named as "unsent".
        """
        return run_coroutine(self.run_async(tasks))

    async def run_async(self, tasks: Iterable[tuple[SourceLike | Any, Any]]) -> IngestReport:
        """The same for collections of asynchronous clients, in asyncio or trio.

        When it is cancelled nothing goes on: what was read and not yet confirmed is "unsent".
        """
        prepared = self._prepare(list(tasks))
        if prepared:
            self._telling.start([reading for reading, _ in prepared])
            engine = self._engine = Engine(
                prepared[0][1].backend,
                self._options,
                self._telling,
                self._dead_letters,
                self._checkpoint,
            )
            if self._stopped:
                engine.stop()
            try:
                self.report.interrupted = not await engine.run(prepared)
            except BaseException as error:
                self.report.interrupted = not isinstance(error, Exception)
                if isinstance(error, IngestError):
                    error.report = self.report
                raise
            finally:
                self._telling.finish()
                self._telling.show(at_end=True)
        return self.report

    def _prepare(self, tasks: Sequence[tuple[Any, Any]]) -> list[tuple[Reading, Target]]:
        targets: dict[int, Target] = {}
        prepared = []
        for source, collection in tasks:
            self._refuse(source)
            if id(collection) not in targets:
                patience = self._options.retry_seconds
                targets[id(collection)] = Target(collection, patience)
            reading = self._readings.pop(source, None) if _is_hashable(source) else None
            if reading is None:
                reading = Reading(as_source(source, self._options), self._options)
            prepared.append((reading, targets[id(collection)]))
        return prepared

    def stop(self) -> None:
        """Read no more, and end when what has been read is stored, within `drain_seconds`.

        `run` then returns the report, whose `interrupted` is true. From any thread, and from
        handlers of signals.
        """
        self._stopped = True
        if self._engine is not None:
            self._engine.stop()


def _is_hashable(value: object) -> bool:
    return type(value).__hash__ is not None
