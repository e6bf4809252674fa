"""The entries of a dead letter as a source: what has been repaired is loaded after all."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import bsonx
from bsonx import ndjson
from bsonx.errors import BSONError
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.ingest.batch import ENCODE, PARSE, Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.dead_letter.entry import BadEntry, DeadRecord, from_bson
from mongodriver.ingest.dead_letter.files import Entry, read_entries
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import BadRecord, explain
from mongodriver.values.errors import PyMongoError

Convert = Callable[[DeadRecord], bytes]
"""Makes BSON of the text of a record. Raises BadRecord."""

_ANY_DATE: bsonx.CodecOptions[Mapping[str, Any]] = bsonx.CodecOptions(
    datetime_conversion=bsonx.DatetimeConversion.DATETIME_MS
)
_ID_ELEMENT = b"\x07_id\0"


class EntriesFile:
    """A dead letter in a file, as a source.

    :param path: NDJSON, or BSON (`.bson`).
    :param convert: by format, what makes documents of texts; extended JSON is known.
    :param id_field: this field becomes ``_id`` of documents that have none.
    """

    awaits = False
    repeatable = True
    is_stdin = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        convert: Mapping[str, Convert] | None = None,
        id_field: str | None = None,
    ) -> None:
        self.path = self.name = os.fspath(path)
        self._maker = _Maker(convert, id_field)

    @property
    def size(self) -> int | None:
        """Its bytes on disk."""
        return os.stat(self.path).st_size

    def open(self, ids: Ids | None, at: Position | None = None) -> EntriesReader:
        """Begin to read. The records have ids of their own; those in `ids` are for nobody."""
        open(self.path, "rb").close()
        begin = at["documents"] if at else 0
        return EntriesReader(self.name, self._entries(), self._maker, begin)

    def _entries(self) -> Iterator[Entry]:
        try:
            yield from read_entries(self.path)
        except EOFError as error:
            raise IngestError(f"the last entry is cut off: {error}") from error


class EntriesCollection:
    """A dead letter in a collection, as a source, in the collection's own flavour."""

    repeatable = False
    size = None

    def __init__(
        self,
        collection: Any,
        convert: Mapping[str, Convert] | None = None,
        id_field: str | None = None,
    ) -> None:
        self.name = collection.full_name
        self.awaits = isinstance(collection, AsyncCollection)
        self._collection = collection
        self._maker = _Maker(convert, id_field)

    def open(self, ids: Ids | None, at: Position | None = None) -> Any:
        """Begin to read."""
        raw = bsonx.CodecOptions(document_class=RawBSONDocument)
        cursor = self._collection.with_options(codec_options=raw).find(sort=[("_id", 1)])
        if self.awaits:
            return AsyncEntriesReader(self.name, _ahead(cursor), self._maker)
        entries = ((number, 0, _entry(found)) for number, found in enumerate(cursor, 1))
        return EntriesReader(self.name, entries, self._maker, 0)


async def _ahead(cursor: Any) -> AsyncIterator[Entry]:
    number = 0
    async for found in cursor:
        number += 1
        yield number, 0, _entry(found)


def _entry(found: RawBSONDocument) -> DeadRecord | BadEntry:
    try:
        return from_bson(found.raw)
    except BadEntry as error:
        return error


class EntriesReader:
    """Reads entries into batches."""

    def __init__(self, name: str, entries: Iterator[Entry], maker: _Maker, skip: int) -> None:
        self._name = name
        self._entries = entries
        self._maker = maker
        self._skip = skip  # documents that are settled
        self._read = 0
        self._end = 0
        self._failure: Exception | None = None

    def read(self, limits: BatchLimits) -> Batch | None:
        """Return the next documents and rejects; None at the end."""
        gathered = _Gathered(self._name, self._read)
        if self._failure is None:
            try:
                self._gather(gathered, limits)
            except (OSError, IngestError, PyMongoError) as error:
                self._failure = error  # behind what was good before
        batch = gathered.batch()
        if batch is None and self._failure is not None:
            raise IngestError(f"{self._name}: {self._failure}") from self._failure
        self._read = gathered.documents
        return batch

    def _gather(self, gathered: _Gathered, limits: BatchLimits) -> None:
        for position, end, entry in self._entries:
            made = self._maker.make(position, entry)
            if isinstance(made, bytes) and self._skip:
                self._skip -= 1
                gathered.before += 1
            else:
                gathered.add(position, made)
            self._end = end
            if gathered.is_full(limits):
                break

    def consumed(self) -> int:
        """Return how many bytes of the file have been read."""
        return self._end

    def close(self) -> None:
        """Close the file, or the cursor."""
        close = getattr(self._entries, "close", None)
        if close is not None:
            close()


