"""Calls that nothing can interrupt, such as the resolver's, in threads that nobody waits for.

A thread of an executor would be joined when the event loop, or the interpreter, ends. These are
daemons: whoever has waited long enough goes on, and so does the end of the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .deadline import remaining

ResultT = TypeVar("ResultT")

_NAME = "mongodriver call"


class DaemonCall(Generic[ResultT]):
    """One call of a function, begun at once. Its outcome may be waited for by several."""

    def __init__(self, function: Callable[..., ResultT], *args: Any) -> None:
        self._function = function
        self._args = args
        self._lock = threading.Lock()
        self._waiters: list[Callable[[], None]] | None = []  # None: it is over
        self._result: ResultT
        self._error: BaseException | None = None
        try:
            self._start()
        except RuntimeError:
            self._run()  # no more threads: at the end of the interpreter, or of what is allowed

    def _start(self) -> None:
        threading.Thread(target=self._run, name=_NAME, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._function(*self._args)
        except BaseException as exc:
            self._error = exc
        with self._lock:
            waiters, self._waiters = self._waiters, None
        for wake in waiters or ():
            wake()

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._waiters is None

    def when_done(self, wake: Callable[[], None]) -> None:
        """Have `wake` called at the end: in the daemon thread, or now if it is over."""
        with self._lock:
            if self._waiters is not None:
                self._waiters.append(wake)
                return
        wake()

    def result(self) -> ResultT:
        """What the function has returned or raised; only once it is `done`."""
        error = self._error
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del self, error  # the error's traceback holds this frame: a cycle otherwise


def wait_for(call: DaemonCall[ResultT], deadline: float | None) -> ResultT:
    """The outcome of a call. Raises TimeoutError when it is not there in time."""
    ended = threading.Event()
    call.when_done(ended.set)
    try:
        if not ended.wait(remaining(deadline)):
            raise TimeoutError("timed out")
        return call.result()
    finally:
        del call  # it may hold an error, whose traceback holds this frame
