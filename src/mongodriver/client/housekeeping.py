"""Background work of a client, about once a second: cursors to kill, pools to keep at size.

Cursors that are garbage-collected unread are only queued (a finalizer must not do I/O); this
coroutine tells their servers. It holds the client weakly and ends with it.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.errors import BSONError

from ..io.reports import Reports
from ..ops.cursor import KillCursors
from ..values.errors import PyMongoError
from ..values.limits import KILL_CURSOR_FREQUENCY

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..io.base import Address, Backend, Task
    from ..sessions.server_session import ServerSession
    from ..sessions.session import Session
    from .client import Client


class DeadCursor(NamedTuple):
    """A cursor nobody can read any more, still open on the server at `address`."""

    cursor_id: int
    namespace: str
    address: Address | None
    session: Session | ServerSession | None = None
    connection: Connection | None = None


class Housekeeper:
    """The coroutine, and the queue of cursors it serves."""

    def __init__(self, client: Client, backend: Backend) -> None:
        self._client = weakref.ref(client)
        self._backend = backend
        self._reports = Reports(backend)
        self._dead: deque[DeadCursor] = deque()
        self._stopped = False
        self._task: Task | None = None

    def bury(self, cursor: DeadCursor) -> None:
        """Have a cursor killed soon. From any thread or finalizer; does no I/O and never blocks."""
        self._dead.append(cursor)

    def start(self) -> None:
        self._stopped = False
        self._wake = self._backend.event()
        self._task = self._backend.spawn(self._run, "mongodriver housekeeping")

    def stop(self) -> None:
        if self._task is not None:
            self._stopped = True
            self._wake.set()

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            await self._task.join(timeout)

    def after_fork(self) -> None:
        self._dead.clear()
        self._task = None

    async def _run(self) -> None:
        while not await self._wake.wait(KILL_CURSOR_FREQUENCY) and not self._stopped:
            client = self._client()
            if client is None:
                return
            await self.bury_all(client)
            for server in client.topology.servers:
                try:
                    await server.pool.maintain()
                except Exception as exc:
                    # The other servers, and all rounds to come, still need this coroutine.
                    self._reports.add(exc)
            del client

    async def bury_all(self, client: Client) -> None:
        """Tell the servers of the queued cursors. Failures are ignored: cursors time out."""
        while True:
            try:
                # `close` may bury them at the same time: no look at the queue before.
                cursor = self._dead.popleft()
            except IndexError:
                return
            try:
                await kill_cursor(client, cursor)
            except (PyMongoError, BSONError):
                pass
            except Exception as exc:
                self._reports.add(exc)


async def kill_cursor(client: Client, cursor: DeadCursor) -> None:
    """Kill one cursor on its server, then let go of its session and connection."""
    operation = KillCursors(cursor.namespace, [cursor.cursor_id], DEFAULT_CODEC_OPTIONS)
    connection = cursor.connection
    if connection is not None and connection.more_to_come:
        # Batches nobody reads are still coming: this connection cannot carry the command.
        client.unpin(connection)
        connection = None
    try:
        if cursor.cursor_id:
            await client.execute(
                operation,
                session=cursor.session,
                address=cursor.address,
                connection=connection,
            )
    finally:
        if connection is not None:
            client.unpin(connection)
        if cursor.session is not None and cursor.session.implicit:
            cursor.session.end()
