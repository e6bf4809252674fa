"""A line that says on a terminal what goes on, and goes when there is something to read."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable

__all__ = ["Line"]

_INTERVAL = 0.1  # seconds between two texts


class Line:
    """One line of standard error, written again and again; nothing where that is no terminal."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        stream = sys.stderr
        shown = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._stream = stream if shown else None
        self._clock = clock
        self._next = 0.0
        self._width = 0

    def show(self, text: str) -> None:
        """Show a text in place of the one before, unless that came a moment ago."""
        if self._stream is None or self._clock() < self._next:
            return
        self._next = self._clock() + _INTERVAL
        text = text[: shutil.get_terminal_size().columns - 1]
        self._write(f"\r{text:{self._width}}")
        self._width = len(text)

    def clear(self) -> None:
        """Remove it: something else is to be written."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            print(text, end="", file=self._stream, flush=True)
        except (OSError, ValueError):  # whoever looked has gone
            self._stream = None
