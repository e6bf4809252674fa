"""How the rows of a CSV file are written, from its beginning."""

from __future__ import annotations

from bsonx.csv import Dialect, RowError, next_row

__all__ = ["newline_of", "sniff_delimiter"]

_ROWS = 50
_CANDIDATES = ",\t;|"
_LF, _CR = 10, 13


def newline_of(start: bytes) -> int:
    """What ends a row: 13 in files that have no 10 at their beginning, else 10."""
    return _CR if b"\r" in start and b"\n" not in start else _LF


def sniff_delimiter(
    start: bytes, newline: int, at_end: bool, likely: str, columns: int, never: str = ""
) -> str:
    """Return the delimiter of a file that begins with `start`.

    :param at_end: whether that is all of the file.
    :param likely: what it is where others are no better.
    :param columns: how many fields a row has, 0: as many as the first one.
    :param never: what it cannot be.
    """
    if likely == never:
        likely = ";"
    best, most = likely, 0.0
    for delimiter in likely + _CANDIDATES.replace(likely, ""):
        if delimiter == never:
            continue
        score = _score(start, Dialect(ord(delimiter), newline, len(start) + 1), at_end, columns)
        if score > most:
            best, most = delimiter, score
    return best


def _score(start: bytes, dialect: Dialect, at_end: bool, columns: int) -> float:
    """The share of the rows that have as many fields as they should; 0 where that is one."""
    counts: list[int] = []
    at = 0
    while at < len(start) and len(counts) < _ROWS:
        try:
            found = next_row(start, at, 1, dialect, at_end)
        except RowError as error:
            at = error.end
            counts.append(0)
            continue
        if found is None:
            break
        at, fields = found
        if fields:
            counts.append(len(fields))
    wanted = columns or (counts[0] if counts else 0)
    return sum(count == wanted for count in counts) / len(counts) if wanted > 1 else 0.0
