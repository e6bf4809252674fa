"""CSV with a header: one document for each row."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import BinaryIO

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers.base import BOM, MAX_RECORD, Record, Reject
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
        self._raw: list[bytes] = []  # the lines of the current row
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
        reader = csv.reader(self._lines(), delimiter=self._options.delimiter or ",")
        while True:
            self._raw.clear()
            self._bad_text = ""
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._reject(line, b"".join(self._raw), f"not CSV: {error}")
                continue
            if self._bad_text:
                self._reject(line, b"".join(self._raw), self._bad_text)
            elif fields:
                raw = self._raw[0] if len(self._raw) == 1 else b"".join(self._raw)
                yield line, raw, fields

    def _lines(self) -> Iterator[str]:
        first = True
        while raw := self._stream.readline(self._max_record):
            if len(raw) == self._max_record and not raw.endswith(b"\n"):
                raise IngestError(f"a line is longer than {self._max_record} bytes")
            self._raw.append(raw)
            if first:
                raw = raw.removeprefix(BOM)
                first = False
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                self._bad_text = f"not UTF-8 at byte {error.start}: {error.reason}"
                text = raw.decode("utf-8", "replace")
            yield text
