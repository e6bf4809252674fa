"""CSV files as sources of batches: from text to BSON as :mod:`bsonx.csv` does it."""

from __future__ import annotations

import time

from bsonx.csv import Converter, Rows
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position, Reject, consecutive
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.sources.files import FileSource, OpenSource, likely_delimiter
from mongodriver.ingest.sources.of_file import FileReader, OfFile

__all__ = ["CSVBatches", "CSVSource"]

_LEAST = 64 << 10  # bytes of text to have at hand
_CUT_OFF = "the row is cut off"


class CSVSource(OfFile["CSVBatches"]):
    """A CSV file, its columns typed as the options say or as its first rows look."""

    def __init__(self, file: FileSource, options: CSVOptions | None = None) -> None:
        super().__init__(file)
        self._options = options or CSVOptions()

    def _reader(self, opened: OpenSource, ids: Ids | None) -> CSVBatches:
        likely = likely_delimiter(self.file)
        waits = not self.repeatable
        text = CSVText(opened.stream, self._options, likely, waits=waits)
        return CSVBatches(self.name, text, ids, opened)


class CSVBatches(FileReader):
    """See `Reader`. Header and first rows are looked at in any case."""

    def __init__(self, name: str, text: CSVText, ids: Ids | None, opened: OpenSource) -> None:
        super().__init__(opened)
        self._name = name
        self._text = text
        self._ids = ids
        self._documents = 0
        self._usual_size = 0.0  # of a row
        #: How documents are made of rows; None for an empty file.
        self.plan = text.begin()
        #: What people may want to know of how the file was taken.
        self.notes = text.notes
        self._converter = None if self.plan is None else Converter(self.plan)

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        self._text.go_to(at["offset"])
        self._text.line = at["line"]
        self._documents = at["documents"]

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._converter is None:
            return None
        deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        text = self._text
        text.read(self._wanted(limits), deadline)
        while True:
            rows = self._converter.read(
                text.data,
                text.at,
                text.line,
                at_end=text.at_end,
                first_id=None if self._ids is None else self._ids.first(self._documents),
                most=limits.documents,
                most_bytes=limits.bytes,
            )
            size = rows.end - text.at
            text.at, text.line = rows.end, rows.line
            if rows.ends or rows.rejects:
                return self._batch(rows, size)
            if not text.more():
                return self._last()

    def _wanted(self, limits: BatchLimits) -> int:
        """How much text a full batch is likely to need."""
        if not self._usual_size:
            return max(_LEAST, limits.bytes // 4)
        return max(_LEAST, min(limits.bytes, int(limits.documents * self._usual_size * 1.1)))

    def _batch(self, rows: Rows, size: int) -> Batch:
        lines = memoryview(rows.lines).cast("q")
        count = len(lines)
        self._documents += count
        if count:
            self._usual_size = size / count
        return Batch(
            self._name,
            rows.data,
            rows.ends,
            consecutive(lines),
            [Reject(line, error, raw=raw) for line, raw, error in rows.rejects],
            self._place(),
            size,
            self._ids is not None and not rows.own_ids,
        )

    def _place(self) -> Position:
        text = self._text
        return {"documents": self._documents, "offset": text.place, "line": text.line}

    def _last(self) -> Batch | None:
        """What is left where no row follows: nothing, or a row that cannot be read to its end."""
        text = self._text
        if text.failure is None:
            return None
        raw = text.data[text.at :]
        if not raw:
            raise text.failure
        text.at = len(text.data)
        reject = Reject(text.line, _CUT_OFF, raw=raw)
        return Batch(self._name, b"", b"", (), [reject], self._place(), len(raw))
