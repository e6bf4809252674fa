"""Reads a range of ids batch by batch, and goes on where it was interrupted."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bsonx import decode_all, encode
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.max_key import MaxKey
from bsonx.raw_bson import RawBSONDocument
from mongodriver.asynchronous.cursor import AsyncRawBatchCursor
from mongodriver.execution.retry_rules import is_overload, is_retryable_read
from mongodriver.public.kinds import is_blocking
from mongodriver.replies.raw import RawBatch
from mongodriver.synchronous.cursor import RawBatchCursor
from mongodriver.values.error_codes import CURSOR_GONE
from mongodriver.values.errors import OperationFailure, PyMongoError

__all__ = ["EXACT_RAW", "Query", "Reader"]

#: Documents as bytes, and values of them as they are on the wire.
EXACT_RAW: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)
#: Seconds to wait before another attempt, and the longest wait.
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 5.0


class _Whole:
    """Of a raw cursor whose items are batches with their number of documents."""

    def _unpack(self, batch: RawBatch) -> list[RawBatch]:
        return [batch] if batch else []


class _Cursor(_Whole, RawBatchCursor[Any]):
    """Of a blocking collection."""


class _AsyncCursor(_Whole, AsyncRawBatchCursor[Any]):
    """Of an asynchronous collection."""


@dataclass(slots=True)
class Query:
    """What a reader asks for; see `Partition` for the fields, which are values here.

    Bounds are ``{"_id": ...}``: an id may be null.
    """

    lower: Mapping[str, Any] | None = None
    upper: Mapping[str, Any] | None = None
    filter: Any = None
    projection: Any = None
    collation: Any = None
    batch_size: int = 0
    ordered: bool = True
    #: The user does not want the ids.
    drops_id: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        if self.projection is not None and "_id" in self.projection:
            self.drops_id = self.ordered and not self.projection["_id"]

    def options(self) -> dict[str, Any]:
        """The arguments of the find that begins at `lower`."""
        options: dict[str, Any] = {"batch_size": self.batch_size}
        if self.filter is not None:
            options["filter"] = self.filter
        projection = self._projection()
        if projection is not None:
            options["projection"] = projection
        if self.collation is not None:
            options["collation"] = self.collation
        if self.ordered:
            options |= {"hint": [("_id", 1)], "sort": [("_id", 1)]}
            if self.lower is not None:
                options["min"] = self.lower
            if self.upper is not None:
                options["max"] = self.upper
        return options

    def last(self) -> Query | None:
        """What is to be asked behind the end of this one; None for nothing.

        A lower bound alone leaves out the greatest of all ids: the server takes it for the upper
        one, which does not belong to the range.
        """
        if self.lower is None or self.upper is not None:
            return None
        if isinstance(self.lower["_id"], MaxKey):
            return None
        wanted: dict[str, Any] = {"_id": MaxKey()}
        if self.filter is not None:
            wanted = {"$and": [self.filter, wanted]}
        return Query(None, None, wanted, self.projection, self.collation)

    def _projection(self) -> Any:
        """The user's, with the ids that say where to go on."""
        if not self.drops_id:
            return self.projection
        return {n: value for n, value in self.projection.items() if n != "_id"} or None


