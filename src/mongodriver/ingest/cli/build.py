"""From the options of the command line to the parts of a job."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.repaired import RepairedRows
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.sources import STDIN, find_files, make_source
from mongodriver.ingest.sources.entries import EntriesFile
from mongodriver.ingest.target import durable

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.database import Database

#: The options that say what becomes of a record, and so may not change when a job is resumed.
_DECIDING = (
    "format",
    "encoding",
    "id_field",
    "mode",
    "key",
    "on_duplicate",
    "ordered",
    "types",
    "no_infer",
    "delimiter",
    "columns",
    "null",
    "max_field",
    "omit_nulls",
)


def sources_of(options: argparse.Namespace) -> list[Any]:
    """Return what is to be read. Raises IngestError, OSError."""
    if options.replay is not None:
        convert = {"csv": RepairedRows(_csv_options(options), options.encoding)}
        return [EntriesFile(options.replay, convert, options.id_field)]
    sources = [
        make_source(file, options.format, options.encoding)
        for path in options.files
        for file in find_files(path)
    ]
    if sys.stdin is None and any(source.is_stdin for source in sources):
        raise IngestError("standard input is closed")
    return sources


def job_options(options: argparse.Namespace) -> IngestOptions:
    """Return the options of the job."""
    return IngestOptions(
        mode=options.mode,
        key=options.key,
        on_duplicate=options.on_duplicate,
        ordered=options.ordered,
        lanes=options.lanes,
        batch_documents=options.batch_size,
        max_in_flight=options.max_in_flight,
        retry_seconds=options.retry_seconds,
        max_errors=options.max_errors,
        # A replayed record has its _id already, or gets it where it is read.
        id_field=options.id_field if options.replay is None else None,
        csv=_csv_options(options),
    )


def _csv_options(options: argparse.Namespace) -> CSVOptions:
    return CSVOptions(
        delimiter=options.delimiter,
        columns=options.columns,
        types=options.types,
        infer=not options.no_infer,
        nulls=options.null,
        omit_nulls=options.omit_nulls,
        max_field=options.max_field,
    )


def collection_for(
    database: Database[Any], source: Any, options: argparse.Namespace
) -> Collection[Any]:
    """Return the collection that a source goes into."""
    name = options.collection
    if name is None:
        if options.replay is not None:
            raise IngestError("give --collection for --replay")
        name = source.stem
        if name == STDIN:
            raise IngestError("give --collection for standard input")
    collection: Collection[Any] = durable(database[name])
    return collection


def deciding_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that make a job what it is, by their names on the command line."""
    found = {f"--{name.replace('_', '-')}": getattr(options, name) for name in _DECIDING}
    letter = options.dead_letter
    found["--dead-letter"] = None if letter is None else os.path.abspath(letter)
    return found
