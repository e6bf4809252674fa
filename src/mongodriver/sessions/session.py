"""Sessions: what the server knows them by, the pool of those, and the state of a client's session.

Public sessions (`client_session`) wrap a `Session`; an operation without one gets an
`ImplicitSession` for as long as it, or the cursor it opened, lives.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.binary import Binary
from bsonx.int64 import Int64
from bsonx.timestamp import Timestamp

from ..sessions.cluster_clock import is_cluster_time
from ..values.errors import ConfigurationError, InvalidOperation

if TYPE_CHECKING:
    from ..ops.base import Operation

#: A session with less than this left is not used again, in seconds.
_EXPIRY_MARGIN = 60.0


class ServerSession:
    """A session as the server knows it: its id, and the number of its last transaction."""

    __slots__ = ("dirty", "last_use", "lsid", "transaction_number")

    def __init__(self) -> None:
        self.lsid = {"id": Binary(_uuid4_bytes(), 4)}
        self.last_use = monotonic()
        self.transaction_number = 0
        #: A network error happened: the server's side of it is unknown, so it is not used again.
        self.dirty = False

    def next_transaction(self) -> Int64:
        """The number of a new transaction or retryable write."""
        self.transaction_number += 1
        return Int64(self.transaction_number)

    def touch(self) -> None:
        """The server has just heard of it."""
        self.last_use = monotonic()

    def is_expiring(self, timeout_minutes: int | None, now: float) -> bool:
        if timeout_minutes is None:
            return False
        return now - self.last_use > timeout_minutes * 60 - _EXPIRY_MARGIN


def _uuid4_bytes() -> bytes:
    data = bytearray(os.urandom(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    return bytes(data)


class ServerSessionPool:
    """Server sessions not in use, the one used last on top."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: deque[ServerSession] = deque()
        #: Of the deployment: set by the topology, None behind a load balancer or while unknown.
        self.timeout_minutes: int | None = None

    def acquire(self) -> ServerSession:
        """A session that will not expire within the next minute."""
        now = monotonic()
        with self._lock:
            while self._free:
                session = self._free.pop()
                if not session.is_expiring(self.timeout_minutes, now):
                    return session
        return ServerSession()

    def release(self, session: ServerSession) -> None:
        """Take a session back; dirty and expiring ones are forgotten."""
        if session.dirty:
            return
        now = monotonic()
        with self._lock:
            free = self._free
            while free and free[0].is_expiring(self.timeout_minutes, now):
                free.popleft()
            if not session.is_expiring(self.timeout_minutes, now):
                free.append(session)

    def drain(self) -> list[dict[str, Any]]:
        """Empty the pool; the ids of its sessions, for endSessions."""
        with self._lock:
            free, self._free = self._free, deque()
        return [session.lsid for session in free]

    def after_fork(self) -> None:
        """The sessions belong to the parent process."""
        self._lock = threading.Lock()
        self._free = deque()


class ImplicitSession:
    """The session of one operation that was given none. `end` may be called more than once."""

    __slots__ = ("_pool", "_server_session", "kept")

    implicit = True
    in_transaction = False
    cluster_time = None

    def __init__(self, pool: ServerSessionPool) -> None:
        self._pool = pool
        self._server_session: ServerSession | None = None
        #: A cursor lives on in it: it ends the session, not the operation that began it.
        self.kept = False

    def check(self, pool: ServerSessionPool, operation: Operation[Any]) -> None:
        """Nobody but the driver holds one of these: there is nothing to refuse."""

    @property
    def server_session(self) -> ServerSession:
        session = self._server_session
        if session is None:
            session = self._server_session = self._pool.acquire()
        return session

    def mark_dirty(self) -> None:
        if self._server_session is not None:
            self._server_session.dirty = True

    def end(self) -> None:
        session, self._server_session = self._server_session, None
        if session is not None:
            self._pool.release(session)


class Session:
    """State of an explicit session.

    :param owner: the `Client` it was started from; only that one may use it.
    :param causal_consistency: reads see what the session has read and written before.
    :param snapshot: all reads are of one point in time.
    """

    implicit = False

    def __init__(
        self,
        owner: Any,
        pool: ServerSessionPool,
        causal_consistency: bool = True,
        snapshot: bool = False,
    ) -> None:
        self.owner = owner
        self._pool = pool
        self._server_session: ServerSession | None = None
        self.causal_consistency = causal_consistency
        self.snapshot = snapshot
        self.snapshot_time: Any = None
        self.cluster_time: Mapping[str, Any] | None = None
        self.operation_time: Any = None
        self.ended = False
        self.in_transaction = False
        #: Operations may hold a session only one at a time; the pid guards against forks.
        self._pid = os.getpid()

    def check(self, pool: ServerSessionPool, operation: Operation[Any]) -> None:
        """Raise InvalidOperation or ConfigurationError where it cannot be used for an operation.

        :param pool: of the client that runs the operation.
        """
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        if pool is not self._pool:
            raise InvalidOperation("Can only use session with the MongoClient that started it")
        if not operation.acknowledged:
            raise ConfigurationError(
                "Explicit sessions are incompatible with unacknowledged write concern: "
                f"{operation.write_concern!r}"
            )

    @property
    def server_session(self) -> ServerSession:
        """The server session, taken from the pool at the first use."""
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        session = self._server_session
        if session is None or self._pid != os.getpid():
            self._pid = os.getpid()
            session = self._server_session = self._pool.acquire()
        return session

    @property
    def session_id(self) -> dict[str, Any]:
        return self.server_session.lsid

    def mark_dirty(self) -> None:
        if self._server_session is not None:
            self._server_session.dirty = True

    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None:
        """Take a newer ``$clusterTime``; an older one changes nothing."""
        current = self.cluster_time
        if current is None or cluster_time["clusterTime"] > current["clusterTime"]:
            self.cluster_time = cluster_time

    def advance_operation_time(self, operation_time: Any) -> None:
        """Take a newer ``operationTime``; an older one changes nothing."""
        if self.operation_time is None or operation_time > self.operation_time:
            self.operation_time = operation_time

    def observe(self, reply: Mapping[str, Any]) -> None:
        """Take the times of a reply to an operation of this session."""
        cluster_time, operation_time = reply.get("$clusterTime"), reply.get("operationTime")
        if is_cluster_time(cluster_time):
            self.advance_cluster_time(cluster_time)
        if isinstance(operation_time, Timestamp):
            self.advance_operation_time(operation_time)
        if self.snapshot and self.snapshot_time is None and reply.get("ok") == 1:
            source = reply.get("cursor", reply)
            self.snapshot_time = source.get("atClusterTime")

    def end(self) -> None:
        """Give the server session back. Further use raises InvalidOperation."""
        self.ended = True
        session, self._server_session = self._server_session, None
        if session is not None and self._pid == os.getpid():
            self._pool.release(session)