class Reader:
    """The batches of a query: each document once, whatever becomes of cursors and servers.

    The ids are read in the order of the index, so that after a failure a new cursor begins at the
    last one. Its methods are coroutines; those of a blocking collection never wait.

    :param collection: of either flavour.
    :param prefetch: how many batches to ask for ahead; None: one, if the client has a connection
        for that.
    :param retry_seconds: how long to try again while no batch comes.
    """

    def __init__(
        self, collection: Any, query: Query, prefetch: int | None, retry_seconds: float
    ) -> None:
        if prefetch is None:
            prefetch = int(collection._core.options.pool_options.max_pool_size != 1)
        self._exact = collection.with_options(EXACT_RAW)
        self._backend = collection._core.backend
        self._query = query
        self._prefetch = prefetch
        self._retry_seconds = retry_seconds
        self._cursor: Any = None
        #: The id of the last document, as BSON, and whether the cursor began at it.
        self._last: bytes | None = None
        self._resumed = False
        #: The cursor was given a lower bound.
        self._bounded = False
        #: Since when nothing has come, and how long to wait before the next attempt.
        self._failing_since: float | None = None
        self._delay = _FIRST_DELAY
        self._over = False

    async def next_batch(self) -> bytes | None:
        """The next documents, at least one, one behind the other; None at the end."""
        while not self._over:
            try:
                if self._cursor is None:
                    self._open()
                cursor = self._cursor
                if not cursor._data:
                    await cursor._fetch()
            except PyMongoError as exc:
                await self._failed(exc)
                continue
            if not cursor._data:
                self._end()
                continue
            documents = self._taken(cursor._data.popleft())
            if documents:
                return self._as_wanted(documents)
        return None

    def _end(self) -> None:
        """The cursor has no more documents."""
        self._cursor = None
        following = self._query.last() if self._bounded else None
        if following is None:
            self._over = True
        else:
            self._query = following

    def _open(self) -> None:
        self._bounded = self._query.lower is not None
        kind = _Cursor if is_blocking(self._exact) else _AsyncCursor
        self._cursor = kind(self._exact, **self._query.options()).prefetch(self._prefetch)

    def _taken(self, batch: RawBatch) -> bytes:
        """Remember the last document; leave out the one that a new cursor began with again."""
        documents = batch.data
        if not self._query.ordered:
            return documents
        self._failing_since = None
        self._delay = _FIRST_DELAY
        last = RawBSONDocument(documents[batch.last :], codec_options=EXACT_RAW)
        if self._resumed:
            self._resumed = False
            first = RawBSONDocument(documents[: _size(documents)], codec_options=EXACT_RAW)
            if _id_of(first) == self._last:
                documents = documents[len(first.raw) :]
        if documents:
            self._last = _id_of(last)
            self._query.lower = {"_id": last["_id"]}
        return documents

    def _as_wanted(self, documents: bytes) -> bytes:
        if not self._query.drops_id:
            return documents
        return b"".join(map(_without_id, decode_all(documents, EXACT_RAW)))

    async def _failed(self, error: PyMongoError) -> None:
        """Wait before another attempt, or raise the error of the last one."""
        await self.close()
        now = monotonic()
        since = self._failing_since = self._failing_since or now
        if not self._query.ordered or not _is_passing(error) or now > since + self._retry_seconds:
            self._over = True
            raise error
        self._resumed = self._last is not None
        if now > since:
            await self._backend.sleep(self._delay * random.uniform(0.5, 1))
            self._delay = min(2 * self._delay, _LONGEST_DELAY)

    async def close(self) -> None:
        """Give up the cursor."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            await cursor._close()


def _is_passing(error: PyMongoError) -> bool:
    """Whether another cursor may do better."""
    if isinstance(error, OperationFailure) and error.code in CURSOR_GONE:
        return True
    return is_retryable_read(error) or is_overload(error)


def _id_of(document: RawBSONDocument) -> bytes:
    return encode({"_id": document["_id"]}, codec_options=EXACT_RAW)


def _without_id(document: RawBSONDocument) -> bytes:
    raw, id = document.raw, _id_of(document)[4:-1]
    if raw.startswith(id, 4):
        # Nothing else is decoded: it stays as it is on the wire, whatever it is.
        return (len(raw) - len(id)).to_bytes(4, "little") + raw[4 + len(id) :]
    rest = {name: value for name, value in document.items() if name != "_id"}
    return encode(rest, codec_options=EXACT_RAW)


def _size(documents: bytes) -> int:
    """That of the first document."""
    return int.from_bytes(documents[:4], "little")
