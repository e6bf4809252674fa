"""Values of the command line's options: each is checked where it is given."""

from __future__ import annotations

import codecs
import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable

_DELIMITERS = {"\\t": "\t", "tab": "\t", "TAB": "\t"}
_NO_DELIMITERS = '"\r\n\0'
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([bkmg]?)i?b?", re.IGNORECASE)
_LONGEST = 366 * 86400.0  # seconds


def text(value: str) -> str:
    """Something, not nothing: an unset variable of a shell is an empty value, and no default."""
    if not value:
        raise ArgumentTypeError("is empty")
    return value


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`."""

    def read(value: str) -> int:
        # int() takes 1_000 and ٣, too, which nobody means.
        if re.fullmatch(r"[+-]?[0-9]{1,30}", value) and least <= int(value) <= most:
            return int(value)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}, not {value!r}")

    return read


def seconds(value: str) -> float:
    """A time in seconds, from 0 to a year."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST:
        raise ArgumentTypeError(f"must be a number of seconds from 0 on, not {value!r}")
    return number


def size(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a number of bytes such as 4096, 500k, 64MB or 1.5 GiB (powers of 1024)."""

    def read(value: str) -> int:
        match = _SIZE.fullmatch(value)
        number = round(float(match[1]) * _UNITS[match[2].lower()]) if match else -1
        if not least <= number <= most:
            raise ArgumentTypeError(
                f"must be a size from {_size(least)} to {_size(most)}, such as 64MB, not {value!r}"
            )
        return number

    return read


def _size(number: int) -> str:
    for unit in ("", "kB", "MB"):
        if number < 1024 or number % 1024:
            return f"{number}{unit}"
        number //= 1024
    return f"{number}GB"


def delimiter(value: str) -> str:
    r"""One character; `\t` and `tab` are a tab, as people type it."""
    value = _DELIMITERS.get(value, value)
    if len(value) != 1 or not value.isascii() or value in _NO_DELIMITERS:
        raise ArgumentTypeError(
            f"must be one ASCII character (\\t for a tab), no quote and no end of a line, "
            f"not {value!r}"
        )
    return value


def encoding(value: str) -> str:
    """The name of an encoding of text that Python knows."""
    try:
        found = codecs.lookup(value)
        if not getattr(found, "_is_text_encoding", True):
            raise LookupError
    except (LookupError, ValueError):
        raise ArgumentTypeError(f"is no encoding that is known: {value!r}") from None
    return found.name


def names(value: str) -> list[str]:
    """Names with commas between them."""
    found = value.split(",")
    if not all(found):
        raise ArgumentTypeError(f"has an empty name: {value!r}")
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise ArgumentTypeError(f"names {twice!r} twice")
    return found
