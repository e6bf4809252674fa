"""Monitoring events: what listeners are told.

command-logging-and-monitoring, connection-monitoring-and-pooling and SDAM specifications. The
attributes are the constructors' arguments; treat them as read-only.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from bsonx.objectid import ObjectId
from mongodriver.values.address import Address
from mongodriver.values.public_names import known_as

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import TypeAlias

    from bsonx.raw_bson import RawBSONDocument
    from mongodriver.sdam.topology_description import TopologyDescription
    from mongodriver.values.hello import Hello
    from mongodriver.values.server_description import ServerDescription

    Document: TypeAlias = MutableMapping[str, Any] | RawBSONDocument


# Commands that carry secrets. Neither they nor their replies are shown.
SENSITIVE_COMMANDS = frozenset(
    {
        "authenticate",
        "saslstart",
        "saslcontinue",
        "getnonce",
        "createuser",
        "updateuser",
        "copydbgetnonce",
        "copydbsaslstart",
        "copydb",
    }
)
_HELLO_COMMANDS = frozenset({"hello", "ismaster"})


def is_sensitive(command_name: str, document: Document) -> bool:
    """Return whether a command, or the reply to it, may hold secrets."""
    name = command_name.lower()
    if name in _HELLO_COMMANDS:
        return "speculativeAuthenticate" in document
    return name in SENSITIVE_COMMANDS


class _Event:
    """Base of the events; they belong to the public module, whatever file defines them."""

    __slots__ = ()
    #: Which method of its listeners is called with such an event.
    _listener_method: str

    def __init_subclass__(cls) -> None:
        cls.__module__ = "mongodriver.monitoring"

    def _arguments(self, *names: str) -> str:
        values = ", ".join(repr(getattr(self, name)) for name in names)
        return f"{type(self).__name__}({values})"


class _CommandEvent(_Event):
    """What all events of a command have in common.

    `connection_id` is the server's address, `server_connection_id` its number for the
    connection, `service_id` the server behind a load balancer (or None). All attempts of an
    operation share the `operation_id`.
    """

    __slots__ = (
        "_driver_connection_id",
        "command_name",
        "connection_id",
        "database_name",
        "operation_id",
        "request_id",
        "server_connection_id",
        "service_id",
    )

    def __init__(
        self,
        command_name: str,
        request_id: int,
        connection_id: Address,
        operation_id: int | None,
        service_id: ObjectId | None = None,
        database_name: str = "",
        server_connection_id: int | None = None,
    ) -> None:
        self._driver_connection_id: int | None = None
        self.command_name = command_name
        self.request_id = request_id
        self.connection_id = connection_id
        self.operation_id = operation_id
        self.service_id = service_id
        self.database_name = database_name
        self.server_connection_id = server_connection_id

    def _text(self, more: str) -> str:
        return (
            f"<{type(self).__name__} {self.connection_id} db: {self.database_name!r}, "
            f"command: {self.command_name!r}, operation_id: {self.operation_id}, {more}"
            f"service_id: {self.service_id}, server_connection_id: {self.server_connection_id}>"
        )


class CommandStartedEvent(_CommandEvent):
    """A command was sent; `command` is the document, {} if it holds secrets."""

    __slots__ = ("command",)
    _listener_method = "started"

    def __init__(
        self,
        command: Document,
        database_name: str,
        request_id: int,
        connection_id: Address,
        operation_id: int | None,
        service_id: ObjectId | None = None,
        server_connection_id: int | None = None,
    ) -> None:
        if not command:
            raise ValueError(f"{command!r} is not a valid command")
        super().__init__(
            next(iter(command)),
            request_id,
            connection_id,
            operation_id,
            service_id,
            database_name,
            server_connection_id,
        )
        self.command: Document = {} if is_sensitive(self.command_name, command) else command

    def __repr__(self) -> str:
        return self._text("")


class CommandSucceededEvent(_CommandEvent):
    """A command was answered; `reply` is {} if it may hold secrets."""

    __slots__ = ("duration_micros", "reply")
    _listener_method = "succeeded"

    def __init__(
        self,
        duration: datetime.timedelta,
        reply: Document,
        command_name: str,
        request_id: int,
        connection_id: Address,
        operation_id: int | None,
        service_id: ObjectId | None = None,
        database_name: str = "",
        server_connection_id: int | None = None,
    ) -> None:
        super().__init__(
            command_name,
            request_id,
            connection_id,
            operation_id,
            service_id,
            database_name,
            server_connection_id,
        )
        self.duration_micros = duration // datetime.timedelta(microseconds=1)
        self.reply: Document = {} if is_sensitive(command_name, reply) else reply

    def __repr__(self) -> str:
        return self._text(f"duration_micros: {self.duration_micros}, ")


class CommandFailedEvent(_CommandEvent):
    """A command failed; `failure` is the reply, or a description of a driver's exception."""

    __slots__ = ("duration_micros", "failure")
    _listener_method = "failed"

    def __init__(
        self,
        duration: datetime.timedelta,
        failure: Document,
        command_name: str,
        request_id: int,
        connection_id: Address,
        operation_id: int | None,
        service_id: ObjectId | None = None,
        database_name: str = "",
        server_connection_id: int | None = None,
    ) -> None:
        super().__init__(
            command_name,
            request_id,
            connection_id,
            operation_id,
            service_id,
            database_name,
            server_connection_id,
        )
        self.duration_micros = duration // datetime.timedelta(microseconds=1)
        self.failure = failure

    def __repr__(self) -> str:
        return self._text(f"duration_micros: {self.duration_micros}, failure: {self.failure!r}, ")


