"""The trio backend: sockets that trio waits for, and tasks in a nursery.

A backend belongs to the first run of trio it is used in; so do all its streams and events. What
runs in the background lives in the nursery that the client was given, or that of the client's own
``async with`` block, or else with trio's system tasks, which end with the main task. None of it
ever raises: that would end all else in there.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import trio

from .base import Address, ConnectOptions, Conversation, ProxyError
from .blocking_connect import is_plain_socket
from .deadline import sooner
from .socks import proxy_error
from .trio_connect import in_thread, open_socket, open_through, start_tls
from .trio_pipes import Pipe, PlainPipe, TlsPipe, hold
from .trio_stream import TrioStream, within

__all__ = ["TrioBackend", "TrioEvent", "TrioTask"]

ResultT = TypeVar("ResultT")

_NOT_HERE = (
    "Cannot use AsyncMongoClient in a different run of trio. It belongs to the one that it was "
    "first used in."
)
_OTHER_TASK = (
    "The block of an AsyncMongoClient ends in the task in which it has begun. Without a block, "
    "close the client where you like."
)
_GONE = (
    "The nursery of this AsyncMongoClient has ended, and with it all that the client runs in the "
    "background. Close the client in the nursery that it is given."
)


class TrioEvent:
    """A flag that a task waits for and anybody sets."""

    __slots__ = ("_flag", "_token", "_waiter")

    def __init__(self, token: Any) -> None:
        self._token = token
        self._flag = False
        self._waiter: Any = None

    def set(self) -> None:
        self._flag = True
        waiter = self._waiter
        if waiter is None:
            return
        if _running_task(self._token) not in (None, waiter):
            self._wake()
            return
        # From elsewhere, or from a finalizer, which may run in the midst of trio's own work.
        try:
            self._token.run_sync_soon(self._wake)
        except trio.RunFinishedError:
            pass  # nobody waits any more

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            trio.lowlevel.reschedule(waiter)

    def clear(self) -> None:
        self._flag = False

    async def wait(self, timeout: float | None = None) -> bool:
        if self._flag:
            return True
        if timeout is None:
            await self._wait()
        else:
            with trio.move_on_after(max(timeout, 0)):
                await self._wait()
        return self._flag

    async def _wait(self) -> None:
        self._waiter = trio.lowlevel.current_task()
        # Set between the check before and the assignment, by another thread: seen here.
        if self._flag:
            self._waiter = None
        else:
            await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: Any) -> Any:
        self._waiter = None
        return trio.lowlevel.Abort.SUCCEEDED


def _running_task(token: Any) -> Any:
    """The task of a run that this is called in; None elsewhere."""
    try:
        if trio.lowlevel.current_trio_token() is token:
            return trio.lowlevel.current_task()
    except RuntimeError:
        pass
    return None


class TrioTask:
    """A background task."""

    def __init__(self, token: Any) -> None:
        self._token = token
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._task: Any = None

    async def run(
        self, main: Callable[[], Coroutine[Any, Any, None]], told: Callable[[BaseException], None]
    ) -> None:
        """The task itself.

        :param told: of what `main` raises; of Cancelled only if it was not this task's `cancel`.
        """
        self._task = trio.lowlevel.current_task()
        try:
            with self._scope:
                try:
                    await main()
                except Exception as exc:
                    told(exc)
                except trio.Cancelled as exc:
                    if not self._scope.cancel_called:
                        told(exc)
                    raise
        finally:
            self._ended.set()

    def cancel(self) -> None:
        try:
            self._token.run_sync_soon(self._scope.cancel)
        except trio.RunFinishedError:
            pass

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not trio.lowlevel.current_task():
            with trio.move_on_after(float("inf") if timeout is None else max(timeout, 0)):
                await self._ended.wait()


async def _run(
    task: TrioTask,
    main: Callable[[], Coroutine[Any, Any, None]],
    told: Callable[[BaseException], None],
) -> None:
    await task.run(main, told)


#: An interrupt from the keyboard is for the user's tasks.
_run_protected: Any = trio.lowlevel.enable_ki_protection(_run)


class TrioBackend:
    """A run of trio: the one that goes on at the first use.

    :param nursery: of the user's, or a task group of AnyIO's, for what runs in the background;
        None: see the top of this file.
    """

    name = "trio"

    def __init__(self, nursery: Any = None) -> None:
        self._nursery = nursery
        #: The tasks that are in a block of the client's, each with the nursery that it has opened.
        self._blocks: list[tuple[Any, Any]] = []
        self._token: Any = None
        self._orphaned = False

    def check(self) -> None:
        try:
            here = trio.lowlevel.current_trio_token()
        except RuntimeError:
            here = None
        if here is not self._token or here is None:
            self._bind(here)
        if self._orphaned and self._is_gone():
            raise RuntimeError(_GONE)

    def _bind(self, token: Any) -> None:
        if self._token is not None or token is None:
            raise RuntimeError(_NOT_HERE)
        self._token = token

    def _is_gone(self) -> bool:
        """Whether the user's nursery has ended; that of a task group is not known."""
        parent = getattr(self._nursery, "parent_task", None)
        return parent is not None and self._nursery not in parent.child_nurseries

    @property
    def token(self) -> Any:
        if self._token is None:
            self._bind(trio.lowlevel.current_trio_token())
        return self._token

    def is_over(self) -> bool:
        if self._token is None:
            return False
        if self._orphaned and self._is_gone():
            return True
        try:
            self._token.run_sync_soon(int)
        except trio.RunFinishedError:
            return True
        return False

    # -- where background tasks live --

    async def enter(self) -> None:
        self.check()
        block = None
        if self._nursery is None:
            block = trio.open_nursery()
            self._nursery = await block.__aenter__()
        self._blocks.append((trio.lowlevel.current_task(), block))

    async def leave(self) -> None:
        if not self._blocks:
            return
        block = self._end_block()
        if block is None:
            return
        nursery, self._nursery = self._nursery, None
        # Not told of what the block has raised, which it would make a group of exceptions. Nothing
        # here raises anything, so that the nursery has only to be waited for.
        nursery.cancel_scope.cancel()
        await block.__aexit__(None, None, None)
        self._orphaned = False

    def _end_block(self) -> Any:
        """The nursery that the task's innermost block has opened; None if it has not."""
        here = trio.lowlevel.current_task()
        own = [block for block in self._blocks if block[0] is here]
        # Blocks that have opened none may end in another task.
        for ended in (*reversed(own), *self._blocks):
            if ended[0] is here or ended[1] is None:
                self._blocks.remove(ended)
                return ended[1]
        raise RuntimeError(_OTHER_TASK)

    def spawn(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> TrioTask:
        task = TrioTask(self.token)
        run = partial(_run_protected, task, main, self._told)
        # An empty context: the background work must not inherit a caller's timeout or session.
        context = contextvars.Context()
        if self._nursery is None:
            trio.lowlevel.spawn_system_task(run, name=name, context=context)
        else:
            try:
                context.run(partial(self._nursery.start_soon, run, name=name))
            except RuntimeError as exc:
                raise RuntimeError(_GONE) from exc
        return task

    def _told(self, exc: BaseException) -> None:
        if isinstance(exc, Exception):
            self.report(exc)
        else:
            self._orphaned = True

    def report(self, exc: BaseException) -> None:
        logging.getLogger("mongodriver").error(
            "mongodriver: an exception in the background", exc_info=exc
        )

    # -- waiting --

    def event(self) -> TrioEvent:
        return TrioEvent(self.token)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def is_cancelled(self) -> bool:
        return bool(trio.current_effective_deadline() == float("-inf"))

    def undisturbed(self, seconds: float) -> AbstractContextManager[Any]:
        if not self.is_cancelled():
            return nullcontext()
        scope: AbstractContextManager[Any] = trio.CancelScope(
            shield=True, deadline=trio.current_time() + seconds
        )
        return scope

    async def call(
        self, function: Callable[..., ResultT], *args: Any, deadline: float | None = None
    ) -> ResultT:
        self.check()
        return await within(deadline, in_thread, function, *args)

    # -- connections --

    async def connect(
        self, address: Address, options: ConnectOptions, deadline: float | None = None
    ) -> TrioStream:
        self.check()
        deadline = sooner(deadline, options.connect_timeout)
        proxy = None if address[1] is None else options.proxy
        opened = None
        try:
            if proxy is not None:
                opened = await self._open_through(proxy, address, deadline)
            return await within(deadline, self._connect, address, options, opened, deadline)
        except OSError:
            if opened is not None:
                PlainPipe(opened).close()  # the proxy may have taken all the time
            # Perhaps nothing was waited for. Whoever tries again and again lets the others go on.
            await trio.lowlevel.checkpoint()
            raise

    async def _connect(
        self, address: Address, options: ConnectOptions, opened: Any, deadline: float | None
    ) -> TrioStream:
        tls = options.tls
        pipe = await self._open(address, options, options.proxy, opened, deadline)
        if tls is None or not isinstance(pipe, TlsPipe):
            return TrioStream(pipe, self._token)
        remember = partial(tls.keep_session, address, pipe.ssl_object)
        return TrioStream(pipe, self._token, remember)

    async def _open(
        self,
        address: Address,
        options: ConnectOptions,
        proxy: Any,
        opened: Any,
        deadline: float | None,
    ) -> Pipe:
        pipe = PlainPipe(opened or await open_socket(address))
        if options.tls is None:
            return pipe
        try:
            return await start_tls(pipe, address, options.tls, proxy, deadline)
        except BaseException:
            pipe.close()
            raise

    async def _open_through(self, proxy: Any, address: Address, deadline: float | None) -> Any:
        try:
            return await within(deadline, open_through, proxy, address)
        except ProxyError:
            raise
        except OSError as exc:
            raise proxy_error(proxy, exc) from exc

    async def converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        deadline: float | None = None,
        opened: Any = None,
    ) -> None:
        self.check()
        if opened is not None:
            opened.setblocking(False)
        deadline = sooner(deadline, options.connect_timeout)
        try:
            await within(deadline, self._converse, address, options, talk, opened, deadline)
        finally:
            if opened is not None:
                PlainPipe(opened).close()

    async def _converse(
        self,
        address: Address,
        options: ConnectOptions,
        talk: Conversation,
        opened: Any,
        deadline: float | None,
    ) -> None:
        pipe = await self._open(address, options, None, opened, deadline)
        try:
            await hold(pipe, talk)
        finally:
            pipe.close()

    def is_plain_socket(self, value: Any) -> bool:
        return is_plain_socket(value)
