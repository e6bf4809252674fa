"""The commands that there are."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["COMMANDS", "Command", "usage"]


class Command(NamedTuple):
    """A command: imported when it is asked for."""

    summary: str
    #: Has `main`, which takes arguments and returns the exit status.
    module: str
    #: Has `make_parser`; empty for a command that hands its arguments on.
    parser: str

    def run(self, arguments: Sequence[str]) -> int:
        """Run the command; return the exit status."""
        return cast(int, import_module(self.module).main(arguments))

    def make_parser(self) -> ArgumentParser | None:
        """Return what reads its arguments, if it reads them."""
        if not self.parser:
            return None
        return cast("ArgumentParser", import_module(self.parser).make_parser())


def _of(summary: str, module: str, parser: str | None = None) -> Command:
    module = f"mongodriver.{module}"
    return Command(summary, module, module if parser is None else parser and f"{module}.{parser}")


COMMANDS = {
    "check-code": _of(
        "report what a code base uses of PyMongo that is gone, deprecated or private",
        "check_code.cli",
    ),
    "completion": _of("print what lets a shell complete these commands", "command_line.completion"),
    "doctor": _of("find out what stands between this machine and a deployment", "doctor.cli"),
    "export": _of("write a collection to a file: NDJSON, JSON, BSON, CSV, Parquet", "export.cli"),
    "ingest": _of(
        "read NDJSON, JSON, CSV and BSON files into a collection", "ingest.cli", "options"
    ),
    "local": _of("start a local mongod", "local.cli"),
    "run": _of("run a program made for PyMongo on this driver", "compat.run", ""),
}

_USAGE = """\
usage: mongodriver COMMAND [options]
       mongodriver --version

commands:
{commands}

`mongodriver COMMAND --help` explains a command.

examples:
  mongodriver doctor mongodb://localhost
  mongodriver ingest flights.csv.gz --uri mongodb://localhost --db air
  mongodriver export flights.ndjson.gz --uri mongodb://localhost --db air
  mongodriver local --replica-set rs0 -- pytest tests
  mongodriver check-code src"""


def usage() -> str:
    """Return what the command can do, in a few lines."""
    lines = [f"  {name:10}  {command.summary}" for name, command in COMMANDS.items()]
    return _USAGE.format(commands="\n".join(lines))
