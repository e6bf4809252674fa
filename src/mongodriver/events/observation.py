"""Command monitoring: a started event and a succeeded or failed event for every attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..values.errors import ConnectionFailure, reason
from ..values.sequences import DocumentSequences
from .classes import (
    CommandFailedEvent,
    CommandStartedEvent,
    CommandSucceededEvent,
    is_sensitive,
)
from .observer import publish

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..ops.base import Command
    from .observer import Subscriber

_NOT_SECRET = ("code", "codeName", "errorLabels")


class Observation:
    """One command on one connection, from its encoding to its reply.

    :param operation_id: the same for all attempts of an operation.
    """

    __slots__ = (
        "_connection",
        "_database",
        "_name",
        "_operation_id",
        "_request_id",
        "_sensitive",
        "_start",
        "_subscribers",
    )

    def __init__(
        self,
        subscribers: Sequence[Subscriber],
        connection: Connection,
        database: str,
        name: str,
        request_id: int,
        operation_id: int,
    ) -> None:
        self._subscribers = subscribers
        self._connection = connection
        self._database = database
        self._name = name
        self._request_id = request_id
        self._operation_id = operation_id
        self._start = 0.0
        self._sensitive = False

    def started(self, command: Command, stop: int = 0) -> None:
        """The message is complete.

        :param stop: the index after the last document of the command's sequence in it.
        """
        body = command.body
        self._sensitive = is_sensitive(self._name, body)
        documents = command.documents
        if type(documents) is DocumentSequences:
            body = {**body, **documents.documents}
        elif documents is not None:
            body = {**body, command.identifier: list(documents[command.start : stop])}
        connection = self._connection
        self._start = monotonic()
        event = CommandStartedEvent(
            body,
            self._database,
            self._request_id,
            connection.address,
            self._operation_id,
            service_id=connection.service_id,
            server_connection_id=connection.server_connection_id,
        )
        event._driver_connection_id = connection.id
        publish(self._subscribers, event)

    def replied(self, reply: Any) -> None:
        """A reply has come, whatever it says."""
        if reply.get("ok") == 1:
            # Also where the reply alone would not show that it belongs to a login.
            self._publish(CommandSucceededEvent, {} if self._sensitive else reply)
        else:
            self._publish(CommandFailedEvent, redacted(reply) if self._sensitive else reply)

    def failed(self, exc: BaseException) -> None:
        """No reply has come, or none that can be read."""
        failure = {"errmsg": reason(exc), "errtype": type(exc).__name__}
        if self._sensitive and not isinstance(exc, ConnectionFailure):
            del failure["errmsg"]
        self._publish(CommandFailedEvent, failure)

    def _publish(self, make: Any, outcome: Any) -> None:
        connection = self._connection
        event = make(
            timedelta(seconds=monotonic() - self._start),
            outcome,
            self._name,
            self._request_id,
            connection.address,
            self._operation_id,
            service_id=connection.service_id,
            database_name=self._database,
            server_connection_id=connection.server_connection_id,
        )
        event._driver_connection_id = connection.id
        publish(self._subscribers, event)


def redacted(reply: Any) -> dict[str, Any]:
    """What of a failure of a sensitive command is no secret."""
    return {name: reply[name] for name in _NOT_SECRET if name in reply}
