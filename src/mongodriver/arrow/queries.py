"""Queries whose results are Arrow data, in both flavours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

from bsonx._impl import run_coroutine
from bsonx.arrow import ArrowBatch, ArrowSchema, ArrowStream, ArrowTable, ColumnBuilder, Schema
from bsonx.arrow.columns import BATCH_BYTES, Group
from mongodriver.asynchronous.collection import AsyncCollection, start_aggregate
from mongodriver.asynchronous.command_cursor import AsyncRawBatchCommandCursor
from mongodriver.asynchronous.cursor import AsyncRawBatchCursor
from mongodriver.public.kinds import check_collection
from mongodriver.sessions.binding import current
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.command_cursor import RawBatchCommandCursor
from mongodriver.synchronous.cursor import RawBatchCursor

if TYPE_CHECKING:
    from bsonx._py.arrow.formats import Field
    from bsonx.arrow.columns import Documents
    from mongodriver.replies.raw import RawBatch

__all__ = ["AsyncArrowStream", "aggregate_arrow", "find_arrow"]

#: Documents of a record batch, of which the first has the schema that is inferred.
BATCH_SIZE = 10_000

# Of one reply: so much is copied, decoded and built while it is in the caches of a processor, and
# the server is at the next replies meanwhile.
_REPLY_DOCUMENTS = 2_000
_REPLY_BYTES = 256 << 10
_AHEAD = 2


class _Replies:
    """Of a raw cursor that asks for as many documents as are best for the next reply."""

    #: Documents of a reply, at most.
    _most = BATCH_SIZE

    def _unpack(self, batch: RawBatch) -> list[Any]:
        if batch:
            size = len(batch.data) // len(batch)
            self._ask_for(max(1, min(_REPLY_BYTES // size, self._most)))
        return batch.items()

    @abstractmethod
    def _ask_for(self, count: int) -> None:
        """So many documents are to be in the next reply; until then as many as were asked for."""


class _OfFind(_Replies):
    _query: Any

    def _ask_for(self, count: int) -> None:
        self._query.batch_size = count


class _OfAggregate(_Replies):
    _batch_size: int

    def _ask_for(self, count: int) -> None:
        self._batch_size = count


class _FindCursor(_OfFind, RawBatchCursor[Any]):
    """Replies of a find."""


class _AggregateCursor(_OfAggregate, RawBatchCommandCursor[Any]):
    """Replies of an aggregation."""


class _AsyncFindCursor(_OfFind, AsyncRawBatchCursor[Any]):
    """Replies of a find."""


class _AsyncAggregateCursor(_OfAggregate, AsyncRawBatchCommandCursor[Any]):
    """Replies of an aggregation."""


class AsyncArrowStream:
    """Documents as record batches, one by one; the next is fetched when it is asked for.

        async for batch in find_arrow(collection, {}):   # each has __arrow_c_array__
            ...
        table = await find_arrow(collection, {}).collect()   # has __arrow_c_stream__

    It can be read once.
    """

    def __init__(self, replies: _AsyncReplies, columns: ColumnBuilder, rows: int) -> None:
        self._replies = replies
        self._columns = columns
        self._group = Group(rows, BATCH_BYTES)
        self._state = "not read yet"

    def __repr__(self) -> str:
        """Without looking at the schema, which would ask a server."""
        return f"<AsyncArrowStream: {self._state}>"

    async def _known(self) -> Field:
        columns = self._columns
        if columns.field is None:
            while self._group.wants_more(columns):
                documents = await self._replies.following()
                if documents is None:
                    break
                self._group.put(documents)
            columns.infer(self._group.all())
        assert columns.field is not None
        return columns.field

    async def schema(self) -> ArrowSchema:
        """Return the schema; it may fetch the first batch."""
        return ArrowSchema(await self._known())

    def __aiter__(self) -> AsyncIterator[ArrowBatch]:
        """The batches."""
        return self

    async def __anext__(self) -> ArrowBatch:
        columns, group = self._columns, self._group
        try:
            await self._known()
            group.add_to(columns)
            while group.wants_more(columns):
                documents = await self._replies.following()
                if documents is None:
                    break
                columns.add(documents)
            if columns.rows:
                self._state = "being read"
                return columns.finish()
        except BaseException:
            await self.close()
            raise
        await self.close()
        raise StopAsyncIteration

    async def collect(self) -> ArrowTable:
        """Return all batches that are left as one table."""
        return ArrowTable(await self._known(), [batch async for batch in self])

    async def close(self) -> None:
        """End it: the server's cursor too. May be called again."""
        self._state = "closed"
        await self._replies.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class _AsyncReplies:
    """Replies of a cursor that is opened when the first is asked for."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._cursor: Any = None
        self._closed = False

    async def following(self) -> Documents:
        """The documents of the next reply, None at the end."""
        if self._closed:
            return None
        if self._cursor is None:
            self._cursor = await self._opened()
        return await anext(self._cursor, None)

    async def close(self) -> None:
        """Close the cursor."""
        self._closed = True
        if self._cursor is not None:
            await self._cursor.close()


class _BlockingReplies:
    """As _AsyncReplies, of a blocking cursor."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._cursor: Any = None
        self._closed = False

    def __iter__(self) -> Iterator[Documents]:
        if not self._closed:
            self._cursor = self._opened()
            yield from self._cursor

    def close(self) -> None:
        """Close the cursor."""
        self._closed = True
        if self._cursor is not None:
            self._cursor.close()


