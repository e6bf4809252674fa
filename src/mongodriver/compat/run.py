"""`mongodriver run`: a program made for PyMongo, on this driver.

Python is started anew, as for the program alone, with a folder in front of ``PYTHONPATH`` whose
``sitecustomize`` calls `install_as_pymongo` before the program begins. So what the program sees of
itself (``__main__``, ``sys.argv``, ``sys.path``) is as ever, and the processes of Python that it
starts (workers, reloaders, `multiprocessing`) are on this driver too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

_STARTUP = str(Path(__file__).with_name("startup"))

_USAGE = """usage: mongodriver run [PYTHON'S OPTIONS] script.py [arguments]
       mongodriver run [PYTHON'S OPTIONS] -m module [arguments]

Runs a program, and what Python it starts, with `pymongo`, `bson` and `gridfs` being this driver.

examples:
  mongodriver run app.py --port 8000
  mongodriver run -m pytest tests
  mongodriver run -X dev -m uvicorn app:app"""


def main(arguments: Sequence[str]) -> int:
    """Run the program that `arguments` name; return its exit status, where it returns at all."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if _refused(arguments) or _is_isolated():
        print("mongodriver run: not with Python's options -E, -I and -S", file=sys.stderr)
        return 2
    environment = {**os.environ, "PYTHONPATH": _python_path()}
    command = [sys.executable, *_own_options(), *arguments]
    if os.name == "nt":  # where a program that is replaced has ended for the shell
        return subprocess.run(command, env=environment, check=False).returncode
    sys.stdout.flush()
    sys.stderr.flush()
    return os.execve(sys.executable, command, environment)


def _python_path() -> str:
    """``PYTHONPATH`` of the program: our startup first."""
    paths = [_STARTUP, *filter(None, [os.environ.get("PYTHONPATH")])]
    root = str(Path(__file__).parents[2])
    if root not in sys.path[1:]:  # found in the current folder alone
        paths.append(root)
    return os.pathsep.join(paths)


def _refused(arguments: Sequence[str]) -> bool:
    """Whether the options of Python's that stand before the program would leave our startup out."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--check-hash-based-pycs":
            next(rest, None)
        elif argument in ("-", "--") or not argument.startswith("-"):
            return False
        elif not argument.startswith("--"):
            for place, letter in enumerate(argument[1:], 2):
                if letter in "EIS":
                    return True
                if letter in "cm":  # the program
                    return False
                if letter in "WX":
                    if place == len(argument):  # its value is the next
                        next(rest, None)
                    break
    return False


def _is_isolated() -> bool:
    return bool(sys.flags.ignore_environment or sys.flags.isolated or sys.flags.no_site)


def _own_options() -> list[str]:
    """The options that this interpreter was started with."""
    return subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined,no-any-return]
