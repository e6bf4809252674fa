"""Background work of a client, about once a second: cursors to kill, pools to keep at size.

Cursors that are garbage-collected unread are only queued (a finalizer must not do I/O, nor wait
for a lock); this coroutine tells their servers. It holds the client weakly and ends with it.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.errors import BSONError

from ..execution.timeouts import timeout
from ..io.deadline import sooner
from ..io.reports import Reports
from ..ops.cursor import KillCursors, may_carry
from ..ops.sessions import KillSessions
from ..values.errors import PyMongoError
from ..values.limits import (
    KILL_CURSOR_FREQUENCY,
    KILL_CURSORS_TIMEOUT,
    MAX_END_SESSIONS,
    MAX_KILL_CURSORS,
    SERVER_CURSOR_LIFETIME,
)

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..cmap.pool import Pool
    from ..io.base import Address, Backend, Task
    from ..sessions.server_session import ServerSession
    from ..sessions.session import Session
    from .client import Client


class DeadCursor:
    """A cursor nobody can read any more, still open on the server at `address`."""

    __slots__ = ("address", "connection", "cursor_id", "namespace", "session", "until")

    def __init__(
        self,
        cursor_id: int,
        namespace: str,
        address: Address | None,
        session: Session | ServerSession | None = None,
        connection: Connection | None = None,
    ) -> None:
        self.cursor_id = cursor_id
        self.namespace = namespace
        self.address = address
        self.session = session
        self.connection = connection
        #: When its server has closed it by itself, as it does with cursors nobody reads.
        self.until = monotonic() + SERVER_CURSOR_LIFETIME

    def let_go(self, client: Client) -> None:
        """Give back what it has kept: its connection, and its implicit session."""
        connection, self.connection = self.connection, None
        if connection is not None:
            client.unpin(connection)
        session, self.session = self.session, None
        if session is not None and session.implicit:
            session.end()


class _Filling:
    """A pool whose connections are being established."""

    __slots__ = ("done", "pool", "task")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.done = False
        self.task: Task | None = None


class Housekeeper:
    """The coroutine, and the queue of cursors it serves."""

    def __init__(self, client: Client, backend: Backend) -> None:
        self._client = weakref.ref(client)
        self._backend = backend
        self._reports = Reports(backend)
        self._dead: deque[DeadCursor] = deque()
        self._stopped = False
        self._task: Task | None = None
        self._fillings: list[_Filling] = []

    def bury(self, cursor: DeadCursor) -> None:
        """Have a cursor killed soon. From any thread or finalizer; does no I/O and never blocks."""
        if self._stopped and cursor.connection is not None:
            cursor.connection.stream.dispose()  # the client is closed: nobody will come for it
        self._dead.append(cursor)

    def start(self) -> None:
        self._stopped = False
        self._wake = self._backend.event()
        self._task = self._backend.spawn(self._run, "mongodriver housekeeping")

    def stop(self) -> None:
        if self._task is not None:
            self._stopped = True
            self._wake.set()
            for filling in self._fillings:
                if filling.task is not None:
                    filling.task.cancel()

    async def join(self, timeout: float | None = None) -> None:
        end = sooner(None, timeout)
        for task in (self._task, *[filling.task for filling in self._fillings]):
            if task is not None:
                await task.join(None if end is None else max(end - monotonic(), 0))

    def after_fork(self) -> None:
        self._dead.clear()
        self._task = None
        self._fillings = []

    async def _run(self) -> None:
        while not await self._wake.wait(KILL_CURSOR_FREQUENCY) and not self._stopped:
            client = self._client()
            if client is None:
                return
            try:
                await self._round(client)
            except Exception as exc:
                # All rounds to come still need this coroutine.
                self._reports.add(exc)
            del client

    async def _round(self, client: Client) -> None:
        await self.bury_all(client)
        self._fillings = [filling for filling in self._fillings if not filling.done]
        for server in client.topology.servers:
            try:
                server.pool.tidy()
                if server.pool.is_small:
                    await self._begin_filling(server.pool)
            except Exception as exc:
                self._reports.add(exc)  # the other servers have pools as well

    async def _begin_filling(self, pool: Pool) -> None:
        """Have a pool filled in the background: its server may let us wait, not so the others."""
        if any(filling.pool is pool for filling in self._fillings):
            return
        filling = _Filling(pool)
        try:
            filling.task = self._backend.spawn(
                partial(self._fill, filling), "mongodriver filling a pool"
            )
        except RuntimeError:
            await self._fill(filling)  # no more threads
        else:
            self._fillings.append(filling)

    async def _fill(self, filling: _Filling) -> None:
        try:
            await filling.pool.fill()
        except Exception as exc:
            self._reports.add(exc)
        finally:
            filling.done = True

    async def bury_all(self, client: Client, seconds: float = KILL_CURSORS_TIMEOUT) -> None:
        """Tell the servers of the queued cursors and of abandoned sessions, all at the same time.

        Failures are ignored: both time out. Cursors of a server that is down stay queued.

        :param seconds: how long a server may take.
        """
        jobs = [
            partial(self._kill_on, client, address, cursors, seconds)
            for address, cursors in self._take_reachable(client).items()
        ]
        jobs += [
            partial(self._try, seconds, partial(_kill_sessions, client, address, ids))
            for address, ids in client.sessions.take_abandoned().items()
            if client.topology.is_up(address)
        ]
        end = monotonic() + seconds
        tasks = []
        while len(jobs) > 1:
            try:
                tasks.append(self._backend.spawn(jobs[-1], "mongodriver killing cursors"))
            except RuntimeError:
                break  # no more threads, as when the interpreter ends: one after the other
            jobs.pop()
        for job in jobs:
            await job()
        for task in tasks:
            await task.join(max(end - monotonic(), 0))

    def _take_reachable(self, client: Client) -> dict[Address | None, list[DeadCursor]]:
        """The queued cursors of the servers that are known to be up, by server."""
        found: dict[Address | None, list[DeadCursor]] = {}
        waiting = []
        for cursor in self._drain():
            if not cursor.cursor_id:
                cursor.let_go(client)
            elif client.topology.is_up(cursor.address):
                found.setdefault(cursor.address, []).append(cursor)
            else:
                cursor.let_go(client)
                if client.topology.has_member(cursor.address) and monotonic() < cursor.until:
                    waiting.append(cursor)
        self._dead.extend(waiting)
        return found

    def _drain(self) -> Iterable[DeadCursor]:
        # `close` may bury them at the same time: no look at the queue before.
        try:
            while True:
                yield self._dead.popleft()
        except IndexError:
            return

    async def _kill_on(
        self, client: Client, address: Address | None, cursors: list[DeadCursor], seconds: float
    ) -> None:
        """Kill cursors of one server: one command for all of a collection."""
        try:
            await self._try(seconds, partial(_kill_all, client, address, cursors))
        finally:
            for cursor in cursors:
                cursor.let_go(client)

    async def _try(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do what may fail, within so many seconds."""
        try:
            with timeout(seconds):
                await work()
        except (PyMongoError, BSONError):
            pass
        except Exception as exc:
            self._reports.add(exc)


