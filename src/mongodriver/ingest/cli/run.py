"""One run of `mongodriver ingest`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.cli.connect import open_database, wait_for_server
from mongodriver.ingest.cli.options import DEFAULT_URI
from mongodriver.ingest.cli.output import complain, print_to
from mongodriver.ingest.cli.signals import Interrupted, Signals
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.progress import NoProgress, Progress, make_progress
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.rejects import RejectFile
from mongodriver.ingest.sources import STDIN, FileSource, find_files, make_source
from mongodriver.ingest.target import durable
from mongodriver.local import LocalServer
from mongodriver.values.errors import PyMongoError

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.database import Database

OK, REJECTS, FAILED = 0, 1, 2


def run(options: argparse.Namespace, signals: Signals) -> int:
    """Do what the options say; return the exit status. Raises what `main` catches."""
    sources = [
        make_source(file, options.format, options.encoding)
        for path in options.files
        for file in find_files(path)
    ]
    if sys.stdin is None and any(source.is_stdin for source in sources):
        raise IngestError("standard input is closed")
    job_options = _job_options(options)
    with ExitStack() as stack:
        rejects = None
        if options.dead_letter:
            rejects = stack.enter_context(RejectFile(options.dead_letter, sources))
        shown = _progress(options, sources)
        stack.callback(shown.close)
        job = Job(
            job_options,
            dead_letters=rejects,
            progress=lambda snapshot: shown.update(snapshot.consumed, snapshot.documents),
        )
        if options.drop:
            _check(job, sources)
        uri = options.uri or _default_uri()
        if options.local:
            uri = stack.enter_context(LocalServer(True, path=options.local_path)).uri
        database = open_database(stack, uri, options.db, options.retry_seconds)
        wait_for_server(database.client)
        tasks = [(source, _collection(database, source, options)) for source in sources]
        if options.drop:
            for _, collection in tasks:
                collection.drop()
        status = _do(job, tasks, signals)
        _print_report(job, options)
        if options.stay:
            _stay(uri)
    return status


def _default_uri() -> str:
    uri = os.environ.get("MONGODB_URI", DEFAULT_URI)
    if not uri:  # as a script leaves it that has not found its server
        raise IngestError("MONGODB_URI is empty: give --uri, or unset it")
    return uri


def _check(job: Job, sources: Sequence[FileSource]) -> None:
    try:
        job.check(sources)
    except IngestError as error:
        raise IngestError(f"{error}; nothing has been dropped") from error


def _do(job: Job, tasks: list[tuple[FileSource, Collection[Any]]], signals: Signals) -> int:
    try:
        return OK if job.run(tasks).ok else REJECTS
    except Interrupted:
        complain("interrupted")
        return signals.status or FAILED
    except (IngestError, PyMongoError) as error:
        complain(error)
        return FAILED


def _collection(
    database: Database[Any], source: FileSource, options: argparse.Namespace
) -> Collection[Any]:
    name = options.collection or source.stem
    if name == STDIN:
        raise IngestError("give --collection for standard input")
    collection: Collection[Any] = durable(database[name])
    return collection


def _job_options(options: argparse.Namespace) -> IngestOptions:
    return IngestOptions(
        batch_documents=options.batch_size,
        lanes=options.lanes,
        retry_seconds=options.retry_seconds,
        id_field=options.id_field,
        csv=CSVOptions(
            delimiter=options.delimiter,
            columns=options.columns,
            types=options.types,
            infer=not options.no_infer,
            nulls=options.null,
            omit_nulls=options.omit_nulls,
            max_field=options.max_field,
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
    print_to(sys.stdout, json.dumps(report.to_dict()) if options.json else report.render())


def _stay(uri: str) -> None:
    import threading

    print_to(sys.stdout, f"{uri}\nCtrl-C ends the server.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
