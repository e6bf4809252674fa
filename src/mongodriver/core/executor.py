"""The executor: the one place where an operation meets a server, and the only retry loop.

An attempt is: choose a server, check a connection out, build and complete the command, encode,
exchange, decode, look at the reply, give the connection back. What goes wrong is told to the
topology, and then retried at most once where the retryable reads or writes specification allows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.codec_options import CodecOptions, DatetimeConversion

from ..errors import InvalidOperation, NotPrimaryError, PyMongoError
from ..ops.base import COMMAND_OVERHEAD
from ..read_preferences import ReadPreference
from ..spec.errors import command_error, write_concern_error, write_error
from ..spec.retry import Retries, is_overload, is_retryable_write
from ..spec.topology import TOPOLOGY_TYPE
from ..wire.header import (
    BODY_OFFSET,
    EXHAUST_ALLOWED,
    MORE_TO_COME,
    message_flags,
    next_request_id,
)
from ..wire.op_msg import DocumentTooLarge, decode_message, encode_batch, encode_message
from .completion import ClusterClock, Completion
from .failures import connection_failure
from .observed import Observation
from .session import ImplicitSession
from .topology import OPEN

if TYPE_CHECKING:
    from ..io.base import Address, Backend
    from ..monitoring import EventListeners
    from ..ops.base import BuildContext, Command, Operation
    from .connection import Connection
    from .session import ServerSessionPool, Session
    from .settings import ExecutorSettings
    from .topology import Server, Topology

ResultT = TypeVar("ResultT")


#: The wire version from which aggregations may write from a secondary (MongoDB 5.0).
_OUTPUT_ON_SECONDARIES = 13
_ANY = ReadPreference.NEAREST
#: For the driver's own fields of a reply whose other fields may be anything.
_OWN_OPTIONS: CodecOptions[Any] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


class Call:
    """One operation on its way: what its attempts share."""

    __slots__ = (
        "address",
        "connection",
        "deadline",
        "is_retry",
        "operation",
        "operation_id",
        "plain_reply",
        "preference",
        "sent",
        "server",
        "session",
        "shed",
        "transaction_number",
    )

    def __init__(
        self,
        operation: Operation[Any],
        session: Any,
        preference: Any,
        address: Address | None,
        connection: Connection | None,
        deadline: float | None,
    ) -> None:
        self.operation = operation
        self.session = session
        #: A read preference; None for a write, or a read of the primary.
        self.preference = preference
        self.address = address
        self.connection = connection
        self.deadline = deadline
        self.is_retry = False
        #: Bytes of it may have reached a server.
        self.sent = False
        #: The last attempt failed because its server was overloaded.
        self.shed = False
        self.server: Server | None = None
        self.transaction_number: Any = None
        self.operation_id = 0
        #: What the server said, beside what the user's document class has made of it.
        self.plain_reply: Any = None


class Executor:
    """Runs operations against a topology."""

    def __init__(
        self,
        topology: Topology,
        sessions: ServerSessionPool,
        backend: Backend,
        listeners: EventListeners,
        settings: ExecutorSettings,
        completion: Completion,
        clock: ClusterClock,
        open_client: Callable[[], Callable[[], None] | None],
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._settings = settings
        self._completion = completion
        self._clock = clock
        self._open_client = open_client
        self._listeners = listeners if listeners.enabled_for_commands else None
        self._backend = backend
        self._random = random.random
        self._check = backend.check if backend.name == "asyncio" else None

    async def execute(
        self,
        operation: Operation[ResultT],
        session: Session | ImplicitSession | None = None,
        read_preference: Any = None,
        address: Address | None = None,
        connection: Connection | None = None,
        deadline: float | None = None,
    ) -> ResultT:
        """Run an operation and return its result.

        :param session: an explicit session, or the implicit one a cursor has kept.
        :param read_preference: instead of the operation's own.
        :param address: the member that must answer, because a cursor lives there.
        :param connection: the pinned connection that must be used; it stays checked out.
        :param deadline: monotonic time at which the operation, retries included, is given up.
        :raises PyMongoError: as the operation fails; see `errors`.
        """
        if self._check is not None:
            self._check()
        if self._topology.state is not OPEN:
            self._open()
        implicit = None
        if session is not None:
            session.check(self._sessions, operation)
        elif operation.supports_session and operation.acknowledged:
            session = implicit = ImplicitSession(self._sessions)
        preference = None
        if not operation.is_write:
            preference = read_preference or operation.read_preference
            if preference is not None and (
                preference.mode == 0
                or (operation.has_output_stage and await self._writes_need_primary())
            ):
                preference = None
        call = Call(operation, session, preference, address, connection, deadline)
        try:
            while True:
                result = await self._run(call)
                if not operation.multi_batch or not operation.more():
                    return result  # type: ignore[no-any-return]
                call.transaction_number = None
                call.is_retry = call.sent = False
        finally:
            if implicit is not None and not implicit.kept:
                implicit.end()

    async def _writes_need_primary(self) -> bool:
        """Whether some server is too old (below 5.0) for $out and $merge on a secondary."""
        if self._topology.description.common_wire_version is None:
            # Nothing is known yet: wait for any server.
            timeout = self._settings.selection_timeout
            await self._topology.select(_ANY, monotonic() + timeout, timeout)
        common = self._topology.description.common_wire_version
        return common is None or common < _OUTPUT_ON_SECONDARIES

    def _open(self) -> None:
        open_client = self._open_client()
        if open_client is None:
            raise InvalidOperation("the client is gone")
        open_client()

    async def _run(self, call: Call) -> Any:
        """One execution: an attempt, and others where that is allowed."""
        try:
            return await self._attempt(call)
        except PyMongoError as exc:
            return await self._retry(call, exc)

    async def _retry(self, call: Call, error: PyMongoError) -> Any:
        settings = self._settings
        retries = Retries(
            is_write=call.operation.is_write,
            retryable=self._is_retryable(call),
            adaptive_retries=settings.adaptive_retries if call.connection is None else 0,
        )
        try:
            while True:
                delay = retries.after(error, self._random)
                if delay is None:
                    raise retries.error or error
                if delay:
                    await self._backend.sleep(delay)
                call.is_retry = True
                call.shed = is_overload(error)
                try:
                    return await self._attempt(call)
                except PyMongoError as exc:
                    error = exc
        finally:
            # The error's traceback holds this frame: without this, a cycle until the next
            # garbage collection, with everything the operation held.
            del error, retries

    def _is_retryable(self, call: Call) -> bool:
        """Whether the operation may be repeated after the errors the specifications name."""
        operation = call.operation
        if not operation.retryable or call.connection is not None:
            return False
        if call.session is not None and call.session.in_transaction:
            return False
        if not operation.is_write:
            return self._settings.retry_reads
        # Without a number the server could not tell a retry from a second write.
        numbered = call.transaction_number is not None or not call.sent
        return self._settings.retry_writes and numbered

    async def _attempt(self, call: Call) -> Any:
        connection = call.connection
        if connection is not None:
            return await self._use(call, connection)
        server = None
        if call.preference is None and call.address is None:
            server = self._topology.fast
        if server is None:
            server = await self._select(call)
        call.server = server
        pool = server.pool
        connection = pool.take()
        if connection is None:
            connection = await pool.checkout(call.deadline)
        try:
            return await self._use(call, connection)
        finally:
            if not connection.pinned:
                pool.checkin(connection)

    async def _select(self, call: Call) -> Server:
        timeout = self._settings.selection_timeout
        preference = call.preference
        operation = call.operation
        if preference is None and not (operation.is_write or operation.has_output_stage):
            preference = operation.read_preference
        deadline = monotonic() + timeout
        if call.deadline is not None:
            deadline = min(deadline, call.deadline)
        return await self._topology.select(
            preference, deadline, timeout, call.address, self._avoided(call)
        )

    def _avoided(self, call: Call) -> tuple[Address, ...]:
        """The server a retry should not go to again, while there are others.

        In a sharded cluster the mongos that failed (retryable reads and writes); else a server
        that was overloaded, if the client may turn to another member (client backpressure).
        """
        if not call.is_retry or call.server is None:
            return ()
        sharded = self._topology.description.topology_type == TOPOLOGY_TYPE.Sharded
        if sharded or (call.shed and self._settings.overload_retargeting):
            return (call.server.address,)
        return ()

    async def _use(self, call: Call, connection: Connection) -> Any:
        """Build, send, receive and interpret on a connection."""
        operation = call.operation
        context = connection.context(call.session, call.is_retry)
        command = operation.build(context)
        if operation.is_write and operation.retryable:
            self._number_transaction(call, connection)
        self._completion.complete(command.body, call, connection)
        request_id = next_request_id()
        message = self._encode(call, command, context, request_id)
        observation = None
        if self._listeners is None:
            reply = await self._exchange(call, connection, message, request_id)
        else:
            observation = self._observe(call, connection, request_id, self._listeners)
            observation.started(command, context.stop)
            try:
                reply = await self._exchange(call, connection, message, request_id)
            except BaseException as exc:
                observation.failed(exc)
                raise
        told = reply if type(reply) is dict else call.plain_reply
        if observation is not None:
            observation.replied(told)
        self._interpret(call, connection, told)
        result = operation.parse(reply, context)
        if context.keep_session and call.session is not None and call.session.implicit:
            call.session.kept = True
        return result

    def _observe(
        self, call: Call, connection: Connection, request_id: int, listeners: EventListeners
    ) -> Observation:
        if not call.operation_id:
            call.operation_id = next_request_id()
        operation = call.operation
        return Observation(
            listeners,
            connection,
            operation.database,
            operation.name,
            request_id,
            call.operation_id,
        )

    def _number_transaction(self, call: Call, connection: Connection) -> None:
        """Give a retryable write its number, once for all attempts."""
        if (
            call.transaction_number is None
            and self._settings.retry_writes
            and call.session is not None
            and not call.session.in_transaction
            and connection.supports_retryable_writes
        ):
            call.transaction_number = call.session.server_session.next_transaction()

    def _encode(
        self, call: Call, command: Command, context: BuildContext, request_id: int
    ) -> bytes:
        operation = call.operation
        flags = 0 if operation.acknowledged else MORE_TO_COME
        if operation.exhaust:
            flags |= EXHAUST_ALLOWED
        if command.documents is None:
            message = encode_message(request_id, flags, command.body, operation.codec_options)
            size = len(message) - BODY_OFFSET
            if size > context.max_bson_size:
                room = 0 if operation.within_a_document else COMMAND_OVERHEAD
                limit = context.max_bson_size + room
                if size > limit:
                    raise operation.document_too_large(size, limit)
            return message
        try:
            message, context.stop = encode_batch(
                request_id,
                flags,
                command.body,
                command.identifier,
                command.documents,
                command.start,
                operation.codec_options,
                max_count=command.max_count or context.max_write_batch_size,
                max_document_size=command.max_document_size or context.max_bson_size,
                max_message_size=context.max_message_size,
                add_ids=command.add_ids,
                ids=command.ids,
            )
        except DocumentTooLarge as exc:
            raise operation.document_too_large(exc.size, exc.limit) from exc
        return message

    async def _exchange(
        self, call: Call, connection: Connection, message: bytes, request_id: int
    ) -> Any:
        """Send, receive and decode. Errors of the connection are told to the topology."""
        operation = call.operation
        deadline = call.deadline
        if deadline is None and self._settings.socket_timeout is not None:
            deadline = monotonic() + self._settings.socket_timeout
        call.sent = True
        try:
            if not operation.acknowledged:
                await connection.send(message, deadline, operation.name)
                return {"ok": 1}
            if connection.more_to_come:
                data = await connection.receive(deadline)
            else:
                data = await connection.exchange(message, request_id, deadline, operation.name)
        except OSError as exc:
            raise self._connection_lost(call, connection, exc) from exc
        return self._decode(call, connection, data)

    def _decode(self, call: Call, connection: Connection, data: Any) -> Any:
        """Decode a reply. Classes and decoders of the user's may raise whatever they like."""
        operation = call.operation
        try:
            flags, reply = decode_message(
                data, operation.reply_options or operation.codec_options, operation.user_fields
            )
        except BaseException:
            # The message was read whole, so the connection is in order, unless more are coming.
            if connection.more_to_come or message_flags(data) & MORE_TO_COME:
                connection.close()
            raise
        if flags or connection.more_to_come:
            connection.more_to_come = bool(flags & MORE_TO_COME)
        if type(reply) is not dict:
            # A class of the user's, which may make of the driver's own fields what it likes.
            call.plain_reply = decode_message(data, _OWN_OPTIONS)[1]
        return reply

    def _connection_lost(self, call: Call, connection: Connection, exc: OSError) -> PyMongoError:
        """The driver's exception for a broken exchange, told to session and topology."""
        error = connection_failure(exc, connection.address, self._settings.limits)
        if call.session is not None:
            call.session.mark_dirty()
        self._topology.handle_error(
            connection.address, error, connection.generation, connection.service_id
        )
        return error

    def _interpret(self, call: Call, connection: Connection, reply: Any) -> None:
        """Take the times of a reply; raise the error it stands for."""
        cluster_time = reply.get("$clusterTime")
        if cluster_time is not None:
            self._clock.advance(cluster_time)
        session = call.session
        if session is not None and not session.implicit:
            session.observe(reply)
        if (
            reply.get("ok") == 1
            and "writeConcernError" not in reply
            and ("writeErrors" not in reply or call.operation.reports_errors)
        ):
            return
        self._raise_error(call, connection, reply)

    def _raise_error(self, call: Call, connection: Connection, reply: Any) -> None:
        """Judge the reply of a command that failed, or whose write concern was not met."""
        operation = call.operation
        failure = command_error(reply, connection.max_wire_version, operation.allowable_errors)
        unmet = write_concern_error(reply)
        error = failure or unmet
        if error is not None:
            self._topology.handle_error(
                connection.address, error, connection.generation, connection.service_id
            )
        if operation.reports_errors:
            # It reports an unmet write concern itself, unless a retry may help.
            retry = operation.retryable and unmet is not None and is_retryable_write(unmet)
            if failure is None and not retry:
                error = None
        elif failure is None:
            error = write_error(reply) or unmet
        elif unmet is not None and not isinstance(failure, NotPrimaryError):
            # As PyMongo has it: what the write concern is for comes before what went wrong.
            error = unmet
        try:
            if error is not None:
                raise error
        finally:
            del error, failure, unmet  # as in `_retry`
