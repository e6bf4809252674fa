"""Change streams, asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from mongodriver.public.change_stream import CLUSTER, _AgnosticChangeStream

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document

__all__ = [
    "AsyncChangeStream",
    "AsyncClusterChangeStream",
    "AsyncCollectionChangeStream",
    "AsyncDatabaseChangeStream",
]

DocumentT = TypeVar("DocumentT", bound="Document")


class AsyncChangeStream(_AgnosticChangeStream[DocumentT]):
    """Changes, in their order; it goes on by itself when a server is lost. Not to be shared by
    tasks.

        async with await collection.watch() as stream:
            async for change in stream:
                ...

    To go on later in another process, store `resume_token` after each change, and after `try_next`
    has returned None, and give it to ``watch`` as `start_after`.
    """

    async def next(self) -> DocumentT:
        """Wait for the next change. Raises StopAsyncIteration when the stream is closed."""
        return await AsyncChangeStream.__anext__(self)

    async def try_next(self) -> DocumentT | None:
        """The next change, or None if there is none after asking the server once, which waits for
        `max_await_time_ms`.

        :raises PyMongoError: when the stream cannot go on; it is closed then, unless time was over
            or the error is a passing one: the next call goes on then.
        """
        return await self._try_next()

    async def close(self) -> None:
        """Close the stream, and its cursor on the server."""
        await self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> DocumentT:
        change = self._at_hand()
        if change is None:
            change = await self._next()
        if change is None:
            raise StopAsyncIteration
        return change

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._close()


class AsyncCollectionChangeStream(AsyncChangeStream[DocumentT]):
    """Changes of a collection. Made by ``watch`` of a collection."""


class AsyncDatabaseChangeStream(AsyncChangeStream[DocumentT]):
    """Changes of a database's collections. Made by ``watch`` of a database."""


class AsyncClusterChangeStream(AsyncDatabaseChangeStream[DocumentT]):
    """Changes of all databases but the server's own. Made by ``watch`` of a client."""

    _scope = CLUSTER
