"""The options of `mongodriver ingest`, and what goes together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

from mongodriver._version import __version__
from mongodriver.ingest.cli import values
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.types import parse_types
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.options import MOST_DOCUMENTS, Duplicates, IngestOptions, Mode
from mongodriver.ingest.sources import FORMATS

DEFAULT_URI = "mongodb://127.0.0.1:27017/"
_LARGEST_FIELD = 64 << 20
_FINDING = ("replace", "delete")
_DESCRIPTION = """\
Read files into a MongoDB collection, each record once, and account for every record.
"""
_EPILOG = """\
A file's format follows from its name (.ndjson .jsonl .json .geojson .csv .tsv, also with .gz .zst
.bz2 .xz .zip); - reads NDJSON from standard input. JSON may be extended JSON. A pattern in quotes
('data/*.csv') is looked up.

CSV columns without a given type are guessed from the first 1000 rows: integers, numbers, ISO 8601
dates and truth values. Types: str int float decimal bool date date(FORMAT) objectid skip.

Every record is stored once, also when the primary fails meanwhile, and with --checkpoint also when
this command is killed and started again. Ctrl-C and SIGTERM let what is on its way arrive; a
second one ends the job at once.

Exit status: 0 everything is stored; 1 some records or files were rejected; 2 the job could not be
done, or the command line is wrong; 130 after Ctrl-C, 143 after SIGTERM.

examples:
  mongodriver ingest flights.csv.gz --uri mongodb://localhost --db air
  mongodriver ingest events.ndjson --db log --drop --dead-letter bad.ndjson
  mongodriver ingest --replay bad.ndjson --db log --collection events
  mongodriver ingest big.ndjson --db log --checkpoint big.checkpoint --resume
  mongodriver ingest prices.csv --db shop --mode upsert --key sku --types sku:str
  mongodriver ingest cities.txt --format csv --delimiter '\\t' --dry-run
  zcat *.gz | mongodriver ingest - --db log --collection events
