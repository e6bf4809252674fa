"""Batches of a cursor that are on their way while the one before is consumed: ``prefetch``."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from mongodriver.execution.ahead import Unanswered, borrow, send
from mongodriver.ops.cursor import CursorReply
from mongodriver.ops.find_query import EXHAUST
from mongodriver.sessions.binding import current
from mongodriver.values.errors import (
    ConfigurationError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)

from .sessions import core_session

if TYPE_CHECKING:
    from mongodriver.client.client import Client
    from mongodriver.ops.find_query import FindQuery
    from mongodriver.ops.read import Aggregate

    from .cursor_core import CursorCore

__all__ = ["MOST", "ReadAhead", "equipped", "made", "of_pipeline", "read_ahead"]

CursorT = TypeVar("CursorT", bound="CursorCore[Any]")

#: How many batches may be ahead.
MOST = 64


def read_ahead(core: Client, batches: Any) -> ReadAhead | None:
    """What has a cursor read ahead; None for 0 batches.

    :raises TypeError, ValueError: for what is no number of batches.
    :raises ConfigurationError: where the client has no connection for it.
    """
    if not isinstance(batches, int) or isinstance(batches, bool):
        raise TypeError(f"prefetch must be an instance of int, not {type(batches)}")
    if not 0 <= batches <= MOST:
        raise ValueError(f"prefetch must be a number of batches from 0 to {MOST}, not {batches}")
    if not batches:
        return None
    if core.options.pool_options.max_pool_size == 1:
        raise ConfigurationError(
            "prefetch needs a connection of its own: maxPoolSize must be greater than 1"
        )
    return ReadAhead(batches)


def of_pipeline(core: Client, batches: Any, operation: Aggregate, session: Any) -> ReadAhead | None:
    """`read_ahead` for the cursor of an aggregation.

    :raises InvalidOperation: where nothing can be read ahead.
    """
    ahead = read_ahead(core, batches)
    if ahead is not None:
        if operation.has_output_stage:
            raise InvalidOperation("Can't use prefetch with $out or $merge: nothing is read.")
        ahead.check(None, core_session(session))
    return ahead


def equipped(cursor: CursorT, batches: Any) -> CursorT:
    """A cursor that was told to read ahead.

    :raises InvalidOperation: where its query has been sent.
    """
    begins_with_find: Any = cursor
    if _query_of(cursor) is not None:
        begins_with_find._check_not_started()
    cursor._ahead = read_ahead(cursor._core, batches)
    return cursor


def made(cursor_class: Any, collection: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The cursor of a find with the argument `prefetch`."""
    batches = kwargs.pop("prefetch")
    return equipped(cursor_class(collection, *args, **kwargs), batches)


def _query_of(cursor: Any) -> FindQuery | None:
    """That of a cursor of find; None for others."""
    return getattr(cursor, "_query", None)


def _has_all(cursor: CursorCore[Any]) -> bool:
    """Whether a cursor has as many documents as are wanted, though the server may have more."""
    query = _query_of(cursor)
    return query is not None and bool(query.limit) and cursor._retrieved >= abs(query.limit)


class ReadAhead:
    """The getMores of one cursor that were sent and not yet answered, the oldest first.

    :param batches: how many there may be.
    """

    __slots__ = ("_broken", "_unanswered", "batches")

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self._unanswered: deque[Unanswered] = deque()
        #: Why the way to the replies was lost, until the cursor has been told.
        self._broken: BaseException | None = None

    def copy(self) -> ReadAhead:
        """That of another cursor."""
        return ReadAhead(self.batches)

    def check(self, cursor: CursorCore[Any] | None, session: Any) -> None:
        """Raise InvalidOperation where nothing can be read ahead.

        :param cursor: of a find, before it begins.
        :param session: the core session that the cursor is given, or None.
        """
        query = _query_of(cursor)
        if query is not None and query.flags & EXHAUST:
            raise InvalidOperation("Can't use prefetch and exhaust together.")
        if query is not None and query.limit < 0:
            raise InvalidOperation("Can't use prefetch and a negative limit together.")
        session = session or current()
        if session is not None and session.in_transaction:
            raise InvalidOperation("Can't use prefetch in a transaction.")

    async def begin(self, cursor: CursorCore[Any], reply: CursorReply) -> None:
        """Read ahead for a cursor that has just been made of a reply."""
        cursor._ahead = self
        await self.go_on(cursor, reply)

    async def go_on(self, cursor: CursorCore[Any], reply: CursorReply) -> None:
        """Send getMores until enough are under way, after the cursor has taken a reply.

        What goes wrong is told by the next `receive`: the documents before come first.
        """
        if not reply.cursor_id:
            return
        try:
            # Who waits for documents asks when he wants them: "none" is to be new.
            while reply.batch and len(self._unanswered) < self.batches and await self._send(cursor):
                pass
        except PyMongoError as exc:
            if cursor._connection is not None and cursor._connection.closed:
                self._broken = exc
        except BaseException:
            cursor._bury()
            raise
        if not self._unanswered and self._broken is None:
            self._let_go(cursor)

    async def _send(self, cursor: CursorCore[Any]) -> bool:
        session = cursor._core_session
        if session is not None and not session.implicit and session.in_transaction:
            return False  # it does one thing at a time
        if cursor._core.closed or _has_all(cursor):
            return False
        connection = cursor._connection
        if connection is None or (connection.closed and not self._unanswered):
            self._let_go(cursor)
            connection = cursor._connection or await borrow(cursor._core.executor, cursor._address)
            cursor._connection = connection
            if connection is None:
                return False
        operation = cursor._get_more_operation()
        sent = await send(cursor._core.executor, operation, session, connection)
        if not self._unanswered:
            sent.expect()
        self._unanswered.append(sent)
        return True

    async def receive(self, cursor: CursorCore[Any]) -> CursorReply | None:
        """The reply to the oldest getMore; None where none was sent, or it says nothing new.

        :raises PyMongoError: as that getMore fails.
        """
        if self._unanswered and cursor._is_of_parent():
            self._unanswered.clear()
            raise InvalidOperation("Cannot use a cursor that reads ahead after a fork")
        broken, self._broken = self._broken, None
        if broken is not None:
            self.drop(broken)
            raise broken
        while self._unanswered:
            try:
                reply = await self._next()
            except BaseException as exc:
                self.drop(exc)
                raise
            if not reply.cursor_id:
                await self._drain()
                return reply
            if reply.batch:
                return reply
            # There was nothing when it was asked for, and that may be long ago.
        return None

    async def _next(self) -> CursorReply:
        sent = self._unanswered.popleft()
        following = self._unanswered[0] if self._unanswered else None
        reply: CursorReply = await sent.receive(following)
        return reply

    async def _drain(self) -> None:
        """Read what the server says of getMores that it got after the cursor's end."""
        while self._unanswered:
            try:
                await self._next()
            except OperationFailure:
                pass  # that there is no such cursor
            except PyMongoError as exc:
                self.drop(exc)  # the connection broke: nothing of it is needed any more

    def drop(self, error: BaseException | None = None) -> None:
        """Nobody will read the replies: the cursor was closed, or there was an error before."""
        while self._unanswered:
            sent = self._unanswered.popleft()
            sent.drop(error or InvalidOperation("the cursor was closed"))

    def _let_go(self, cursor: CursorCore[Any]) -> None:
        """Give a connection back on which nothing is awaited, unless the cursor is bound to it."""
        connection = cursor._connection
        if connection is not None and connection.service_id is None and not connection.more_to_come:
            cursor._connection = None
            cursor._core.unpin(connection)