class _PoolEvent(_Event):
    """What all events of a pool have in common: the server's `address`."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    def __repr__(self) -> str:
        return self._arguments("address")


class PoolCreatedEvent(_PoolEvent):
    """A pool was created; `options` are those that differ from the defaults."""

    __slots__ = ("options",)
    _listener_method = "pool_created"

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        super().__init__(address)
        self.options = options

    def __repr__(self) -> str:
        return self._arguments("address", "options")


class PoolReadyEvent(_PoolEvent):
    """A pool may open connections."""

    __slots__ = ()
    _listener_method = "pool_ready"


class PoolClearedEvent(_PoolEvent):
    """All connections of a pool were given up; those in use too if `interrupt_connections`."""

    __slots__ = ("interrupt_connections", "service_id")
    _listener_method = "pool_cleared"

    def __init__(
        self,
        address: Address,
        service_id: ObjectId | None = None,
        interrupt_connections: bool = False,
    ) -> None:
        super().__init__(address)
        self.service_id = service_id
        self.interrupt_connections = interrupt_connections

    def __repr__(self) -> str:
        return self._arguments("address", "service_id", "interrupt_connections")


class PoolClosedEvent(_PoolEvent):
    """A pool was closed for good."""

    __slots__ = ()
    _listener_method = "pool_closed"


class ConnectionClosedReason:
    """Why a connection was closed."""

    STALE = "stale"
    IDLE = "idle"
    ERROR = "error"
    POOL_CLOSED = "poolClosed"


class ConnectionCheckOutFailedReason:
    """Why no connection could be checked out."""

    TIMEOUT = "timeout"
    POOL_CLOSED = "poolClosed"
    CONN_ERROR = "connectionError"


class _ConnectionEvent(_Event):
    """What all events of a connection have in common: the server's `address`."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    def __repr__(self) -> str:
        return self._arguments("address")


class _ConnectionIdEvent(_ConnectionEvent):
    """An event of one connection; `connection_id` numbers the connections of a pool from 1."""

    __slots__ = ("connection_id",)

    def __init__(self, address: Address, connection_id: int) -> None:
        super().__init__(address)
        self.connection_id = connection_id

    def __repr__(self) -> str:
        return self._arguments("address", "connection_id")


class _ConnectionDurationEvent(_ConnectionIdEvent):
    """An event that took `duration` seconds."""

    __slots__ = ("duration",)

    def __init__(self, address: Address, connection_id: int, duration: float | None) -> None:
        super().__init__(address, connection_id)
        self.duration = duration

    def __repr__(self) -> str:
        return self._arguments("address", "connection_id", "duration")


class ConnectionCreatedEvent(_ConnectionIdEvent):
    """A connection object exists; it is about to be opened."""

    __slots__ = ()
    _listener_method = "connection_created"


class ConnectionReadyEvent(_ConnectionDurationEvent):
    """A connection is open, its handshake and authentication done."""

    __slots__ = ()
    _listener_method = "connection_ready"


class ConnectionClosedEvent(_ConnectionIdEvent):
    """A connection was closed; `reason` is a `ConnectionClosedReason`."""

    __slots__ = ("reason",)
    _listener_method = "connection_closed"

    def __init__(self, address: Address, connection_id: int, reason: str) -> None:
        super().__init__(address, connection_id)
        self.reason = reason

    def __repr__(self) -> str:
        return self._arguments("address", "connection_id", "reason")


class ConnectionCheckOutStartedEvent(_ConnectionEvent):
    """An operation asks for a connection."""

    __slots__ = ()
    _listener_method = "connection_check_out_started"


class ConnectionCheckOutFailedEvent(_ConnectionDurationEvent):
    """An operation got no connection; `reason` is a `ConnectionCheckOutFailedReason`."""

    __slots__ = ("reason",)
    _listener_method = "connection_check_out_failed"

    def __init__(self, address: Address, reason: str, duration: float | None) -> None:
        super().__init__(address, 0, duration)
        self.reason = reason

    def __repr__(self) -> str:
        return self._arguments("address", "reason", "duration")


