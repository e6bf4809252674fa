"""Log records of what a client does, under PyMongo's logger names.

The records, their names and fields are those of the logging parts of the specifications of command
logging, connection pools, server selection and SDAM.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..values.address import Address
from . import classes as events
from .log_message import LogMessage
from .stages import (
    OperationRetried,
    SelectionFailed,
    SelectionStarted,
    SelectionSucceeded,
    SelectionWaiting,
)

if TYPE_CHECKING:
    from bsonx.objectid import ObjectId

__all__ = ["CLIENT", "COMMAND", "CONNECTION", "SERVER_SELECTION", "TOPOLOGY", "Records"]

COMMAND = logging.getLogger("pymongo.command")
CONNECTION = logging.getLogger("pymongo.connection")
SERVER_SELECTION = logging.getLogger("pymongo.serverSelection")
TOPOLOGY = logging.getLogger("pymongo.topology")
CLIENT = logging.getLogger("pymongo.client")

_CLOSED_BECAUSE = {
    events.ConnectionClosedReason.STALE: "Connection became stale because the pool was cleared",
    events.ConnectionClosedReason.IDLE: (
        "Connection has been available but unused for longer than the configured max idle time"
    ),
    events.ConnectionClosedReason.ERROR: "An error occurred while using the connection",
    events.ConnectionClosedReason.POOL_CLOSED: "Connection pool was closed",
}
_CHECK_OUT_FAILED_BECAUSE = {
    events.ConnectionCheckOutFailedReason.TIMEOUT: (
        "Wait queue timeout elapsed without a connection becoming available"
    ),
    events.ConnectionCheckOutFailedReason.POOL_CLOSED: "Connection pool was closed",
    events.ConnectionCheckOutFailedReason.CONN_ERROR: (
        "An error occurred while trying to establish a new connection"
    ),
}
Fields = dict[str, Any]


class Records:
    """Writes the records of one client; its methods are subscribers.

    :param id: of the client and its topology.
    """

    def __init__(self, id: ObjectId) -> None:
        self._id = id

    # -- commands --

    def command(self, event: Any) -> None:
        """Write of a command of an operation: started, succeeded or failed."""
        if event.operation_id == event.request_id:
            return  # a part of a handshake
        fields: Fields = {
            "clientId": self._id,
            "commandName": event.command_name,
            "databaseName": event.database_name,
            "requestId": event.request_id,
            "operationId": event.operation_id,
            "driverConnectionId": event._driver_connection_id,
            "serverConnectionId": event.server_connection_id,
            **_server(event.connection_id),
        }
        if event.service_id is not None:
            fields["serviceId"] = str(event.service_id)
        if type(event) is events.CommandStartedEvent:
            self._debug(COMMAND, "Command started", fields, {"command": event.command})
            return
        fields["durationMS"] = event.duration_micros / 1000
        if type(event) is events.CommandSucceededEvent:
            self._debug(COMMAND, "Command succeeded", fields, {"reply": event.reply})
        else:
            self._debug(COMMAND, "Command failed", fields, {"failure": event.failure})

    def operation(self, event: Any) -> None:
        """Write of an operation: only that it is tried once more."""
        if type(event) is not OperationRetried:
            return
        execution = event.execution
        fields = {
            "clientId": self._id,
            "commandName": execution.operation.name,
            "operationId": execution.operation_id,
        }
        kind = "write" if execution.operation.is_write else "read"
        self._debug(COMMAND, f"Retrying {kind} attempt number {event.number}", fields)

    # -- connections --

    def pool(self, event: Any) -> None:
        """Write of a pool or one of its connections."""
        message, more = _POOL[type(event)]
        fields: Fields = {"clientId": self._id, **_server(event.address)}
        if isinstance(event, events._ConnectionIdEvent) and event.connection_id:
            fields["driverConnectionId"] = event.connection_id
        if more is not None:
            fields |= more(event)
        self._debug(CONNECTION, message, fields)

    # -- server selection --

    def selection(self, event: Any) -> None:
        """Write of the selection of a server."""
        fields: Fields = {
            "clientId": self._id,
            "selector": event.selector,
            "operation": event.execution.operation.name,
            "operationId": event.execution.operation_id,
            "topologyDescription": repr(event.description),
        }
        if type(event) is SelectionStarted:
            message = "Server selection started"
        elif type(event) is SelectionWaiting:
            message = "Waiting for suitable server to become available"
            if event.seconds_left is not None:
                fields["remainingTimeMS"] = int(event.seconds_left * 1000)
        elif type(event) is SelectionSucceeded:
            message = "Server selection succeeded"
            fields |= _server(event.address)
        else:
            assert type(event) is SelectionFailed
            message = "Server selection failed"
            fields["failure"] = str(event.error)
        level = logging.INFO if type(event) is SelectionWaiting else logging.DEBUG
        self._write(SERVER_SELECTION, level, message, fields)

    # -- topology --

    def heartbeat(self, event: Any) -> None:
        """Write of a server check."""
        fields: Fields = {
            "topologyId": self._id,
            **_server(event.connection_id),
            "awaited": event.awaited,
            "driverConnectionId": event._driver_connection_id,
        }
        if event._server_connection_id is not None:
            fields["serverConnectionId"] = event._server_connection_id
        if type(event) is events.ServerHeartbeatStartedEvent:
            self._debug(TOPOLOGY, "Server heartbeat started", fields)
            return
        fields["durationMS"] = event.duration * 1000
        if type(event) is events.ServerHeartbeatSucceededEvent:
            documents = {"reply": event.reply.document}
            self._debug(TOPOLOGY, "Server heartbeat succeeded", fields, documents)
        else:
            fields["failure"] = repr(event.reply)
            self._debug(TOPOLOGY, "Server heartbeat failed", fields)

    def server(self, event: Any) -> None:
        """Write of a server that comes or goes."""
        message = _SERVERS.get(type(event))
        if message is not None:
            fields = {"topologyId": self._id, **_server(event.server_address)}
            self._debug(TOPOLOGY, message, fields)

    def topology(self, event: Any) -> None:
        """Write of a topology that opens, changes or closes."""
        fields: Fields = {"topologyId": self._id}
        if type(event) is events.TopologyDescriptionChangedEvent:
            fields["previousDescription"] = repr(event.previous_description)
            fields["newDescription"] = repr(event.new_description)
        self._debug(TOPOLOGY, _TOPOLOGIES[type(event)], fields)

    def _debug(
        self, logger: logging.Logger, message: str, fields: Fields, documents: Any = None
    ) -> None:
        self._write(logger, logging.DEBUG, message, fields, documents)

    def _write(
        self,
        logger: logging.Logger,
        level: int,
        message: str,
        fields: Fields,
        documents: Any = None,
    ) -> None:
        logger.log(level, LogMessage(message, fields, documents))


def _server(address: Address) -> Fields:
    host, port = address
    return {"serverHost": host} if port is None else {"serverHost": host, "serverPort": port}


def _duration(event: Any) -> Fields:
    return {} if event.duration is None else {"durationMS": event.duration * 1000}


def _closed(event: Any) -> Fields:
    return {"reason": _CLOSED_BECAUSE[event.reason], "error": event.reason}


def _check_out_failed(event: Any) -> Fields:
    reason = event.reason
    told = {"reason": _CHECK_OUT_FAILED_BECAUSE[reason], "error": reason}
    return {**told, **_duration(event)}


def _cleared(event: Any) -> Fields:
    return {} if event.service_id is None else {"serviceId": str(event.service_id)}


def _created(event: Any) -> Fields:
    return dict(event.options)


_POOL: dict[type, tuple[str, Callable[[Any], Fields] | None]] = {
    events.PoolCreatedEvent: ("Connection pool created", _created),
    events.PoolReadyEvent: ("Connection pool ready", None),
    events.PoolClearedEvent: ("Connection pool cleared", _cleared),
    events.PoolClosedEvent: ("Connection pool closed", None),
    events.ConnectionCreatedEvent: ("Connection created", None),
    events.ConnectionReadyEvent: ("Connection ready", _duration),
    events.ConnectionClosedEvent: ("Connection closed", _closed),
    events.ConnectionCheckOutStartedEvent: ("Connection checkout started", None),
    events.ConnectionCheckOutFailedEvent: ("Connection checkout failed", _check_out_failed),
    events.ConnectionCheckedOutEvent: ("Connection checked out", _duration),
    events.ConnectionCheckedInEvent: ("Connection checked in", None),
}
_SERVERS = {
    events.ServerOpeningEvent: "Starting server monitoring",
    events.ServerClosedEvent: "Stopped server monitoring",
}
_TOPOLOGIES = {
    events.TopologyOpenedEvent: "Starting topology monitoring",
    events.TopologyDescriptionChangedEvent: "Topology description changed",
    events.TopologyClosedEvent: "Stopped topology monitoring",
}
