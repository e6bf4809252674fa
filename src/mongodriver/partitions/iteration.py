"""Iterators over what readers read, in both flavours."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any

from bsonx import decode_all
from bsonx._impl import run_coroutine
from mongodriver.public.kinds import is_blocking

from .reader import Reader

__all__ = ["batches", "documents"]


def batches(collection: Any, readers: Sequence[Reader]) -> Any:
    """An iterator over the batches of readers, as bytes, asynchronous if the collection is.

    They take turns: while one batch is consumed, those of the others are on their way.
    """
    turns = _Turns(readers)
    return _batches(turns) if is_blocking(collection) else _batches_async(turns)


def documents(collection: Any, readers: Sequence[Reader]) -> Any:
    """The same over documents, as the options of the collection have them."""
    turns = _Turns(readers)
    options = collection.codec_options
    return (
        _documents(turns, options) if is_blocking(collection) else _documents_async(turns, options)
    )


class _Turns:
    """Readers that are not at their end, the next one first."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = deque(readers)

    async def next_batch(self) -> bytes | None:
        while self._readers:
            found = await self._readers[0].next_batch()
            if found is not None:
                self._readers.rotate(-1)
                return found
            self._readers.popleft()
        return None

    async def close(self) -> None:
        while self._readers:
            await self._readers.pop().close()


def _batches(turns: _Turns) -> Generator[bytes, None, None]:
    try:
        while (batch := run_coroutine(turns.next_batch())) is not None:
            yield batch
    finally:
        run_coroutine(turns.close())


def _documents(turns: _Turns, options: Any) -> Iterator[Any]:
    with closing(_batches(turns)) as found:
        for batch in found:
            yield from decode_all(batch, options)


async def _batches_async(turns: _Turns) -> AsyncGenerator[bytes, None]:
    try:
        while (batch := await turns.next_batch()) is not None:
            yield batch
    finally:
        await turns.close()


async def _documents_async(turns: _Turns, options: Any) -> AsyncIterator[Any]:
    async with aclosing(_batches_async(turns)) as found:
        async for batch in found:
            for document in decode_all(batch, options):
                yield document
