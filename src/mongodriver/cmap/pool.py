"""A pool of connections to one server (the CMAP specification).

Invariants, under one plain lock:

- the pool counts the connections that exist (held weakly: one that a Ctrl-C makes its user lose is
  not counted for ever) and those being established (`_pending`);
- a request that cannot be served at once waits in one FIFO queue, each with an event of its own;
  whatever becomes free is handed to the first of them directly, so nobody overtakes.

`take` and `checkin`, the way of nearly every operation, do without the lock: an idle connection is
one in a deque, whose ends are changed in single steps. Whoever adds to the deque looks afterwards
whether somebody waits, or the pool was cleared; whoever queues up, or clears, looks at the deque
after that. So one of the two sees the other. The deque is never replaced.

What is to be published is queued under the lock, in order, and published after it is released:
before any connection is asked for that could be in use because of it.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from bsonx.errors import BSONError

from ..io.deadline import Deadline
from ..values.address import address_text
from ..values.errors import AutoReconnect, PyMongoError, WaitQueueTimeoutError
from .announcements import Announcements
from .failures import PoolClosedError, PoolPausedError
from .pool_events import ERROR, IDLE, POOL_CLOSED, STALE, PoolEvents

if TYPE_CHECKING:
    from ..client.settings import PoolSettings
    from ..events.observer import Observer
    from ..io.base import Address, Backend, Event
    from .connection import Connection

#: Pool states.
PAUSED, READY, CLOSED = "paused", "ready", "closed"

#: Idle seconds after which a connection is looked at before it is used again.
CHECK_AFTER = 1.0


class _Create:
    """What a waiter is handed instead of a connection: the right to establish one."""


_CREATE: Final = _Create()


class _Waiter:
    """A request in the queue. `grant` or `error` is set before the event."""

    __slots__ = ("error", "event", "grant")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.grant: Connection | _Create | None = None
        self.error: Exception | None = None


#: ``connect(id, generation, opened, deadline)`` opens and authenticates a connection; it calls
#: `opened` with it as soon as there is something that can be interrupted.
Connect = Callable[
    [int, int, Callable[["Connection"], None], "float | None"], Awaitable["Connection"]
]


class Pool:
    """Connections to `address`.

    :param connect: opens them.
    :param on_connect_error: told of every failure to do so, with the generation it began in.
    """

    def __init__(
        self,
        address: Address,
        settings: PoolSettings,
        backend: Backend,
        connect: Connect,
        observer: Observer,
        on_connect_error: Callable[[Exception, int], None] | None = None,
    ) -> None:
        self.address = address
        self.settings = settings
        self._backend = backend
        self._connect = connect
        self._on_connect_error = on_connect_error
        self._events = PoolEvents(observer, address)
        #: While there are any, `take` leaves everything to `checkout`.
        self._watchers = observer.pools
        #: Idle seconds up to which a connection is used without a look at it.
        limit = settings.max_idle_time
        self._fresh = CHECK_AFTER if limit is None else min(CHECK_AFTER, limit)
        self.state = READY if settings.load_balanced else PAUSED
        self.generation = 0
        self._service_generations: dict[Any, int] = {}
        self._last_id = 0
        self._reset()
        self._announcements.add(partial(self._events.created, settings.event_options))

    def _reset(self) -> None:
        self._announcements = Announcements()
        self._lock = threading.Lock()
        self._idle: deque[Connection] = deque()
        self._established: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._opening: set[Connection] = set()
        self._waiters: deque[_Waiter] = deque()
        self._pending = 0
        self._doomed: deque[tuple[Connection, str]] = deque()

    def announce(self) -> None:
        """Publish and finish what was begun: that the pool exists, `begin_ready`, `begin_clear`.

        Not done at once, for whoever begins may hold a lock.
        """
        self._announcements.announce()

    @property
    def operation_count(self) -> int:
        """Operations that have a connection or wait for one: the load that selection compares."""
        return self.size - len(self._idle) + len(self._waiters)

    @property
    def size(self) -> int:
        """Connections in all, those being established included."""
        return len(self._established) + self._pending

    def has(self, connection: Connection) -> bool:
        """Whether a connection is one of this pool's, in use or idle."""
        return connection in self._established

    @property
    def idle_count(self) -> int:
        """Established connections that nobody uses."""
        return len(self._idle)

    @property
    def idle(self) -> list[Connection]:
        """Those connections, at this moment."""
        return list(self._idle)

    def generation_of(self, service_id: Any) -> int:
        """The current generation, behind a load balancer that of one service."""
        if service_id is None:
            return self.generation
        return self._service_generations.get(service_id, 0)

    # -- checking out --

    def take(self) -> Connection | None:
        """An idle connection, or None if that needs the long way, `checkout`."""
        if self._watchers:
            return None
        try:
            connection = self._idle.pop()
        except IndexError:
            return None
        if (
            connection.generation == self.generation
            and connection.service_id is None
            and connection.last_used + self._fresh >= monotonic()
            and not connection.stream.closed
        ):
            return connection
        self._shelve(connection)  # `_next_idle` finds out what is to be done with it
        return None

    def _shelve(self, connection: Connection) -> None:
        """Make a connection idle. Without the lock: see the top of this file."""
        self._idle.append(connection)
        if self._waiters or not self._is_current(connection):
            self._look_again(connection)

    def _look_again(self, connection: Connection) -> None:
        """Somebody may wait for the connection that has just become idle, or it may be stale."""
        with self._lock:
            self._serve_waiters()
            if not self._is_current(connection) and self._remove_idle(connection):
                self._doom(connection, STALE)
        self._bury()

    def _is_current(self, connection: Connection) -> bool:
        """Whether the pool was not cleared since the connection was begun."""
        service = connection.service_id
        current = self.generation if service is None else self.generation_of(service)
        return connection.generation == current

    async def checkout(self, deadline: float | None = None) -> Connection:
        """A connection for one user, who gives it back with `checkin`.

        :param deadline: monotonic time limit of the operation, instead of waitQueueTimeoutMS.
        :raises WaitQueueTimeoutError: when none became free in time.
        :raises AutoReconnect: when the pool is paused or the connection cannot be established.
        """
        start = monotonic()
        self._catch_up()
        self._events.check_out_started()
        try:
            connection = await self._obtain(deadline)
        except BaseException as exc:
            self._events.check_out_failed(exc, start)
            raise
        self._events.checked_out(connection.id, start)
        return connection

    async def connect(self) -> Connection:
        """A new connection, whatever is idle; it is given back with `checkin` as well."""
        self._catch_up()
        with self._lock:
            self._reserve()
        return await self._establish()

    def _catch_up(self) -> None:
        """Before a connection is asked for: others may still publish why it may be."""
        if self._watchers:
            self._announcements.catch_up()

    async def _obtain(self, deadline: float | None) -> Connection:
        waiter = None
        with self._lock:
            self._refuse_unless_ready()
            grant: Connection | _Create | None = self._next_idle()
            if grant is None:
                if self._may_create():
                    grant = self._reserve()
                else:
                    waiter = _Waiter(self._backend.event())
                    self._waiters.append(waiter)
                    self._serve_waiters()  # one may have become idle meanwhile
        self._bury()
        if waiter is not None:
            grant = await self._wait(waiter, deadline)
        if grant is None or isinstance(grant, _Create):
            return await self._establish(deadline)
        return grant

    def _refuse_unless_ready(self) -> None:
        if self.state == CLOSED:
            raise PoolClosedError("Attempted to check out a connection from closed connection pool")
        if self.state == PAUSED:
            raise self._paused_error()

    def _paused_error(self) -> AutoReconnect:
        return PoolPausedError(f"{address_text(self.address)}: connection pool paused")

    def _pop_idle(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _remove_idle(self, connection: Connection) -> bool:
        try:
            self._idle.remove(connection)
        except ValueError:
            return False  # somebody has taken it, and will see for himself
        return True

    def _next_idle(self) -> Connection | None:
        """Under the lock: the connection used last that is still good; the others are doomed."""
        now = monotonic()
        while (connection := self._pop_idle()) is not None:
            reason = self._perished(connection, now)
            if reason is None:
                return connection
            self._doom(connection, reason)
        return None

    def _doom(self, connection: Connection, reason: str) -> None:
        """Under the lock: a connection is to be closed, by the next `_bury`."""
        self._established.discard(connection)
        self._doomed.append((connection, reason))

    def _bury(self) -> None:
        """Without the lock: close what is doomed."""
        while self._doomed:
            try:
                connection, reason = self._doomed.popleft()
            except IndexError:
                return
            self._close_one(connection, reason)

    def _perished(self, connection: Connection, now: float) -> str | None:
        """Why an idle connection cannot be used any more; None when it can."""
        if not self._is_current(connection):
            return STALE
        idle_seconds = now - connection.last_used
        limit = self.settings.max_idle_time
        if limit is not None and idle_seconds > limit:
            return IDLE
        if connection.stream.closed:
            return ERROR
        if idle_seconds > CHECK_AFTER and connection.stream.is_stale():
            return ERROR
        return None

    def _may_create(self) -> bool:
        limits = self.settings
        return self.size < limits.max_size and self._pending < limits.max_connecting

    def _reserve(self) -> _Create:
        self._pending += 1
        return _CREATE

    async def _wait(self, waiter: _Waiter, deadline: float | None) -> Connection | _Create:
        timeout = self.settings.wait_queue_timeout
        if deadline is not None:
            timeout = max(deadline - monotonic(), 0.0)
        try:
            await waiter.event.wait(timeout)
        except BaseException:
            self._give_back(waiter)
            raise
        with self._lock:
            if waiter.grant is not None:
                return waiter.grant
            if waiter.error is None:
                self._waiters.remove(waiter)
        if isinstance(deadline, Deadline):
            timeout = deadline.timeout  # as it was configured
        raise waiter.error or self._timeout_error(timeout)

    def _timeout_error(self, timeout: float | None) -> WaitQueueTimeoutError:
        limit = self.settings.max_size
        size = "None" if limit == float("inf") else limit
        if not self.settings.load_balanced:
            return WaitQueueTimeoutError(
                "Timed out while checking out a connection from connection pool. "
                f"maxPoolSize: {size}, timeout: {timeout}"
            )
        idle = set(self._idle)
        purposes = Counter(c.pinned for c in self._connections() if c not in idle)
        return WaitQueueTimeoutError(
            "Timeout waiting for connection from the connection pool. "
            f"maxPoolSize: {size}, connections in use by cursors: {purposes['cursor']}, "
            f"connections in use by transactions: {purposes['transaction']}, "
            f"connections in use by other operations: {purposes['']}, timeout: {timeout}"
        )

    def _give_back(self, waiter: _Waiter) -> None:
        """A waiter was cancelled: leave the queue, pass on what it was just given."""
        with self._lock:
            grant = waiter.grant
            if grant is None and waiter.error is None:
                self._waiters.remove(waiter)
            if isinstance(grant, _Create):
                self._pending -= 1
                self._serve_waiters()
        self._bury()
        if grant is not None and not isinstance(grant, _Create):
            self._keep(grant)

    def _serve_waiters(self) -> None:
        """Hand what is free to the first waiters. Under the lock: setting an event cannot block."""
        while self._waiters and self.state == READY:
            grant: Connection | _Create | None = self._next_idle()
            if grant is None:
                if not self._may_create():
                    return
                grant = self._reserve()
            waiter = self._waiters.popleft()
            waiter.grant = grant
            waiter.event.set()

    # -- establishing --

    async def _establish(self, deadline: float | None = None, spare: bool = False) -> Connection:
        """Open a connection on a reservation, for the caller's use.

        :param deadline: monotonic time limit, if it is sooner than connectTimeoutMS.
        :param spare: for nobody's use yet: make it idle.
        """
        with self._lock:
            self._last_id += 1
            id, generation = self._last_id, self.generation
        begun: list[Connection] = []

        def opened(connection: Connection) -> None:
            begun.append(connection)
            with self._lock:
                self._opening.add(connection)

        start = monotonic()
        self._events.connection_created(id)
        try:
            connection = await self._connect(id, generation, opened, deadline)
        except BaseException as exc:
            self._abandon_reservation(begun, exc, generation)
            self._events.connection_closed(id, ERROR)
            raise
        if connection.service_id is not None:
            connection.generation = self.generation_of(connection.service_id)
        self._events.connection_ready(id, start)
        with self._lock:
            self._pending -= 1
            self._opening.discard(connection)
            self._established.add(connection)
            if spare:
                self._add_idle(connection)
            self._serve_waiters()
        self._bury()
        return connection

    def _add_idle(self, connection: Connection) -> None:
        """Under the lock: make a new connection idle, so that the next waiter finds it."""
        connection.last_used = monotonic()
        reason = self._unfit(connection)
        if reason is None:
            self._idle.append(connection)
        else:
            self._doom(connection, reason)

    def _abandon_reservation(
        self, begun: list[Connection], exc: BaseException, generation: int
    ) -> None:
        """Establishing has failed: tell the topology, close what there is, let others try."""
        try:
            # The topology hears of it first: it pauses the pool before a waiter tries the same.
            if isinstance(exc, Exception) and self._on_connect_error is not None:
                self._on_connect_error(exc, generation)
        finally:
            for connection in begun:
                connection.close()
            with self._lock:
                self._pending -= 1
                self._opening.difference_update(begun)
                self._serve_waiters()
            self._bury()

    # -- checking in --

    def checkin(self, connection: Connection) -> None:
        """Take a connection back; one that is closed, stale or still streaming is discarded."""
        if self._watchers:
            self._events.checked_in(connection.id)
        if (
            connection.generation == self.generation
            and connection.service_id is None
            and self.state == READY
            and not connection.stream.closed
            and not connection.more_to_come
        ):
            # `_keep` and `_shelve` in one: as almost always.
            connection.last_used = monotonic()
            self._idle.append(connection)
            if self._waiters or connection.generation != self.generation:
                self._look_again(connection)
        else:
            self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        """Make a connection idle that was in use, or close it if it is no good any more."""
        connection.last_used = monotonic()
        reason = self._unfit(connection)
        if reason is None:
            self._shelve(connection)
            return
        with self._lock:
            self._doom(connection, reason)
            self._serve_waiters()
        self._bury()

    def discard(self, connection: Connection, reason: str) -> None:
        """Close a connection that is in use instead of taking it back."""
        with self._lock:
            self._doom(connection, reason)
            self._serve_waiters()
        self._bury()

    def _unfit(self, connection: Connection) -> str | None:
        """Why a connection that comes back cannot be kept; None when it can."""
        if self.state == CLOSED:
            return POOL_CLOSED
        if connection.stream.closed or connection.more_to_come:
            return ERROR  # and that is often why the others are stale now
        if not self._is_current(connection):
            return STALE
        return None

    def _close_one(self, connection: Connection, reason: str) -> None:
        connection.close()
        self._events.connection_closed(connection.id, reason)

    def _close_all(self, connections: Iterable[tuple[Connection, str]]) -> None:
        for connection, reason in connections:
            self._close_one(connection, reason)

    # -- state --

    def ready(self) -> None:
        """Allow checkouts: the server is known."""
        self.begin_ready()
        self.announce()

    def begin_ready(self) -> bool:
        """The state change of `ready` alone; True asks for `announce` afterwards.

        The topology changes its pools while it holds its own lock.
        """
        with self._lock:
            if self.state != PAUSED:
                return False
            self._announcements.add(self._events.ready)
            self.state = READY
        return True

    def clear(self, service_id: Any = None, interrupt: bool = False, pause: bool = True) -> None:
        """Begin a new generation and pause; with `interrupt`, end the operations under way too.

        Behind a load balancer only the connections to `service_id` go, and nothing is paused.
        """
        self.begin_clear(service_id, interrupt, pause)
        self.announce()

    def begin_clear(
        self, service_id: Any = None, interrupt: bool = False, pause: bool = True
    ) -> None:
        """The state change of `clear`; `announce` afterwards closes, wakes and publishes."""
        with self._lock:
            if self.state == CLOSED:
                return
            if self.state == READY:
                self._announcements.add(partial(self._events.cleared, service_id, interrupt))
            if service_id is None:
                self.generation += 1
                if pause and not self.settings.load_balanced:
                    self.state = PAUSED
            else:
                self._service_generations[service_id] = self.generation_of(service_id) + 1
            idle = self._drain_idle(service_id)
            waiters = self._fail_waiters(self._paused_error()) if self.state == PAUSED else []
            used = [*self._established, *self._opening] if interrupt else []
            interrupted = [c for c in used if _is_of(c, service_id)]

            def finish() -> None:
                for waiter in waiters:
                    waiter.event.set()
                self._close_all([(connection, STALE) for connection in idle])
                for connection in interrupted:
                    connection.stream.interrupt()

            self._announcements.add(finish)

    def _drain_idle(self, service_id: Any = None) -> list[Connection]:
        """Under the lock: take the idle connections (of one service) out of the pool."""
        gone: list[Connection] = []
        kept: list[Connection] = []
        while (connection := self._pop_idle()) is not None:
            (gone if _is_of(connection, service_id) else kept).append(connection)
        self._idle.extend(reversed(kept))
        self._established.difference_update(gone)
        return gone

    def _fail_waiters(self, error: Exception) -> list[_Waiter]:
        """Empty the queue; its waiters raise `error` once their event is set."""
        waiters, self._waiters = list(self._waiters), deque()
        for waiter in waiters:
            waiter.error = error
        return waiters

    def close(self) -> None:
        """Close for good. Connections in use are closed as they come back."""
        with self._lock:
            if self.state == CLOSED:
                return
            self.state = CLOSED
            self.generation += 1
            idle = self._drain_idle()
            waiters = self._fail_waiters(PoolClosedError("Connection pool was closed"))
        for waiter in waiters:
            waiter.event.set()
        self._close_all([(connection, POOL_CLOSED) for connection in idle])
        self._announcements.add(self._events.closed)
        self._announcements.catch_up()

    def abort(self) -> None:
        """End every connection at once: the client is gone. From any thread; no events."""
        idle = set(self._idle)
        for connection in self._connections():
            if connection in idle:
                connection.stream.dispose()
            else:
                connection.stream.interrupt()

    def _connections(self) -> list[Connection]:
        """All there are. Without the lock, which a finalizer must not take."""
        while True:
            try:
                return [*self._established, *self._opening]
            except RuntimeError:
                continue  # another thread has just added one

    def after_fork(self) -> None:
        """Start anew in a child process: connections and waiting threads are the parent's."""
        for connection in self._connections():
            connection.stream.abandon()
        self._reset()
        self.generation += 1
        if self.state == READY and not self.settings.load_balanced:
            self.state = PAUSED

    # -- maintenance --

    def tidy(self) -> None:
        """Close connections idle for too long. No waiting."""
        with self._lock:
            self._doom_perished()
            self._serve_waiters()  # a connection that its user lost has made room
        self._bury()

    @property
    def is_small(self) -> bool:
        """Whether there are fewer connections than the minimum, and more may be had."""
        return self.state == READY and self.size < self.settings.min_size

    async def fill(self) -> None:
        """Establish connections up to the minimum."""
        self._catch_up()
        while self._reserve_for_minimum():
            try:
                await self._establish(spare=True)
            except (PyMongoError, BSONError, OSError):
                return  # the topology has been told; the next operation meets the same

    def _doom_perished(self) -> None:
        """Under the lock: doom idle connections that were not used for too long."""
        if self.settings.max_idle_time is None:
            return
        now = monotonic()
        kept = []
        while (connection := self._pop_idle()) is not None:
            reason = self._perished(connection, now)
            if reason is None:
                kept.append(connection)
            else:
                self._doom(connection, reason)
        self._idle.extend(reversed(kept))

    def _reserve_for_minimum(self) -> bool:
        with self._lock:
            if not self.is_small or not self._may_create():
                return False
            self._reserve()
            return True


def _is_of(connection: Connection, service_id: Any) -> bool:
    return service_id is None or bool(connection.service_id == service_id)
