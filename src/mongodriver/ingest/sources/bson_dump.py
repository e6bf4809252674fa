"""Dumps of BSON (`mongodump`, `mongodriver export`): documents one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bsonx._impl import encode_documents
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.files import FileSource, OpenSource, open_source
from mongodriver.values.limits import MAX_BSON_SIZE

__all__ = ["BSONReader", "BSONSource"]

_CHUNK = 1 << 20
_LEAST_SIZE, _MOST_SIZE = 5, 2 * MAX_BSON_SIZE  # what is too large is told by those who send it
_ARCHIVE = (0x8199E26D).to_bytes(4, "little")


class BSONSource:
    """A file of BSON documents."""

    awaits = False

    def __init__(self, file: FileSource) -> None:
        self.file = file

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

    def open(self, ids: Ids | None, at: Position | None = None) -> BSONReader:
        """See `Source.open`."""
        with ExitStack() as stack:
            reader = BSONReader(self.name, stack.enter_context(open_source(self.file)), ids)
            if at:
                reader.go_to(at)
            reader.stack = stack.pop_all()
        return reader


class BSONReader:
    """See `Reader`. Positions are the numbers of the documents, from 1."""

    stack: ExitStack

    def __init__(self, name: str, opened: OpenSource, ids: Ids | None) -> None:
        self._name = name
        self._opened = opened
        self._stream: Any = opened.stream
        self._ids = ids
        self._data = b""
        self._at = 0  # in the data
        self._offset = 0  # of the data, in the unpacked file
        self._records = self._documents = 0
        self._failure: Exception | None = None

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        self._records, self._documents = at["record"], at["documents"]
        while self._offset + len(self._data) < at["offset"]:
            self._at = len(self._data)
            if not self._more():
                raise self._failure or IngestError(
                    f"the file ends before byte {at['offset']}, to which it was read once"
                )
        self._at = at["offset"] - self._offset

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._failure is not None:
            raise self._failure
        start = self._offset + self._at
        first = None if self._ids is None else self._ids.first(self._documents)
        data, ends, own, bad, taken, end = encode_documents(
            self._cut(),
            DEFAULT_CODEC_OPTIONS,
            first,
            max_count=limits.documents,
            max_bytes=limits.bytes,
            seconds=-1.0 if limits.seconds is None else limits.seconds,
        )
        if isinstance(end, Exception):
            self._failure = end
        if not taken:
            if self._failure is not None:
                raise self._failure
            return None
        numbers: Any = range(self._records + 1, self._records + taken + 1)
        rejects = [
            Reject(numbers[number], str(error) or repr(error), raw=bytes(item))
            for number, error, item in bad
        ]
        if bad:
            left_out = {reject.position for reject in rejects}
            numbers = [number for number in numbers if number not in left_out]
        self._records += taken
        self._documents += taken - len(bad)
        offset = self._offset + self._at
        place = {"documents": self._documents, "record": self._records, "offset": offset}
        return Batch(self._name, data, ends, numbers, rejects, place, offset - start, own)

    def _cut(self) -> Iterator[bytes]:
        """Cut the documents out; the place is that behind the last one that was given."""
        while True:
            if len(self._data) - self._at < 4 and not self._fill(4):
                return
            size = int.from_bytes(self._data[self._at : self._at + 4], "little")
            if not _LEAST_SIZE <= size <= _MOST_SIZE:
                raise IngestError(self._problem(size))
            if len(self._data) - self._at < size:
                self._fill(size)
            document = self._data[self._at : self._at + size]
            self._at += size
            yield document

    def _problem(self, size: int) -> str:
        if self._records == 0 and self._data.startswith(_ARCHIVE):
            return "it is an archive of mongodump: make files of it (mongodump --out FOLDER)"
        place = self._offset + self._at
        return f"no document of BSON begins at byte {place}: its size would be {size}"

    def _fill(self, size: int) -> bool:
        """Read until there are so many bytes; False at the end of the file.

        :raises IngestError, OSError: where the file ends before, or cannot be read.
        """
        while len(self._data) - self._at < size:
            if not self._more():
                if self._failure is not None:
                    raise self._failure
                if self._at < len(self._data):
                    raise IngestError(f"the document at byte {self._offset + self._at} is cut off")
                return False
        return True

    def _more(self) -> bool:
        rest = self._data[self._at :]
        self._offset += self._at
        self._at = 0
        try:
            chunk = self._stream.read1(max(_CHUNK, len(rest)))
        except (OSError, IngestError) as error:
            self._failure = error
            chunk = b""
        self._data = rest + chunk
        return bool(chunk)

    def consumed(self) -> int:
        """See `Reader.consumed`."""
        return self._opened.position()

    def close(self) -> None:
        """See `Reader.close`."""
        self.stack.close()
