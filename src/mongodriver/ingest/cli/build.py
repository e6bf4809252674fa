"""From the options of the command line to the parts of a job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.replaying import source_of
from mongodriver.ingest.schema import Schema
from mongodriver.ingest.sources import STDIN, make_sources
from mongodriver.ingest.target import durable

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.database import Database


def sources_of(options: argparse.Namespace, job_options: IngestOptions) -> list[Any]:
    """Return what is to be read. Raises IngestError, OSError."""
    if options.replay is not None:
        return [source_of(options.replay, job_options, options.encoding)]
    sources = make_sources(options.files, options.format, options.encoding)
    stdin = sum(source.is_stdin for source in sources)
    if stdin and sys.stdin is None:
        raise IngestError("standard input is closed")
    if stdin > 1:
        raise IngestError("standard input can be read only once")
    _check_formats(options, {source.format for source in sources})
    return sources


def _check_formats(options: argparse.Namespace, formats: set[str]) -> None:
    """Raise IngestError for an option that none of the files is asked for."""
    if options.for_csv and "csv" not in formats:
        raise IngestError(f"{options.for_csv[0]} is for CSV, which none of these is")
    if options.encoding is not None and formats <= {"bson", "parquet"}:
        raise IngestError("--encoding is for text, which none of these is")


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
        id_field=options.id_field,
        csv=_csv_options(options),
    )


def _csv_options(options: argparse.Namespace) -> CSVOptions:
    return CSVOptions(
        delimiter=options.delimiter,
        columns=options.columns,
        types={**_schema(options), **options.types},
        infer=not options.no_infer,
        nulls=options.null,
        omit_nulls=options.omit_nulls,
        decimal=options.decimal,
        max_field=options.max_field,
    )


def _schema(options: argparse.Namespace) -> Mapping[str, str]:
    return {} if options.schema is None else Schema.load(options.schema).types


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
