"""Regular expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from bsonx._markers import Markers as _Markers
from bsonx._storage import RegexStorage

__all__ = ["Regex", "str_flags_to_int"]

_T = TypeVar("_T", str, bytes)

# In the order in which BSON has them.
FLAG_LETTERS = {
    "i": re.IGNORECASE,
    "l": re.LOCALE,
    "m": re.MULTILINE,
    "s": re.DOTALL,
    "u": re.UNICODE,
    "x": re.VERBOSE,
}


def str_flags_to_int(str_flags: str) -> int:
    """Return the ``re`` flags for BSON option letters; unknown letters are ignored."""
    flags = 0
    for letter, flag in FLAG_LETTERS.items():
        if letter in str_flags:
            flags |= flag
    return flags


class Regex(RegexStorage, Generic[_T]):
    """A regular expression as stored: pattern and ``re`` flags (int, or a str of letters).

    The pattern is not compiled, since MongoDB's dialect is not Python's. TypeError for other types.
    """

    __slots__ = ()

    _type_marker = _Markers.REGEX

    pattern: _T

    def __init__(self, pattern: _T, flags: str | int = 0) -> None:
        if not isinstance(pattern, (str, bytes)):
            raise TypeError(f"pattern must be a string, not {type(pattern)}")
        if isinstance(flags, str):
            flags = str_flags_to_int(flags)
        elif not isinstance(flags, int):
            raise TypeError(f"flags must be a string or int, not {type(flags)}")
        self.pattern = pattern
        self.flags = flags

    @classmethod
    def from_native(cls, regex: re.Pattern[_T]) -> Regex[_T]:
        """Return the Regex of a compiled ``re`` pattern; TypeError for anything else."""
        if not isinstance(regex, re.Pattern):
            raise TypeError(f"regex must be a compiled regular expression, not {type(regex)}")
        return cls(regex.pattern, regex.flags)

    def try_compile(self) -> re.Pattern[_T]:
        """Return the compiled pattern; re.error if Python does not understand it."""
        return re.compile(self.pattern, self.flags)

    def __getstate__(self) -> Mapping[Any, Any]:
        return {"flags": self.flags, "pattern": self.pattern}

    def __setstate__(self, state: Any) -> None:
        self.flags = state["flags"]
        self.pattern = state["pattern"]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Regex):
            return self.pattern == other.pattern and self.flags == other.flags
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Regex({self.pattern!r}, {self.flags!r})"
