"""What the cursors of commands do in both flavours: they begin with the first batch of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mongodriver.ops.arguments import batch_size_of, max_await_time_ms_of
from mongodriver.ops.cursor import CursorReply

from ..replies.raw import RawBatch, raw_codec_options
from .cursor_core import CursorCore
from .sessions import core_session

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.client.client import Client
    from mongodriver.synchronous.client_session import ClientSession
    from mongodriver.synchronous.collection import Collection

__all__ = ["_AgnosticCommandCursor"]

DocumentT = TypeVar("DocumentT", bound="Document")


class _AgnosticCommandCursor(CursorCore[DocumentT]):
    """A cursor that begins with the first batch of a reply."""

    #: Whose documents they are; None where that is no collection.
    _collection: Any = None

    def __init__(
        self,
        collection: AsyncCollection[DocumentT] | Collection[DocumentT],
        cursor_info: Mapping[str, Any],
        address: tuple[str, int | None] | None,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: AsyncClientSession | ClientSession | None = None,
        comment: Any = None,
    ) -> None:
        batch_size_of(batch_size)
        max_await_time_ms_of(max_await_time_ms)
        batch = list(cursor_info["firstBatch"])
        reply = CursorReply(
            RawBatch.of(batch) if self._raw else batch,
            int(cursor_info["id"]),
            cursor_info.get("ns", collection.full_name),
            address,
            core_session(session),
            resume_token=cursor_info.get("postBatchResumeToken"),
        )
        self._collection = collection
        self._start(
            collection._core,
            reply,
            collection.codec_options,
            batch_size,
            max_await_time_ms,
            session,
            comment,
        )

    @classmethod
    def _from_reply(
        cls,
        core: Client,
        reply: CursorReply,
        codec_options: Any,
        *,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: Any = None,
        comment: Any = None,
        collection: Any = None,
    ) -> Self:
        """A cursor over what a cursor operation returned."""
        cursor = cls.__new__(cls)
        cursor._collection = collection
        cursor._start(core, reply, codec_options, batch_size, max_await_time_ms, session, comment)
        return cursor

    def _start(
        self,
        core: Client,
        reply: CursorReply,
        codec_options: Any,
        batch_size: int,
        max_await_time_ms: int | None,
        session: Any,
        comment: Any,
    ) -> None:
        self._core = core
        self._batch_size = batch_size
        self._max_await_time_ms = max_await_time_ms
        self._session = session
        self._comment = comment
        self._codec_options = raw_codec_options(codec_options) if self._raw else codec_options
        self._take(reply)

    def batch_size(self, batch_size: int) -> Self:
        """Ask for this many documents at a time; 0 leaves it to the server. Returns the cursor."""
        self._batch_size = batch_size_of(batch_size)
        return self

    def _next_batch_size(self) -> int:
        """As PyMongo's: one at a time is never asked for, which would double the round trips."""
        return 2 if self._batch_size == 1 else self._batch_size

    async def _try_next(self) -> Any:
        """The next document, after one getMore at most, or None."""
        if not self._data and not self._killed:
            await self._get_more()
        return self._data.popleft() if self._data else None