class AsyncEntriesReader:
    """Reads entries into batches, from a cursor that is awaited."""

    def __init__(self, name: str, entries: AsyncIterator[Entry], maker: _Maker) -> None:
        self._name = name
        self._entries = entries
        self._maker = maker
        self._read = 0
        self._failure: Exception | None = None

    async def read(self, limits: BatchLimits) -> Batch | None:
        """Return the next documents and rejects; None at the end."""
        gathered = _Gathered(self._name, self._read)
        if self._failure is None:
            try:
                async for position, _, entry in self._entries:
                    gathered.add(position, self._maker.make(position, entry))
                    if gathered.is_full(limits):
                        break
            except PyMongoError as error:
                self._failure = error
        batch = gathered.batch()
        if batch is None and self._failure is not None:
            raise IngestError(f"{self._name}: {self._failure}") from self._failure
        self._read = gathered.documents
        return batch

    def consumed(self) -> int:
        """Return 0: there are no bytes to count."""
        return 0

    async def close(self) -> None:
        """Close the cursor."""
        close = getattr(self._entries, "aclose", None)
        if close is not None:
            await close()


class _Gathered:
    """A batch in the making."""

    def __init__(self, name: str, before: int) -> None:
        self._name = name
        self.before = before
        self._data = bytearray()
        self._ends = array("I")
        self._positions: list[int] = []
        self._rejects: list[Reject] = []

    @property
    def documents(self) -> int:
        """How many documents of the source lie before the end of this batch."""
        return self.before + len(self._ends)

    def add(self, position: int, made: bytes | Reject) -> None:
        if isinstance(made, Reject):
            self._rejects.append(made)
            return
        self._data += made
        self._ends.append(len(self._data))
        self._positions.append(position)

    def is_full(self, limits: BatchLimits) -> bool:
        size = max(len(self._ends), len(self._rejects))
        return size >= limits.documents or len(self._data) >= limits.bytes

    def batch(self) -> Batch | None:
        if not self._ends and not self._rejects:
            return None
        return Batch(
            self._name,
            bytes(self._data),
            self._ends.tobytes(),
            self._positions,
            self._rejects,
            {"documents": self.documents},
        )


class _Maker:
    """Makes documents of entries."""

    def __init__(self, convert: Mapping[str, Convert] | None, id_field: str | None) -> None:
        self._convert = {"ndjson": _from_json, "json": _from_json, **(convert or {})}
        self._id_field = id_field

    def make(self, position: int, entry: DeadRecord | BadEntry) -> bytes | Reject:
        """Return the document with an `_id`, or why there is none."""
        if isinstance(entry, BadEntry):
            return Reject(position, str(entry))
        if entry.document is not None:
            return self._check(position, entry, entry.document)
        convert = self._convert.get(entry.format or _guess(entry.source))
        if convert is None:
            what = f"as {entry.format}" if entry.format else "of an unknown format"
            problem = f"a record {what} cannot be loaded: put a document into its entry"
            return Reject(position, problem, PARSE, entry.text)
        try:
            return self._check(position, entry, convert(entry))
        except BadRecord as error:
            return Reject(position, str(error), PARSE, entry.text)

    def _check(self, position: int, entry: DeadRecord, data: bytes) -> bytes | Reject:
        try:
            document = bsonx.decode(data, _ANY_DATE)
        except (BSONError, ValueError, OverflowError) as error:
            return Reject(position, str(error), ENCODE, value=data)
        if "_id" in document:
            return data
        if self._id_field is not None and self._id_field in document:
            return _with_id_first(data, self._id_field)
        return _with_id(data, entry.id or _id_of(entry))


def _guess(source: str) -> str:
    """Return the format of a source by its name: entries of earlier versions do not say it."""
    return "json" if ".json" in source.lower() or ".ndjson" in source.lower() else ""


def _from_json(record: DeadRecord) -> bytes:
    try:
        return ndjson.read_record(record.text or b"")
    except Exception as error:
        raise BadRecord(explain(error)) from error


def _with_id(data: bytes, identity: ObjectId) -> bytes:
    element = _ID_ELEMENT + identity.binary
    return (len(data) + len(element)).to_bytes(4, "little") + element + data[4:]


def _with_id_first(data: bytes, field: str) -> bytes:
    fields = dict(RawBSONDocument(data, bsonx.CodecOptions(RawBSONDocument)))
    return bsonx.encode({"_id": fields.pop(field), **fields})


def _id_of(record: DeadRecord) -> ObjectId:
    """Return an id that follows from where the record came from: an entry that somebody wrote, or
    that is of an earlier version, has none."""
    text = f"{record.source}\0{record.position}".encode("utf-8", "surrogatepass")
    return ObjectId(hashlib.sha256(text).digest()[:12])
