"""Tasks, events and pauses of the library that a test's coroutine runs in: asyncio or trio."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from mongodriver.io.either import in_thread, trio_runs

__all__ = [
    "WasCancelled",
    "begin",
    "count_tasks",
    "flag",
    "in_thread",
    "pass_on",
    "pause",
    "together",
]


class WasCancelled(Exception):
    """What comes of a task that was cancelled."""


class _AioTask:
    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._task = asyncio.ensure_future(coroutine)

    def cancel(self) -> None:
        self._task.cancel()

    def done(self) -> bool:
        return self._task.done()

    def __await__(self) -> Generator[Any, Any, Any]:
        (outcome,) = yield from asyncio.gather(self._task, return_exceptions=True).__await__()
        return _unpacked(outcome, asyncio.CancelledError)


class _TrioTask:
    """A system task: nothing is cancelled where another one fails."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        import trio

        self._scope, self._ended = trio.CancelScope(), trio.Event()
        self._cancelled = trio.Cancelled
        self._outcome: Any = WasCancelled()
        trio.lowlevel.spawn_system_task(self._run, coroutine)

    async def _run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            with self._scope:
                try:
                    self._outcome = await coroutine
                except self._cancelled:
                    raise
                except BaseException as exc:
                    self._outcome = exc
        finally:
            self._ended.set()

    def cancel(self) -> None:
        self._scope.cancel()

    def done(self) -> bool:
        return bool(self._ended.is_set())

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from self._ended.wait().__await__()
        return _unpacked(self._outcome, self._cancelled)


def _unpacked(outcome: Any, cancelled: type[BaseException]) -> Any:
    if isinstance(outcome, cancelled):
        raise WasCancelled
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """A task of a coroutine; awaiting it gives the outcome, or raises WasCancelled."""
    return _TrioTask(coroutine) if trio_runs() else _AioTask(coroutine)


async def together(*coroutines: Any, return_exceptions: bool = False) -> list[Any]:
    """What coroutines, or tasks that were begun, come to at the same time.

    :param return_exceptions: instead of raising the first.
    """
    tasks = [one if hasattr(one, "cancel") else begin(one) for one in coroutines]
    outcomes: list[Any] = []
    for task in tasks:
        try:
            outcomes.append(await task)
        except Exception as exc:
            outcomes.append(exc)
    for outcome in () if return_exceptions else outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


async def pass_on() -> None:
    """Let all tasks run that can."""
    if trio_runs():
        import trio

        await trio.lowlevel.checkpoint()
    else:
        await asyncio.sleep(0)


async def pause(seconds: float) -> None:
    """Wait, for a test that polls."""
    if trio_runs():
        import trio

        await trio.sleep(seconds)
    else:
        await asyncio.sleep(seconds)


def flag() -> Any:
    """An event of the library, with ``set`` and ``await wait()``."""
    if trio_runs():
        import trio

        return trio.Event()
    return asyncio.Event()


def count_tasks() -> int:
    """How many tasks there are, the caller's and the driver's; in trio not those of its own."""
    if not trio_runs():
        return len(asyncio.all_tasks())
    import trio

    found, waiting = 1, [trio.lowlevel.current_root_task()]
    while waiting:
        task = waiting.pop()
        found += task.name.startswith("mongodriver")
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found
