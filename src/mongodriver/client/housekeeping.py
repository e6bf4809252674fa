"""Background work of a client, about once a second: cursors to kill, pools to keep at size.

Cursors that are garbage-collected unread are only queued (a finalizer must not do I/O); this
coroutine tells their servers. It holds the client weakly and ends with it.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.errors import BSONError
from bsonx.int64 import Int64

from ..io.reports import Reports
from ..ops.base import BuildContext, Command, Operation
from ..values.errors import PyMongoError

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..io.base import Address, Backend, Task
    from ..sessions.session import ImplicitSession, Session
    from .client import Client

#: Seconds between two rounds.
INTERVAL = 1.0
#: Sessions ended by one command.
END_SESSIONS_BATCH = 10_000


class DeadCursor(NamedTuple):
    """A cursor nobody can read any more, still open on the server at `address`."""

    cursor_id: int
    database: str
    collection: str
    address: Address | None
    session: Session | ImplicitSession | None = None
    connection: Connection | None = None


class KillCursors(Operation[None]):
    """The killCursors command for cursors of one collection."""

    name = "killCursors"
    codec_options = DEFAULT_CODEC_OPTIONS

    def __init__(self, database: str, collection: str, ids: Iterable[int]) -> None:
        self.database = database
        self.collection = collection
        self._ids = [Int64(id) for id in ids]

    def build(self, context: BuildContext) -> Command:
        return Command({"killCursors": self.collection, "cursors": self._ids})


class EndSessions(Operation[None]):
    """The endSessions command: the client needs these sessions no more."""

    name = "endSessions"
    database = "admin"
    codec_options = DEFAULT_CODEC_OPTIONS
    supports_session = False

    def __init__(self, ids: list[dict[str, Any]], read_preference: Any) -> None:
        self._ids = ids
        self.read_preference = read_preference

    def build(self, context: BuildContext) -> Command:
        return Command({"endSessions": self._ids})


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
        while not await self._wake.wait(INTERVAL) and not self._stopped:
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
    operation = KillCursors(cursor.database, cursor.collection, [cursor.cursor_id])
    try:
        if cursor.cursor_id:
            await client.execute(
                operation,
                session=cursor.session,
                address=cursor.address,
                connection=cursor.connection,
            )
    finally:
        if cursor.connection is not None:
            client.unpin(cursor.connection)
        if cursor.session is not None and cursor.session.implicit:
            cursor.session.end()
