"""The executor: runs operations. First attempts go straight through; see `retry` for the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .. import events
from ..events.log_switch import REMEMBERED, look_at_levels
from ..events.observer import publish
from ..io.deadline import Deadline
from ..sdam.topology import OPEN
from ..sessions.binding import BOUND, bound_session
from ..values.errors import InvalidOperation, PyMongoError
from ..values.read_preferences import ReadPreference
from ..wire.header import next_request_id
from .attempt import attempt
from .execution import Execution
from .retry import retry
from .select import read_preference_for
from .timeouts import current_deadline

if TYPE_CHECKING:
    from ..client.settings import ExecutorSettings
    from ..cmap.connection import Connection
    from ..events.observer import Observer
    from ..io.base import Address, Backend
    from ..ops.base import Operation
    from ..sdam.topology import Topology
    from ..sessions.cluster_clock import ClusterClock
    from ..sessions.server_session import ServerSession, ServerSessionPool
    from ..sessions.session import Session
    from .cipher import Cipher
    from .command_fields import CommandFields

ResultT = TypeVar("ResultT")

_PRIMARY = ReadPreference.PRIMARY


class Executor:
    """What the operations of one client have in common: where they go, and what is added to them.

    :param open_client: finds the hosts and starts monitoring, until a deadline; called when an
        operation comes before that was done.
    """

    def __init__(
        self,
        topology: Topology,
        sessions: ServerSessionPool,
        backend: Backend,
        observer: Observer,
        settings: ExecutorSettings,
        fields: CommandFields,
        clock: ClusterClock,
        open_client: Callable[[], Callable[[float | None], Awaitable[None]] | None],
    ) -> None:
        self.topology = topology
        self.sessions = sessions
        self.backend = backend
        self.observer = observer
        self.settings = settings
        self.fields = fields
        self.clock = clock
        #: Stands between commands and the wire; None: nothing does.
        self.cipher: Cipher | None = None
        self._open_client = open_client
        self._check = None if backend.name == "blocking" else backend.check

    async def execute(
        self,
        operation: Operation[ResultT],
        session: Session | ServerSession | None = None,
        read_preference: Any = None,
        address: Address | None = None,
        connection: Connection | None = None,
        timeout: float | None = None,
    ) -> ResultT:
        """Run an operation and return its result.

        :param session: an explicit session, or the implicit one a cursor has kept.
        :param read_preference: instead of the operation's own.
        :param address: the member that must answer, because a cursor lives there.
        :param connection: the pinned connection that must be used; it stays checked out.
        :param timeout: seconds for the whole, retries included, whatever the user's limit is.
        :raises PyMongoError: as the operation fails; see `errors`.
        """
        if self._check is not None:
            self._check()
        if not REMEMBERED:
            look_at_levels()
        if session is not None:
            if session.check(self.sessions, operation):
                address, connection = session.route(address, connection)  # type: ignore[union-attr]
        elif BOUND and address is None and operation.supports_session:
            session = bound_session(self.sessions, operation)
            if session is not None:
                address, connection = session.route(address, connection)
        execution = Execution(operation, session)
        if address is not None:
            execution.address = address
        if connection is not None:
            execution.pinned = connection
        if timeout is None:
            limit = current_deadline(self.settings.timeout)
        else:
            limit = Deadline(timeout)
        if limit is not None:
            execution.deadline = limit
        if self.topology.state is not OPEN:
            await self._open(limit)
        watchers = self.observer.operations
        if watchers:
            execution.operation_id = next_request_id()
            publish(watchers, events.stages.OperationStarted(execution))
        try:
            if not operation.is_write:
                preference = read_preference or operation.read_preference
                if preference is not None and preference is not _PRIMARY and preference.mode:
                    execution.preference = await read_preference_for(self, execution, preference)
            while True:
                try:
                    result = await attempt(self, execution)
                except PyMongoError as exc:
                    result = await retry(self, execution, exc)
                if not operation.multi_batch or not operation.more():
                    break
                execution.begin_command()
        except BaseException as exc:
            if not isinstance(exc, Exception):
                execution.interrupt()
            if session is not None and not session.implicit:
                session.settle(execution.sent)  # type: ignore[union-attr]
            if watchers:
                publish(watchers, events.stages.OperationEnded(execution, exc))
            raise
        finally:
            if execution.owns_session and not execution.keep_session:
                self.sessions.release(execution.session)  # type: ignore[arg-type]
        if watchers:
            publish(watchers, events.stages.OperationEnded(execution, None))
        return result  # type: ignore[no-any-return]

    async def _open(self, deadline: float | None) -> None:
        open_client = self._open_client()
        if open_client is None:
            raise InvalidOperation("the client is gone")
        await open_client(deadline)
