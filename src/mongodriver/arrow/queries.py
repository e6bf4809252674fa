"""Queries whose results are Arrow data, in both flavours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

from bsonx._impl import run_coroutine
from bsonx.arrow import ArrowBatch, ArrowSchema, ArrowStream, ArrowTable, ColumnBuilder, Schema
from mongodriver.asynchronous.collection import AsyncCollection, start_aggregate
from mongodriver.asynchronous.command_cursor import AsyncRawBatchCommandCursor
from mongodriver.asynchronous.cursor import AsyncRawBatchCursor
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.command_cursor import RawBatchCommandCursor
from mongodriver.synchronous.cursor import RawBatchCursor

if TYPE_CHECKING:
    from bsonx.arrow.columns import Documents

__all__ = ["AsyncArrowStream", "aggregate_arrow", "find_arrow"]

#: Documents of a record batch: what the first has the schema is inferred from.
BATCH_SIZE = 10_000


class _WholeBatches:
    """Of a raw cursor whose items are the documents of a reply, still in its memory."""

    def _unpack(self, batch: list[Any]) -> list[Any]:
        return [batch] if batch else []


class _FindCursor(_WholeBatches, RawBatchCursor[Any]):
    """Batches of a find."""


class _AggregateCursor(_WholeBatches, RawBatchCommandCursor[Any]):
    """Batches of an aggregation."""


class _AsyncFindCursor(_WholeBatches, AsyncRawBatchCursor[Any]):
    """Batches of a find."""


class _AsyncAggregateCursor(_WholeBatches, AsyncRawBatchCommandCursor[Any]):
    """Batches of an aggregation."""


class AsyncArrowStream:
    """Documents as record batches, one by one; the next is fetched when it is asked for.

        async for batch in find_arrow(collection, {}):   # each has __arrow_c_array__
            ...
        table = await find_arrow(collection, {}).collect()   # has __arrow_c_stream__

    It can be read once.
    """

    def __init__(self, batches: Any, columns: ColumnBuilder) -> None:
        self._batches = batches
        self._columns = columns
        self._first: Documents = None

    async def schema(self) -> ArrowSchema:
        """Return the schema; it may fetch the first batch."""
        if self._columns.field is None:
            self._first = await self._batches.following()
            self._columns.infer(self._first or b"")
        assert self._columns.field is not None
        return ArrowSchema(self._columns.field)

    def __aiter__(self) -> AsyncIterator[ArrowBatch]:
        """The batches."""
        return self

    async def __anext__(self) -> ArrowBatch:
        documents, self._first = self._first, None
        try:
            if documents is None:
                documents = await self._batches.following()
            if documents is None:
                raise StopAsyncIteration
            data, count = self._columns.build(documents)
        except BaseException:
            await self.close()
            raise
        assert self._columns.field is not None
        return ArrowBatch(self._columns.field, data, count)

    async def collect(self) -> ArrowTable:
        """Return all batches that are left as one table."""
        await self.schema()
        assert self._columns.field is not None
        return ArrowTable(self._columns.field, [batch async for batch in self])

    async def close(self) -> None:
        """End it: the server's cursor too. May be called again."""
        await self._batches.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class _AsyncBatches:
    """Batches of a cursor that is opened when the first is asked for."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._cursor: Any = None
        self._closed = False

    async def following(self) -> Documents:
        """The next batch, None at the end."""
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


class _Batches:
    """As _AsyncBatches, for a blocking cursor."""

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


def _refuse(collection: Any) -> None:
    if not isinstance(collection, Collection | AsyncCollection):
        raise TypeError(
            f"collection must be a Collection or an AsyncCollection, not {type(collection)}"
        )
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
    :param batch_size: documents of a record batch; a reply of the server ends one as well (16 MB).
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
    options["batch_size"] = batch_size
    ahead = options.pop("prefetch", 0)
    if isinstance(collection, Collection):
        cursor = _FindCursor(collection, filter, **options).prefetch(ahead)
        return ArrowStream(cursor, columns, close=cursor.close)
    later = _AsyncFindCursor(collection, filter, **options).prefetch(ahead)

    async def opened() -> Any:
        return later

    return AsyncArrowStream(_AsyncBatches(opened), columns)


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
    options["batchSize"] = batch_size
    arguments = (pipeline, session, options, let, comment)
    if isinstance(collection, Collection):
        batches = _Batches(
            lambda: run_coroutine(start_aggregate(collection, _AggregateCursor, *arguments))
        )
        return ArrowStream(batches, columns, close=batches.close)

    async def opened() -> Any:
        return await start_aggregate(collection, _AsyncAggregateCursor, *arguments)

    return AsyncArrowStream(_AsyncBatches(opened), columns)
