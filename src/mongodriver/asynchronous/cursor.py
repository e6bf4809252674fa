"""Results of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from mongodriver.compat import private_names
from mongodriver.public.find_cursor import _AgnosticCursor
from mongodriver.values.cursor_type import CursorType
from mongodriver.values.errors import InvalidOperation

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.replies.raw import RawBatch


__all__ = ["AsyncCursor", "AsyncRawBatchCursor", "CursorType"]

DocumentT = TypeVar("DocumentT", bound="Document")


class AsyncCursor(_AgnosticCursor[DocumentT]):
    """Documents of a query, read in batches.

    Made by `AsyncCollection.find`. Nothing is sent before the first document is asked for; until
    then options can be set, each setter returning the cursor. Not to be shared by tasks.
    """

    if TYPE_CHECKING:

        @property
        def collection(self) -> AsyncCollection[DocumentT]: ...
        @property
        def session(self) -> AsyncClientSession | None: ...

    async def add_option(self, mask: int) -> AsyncCursor[DocumentT]:
        """Set query flags: the bits of `mask`, as in the wire protocol. Returns the cursor."""
        return await self._add_option(mask)

    async def rewind(self) -> AsyncCursor[DocumentT]:
        """Go back to before the first document: the query will run again. Returns the cursor."""
        await self._rewind()
        return self

    async def distinct(self, key: str) -> list[Any]:
        """Return the distinct values of a field among the documents the filter matches."""
        return await self._distinct(key)

    async def explain(self) -> DocumentT:
        """Return the server's explanation of how it would run the query."""
        plan: DocumentT = await self._explain()
        return plan

    async def next(self) -> DocumentT:
        """Return the next document. Raises StopAsyncIteration at the end."""
        return await AsyncCursor.__anext__(self)

    async def to_list(self, length: int | None = None) -> list[DocumentT]:
        """Return the remaining documents as a list, at most `length` of them."""
        return await self._all(length)

    async def close(self) -> None:
        """Close the cursor on the server. Documents already received can still be read."""
        await self._close()

    async def _refresh(self) -> int:
        return await self._fetch()

    _query_flags = private_names.query_flags
    _get_read_preference = private_names.get_read_preference

    async def _next_batch(self) -> int:
        return await self._refresh()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> DocumentT:
        if self._data or await self._refresh():
            document: DocumentT = self._data.popleft()
            return document
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._close()

    def __getitem__(self, index: Any) -> NoReturn:
        raise IndexError("AsyncCursor does not support indexing")


class AsyncRawBatchCursor(AsyncCursor[DocumentT]):
    """Batches of a query as bytes: the BSON documents of a batch one after the other.

    Made by `AsyncCollection.find_raw_batches`.
    """

    _raw = True

    def __init__(self, collection: AsyncCollection[DocumentT], *args: Any, **kwargs: Any) -> None:
        super().__init__(collection, *args, **kwargs)

    def _unpack(self, batch: RawBatch) -> list[Any]:
        return batch.items()

    def __getitem__(self, index: Any) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCursor")
