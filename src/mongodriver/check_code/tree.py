"""The files below paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from stat import S_ISREG

from .source import NOTEBOOK

__all__ = ["files"]

_SUFFIXES = (".py", ".pyw", NOTEBOOK)
#: Folders that are not looked into, besides those whose names begin with a dot.
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}
#: What tells a virtual environment.
_ENVIRONMENT = "pyvenv.cfg"


def files(
    path: Path, exclude: Sequence[str], complain: Callable[[OSError], None]
) -> Iterator[Path]:
    """A file, or the Python files and notebooks below a folder, in the order of their names.

    Links to folders are not followed, so that none is seen twice. What cannot be read is told to
    `complain`.
    """
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=complain):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not _is_skipped(here / name, path, exclude))
        for name in sorted(names):
            file = here / name
            wanted = name.endswith(_SUFFIXES) and not _is_excluded(file, path, exclude)
            if wanted and _is_regular(file):
                yield file


def _is_skipped(folder: Path, root: Path, exclude: Sequence[str]) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED or os.path.exists(folder / _ENVIRONMENT):
        return True
    return _is_excluded(folder, root, exclude)


def _is_excluded(path: Path, root: Path, exclude: Sequence[str]) -> bool:
    relative = path.relative_to(root).as_posix()
    return any(
        fnmatchcase(path.name, pattern) or fnmatchcase(relative, pattern) for pattern in exclude
    )


def _is_regular(path: Path) -> bool:
    """Whether it is a file that ends: no pipe or device. What is not there is read, and told."""
    try:
        return S_ISREG(path.stat().st_mode)
    except OSError:
        return True
