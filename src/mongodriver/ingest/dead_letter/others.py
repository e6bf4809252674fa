"""Dead letters that go to a function or into a collection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from bsonx._impl import run_coroutine
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.ingest.dead_letter.entry import DeadRecord
from mongodriver.ingest.errors import DeadLetterError
from mongodriver.ingest.outputs import InputFile
from mongodriver.values.errors import BulkWriteError, OperationFailure, PyMongoError

_DUPLICATE_KEY = 11000
_MAX_ENTRY = 16 << 20  # bytes
_HEAD = 1 << 16  # bytes: more than an entry has beside its document


class CallableDeadLetter:
    """Calls a function, or a coroutine function, with each DeadRecord.

    After a kill and a resume it may see a record again that it has seen already.

    :param blocking: there is no loop that a coroutine could wait for.
    """

    def __init__(self, function: Callable[[DeadRecord], Any], *, blocking: bool = False) -> None:
        self._function = function
        self._blocking = blocking

    def check(self, sources: Iterable[InputFile]) -> None:
        """Nothing is written over."""

    async def settled(self) -> set[tuple[str, int]]:
        """Return nothing: it is not known what the function did with them."""
        return set()

    async def add(self, records: Sequence[DeadRecord]) -> None:
        """Call the function. Raises DeadLetterError from what it raises."""
        for record in records:
            try:
                result = self._function(record.with_id())
                if isawaitable(result):
                    await (_at_once(result) if self._blocking else result)
            except Exception as error:
                raise DeadLetterError(f"the dead letter's function failed: {error!r}") from error

    def sync(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing is open."""


async def _at_once(result: Awaitable[Any]) -> None:
    """Await what is ready. Raises RuntimeError for what waits."""

    async def wait() -> None:
        await result

    run_coroutine(wait())


class CollectionDeadLetter:
    """Inserts an entry for every dead record into a collection of either flavour.

    :param collection: of the same kind of client as the job's.
    :param job: the job's id, so that a resumed job finds its entries; None: it is never resumed.
    """

    def __init__(self, collection: Any, job: str | None = None) -> None:
        self._collection = collection
        self._job = job

    def check(self, sources: Iterable[InputFile]) -> None:
        """Nothing is written over."""

    async def settled(self) -> set[tuple[str, int]]:
        """Return (source, position) of the records that an earlier run of the job found dead."""
        if self._job is None:
            return set()
        cursor = self._collection.find({"job": self._job}, {"file": 1, "line": 1, "_id": 0})
        if isinstance(self._collection, AsyncCollection):
            return {(entry["file"], entry["line"]) async for entry in cursor}
        return {(entry["file"], entry["line"]) for entry in cursor}

    async def add(self, records: Sequence[DeadRecord]) -> None:
        """Insert entries. Raises DeadLetterError."""
        entries = [self._entry(record.with_id()) for record in records]
        fitting = [entry for entry in entries if _size(entry) <= _MAX_ENTRY]
        try:
            refused = await self._refused(fitting)
            # What the server takes for no good document may still be kept as bytes.
            others = refused + [entry for entry in entries if _size(entry) > _MAX_ENTRY]
            refused = [others[index] for index in await self._insert(list(map(_packed, others)))]
        except PyMongoError as error:
            raise DeadLetterError(f"dead letters cannot be stored: {error}") from error
        if refused:
            raise DeadLetterError("dead letters cannot be stored: the server refuses them")

    def sync(self) -> None:
        """The server has confirmed them already."""

    def close(self) -> None:
        """The collection is the caller's."""

    def _entry(self, record: DeadRecord) -> dict[str, Any]:
        fields = dict(RawBSONDocument(record.to_bson()))
        if self._job is None:
            return {"_id": ObjectId(), **fields}
        where = {"job": self._job, "file": record.source, "line": record.position}
        return {"_id": where, "job": self._job, **fields}

    async def _refused(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Insert entries; return those that the server refuses."""
        try:
            return [entries[index] for index in await self._insert(entries)]
        except BulkWriteError:
            raise
        except OperationFailure:  # one that is nested too deeply spoils the whole message
            return entries

    async def _insert(self, entries: list[dict[str, Any]]) -> list[int]:
        """Return the indexes of those that the server refuses, but for what it has already."""
        if not entries:
            return []
        try:
            await AsyncCollection.insert_many(self._collection, entries, ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            if details.get("writeConcernErrors"):
                raise
            failed = details.get("writeErrors", [])
            return [one["index"] for one in failed if one.get("code") != _DUPLICATE_KEY]
        return []


def _size(entry: Mapping[str, Any]) -> int:
    document = entry.get("document")
    return len(document.raw) + _HEAD if isinstance(document, RawBSONDocument) else 0


def _packed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the document as bytes, or without it where it is too large."""
    rest = {name: value for name, value in entry.items() if name != "document"}
    data = entry["document"].raw if "document" in entry else entry.get("bson", b"")
    if len(data) + _HEAD > _MAX_ENTRY:
        return {**rest, "left_out": len(data)}
    return {**rest, "bson": data}
