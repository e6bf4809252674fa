"""How large batches should be: as much as the server acknowledges in reasonable time."""

from __future__ import annotations

import threading

from mongodriver.ingest.batch import BatchLimits

__all__ = ["Sizing"]

#: What acknowledging a batch should take, seconds: so much is lost at most when the server dies,
#: and round trips to another continent hardly count any more.
_AIM = 0.25
_FIRST_DOCUMENTS, _FEWEST_DOCUMENTS = 5_000, 100


class Sizing:
    """The limits of the next batch, adapted to the times of those before.

    :param documents: the most documents a batch may have.
    :param bytes: the most bytes.
    :param seconds: how long a batch may wait for a slow source.
    """

    def __init__(self, documents: int, bytes: int, seconds: float | None) -> None:
        self._lock = threading.Lock()
        self._most = documents
        self._bytes = bytes
        self._seconds = seconds
        self._documents = min(_FIRST_DOCUMENTS, documents)

    @property
    def limits(self) -> BatchLimits:
        """What is asked of the reader next."""
        return BatchLimits(self._documents, self._bytes, self._seconds)

    def acknowledged(self, documents: int, seconds: float) -> None:
        """A batch of so many documents has taken so long."""
        with self._lock:
            if seconds > 2 * _AIM:
                fewer = min(self._documents, documents) // 2
                self._documents = max(fewer, min(_FEWEST_DOCUMENTS, self._most))
            elif seconds < _AIM / 2 and 2 * documents > self._documents:
                self._documents = min(2 * self._documents, self._most)
