"""NDJSON, JSON arrays and documents of JSON one behind the other, as sources of batches.

The text is cut, read and encoded by :mod:`bsonx.ndjson`; here is what it needs of a file: enough of
it at a time, so that a batch is full and a record whole, and where each record stands.
"""

from __future__ import annotations

import time
from typing import Any

from bsonx import ndjson
from mongodriver.ingest.batch import (
    ENCODE,
    PARSE,
    Batch,
    BatchLimits,
    Code,
    Ids,
    Position,
    Reject,
    consecutive,
)
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import MAX_RECORD, UNENCODABLE, explain
from mongodriver.ingest.sources.buffer import Buffer
from mongodriver.ingest.sources.files import FileSource, OpenSource
from mongodriver.ingest.sources.of_file import FileReader, OfFile

__all__ = ["JSONSource", "JSONTextReader"]

_LEAST = 256 << 10  # bytes of text to have at hand
_KEPT = 1000  # bytes of an overlong line that a reject shows


class JSONSource(OfFile["JSONTextReader"]):
    """A file of documents in extended JSON.

    :param file: where it is; its format is "ndjson", "json" or "geojson".
    :param id_field: a field that becomes `_id`.
    """

    def __init__(self, file: FileSource, id_field: str | None = None) -> None:
        super().__init__(file)
        self.id_field = id_field

    def _reader(self, opened: OpenSource, ids: Ids | None) -> JSONTextReader:
        make = JSONTextReader
        if self.file.format == "geojson":
            from mongodriver.ingest.sources.geojson_text import GeoJSONTextReader

            make = GeoJSONTextReader
        waits = not self.repeatable
        return make(self.name, self.file.format, opened, ids, self.id_field, waits=waits)


class JSONTextReader(FileReader):
    """See `Reader`. What it tells is unpacked bytes and lines, from the beginning of the file."""

    def __init__(
        self,
        name: str,
        form: str,
        opened: OpenSource,
        ids: Ids | None,
        id_field: str | None = None,
        *,
        waits: bool = False,
        max_record: int = MAX_RECORD,
    ) -> None:
        super().__init__(opened)
        self._name = name
        self.text = Buffer(opened.stream, waits)
        self._ids = ids
        self._id_field = id_field
        self._lines = form == "ndjson"
        self._line = 1
        self._state = ndjson.START
        self._documents = 0
        self._too_long = False  # what is read is the rest of an overlong line
        self._usual_size = 0.0  # of a document's text
        self._max_record = max_record

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        self.text.go_to(at["offset"])
        self._line = at["line"]
        self._state = at["state"]
        self._documents = at["documents"]
        self._too_long = "too_long" in at

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        text = self.text
        wanted, more = self._wanted(limits), False
        while True:
            text.read(wanted, deadline, more)
            if self._too_long:
                self._skip_line()
            batch = None if self._too_long else self._cut(limits)
            if batch is not None:
                return batch
            if text.exhausted:
                self._finish()
                return None
            # The next record is not there as a whole.
            wanted, more = max(wanted, 2 * text.unread), True

    def _wanted(self, limits: BatchLimits) -> int:
        """How much text a full batch is likely to need."""
        size = limits.bytes
        if self._usual_size:
            size = min(size, int(limits.documents * self._usual_size * 1.1))
        return max(size, _LEAST)

    def _cut(self, limits: BatchLimits) -> Batch | None:
        """The next batch of what has been read; None if there is no whole record."""
        text = self.text
        first = None if self._ids is None else self._ids.first(self._documents)
        options: dict[str, Any] = {
            "line": self._line,
            "final": text.exhausted,
            "first_id": first,
            "id_field": self._id_field,
            "max_documents": limits.documents,
            "max_bytes": limits.bytes,
        }
        if self._lines:
            found = ndjson.read_lines(text.data, text.at, **options)
        else:
            found = ndjson.read_values(text.data, text.at, state=self._state, **options)
        size = found.consumed - text.at
        rejects = [_reject(text.data, reject) for reject in found.rejects]
        self._go_on(found)
        if len(found):
            self._usual_size = size / len(found)
        elif not rejects:
            self._check_state()
            too_long = text.unread > self._max_record and not text.exhausted
            return self._refuse_record() if too_long else None
        return self._batch(found, rejects, size)

    def _go_on(self, found: ndjson.Batch) -> None:
        self.text.at = found.consumed
        self._line = found.line
        self._state = found.state
        self._documents += len(found)

    def _batch(self, found: ndjson.Batch, rejects: list[Reject], size: int) -> Batch:
        own = self._ids is not None and found.made_ids == len(found)
        positions = consecutive(found.lines)
        return Batch(
            self._name, found.data, found.ends, positions, rejects, self._place(), size, own
        )

    @property
    def _container(self) -> str:
        """What holds the documents, for messages."""
        return "array"

    def _place(self) -> Position:
        place: Position = {
            "documents": self._documents,
            "offset": self.text.place,
            "line": self._line,
            "state": self._state,
        }
        return {**place, "too_long": True} if self._too_long else place

    def _refuse_record(self) -> Batch:
        """Reject a line that is longer than any document, which is not read as a whole."""
        if not self._lines:
            raise self._error(f"a value is longer than {self._max_record} bytes")
        text = self.text
        raw = text.data[text.at : text.at + _KEPT]
        error = f"the line is longer than {self._max_record} bytes"
        size = text.unread
        text.at = len(text.data)
        self._too_long = True
        reject = Reject(self._line, error, PARSE, raw)
        return Batch(self._name, b"", b"", (), [reject], self._place(), size)

    def _skip_line(self) -> None:
        text = self.text
        end = text.data.find(b"\n", text.at) + 1
        text.at = end or len(text.data)
        if end:
            self._too_long = False
            self._line += 1

    def _check_state(self) -> None:
        if self._state == ndjson.BAD_START:
            raise self._error("neither a JSON array nor a JSON object begins here")
        if self._state == ndjson.BAD_END:
            raise self._error("there is text behind the end of the array")

    def _finish(self) -> None:
        """At the end of the text: raise what is wrong with it."""
        if self.text.failure is not None:
            raise self.text.failure
        if self._state in (ndjson.ARRAY, ndjson.AFTER_ITEM):
            raise self._error(f"the {self._container} is cut off")

    def _error(self, what: str) -> IngestError:
        return IngestError(f"line {self._line}: {what}")


def _reject(data: bytes, reject: ndjson.Reject) -> Reject:
    code: Code = ENCODE if isinstance(reject.error, UNENCODABLE) else PARSE
    return Reject(reject.line, explain(reject.error), code, data[reject.start : reject.end])
