"""One source while it is read, with a look at its beginning before the rest follows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from mongodriver.ingest.batch import Batch, BatchLimits, Ids
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.modes import Prepared, prepare

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.seams import Checkpoint
    from mongodriver.ingest.sources import SourceLike
    from mongodriver.io.base import Backend

__all__ = ["Reading"]

ResultT = TypeVar("ResultT")
Ready = tuple[Batch, Prepared]

_LOOK = 1000  # bad records at the beginning after which no good one is expected
_ONE = BatchLimits(1, seconds=0.1)


class Reading:
    """The batches of one source, once; to be closed.

    :param options: say what documents need, and what is sent for them.
    """

    def __init__(self, source: SourceLike, options: IngestOptions) -> None:
        self.source = source
        self._options = options
        self._reader: Any = None
        self._ids: Ids | None = None
        self._ahead: list[Ready] = []
        self._lock = threading.Lock()  # held while a thread reads
        self._closed = False
        self._consumed = 0
        #: An earlier run of the job may have sent some of it.
        self.maybe_stored = False

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    @property
    def raises(self) -> bool:
        """Whether what goes wrong with it is the caller's to know: the source is a program."""
        return getattr(self.source, "raises", False)

    def look(self) -> None:
        """Read up to the first good record, of a source that is not awaited.

        What can be read again is closed afterwards; else what was read is kept for `next`.

        :raises OSError, IngestError: where it cannot be read, or has records and none is good.
        """
        self._open(None)
        try:
            self._look()
        except BaseException:
            self._close()
            raise
        if self.source.repeatable:
            self._close()
            self._reader, self._closed, self._ahead = None, False, []

    def _look(self) -> None:
        problems, first = 0, ""
        while problems < _LOOK:
            batch = self._reader.read(_ONE)
            if batch is None:
                break
            ready = prepare(batch, self._options)
            self._ahead.append((batch, ready))
            for reject in ready.rejects:
                first = first or f"line {reject.position}: {reject.error}"
            problems += len(ready.rejects)
            if len(ready.documents) and problems < _LOOK:
                return
        if problems >= _LOOK:
            raise IngestError(f"it begins with {_LOOK} bad records; {first}")
        if problems:
            raise IngestError(f"no record is good; {first}")

    async def open(self, backend: Backend, checkpoint: Checkpoint | None) -> None:
        """Begin, or go on where a checkpoint says. Raises what the source does."""
        if self._reader is not None:
            return
        position = None
        if checkpoint is not None:
            seed, position = await checkpoint.begin(self.name)
            self.maybe_stored = seed is not None
            self._ids = Ids(seed)
            if seed is None:
                await checkpoint.keep_seed(self.name, self._ids.seed)
        if self.source.awaits:
            self._open(position)
        else:
            await backend.call(self._open, position)

    def _open(self, position: Any) -> None:
        ids = None
        if not self._options.by_key and not self._options.renames_id:
            ids = self._ids or Ids()
        self._reader = self.source.open(ids, position)

    async def next(self, backend: Backend, limits: BatchLimits) -> Ready | None:
        """The next batch, and what is to be sent for it; None at the end."""
        if self._ahead:
            return self._ahead.pop(0)
        if self.source.awaits:
            batch = await self._reader.read(limits)
            return None if batch is None else (batch, prepare(batch, self._options))
        if backend.name == "blocking":
            return self._next(limits)
        return await backend.call(self._guarded, self._next, limits)

    def _next(self, limits: BatchLimits) -> Ready | None:
        batch = self._reader.read(limits)
        self._consumed = self._reader.consumed()
        return None if batch is None else (batch, prepare(batch, self._options))

    def _guarded(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Call a function of the reader in a thread that nobody may wait for any more."""
        try:
            with self._lock:
                return function(*args)
        finally:
            if self._closed:
                self._close()

    def consumed(self) -> int:
        """How many bytes of the source have been read; all of them once it is closed."""
        return (self.source.size or 0) if self._closed else self._consumed

    async def close(self) -> None:
        """Let go of the source; where a thread still reads it, as soon as that is done."""
        if self._reader is None or self._closed:
            return
        if self.source.awaits:
            self._closed = True
            await self._reader.close()
        else:
            self._close()

    def _close(self) -> None:
        """Close the reader, once; whoever uses it at this moment does so when that is done."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                reader, self._reader = self._reader, None
                if reader is not None:
                    reader.close()
            finally:
                self._lock.release()