"""


class _Parser(argparse.ArgumentParser):
    #: What is added by `_add_csv`.
    for_csv: list[argparse.Action]

    def error(self, message: str) -> NoReturn:
        """Say it in one line, as every other error is said."""
        raise IngestError(f"{message} (--help explains the options)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of a command line; ``for_csv`` names those that were given for CSV.

    Raises IngestError for anything wrong, SystemExit after --help and --version.
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    options.for_csv = [
        action.option_strings[0]
        for action in parser.for_csv
        if getattr(options, action.dest) != action.default
    ]
    _check_together(options)
    return options


def _check_together(options: argparse.Namespace) -> None:
    for problem, is_so in (
        ("give the files to read, or --replay", not options.files and options.replay is None),
        ("--replay reads that file alone", bool(options.files) and options.replay is not None),
        ("--local starts a server of its own, so --uri cannot be given, too", _both(options)),
        ("--local-path needs --local", options.local_path is not None and not options.local),
        ("--stay needs --local", options.stay and not options.local),
        ("--replay needs no --checkpoint: it may be done again", _replays_on(options)),
        ("--resume needs --checkpoint", options.resume and options.checkpoint is None),
        ("--key is for the other modes", options.mode == "insert" and options.key != ["_id"]),
        ("--drop leaves nothing to be found", options.drop and options.mode in _FINDING),
        ("--dry-run starts no server", options.dry_run and (options.local or options.stay)),
        (
            "--dry-run looks at files, not at --replay",
            options.dry_run and options.replay is not None,
        ),
        ("--drop would drop what --replay adds to", options.drop and options.replay is not None),
    ):
        if is_so:
            raise IngestError(problem)


def _replays_on(options: argparse.Namespace) -> bool:
    return options.replay is not None and options.checkpoint is not None


def _both(options: argparse.Namespace) -> bool:
    return options.local and options.uri is not None


def _types(value: str) -> dict[str, str]:
    try:
        return parse_types(values.text(value))
    except IngestError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def make_parser() -> _Parser:
    """Return the parser of the `ingest` subcommand."""
    parser = _Parser(
        prog="mongodriver ingest",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # what is unique today may not be so tomorrow
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=values.text,
        metavar="FILE",
        help="what to read; - is standard input",
    )
    parser.add_argument("--version", action="version", version=f"mongodriver {__version__}")
    _add_target(parser)
    _add_records(parser)
    _add_errors(parser)
    _add_sending(parser)
    parser.for_csv = _add_csv(parser)
    _add_local(parser)
    return parser


def _add_target(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("where to").add_argument
    add("--uri", type=values.text, help=f"default: MONGODB_URI, else {DEFAULT_URI}")
    add("--db", type=values.text, metavar="NAME", help="database (default: the one in the URI)")
    add(
        "--collection",
        type=values.text,
        metavar="NAME",
        help="default: the file's name without its suffixes",
    )
    add("--drop", action="store_true", help="drop the collection first, if the files can be read")


def _add_records(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("records").add_argument
    add("--format", choices=FORMATS, help="default: from the file's name")
    add(
        "--encoding",
        type=values.encoding,
        metavar="NAME",
        help="of text (default: UTF-8, or what the file's mark says)",
    )
    add("--id-field", type=values.text, metavar="NAME", help="this field becomes _id")
    add("--mode", choices=get_args(Mode), default="insert", help="default: insert")
    add(
        "--key",
        type=values.names,
        default=["_id"],
        metavar="FIELD,...",
        help="what tells documents apart in the other modes (default: _id)",
    )
    add(
        "--on-duplicate",
        choices=get_args(Duplicates),
        default="dead_letter",
        help="what becomes of a document of which there is one already (default: dead_letter)",
    )
    add("--ordered", action="store_true", help="in the file's order, and end at the first error")
    add("--dry-run", action="store_true", help="show what would be read, and do nothing")


def _add_errors(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("errors and interruptions").add_argument
    add(
        "--dead-letter",
        "--reject",
        type=values.text,
        metavar="FILE",
        help="write records that could not be stored here, with error, file and line",
    )
    add("--replay", type=values.text, metavar="FILE", help="load what was repaired in such a file")
    add(
        "--max-errors",
        type=values.whole(0, 1 << 62),
        metavar="N",
        help="end the job when more records are bad (default: any number)",
    )
    add(
        "--checkpoint",
        type=values.text,
        metavar="FILE",
        help="write down here how far the job came",
    )
    add("--resume", action="store_true", help="go on there, if the job has begun")
    add("--json", action="store_true", help="print the report as JSON")
    add("--quiet", action="store_true", help="show no progress")


def _add_sending(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("sending").add_argument
    defaults = IngestOptions()
    add(
        "--batch-size",
        type=values.whole(1, MOST_DOCUMENTS),
        default=defaults.batch_documents,
        metavar="N",
        help="documents sent at a time, at most (default: as the server takes them)",
    )
    add(
        "--lanes",
        "--workers",
        dest="lanes",
        type=values.whole(1, 64),
        default=defaults.lanes,
        metavar="N",
        help=f"connections that send at the same time (default {defaults.lanes})",
    )
    add(
        "--max-in-flight",
        type=values.size(1 << 20, 1 << 40),
        default=defaults.max_in_flight,
        metavar="SIZE",
        help="memory for what is read and not yet stored (default 64MB)",
    )
    add(
        "--retry-seconds",
        type=values.seconds,
        default=defaults.retry_seconds,
        metavar="S",
        help=f"wait so long for a lost server (default {defaults.retry_seconds:g}; "
        "at the start 30 at most)",
    )


def _add_csv(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    group = parser.add_argument_group("CSV")
    added: list[argparse.Action] = []

    def add(*names: str, **settings: Any) -> None:
        added.append(group.add_argument(*names, **settings))

    add("--types", type=_types, default={}, metavar="NAME:TYPE,...", help="types of columns")
    add(
        "--schema",
        type=values.text,
        metavar="FILE",
        help="their types from a JSON file, or a class (module:Class); --types come before it",
    )
    add("--no-infer", action="store_true", help="other columns stay text")
    add(
        "--delimiter",
        type=values.delimiter,
        metavar="C",
        help=r"default: what the first rows say; \t is a tab",
    )
    add(
        "--columns",
        type=values.names,
        metavar="NAME,...",
        help="names, when there is no header",
    )
    add(
        "--null",
        action="append",
        metavar="TEXT",
        help='text that means null, may be repeated (default: "", and NA except in text columns)',
    )
    add(
        "--max-field",
        type=values.whole(1, _LARGEST_FIELD),
        default=CSVOptions.max_field,
        metavar="N",
        help="bytes of a field; a quote left open takes as many (default %(default)s)",
    )
    add(
        "--decimal",
        choices=(".", ","),
        default=CSVOptions.decimal,
        help="what stands before the fraction of a number (default: a point)",
    )
    add("--omit-nulls", action="store_true", help="leave null fields out")
    return added


def _add_local(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("embedded server").add_argument
    add("--local", action="store_true", help="start a mongod for this job")
    add(
        "--local-path",
        type=values.text,
        metavar="FOLDER",
        help="keep its data (default: temporary)",
    )
    add("--stay", action="store_true", help="keep it running until Ctrl-C")
