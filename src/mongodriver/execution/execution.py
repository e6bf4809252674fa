"""One operation on its way to a server: what all its attempts share, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ops.base import CLOSING

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..io.base import Address
    from ..io.deadline import Deadline
    from ..ops.base import Operation
    from ..sdam.topology import Server
    from ..sessions.server_session import ServerSession
    from ..sessions.session import Session


class Execution:
    """State of one operation. Its stages are the functions of this folder, in this order::

        select -> check out -> prepare -> [encrypt] -> encode -> round trip -> [decrypt] -> decode
        -> judge

    Each has a file of its name; `direct` does three of them in one call where nobody looks on.
    """

    __slots__ = (
        "address",
        "avoided",
        "connection",
        "deadline",
        "is_retry",
        "keep_session",
        "max_time_ms",
        "operation",
        "operation_id",
        "owns_session",
        "pinned",
        "preference",
        "reply_deadline",
        "request_id",
        "sent",
        "server",
        "session",
        "shed",
        "span",
        "stop",
        "transaction_number",
    )

    def __init__(self, operation: Operation[Any], session: Session | ServerSession | None) -> None:
        self.operation = operation
        self.session = session
        #: A read preference; None for a write, or a read of the primary.
        self.preference: Any = None
        #: The member that must answer, because a cursor lives there.
        self.address: Address | None = None
        #: When it is given up, retries included.
        self.deadline: Deadline | None = None
        #: When an exchange that has begun is given up.
        self.reply_deadline: float | None = None
        #: What the server is told to be its limit; None: nothing.
        self.max_time_ms: int | None = None
        #: Where the last attempt went, and what was learned there.
        self.server: Server | None = None
        self.connection: Any = None
        #: The connection is the caller's, and stays checked out.
        self.pinned: Connection | None = None
        #: The session is this operation's own, and goes back to the pool at its end.
        self.owns_session = False
        #: The result needs that session: whoever owns the result ends it.
        self.keep_session = False
        self.is_retry = False
        #: Where attempts have failed: others should go elsewhere, while there is another server.
        self.avoided: tuple[Address, ...] = ()
        #: Bytes of it may have reached a server.
        self.sent = False
        #: The last attempt failed because its server was overloaded.
        self.shed = False
        #: What a subscriber to the observer's operations keeps with this one.
        self.span: Any = None
        self.transaction_number: Any = None
        #: Of the message: the reply must answer it.
        self.request_id = 0
        #: The same for all attempts, as events show it; 0 until somebody wants to know.
        self.operation_id = 0
        #: The index after the last document of the command's sequence that was sent.
        self.stop = 0

    def begin_command(self) -> None:
        """Another command of the same operation follows: with a number and retries of its own."""
        self.transaction_number = None
        self.is_retry = self.sent = False
        self.avoided = ()

    def begin_retry(self, shed: bool, elsewhere: bool = False) -> None:
        """Another attempt of the same command follows.

        :param shed: the last one failed because its server was overloaded.
        :param elsewhere: on another server, if there is one.
        """
        self.is_retry = True
        self.shed = shed
        if elsewhere and self.server is not None:
            self.avoided = (*self.avoided, self.server.address)

    def give_up_session(self) -> None:
        """Nobody knows what the server still does for this operation: its session is not reused."""
        if self.session is not None:
            self.session.mark_dirty()

    def interrupt(self) -> None:
        """It was cancelled, and will not be finished: a cursor or a transaction may be left on the
        server that nobody knows of.
        """
        session = self.session
        operation = self.operation
        if session is None:
            return
        if operation.retry_policy is CLOSING:
            session.abandon(None)
        elif self.sent and (session.in_transaction or not operation.is_write):
            session.abandon(self.connection.address)