class ConnectionCheckedOutEvent(_ConnectionDurationEvent):
    """An operation got a connection."""

    __slots__ = ()
    _listener_method = "connection_checked_out"


class ConnectionCheckedInEvent(_ConnectionIdEvent):
    """An operation returned its connection."""

    __slots__ = ()
    _listener_method = "connection_checked_in"


class _ServerEvent(_Event):
    """What all events of a server have in common."""

    __slots__ = ("server_address", "topology_id")

    def __init__(self, server_address: Address, topology_id: ObjectId) -> None:
        self.server_address = server_address
        self.topology_id = topology_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server_address} topology_id: {self.topology_id}>"


class ServerDescriptionChangedEvent(_ServerEvent):
    """What is known about a server changed."""

    __slots__ = ("new_description", "previous_description")
    _listener_method = "description_changed"

    def __init__(
        self,
        previous_description: ServerDescription,
        new_description: ServerDescription,
        *args: Any,
    ) -> None:
        super().__init__(*args)
        self.previous_description = previous_description
        self.new_description = new_description

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.server_address} changed from: "
            f"{self.previous_description}, to: {self.new_description}>"
        )


class ServerOpeningEvent(_ServerEvent):
    """A server became part of the topology."""

    __slots__ = ()
    _listener_method = "opened"


class ServerClosedEvent(_ServerEvent):
    """A server is no part of the topology any more."""

    __slots__ = ()
    _listener_method = "closed"


class TopologyEvent(_Event):
    """What all events of a topology have in common."""

    __slots__ = ("topology_id",)

    def __init__(self, topology_id: ObjectId) -> None:
        self.topology_id = topology_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} topology_id: {self.topology_id}>"


class TopologyDescriptionChangedEvent(TopologyEvent):
    """What is known about the deployment changed."""

    __slots__ = ("new_description", "previous_description")
    _listener_method = "description_changed"

    def __init__(
        self,
        previous_description: TopologyDescription,
        new_description: TopologyDescription,
        *args: Any,
    ) -> None:
        super().__init__(*args)
        self.previous_description = previous_description
        self.new_description = new_description

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} topology_id: {self.topology_id} changed from: "
            f"{self.previous_description}, to: {self.new_description}>"
        )


class TopologyOpenedEvent(TopologyEvent):
    """A client starts to watch its deployment."""

    __slots__ = ()
    _listener_method = "opened"


class TopologyClosedEvent(TopologyEvent):
    """A client was closed."""

    __slots__ = ()
    _listener_method = "closed"


class _ServerHeartbeatEvent(_Event):
    """What all events of a server check have in common.

    `connection_id` is the server's address; `awaited` says that the server held back its
    answer until something changed.
    """

    __slots__ = ("_driver_connection_id", "_server_connection_id", "awaited", "connection_id")

    def __init__(self, connection_id: Address, awaited: bool = False) -> None:
        self._driver_connection_id: int | None = None
        self._server_connection_id: int | None = None
        self.connection_id = connection_id
        self.awaited = awaited

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.connection_id} awaited: {self.awaited}>"


class ServerHeartbeatStartedEvent(_ServerHeartbeatEvent):
    """A server is asked for its state."""

    __slots__ = ()
    _listener_method = "started"


class _HeartbeatEndedEvent(_ServerHeartbeatEvent):
    __slots__ = ("duration", "reply")

    duration: float
    reply: Any

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.connection_id} duration: {self.duration}, "
            f"awaited: {self.awaited}, reply: {self.reply!r}>"
        )


class ServerHeartbeatSucceededEvent(_HeartbeatEndedEvent):
    """A server answered after `duration` seconds; `reply` is a Hello."""

    __slots__ = ()
    _listener_method = "succeeded"
    reply: Hello[dict[str, Any]]

    def __init__(
        self,
        duration: float,
        reply: Hello[dict[str, Any]],
        connection_id: Address,
        awaited: bool = False,
    ) -> None:
        super().__init__(connection_id, awaited)
        self.duration = duration
        self.reply = reply


class ServerHeartbeatFailedEvent(_HeartbeatEndedEvent):
    """A server did not answer; `reply` is the exception, met after `duration` seconds."""

    __slots__ = ()
    _listener_method = "failed"
    reply: Exception

    def __init__(
        self, duration: float, reply: Exception, connection_id: Address, awaited: bool = False
    ) -> None:
        super().__init__(connection_id, awaited)
        self.duration = duration
        self.reply = reply


known_as("mongodriver.monitoring", globals())
