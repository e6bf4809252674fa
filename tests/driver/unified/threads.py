"""Threads of tests: background coroutines that run operations one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from .failures import Mismatch

#: Seconds that `waitForThread` waits.
_PATIENCE = 10.0


class Thread:
    """A real thread, or a task of the event loop."""

    def __init__(self, backend: Any, name: str) -> None:
        self._name = name
        self._work: deque[Callable[[], Awaitable[Any]]] = deque()
        self._wake = backend.event()
        self._last = False
        self._ended = False
        self._error: BaseException | None = None
        self._task = backend.spawn(self._run, f"test {name}")

    async def _run(self) -> None:
        try:
            while not self._last or self._work:
                while self._work:
                    await self._work.popleft()()
                if not self._last:
                    await self._wake.wait()
                    self._wake.clear()
        except BaseException as exc:
            self._error = exc
        finally:
            self._ended = True

    def run(self, operation: Callable[[], Awaitable[Any]]) -> None:
        """Have an operation run after those before it; not waited for."""
        self._work.append(operation)
        self._wake.set()

    async def wait(self) -> None:
        """Wait until everything was run, and raise what it raised."""
        await self.stop()
        if not self._ended:
            raise Mismatch(f"{self._name} did not end in time")
        error, self._error = self._error, None
        if error is not None:
            raise error

    async def stop(self) -> None:
        """Nothing more will come."""
        self._last = True
        self._wake.set()
        await self._task.join(_PATIENCE)
