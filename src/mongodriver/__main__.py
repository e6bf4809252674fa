"""The command line: `mongodriver` and `python -m mongodriver`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_USAGE = """usage: mongodriver COMMAND [options]
       mongodriver --version

commands:
  check-code  report what a code base uses of PyMongo that is gone, deprecated or private
  doctor      find out what stands between this machine and a deployment
  export      write a collection to a file: NDJSON, JSON, BSON, CSV, Parquet
  ingest      read NDJSON, JSON and CSV files into a collection
  local       start a local mongod
  run         run a program made for PyMongo on this driver

`mongodriver COMMAND --help` explains a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name; return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = arguments[0] if arguments else ""
    if command == "doctor":
        from mongodriver.doctor.cli import main as run_doctor

        return run_doctor(arguments[1:])
    if command == "local":
        from mongodriver.local.cli import main as run_local

        return run_local(arguments[1:])
    if command == "export":
        try:
            from mongodriver.export.cli import main as run_export

            return run_export(arguments[1:])
        except KeyboardInterrupt:
            return 130
    if command == "ingest":
        try:
            from mongodriver.ingest.cli import main as run_ingest

            return run_ingest(arguments[1:])
        except KeyboardInterrupt:  # before, or after, it minds signals itself
            return 130
    if command == "check-code":
        from mongodriver.check_code.cli import main as run_check_code

        return run_check_code(arguments[1:])
    if command == "run":
        from mongodriver.compat.run import main as run_program

        return run_program(arguments[1:])
    if command == "--version":
        from mongodriver._version import __version__, namesake, version

        print(f"mongodriver {__version__}, with the API of PyMongo {version}")
        if other := namesake():
            print(f"mongodriver: {other}", file=sys.stderr)
        return 0
    wanted = command in ("-h", "--help")
    print(_USAGE, file=sys.stdout if wanted else sys.stderr)
    return 0 if wanted else 2


if __name__ == "__main__":
    sys.exit(main())
