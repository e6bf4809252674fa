"""Listeners: an application's own view of what the driver does.

Derive from one or more of the listener classes, and pass instances to the client's
`event_listeners` option or to `register` for all clients created later. Listeners run in the
driver's own threads and tasks: they must be quick and must not use the client. What they raise is
printed to stderr and ignored.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.values.public_names import known_as

if TYPE_CHECKING:
    from .classes import (
        CommandFailedEvent,
        CommandStartedEvent,
        CommandSucceededEvent,
        ConnectionCheckedInEvent,
        ConnectionCheckedOutEvent,
        ConnectionCheckOutFailedEvent,
        ConnectionCheckOutStartedEvent,
        ConnectionClosedEvent,
        ConnectionCreatedEvent,
        ConnectionReadyEvent,
        PoolClearedEvent,
        PoolClosedEvent,
        PoolCreatedEvent,
        PoolReadyEvent,
        ServerClosedEvent,
        ServerDescriptionChangedEvent,
        ServerHeartbeatFailedEvent,
        ServerHeartbeatStartedEvent,
        ServerHeartbeatSucceededEvent,
        ServerOpeningEvent,
        TopologyClosedEvent,
        TopologyDescriptionChangedEvent,
        TopologyOpenedEvent,
    )
    from .observer import Observer

__all__ = [
    "CommandListener",
    "ConnectionPoolListener",
    "EventListeners",
    "ServerHeartbeatListener",
    "ServerListener",
    "TopologyListener",
    "register",
]


class _EventListener:
    """Base of the listener classes."""


class CommandListener(_EventListener):
    """Is told about commands. Every started event is followed by one of the others."""

    def started(self, event: CommandStartedEvent) -> None:
        """A command is about to be sent."""
        raise NotImplementedError

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """A command was answered."""
        raise NotImplementedError

    def failed(self, event: CommandFailedEvent) -> None:
        """A command failed."""
        raise NotImplementedError


class ConnectionPoolListener(_EventListener):
    """Is told about connection pools and their connections."""

    def pool_created(self, event: PoolCreatedEvent) -> None:
        """A pool was created."""
        raise NotImplementedError

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """A pool may open connections."""
        raise NotImplementedError

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        """All connections of a pool were given up."""
        raise NotImplementedError

    def pool_closed(self, event: PoolClosedEvent) -> None:
        """A pool was closed for good."""
        raise NotImplementedError

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        """A connection is about to be opened."""
        raise NotImplementedError

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """A connection is open and authenticated."""
        raise NotImplementedError

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        """A connection was closed."""
        raise NotImplementedError

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        """An operation asks for a connection."""
        raise NotImplementedError

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        """An operation got no connection."""
        raise NotImplementedError

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        """An operation got a connection."""
        raise NotImplementedError

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        """An operation returned its connection."""
        raise NotImplementedError


class ServerHeartbeatListener(_EventListener):
    """Is told about the checks of the servers' states."""

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """A server is asked for its state."""
        raise NotImplementedError

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """A server answered."""
        raise NotImplementedError

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """A server did not answer."""
        raise NotImplementedError


class TopologyListener(_EventListener):
    """Is told about the deployment."""

    def opened(self, event: TopologyOpenedEvent) -> None:
        """A client starts to watch its deployment."""
        raise NotImplementedError

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        """What is known about the deployment changed."""
        raise NotImplementedError

    def closed(self, event: TopologyClosedEvent) -> None:
        """A client was closed."""
        raise NotImplementedError


class ServerListener(_EventListener):
    """Is told about the servers of the deployment."""

    def opened(self, event: ServerOpeningEvent) -> None:
        """A server became part of the topology."""
        raise NotImplementedError

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        """What is known about a server changed."""
        raise NotImplementedError

    def closed(self, event: ServerClosedEvent) -> None:
        """A server is no part of the topology any more."""
        raise NotImplementedError


_LISTENERS: list[_EventListener] = []