async def _kill_all(client: Client, address: Address | None, cursors: list[DeadCursor]) -> None:
    for group in _groups(client, cursors):
        await kill_cursors(client, address, group)


async def _kill_sessions(
    client: Client, address: Address | None, ids: list[dict[str, Any]]
) -> None:
    for start in range(0, len(ids), MAX_END_SESSIONS):
        operation = KillSessions(ids[start : start + MAX_END_SESSIONS])
        await client.execute(operation, address=address)


def _groups(client: Client, cursors: Iterable[DeadCursor]) -> Iterable[list[DeadCursor]]:
    """The cursors that one command can kill: those of a namespace, by the same way."""
    groups: dict[tuple[str, Connection | None], list[DeadCursor]] = {}
    for cursor in cursors:
        connection = cursor.connection
        if connection is not None and not may_carry(connection):
            client.unpin(connection)
            cursor.connection = None
            if connection.service_id is not None:
                continue  # no other connection is known to lead to the same service
            connection = None
        groups.setdefault((cursor.namespace, connection), []).append(cursor)
    for group in groups.values():
        for start in range(0, len(group), MAX_KILL_CURSORS):
            yield group[start : start + MAX_KILL_CURSORS]


async def kill_cursors(
    client: Client, address: Address | None, cursors: Sequence[DeadCursor]
) -> None:
    """Kill cursors of one namespace by one command, in the session of one of them."""
    first = cursors[0]
    ids = [cursor.cursor_id for cursor in cursors]
    sessions = (c.session.lent for c in cursors if c.session is not None)
    await client.execute(
        KillCursors(first.namespace, ids, DEFAULT_CODEC_OPTIONS),
        session=next((s for s in sessions if s is not None), None),
        address=address,
        connection=first.connection,
    )
