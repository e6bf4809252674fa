"""CSV files as sources of batches: from text to BSON as :mod:`bsonx.csv` does it."""

from __future__ import annotations

import io
import os
import select
import sys
import time
from contextlib import ExitStack
from typing import Any

from bsonx.csv import Converter, Rows
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.files import FileSource, OpenSource, likely_delimiter, open_source

__all__ = ["CSVBatches", "CSVSource"]

_LEAST = 64 << 10  # bytes of text to have at hand
_CUT_OFF = "the row is cut off"


class CSVSource:
    """A CSV file, its columns typed as the options say or as its first rows look."""

    awaits = False

    def __init__(self, file: FileSource, options: CSVOptions | None = None) -> None:
        self.file = file
        self._options = options or CSVOptions()

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self.file.name

    @property
    def size(self) -> int | None:
        """See `Source.size`."""
        return self.file.size

    @property
    def repeatable(self) -> bool:
        """See `Source.repeatable`."""
        return self.file.repeatable

    def open(self, ids: Ids | None, at: Position | None = None) -> CSVBatches:
        """See `Source.open`: header and first rows are looked at in any case."""
        with ExitStack() as stack:
            opened = stack.enter_context(open_source(self.file))
            text = CSVText(opened.stream, self._options, likely_delimiter(self.file))
            reader = CSVBatches(self.name, text, ids, opened, waits=not self.repeatable)
            if at:
                reader.go_to(at)
            reader.stack = stack.pop_all()
        return reader


class CSVBatches:
    """See `Reader`."""

    stack: ExitStack

    def __init__(
        self, name: str, text: CSVText, ids: Ids | None, opened: OpenSource, waits: bool
    ) -> None:
        self._name = name
        self._text = text
        self._ids = ids
        self._waits = waits
        self._documents = 0
        self._usual_size = 0.0  # of a row
        self._opened = opened
        self.encoding = opened.encoding
        #: How documents are made of rows; None for an empty file.
        self.plan = text.begin()
        #: What people may want to know of how the file was taken.
        self.notes = text.notes
        self._converter = None if self.plan is None else Converter(self.plan)

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        text = self._text
        if self._is_plain() and text.offset + len(text.data) < at["offset"]:
            text.seek(min(at["offset"], os.fstat(text.stream.fileno()).st_size))
        while text.offset + len(text.data) < at["offset"]:
            text.start = len(text.data)
            text.drop_used()
            if not text.more():
                raise text.failure or IngestError(
                    f"the file ends before byte {at['offset']}, to which it was read once"
                )
        text.start = at["offset"] - text.offset
        text.line = at["line"]
        self._documents = at["documents"]

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._converter is None:
            return None
        deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        text = self._text
        self._fill(self._wanted(limits), deadline)
        while True:
            rows = self._converter.read(
                text.data,
                text.start,
                text.line,
                at_end=text.at_end,
                first_id=None if self._ids is None else self._ids.first(self._documents),
                most=limits.documents,
                most_bytes=limits.bytes,
            )
            size = rows.end - text.start
            text.start, text.line = rows.end, rows.line
            if rows.ends or rows.rejects:
                return self._batch(rows, size)
            text.drop_used()
            if not text.more():
                return self._last()

    def _wanted(self, limits: BatchLimits) -> int:
        """How much text a full batch is likely to need."""
        if not self._usual_size:
            return max(_LEAST, limits.bytes // 4)
        return max(_LEAST, min(limits.bytes, int(limits.documents * self._usual_size * 1.1)))

    def _fill(self, wanted: int, deadline: float | None) -> None:
        text = self._text
        if len(text.data) - text.start >= wanted:
            return
        text.drop_used()
        while len(text.data) < wanted and (not text.data or self._has_more(deadline)):
            if not text.more():
                return

    def _has_more(self, deadline: float | None) -> bool:
        """Whether to go on reading what may be waited for: there is no deadline, or something
        comes before it."""
        if not self._waits or deadline is None:
            return True
        left = max(deadline - time.monotonic(), 0.0)
        if sys.platform == "win32" or not self._is_plain():
            return left > 0
        return bool(select.select([self._text.stream], [], [], left)[0])

    def _is_plain(self) -> bool:
        """Whether the bytes of the file are read as they are."""
        return isinstance(getattr(self._text.stream, "raw", None), io.FileIO)

    def _batch(self, rows: Rows, size: int) -> Batch:
        lines = memoryview(rows.lines).cast("q")
        count = len(lines)
        self._documents += count
        if count:
            self._usual_size = size / count
        positions: Any = lines
        if count and lines[-1] - lines[0] == count - 1:
            positions = range(lines[0], lines[-1] + 1)
        return Batch(
            self._name,
            rows.data,
            rows.ends,
            positions,
            [Reject(line, error, raw=raw) for line, raw, error in rows.rejects],
            self._place(),
            size,
            self._ids is not None and not rows.own_ids,
        )

    def _place(self) -> Position:
        text = self._text
        return {
            "documents": self._documents,
            "offset": text.offset + text.start,
            "line": text.line,
        }

    def _last(self) -> Batch | None:
        """What is left where no row follows: nothing, or a row that cannot be read to its end."""
        text = self._text
        if text.failure is None:
            return None
        raw = text.data[text.start :]
        if not raw:
            raise text.failure
        text.start = len(text.data)
        reject = Reject(text.line, _CUT_OFF, raw=raw)
        return Batch(self._name, b"", b"", (), [reject], self._place(), len(raw))

    def consumed(self) -> int:
        """See `Reader.consumed`."""
        return self._opened.position()

    def close(self) -> None:
        """See `Reader.close`."""
        self.stack.close()
