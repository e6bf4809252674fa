"""Files that are about to be written: nothing that is there is written over."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterable
from typing import Protocol

from mongodriver.ingest.errors import IngestError


class InputFile(Protocol):
    """What is to be read, as far as this module has to know it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def path(self) -> str:
        """Where it is on disk; anything, where that is not a file."""

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""


def check_new_file(path: str, what: str) -> bool:
    """Return whether there is something at `path` that may be written to: an empty file, a pipe.

    `what` is to be written there ("dead letters"). Raises IngestError where there is content
    already, OSError where no file can be made.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        check_folder(path)
        return False
    if stat.S_ISDIR(found.st_mode):
        raise _os_error(errno.EISDIR, path)
    if stat.S_ISREG(found.st_mode) and found.st_size:
        raise IngestError(f"{what} cannot go to {path}, which exists and is not empty")
    if not os.access(path, os.W_OK):
        raise _os_error(errno.EACCES, path)
    return True


def check_folder(path: str) -> None:
    """Raise OSError where no file can be made in the folder of `path`."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise _os_error(errno.ENOENT, path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _os_error(errno.EACCES, path)


def refuse_inputs(path: str, inputs: Iterable[InputFile], what: str) -> None:
    """Raise IngestError when `path` is one of the inputs: also under another name, or a link."""
    for source in inputs:
        if is_same_file(path, source):
            raise IngestError(f"{what} cannot go to {source.name}, which is to be read")


def is_same_file(path: str, source: InputFile) -> bool:
    """Whether writing to `path` would destroy what `source` reads."""
    try:
        found = os.stat(path)
        read = os.fstat(sys.stdin.fileno()) if source.is_stdin else os.stat(source.path)
    except (OSError, ValueError, AttributeError):  # no such file; a stdin that is closed or none
        return False
    # A device or a pipe holds nothing that writing could destroy: both may be one terminal.
    return stat.S_ISREG(found.st_mode) and os.path.samestat(found, read)


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def replace_durably(path: str, data: bytes) -> None:
    """Put `data` in the place of what is at `path`, so that whoever looks, also after a failure
    of power, sees all of the one or all of the other. Raises OSError."""
    folder = os.path.dirname(path) or "."
    temporary = f"{path}.new"
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Make a new name in a folder outlive a failure of power, where folders can be opened."""
    if os.name != "posix":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
