"""`mongodriver export`: a collection into a file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from bsonx.json_util import loads_strict
from mongodriver._version import __version__
from mongodriver.command_line.output import BROKEN_PIPE, abandon
from mongodriver.ingest.cli import values
from mongodriver.ingest.cli.connect import open_database, wait_for_server
from mongodriver.ingest.cli.output import plain, print_to, tolerate_any_text
from mongodriver.ingest.cli.signals import Interrupted, Signals
from mongodriver.ingest.display import Display, NoDisplay, Untroubled, make_display
from mongodriver.ingest.errors import IngestError
from mongodriver.values.errors import PyMongoError

from .errors import ExportError
from .exporting import export
from .formats import FORMATS, format_of
from .output import STDOUT

OK, FAILED = 0, 2
_DEFAULT_URI = "mongodb://127.0.0.1:27017/"
_EPILOG = """\
The format follows from the file's name (.ndjson .jsonl .json .bson .csv .tsv .parquet, also with
.gz); - is standard output. The file is there when it is whole, and never in place of another one
unless --overwrite is given.

JSON is relaxed extended JSON; --canonical tells every type, so that what `mongodriver ingest` reads
back is the same. Queries are extended JSON.

Exit status: 0 everything is written; 2 it could not be done, or the command line is wrong; 130
after Ctrl-C, 143 after SIGTERM, 141 where whoever reads a pipe has read enough.

examples:
  mongodriver export flights.ndjson.gz --uri mongodb://localhost --db air
  mongodriver export late.csv --db air --collection flights --query '{"delay": {"$gt": 60}}' \\
      --fields carrier,flight,delay
  mongodriver export - --db log --collection events --format ndjson --sort '{"at": -1}' --limit 10
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ExportError(f"{message} (--help explains the options)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `export` subcommand with the command line `arguments`; return the exit status."""
    tolerate_any_text(sys.stderr)
    uri = None
    with Signals() as signals:
        try:
            options = make_parser().parse_args(arguments)
            uri = options.uri
            return _run(options)
        except Interrupted:
            _complain("interrupted")
            return signals.status or FAILED
        except BrokenPipeError:  # whoever reads has read enough
            abandon(sys.stdout)
            return BROKEN_PIPE
        except (ExportError, IngestError, PyMongoError, OSError, ValueError) as error:
            _complain(error, uri)
            return FAILED


def _complain(error: BaseException | str, uri: str | None = None) -> None:
    print_to(sys.stderr, f"mongodriver export: {plain(error, uri)}")


def _run(options: argparse.Namespace) -> int:
    name = options.file
    if options.format is None and format_of(name) is None:
        raise ExportError(f"{name}: the name tells no format; give --format")
    with ExitStack() as stack:
        uri = options.uri or _uri()
        database = open_database(stack, uri, options.db, options.retry_seconds)
        wait_for_server(database.client, _complain)
        display = _display(options)
        stack.callback(display.close)
        report = export(
            database[options.collection or _stem(name)],
            name,
            options.query,
            options.projection,
            format=options.format,
            canonical=options.canonical,
            fields=options.fields or (),
            delimiter=options.delimiter,
            sort=options.sort,
            limit=options.limit,
            partitions=options.partitions,
            overwrite=options.overwrite,
            batch_size=options.batch_size,
            retry_seconds=options.retry_seconds,
            progress=display,
        )
    if not options.quiet:
        text = json.dumps(report.to_dict()) if options.json else report.render()
        print_to(sys.stderr if name == STDOUT else sys.stdout, text)
    return OK


def _display(options: argparse.Namespace) -> Display:
    """What shows how far it is; nothing where documents go to the same terminal."""
    mixed = options.file == STDOUT and sys.stdout is not None and sys.stdout.isatty()
    return NoDisplay() if options.quiet or mixed else Untroubled(make_display())


def _uri() -> str:
    uri = os.environ.get("MONGODB_URI", _DEFAULT_URI)
    if not uri:
        raise ExportError("MONGODB_URI is empty: give --uri, or unset it")
    return uri


def _stem(name: str) -> str:
    """The collection that a file is named after."""
    if name == STDOUT:
        raise ExportError("give --collection for standard output")
    stem = Path(name).name
    if stem.lower().endswith(".gz"):
        stem = stem[:-3]
    return Path(stem).stem


def _document(value: str) -> dict[str, Any]:
    """A document in extended JSON, its fields in their order."""
    try:
        found = loads_strict(values.text(value))
    except (ValueError, TypeError) as exc:
        raise argparse.ArgumentTypeError(f"must be a JSON document: {exc}") from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("must be a JSON document: it is another value")
    return found


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the `export` subcommand."""
    parser = _Parser(
        prog="mongodriver export",
        description="Write the documents of a MongoDB collection to a file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mongodriver {__version__}")
    parser.add_argument("file", type=values.text, metavar="FILE", help="- is standard output")
    add = parser.add_argument_group("where from").add_argument
    add("--uri", type=values.text, help=f"default: MONGODB_URI, else {_DEFAULT_URI}")
    add("--db", type=values.text, metavar="NAME", help="database (default: the one in the URI)")
    add("--collection", type=values.text, metavar="NAME", help="default: the file's name")
    add = parser.add_argument_group("what").add_argument
    add("--query", type=_document, metavar="JSON", help="documents that match (default: all)")
    add("--projection", type=_document, metavar="JSON", help="fields (default: all)")
    add("--sort", type=_document, metavar="JSON", help="default: by _id")
    add("--limit", type=values.whole(1, 2**31 - 1), default=0, metavar="N", help="at most so many")
    _add_writing(parser)
    _add_reading(parser)
    return parser


def _add_writing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("writing").add_argument
    add("--format", choices=FORMATS, help="default: from the file's name")
    add("--canonical", action="store_true", help="JSON that tells every type")
    add("--fields", type=values.names, metavar="NAME,...", help="columns of CSV, such as a,b.c")
    add("--delimiter", type=values.delimiter, metavar="C", help="default: comma, tab in .tsv files")
    add("--overwrite", action="store_true", help="replace a file that is there")
    add("--json", action="store_true", help="print the report as JSON")
    add("--quiet", action="store_true", help="show no progress, print no report")


def _add_reading(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("reading").add_argument
    add(
        "--partitions",
        type=values.whole(1, 64),
        default=1,
        metavar="N",
        help="cursors that read at the same time, each its range of ids (default 1: by _id)",
    )
    add("--batch-size", type=values.whole(0, 1_000_000), default=0, metavar="N", help="of a cursor")
    add(
        "--retry-seconds",
        type=values.seconds,
        default=60.0,
        metavar="S",
        help="wait so long for a lost server (default 60; at the start 30 at most)",
    )
