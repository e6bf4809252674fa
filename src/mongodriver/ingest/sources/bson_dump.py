"""Dumps of BSON (`mongodump`, `mongodriver export`): documents one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bsonx._impl import encode_documents
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.buffer import Buffer
from mongodriver.ingest.sources.files import OpenSource
from mongodriver.ingest.sources.of_file import FileReader, OfFile
from mongodriver.values.limits import MAX_BSON_SIZE

__all__ = ["BSONReader", "BSONSource"]

_LEAST_SIZE, _MOST_SIZE = 5, 2 * MAX_BSON_SIZE  # what is too large is told by those who send it
_ARCHIVE = (0x8199E26D).to_bytes(4, "little")


class BSONSource(OfFile["BSONReader"]):
    """A file of BSON documents."""

    def _reader(self, opened: OpenSource, ids: Ids | None) -> BSONReader:
        return BSONReader(self.name, opened, ids, waits=not self.repeatable)


class BSONReader(FileReader):
    """See `Reader`. Positions are the numbers of the documents, from 1."""

    def __init__(
        self, name: str, opened: OpenSource, ids: Ids | None, *, waits: bool = False
    ) -> None:
        super().__init__(opened)
        self._name = name
        self._bytes = Buffer(opened.stream, waits)
        self._ids = ids
        self._records = self._documents = 0
        self._failure: Exception | None = None

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        self._records, self._documents = at["record"], at["documents"]
        self._bytes.go_to(at["offset"])

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._failure is not None:
            raise self._failure
        start = self._bytes.place
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
        offset = self._bytes.place
        place = {"documents": self._documents, "record": self._records, "offset": offset}
        return Batch(self._name, data, ends, numbers, rejects, place, offset - start, own)

    def _cut(self) -> Iterator[bytes]:
        """Cut the documents out; the place is that behind the last one that was given."""
        text = self._bytes
        while True:
            if text.unread < 4 and not self._fill(4):
                return
            size = int.from_bytes(text.data[text.at : text.at + 4], "little")
            if not _LEAST_SIZE <= size <= _MOST_SIZE:
                raise IngestError(self._problem(size))
            if text.unread < size:
                self._fill(size)
            document = text.data[text.at : text.at + size]
            text.at += size
            yield document

    def _problem(self, size: int) -> str:
        if self._records == 0 and self._bytes.data.startswith(_ARCHIVE):
            return "it is an archive of mongodump: make files of it (mongodump --out FOLDER)"
        return f"no document of BSON begins at byte {self._bytes.place}: its size would be {size}"

    def _fill(self, size: int) -> bool:
        """Read until there are so many bytes; False at the end of the file.

        :raises IngestError, OSError: where the file ends before, or cannot be read.
        """
        text = self._bytes
        text.read(size)
        if text.unread >= size:
            return True
        if text.failure is not None:
            raise text.failure
        if text.unread:
            raise IngestError(f"the document at byte {self._bytes.place} is cut off")
        return False
