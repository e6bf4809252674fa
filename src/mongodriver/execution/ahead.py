"""An operation in two halves: sent now, its reply read when somebody wants it.

Several may be sent on one connection; the server answers one after the other. Replies that nobody
has read wait in the socket, so that this needs neither threads nor tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..sdam.topology import OPEN
from ..values.error_codes import REAUTHENTICATION_REQUIRED
from ..values.errors import OperationFailure, PyMongoError
from ..wire.header import next_request_id
from .encode import encode
from .exchange import exchange, observe
from .execution import Execution
from .judge import judge
from .prepare import prepare
from .retry import retry
from .round_trip import connection_lost
from .time_limit import reply_deadline
from .timeouts import current_deadline

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..cmap.pool import Pool
    from ..events.observation import Observation
    from ..io.base import Address
    from ..ops.base import Operation
    from .executor import Executor

__all__ = ["Unanswered", "borrow", "send"]


async def borrow(executor: Executor, address: Address | None) -> Connection | None:
    """A connection to a server, to be kept while replies are due on it, and then unpinned.

    None where one would have to be waited for, or none would be left to others: whoever reads a
    cursor may need a connection for each of its documents.
    """
    pool = _pool_of(executor, address)
    if pool is None or not _has_room(pool, 2):
        return None
    connection = pool.take()
    if connection is None:
        try:
            connection = await pool.checkout(current_deadline(executor.settings.timeout))
        except PyMongoError:
            return None  # an operation that somebody waits for will tell
    connection.pinned = "cursor"
    if not _has_room(pool, 1):
        executor.topology.unpin(connection)  # others have taken theirs at the same time
        return None
    return connection


def _pool_of(executor: Executor, address: Address | None) -> Pool | None:
    topology = executor.topology
    if topology.state is OPEN and topology.is_up(address):
        for server in topology.servers:
            if server.address == address:
                return server.pool
    return None


def _has_room(pool: Pool, users: int) -> bool:
    """Whether so many more could have a connection of a pool at this moment."""
    return pool.operation_count + users <= pool.settings.max_size


class Unanswered:
    """An operation that is sent before its reply is wanted."""

    __slots__ = ("_execution", "_executor", "_observation")

    def __init__(self, executor: Executor, execution: Execution) -> None:
        self._executor = executor
        self._execution = execution
        #: Tells listeners of the outcome; None: there are none.
        self._observation: Observation | None = None

    async def go(self) -> None:
        """Send it."""
        executor, execution = self._executor, self._execution
        connection, operation = execution.connection, execution.operation
        command = prepare(executor, execution, connection)
        if executor.cipher is not None:
            command = await executor.cipher.encrypt(execution, command)
        message = encode(execution, connection, command)
        if executor.observer.commands:
            self._observation = observe(executor, execution, connection, command)
        deadline = reply_deadline(executor, execution, connection)
        execution.sent = True
        try:
            await connection.send(message, deadline, operation.name)
        except OSError as exc:
            raise connection_lost(executor, execution, connection, exc) from exc
        except BaseException:
            if connection.closed:
                execution.give_up_session()
            raise

    def expect(self) -> None:
        """The next message on the connection answers this one."""
        self._execution.connection.expect(self._execution.request_id)

    async def receive(self, following: Unanswered | None) -> Any:
        """The operation's view of the next reply on the connection.

        :param following: what was sent there after this one.
        :raises PyMongoError: as the operation fails.
        """
        try:
            result = await self._answer(following)
        except BaseException as exc:
            self._end(exc)
            raise
        self._end(None)
        return result

    async def _answer(self, following: Unanswered | None) -> Any:
        executor, execution = self._executor, self._execution
        connection = execution.connection
        execution.deadline = current_deadline(executor.settings.timeout)
        try:
            reply, told = await exchange(executor, execution, connection, None, self._observation)
            if following is not None:
                following.expect()
            return judge(executor, execution, connection, reply, told)
        except OperationFailure as exc:
            if following is not None:
                raise  # another attempt would be answered behind it
            if exc.code == REAUTHENTICATION_REQUIRED and connection.login is not None:
                from .reauthenticate import attempt_logged_in_anew  # few need it

                return await attempt_logged_in_anew(executor, execution, connection)
            return await retry(executor, execution, exc)

    def drop(self, error: BaseException) -> None:
        """Nobody will read the reply: tell those who listen."""
        if self._observation is not None:
            self._observation.failed(error)
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        executor, execution = self._executor, self._execution
        if execution.owns_session and not execution.keep_session:
            executor.sessions.release(execution.session)  # type: ignore[arg-type]
        watchers = executor.observer.operations
        if watchers and execution.operation_id:
            publish(watchers, events.stages.OperationEnded(execution, error))


async def send(
    executor: Executor, operation: Operation[Any], session: Any, connection: Connection
) -> Unanswered:
    """Send an operation on a connection, behind what is unanswered there.

    :raises PyMongoError: where it could not be sent; a part may have been if the connection is
        closed now.
    """
    executor.backend.check()
    if session is not None:
        session.check(executor.sessions, operation)
    execution = Execution(operation, session)
    execution.address = connection.address
    execution.pinned = execution.connection = connection
    execution.deadline = current_deadline(executor.settings.timeout)
    if executor.observer.operations:
        execution.operation_id = next_request_id()
        publish(executor.observer.operations, events.stages.OperationStarted(execution))
    sent = Unanswered(executor, execution)
    try:
        await sent.go()
    except BaseException as exc:
        sent.drop(exc)
        raise
    return sent
