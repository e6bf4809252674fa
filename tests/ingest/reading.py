"""Run a reader over bytes."""

import io
from collections.abc import Callable
from typing import Any


def read(make_reader: Callable[..., Any], data: bytes, **options: Any) -> tuple[list, list]:
    """Return the records (line, document) and the rejected ones (line, text, reason)."""
    rejected: list[tuple[int, bytes, str]] = []
    reader = make_reader(
        io.BytesIO(data), lambda line, raw, why: rejected.append((line, raw, why)), **options
    )
    return [(line, document) for line, _, document in reader], rejected


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, so that every boundary is met."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1) -> bytes:
        return self._data.read(self._size)

    read1 = read
