"""How far a source has been settled without a gap."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mongodriver.ingest.batch import Batch, Position

__all__ = ["Track"]


class Track:
    """The batches of one source that are on their way. Lanes settle them in any order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = 0
        self._next = 0  # the first batch that is not settled
        self._parts: dict[int, int] = {}
        self._behind: dict[int, Position | None] = {}

    def begin(self, batch: Batch) -> None:
        """Number a batch, of one part until `split` says otherwise."""
        with self._lock:
            batch.number = self._begun
            self._begun += 1
            self._parts[batch.number] = 1
            self._behind[batch.number] = batch.resume

    def split(self, batch: Batch, parts: int) -> None:
        """A batch goes in several parts; said before any of them is settled."""
        with self._lock:
            self._parts[batch.number] = parts

    def settle(self, number: int) -> Position | None:
        """One part of a batch is done. The position up to which all is done, if that is news."""
        with self._lock:
            self._parts[number] -= 1
            position = None
            while self._parts.get(self._next) == 0:
                del self._parts[self._next]
                position = self._behind.pop(self._next) or position
                self._next += 1
            return position
