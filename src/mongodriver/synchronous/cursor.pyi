"""Results of queries, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, overload

from bsonx._documents import Document
from mongodriver.public.find_cursor import _AgnosticCursor
from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.collection import Collection
from mongodriver.values.cursor_type import CursorType

__all__ = ["Cursor", "CursorType", "RawBatchCursor"]
DocumentT = TypeVar("DocumentT", bound="Document")

class Cursor(_AgnosticCursor[DocumentT]):
    """Documents of a query, read in batches.

    Made by `Collection.find`. Nothing is sent before the first document is asked for; until then
    options can be set, each setter returning the cursor. Not to be shared by threads.
    """

    @property
    def collection(self) -> Collection[DocumentT]: ...
    @property
    def session(self) -> ClientSession | None: ...
    def add_option(self, mask: int) -> Cursor[DocumentT]:
        """Set query flags: the bits of `mask`, as in the wire protocol. Returns the cursor."""

    def rewind(self) -> Cursor[DocumentT]:
        """Go back to before the first document: the query will run again. Returns the cursor."""

    def distinct(self, key: str) -> list[Any]:
        """Return the distinct values of a field among the documents the filter matches."""

    def explain(self) -> DocumentT:
        """Return the server's explanation of how it would run the query."""

    def to_list(self, length: int | None = None) -> list[DocumentT]:
        """Return the remaining documents as a list, at most `length` of them."""

    def close(self) -> None:
        """Close the cursor on the server. Documents already received can still be read."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> DocumentT: ...
    def next(self) -> DocumentT:
        """Return the next document. Raises StopIteration at the end."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    @overload
    def __getitem__(self, index: int) -> DocumentT:
        """One document by its index, from a query of its own, or this cursor with skip and limit.

        :raises IndexError: for negative indices, steps, and documents that are not there.
        :raises InvalidOperation: once the cursor has started.
        """

    @overload
    def __getitem__(self, index: slice) -> Cursor[DocumentT]: ...

class RawBatchCursor(Cursor[DocumentT]):
    """Batches of a query as bytes: the BSON documents of a batch one after the other.

    Made by `Collection.find_raw_batches`.
    """

    def __init__(self, collection: Collection[DocumentT], *args: Any, **kwargs: Any) -> None: ...
    def __getitem__(self, index: Any) -> NoReturn: ...
