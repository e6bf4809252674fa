"""Results of commands that return a cursor, synchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.command_cursor import AsyncCommandCursor
from mongodriver.compat import private_names
from mongodriver.public.flavour import blocking
from mongodriver.public.reply_cursor import _AgnosticCommandCursor
from mongodriver.values.errors import InvalidOperation

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document
    from mongodriver.replies.raw import RawBatch


__all__ = ["CommandCursor", "RawBatchCommandCursor"]

DocumentT = TypeVar("DocumentT", bound="Document")


class CommandCursor(_AgnosticCommandCursor[DocumentT]):
    """Documents of a command's cursor, read in batches. Not to be shared by threads."""

    try_next = blocking(AsyncCommandCursor.try_next)
    to_list = blocking(AsyncCommandCursor.to_list)

    def _refresh(self) -> int:
        return run_coroutine(self._fetch())

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
        return CommandCursor.__next__(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(self._close())


class RawBatchCommandCursor(CommandCursor[DocumentT]):
    """Batches of a command's cursor as bytes: BSON documents one after the other."""

    _raw = True

    def _unpack(self, batch: RawBatch) -> list[Any]:
        return batch.items()

    def __getitem__(self, index: int) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on RawBatchCommandCursor")
