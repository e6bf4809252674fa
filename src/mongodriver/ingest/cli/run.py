"""One run of `mongodriver ingest`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.cli import build
from mongodriver.ingest.cli.advice import advice_on_key
from mongodriver.ingest.cli.connect import open_database, wait_for_server
from mongodriver.ingest.cli.options import DEFAULT_URI
from mongodriver.ingest.cli.output import complain, print_to
from mongodriver.ingest.cli.signals import Interrupted, Signals
from mongodriver.ingest.display import Display, NoDisplay, Untroubled, make_display, tell_all
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job
from mongodriver.ingest.keeping import Keeping, NothingKept
from mongodriver.ingest.look import look, render
from mongodriver.ingest.replaying import without_id_field
from mongodriver.ingest.report import FILE, IngestReport
from mongodriver.ingest.sources.by_format import source_of_file
from mongodriver.local import LocalServer
from mongodriver.values.errors import PyMongoError

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.ingest.seams import ProgressCallback

OK, REJECTS, FAILED = 0, 1, 2
Tasks = list[tuple[Any, "Collection[Any]"]]


def run(options: argparse.Namespace, signals: Signals) -> int:
    """Do what the options say; return the exit status. Raises what `main` catches."""
    job_options = build.job_options(options)
    sources = build.sources_of(options, job_options)
    if options.dry_run:
        return _show_plan(options, job_options, sources)
    if options.replay is not None:
        job_options = without_id_field(job_options)
    with ExitStack() as stack:
        uri = options.uri or _default_uri()
        if options.local:
            uri = stack.enter_context(LocalServer(True, path=options.local_path)).uri
        options.uri = uri  # whose secrets no error is to tell
        database = open_database(stack, uri, options.db, options.retry_seconds)
        tasks = [(source, build.collection_for(database, source, options)) for source in sources]
        keeping = Keeping(
            tasks,
            job_options,
            dead_letter=options.dead_letter,
            checkpoint=NothingKept() if options.replay is not None else options.checkpoint,
            resume=options.resume,
            settings={"format": options.format, "encoding": options.encoding},
        )
        stack.callback(keeping.close)
        display = _display(options)
        stack.callback(display.close)
        job = Job(
            job_options,
            dead_letters=keeping.letters,
            checkpoint=keeping.checkpoint,
            progress=_told(display, tasks),
        )
        drops = options.drop and not keeping.begun
        if drops:
            _check(job, sources)
        wait_for_server(database.client)
        if drops:
            for _, collection in tasks:
                collection.drop()
        _advise(tasks, job_options)
        status = _do(job, tasks, signals, options, display)
        _print_report(job, options)
        if status == OK and keeping.has_letters:
            status = REJECTS
        if options.stay:
            _stay(uri)
    return status


def _advise(tasks: Tasks, options: Any) -> None:
    if options.by_key:
        for collection in {one.full_name: one for _, one in tasks}.values():
            advice = advice_on_key(collection, options.mode, options.keys)
            if advice is not None:
                complain(advice)


def _show_plan(options: argparse.Namespace, job_options: Any, sources: Sequence[Any]) -> int:
    plans = look([source_of_file(source, job_options.csv) for source in sources])
    shown = json.dumps([plan.to_dict() for plan in plans]) if options.json else render(plans)
    print_to(sys.stdout, shown)
    return FAILED if any(plan.error for plan in plans) else OK


def _default_uri() -> str:
    uri = os.environ.get("MONGODB_URI", DEFAULT_URI)
    if not uri:  # as a script leaves it that has not found its server
        raise IngestError("MONGODB_URI is empty: give --uri, or unset it")
    return uri


def _check(job: Job, sources: Sequence[Any]) -> None:
    try:
        job.check(sources)
    except IngestError as error:
        raise IngestError(f"{error}; nothing has been dropped") from error


def _do(
    job: Job, tasks: Tasks, signals: Signals, options: argparse.Namespace, display: Display
) -> int:
    # Who reads from a pipe would not see that the job is to end before something comes through it.
    if all(source.repeatable for source, _ in tasks):
        signals.gently(job.stop)
    try:
        report = job.run(tasks)
        if not report.interrupted:
            return _status(report, len(tasks))
        problem: str | Exception = "interrupted"
    except Interrupted:
        problem = "interrupted"
    except (IngestError, PyMongoError) as error:
        problem = error
    finally:
        signals.gently(None)
        display.close()
    complain(problem, options.uri)
    return FAILED if isinstance(problem, Exception) else signals.status or FAILED


def _status(report: IngestReport, sources: int) -> int:
    if report.ok:
        return OK
    unread = report.errors.get(FILE)
    nothing = not report.records and unread is not None and unread.count == sources
    return FAILED if nothing else REJECTS


def _display(options: argparse.Namespace) -> Display:
    return NoDisplay() if options.quiet else Untroubled(make_display())


def _told(display: Display, tasks: Tasks) -> ProgressCallback:
    names = ", ".join(sorted({collection.full_name for _, collection in tasks}))
    try:
        from mongodriver.ingest.metrics import Metrics

        return tell_all([display, Metrics({"db.namespace": names})])
    except ImportError:
        return display


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
