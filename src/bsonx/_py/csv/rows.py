"""CSV text cut into rows and fields, by RFC 4180.

What is more than that: blanks in front of a quote do not count, quotes inside a field that does not
begin with one are text, rows of blanks alone are passed over. A row whose quotes are wrong is a bad
one up to the line where the quote at fault opens, for what that swallows may be good rows.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Dialect", "RowError", "next_row"]

_LF, _CR, _QUOTE = 10, 13, 34
_BLANKS = b" \t"


@dataclass(frozen=True)
class Dialect:
    """How rows are written.

    :param delimiter: the ASCII character between fields, as a number.
    :param newline: what ends a row outside quotes: 10, before which any 13 are left out, or 13.
    :param longest: bytes that a field may have; a quote left open takes as many.
    :param point: what stands in front of the fraction of a number: 46 or 44.
    """

    delimiter: int = 44
    newline: int = _LF
    longest: int = 1 << 17
    point: int = 46


class RowError(ValueError):
    """A row that is no CSV, str() says why; it ends at `end`."""

    def __init__(self, problem: str, end: int) -> None:
        super().__init__(problem)
        self.end = end


class _Incomplete(Exception):
    """The row goes on behind the data."""


def next_row(
    data: bytes, start: int, line: int, dialect: Dialect, at_end: bool
) -> tuple[int, list[bytes]] | None:
    """Return where the row that starts at `start` ends, and its fields: none for an empty row.

    :param line: the number of the line at `start`, for messages.
    :param at_end: whether nothing follows behind `data`.
    :return: None where the row, or the line with what is wrong, goes on behind `data`.
    :raises RowError: for a row that is no CSV.
    """
    newline = dialect.newline
    stop = data.find(newline, start)
    end = stop + 1
    if stop < 0:
        stop = end = len(data)
    text = data[start:stop]
    try:
        if b'"' in text or len(text) > dialect.longest or (end == stop and not at_end):
            return _by_field(data, start, line, dialect, at_end)
    except _Incomplete:
        return None
    other = b"\r" if newline == _LF else b"\n"
    text = text.rstrip(other)
    if other in text:
        raise RowError(_stray(newline), end)
    return end, text.split(bytes((dialect.delimiter,))) if text else []


def _by_field(
    data: bytes, start: int, line: int, dialect: Dialect, at_end: bool
) -> tuple[int, list[bytes]]:
    fields = []
    at = start
    while True:
        quote = _quote_at(data, at, dialect.delimiter)
        if quote < 0:
            text, stop = _unquoted(data, at, dialect, at_end)
        else:
            try:
                text, stop = _quoted(data, quote, dialect, at_end)
            except RowError as error:
                opened = line + data.count(dialect.newline, start, quote)
                error.args = (f"the quote that opens in line {opened} {error}",)
                raise
        fields.append(text)
        at = min(stop + 1, len(data))
        if stop == len(data) or data[stop] != dialect.delimiter:
            return at, fields if quote >= 0 or fields != [b""] else []


def _quote_at(data: bytes, at: int, delimiter: int) -> int:
    """Where the field has its opening quote, -1 for one without."""
    while at < len(data) and data[at] in _BLANKS and data[at] != delimiter:
        at += 1
    return at if data[at : at + 1] == b'"' else -1


def _unquoted(data: bytes, at: int, dialect: Dialect, at_end: bool) -> tuple[bytes, int]:
    """The text of a field, and where what ends it is."""
    newline = data.find(dialect.newline, at)
    stop = len(data) if newline < 0 else newline
    delimiter = data.find(dialect.delimiter, at, stop)
    text = data[at : stop if delimiter < 0 else delimiter]
    other = b"\r" if dialect.newline == _LF else b"\n"
    if delimiter < 0:
        text = text.rstrip(other)
    if other in text or len(text) > dialect.longest:
        long = f"a field is longer than {dialect.longest} bytes"
        problem = _stray(dialect.newline) if other in text else long
        raise RowError(problem, _line_end(data, at, dialect.newline, at_end))
    if delimiter < 0:
        if newline < 0 and not at_end:
            raise _Incomplete
        return text, stop
    return text, delimiter


def _quoted(data: bytes, quote: int, dialect: Dialect, at_end: bool) -> tuple[bytes, int]:
    """The same for a field that begins with a quote."""
    first = quote + 1
    close = data.find(b'"', first)
    while close >= 0 and data[close + 1 : close + 2] == b'"':
        close = data.find(b'"', close + 2)
    open_end = close < 0 or (close + 1 == len(data) and not at_end)
    problem = ""
    if (len(data) if close < 0 else close) - first > dialect.longest:
        problem = f"is not closed within {dialect.longest} bytes"
    elif open_end and not at_end:
        raise _Incomplete
    elif close < 0:
        problem = "is not closed"
    else:
        stop = _behind_quote(data, close + 1, dialect, at_end)
        if stop >= 0:
            return data[first:close].replace(b'""', b'"'), stop
        problem = "is closed in front of more text"
    raise RowError(problem, _line_end(data, quote, dialect.newline, at_end))


def _behind_quote(data: bytes, at: int, dialect: Dialect, at_end: bool) -> int:
    """Where the field ends whose closing quote is in front of `at`; -1: with other text."""
    if data[at : at + 1] == bytes((dialect.delimiter,)):
        return at
    other = _CR if dialect.newline == _LF else _LF
    while at < len(data) and data[at] == other:
        at += 1
    if at < len(data):
        return at if data[at] == dialect.newline else -1
    if not at_end:
        raise _Incomplete
    return at


def _line_end(data: bytes, at: int, newline: int, at_end: bool) -> int:
    end = data.find(newline, at) + 1
    if end == 0 and not at_end:
        raise _Incomplete
    return end or len(data)


def _stray(newline: int) -> str:
    name = "carriage return" if newline == _LF else "line feed"
    return f"there is a {name} in the middle of a line"
