"""`mongodriver ingest`: files into collections."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job, JobOptions
from mongodriver.ingest.progress import NoProgress, Progress, make_progress
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.rejects import RejectFile
from mongodriver.ingest.sources import FORMATS, STDIN, FileSource, make_source
from mongodriver.ingest.store import durable
from mongodriver.ingest.types import parse_types
from mongodriver.local import LocalServer, LocalServerError
from mongodriver.values.errors import ConfigurationError, PyMongoError

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.database import Database

_OK, _REJECTS, _FAILED, _INTERRUPTED = 0, 1, 2, 130
_DEFAULT_URI = "mongodb://127.0.0.1:27017/"
_MAX_FIELD = 1 << 20  # characters
_EPILOG = """
A file's format follows from its name (.ndjson .jsonl .json .csv .tsv, also with .gz or .zip);
- reads NDJSON from standard input. JSON may be extended JSON.

CSV columns without a given type are guessed from the first 1000 rows: integers, numbers, ISO 8601
dates and truth values. Types: str int float decimal bool date date(FORMAT) objectid skip.

Every record is stored once, also when the primary fails meanwhile. Exit status: 0 everything is
stored, 1 some records or files were rejected, 2 the job could not be done.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `ingest` subcommand with the command line `arguments`; return the exit status."""
    options = _parser().parse_args(arguments)
    csv.field_size_limit(options.max_field)
    try:
        return _run(options)
    except (IngestError, LocalServerError, PyMongoError, OSError, ValueError) as error:
        print(f"mongodriver ingest: {error}", file=sys.stderr)
        return _FAILED


def _run(options: argparse.Namespace) -> int:
    if options.local and options.uri:
        raise IngestError("--local starts a server of its own, so --uri cannot be given, too")
    if (options.local_path or options.stay) and not options.local:
        raise IngestError("--local-path and --stay need --local")
    sources = [make_source(path, options.format) for path in options.files]
    job_options = _job_options(options)
    with ExitStack() as stack:
        rejects = None
        if options.reject:
            rejects = stack.enter_context(RejectFile(options.reject, sources))
        job = Job(job_options, rejects=rejects, progress=_progress(options, sources))
        if options.drop:
            _check(job, sources)
        uri = options.uri or os.environ.get("MONGODB_URI") or _DEFAULT_URI
        if options.local:
            uri = stack.enter_context(LocalServer(True, path=options.local_path)).uri
        database = _connect(stack, uri, options.db)
        tasks = [(source, _collection(database, source, options)) for source in sources]
        if options.drop:
            for _, collection in tasks:
                collection.drop()
        status = _do(job, tasks)
        _print_report(job, options)
        if options.stay:
            _stay(uri)
    return status


def _check(job: Job, sources: Sequence[FileSource]) -> None:
    try:
        job.check(sources)
    except IngestError as error:
        raise IngestError(f"{error}; nothing has been dropped") from error


def _do(job: Job, tasks: list[tuple[FileSource, Collection[Any]]]) -> int:
    try:
        return _OK if job.run(tasks).ok else _REJECTS
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (IngestError, PyMongoError) as error:
        print(f"mongodriver ingest: {error}", file=sys.stderr)
        return _FAILED


def _connect(stack: ExitStack, uri: str, name: str | None) -> Database[Any]:
    """Return the database, after the server has answered."""
    from mongodriver import MongoClient

    client: MongoClient[Any] = stack.enter_context(MongoClient(uri))
    try:
        database: Database[Any] = client[name] if name else client.get_default_database()
    except ConfigurationError:
        raise IngestError("no database: give --db, or name it in the URI")
    client.admin.command("ping")
    return database


def _collection(
    database: Database[Any], source: FileSource, options: argparse.Namespace
) -> Collection[Any]:
    name = options.collection or source.stem
    if name == STDIN:
        raise IngestError("give --collection for standard input")
    return durable(database[name])


def _job_options(options: argparse.Namespace) -> JobOptions:
    return JobOptions(
        batch_size=options.batch_size,
        workers=options.workers,
        retry_seconds=options.retry_seconds,
        id_field=options.id_field,
        csv=CSVOptions(
            delimiter=options.delimiter,
            columns=options.columns.split(",") if options.columns else None,
            types=parse_types(options.types or ""),
            infer=not options.no_infer,
            nulls=options.null,
            omit_nulls=options.omit_nulls,
        ),
    )


def _progress(options: argparse.Namespace, sources: Sequence[FileSource]) -> Progress:
    if options.quiet:
        return NoProgress()
    sizes = [source.size for source in sources]
    known = [size for size in sizes if size is not None]
    return make_progress(sum(known) if len(known) == len(sizes) else None)


def _print_report(job: Job, options: argparse.Namespace) -> None:
    report = job.report
    print(json.dumps(report.to_dict()) if options.json else report.render(), flush=True)


def _stay(uri: str) -> None:
    import threading

    print(f"{uri}\nCtrl-C ends the server.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mongodriver ingest",
        description="Read NDJSON, JSON and CSV files into MongoDB collections.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE")
    add("--uri", help=f"default: environment variable MONGODB_URI, else {_DEFAULT_URI}")
    add("--db", help="database (default: the one in the URI)")
    add("--collection", help="default: the file's name without its suffixes")
    add("--drop", action="store_true", help="drop the collection first, if the files can be read")
    add("--format", choices=FORMATS, help="default: from the file's name")
    add("--id-field", metavar="NAME", help="this field becomes _id")
    add("--reject", metavar="FILE", help="write rejected records here, with file and line")
    add("--json", action="store_true", help="print the report as JSON")
    add("--quiet", action="store_true", help="show no progress")
    speed = parser.add_argument_group("sending")
    defaults = JobOptions()
    speed.add_argument("--batch-size", type=int, default=defaults.batch_size, metavar="N")
    speed.add_argument("--workers", type=int, default=defaults.workers, metavar="N")
    speed.add_argument(
        "--retry-seconds",
        type=float,
        default=defaults.retry_seconds,
        metavar="S",
        help=f"wait so long for a lost server (default {defaults.retry_seconds:g})",
    )
    table = parser.add_argument_group("CSV")
    table.add_argument("--types", metavar="NAME:TYPE,...", help="types of columns")
    table.add_argument("--no-infer", action="store_true", help="other columns stay text")
    table.add_argument("--delimiter", metavar="C", help="default: comma, tab in .tsv files")
    table.add_argument("--columns", metavar="NAME,...", help="names, when there is no header")
    table.add_argument(
        "--null",
        action="append",
        metavar="TEXT",
        help='text that means null, may be repeated (default: "", and NA except in text columns)',
    )
    table.add_argument(
        "--max-field",
        type=int,
        default=_MAX_FIELD,
        metavar="N",
        help=f"characters of a field; a quote left open takes as much (default {_MAX_FIELD})",
    )
    table.add_argument("--omit-nulls", action="store_true", help="leave null fields out")
    local = parser.add_argument_group("embedded server")
    local.add_argument("--local", action="store_true", help="start a mongod for this job")
    local.add_argument("--local-path", metavar="FOLDER", help="keep its data (default: temporary)")
    local.add_argument("--stay", action="store_true", help="keep it running until Ctrl-C")
    return parser
