"""Results of commands that return a cursor: aggregate, list_indexes and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from mongodriver.public.reply_cursor import _AgnosticCommandCursor
from mongodriver.values.errors import InvalidOperation

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.replies.raw import RawBatch


__all__ = ["AsyncCommandCursor", "AsyncRawBatchCommandCursor"]

DocumentT = TypeVar("DocumentT", bound="Document")


class AsyncCommandCursor(_AgnosticCommandCursor[DocumentT]):
    """Documents of a command's cursor, read in batches. Not to be shared by tasks."""

    if TYPE_CHECKING:

        @property
        def session(self) -> AsyncClientSession | None: ...

    async def next(self) -> DocumentT:
        """Return the next document. Raises StopAsyncIteration at the end."""
        return await AsyncCommandCursor.__anext__(self)

    async def try_next(self) -> DocumentT | None:
        """Return the next document, or None if there is none after asking the server once."""
        document: DocumentT | None = await self._try_next()
        return document

    async def to_list(self, length: int | None = None) -> list[DocumentT]:
        """Return the remaining documents as a list, at most `length` of them.

        Of a cursor that waits for documents to come, such as a change stream's: those that are
        there, up to the first empty batch.
        """
        return await self._all(length)

    async def close(self) -> None:
        """Close the cursor on the server. Documents already received can still be read."""
        await self._close()

    async def _refresh(self) -> int:
        return await self._fetch()

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


class AsyncRawBatchCommandCursor(AsyncCommandCursor[DocumentT]):
    """Batches of a command's cursor as bytes: BSON documents one after the other."""

    _raw = True

    def _unpack(self, batch: RawBatch) -> list[Any]:
        return batch.items()

    def __getitem__(self, index: int) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCommandCursor")
