"""Mutual exclusion of coroutines, on any backend."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from .deadline import remaining

if TYPE_CHECKING:
    from .base import Backend, Event


class Mutex:
    """Held by one at a time; those who wait come in turn."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._held = False
        self._waiters: deque[Event] = deque()

    async def acquire(self, deadline: float | None) -> None:
        """Wait for one's turn. Raises TimeoutError at the deadline."""
        with self._lock:
            if not self._held:
                self._held = True
                return
            event = self._backend.event()
            self._waiters.append(event)
        try:
            if await event.wait(remaining(deadline)):
                return
        except BaseException:
            self._leave(event)
            raise
        self._leave(event)
        raise TimeoutError("timed out")

    def _leave(self, event: Event) -> None:
        with self._lock:
            if event in self._waiters:
                self._waiters.remove(event)
                return
        self.release()  # it was our turn just now

    def release(self) -> None:
        """Let the next one have it. From any thread."""
        with self._lock:
            if not self._waiters:
                self._held = False
                return
            event = self._waiters.popleft()
        event.set()
