"""Reminders that survive a restart: APScheduler with its MongoDB job store.

    R="python examples/apscheduler/reminders.py"
    python -m mongodriver local -- sh -c "$R add 3 'The tea is ready' && $R list && $R run --drain"

The job store is made for PyMongo; `install_as_pymongo` gives it this driver.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import mongodriver
from mongodriver.errors import ConnectionFailure

mongodriver.install_as_pymongo()  # before the job store imports it

from apscheduler.events import EVENT_JOB_REMOVED, JobEvent  # noqa: E402
from apscheduler.job import Job  # noqa: E402
from apscheduler.jobstores.mongodb import MongoDBJobStore  # noqa: E402
from apscheduler.schedulers.background import BackgroundScheduler  # noqa: E402


class Jobs(MongoDBJobStore):
    """Leaves the client open, which is closed by whoever has made it.

    A scheduler looks once more for jobs that are due after it has shut its store down.
    """

    _over = False

    def shutdown(self) -> None:
        """Give no job any more."""
        self._over = True

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """The jobs whose time has come."""
        return [] if self._over else super().get_due_jobs(now)

    def get_next_run_time(self) -> datetime | None:
        """When the next one's comes; at once where that cannot be told, for it is tried again."""
        try:
            return None if self._over else super().get_next_run_time()
        except ConnectionFailure:
            return datetime.now(UTC)


@contextmanager
def scheduler(paused: bool) -> Iterator[BackgroundScheduler]:
    """A scheduler whose jobs are in the database, until the block is left.

    :param paused: whether it only reads and changes what is stored.
    """
    with mongodriver.MongoClient(os.environ["MONGODB_URI"], appname="reminders") as client:
        made = BackgroundScheduler(
            jobstores={"default": Jobs(database="reminders", collection="jobs", client=client)},
            # What was missed while nobody was there is done late, and once.
            job_defaults={"misfire_grace_time": None, "coalesce": True},
            timezone=UTC,
        )
        made.start(paused)
        try:
            yield made
        finally:
            made.shutdown()  # waits for the jobs that are at work


def remind(text: str) -> None:
    """A job. Its name and arguments are stored; the code is that of whoever runs it."""
    print(f"{text}\n", end="", flush=True)  # at once: jobs run in threads


def add(seconds: float, text: str) -> None:
    """Store a reminder for whoever runs the scheduler."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    with scheduler(paused=True) as made:
        made.add_job(remind, "date", run_date=at, args=[text])


def show() -> None:
    """Print what is stored."""
    with scheduler(paused=True) as made:
        for job in made.get_jobs():
            print(f"{job.next_run_time:%Y-%m-%d %H:%M:%S} {job.args[0]}")


def run(drain: bool) -> int:
    """Do what is due, until SIGTERM or Ctrl-C, or until nothing is left.

    :returns: the exit status. An error in the scheduler's thread ends the program: whoever has
        started it starts it again, and what was stored is there.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    over = threading.Event()
    failures = []

    def fail(what: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(what)
        failures.append(what.exc_type)
        over.set()

    threading.excepthook = fail
    with scheduler(paused=True) as made, suppress(KeyboardInterrupt):

        def look(event: JobEvent | None = None) -> None:
            if drain and not made.get_jobs():
                over.set()

        made.add_listener(look, EVENT_JOB_REMOVED)  # once it was begun for the last time
        print("running", flush=True)
        made.resume()
        look()
        while not over.wait(1):
            made.wakeup()  # others may have stored something
    return bool(failures)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Reminders that survive a restart.")
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help=add.__doc__)
    adding.add_argument("seconds", type=float)
    adding.add_argument("text")
    commands.add_parser("list", help=show.__doc__)
    running = commands.add_parser("run", help=run.__doc__)
    running.add_argument("--drain", action="store_true", help="end when nothing is left")
    options = parser.parse_args()
    if options.command == "add":
        add(options.seconds, options.text)
    elif options.command == "list":
        show()
    else:
        sys.exit(run(options.drain))


if __name__ == "__main__":
    main()
