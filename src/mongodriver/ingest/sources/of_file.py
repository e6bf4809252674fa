"""What sources that are one file have in common, whatever its format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Generic, TypeVar

from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position
from mongodriver.ingest.sources.files import FileSource, OpenSource, open_source

__all__ = ["FileReader", "OfFile"]

ReaderT = TypeVar("ReaderT", bound="FileReader")


class FileReader(ABC):
    """An open file that is being read: see `Reader`."""

    stack: ExitStack

    def __init__(self, opened: OpenSource) -> None:
        self._opened = opened
        #: Of the file's text.
        self.encoding = opened.encoding

    @abstractmethod
    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""

    @abstractmethod
    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""

    def consumed(self) -> int:
        """See `Reader.consumed`."""
        return self._opened.position()

    def close(self) -> None:
        """See `Reader.close`."""
        self.stack.close()


class OfFile(ABC, Generic[ReaderT]):
    """A file as a source; a subclass says how it is read once it is open."""

    awaits = False

    def __init__(self, file: FileSource) -> None:
        self.file = file

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self.file.name

    @property
    def size(self) -> int | None:
        """See `Source.size`."""
        return self.file.size

    @property
    def repeatable(self) -> bool:
        """See `Source.repeatable`."""
        return self.file.repeatable

    def open(self, ids: Ids | None, at: Position | None = None) -> ReaderT:
        """See `Source.open`."""
        with ExitStack() as stack:
            reader = self._reader(stack.enter_context(open_source(self.file)), ids)
            if at:
                reader.go_to(at)
            reader.stack = stack.pop_all()
        return reader

    @abstractmethod
    def _reader(self, opened: OpenSource, ids: Ids | None) -> ReaderT:
        """What reads the file, from its beginning."""