def _validate_event_listeners(option: object, listeners: Any) -> Sequence[_EventListener]:
    """Return `listeners` if they are a list or tuple of listeners, else raise TypeError."""
    if not isinstance(listeners, Sequence):
        raise TypeError(f"{option} must be a list or tuple, not {type(listeners)}")
    for listener in listeners:
        if not isinstance(listener, _EventListener):
            raise TypeError(
                f"Listeners for {option} must be either a "
                "CommandListener, ServerHeartbeatListener, "
                "ServerListener, TopologyListener, or "
                f"ConnectionPoolListener,not {type(listener)}"
            )
    return listeners


def register(listener: _EventListener) -> None:
    """Register a listener for all clients created from now on; TypeError if it is none."""
    _validate_event_listeners(listener, [listener])
    _LISTENERS.append(listener)


_Method = Callable[[Any], None]


def _call_all(methods: list[_Method], event: object) -> None:
    """Call the listeners' methods with the event; what they raise goes to stderr."""
    for method in methods:
        try:
            method(event)
        except Exception:
            if sys.stderr is not None:
                import traceback  # only for errors

                traceback.print_exc()


class EventListeners:
    """The listeners of one client: the registered ones, then its own.

    `publish_command` and the others give an event to the listeners of its kind; ask the
    `enabled_for_...` attribute first, so that no event is built for nobody.
    """

    __slots__ = (
        "_commands",
        "_heartbeats",
        "_listeners",
        "_pools",
        "_servers",
        "_topologies",
        "enabled_for_commands",
        "enabled_for_pools",
        "enabled_for_server",
        "enabled_for_server_heartbeat",
        "enabled_for_topology",
    )

    def __init__(self, listeners: Sequence[_EventListener] = ()) -> None:
        self._listeners = [*_LISTENERS, *listeners]
        self._commands = self._of(CommandListener)
        self._pools = self._of(ConnectionPoolListener)
        self._heartbeats = self._of(ServerHeartbeatListener)
        self._servers = self._of(ServerListener)
        self._topologies = self._of(TopologyListener)
        self.enabled_for_commands = bool(self._commands)
        self.enabled_for_pools = bool(self._pools)
        self.enabled_for_server_heartbeat = bool(self._heartbeats)
        self.enabled_for_server = bool(self._servers)
        self.enabled_for_topology = bool(self._topologies)

    def _of(self, kind: type[_EventListener]) -> list[Any]:
        return [listener for listener in self._listeners if isinstance(listener, kind)]

    def event_listeners(self) -> list[_EventListener]:
        """Return a copy of the list of all listeners."""
        return self._listeners.copy()

    def subscribe_to(self, observer: Observer) -> None:
        """Subscribe those kinds that have listeners."""
        for kind, enabled, method in (
            ("commands", self.enabled_for_commands, self.publish_command),
            ("pools", self.enabled_for_pools, self.publish_pool),
            ("heartbeats", self.enabled_for_server_heartbeat, self.publish_heartbeat),
            ("servers", self.enabled_for_server, self.publish_server),
            ("topologies", self.enabled_for_topology, self.publish_topology),
        ):
            if enabled:
                observer.subscribe(kind, method)

    def publish_command(
        self, event: CommandStartedEvent | CommandSucceededEvent | CommandFailedEvent
    ) -> None:
        """Publish an event of a command."""
        _call_all([getattr(x, event._listener_method) for x in self._commands], event)

    def publish_pool(self, event: Any) -> None:
        """Publish an event of a pool or of one of its connections."""
        _call_all([getattr(x, event._listener_method) for x in self._pools], event)

    def publish_heartbeat(
        self,
        event: ServerHeartbeatStartedEvent
        | ServerHeartbeatSucceededEvent
        | ServerHeartbeatFailedEvent,
    ) -> None:
        """Publish an event of a server check."""
        _call_all([getattr(x, event._listener_method) for x in self._heartbeats], event)

    def publish_server(
        self, event: ServerOpeningEvent | ServerDescriptionChangedEvent | ServerClosedEvent
    ) -> None:
        """Publish an event of a server."""
        _call_all([getattr(x, event._listener_method) for x in self._servers], event)

    def publish_topology(
        self, event: TopologyOpenedEvent | TopologyDescriptionChangedEvent | TopologyClosedEvent
    ) -> None:
        """Publish an event of the topology."""
        _call_all([getattr(x, event._listener_method) for x in self._topologies], event)


known_as("mongodriver.monitoring", globals())
