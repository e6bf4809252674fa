"""Command monitoring: a started event and a succeeded or failed event for every attempt."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent
from ..wire.header import next_request_id

if TYPE_CHECKING:
    from ..monitoring import EventListeners
    from ..ops.base import BuildContext, Command
    from .connection import Connection
    from .executor import Call


class Observation:
    """One command on one connection, from its encoding to its reply."""

    __slots__ = ("_call", "_connection", "_listeners", "_request_id", "_start")

    def __init__(
        self, listeners: EventListeners, call: Call, connection: Connection, request_id: int
    ) -> None:
        self._listeners = listeners
        self._call = call
        self._connection = connection
        self._request_id = request_id
        if not call.operation_id:
            call.operation_id = next_request_id()
        self._start = 0.0

    def started(self, command: Command, context: BuildContext) -> None:
        """The message is complete; `context.stop` tells how many documents are in it."""
        body = command.body
        if command.documents is not None:
            body = {
                **body,
                command.identifier: list(command.documents[command.start : context.stop]),
            }
        self._start = monotonic()
        connection = self._connection
        self._listeners.publish_command(
            CommandStartedEvent(
                body,
                self._call.operation.database,
                self._request_id,
                connection.address,
                self._call.operation_id,
                service_id=connection.service_id,
                server_connection_id=connection.server_connection_id,
            )
        )

    def replied(self, reply: Any) -> None:
        """A reply has come, whatever it says."""
        self._publish(CommandSucceededEvent if reply.get("ok") == 1 else CommandFailedEvent, reply)

    def failed(self, exc: BaseException) -> None:
        """No reply has come, or none that can be read."""
        self._publish(CommandFailedEvent, {"errmsg": str(exc), "errtype": type(exc).__name__})

    def _publish(self, event: Any, outcome: Any) -> None:
        connection = self._connection
        self._listeners.publish_command(
            event(
                timedelta(seconds=monotonic() - self._start),
                outcome,
                self._call.operation.name,
                self._request_id,
                connection.address,
                self._call.operation_id,
                service_id=connection.service_id,
                database_name=self._call.operation.database,
                server_connection_id=connection.server_connection_id,
            )
        )
