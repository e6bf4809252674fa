"""Whether colours are wanted."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["CYAN", "GREEN", "RED", "YELLOW", "are_wanted", "coloured"]

RED, GREEN, YELLOW, CYAN = "31", "32", "33", "36"


def are_wanted(stream: TextIO | None) -> bool:
    """Whether what is written to `stream` may have colours.

    On terminals, other than those that know none (``TERM=dumb``); nowhere with NO_COLOR
    (https://no-color.org) in the environment, and everywhere with FORCE_COLOR.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str) -> str:
    """Return a text that is shown in bold and in a colour."""
    return f"\x1b[1;{colour}m{text}\x1b[0m"
