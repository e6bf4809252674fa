"""Change streams, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from types import TracebackType
from typing import Self, TypeVar

from bsonx._documents import Document
from mongodriver.public.change_stream import _AgnosticChangeStream

__all__ = ["ChangeStream", "ClusterChangeStream", "CollectionChangeStream", "DatabaseChangeStream"]
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

    def try_next(self) -> DocumentT | None:
        """The next change, or None if there is none after asking the server once, which waits for
        `max_await_time_ms`.

        :raises PyMongoError: when the stream cannot go on; it is closed then, unless time was over
            or the error is a passing one: the next call goes on then.
        """

    def close(self) -> None:
        """Close the stream, and its cursor on the server."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> DocumentT: ...
    def next(self) -> DocumentT:
        """Wait for the next change. Raises StopIteration when the stream is closed."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

class CollectionChangeStream(ChangeStream[DocumentT]):
    """Changes of a collection. Made by ``watch`` of a collection."""

class DatabaseChangeStream(ChangeStream[DocumentT]):
    """Changes of a database's collections. Made by ``watch`` of a database."""

class ClusterChangeStream(DatabaseChangeStream[DocumentT]):
    """Changes of all databases but the server's own. Made by ``watch`` of a client."""
