"""The topology at run time: the pure state machine, its pools and monitors, and who waits for it.

`spec.topology` decides what a description means; this module applies descriptions under a plain
lock, keeps one pool and one monitor per server, wakes the operations that wait for a server, and
publishes the events in order after the lock is released.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..events.listeners import (
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerOpeningEvent,
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyOpenedEvent,
)
from ..events.observer import publish
from ..sdam import server_selection as selection
from ..values.errors import ConfigurationError, InvalidOperation, ServerSelectionTimeoutError
from ..values.hello import Hello
from ..values.server_description import ServerDescription
from ..values.server_type import SERVER_TYPE
from .error_effects import error_effect
from .topology_description import TOPOLOGY_TYPE, TopologyDescription, TopologySettings
from .unsuitable import why_nothing_suits

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..cmap.pool import Pool
    from ..events.observer import Observer
    from ..io.base import Address, Backend, Event
    from ..sessions.cluster_clock import ClusterClock
    from ..sessions.server_session import ServerSessionPool
    from .monitor import Monitor

#: States of a topology.
NEW, OPEN, CLOSED = "new", "open", "closed"

#: Builds what a new member needs: its pool, and its monitor or None.
ServerFactory = Callable[["Topology", "Address"], "tuple[Pool, Monitor | None]"]


class Server:
    """A member of the topology: its pool, and its monitor (None behind a load balancer)."""

    __slots__ = ("address", "monitor", "pool")

    def __init__(self, address: Address, pool: Pool, monitor: Monitor | None) -> None:
        self.address = address
        self.pool = pool
        self.monitor = monitor


class Topology:
    """What is known of a deployment, kept up to date while it is open.

    ``fast`` is the server every write and every primary read goes to, or None when that needs
    thought: the outcome of server selection, valid until the description changes.
    """

    def __init__(
        self,
        settings: TopologySettings,
        backend: Backend,
        observer: Observer,
        make_server: ServerFactory,
        sessions: ServerSessionPool,
        clock: ClusterClock,
        client_name: str = "MongoClient",
    ) -> None:
        self.settings = settings
        self.state = NEW
        self.fast: Server | None = None
        self._backend = backend
        self._observer = observer
        self._make_server = make_server
        self._sessions = sessions
        self._clock = clock
        self._client_name = client_name
        self._random = random.Random()
        self._lock = threading.Lock()
        self._description = TopologyDescription.initial(settings)
        self._servers: dict[Address, Server] = {}
        self._waiters: list[Event] = []
        self._events: deque[Callable[[], None]] = deque()
        self._publishing = threading.Lock()

    @property
    def description(self) -> TopologyDescription:
        """The current description, an immutable value."""
        return self._description

    @property
    def servers(self) -> list[Server]:
        """The members at this moment."""
        return list(self._servers.values())

    # -- lifecycle --

    def open(self) -> bool:
        """Create the pools of the seeds and start monitoring them; False if that was done before.

        :raises InvalidOperation: when closed.
        """
        with self._lock:
            if self.state == OPEN:
                return False
            self._refuse_if_closed()
            self.state = OPEN
            if not self._servers:
                self._publish_opening()
                self._match_servers()
            if self.settings.load_balanced:
                self._assume_load_balancer()
            started = [s.monitor for s in self._servers.values() if s.monitor is not None]
            self._refresh_fast()
        self._publish()
        for monitor in started:
            monitor.start()
        return True

    def _assume_load_balancer(self) -> None:
        """Behind a load balancer nothing is monitored: the seed is taken for one."""
        for address in list(self._servers):
            hello = Hello({"ok": 1, "serviceId": self.settings.topology_id, "maxWireVersion": 13})
            self._apply(ServerDescription(address, hello), clear=False)

    def _refuse_if_closed(self) -> None:
        if self.state == CLOSED:
            raise InvalidOperation(f"Cannot use {self._client_name} after close")

    def close(self) -> list[Monitor]:
        """Close every pool and stop the monitors, which are returned so that they can be joined."""
        with self._lock:
            if self.state == CLOSED:
                return []
            opened = bool(self._servers)
            self.state = CLOSED
            self.fast = None
            servers, self._servers = list(self._servers.values()), {}
            waiters, self._waiters = self._waiters, []
            if opened:
                self._publish_closing(servers)
        for server in servers:
            if server.monitor is not None:
                server.monitor.stop()
            server.pool.close()
        for waiter in waiters:
            waiter.set()
        self._publish()
        return [s.monitor for s in servers if s.monitor is not None]

    def abort(self) -> None:
        """Stop everything without waiting or events: the client was garbage collected."""
        self.state = CLOSED
        for server in self.servers:
            if server.monitor is not None:
                server.monitor.stop()
            server.pool.abort()

    def after_fork(self) -> None:
        """Forget the parent's sockets and threads in a child; monitoring restarts at `open`."""
        self._lock = threading.Lock()
        self._publishing = threading.Lock()
        self._waiters = []
        self._events.clear()
        self.fast = None
        if self.state == OPEN:
            self.state = NEW
        for server in self.servers:
            server.pool.after_fork()
            if server.monitor is not None:
                server.monitor.after_fork()
            self._description = self._description.apply(ServerDescription(server.address))

    # -- descriptions --

    def update(
        self, description: ServerDescription, clear: bool = False, interrupt: bool = False
    ) -> None:
        """Apply what a check or a handshake found.

        :param clear: clear the server's pool as well, once the server is marked Unknown.
        :param interrupt: and end the operations under way on it.
        """
        if description.cluster_time is not None:
            self._clock.advance(description.cluster_time)
        with self._lock:
            waiters = self._apply(description, clear, interrupt)
        self._wake(waiters)

    def _apply(
        self, description: ServerDescription, clear: bool, interrupt: bool = False
    ) -> list[Event]:
        """Under the lock: the new description, the pools that follow it, the waiters to wake."""
        server = self._servers.get(description.address)
        if self.state != OPEN or server is None:
            return []
        old = self._description
        new = old.apply(description)
        if new is not old:
            self._description = new
            self._publish_change(old, new, description.address)
            self._match_servers()
            timeout = new.logical_session_timeout_minutes
            self._sessions.timeout_minutes = timeout if isinstance(timeout, int) else None
        if self._is_usable(description) and server.pool.begin_ready():
            self._events.append(server.pool.announce_ready)
        if clear:
            self._events.append(server.pool.begin_clear(interrupt=interrupt))
        self._refresh_fast()
        waiters, self._waiters = self._waiters, []
        return waiters

    def _wake(self, waiters: list[Event]) -> None:
        for waiter in waiters:
            waiter.set()
        self._publish()

    def _is_usable(self, description: ServerDescription) -> bool:
        """Whether operations may be sent to a server described so."""
        if description.server_type == SERVER_TYPE.Unknown:
            return False
        single = self._description.topology_type == TOPOLOGY_TYPE.Single
        return single or description.is_readable

    def _match_servers(self) -> None:
        """Make pools and monitors for new members, stop those of members that left."""
        known = self._description.server_descriptions()
        for address in known:
            if address not in self._servers:
                pool, monitor = self._make_server(self, address)
                self._servers[address] = Server(address, pool, monitor)
                self._events.append(pool.announce_created)
                if monitor is not None and self.state == OPEN:
                    self._events.append(monitor.start)
        for address in [a for a in self._servers if a not in known]:
            server = self._servers.pop(address)
            if server.monitor is not None:
                server.monitor.stop()
            self._events.append(server.pool.close)

    def _refresh_fast(self) -> None:
        self.fast = None
        if self.state != OPEN or self.settings.server_selector is not None:
            return
        description = self._description
        try:
            description.check_compatible()
        except ConfigurationError:
            return  # selection raises it
        kind = description.topology_type
        if kind == TOPOLOGY_TYPE.Sharded and len(self._servers) != 1:
            return
        if kind == TOPOLOGY_TYPE.LoadBalanced:
            self.fast = next(iter(self._servers.values()), None)
            return
        usable = [
            d for d in description.known_servers if d.is_writable or kind == TOPOLOGY_TYPE.Single
        ]
        if len(usable) == 1:
            self.fast = self._servers.get(usable[0].address)

    # -- selection --

    async def select(
        self,
        preference: Any,
        deadline: float | None,
        timeout: float,
        address: Address | None = None,
        deprioritized: tuple[Address, ...] = (),
    ) -> Server:
        """The server to use for an operation.

        :param preference: a read preference, or None for a write.
        :param deadline: monotonic time to give up at; `timeout` is the same in seconds from the
            beginning, for the message.
        :param address: only this member will do, because a cursor lives there.
        :param deprioritized: members to avoid while there are others.
        :raises ServerSelectionTimeoutError: when no suitable member was found in time.
        """
        while True:
            with self._lock:
                self._refuse_if_closed()
                server = self._choose(preference, address, deprioritized)
                if server is not None:
                    return server
                waiter = self._backend.event()
                self._waiters.append(waiter)
            try:
                self.request_checks()
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    raise self._selection_error(preference, timeout)
                await waiter.wait(left)
            finally:
                self._forget(waiter)

    def _choose(
        self, preference: Any, address: Address | None, deprioritized: tuple[Address, ...]
    ) -> Server | None:
        description = self._description
        if address is not None:
            found = description.server_descriptions().get(address)
            usable = found is not None and found.is_server_type_known
            return self._servers.get(address) if usable else None
        description.check_compatible()
        if self.fast is not None and preference is None:
            return self.fast
        candidates = selection.select(
            description,
            preference,
            deprioritized=[d for d in description.known_servers if d.address in deprioritized],
            server_selector=self.settings.server_selector,
        )
        if not candidates:
            return None
        chosen = selection.pick(candidates, self._operation_count, self._random)
        return self._servers.get(chosen.address)

    def _operation_count(self, address: Address) -> int:
        return self._servers[address].pool.operation_count

    def minimum_round_trip(self, address: Address) -> float:
        """The least of the recent round trips to a member, in seconds; 0 where it is unknown."""
        server = self._servers.get(address)
        return 0.0 if server is None or server.monitor is None else server.monitor.minimum_rtt

    def _forget(self, waiter: Event) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _selection_error(self, preference: Any, timeout: float) -> ServerSelectionTimeoutError:
        description = self._description
        reason = why_nothing_suits(description, preference)
        return ServerSelectionTimeoutError(
            f"{reason}, Timeout: {timeout}s, Topology Description: {description!r}"
        )

    def request_checks(self) -> None:
        """Have every server checked as soon as allowed."""
        for server in self.servers:
            if server.monitor is not None:
                server.monitor.request_check()

    # -- errors of operations --

    def handle_error(
        self,
        address: Address,
        error: Exception,
        generation: int,
        service_id: Any = None,
        handshake_complete: bool = True,
    ) -> None:
        """Draw the conclusions of an operation's network or state change error (SDAM).

        :param generation: of the connection it happened on; an older one than the pool's means
            that the error is known already.
        """
        with self._lock:
            server = self._servers.get(address)
            if server is None:
                return
            known = self._description.server_descriptions().get(address)
            effect = error_effect(
                error,
                known,
                handshake_complete=handshake_complete,
                generation=generation,
                pool_generation=server.pool.generation_of(service_id),
                load_balanced=bool(self.settings.load_balanced),
            )
            waiters: list[Event] = []
            if effect.mark_unknown and known is not None:
                waiters = self._apply(_unknown(known, error), clear=effect.clear_pool)
            elif effect.clear_pool and service_id is not None:
                self._events.append(server.pool.begin_clear(service_id))
        self._wake(waiters)
        if server.monitor is not None:
            if effect.cancel_check:
                server.monitor.cancel_check()
            if effect.request_check:
                server.monitor.request_check()

    def unpin(self, connection: Connection) -> None:
        """Give a connection that was kept out of the pool back to it."""
        connection.pinned = False
        with self._lock:
            server = self._servers.get(connection.address)
        if server is None:
            connection.close()
        else:
            server.pool.checkin(connection)

    # -- events --

    def _publish(self) -> None:
        """Run what was queued, in order, one thread at a time, without the lock."""
        while self._events:
            if not self._publishing.acquire(blocking=False):
                return  # the thread that publishes now sees ours as well
            try:
                while self._events:
                    self._events.popleft()()
            finally:
                self._publishing.release()

    def _publish_opening(self) -> None:
        observer = self._observer
        id = self.settings.topology_id
        new = self._description
        if observer.topologies:
            self._queue_topology(TopologyOpenedEvent(id))
            self._queue_topology(TopologyDescriptionChangedEvent(_without_servers(new), new, id))
        if observer.servers:
            for address in new.server_descriptions():
                self._queue_server(ServerOpeningEvent(address, id))

    def _publish_closing(self, servers: list[Server]) -> None:
        observer = self._observer
        id = self.settings.topology_id
        old = self._description
        self._description = old.reset()
        if observer.servers:
            for server in servers:
                self._queue_server(ServerClosedEvent(server.address, id))
        if observer.topologies:
            self._queue_topology(TopologyDescriptionChangedEvent(old, _without_servers(old), id))
            self._queue_topology(TopologyClosedEvent(id))

    def _publish_change(
        self, old: TopologyDescription, new: TopologyDescription, address: Address
    ) -> None:
        observer = self._observer
        if not observer.servers and not observer.topologies:
            return
        id = self.settings.topology_id
        before, after = old.server_descriptions(), new.server_descriptions()
        if observer.servers:
            changed = after.get(address, before[address])
            if changed != before[address]:
                self._queue_server(
                    ServerDescriptionChangedEvent(before[address], changed, address, id)
                )
            for added in after.keys() - before.keys():
                self._queue_server(ServerOpeningEvent(added, id))
            for removed in before.keys() - after.keys():
                self._queue_server(ServerClosedEvent(removed, id))
        if observer.topologies and before != after:
            self._queue_topology(TopologyDescriptionChangedEvent(old, new, id))

    def _queue_server(self, event: Any) -> None:
        self._events.append(partial(publish, self._observer.servers, event))

    def _queue_topology(self, event: Any) -> None:
        self._events.append(partial(publish, self._observer.topologies, event))


def _unknown(server: ServerDescription, error: Exception) -> ServerDescription:
    """The description of a server that an operation found unusable."""
    return ServerDescription(server.address, error=error)


def _without_servers(description: TopologyDescription) -> TopologyDescription:
    """What the events report before the first and after the last server."""
    return TopologyDescription(
        TOPOLOGY_TYPE.Unknown, {}, None, None, None, description._topology_settings
    )
