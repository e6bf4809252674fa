"""The hosts of a `mongodb+srv://` connection string: looked up once, before a client opens.

initial-dns-seedlist-discovery specification. The look-up runs in the background, with the time
limit of a connection; whoever needs the hosts waits for it until the own deadline is over. If it
fails, those who wait are told why, and the next use tries again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..io.deadline import Deadline, remaining
from ..io.dns import ask, resolve_srv, resolve_txt
from ..options.srv import SrvName, complete
from ..options.uri_options import CaseInsensitiveDict
from ..values.causes import Cause, CauseKind
from ..values.errors import ServerSelectionTimeoutError
from ..values.hints import add_hint, hint_for, summary
from ..values.limits import CONNECT_TIMEOUT

if TYPE_CHECKING:
    from ..io.base import Backend, Event, Task
    from ..options.connection_string import ParsedURI


class Found:
    """What DNS has said: the connection string as it is with that, and the records' lifetime."""

    __slots__ = ("parsed", "ttl")

    def __init__(self, parsed: ParsedURI, ttl: int) -> None:
        self.parsed = parsed
        self.ttl = ttl


class _LookUp:
    """One try, which all who come meanwhile share."""

    __slots__ = ("done", "error", "task", "waiters")

    def __init__(self) -> None:
        self.done = False
        self.error: Exception | None = None
        self.task: Task | None = None
        self.waiters: list[Event] = []


class Discovery:
    """Looks up the hosts of one client.

    :param parsed: the connection string, with all options of the client.
    :param timeout: seconds a try may take; None or 0 for the default of connections.
    :param found: called with what was found and the name, once; held weakly.
    """

    def __init__(
        self,
        parsed: ParsedURI,
        name: SrvName,
        timeout: float | None,
        backend: Backend,
        found: Callable[[], Callable[[Found, SrvName], None] | None],
    ) -> None:
        self.name = name
        self._parsed = parsed
        self._timeout = timeout or CONNECT_TIMEOUT
        self._backend = backend
        self._found = found
        self._is_over = False
        self.after_fork()

    def after_fork(self) -> None:
        """A try under way is the parent's."""
        self._lock = threading.Lock()
        self._try: _LookUp | None = None

    def stop(self) -> None:
        """Wake those who wait: the client is closed."""
        with self._lock:
            self._is_over = True
            current = self._try
        if current is not None:
            self._end(current)
            if current.task is not None:
                current.task.cancel()

    async def wait(self, deadline: float | None) -> None:
        """Return once the hosts were found, or the client was closed.

        :param deadline: of whoever waits.
        :raises ConfigurationError, InvalidURI: if DNS has no answer, or a wrong one.
        :raises ServerSelectionTimeoutError: at the deadline.
        """
        # Once more where a try was cancelled from outside, as the tasks of a loop may be.
        while not self._is_over:
            await self._wait_for_try(deadline)

    async def _wait_for_try(self, deadline: float | None) -> None:
        waiter = self._backend.event()
        with self._lock:
            if self._is_over:
                return
            current = self._try
            begin = current is None
            if current is None:
                current = self._try = _LookUp()
            current.waiters.append(waiter)
        if begin:
            await self._begin(current)
        try:
            await waiter.wait(remaining(deadline))
        except TimeoutError:
            pass
        if current.error is not None:
            raise current.error.with_traceback(None)
        if not current.done:
            timeout = deadline.timeout if isinstance(deadline, Deadline) else None
            error = ServerSelectionTimeoutError(
                f"No answer of DNS about {self.name.fqdn} yet, Timeout: {timeout}s"
            )
            hint = hint_for(CauseKind.DNS)
            where, detail = (self.name.fqdn, None), "no answer of DNS yet"
            error.causes = (Cause(where, CauseKind.DNS, detail, hint, permanent=False),)
            error.hint = summary(error.causes)
            add_hint(error, error.hint)
            raise error

    async def _begin(self, current: _LookUp) -> None:
        main: Callable[[], Coroutine[Any, Any, None]] = partial(self._run, current)
        try:
            current.task = self._backend.spawn(main, "mongodriver DNS")
        except RuntimeError:
            await main()  # no more threads

    async def _run(self, current: _LookUp) -> None:
        try:
            found = await self._look_up()
            take = self._found()
            if take is not None and not self._is_over:
                take(found, self.name)
                self._is_over = True
        except Exception as exc:
            current.error = exc
        finally:
            self._end(current)

    def _end(self, current: _LookUp) -> None:
        with self._lock:
            current.done = True
            if self._try is current:
                self._try = None
            waiters, current.waiters = current.waiters, []
        for waiter in waiters:
            waiter.set()

    async def _look_up(self) -> Found:
        end = monotonic() + self._timeout
        nodes, ttl = await ask(self._backend, resolve_srv, self.name.query, end)
        self.name.check(nodes)
        txt = await ask(self._backend, resolve_txt, self.name.fqdn, end)
        parsed = self._parsed.with_nodes([])
        # A copy: what a try that fails has added must not stay.
        parsed.options = CaseInsensitiveDict(parsed.options.cased())
        return Found(complete(parsed, nodes, txt, Random(), warn=True, normalize=False), ttl)
