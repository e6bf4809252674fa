"""Documents into collections: from Python, files and columns, in batches, each accounted for.

    report = ingest(client.air.flights, ["flights.csv.gz"])
    report = ingest(client.log.events, ({"n": n} for n in range(1_000_000)))
    report = await ingest_async(collection, source)

The command line is `mongodriver ingest`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bsonx._impl import run_coroutine
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Reject
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.dead_letter import DeadRecord
from mongodriver.ingest.display import Display, make_display, tell_all
from mongodriver.ingest.errors import CheckpointError, DeadLetterError, IngestError
from mongodriver.ingest.job import Job
from mongodriver.ingest.keeping import Keeping, NothingKept
from mongodriver.ingest.options import IngestOptions, options_from
from mongodriver.ingest.report import IngestReport
from mongodriver.ingest.seams import Letter, Snapshot
from mongodriver.ingest.sources import FileSource, make_source
from mongodriver.ingest.sources.choose import sources_of
from mongodriver.ingest.target import durable
from mongodriver.public.kinds import check_kind

if TYPE_CHECKING:
    from mongodriver.ingest.dead_letter import DeadLetterTarget
    from mongodriver.ingest.seams import Checkpoint, ProgressCallback

__all__ = [
    "Batch",
    "BatchLimits",
    "CSVOptions",
    "CheckpointError",
    "DeadLetterError",
    "DeadRecord",
    "Display",
    "FileSource",
    "Ids",
    "IngestError",
    "IngestOptions",
    "IngestReport",
    "Job",
    "Letter",
    "Reject",
    "Snapshot",
    "durable",
    "ingest",
    "ingest_async",
    "make_display",
    "make_source",
    "replay",
    "replay_async",
    "tell_all",
]


def ingest(
    collection: Any,
    source: Any,
    *,
    format: str | None = None,
    encoding: str | None = None,
    dead_letter: DeadLetterTarget | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> IngestReport:
    """Read a source into a collection, and return what became of its records.

    The collection's write concern counts; `durable(collection)` has one that outlives an election.

    :param source: an iterable of mappings, typed instances, raw documents or BSON in bytes; a
        path, a list of paths, or a pattern; anything with ``__arrow_c_stream__``; or an object
        with the methods of `sources.base.Source`. Mappings are not changed.
    :param format: of files: "csv", "json", "ndjson", "geojson", "bson" or "parquet"; None: their
        names tell.
    :param encoding: of text files; None: UTF-8, or what a mark at their beginning says.
    :param dead_letter: where records go that cannot be stored: the path of an NDJSON or BSON file,
        a collection, or a function that takes a `DeadRecord`; None: they are only counted.
    :param checkpoint: a file that remembers how far the job came.
    :param resume: go on there, if the job has begun; each record is stored once.
    :param progress: a function that is told how far the job is, by a `Snapshot`.
    :param options: see `IngestOptions`.
    :raises IngestError: when the job cannot be done or has to end, with its `report`.
    :raises PyMongoError: when the server refuses us, or does not meet the write concern.
    """
    check_kind(collection, blocking=True, other="which is for ingest_async")
    return run_coroutine(
        _ingest(
            collection, source, format, encoding, dead_letter, checkpoint, resume, progress, options
        )
    )


async def ingest_async(
    collection: Any,
    source: Any,
    *,
    format: str | None = None,
    encoding: str | None = None,
    dead_letter: DeadLetterTarget | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> IngestReport:
    """The same for a collection of an `AsyncMongoClient`, in asyncio or trio.

    :param source: as for `ingest`, or an asynchronous iterable. What blocks, files and plain
        iterables, is read in a thread.

    When it is cancelled nothing goes on: what was read and not yet confirmed is "unsent".
    """
    check_kind(collection, blocking=False, other="which is for ingest")
    return await _ingest(
        collection, source, format, encoding, dead_letter, checkpoint, resume, progress, options
    )


async def _ingest(
    collection: Any,
    source: Any,
    form: str | None,
    encoding: str | None,
    dead_letter: DeadLetterTarget | None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None,
    resume: bool,
    progress: ProgressCallback | None,
    given: dict[str, Any],
) -> IngestReport:
    options = options_from(given)
    sources = sources_of(source, collection, options, form, encoding)
    return await _do(
        [(one, collection) for one in sources],
        options,
        progress,
        dead_letter=dead_letter,
        checkpoint=checkpoint,
        resume=resume,
        settings={"format": form, "encoding": encoding},
    )


async def _do(
    tasks: list[tuple[Any, Any]],
    options: IngestOptions,
    progress: ProgressCallback | None,
    **kept: Any,
) -> IngestReport:
    keeping = Keeping(tasks, options, **kept)
    try:
        job = Job(
            options,
            dead_letters=keeping.letters,
            checkpoint=keeping.checkpoint,
            progress=progress,
        )
        return await job.run_async(tasks)
    finally:
        keeping.close()


def replay(
    collection: Any,
    dead_letter: str | os.PathLike[str] | Any,
    *,
    still_dead: DeadLetterTarget | None = None,
    progress: ProgressCallback | None = None,
    encoding: str | None = None,
    **options: Any,
) -> IngestReport:
    """Load the records of a dead letter that have been repaired, each once, also if some of them,
    or all, have been loaded before.

    :param collection: where they belong.
    :param dead_letter: an NDJSON or BSON file, or a collection of the same client's flavour.
    :param still_dead: where records go that are still bad, as for `ingest`.
    :param encoding: of CSV files that records are from, where they do not say it themselves.
    :param options: those of the job that rejected the records; see `IngestOptions`.
    :raises IngestError: as `ingest` does.
    """
    check_kind(collection, blocking=True, other="which is for replay_async")
    return run_coroutine(_replay(collection, dead_letter, still_dead, progress, encoding, options))


async def replay_async(
    collection: Any,
    dead_letter: str | os.PathLike[str] | Any,
    *,
    still_dead: DeadLetterTarget | None = None,
    progress: ProgressCallback | None = None,
    encoding: str | None = None,
    **options: Any,
) -> IngestReport:
    """The same for collections of an `AsyncMongoClient`."""
    check_kind(collection, blocking=False, other="which is for replay")
    return await _replay(collection, dead_letter, still_dead, progress, encoding, options)


async def _replay(
    collection: Any,
    dead_letter: Any,
    still_dead: DeadLetterTarget | None,
    progress: ProgressCallback | None,
    encoding: str | None,
    given: dict[str, Any],
) -> IngestReport:
    from mongodriver.ingest.replaying import source_of, without_id_field

    options = options_from(given)
    source = source_of(dead_letter, options, encoding)
    return await _do(
        [(source, collection)],
        without_id_field(options),
        progress,
        dead_letter=still_dead,
        checkpoint=NothingKept(),
    )
