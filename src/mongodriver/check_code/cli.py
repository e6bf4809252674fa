"""`mongodriver check-code`: the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mongodriver.command_line.line import Line
from mongodriver.command_line.output import abandon
from mongodriver.command_line.parser import Parser

from .findings import Severity, printable
from .project import Project
from .report import FORMATS, Report, Summary
from .source import Unreadable
from .tree import files

__all__ = ["main"]

_NOTHING, _FOUND, _FAILED, _INTERRUPTED = 0, 1, 2, 130
_EPILOG = """
Severities: an error will fail when it is reached; a warning is about something deprecated or
private; a note is about a branch that may not be taken, such as one for another version of PyMongo.

Files that are not Python 3 are named and skipped. Folders whose names begin with a dot, virtual
environments, __pycache__, node_modules and site-packages are not looked into.

Exit status: 0 nothing found, 1 something found, 2 it could not be done: the command line is wrong,
a path cannot be read, there is no file to look into (without --exclude), or none of the files is
Python 3.

examples:
  mongodriver check-code src tests
  mongodriver check-code . --exclude 'migrations/*' --level note
  mongodriver check-code . --format github
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `check-code` subcommand with the command line `arguments`; return the exit status."""
    options = make_parser().parse_args(arguments)
    report = Report("json" if options.json else options.format, sys.stdout)
    line = Line()
    try:
        summary = _check(options, report, line)
        report.end(summary)
    except KeyboardInterrupt:
        line.clear()
        return _INTERRUPTED
    except BrokenPipeError:  # whoever reads has enough, as `head`
        abandon(sys.stdout)
        return _FOUND
    if summary.failed or (summary.skipped and not summary.checked):
        return _FAILED
    if not summary.checked:
        _complain(", ".join(options.paths), "there is no Python file or notebook to look into")
        return _NOTHING if options.exclude else _FAILED  # all that a commit changed may be excluded
    return _FOUND if summary.found.total() else _NOTHING


def _check(options: argparse.Namespace, report: Report, line: Line) -> Summary:
    summary = Summary()
    project = Project(path for path in map(Path, options.paths) if os.path.isdir(path))
    level = Severity[options.level.upper()]

    def fail(path: object, error: OSError) -> None:
        summary.failed.append((str(path), error.strerror or str(error)))
        line.clear()
        _complain(path, error.strerror or str(error))

    for path in options.paths:
        for file in files(Path(path), options.exclude, lambda error: fail(error.filename, error)):
            line.show(f"{summary.checked:,} files, {printable(file)}")
            try:
                found = project.check(file)
            except OSError as error:
                fail(file, error)
                continue
            except Unreadable as error:
                summary.skipped.append((str(file), str(error)))
                line.clear()
                _complain(file, f"skipped: {error}")
                continue
            summary.checked += 1
            for finding in found:
                if finding.severity < level:
                    summary.hidden += 1
                    continue
                summary.found[finding.severity] += 1
                line.clear()
                report.add(finding)
    line.clear()
    return summary


def _complain(path: object, text: str) -> None:
    print(f"mongodriver check-code: {printable(path)}: {text}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the `check-code` subcommand."""
    parser = Parser(
        prog="mongodriver check-code",
        description="Report what a code base uses of PyMongo, bson and gridfs that is gone,\n"
        "deprecated, private or not supported here. Nothing is imported or run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a file, a notebook, or a folder")
    add("--json", action="store_true", help="print one JSON document: --format json")
    add("--format", choices=FORMATS, default="text", help="default: text")
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out what has such a name or path below PATH (* and ?), may be repeated",
    )
    add(
        "--level",
        choices=[str(severity) for severity in Severity],
        default=str(Severity.WARNING),
        help="the least severity to report, and to count for the exit status (default: warning)",
    )
    return parser
