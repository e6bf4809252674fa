"""Where an export goes: a file that is there when it is whole, or standard output."""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from .errors import ExportError

__all__ = ["STDOUT", "open_output"]

STDOUT = "-"
_LEVEL = 6


@contextmanager
def open_output(name: str, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """What to write to; packed if the name ends with ``.gz``.

    A file is written beside the place it belongs to, and put there at the end of the block: what
    is there is whole. After an error nothing is left of it.

    :raises ExportError: where there is a file, unless it may be overwritten.
    """
    if name == STDOUT:
        if sys.stdout is None:
            raise ExportError("standard output is closed")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(name)
    _refuse(place, overwrite)
    try:
        number, beside = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent or ".")
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None
    try:
        with os.fdopen(number, "wb") as file:
            with _packed(file, name) as out:
                yield out
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_mask())
        _put(beside, place, overwrite)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _refuse(place: Path, overwrite: bool) -> None:
    if place.is_dir():
        raise ExportError(f"{place} is a folder")
    if place.exists() and not place.is_file():  # a device that would be a file from then on
        raise ExportError(f"{place} is no file, and cannot be replaced; - is standard output")
    if not overwrite and os.path.lexists(place):
        raise ExportError(f"{place} is there already (--overwrite replaces it)")


@contextmanager
def _packed(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if not name.lower().endswith(".gz"):
        yield file
        return
    # Without a time in it, so that the same documents give the same file.
    with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
        yield cast("BinaryIO", packed)


def _put(beside: str, place: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(beside, place)
        return
    try:
        os.link(beside, place)  # fails where somebody else was quicker
    except FileExistsError:
        _refuse(place, overwrite)
        raise
    except OSError:
        _refuse(place, overwrite)
        os.replace(beside, place)  # no links in this file system
        return
    os.unlink(beside)


def _mask() -> int:
    mask: Any = os.umask(0)
    os.umask(mask)
    return int(mask)
