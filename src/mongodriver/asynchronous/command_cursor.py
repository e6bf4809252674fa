"""Results of commands that return a cursor: aggregate, list_indexes and the like."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NoReturn, Self, TypeVar

from mongodriver.ops.cursor import CursorReply
from mongodriver.values.errors import InvalidOperation

from ..public.cursor_core import CursorCore, check_batch_size, check_max_await_time_ms
from ..public.raw import join_raw, raw_codec_options

__all__ = ["AsyncCommandCursor", "AsyncRawBatchCommandCursor"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


class _AgnosticCommandCursor(CursorCore[DocumentT]):
    """A cursor that begins with the first batch of a reply."""

    _raw = False

    def __init__(
        self,
        collection: Any,
        cursor_info: Mapping[str, Any],
        address: tuple[str, int | None] | None,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: Any = None,
        comment: Any = None,
    ) -> None:
        check_batch_size(batch_size)
        check_max_await_time_ms(max_await_time_ms)
        reply = CursorReply(
            list(cursor_info["firstBatch"]),
            int(cursor_info["id"]),
            cursor_info.get("ns", collection.full_name),
            address,
            None if session is None else session._core,
            resume_token=cursor_info.get("postBatchResumeToken"),
        )
        self._start(collection, reply, batch_size, max_await_time_ms, session, comment)

    @classmethod
    def _from_reply(
        cls,
        collection: Any,
        reply: CursorReply,
        *,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: Any = None,
        comment: Any = None,
        codec_options: Any = None,
    ) -> Self:
        """A cursor over what a cursor operation returned."""
        cursor = cls.__new__(cls)
        cursor._start(
            collection, reply, batch_size, max_await_time_ms, session, comment, codec_options
        )
        return cursor

    def _start(
        self,
        collection: Any,
        reply: CursorReply,
        batch_size: int,
        max_await_time_ms: int | None,
        session: Any,
        comment: Any,
        codec_options: Any = None,
    ) -> None:
        self._data: deque[Any] = deque()
        self._collection = collection
        self._batch_size = batch_size
        self._max_await_time_ms = max_await_time_ms
        self._session = session
        self._comment = comment
        options = codec_options or collection.codec_options
        self._codec_options = raw_codec_options(options) if self._raw else options
        self._take(reply)

    def batch_size(self, batch_size: int) -> Self:
        """Ask for this many documents at a time; 0 leaves it to the server. Returns the cursor."""
        self._batch_size = check_batch_size(batch_size)
        return self

    async def _try_next(self) -> Any:
        """The next document, after one getMore at most, or None."""
        if not self._data and not self._killed:
            await self._get_more()
        return self._data.popleft() if self._data else None


class AsyncCommandCursor(_AgnosticCommandCursor[DocumentT]):
    """Documents of a command's cursor, read in batches. Not to be shared by tasks."""

    async def next(self) -> DocumentT:
        """Return the next document. Raises StopAsyncIteration at the end."""
        return await self.__anext__()

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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> DocumentT:
        if self._data or await self._refresh():
            document: DocumentT = self._data.popleft()
            return document
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close()


class AsyncRawBatchCommandCursor(AsyncCommandCursor[Any]):
    """Batches of a command's cursor as bytes: BSON documents one after the other."""

    _raw = True

    def _unpack(self, batch: list[Any]) -> list[Any]:
        return join_raw(batch)

    def __getitem__(self, index: int) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCommandCursor")
