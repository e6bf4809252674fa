"""Change streams, synchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.change_stream import AsyncChangeStream
from mongodriver.public.change_stream import CLUSTER, _AgnosticChangeStream
from mongodriver.public.flavour import blocking

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document

__all__ = [
    "ChangeStream",
    "ClusterChangeStream",
    "CollectionChangeStream",
    "DatabaseChangeStream",
]

DocumentT = TypeVar("DocumentT", bound="Document")


class ChangeStream(_AgnosticChangeStream[DocumentT]):
    """Changes, in their order; it goes on by itself when a server is lost. Not to be shared by
    threads.

        with collection.watch() as stream:
            for change in stream:
                ...

    To go on later in another process, store `resume_token` after each change, and after `try_next`
    has returned None, and give it to ``watch`` as `start_after`.
    """

    try_next = blocking(AsyncChangeStream.try_next)
    close = blocking(AsyncChangeStream.close)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DocumentT:
        change = self._at_hand()
        if change is None:
            change = run_coroutine(self._next())
        if change is None:
            raise StopIteration
        return change

    def next(self) -> DocumentT:
        """Wait for the next change. Raises StopIteration when the stream is closed."""
        return ChangeStream.__next__(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(self._close())


class CollectionChangeStream(ChangeStream[DocumentT]):
    """Changes of a collection. Made by ``watch`` of a collection."""


class DatabaseChangeStream(ChangeStream[DocumentT]):
    """Changes of a database's collections. Made by ``watch`` of a database."""


class ClusterChangeStream(DatabaseChangeStream[DocumentT]):
    """Changes of all databases but the server's own. Made by ``watch`` of a client."""

    _scope = CLUSTER
