"""`mongodriver ingest`: files into collections."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mongodriver.ingest.cli.output import complain, plain_warnings, tolerate_any_text
from mongodriver.ingest.cli.signals import Interrupted, Signals
from mongodriver.ingest.errors import IngestError
from mongodriver.local import LocalServerError
from mongodriver.values.errors import PyMongoError

FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `ingest` subcommand with the command line `arguments`; return the exit status."""
    from mongodriver.ingest.cli.options import parse
    from mongodriver.ingest.cli.run import run

    tolerate_any_text(sys.stdout, sys.stderr)
    options = None
    with Signals() as signals, plain_warnings():
        try:
            options = parse(arguments)
            return run(options, signals)
        except Interrupted:
            complain("interrupted")
            return signals.status or FAILED
        except (IngestError, LocalServerError, PyMongoError, OSError, ValueError) as error:
            complain(error, None if options is None else options.uri)
            return FAILED
