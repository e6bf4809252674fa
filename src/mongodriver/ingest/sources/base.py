"""What a source is: something that can be opened, and then read batch after batch.

A source knows how to turn what it holds into BSON; the engine knows when that is wanted, how much
of it, and what becomes of it. Who writes a new source writes two classes::

    class Numbers:
        name = "numbers"
        size = None
        repeatable = True
        awaits = False

        def open(self, ids, at=None):
            return NumbersReader(ids, at["documents"] if at else 0)

    class NumbersReader:
        def read(self, limits): ...   # a Batch; None at the end
        def consumed(self): ...       # bytes of `size` that have been read
        def close(self): ...
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position

__all__ = ["AsyncReader", "AsyncSource", "Reader", "Source", "SourceLike", "digest_of_start"]


class Reader(Protocol):
    """A source that is being read. One caller at a time, but not always from the same thread."""

    def read(self, limits: BatchLimits) -> Batch | None:
        """The next documents and rejects, as many as there are within the limits; None at the end.

        It may wait for the source. A batch may hold rejects alone. Its memory belongs to the
        batch: the next one is in a buffer of its own.

        :raises OSError, IngestError: where the source cannot be read any further. What was good
            before has been given by then: the error waits for the next call.
        """

    def consumed(self) -> int:
        """How many of the source's `size` bytes have been read so far; for the progress, from any
        thread."""

    def close(self) -> None:
        """Let go of files. Called once, also after errors."""


class Source(Protocol):
    """Something to be read."""

    @property
    def name(self) -> str:
        """What it is called in reports, rejects and checkpoints: a path, "stdin", "iterable"."""

    @property
    def size(self) -> int | None:
        """Its bytes on disk, None where nobody knows."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be opened again, to begin once more or to go on in the middle: files can,
        pipes and iterators cannot."""

    @property
    def awaits(self) -> bool:
        """False: reading blocks, and is done in a thread where the flavour has a loop."""

    def open(self, ids: Ids | None, at: Position | None = None) -> Reader:
        """Begin to read.

        :param ids: where the `_id`s of documents that bring none come from, which are put in
            front of their documents. None: leave documents without `_id` (another of their fields
            is to become it).
        :param at: a `Batch.resume` of this source, or None for the beginning.
        :raises OSError, IngestError: where it cannot be opened or does not fit its options. Only
            what must be known beforehand (a header) has been read then.
        """


class AsyncReader(Protocol):
    """As `Reader`, for sources that are awaited (``awaits`` is True)."""

    async def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""

    def consumed(self) -> int:
        """See `Reader.consumed`."""

    async def close(self) -> None:
        """See `Reader.close`."""


class AsyncSource(Protocol):
    """As `Source`, where reading is awaited: asynchronous iterables."""

    @property
    def name(self) -> str:
        """See `Source.name`."""

    @property
    def size(self) -> int | None:
        """See `Source.size`."""

    @property
    def repeatable(self) -> bool:
        """See `Source.repeatable`."""

    @property
    def awaits(self) -> bool:
        """True."""

    def open(self, ids: Ids | None, at: Position | None = None) -> AsyncReader:
        """See `Source.open`."""


SourceLike = Source | AsyncSource

_START = BatchLimits(100, 1 << 20)


def digest_of_start(source: Source) -> str:
    """A digest of the first documents of a source that can be read again."""
    reader = source.open(Ids(bytes(9)))
    try:
        batch = reader.read(_START)
    finally:
        reader.close()
    return hashlib.sha256(b"" if batch is None else batch.data).hexdigest()
