"""The state of an explicit session. Public sessions (`client_session`) wrap one of these."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..ops.base import CLOSING
from ..replies.fields import optional_document, timestamp
from ..replies.times import check_cluster_time
from ..values.errors import ConfigurationError, InvalidOperation
from ..values.session_options import TransactionOptions
from .transaction import NONE, STARTING, Transaction

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..io.base import Address
    from ..ops.base import Operation
    from .server_session import ServerSession, ServerSessionPool


class Session:
    """State of an explicit session.

    :param owner: the `Client` it was started from; only that one may use it.
    :param causal_consistency: reads see what the session has read and written before.
    :param snapshot: all reads are of one point in time.
    :param snapshot_time: of that time; None: of the first read.
    """

    implicit = False

    def __init__(
        self,
        owner: Any,
        pool: ServerSessionPool,
        causal_consistency: bool = True,
        snapshot: bool = False,
        snapshot_time: Any = None,
    ) -> None:
        self.owner = owner
        self._pool = pool
        self._server_session: ServerSession | None = None
        self.causal_consistency = causal_consistency
        self.snapshot = snapshot
        self.snapshot_time: Any = snapshot_time
        self.cluster_time: Mapping[str, Any] | None = None
        self.operation_time: Any = None
        self.ended = False
        self.transaction = Transaction()
        #: Operations may hold a session only one at a time; the pid guards against forks.
        self._pid = os.getpid()

    def belongs_to(self, pool: ServerSessionPool) -> bool:
        """Whether the client with that pool has started it."""
        return pool is self._pool

    def check(self, pool: ServerSessionPool, operation: Operation[Any]) -> bool:
        """Whether the operation is one of a transaction, which may have a place to go to.

        :param pool: of the client that runs the operation.
        :raises InvalidOperation, ConfigurationError: where the session cannot be used for it.
        """
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        if pool is not self._pool:
            raise InvalidOperation(
                f"Can only use session with the {self.owner.name} that started it"
            )
        if not operation.acknowledged:
            raise ConfigurationError(
                "Explicit sessions are incompatible with unacknowledged write concern: "
                f"{operation.write_concern!r}"
            )
        transaction = self.transaction
        if transaction.state == NONE:
            return False
        if operation.retry_policy is CLOSING:
            return True
        if transaction.active:
            self.check_process()
            transaction.check_operation(operation)
            return True
        # After its end it is over, also where it could have been committed once more.
        self.forget_transaction()
        return False

    def check_process(self) -> None:
        """Raise InvalidOperation where the transaction in progress is the parent process's."""
        if self.transaction.forks != self._pool.forks:
            raise InvalidOperation(
                "Cannot use a transaction that was started before a fork: "
                "it belongs to the parent process"
            )

    # -- transactions --

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is in progress, or begins with the next operation."""
        return self.transaction.active

    def check_can_begin(self) -> None:
        """Raise InvalidOperation where no transaction can be started."""
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        if self.snapshot:
            raise InvalidOperation("Transactions are not supported in snapshot sessions")
        self.transaction.check_can_begin()

    def check_can_commit(self) -> None:
        """Raise InvalidOperation where there is nothing to commit."""
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        self.transaction.check_can_commit()
        self.check_process()

    def check_can_abort(self) -> None:
        """Raise InvalidOperation where there is nothing to abort."""
        if self.ended:
            raise InvalidOperation("Cannot use ended session")
        self.transaction.check_can_abort()
        self.check_process()

    def begin_transaction(self, options: TransactionOptions) -> None:
        """Start a transaction; no I/O.

        :param options: complete: inherited ones included.
        """
        self.check_can_begin()
        self.unpin()
        number = self.server_session.next_transaction()
        self.transaction.begin(options, number, self._pool.forks)
        watchers = self.owner.observer.transactions
        if watchers:
            publish(watchers, events.stages.TransactionStarted(self))

    def tell_of_end(self, error: BaseException | None) -> None:
        """The transaction was committed or aborted, or that has failed."""
        watchers = self.owner.observer.transactions
        if watchers:
            publish(watchers, events.stages.TransactionEnded(self, error))

    def forget_transaction(self) -> None:
        """An operation follows that does not belong to the transaction before it."""
        self.unpin()
        self.transaction.state = NONE

    def abandon_transaction(self) -> bool:
        """Whether a transaction is the parent process's; it is not this one's any more then."""
        transaction = self.transaction
        if not transaction.active or transaction.forks == self._pool.forks:
            return False
        transaction.connection = None
        transaction.state = NONE
        return True

    def route(
        self, address: Address | None, connection: Connection | None
    ) -> tuple[Address | None, Connection | None]:
        """Where an operation goes that should go there: its transaction's place comes first."""
        transaction = self.transaction
        return address or transaction.address, connection or transaction.connection

    def unpin(self) -> None:
        """Let the next command of the session go to any server."""
        transaction = self.transaction
        transaction.address = None
        connection, transaction.connection = transaction.connection, None
        if connection is not None and transaction.forks == self._pool.forks:
            self.owner.unpin(connection)

    def settle(self, sent: bool) -> None:
        """An operation of the session failed.

        :param sent: its command may have reached a server.
        """
        transaction = self.transaction
        if not transaction.active:
            return
        if sent:
            transaction.went_out()
        elif transaction.state == STARTING:
            transaction.opener = None

    # -- its server session --

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

    def abandon(self, address: Address | None) -> None:
        """Once it has ended, have the server kill what it still holds of it."""
        if self._server_session is not None:
            self._server_session.abandon(address)

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
        transaction = self.transaction
        if transaction.state != NONE:
            if transaction.active:
                transaction.went_out()
            if reply.get("ok") == 1:
                transaction.opener = None
            if "recoveryToken" in reply:
                transaction.recovery_token = optional_document(reply, "recoveryToken")
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
        """Give the server session back. Further use raises InvalidOperation.

        A transaction that is in progress was aborted before.
        """
        self.unpin()
        self.ended = True
        session, self._server_session = self._server_session, None
        if session is not None and self._pid == os.getpid():
            self._pool.release(session)