def _ahead(collection: Any, wanted: int | None, session: Any, pipeline: Any = ()) -> int:
    """How many replies are read ahead where the caller has not said so: none if it cannot be."""
    if wanted is not None:
        return wanted
    last = pipeline[-1] if isinstance(pipeline, list) and pipeline else {}
    writes = isinstance(last, Mapping) and bool({"$out", "$merge"} & {*last})
    alone = collection._core.options.pool_options.max_pool_size == 1
    return 0 if alone or writes or session is not None or current() is not None else _AHEAD


def _rows(batch_size: int) -> int:
    if not isinstance(batch_size, int) or isinstance(batch_size, bool):
        raise TypeError(f"batch_size must be an instance of int, not {type(batch_size)}")
    if batch_size < 1:
        raise ValueError("batch_size must be 1 or more")
    return batch_size


def _refuse(collection: Any) -> None:
    check_collection(collection)
    collection._core.refuse_encrypting("queries for Arrow data do")


def _projection(columns: ColumnBuilder, on_unknown: str | None) -> dict[str, int] | None:
    """What the server need not send is what the schema does not have; None: it sends all."""
    field = columns.field
    if field is None or not field.children or on_unknown == "error":
        return None
    names = [child.name for child in field.children]
    if any(not name or "." in name or name.startswith("$") for name in names):
        return None
    return {**dict.fromkeys(names, 1), "_id": int("_id" in names)}


