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
from mongodriver.ingest.cli.connect import open_database, wait_for_server
from mongodriver.ingest.cli.options import DEFAULT_URI
from mongodriver.ingest.cli.output import complain, print_to
from mongodriver.ingest.cli.signals import Interrupted, Signals
from mongodriver.ingest.dead_letter import make_dead_letter
from mongodriver.ingest.display import Display, NoDisplay, make_display, tell_all
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.job import Job
from mongodriver.ingest.letters import JobLetters
from mongodriver.local import LocalServer
from mongodriver.values.errors import PyMongoError

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.ingest.checkpoint import FileCheckpoint
    from mongodriver.ingest.seams import ProgressCallback

OK, REJECTS, FAILED = 0, 1, 2
Tasks = list[tuple[Any, "Collection[Any]"]]


def run(options: argparse.Namespace, signals: Signals) -> int:
    """Do what the options say; return the exit status. Raises what `main` catches."""
    sources = build.sources_of(options)
    job_options = build.job_options(options)
    with ExitStack() as stack:
        uri = options.uri or _default_uri()
        if options.local:
            uri = stack.enter_context(LocalServer(True, path=options.local_path)).uri
        options.uri = uri  # whose secrets no error is to tell
        database = open_database(stack, uri, options.db, options.retry_seconds)
        tasks = [(source, build.collection_for(database, source, options)) for source in sources]
        run_of = _Run(stack, options, tasks)
        display = _display(options)
        stack.callback(display.close)
        job = Job(
            job_options,
            dead_letters=run_of.letters,
            checkpoint=run_of.checkpoint or run_of.replay,
            progress=_told(display, tasks),
        )
        begun = run_of.checkpoint is not None and run_of.checkpoint.begun
        if options.drop and not begun:
            _check(job, sources)
        wait_for_server(database.client)
        if options.drop and not begun:
            for _, collection in tasks:
                collection.drop()
        status = _do(job, tasks, signals, options)
        display.close()
        _print_report(job, options)
        if status == OK and run_of.has_letters():
            status = REJECTS
        if options.stay:
            _stay(uri)
    return status


class _Run:
    """What a job keeps beside its documents: dead letters, and how far it came."""

    def __init__(self, stack: ExitStack, options: argparse.Namespace, tasks: Tasks) -> None:
        sources = [source for source, _ in tasks]
        self.checkpoint: FileCheckpoint | None = None
        self.replay = _Replayed() if options.replay is not None else None
        if options.checkpoint is not None:
            self.checkpoint = _checkpoint(options, tasks, self._before_checkpoint)
            stack.callback(self.checkpoint.release)
        target = None
        if options.dead_letter is not None:
            begun = self.checkpoint is not None and self.checkpoint.begun
            target = make_dead_letter(options.dead_letter, sources, resume=begun)
        self.letters = JobLetters(target, sources, resumable=self.checkpoint is not None)
        stack.callback(self.letters.close)

    def _before_checkpoint(self) -> None:
        self.letters.sync()

    def has_letters(self) -> bool:
        """Whether this run of the job, or an earlier one, has met a bad record."""
        return bool(self.letters.count or (self.checkpoint and self.checkpoint.letters))


class _Replayed:
    """The checkpoint of a replay: all may have been loaded before, and nothing is written down."""

    async def begin(self, source: str) -> tuple[bytes, None]:
        return bytes(9), None

    async def keep_seed(self, source: str, seed: bytes) -> None:
        """Nothing is drawn."""

    async def advance(self, source: str, position: Any, letters: int) -> None:
        """Replaying everything once more does no harm."""

    async def finish(self, source: str) -> None:
        """The same."""

    async def close(self) -> None:
        """Nothing is open."""


def _checkpoint(options: argparse.Namespace, tasks: Tasks, before: Any) -> FileCheckpoint:
    from mongodriver.ingest.checkpoint import FileCheckpoint, job_identity

    targets = ", ".join(sorted({collection.full_name for _, collection in tasks}))
    sources = [source for source, _ in tasks]
    identity = job_identity(sources, targets, build.deciding_options(options))
    return FileCheckpoint(options.checkpoint, identity, resume=options.resume, before=before)


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


def _do(job: Job, tasks: Tasks, signals: Signals, options: argparse.Namespace) -> int:
    # Who reads from a pipe would not see that the job is to end before something comes through it.
    if all(source.repeatable for source, _ in tasks):
        signals.gently(job.stop)
    try:
        report = job.run(tasks)
    except Interrupted:
        pass
    except (IngestError, PyMongoError) as error:
        complain(error, options.uri)
        return FAILED
    else:
        if not report.interrupted:
            return OK if report.ok else REJECTS
    finally:
        signals.gently(None)
    complain("interrupted")
    return signals.status or FAILED


def _display(options: argparse.Namespace) -> Display:
    return NoDisplay() if options.quiet else make_display()


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
