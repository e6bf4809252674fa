"""Results of queries, synchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, overload

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.cursor import AsyncCursor
from mongodriver.compat import private_names
from mongodriver.public.find_cursor import _AgnosticCursor
from mongodriver.public.flavour import blocking
from mongodriver.values.cursor_type import CursorType
from mongodriver.values.errors import InvalidOperation

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document
    from mongodriver.replies.raw import RawBatch

    from .collection import Collection


__all__ = ["Cursor", "CursorType", "RawBatchCursor"]

DocumentT = TypeVar("DocumentT", bound="Document")


class Cursor(_AgnosticCursor[DocumentT]):
    """Documents of a query, read in batches.

    Made by `Collection.find`. Nothing is sent before the first document is asked for; until then
    options can be set, each setter returning the cursor. Not to be shared by threads.
    """

    add_option = blocking(AsyncCursor.add_option)
    rewind = blocking(AsyncCursor.rewind)
    distinct = blocking(AsyncCursor.distinct)
    explain = blocking(AsyncCursor.explain)
    to_list = blocking(AsyncCursor.to_list)

    def _refresh(self) -> int:
        return run_coroutine(self._fetch())

    _query_flags = private_names.query_flags
    _get_read_preference = private_names.get_read_preference

    async def _next_batch(self) -> int:
        return self._refresh()

    _die_lock = private_names.die_lock

    def close(self) -> None:
        """Close the cursor on the server. Documents already received can still be read."""
        self._die_lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DocumentT:
        if self._data or self._refresh():
            document: DocumentT = self._data.popleft()
            return document
        raise StopIteration

    def next(self) -> DocumentT:
        """Return the next document. Raises StopIteration at the end."""
        return Cursor.__next__(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(self._close())

    @overload
    def __getitem__(self, index: int) -> DocumentT: ...
    @overload
    def __getitem__(self, index: slice) -> Cursor[DocumentT]: ...
    def __getitem__(self, index: int | slice) -> DocumentT | Cursor[DocumentT]:
        """One document by its index, from a query of its own, or this cursor with skip and limit.

        :raises IndexError: for negative indices, steps, and documents that are not there.
        :raises InvalidOperation: once the cursor has started.
        """
        self._check_not_started()
        self._empty = False
        if isinstance(index, slice):
            self._slice(index)
            return self
        if not isinstance(index, int):
            raise TypeError(f"index {index!r} cannot be applied to Cursor instances")
        if index < 0:
            raise IndexError("Cursor instances do not support negative indices")
        one = self._copied(True)
        one._query.skip = index + self._query.skip
        one._query.limit = -1
        one._ahead = None
        for document in one:
            return document
        raise IndexError("no such item for Cursor instance")

    def _slice(self, index: slice) -> None:
        """Set skip and limit as a slice asks."""
        if index.step is not None:
            raise IndexError("Cursor instances do not support slice steps")
        skip = 0
        if index.start is not None:
            if index.start < 0:
                raise IndexError("Cursor instances do not support negative indices")
            skip = index.start
        limit = 0
        if index.stop is not None:
            limit = index.stop - skip
            if limit < 0:
                raise IndexError(f"stop index must be greater than start index for slice {index!r}")
            self._empty = limit == 0
        self._query.skip = skip
        self._query.limit = limit


class RawBatchCursor(Cursor[DocumentT]):
    """Batches of a query as bytes: the BSON documents of a batch one after the other.

    Made by `Collection.find_raw_batches`.
    """

    _raw = True

    def __init__(self, collection: Collection[DocumentT], *args: Any, **kwargs: Any) -> None:
        super().__init__(collection, *args, **kwargs)

    def _unpack(self, batch: RawBatch) -> list[Any]:
        return batch.items()

    def __getitem__(self, index: Any) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on RawBatchCursor")
