"""Documents into collections: from Python, files and columns, in batches, each accounted for.

    report = ingest(client.air.flights, ["flights.csv.gz"])
    report = ingest(client.log.events, ({"n": n} for n in range(1_000_000)))
    report = await ingest_async(collection, source)

The command line is `mongodriver ingest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx._impl import run_coroutine
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job
from mongodriver.ingest.options import IngestOptions, options_from
from mongodriver.ingest.progress import Progress, make_progress
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.rejects import RejectFile
from mongodriver.ingest.report import IngestReport
from mongodriver.ingest.seams import Letter, Snapshot
from mongodriver.ingest.sources import FileSource, make_source
from mongodriver.ingest.sources.choose import sources_of
from mongodriver.ingest.target import durable

if TYPE_CHECKING:
    from mongodriver.ingest.seams import Checkpoint, DeadLetters, ProgressCallback

__all__ = [
    "Batch",
    "BatchLimits",
    "CSVOptions",
    "FileSource",
    "Ids",
    "IngestError",
    "IngestOptions",
    "IngestReport",
    "Job",
    "Letter",
    "Progress",
    "Reject",
    "RejectFile",
    "Snapshot",
    "durable",
    "ingest",
    "ingest_async",
    "make_progress",
    "make_source",
]


def ingest(
    collection: Any,
    source: Any,
    *,
    format: str | None = None,
    dead_letters: DeadLetters | None = None,
    checkpoint: Checkpoint | None = None,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> IngestReport:
    """Read a source into a collection, and return what became of its records.

    The collection's write concern counts; `durable(collection)` has one that outlives an election.

    :param source: an iterable of mappings, typed instances, raw documents or BSON in bytes; a
        path, a list of paths, or a pattern; anything with ``__arrow_c_stream__``; or an object
        with the methods of `sources.base.Source`. Mappings are not changed.
    :param format: of files: "csv", "json" or "ndjson"; None: their names tell.
    :param dead_letters: keeps the records that cannot be stored; None: they are only counted.
    :param checkpoint: remembers how far the job came, so that another one can go on.
    :param progress: a function that is told how far the job is, by a `Snapshot`.
    :param options: see `IngestOptions`.
    :raises IngestError: when the job cannot be done or has to end, with its `report`.
    :raises PyMongoError: when the server refuses us, or does not meet the write concern.
    """
    return run_coroutine(
        _ingest(collection, source, format, dead_letters, checkpoint, progress, options)
    )


async def ingest_async(
    collection: Any,
    source: Any,
    *,
    format: str | None = None,
    dead_letters: DeadLetters | None = None,
    checkpoint: Checkpoint | None = None,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> IngestReport:
    """The same for a collection of an `AsyncMongoClient`, in asyncio or trio.

    :param source: as for `ingest`, or an asynchronous iterable. What blocks, files and plain
        iterables, is read in a thread.

    When it is cancelled nothing goes on: what was read and not yet confirmed is "unsent".
    """
    return await _ingest(collection, source, format, dead_letters, checkpoint, progress, options)


async def _ingest(
    collection: Any,
    source: Any,
    form: str | None,
    dead_letters: DeadLetters | None,
    checkpoint: Checkpoint | None,
    progress: ProgressCallback | None,
    given: dict[str, Any],
) -> IngestReport:
    options = options_from(given)
    sources = sources_of(source, collection, options, form)
    job = Job(options, dead_letters=dead_letters, checkpoint=checkpoint, progress=progress)
    return await job.run_async([(one, collection) for one in sources])