@overload
def find_arrow(
    collection: Collection[Any],
    filter: Mapping[str, Any] | None = None,
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    **options: Any,
) -> ArrowStream: ...
@overload
def find_arrow(
    collection: AsyncCollection[Any],
    filter: Mapping[str, Any] | None = None,
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    **options: Any,
) -> AsyncArrowStream: ...
def find_arrow(
    collection: Any,
    filter: Mapping[str, Any] | None = None,
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    **options: Any,
) -> Any:
    """Return the documents of a query as a stream of Arrow record batches.

    :param collection: a `Collection`, which gives an `ArrowStream` for anything that takes one by
        the PyCapsule interface, or an `AsyncCollection`, which gives an `AsyncArrowStream`.
    :param filter: a query document.
    :param schema: the columns: a mapping of names to types, or anything with
        ``__arrow_c_schema__``. Other fields are not fetched then. None: what is in the first batch.
    :param objectid: of an inferred schema: "binary" for ObjectIds as 12 bytes, "text" for 24
        digits.
    :param on_mismatch: what becomes of values that do not fit their column: "error" or "null".
    :param on_unknown: of fields that the schema does not have: "error" or "ignore"; default:
        "ignore" for a given schema, else "error".
    :param batch_size: about so many documents are in a record batch, or 16 MB of BSON.
    :param prefetch: how many replies of the server to ask for ahead (see `Cursor.prefetch`);
        default: 2 where that can be, which is without a session and with more than one connection.
    :param options: others of `Collection.find`: ``projection``, ``sort``, ``limit``, ``session``,
        ...

    Nothing is sent before the first batch or the schema is asked for. Errors: those of a find; and
    ArrowError, which names column and document, for what does not fit. A consumer of the stream
    raises an exception of its own with their text; `ArrowStream.error` has them.
    """
    _refuse(collection)
    columns = ColumnBuilder(
        schema, objectid=objectid, on_mismatch=on_mismatch, on_unknown=on_unknown
    )
    if options.get("projection") is None:
        options["projection"] = _projection(columns, on_unknown)
    rows = _rows(batch_size)
    options["batch_size"] = min(rows, _REPLY_DOCUMENTS)
    ahead = _ahead(collection, prefetch, options.get("session"))
    if isinstance(collection, Collection):
        cursor = _FindCursor(collection, filter, **options).prefetch(ahead)
        cursor._most = rows
        return ArrowStream(cursor, columns, rows=rows, close=cursor.close)
    later = _AsyncFindCursor(collection, filter, **options).prefetch(ahead)
    later._most = rows

    async def opened() -> Any:
        return later

    return AsyncArrowStream(_AsyncReplies(opened), columns, rows)


@overload
def aggregate_arrow(
    collection: Collection[Any],
    pipeline: Sequence[Mapping[str, Any]],
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    session: Any = None,
    let: Mapping[str, Any] | None = None,
    comment: Any = None,
    **options: Any,
) -> ArrowStream: ...
@overload
def aggregate_arrow(
    collection: AsyncCollection[Any],
    pipeline: Sequence[Mapping[str, Any]],
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    session: Any = None,
    let: Mapping[str, Any] | None = None,
    comment: Any = None,
    **options: Any,
) -> AsyncArrowStream: ...
def aggregate_arrow(
    collection: Any,
    pipeline: Sequence[Mapping[str, Any]],
    *,
    schema: Schema | None = None,
    objectid: str = "binary",
    on_mismatch: str = "error",
    on_unknown: str | None = None,
    batch_size: int = BATCH_SIZE,
    prefetch: int | None = None,
    session: Any = None,
    let: Mapping[str, Any] | None = None,
    comment: Any = None,
    **options: Any,
) -> Any:
    """Return the results of an aggregation as a stream of Arrow record batches.

    :param pipeline: a list of stages.
    :param options: others of `Collection.aggregate`: ``allowDiskUse``, ``maxTimeMS``, ...

    The other parameters, what is returned and the errors are those of `find_arrow`.
    """
    _refuse(collection)
    columns = ColumnBuilder(
        schema, objectid=objectid, on_mismatch=on_mismatch, on_unknown=on_unknown
    )
    rows = _rows(batch_size)
    options["batchSize"] = min(rows, _REPLY_DOCUMENTS)
    options["prefetch"] = _ahead(collection, prefetch, session, pipeline)
    arguments = (pipeline, session, options, let, comment)
    if isinstance(collection, Collection):

        def begin() -> Any:
            cursor = run_coroutine(start_aggregate(collection, _AggregateCursor, *arguments))
            cursor._most = rows
            return cursor

        replies = _BlockingReplies(begin)
        return ArrowStream(replies, columns, rows=rows, close=replies.close)

    async def opened() -> Any:
        cursor = await start_aggregate(collection, _AsyncAggregateCursor, *arguments)
        cursor._most = rows
        return cursor

    return AsyncArrowStream(_AsyncReplies(opened), columns, rows)
