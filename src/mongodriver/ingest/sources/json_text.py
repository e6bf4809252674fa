"""NDJSON, JSON arrays and documents of JSON one behind the other, as sources of batches.

The text is cut, read and encoded by :mod:`bsonx.ndjson`; here is what it needs of a file: enough of
it at a time, so that a batch is full and a record whole, and where each record stands.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time
from contextlib import ExitStack
from typing import Any, cast

from bsonx import ndjson
from mongodriver.ingest.batch import ENCODE, PARSE, Batch, BatchLimits, Code, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers.base import MAX_RECORD
from mongodriver.ingest.readers.values import UNENCODABLE, explain
from mongodriver.ingest.sources.files import DAMAGE, FileSource, OpenSource, open_source

__all__ = ["JSONSource", "JSONTextReader", "Text"]

_LEAST = 256 << 10  # bytes of text to read at a time
_KEPT = 1000  # bytes of an overlong line that a reject shows


class JSONSource:
    """A file of documents in extended JSON.

    :param file: where it is; its format is "ndjson", "json" or "geojson".
    :param id_field: a field that becomes `_id`.
    """

    awaits = False

    def __init__(self, file: FileSource, id_field: str | None = None) -> None:
        self.file = file
        self.id_field = id_field

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

    def open(self, ids: Ids | None, at: Position | None = None) -> JSONTextReader:
        """See `Source.open`."""
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(open_source(self.file))
                text = Text(opened, waits=not self.repeatable)
                make = _reader_class(self.file.format)
                reader = make(self.name, self.file.format, text, ids, self.id_field)
                if at:
                    reader.go_to(at)
            except DAMAGE as error:
                raise _as_ingest_error(error) from error
            reader.stack = stack.pop_all()
        return reader


def _reader_class(form: str) -> type[JSONTextReader]:
    if form != "geojson":
        return JSONTextReader
    from mongodriver.ingest.sources.geojson_text import GeoJSONTextReader

    return GeoJSONTextReader


class Text:
    """The text of an open file that has been read and not passed."""

    def __init__(self, opened: OpenSource, waits: bool) -> None:
        self.opened = opened
        self.data = b""
        self.at = 0  # in the data
        self.offset = 0  # of the data, in the unpacked file
        self.at_end = False
        self.error: Exception | None = None  # which ended it
        self._stream = cast(io.BufferedReader, opened.stream)
        self._plain = isinstance(getattr(self._stream, "raw", None), io.FileIO)
        self._waits = waits

    @property
    def unread(self) -> int:
        """How many bytes there are."""
        return len(self.data) - self.at

    def go_to(self, offset: int) -> None:
        """Begin at an offset in the unpacked file."""
        if self._plain and not self._waits and os.fstat(self._stream.fileno()).st_size >= offset:
            self._stream.seek(offset)
            self.offset = offset
        while self.offset + len(self.data) < offset:
            self.at = len(self.data)
            self.read(0, None, more=True)
            if self.at_end:
                raise IngestError(f"the file ends before byte {offset}, to which it was read once")
        self.at = offset - self.offset

    def read(self, wanted: int, deadline: float | None, more: bool = False) -> None:
        """Read until `wanted` bytes are there, or the deadline is over and something is.

        :param more: in any case some that are not there yet.
        """
        parts: list[bytes] = []
        size = self.unread
        while not self.at_end and (size < wanted or more):
            if size and not more and not self._has_more(deadline):
                break
            part = self._read(max(wanted - size, _LEAST))
            parts.append(part)
            size += len(part)
            more = False
        if parts:
            self.offset += self.at
            self.data = b"".join([self.data[self.at :], *parts])
            self.at = 0

    def _read(self, size: int) -> bytes:
        try:
            part = self._stream.read1(size) if self._waits else self._stream.read(size)
        except (OSError, *DAMAGE) as error:
            self.error = _as_ingest_error(error)
            part = b""
        self.at_end = not part
        return part

    def _has_more(self, deadline: float | None) -> bool:
        """Whether to go on reading what may be waited for: there is no deadline, or something
        comes before it."""
        if not self._waits or deadline is None:
            return True
        left = max(deadline - time.monotonic(), 0.0)
        if sys.platform == "win32" or not self._plain:
            return left > 0
        return bool(select.select([self._stream], [], [], left)[0])


def _as_ingest_error(error: Exception) -> Exception:
    if isinstance(error, (OSError, IngestError)):
        return error
    made = IngestError(str(error) or repr(error))
    made.__cause__ = error
    return made


class JSONTextReader:
    """See `Reader`. What it tells is unpacked bytes and lines, from the beginning of the file."""

    stack: ExitStack
    _container = "array"

    def __init__(
        self, name: str, form: str, text: Text, ids: Ids | None, id_field: str | None
    ) -> None:
        self._name = name
        self.text = text
        self._ids = ids
        self._id_field = id_field
        self._lines = form == "ndjson"
        self._line = 1
        self._state = ndjson.START
        self._documents = 0
        self._too_long = False  # what is read is the rest of an overlong line
        self._usual_size = 0.0  # of a document's text
        self.max_record = MAX_RECORD
        #: Of the file.
        self.encoding = text.opened.encoding

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
            if text.at_end:
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
            "final": text.at_end,
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
            too_long = text.unread > self.max_record and not text.at_end
            return self._refuse_record() if too_long else None
        return self._batch(found, rejects, size)

    def _go_on(self, found: ndjson.Batch) -> None:
        self.text.at = found.consumed
        self._line = found.line
        self._state = found.state
        self._documents += len(found)

    def _batch(self, found: ndjson.Batch, rejects: list[Reject], size: int) -> Batch:
        own = self._ids is not None and found.made_ids == len(found)
        positions = _positions(found.lines)
        return Batch(
            self._name, found.data, found.ends, positions, rejects, self._place(), size, own
        )

    def _place(self) -> Position:
        place: Position = {
            "documents": self._documents,
            "offset": self.text.offset + self.text.at,
            "line": self._line,
            "state": self._state,
        }
        return {**place, "too_long": True} if self._too_long else place

    def _refuse_record(self) -> Batch:
        """Reject a line that is longer than any document, which is not read as a whole."""
        if not self._lines:
            raise self._error(f"a value is longer than {self.max_record} bytes")
        text = self.text
        raw = text.data[text.at : text.at + _KEPT]
        error = f"the line is longer than {self.max_record} bytes"
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
        if self.text.error is not None:
            raise self.text.error
        if self._state in (ndjson.ARRAY, ndjson.AFTER_ITEM):
            raise self._error(f"the {self._container} is cut off")

    def _error(self, what: str) -> IngestError:
        return IngestError(f"line {self._line}: {what}")

    def consumed(self) -> int:
        """See `Reader.consumed`."""
        return self.text.opened.position()

    def close(self) -> None:
        """See `Reader.close`."""
        self.stack.close()


def _positions(lines: memoryview) -> Any:
    if lines and lines[-1] - lines[0] == len(lines) - 1:
        return range(lines[0], lines[-1] + 1)
    return lines


def _reject(data: bytes, reject: ndjson.Reject) -> Reject:
    code: Code = ENCODE if isinstance(reject.error, UNENCODABLE) else PARSE
    return Reject(reject.line, explain(reject.error), code, data[reject.start : reject.end])
