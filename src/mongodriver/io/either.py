"""Asynchronous programs run in trio or in an event loop: which one this is, and its backend.

Nothing of either is loaded before it is known to run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from .blocking_connect import is_plain_socket

if TYPE_CHECKING:
    from .base import Address, Backend, ConnectOptions, Conversation, Event, Stream, Task

__all__ = ["EitherBackend", "in_thread", "trio_runs"]

ResultT = TypeVar("ResultT")


def trio_runs() -> bool:
    """Whether the caller runs in a task of trio."""
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    # Code for asyncio may run in a task of trio, by trio-asyncio, which tells of it.
    sniffio = sys.modules.get("sniffio")
    return sniffio is None or sniffio.current_async_library() == "trio"


async def in_thread(function: Callable[..., ResultT], *args: Any) -> ResultT:
    """What a function returns that is called in a thread. Cancelling only ends the waiting."""
    if trio_runs():
        from .trio_connect import in_thread as in_thread_of_trio

        return await in_thread_of_trio(function, *args)
    from .aio_connect import in_thread as in_thread_of_loop

    return await in_thread_of_loop(function, *args)


class EitherBackend:
    """The backend of what runs at the first use: a client may be made before anything does.

    :param nursery: for trio, see `TrioBackend`.
    """

    name = "asynchronous"

    def __init__(self, nursery: Any = None) -> None:
        self._nursery = nursery
        self._chosen: Any = None

    def _choose(self) -> Any:
        chosen: Any
        if trio_runs():
            from .trio_backend import TrioBackend

            chosen = TrioBackend(self._nursery)
        elif self._nursery is not None:
            raise RuntimeError("This AsyncMongoClient has a nursery of trio, which does not run")
        else:
            from .aio import AioBackend

            chosen = AioBackend()
        chosen.check()
        self._chosen = chosen
        return chosen

    @property
    def chosen(self) -> Any:
        """The backend itself. Raises RuntimeError where neither library runs."""
        return self._chosen or self._choose()

    def check(self) -> None:
        (self._chosen or self._choose()).check()

    def is_over(self) -> bool:
        return self._chosen is not None and self._chosen.is_over()

    async def enter(self) -> None:
        """The client's ``async with`` block begins, and what runs in the background with it."""
        if trio_runs():
            await self.chosen.enter()

    async def leave(self) -> None:
        """The block ends, after the client was closed."""
        if self._chosen is not None and self._chosen.name == "trio":
            await self._chosen.leave()

    def comes_again(self, exc: BaseException) -> bool:
        """Whether an exception is trio's cancellation, which is raised wherever one waits."""
        trio = sys.modules.get("trio")
        if trio is None:
            return False
        if isinstance(exc, BaseExceptionGroup):
            return exc.split(trio.Cancelled)[1] is None
        return isinstance(exc, trio.Cancelled)

    async def connect(
        self, address: Address, options: ConnectOptions, deadline: float | None = None
    ) -> Stream:
        stream: Stream = await self.chosen.connect(address, options, deadline)
        return stream

    async def converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        deadline: float | None = None,
        opened: Any = None,
    ) -> None:
        await self.chosen.converse(address, options, talk, deadline, opened)

    def is_plain_socket(self, value: Any) -> bool:
        return is_plain_socket(value)

    def event(self) -> Event:
        event: Event = self.chosen.event()
        return event

    async def sleep(self, seconds: float) -> None:
        await self.chosen.sleep(seconds)

    def is_cancelled(self) -> bool:
        return bool(self.chosen.is_cancelled())

    def undisturbed(self, seconds: float) -> AbstractContextManager[Any]:
        block: AbstractContextManager[Any] = self.chosen.undisturbed(seconds)
        return block

    def spawn(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> Task:
        task: Task = self.chosen.spawn(main, name)
        return task

    def report(self, exc: BaseException) -> None:
        self.chosen.report(exc)

    async def call(
        self, function: Callable[..., ResultT], *args: Any, deadline: float | None = None
    ) -> ResultT:
        result: ResultT = await self.chosen.call(function, *args, deadline=deadline)
        return result


if TYPE_CHECKING:
    _: Backend = EitherBackend()
