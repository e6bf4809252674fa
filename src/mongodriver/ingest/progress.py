"""Show how far a job is: tqdm's bar when it is installed, a plain line otherwise."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any, Protocol, TextIO


class Progress(Protocol):
    """Is told about the job's progress, now and then."""

    def update(self, position: int, documents: int) -> None:
        """`position` bytes of all files have been read, `documents` documents are stored."""

    def close(self) -> None:
        """The job has ended."""


class NoProgress:
    """Shows nothing."""

    def update(self, position: int, documents: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class PlainProgress:
    """One line of text, rewritten on a terminal, repeated every few seconds elsewhere."""

    def __init__(self, total: int | None, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._rewrites = stream.isatty()
        self._interval = 0.1 if self._rewrites else 5.0
        self._started = self._shown = time.monotonic()
        self._width = 0

    def update(self, position: int, documents: int) -> None:
        """Show the counts, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._shown < self._interval:
            return
        self._shown = now
        share = f"{min(100, 100 * position // self._total):3d} %  " if self._total else ""
        rate = documents / (now - self._started)
        line = f"{share}{documents:,} documents  {rate:,.0f} docs/s"
        self._width = len(line)
        self._stream.write(f"\r{line:{self._width}}" if self._rewrites else line + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Remove the line from the terminal."""
        if self._rewrites and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


class BarProgress:
    """tqdm's bar over the bytes of all files."""

    def __init__(self, tqdm: Any, total: int | None, stream: TextIO) -> None:
        self._bar = tqdm.tqdm(
            total=total, unit="B", unit_scale=True, file=stream, dynamic_ncols=True, leave=False
        )
        self._position = 0

    def update(self, position: int, documents: int) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(f"{documents:,} documents", refresh=False)
        self._bar.update(position - self._position)
        self._position = position

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def make_progress(total: int | None, stream: TextIO | None = None) -> Progress:
    """Return the best progress display for `stream` (default: standard error).

    `total` is the size of all files in bytes, None when it is unknown.
    """
    stream = sys.stderr if stream is None else stream
    if stream.isatty():
        try:
            return BarProgress(importlib.import_module("tqdm"), total, stream)
        except ImportError:
            pass
    return PlainProgress(total, stream)
