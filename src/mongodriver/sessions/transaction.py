"""The transaction of an explicit session: its state, its options, and where it takes place.

Transactions specification. Nothing here does I/O; `execution.transactions` adds what commands of a
transaction carry and judges their failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..values.errors import InvalidOperation

if TYPE_CHECKING:
    from bsonx.int64 import Int64

    from ..cmap.connection import Connection
    from ..io.base import Address
    from ..ops.base import Operation
    from ..values.session_options import TransactionOptions

#: States of a session, as the specification and its tests name them.
NONE, STARTING, IN_PROGRESS = "none", "starting", "in_progress"
COMMITTED, ABORTED = "committed", "aborted"
_ACTIVE = (STARTING, IN_PROGRESS)


class Transaction:
    """The transaction of a session, the newest one after its end; without any, an empty one."""

    __slots__ = (
        "address",
        "connection",
        "empty",
        "forks",
        "number",
        "opener",
        "options",
        "recovery_token",
        "span",
        "state",
    )

    options: TransactionOptions
    number: Int64

    def __init__(self) -> None:
        self.state = NONE
        #: The mongos that all its commands must go to.
        self.address: Address | None = None
        #: The connection that all its commands must use, behind a load balancer.
        self.connection: Connection | None = None
        #: From the server's last reply: with it another mongos can find out how it ended.
        self.recovery_token: Any = None
        #: What a subscriber to the observer's transactions keeps with it.
        self.span: Any = None
        #: The execution whose command begins it on the server, until that was done.
        self.opener: Any = None
        #: It has ended, and no server ever knew of it.
        self.empty = False
        #: How many forks the process was away from that which made the client.
        self.forks = 0

    @property
    def active(self) -> bool:
        """Whether it is in progress, or will be with the next operation."""
        return self.state in _ACTIVE

    def begin(self, options: TransactionOptions, number: Int64, forks: int) -> None:
        """Begin a new one. Whatever it was pinned to was given back before."""
        self.options = options
        self.number = number
        self.forks = forks
        self.state = STARTING
        self.recovery_token = self.opener = self.span = None

    def end(self, state: str) -> None:
        """It is committed or aborted, as far as the user can do that."""
        if self.state != COMMITTED:  # which may be done again
            self.empty = self.state == STARTING
        self.state = state

    def went_out(self) -> None:
        """A command of the session may have reached a server: the first of the transaction, if
        that was due, or one that has nothing to do with it.
        """
        if self.state == STARTING and self.opener is not None:
            self.state = IN_PROGRESS

    # -- what may be done --

    def check_can_begin(self) -> None:
        """Raise InvalidOperation where another one is in progress."""
        if self.active:
            raise InvalidOperation("Transaction already in progress")

    def check_can_commit(self) -> None:
        """Raise InvalidOperation where there is nothing to commit."""
        if self.state == NONE:
            raise InvalidOperation("No transaction started")
        if self.state == ABORTED:
            raise InvalidOperation("Cannot call commitTransaction after calling abortTransaction")

    def check_can_abort(self) -> None:
        """Raise InvalidOperation where there is nothing to abort."""
        if self.state == NONE:
            raise InvalidOperation("No transaction started")
        if self.state == ABORTED:
            raise InvalidOperation("Cannot call abortTransaction twice")
        if self.state == COMMITTED:
            raise InvalidOperation("Cannot call abortTransaction after calling commitTransaction")

    def check_operation(self, operation: Operation[Any]) -> None:
        """Raise InvalidOperation for a read that is not to be made of the primary.

        The read preference of collections does not count in transactions.
        """
        if operation.is_write:
            return
        preference = operation.read_preference if operation.own_read_preference else None
        if preference is None:
            preference = self.options.read_preference
        if preference is not None and preference.mode:
            raise InvalidOperation(
                f"read preference in a transaction must be primary, not: {preference!r}"
            )
