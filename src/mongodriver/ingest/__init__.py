"""Files into collections: NDJSON, JSON and CSV, typed, in batches, every record accounted for.

The command line is `mongodriver ingest`; from Python:

    report = ingest(["flights.csv.gz"], client.air.flights)
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job, JobOptions
from mongodriver.ingest.progress import Progress, make_progress
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.rejects import RejectFile
from mongodriver.ingest.report import Report
from mongodriver.ingest.sources import FileSource, make_source
from mongodriver.ingest.store import durable

if TYPE_CHECKING:
    from mongodriver.collection import Collection

__all__ = [
    "CSVOptions",
    "FileSource",
    "IngestError",
    "Job",
    "JobOptions",
    "Progress",
    "RejectFile",
    "Report",
    "durable",
    "ingest",
    "make_progress",
    "make_source",
]


def ingest(
    files: Iterable[str | os.PathLike[str]],
    collection: Collection[Any],
    options: JobOptions | None = None,
    *,
    format: str | None = None,
    rejects: RejectFile | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read `files` into `collection` and return the report; see `Job.run` for what is raised.

    The collection's write concern counts; `durable(collection)` has one that outlives an election.
    `format` is "csv", "json" or "ndjson"; without it every file's name tells.
    """
    job = Job(options, rejects=rejects, progress=progress)
    return job.run([(make_source(file, format), collection) for file in files])
