"""Something that is done again and again, in a thread or a task of its own."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from mongodriver.values.public_names import known_as

__all__ = ["AsyncPeriodicExecutor", "PeriodicExecutor"]


class _Schedule:
    """When it is done next. Times are in seconds."""

    def __init__(
        self, interval: float, min_interval: float, target: Callable[[], Any], name: str | None
    ) -> None:
        self._interval = interval
        self._min_interval = min_interval
        self._target = target
        self._name = name
        self._wanted = False
        self._skips = False
        self._stopped = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(name={self._name}) object at 0x{id(self):x}>"

    def update_interval(self, new_interval: float) -> None:
        """Wait so long from the next time on."""
        self._interval = new_interval

    def skip_sleep(self) -> None:
        """Do not wait the next time."""
        self._skips = True

    def _pause(self) -> tuple[float, float]:
        """How long nothing may interrupt the pause, and how long it takes then."""
        if self._skips:
            self._skips = False
            return 0, 0
        return self._min_interval, max(self._interval - self._min_interval, 0)


class PeriodicExecutor(_Schedule):
    """Calls a function again and again in a thread, until it returns False or raises.

    :param interval: seconds between two calls.
    :param min_interval: seconds between two calls that `wake` does not shorten.
    :param target: the function.
    :param name: of the thread.
    """

    def __init__(
        self,
        interval: float,
        min_interval: float,
        target: Callable[[], bool],
        name: str | None = None,
    ) -> None:
        super().__init__(interval, min_interval, target, name)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin, or go on after `close`. Nothing happens while it runs."""
        with self._changed:
            self._stopped = False
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self, dummy: Any = None) -> None:
        """Stop after the call that is under way; not waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread, `timeout` seconds at most."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def wake(self) -> None:
        """Call the function soon."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def _run(self) -> None:
        while not self._stopped and self._target():
            shortest, more = self._pause()
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, shortest)
                self._changed.wait_for(lambda: self._stopped or self._wanted, more)
                self._wanted = False


class AsyncPeriodicExecutor(_Schedule):
    """Awaits what a coroutine function returns again and again in a task, until that is False.

    Arguments are those of `PeriodicExecutor`.
    """

    def __init__(
        self,
        interval: float,
        min_interval: float,
        target: Callable[[], Awaitable[bool]],
        name: str | None = None,
    ) -> None:
        super().__init__(interval, min_interval, target, name)
        self._task: Any = None
        self._event: Any = None

    def open(self) -> None:
        """Begin, or go on after `close`. Nothing happens while it runs."""
        import asyncio

        self._stopped = False
        if self._task is None or self._task.done():
            self._event = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def close(self, dummy: Any = None) -> None:
        """Stop after the call that is under way; not waited for."""
        self._stopped = True
        if self._event is not None:
            self._event.set()

    async def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the task, `timeout` seconds at most."""
        import asyncio

        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait([self._task], timeout=timeout)

    def wake(self) -> None:
        """Await the coroutine function soon."""
        self._wanted = True
        if self._event is not None:
            self._event.set()

    async def _run(self) -> None:
        while not self._stopped and await self._target():
            shortest, more = self._pause()
            await self._wait(shortest, lambda: self._stopped)
            await self._wait(more, lambda: self._stopped or self._wanted)
            self._wanted = False

    async def _wait(self, seconds: float, reached: Callable[[], bool]) -> None:
        import asyncio

        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    self._event.clear()
                    await self._event.wait()
        except TimeoutError:
            pass


known_as("mongodriver.periodic_executor", globals())
