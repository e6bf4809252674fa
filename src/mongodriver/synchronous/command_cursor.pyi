"""Results of commands that return a cursor, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from types import TracebackType
from typing import NoReturn, Self, TypeVar

from bsonx._documents import Document
from mongodriver.public.reply_cursor import _AgnosticCommandCursor
from mongodriver.synchronous.client_session import ClientSession

__all__ = ["CommandCursor", "RawBatchCommandCursor"]
DocumentT = TypeVar("DocumentT", bound="Document")

class CommandCursor(_AgnosticCommandCursor[DocumentT]):
    """Documents of a command's cursor, read in batches. Not to be shared by threads."""

    @property
    def session(self) -> ClientSession | None: ...
    def try_next(self) -> DocumentT | None:
        """Return the next document, or None if there is none after asking the server once."""

    def to_list(self, length: int | None = None) -> list[DocumentT]:
        """Return the remaining documents as a list, at most `length` of them.

        Of a cursor that waits for documents to come, such as a change stream's: those that are
        there, up to the first empty batch.
        """

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

class RawBatchCommandCursor(CommandCursor[DocumentT]):
    """Batches of a command's cursor as bytes: BSON documents one after the other."""

    def __getitem__(self, index: int) -> NoReturn: ...
