"""Sessions as the server knows them, and the pool of those that nobody uses.

An operation that is given no session takes a server session for itself; it then stands where an
explicit `Session` would.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.binary import Binary
from bsonx.int64 import Int64

if TYPE_CHECKING:
    from ..io.base import Address
    from ..ops.base import Operation

#: A session with less than this left is not used again, in seconds.
_EXPIRY_MARGIN = 60.0
_FOR_EVER = float("inf")


class ServerSession:
    """A session as the server knows it: its id, and the number of its last transaction.

    :param pool: where it goes back to.
    """

    __slots__ = (
        "_pool",
        "abandoned",
        "dirty",
        "forks",
        "last_use",
        "left_at",
        "lsid",
        "transaction_number",
    )

    # As the session of an operation that was given none.
    implicit = True
    in_transaction = False
    cluster_time: Mapping[str, Any] | None = None

    def __init__(self, pool: ServerSessionPool) -> None:
        self._pool = pool
        #: How many forks its process was away from that which made the client.
        self.forks = pool.forks
        self.lsid = {"id": Binary(_uuid4_bytes(), 4)}
        self.last_use = monotonic()
        self.transaction_number = 0
        #: The server's side of it is unknown (a network error, a cancelled operation), so it is
        #: not used again.
        self.dirty = False
        #: A server may still hold a cursor or a transaction of it, which nobody knows of.
        self.abandoned = False
        #: That server; None: the primary.
        self.left_at: Address | None = None

    @property
    def server_session(self) -> ServerSession:
        """Itself: what explicit sessions have one of."""
        return self

    lent = server_session

    def check(self, pool: ServerSessionPool, operation: Operation[Any]) -> bool:
        """Nobody but the driver holds one of these: there is nothing to refuse."""
        return False

    def next_transaction(self) -> Int64:
        """The number of a new transaction or retryable write."""
        self.transaction_number += 1
        return Int64(self.transaction_number)

    def mark_dirty(self) -> None:
        """Do not use it for another operation."""
        self.dirty = True

    def abandon(self, address: Address | None) -> None:
        """Do not use it again, and have the server kill what it holds of it.

        :param address: of that server; None: the primary.
        """
        self.dirty = self.abandoned = True
        self.left_at = address

    def end(self) -> None:
        """Give it back to its pool."""
        self._pool.release(self)


def _uuid4_bytes() -> bytes:
    data = bytearray(os.urandom(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    return bytes(data)


class ServerSessionPool:
    """Server sessions not in use, the one used last on top.

    There is no lock: taking from a deque and adding to it are single steps.
    """

    def __init__(self) -> None:
        self._free: deque[ServerSession] = deque()
        self._abandoned: deque[ServerSession] = deque()
        #: Seconds after its last use up to which a session can be used.
        self._lifetime = _FOR_EVER
        #: How many forks this process is away from that which made the client.
        self.forks = 0

    def expire_after(self, minutes: int | None) -> None:
        """Take the deployment's session timeout, None behind a load balancer or while unknown."""
        self._lifetime = _FOR_EVER if minutes is None else minutes * 60 - _EXPIRY_MARGIN

    @property
    def free(self) -> list[ServerSession]:
        """Those that nobody uses, the one used last at the end."""
        return list(self._free)

    def acquire(self) -> ServerSession:
        """A session that will not expire within the next minute."""
        now = monotonic()
        try:
            while True:
                session = self._free.pop()
                if now - session.last_use <= self._lifetime:
                    session.last_use = now
                    return session
        except IndexError:
            return ServerSession(self)

    def release(self, session: ServerSession) -> None:
        """Take a session back; dirty and expiring ones are forgotten.

        So are those of a parent process, which still uses them: the server would take a write of
        one process for the repetition of the other's, and not do it.
        """
        if session.dirty or session.forks != self.forks:
            if session.abandoned and session.forks == self.forks:
                self._abandoned.append(session)
            return
        free = self._free
        oldest_use = monotonic() - self._lifetime
        try:
            while free and free[0].last_use < oldest_use:
                oldest = free.popleft()
                if oldest.last_use >= oldest_use:
                    free.appendleft(oldest)  # another thread has dropped the one looked at
        except IndexError:
            pass  # another thread has taken it meanwhile
        if session.last_use >= oldest_use:
            free.append(session)

    def drain(self) -> list[dict[str, Any]]:
        """Empty the pool; the ids of its sessions, for endSessions."""
        free, self._free = self._free, deque()
        return [session.lsid for session in free]

    def take_abandoned(self) -> dict[Address | None, list[dict[str, Any]]]:
        """The ids of the sessions that were abandoned since the last call, by server (None: the
        primary).
        """
        found: dict[Address | None, list[dict[str, Any]]] = {}
        abandoned, self._abandoned = self._abandoned, deque()
        for session in abandoned:
            found.setdefault(session.left_at, []).append(session.lsid)
        return found

    def after_fork(self) -> None:
        """The sessions belong to the parent process."""
        self._free = deque()
        self._abandoned = deque()
        self.forks += 1
