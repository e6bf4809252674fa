"""Documents of Python: iterables of mappings, typed instances, raw documents and BSON bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from bsonx._impl import encode_documents
from mongodriver.ingest.batch import ENCODE, Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.base import digest_of_start

if TYPE_CHECKING:
    from bsonx.codec_options import CodecOptions
    from mongodriver.io.base import Backend, Event, Task

__all__ = ["AsyncIterableSource", "IterableSource"]


class IterableSource:
    """What `iter()` gives. Positions are the numbers of its items, from 1.

    A list, or another iterable that is no iterator itself, can be opened again, and is then taken
    to give the same items.
    """

    size = None
    awaits = False
    raises = True

    def __init__(
        self, items: Any, codec_options: CodecOptions[Any], name: str = "iterable"
    ) -> None:
        self.name = name
        self._items = items
        self._codec_options = codec_options
        self.repeatable = not isinstance(items, Iterator)

    def fingerprint(self) -> dict[str, Any]:
        """What tells it from another one: how many items, and the first, where they are at hand."""
        if not isinstance(self._items, Sized):
            return {}
        return {"items": len(self._items), "start": digest_of_start(self)}

    def open(self, ids: Ids | None, at: Position | None = None) -> IterableReader:
        """See `Source.open`."""
        items = iter(self._items)
        record = at["record"] if at else 0
        if record:
            if not self.repeatable:
                raise IngestError(f"{self.name}: an iterator cannot be read again from the middle")
            next(islice(items, record - 1, None), None)
        return IterableReader(self, items, self._codec_options, ids, at)


class _Items:
    """What becomes of items, whoever asks for them."""

    def __init__(
        self, name: str, codec_options: CodecOptions[Any], ids: Ids | None, at: Position | None
    ) -> None:
        self._name = name
        self._codec_options = codec_options
        self._ids = ids
        self._documents = at["documents"] if at else 0
        self.records = at["record"] if at else 0
        self._error: Exception | None = None

    def encode(self, items: Iterator[Any], limits: BatchLimits) -> Batch | None:
        """The batch of the next items; None at their end.

        :raises Exception: what the iterator has raised, once all before it has been given.
        """
        if self._error is not None:
            raise self._error
        first = None if self._ids is None else self._ids.first(self._documents)
        data, ends, own, rejects, taken, end = encode_documents(
            items,
            self._codec_options,
            first,
            max_count=limits.documents,
            max_bytes=limits.bytes,
            seconds=-1.0 if limits.seconds is None else limits.seconds,
        )
        if isinstance(end, Exception):
            self._error = end
        if not taken:
            if self._error is not None:
                raise self._error
            return None
        start = self.records + 1
        self.records += taken
        self._documents += taken - len(rejects)
        resume = {"documents": self._documents, "record": self.records}
        positions: Any = range(start, start + taken)
        if rejects:
            bad = {number for number, *_ in rejects}
            positions = [start + number for number in range(taken) if number not in bad]
        told = [
            Reject(start + number, _text(error), ENCODE, value=item)
            for number, error, item in rejects
        ]
        return Batch(self._name, data, ends, positions, told, resume, 0, own)


def _text(error: Exception) -> str:
    path = getattr(error, "path", None)
    text = str(error) or repr(error)
    return f"field {path}: {text}" if path else text


class IterableReader:
    """See `Reader`."""

    def __init__(
        self,
        source: IterableSource,
        items: Iterator[Any],
        codec_options: CodecOptions[Any],
        ids: Ids | None,
        at: Position | None,
    ) -> None:
        self._iterator = items
        self._items = _Items(source.name, codec_options, ids, at)

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`. What the iterable raises is raised."""
        return self._items.encode(self._iterator, limits)

    def consumed(self) -> int:
        """0: nobody knows the size."""
        return 0

    def close(self) -> None:
        """Close a generator."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


class AsyncIterableSource:
    """What `aiter()` gives, in the way of `IterableSource`; it cannot be opened again."""

    size = None
    awaits = True
    repeatable = False
    raises = True

    def __init__(
        self,
        items: Any,
        codec_options: CodecOptions[Any],
        backend: Backend,
        name: str = "iterable",
    ) -> None:
        self.name = name
        self._items = items
        self._codec_options = codec_options
        self._backend = backend

    def open(self, ids: Ids | None, at: Position | None = None) -> AsyncIterableReader:
        """See `Source.open`."""
        if at:
            raise IngestError(f"{self.name}: an iterator cannot be read again from the middle")
        items = _Items(self.name, self._codec_options, ids, at)
        return AsyncIterableReader(self._items.__aiter__(), items, self._backend)


_FIRST_ITEMS, _FEWEST_ITEMS = 500, 16


class AsyncIterableReader:
    """See `AsyncReader`. A task of its own asks for items, so that a batch need not wait for them:
    it goes when it is old enough. The task asks for no more than one batch is likely to have."""

    def __init__(self, iterator: AsyncIterator[Any], items: _Items, backend: Backend) -> None:
        self._iterator = iterator
        self._items = items
        self._backend = backend
        self._got: list[Any] = []
        self._room = _FIRST_ITEMS
        self._usual_size = 0.0  # of a document, in bytes
        self._end: Exception | None = None
        self._ended = False
        self._wanted: Event = backend.event()
        self._news: Event = backend.event()
        self._task: Task | None = None

    async def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._usual_size:
            self._room = max(_FEWEST_ITEMS, int(limits.bytes / self._usual_size))
        self._room = min(limits.documents, self._room)
        if self._task is None:
            self._task = self._backend.spawn(self._fetch, "mongodriver ingest source")
        await self._wait_for_items(limits.seconds)
        if not self._got:
            if self._end is not None:
                raise self._end
            return None
        before = self._items.records
        batch = self._items.encode(iter(self._got), limits)
        assert batch is not None  # there is an item, and so a document or a reject
        del self._got[: self._items.records - before]
        if len(batch):
            self._usual_size = len(batch.data) / len(batch)
        return batch

    async def _wait_for_items(self, seconds: float | None) -> None:
        """Wait until there is what a batch is made of, at least one item."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while len(self._got) < self._room and not self._ended:
            left = None if deadline is None else deadline - time.monotonic()
            if self._got and left is not None and left <= 0:
                return
            self._news.clear()
            self._wanted.set()
            await self._news.wait(left if self._got else None)

    async def _fetch(self) -> None:
        try:
            while True:
                while len(self._got) >= self._room:
                    self._news.set()
                    self._wanted.clear()
                    await self._wanted.wait()
                self._got.append(await self._iterator.__anext__())
                if len(self._got) == 1:
                    self._news.set()
        except StopAsyncIteration:
            pass
        except Exception as exc:
            self._end = exc
        finally:
            self._ended = True
            self._news.set()

    def consumed(self) -> int:
        """0: nobody knows the size."""
        return 0

    async def close(self) -> None:
        """End the task that asks for items, and the generator."""
        if self._task is not None:
            self._task.cancel()
            await self._task.join()
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()
