"""CSV with a header: one document for each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bsonx.csv import RowError, RowValues, is_blank, next_row, row_texts
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.readers.base import MAX_RECORD, Record, Reject

__all__ = ["CSVOptions", "CSVReader"]

CUT_OFF = "the row is cut off"


class CSVReader:
    """Reads typed documents from rows. `likely` is the delimiter where nothing else tells it."""

    def __init__(
        self,
        stream: BinaryIO,
        reject: Reject,
        options: CSVOptions | None = None,
        *,
        likely: str = ",",
        max_record: int = MAX_RECORD,
    ) -> None:
        self._text = CSVText(stream, options or CSVOptions(), likely, max_record)
        self._reject = reject

    def __iter__(self) -> Iterator[Record]:
        """Yield the documents; see `Reader`."""
        text = self._text
        plan = text.begin()
        if plan is None:
            return
        values = RowValues(plan)
        while True:
            start, line = text.start, text.line
            raw = b""
            try:
                found = next_row(text.data, start, line, plan.dialect, text.at_end)
                if found is None or start == len(text.data):
                    if self._more():
                        continue
                    return
                end, fields = found
                raw = text.data[start:end]
                self._pass(end)
                if not is_blank(fields, plan):
                    document = values.document(row_texts(raw, 0, len(raw), fields))
                    yield line, len(raw), document
            except RowError as error:
                raw = text.data[start : error.end]
                self._pass(error.end)
                self._reject(line, raw, f"not CSV: {error}")
            except ValueError as error:
                self._reject(line, raw, str(error))

    def _pass(self, end: int) -> None:
        text = self._text
        text.line += text.data.count(text.dialect.newline, text.start, end)
        text.start = end

    def _more(self) -> bool:
        text = self._text
        text.drop_used()
        if text.more():
            return True
        if text.failure is not None:
            if text.data:
                self._reject(text.line, text.data, CUT_OFF)
            raise text.failure
        return False
