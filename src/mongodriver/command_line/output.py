"""Standard output that somebody stops reading, or that cannot be written."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["BROKEN_PIPE", "abandon", "flush"]

#: The exit status of programs that the signal ends.
BROKEN_PIPE = 141


def abandon(stream: TextIO | None) -> None:
    """Let what is left of `stream` go nowhere: the interpreter flushes it once more at its end."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def flush() -> None:
    """Write what was printed, so that errors are raised here and not at the interpreter's end."""
    if sys.stdout is not None:  # it was closed when the program was started
        sys.stdout.flush()
