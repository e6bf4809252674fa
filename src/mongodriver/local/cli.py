"""`python -m mongodriver local`: a mongod for as long as the command runs."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from mongodriver.command_line.line import Line
from mongodriver.command_line.parser import Parser
from mongodriver.local.errors import LocalServerError
from mongodriver.local.server import LocalServer

_VARIABLE = "MONGODB_URI"
_PIECE = 0.2  # seconds
_INTERRUPTED = 130
_EPILOG = f"""\
With a COMMAND, run that with the URI in {_VARIABLE} and return its exit status.

examples:
  mongodriver local
  mongodriver local --path data --port 27017
  mongodriver local --members 3 -- pytest tests
  mongodriver local --arg=--auth
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `local` subcommand with the command line `arguments`; return the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        return _run(options)
    except (LocalServerError, OSError, ValueError) as error:
        print(f"mongodriver local: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.replica_set == "":  # a variable of a shell that is not set
        raise ValueError("--replica-set is empty")
    if options.command:
        _check_program(options.command[0])
    server = LocalServer(
        options.replica_set or (options.members > 1),
        options.members,
        mongod=options.mongod,
        port=options.port,
        path=options.path,
        args=options.arg,
        timeout=options.timeout,
    )
    # Not an Event: its lock may be held by the very wait that the signal interrupts.
    ended: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    line = Line()
    several = f"a replica set of {options.members} members" if options.members > 1 else "mongod"
    line.show(f"Starting {several} ...")
    told = False
    try:
        with server:
            line.clear()
            if options.command:
                return _run_command(options.command, server.uri, ended)
            told = True
            print(server.uri, flush=True)
            print("Ctrl-C ends it.", file=sys.stderr, flush=True)
            while not ended:
                time.sleep(_PIECE)
    except KeyboardInterrupt:
        if not told:  # there was no URI yet, or the command has not come to its end
            return _INTERRUPTED
    finally:
        line.clear()
        signal.signal(signal.SIGTERM, previous)
    return 0


def _check_program(name: str) -> None:
    if shutil.which(name):
        return
    if os.path.dirname(name) and os.path.exists(name):
        raise ValueError(f"{name} is not executable")
    raise ValueError(f"{name}: there is no such program")


def _run_command(command: Sequence[str], uri: str, ended: list[int]) -> int:
    """Run a command to its own end, however long it takes for that; return its exit status.

    :param ended: has something in it once SIGTERM has come, which the command is told then.
    """
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if not ignored:
        # The terminal tells the command as well, which may have much to finish. A function, for
        # what is ignored here the command would ignore.
        previous = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with subprocess.Popen(command, env={**os.environ, _VARIABLE: uri}) as process:
            while True:
                try:
                    status = process.wait(_PIECE)
                except subprocess.TimeoutExpired:
                    if ended:
                        ended.clear()
                        process.terminate()
                    continue
                return status if status >= 0 else 128 - status  # as shells tell of a signal
    finally:
        if not ignored:
            signal.signal(signal.SIGINT, previous)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the `local` subcommand."""
    parser = Parser(
        prog="mongodriver local",
        description="Start a local mongod, print its URI and end it with this command.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--replica-set", metavar="NAME", help="start a replica set of this name")
    parser.add_argument(
        "--members", type=int, default=1, metavar="N", help="members of the set (default 1)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="first port (default: free ones)")
    parser.add_argument("--path", metavar="FOLDER", help="data to keep (default: temporary)")
    parser.add_argument(
        "--mongod", metavar="FILE", help="the program to run (default: MONGOD, PATH, the wheel)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds to wait (default 60)"
    )
    parser.add_argument(
        "--arg", action="append", default=[], metavar="ARG", help="mongod argument: --arg=--auth"
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="after --: what to run")
    return parser
