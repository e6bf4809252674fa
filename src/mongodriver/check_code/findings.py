"""What was found."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Finding", "Problem", "Severity", "printable"]


class Severity(enum.IntEnum):
    """How bad it is."""

    NOTE = 1  #: for some versions only, or with a way out beside it
    WARNING = 2  #: works; deprecated or private
    ERROR = 3  #: fails when it is reached

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Problem:
    """What is wrong with a use, wherever it is."""

    severity: Severity
    code: str  #: removed, deprecated, private, unsupported, option or truth
    message: str
    remedy: str


@dataclass(frozen=True, order=True)
class Finding:
    """A problem, and its place."""

    path: str
    cell: int  #: of a notebook, from 1; else 0
    line: int  #: from 1
    column: int  #: from 1, in characters
    severity: Severity
    code: str
    message: str
    remedy: str

    @property
    def place(self) -> str:
        """Path, line and column, as compilers write them."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{printable(self.path)}:{cell}{self.line}:{self.column}"


def printable(path: object) -> str:
    """A path as one line that any terminal can show."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in str(path)
    )
