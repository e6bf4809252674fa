"""`mongodriver doctor`: the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from mongodriver._version import namesake
from mongodriver.command_line.colours import are_wanted
from mongodriver.command_line.line import Line
from mongodriver.command_line.output import abandon
from mongodriver.command_line.parser import Parser
from mongodriver.command_line.secrets import Secrets
from mongodriver.values.errors import PyMongoError, reason

from .examine import examine
from .report import FORMAT, Exit, Status
from .text import lines

_VARIABLE = "MONGODB_URI"
_LONGEST = 3600
_EPILOG = """
Exit status: 0 everything is all right; 1 usable, but something is wrong (a member that is down, a
certificate that expires soon); 2 the arguments or the connection string are wrong. Not usable:
3 DNS, 4 TCP, 5 TLS, 6 hello (what answers is no MongoDB server, too old, or of another set),
7 login, 8 no server for the read preference. 130 after Ctrl-C.

Nothing is written to the server, and no password is ever shown.

examples:
  mongodriver doctor mongodb://localhost
  mongodriver doctor "mongodb+srv://app:secret@cluster.example.com/" --timeout 10
  MONGODB_URI="mongodb://db1,db2/?replicaSet=rs0" mongodriver doctor --json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `doctor` subcommand with the command line `arguments`; return the exit status."""
    options = make_parser().parse_args(arguments)
    if other := namesake():
        print(f"mongodriver doctor: {other}", file=sys.stderr)
    uri = options.uri or os.environ.get(_VARIABLE, "")
    if not uri:
        return _refuse(options, f"give a connection string, or set {_VARIABLE}")
    if not 0 < options.timeout <= _LONGEST:
        return _refuse(options, f"--timeout must be more than 0 and at most {_LONGEST}")
    line = Line()
    line.show(f"Looking, for {options.timeout:g} s at most in each step ...")
    try:
        report = examine(uri, options.timeout)
    except (PyMongoError, ValueError, TypeError, OSError) as exc:
        return _refuse(options, Secrets(uri).hide(reason(exc)))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        line.clear()
    if options.json:
        _print(json.dumps(report.as_json(), indent=2))
    else:
        _print("\n".join(lines(report, are_wanted(sys.stdout))))
    return report.exit_status


def _print(text: str) -> None:
    """Print to whoever still reads, as `head` may not."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        abandon(sys.stdout)


def _refuse(options: argparse.Namespace, problem: str) -> int:
    if options.json:
        failed = {"format": FORMAT, "status": str(Status.FAILED), "exit": Exit.USAGE}
        _print(json.dumps({**failed, "hint": problem, "deployment": [], "hosts": []}, indent=2))
    print(f"mongodriver doctor: {problem}", file=sys.stderr)
    return Exit.USAGE


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the `doctor` subcommand."""
    parser = Parser(
        prog="mongodriver doctor",
        description="Find out what stands between this machine and a MongoDB deployment.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("uri", nargs="?", metavar="URI", help=f"default: {_VARIABLE}")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--timeout", type=float, default=5.0, metavar="S", help="seconds for each step (default 5)"
    )
    return parser
