"""CSV text as it comes from a stream: header, a look at the first rows, and the plan they give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from bsonx.csv import NUMBER, Column, Dialect, Plan, RowError, next_row, row_texts
from mongodriver.ingest.csv.guess import NULLS, TEXT_NULLS, guess
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.sniff import newline_of, sniff_delimiter
from mongodriver.ingest.csv.types import column
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import BOM, MAX_RECORD
from mongodriver.ingest.sources.buffer import Buffer

__all__ = ["CSVText"]

_SAMPLE_ROWS = 1000
_DIALECT_ROWS = 50
_SAMPLE_BYTES = 8 << 20
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+,[0-9]+")
_CHUNK = 256 << 10
_BLANKS = " \t"


class CSVText(Buffer):
    """The text of a stream, a buffer at a time: `at` is at the beginning of the line `line`."""

    def __init__(
        self,
        stream: BinaryIO,
        options: CSVOptions,
        likely: str = ",",
        max_record: int = MAX_RECORD,
        waits: bool = False,
    ) -> None:
        """`likely` is the delimiter where options and first rows do not tell."""
        super().__init__(stream, waits)
        self._options = options
        self._likely = likely
        self._max_record = max_record
        self.line = 1
        self.dialect = Dialect()
        self.sample: list[list[str]] = []
        #: What people may want to know of how the file was taken.
        self.notes: list[str] = []

    @property
    def at_end(self) -> bool:
        """Whether nothing follows behind `data`; never where the rest could not be read, whose
        last row may be cut off in the middle of a value."""
        return self.exhausted and self.failure is None

    def begin(self) -> Plan | None:
        """Read the header and look at the rows behind it; None for an empty file.

        :raises IngestError: where the header cannot be read, or does not fit the options.
        """
        options = self._options
        if self.read(1) and self.data.startswith(BOM[:1]):
            self.read(len(BOM))
        if self.data.startswith(BOM):
            self.at = len(BOM)
        self._find_dialect()
        if options.columns is not None:
            names = list(options.columns)
        elif (header := self._header()) is not None:
            names = header
        else:
            return None
        rows = list(self._sample()) if options.infer else []
        if options.columns is None:
            names = self._header_of(names, rows)
        names = [name.strip(_BLANKS) or f"column{n}" for n, name in enumerate(names, 1)]
        _check_names(names, options)
        self.sample = [row for row in rows if len(row) == len(names)]
        return self._plan(names)

    def _find_dialect(self) -> None:
        options = self._options
        while not self._is_enough() and self.more():
            pass
        newline = newline_of(self.data)
        delimiter = options.delimiter or sniff_delimiter(
            self.data[self.at : self.at + _CHUNK],
            newline,
            self.at_end and len(self.data) - self.at <= _CHUNK,
            self._likely,
            len(options.columns or ()),
            never="," if options.decimal == "," else "",
        )
        self.dialect = Dialect(ord(delimiter), newline, options.max_field, ord(options.decimal))
        if delimiter != self._likely and options.delimiter is None:
            self.notes.append(f"the delimiter {delimiter!r} was noticed in the first rows")

    def _header_of(self, names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
        """The names of all columns, where R or a delimiter at the end makes one more."""
        if len(names) > 1 and all(NUMBER.fullmatch(name.strip(_BLANKS)) for name in names):
            self.notes.append(
                "the first row has numbers alone: if it is no header, name the columns (--columns)"
            )
        found = _with_rows_names(names, rows)
        if len(found) > len(names):
            self.notes.append("each row has one field more than the header: it gets a name")
        return found

    def _is_enough(self) -> bool:
        """Whether there is enough text to see how it is written. Who does not guess does not wait
        for more rows than the first: they may come slowly."""
        text = self.data
        lines = max(text.count(b"\n"), text.count(b"\r"))
        rows = _DIALECT_ROWS if self._options.infer else 0
        return len(text) >= _CHUNK or (lines > rows and not text.endswith(b"\r"))

    def _header(self) -> list[str] | None:
        while True:
            found = None
            try:
                found = next_row(self.data, self.at, self.line, self.dialect, self.at_end)
                if found is not None:
                    names = row_texts(self.data, self.at, *found)
            except RowError as error:
                raise self._unreadable(f"not CSV: {error}") from error
            except ValueError as error:
                raise self._unreadable(
                    f"{error}; if it has another encoding, give it: --encoding latin-1"
                ) from error
            if found is None or self.at == len(self.data):
                if not self.more():
                    if self.failure is not None:
                        raise self.failure
                    return None
                continue
            self.line += self.data.count(self.dialect.newline, self.at, found[0])
            self.at = found[0]
            if names:
                return names

    def _unreadable(self, problem: str) -> IngestError:
        return IngestError(f"line {self.line}: the header cannot be read: {problem}")

    def _sample(self) -> Iterator[list[str]]:
        """The first rows; nothing is used up."""
        seen = 0  # bytes: where the rows are moves when more is read
        count = 0
        while count < _SAMPLE_ROWS and seen < _SAMPLE_BYTES:
            at = self.at + seen
            try:
                found = next_row(self.data, at, self.line, self.dialect, self.at_end)
                if found is None or at == len(self.data):
                    if not self.more():
                        return
                    continue
                end, fields = found
                if fields:
                    yield row_texts(self.data, at, end, fields)
            except RowError as error:
                end = error.end
            except ValueError:
                pass
            seen += end - at
            count += 1

    def _plan(self, names: Sequence[str]) -> Plan:
        options = self._options
        columns = [self._column(index, name) for index, name in enumerate(names)]
        number = names.index("_id") if "_id" in names else -1
        if number >= 0 and columns[number].kind == "skip":
            number = -1
        return Plan(tuple(columns), self.dialect, options.omit_nulls, number)

    def _column(self, index: int, name: str) -> Column:
        options = self._options
        nulls = NULLS if options.nulls is None else tuple(options.nulls)
        if name in options.types:
            found = column(name, options.types[name], nulls)
        elif options.infer:
            found = self._guessed(index, name, nulls)
        else:
            found = Column(name, "str", nulls)
        if found.kind == "str" and options.nulls is None:
            found = Column(name, "str", TEXT_NULLS)
        return found

    def _guessed(self, index: int, name: str, nulls: Sequence[str]) -> Column:
        decimal = self._options.decimal
        kind = guess((row[index] for row in self.sample), nulls, decimal)
        if kind == "str" and decimal == "." and self._has_commas(index):
            self.notes.append(
                f"{name} has values like 1,5: if they are numbers, say so: --decimal ,"
            )
        if kind == "str" and self.sample and not any(row[index] for row in self.sample):
            # What comes later is a number if it looks like one; words for null may be words.
            return Column(name, "int?", TEXT_NULLS)
        return Column(name, kind, tuple(nulls))

    def _has_commas(self, index: int) -> bool:
        """Whether a column of text has numbers with commas for points."""
        values = [text for row in self.sample[:100] if (text := row[index].strip(_BLANKS))]
        return bool(values) and all(_COMMA_NUMBER.fullmatch(text) for text in values)

    def more(self) -> bool:
        """Read some more, as much again as has not been used; False where there is nothing.

        :raises IngestError: for a row without end.
        """
        if self.unread > self._max_record + _SAMPLE_BYTES and not self.exhausted:
            raise IngestError(f"line {self.line} is longer than {self._max_record} bytes")
        return self.read(2 * self.unread, more=True)


def _with_rows_names(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of all columns where every row has one field more than the header: R writes the
    names of rows in front and none for them; else each row ends with a delimiter."""
    if not rows or any(len(row) != len(names) + 1 for row in rows):
        return names
    return [*names, ""] if not any(row[-1] for row in rows) else ["", *names]


def _check_names(names: Sequence[str], options: CSVOptions) -> None:
    for name in names:
        if names.count(name) > 1:
            raise IngestError(
                f"two columns are named {name!r}; if that is no header, name them: --columns"
            )
        if "\0" in name or name.startswith("$"):
            raise IngestError(f"{name!r} cannot be the name of a field")
    if unknown := [name for name in options.types if name not in names]:
        raise IngestError(f"there is no column {unknown[0]!r}; there are {', '.join(names)}")
