"""The state of an explicit session. Public sessions (`client_session`) wrap one of these."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..replies.fields import timestamp
from ..replies.times import check_cluster_time
from ..values.errors import ConfigurationError, InvalidOperation

if TYPE_CHECKING:
    from ..ops.base import Operation
    from .server_session import ServerSession, ServerSessionPool


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
    def lent(self) -> ServerSession | None:
        """The server session it has now: None before its first use, and after its end."""
        return self._server_session

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
        """Take the times of a reply to an operation of this session.

        :raises ProtocolError: for a time that is none.
        """
        cluster_time = reply.get("$clusterTime")
        if cluster_time is not None:
            check_cluster_time(cluster_time)
            self.advance_cluster_time(cluster_time)
        operation_time = timestamp(reply, "operationTime")
        if operation_time is not None:
            self.advance_operation_time(operation_time)
        if self.snapshot and self.snapshot_time is None and reply.get("ok") == 1:
            source = reply.get("cursor")
            self.snapshot_time = timestamp(
                source if isinstance(source, Mapping) else reply, "atClusterTime"
            )

    def end(self) -> None:
        """Give the server session back. Further use raises InvalidOperation."""
        self.ended = True
        session, self._server_session = self._server_session, None
        if session is not None and self._pid == os.getpid():
            self._pool.release(session)
