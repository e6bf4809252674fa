"""CSV with a header: one document for each row."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, BinaryIO

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers.base import BOM, MAX_RECORD, Record, Reject
from mongodriver.ingest.readers.quotes import find_fault
from mongodriver.ingest.types import RowBuilder

_SAMPLE_ROWS = 1000


@dataclass(frozen=True)
class CSVOptions:
    """How to read CSV.

    `delimiter` None: as the file's name says. `columns`: the names, None when the first row has
    them. `types` by column; `infer`: whether the other columns' types are guessed. `nulls` and
    `omit_nulls`: see `RowBuilder`.
    """

    delimiter: str | None = None
    columns: Sequence[str] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    infer: bool = True
    nulls: Collection[str] | None = None
    omit_nulls: bool = False


_Row = tuple[int, bytes, list[str]]  # line number, text, fields


class CSVReader:
    """Reads typed documents from rows."""

    def __init__(
        self,
        stream: BinaryIO,
        reject: Reject,
        options: CSVOptions | None = None,
        *,
        max_record: int = MAX_RECORD,
    ) -> None:
        self._stream = stream
        self._reject = reject
        self._options = options or CSVOptions()
        self._max_record = max_record
        self._at_start = True
        self._at_header = self._options.columns is None
        self._raw: list[bytes] = []  # the lines of the current row
        self._again: list[bytes] = []  # lines to be read once more, the last one first
        self._bad_text = ""

    def __iter__(self) -> Iterator[Record]:
        """Yield the documents; see `Reader`."""
        rows = self._rows()
        names = self._names(rows)
        if not names:
            return
        sample = list(islice(rows, _SAMPLE_ROWS if self._options.infer else 0))
        builder = self._builder(names, sample)
        build = builder.build
        for line, raw, fields in chain(sample, rows):
            try:
                document = build(fields)
            except ValueError as error:
                self._reject(line, raw, str(error))
            else:
                yield line, len(raw), document

    def _builder(self, names: Sequence[str], sample: Sequence[_Row]) -> RowBuilder:
        options = self._options
        complete = [fields for _, _, fields in sample if len(fields) == len(names)]
        return RowBuilder(
            names,
            options.types,
            sample=complete if options.infer else None,
            nulls=options.nulls,
            omit_nulls=options.omit_nulls,
        )

    def _names(self, rows: Iterator[_Row]) -> list[str]:
        """Return the names of the columns, [] for an empty file."""
        if self._options.columns is not None:
            names = list(self._options.columns)
        else:
            header = next(rows, None)
            names = [] if header is None else header[2]
            self._at_header = False
        # The index column that R and pandas write has an empty name.
        names = [name or f"column{number}" for number, name in enumerate(names, 1)]
        for name in names:
            if names.count(name) > 1:
                raise IngestError(f"two columns are named {name!r}")
            if "\0" in name or name.startswith("$"):
                raise IngestError(f"{name!r} cannot be the name of a field")
        return names

    def _rows(self) -> Iterator[_Row]:
        """Yield the rows; those which are no text or no CSV are rejected."""
        delimiter = self._options.delimiter or ","
        passed = 0  # lines in front of those of `reader`
        while True:
            reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
            try:
                yield from self._good_rows(reader, passed)
                return
            except csv.Error as error:
                passed += reader.line_num - len(self._raw)
                passed += self._pass_over(passed + 1, error, delimiter)

    def _good_rows(self, reader: Any, passed: int) -> Iterator[_Row]:
        while True:
            self._raw.clear()
            self._bad_text = ""
            line = passed + reader.line_num + 1
            fields = next(reader, None)
            if fields is None:
                return
            if self._bad_text:
                self._refuse(line, b"".join(self._raw), self._bad_text)
            elif fields:
                raw = self._raw[0] if len(self._raw) == 1 else b"".join(self._raw)
                yield line, raw, fields

    def _pass_over(self, line: int, error: csv.Error, delimiter: str) -> int:
        """Reject the row that begins at `line`; return how many lines are passed over.

        Reading goes on behind the line with the faulty quote, for what that quote has swallowed
        may be good rows.
        """
        texts = [raw.decode("utf-8", "replace") for raw in self._raw]
        texts[0] = texts[0].removeprefix("\ufeff")
        fault = find_fault(texts, delimiter, csv.field_size_limit())
        if fault is None:
            self._refuse(line, b"".join(self._raw), f"not CSV: {error}")
            return len(self._raw)
        count = fault.line + 1
        self._again += reversed(self._raw[count:])
        problem = f"not CSV: the quote that opens in line {line + fault.line} {fault.problem}"
        self._refuse(line, b"".join(self._raw[:count]), problem)
        return count

    def _refuse(self, line: int, raw: bytes, problem: str) -> None:
        if self._at_header:  # without it the next row would be taken for one
            raise IngestError(f"line {line}: the header cannot be read: {problem}")
        self._reject(line, raw, problem)

    def _lines(self) -> Iterator[str]:
        while raw := self._again.pop() if self._again else self._next_line():
            self._raw.append(raw)
            if self._at_start:
                raw = raw.removeprefix(BOM)
                self._at_start = False
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                self._bad_text = f"not UTF-8 at byte {error.start}: {error.reason}"
                text = raw.decode("utf-8", "replace")
            yield text

    def _next_line(self) -> bytes:
        raw = self._stream.readline(self._max_record)
        if len(raw) == self._max_record and not raw.endswith(b"\n"):
            raise IngestError(f"a line is longer than {self._max_record} bytes")
        return raw
