"""The topology at run time: the pure state machine, its pools and monitors, and who waits for it.

`spec.topology` decides what a description means; this module applies descriptions under a plain
lock, keeps one pool and one monitor per server, wakes the operations that wait for a server, and
publishes the events in order after the lock is released.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import InvalidOperation, ServerSelectionTimeoutError
from ..server_type import SERVER_TYPE
from ..spec import selection
from ..spec.server import ServerDescription
from ..spec.topology import (
    TOPOLOGY_TYPE,
    TopologyDescription,
    TopologySettings,
    error_effect,
)

if TYPE_CHECKING:
    from ..io.base import Address, Backend, Event
    from ..monitoring import EventListeners
    from .monitor import Monitor
    from .pool import Pool

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
        listeners: EventListeners,
        make_server: ServerFactory,
        on_session_timeout: Callable[[int | None], None],
    ) -> None:
        self.settings = settings
        self.state = NEW
        self.fast: Server | None = None
        self._backend = backend
        self._listeners = listeners
        self._make_server = make_server
        self._on_session_timeout = on_session_timeout
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

    def open(self) -> None:
        """Create the pools of the seeds and start monitoring them. Once; InvalidOperation if closed."""
        with self._lock:
            if self.state == OPEN:
                return
            if self.state == CLOSED:
                raise InvalidOperation("Cannot use MongoClient after close")
            self.state = OPEN
            if not self._servers:
                self._publish_opening()
                self._match_servers()
            started = [s.monitor for s in self._servers.values() if s.monitor is not None]
            self._refresh_fast()
        self._publish()
        for monitor in started:
            monitor.start()

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
            server.pool.interrupt_all()

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
            self._on_session_timeout(new.logical_session_timeout_minutes)
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
        if description.compatibility_error is not None:
            return
        kind = description.topology_type
        if kind == TOPOLOGY_TYPE.Sharded and len(self._servers) != 1:
            return
        usable = [
            d
            for d in description.server_descriptions().values()
            if d.is_writable or (kind == TOPOLOGY_TYPE.Single and d.is_server_type_known)
        ]
        if len(usable) == 1:
            self.fast = self._servers.get(usable[0].address)

    # -- selection --

    async def select(
        self,
        preference: Any,
        deadline: float,
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
                if self.state == CLOSED:
                    raise InvalidOperation("Cannot use MongoClient after close")
                server = self._choose(preference, address, deprioritized)
                if server is not None:
                    return server
                waiter = self._backend.event()
                self._waiters.append(waiter)
            try:
                self.request_checks()
                left = deadline - monotonic()
                if left <= 0:
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
        candidates = selection.select(
            description,
            preference,
            deprioritized=deprioritized,
            server_selector=self.settings.server_selector,
            local_threshold=self.settings.local_threshold,
        )
        if not candidates:
            return None
        counts = {s.address: s.pool.operation_count for s in self._servers.values()}
        return self._servers.get(selection.pick(candidates, counts).address)

    def _forget(self, waiter: Event) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _selection_error(self, preference: Any, timeout: float) -> ServerSelectionTimeoutError:
        description = self._description
        reason = selection.error_message(description, preference)
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
            if server is None or generation < server.pool.generation_of(service_id):
                return
            current = self._description.server_descriptions().get(address)
            if current is None:
                return
            effect = error_effect(current, error, handshake_complete=handshake_complete)
            waiters: list[Event] = []
            if self.settings.load_balanced:
                if effect.clear_pool and service_id is not None:
                    self._events.append(server.pool.begin_clear(service_id))
            elif effect.mark_unknown:
                waiters = self._apply(effect.description, clear=effect.clear_pool)
        self._wake(waiters)
        if server.monitor is not None:
            if effect.cancel_check:
                server.monitor.cancel_check()
            if effect.request_check:
                server.monitor.request_check()

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
        listeners = self._listeners
        id = self.settings.topology_id
        if listeners.enabled_for_topology:
            empty = self._description.without_servers()
            self._events.append(partial(listeners.publish_topology_opened, id))
            self._events.append(
                partial(
                    listeners.publish_topology_description_changed, empty, self._description, id
                )
            )
        if listeners.enabled_for_server:
            for address in self._description.server_descriptions():
                self._events.append(partial(listeners.publish_server_opened, address, id))

    def _publish_closing(self, servers: list[Server]) -> None:
        listeners = self._listeners
        id = self.settings.topology_id
        if listeners.enabled_for_server:
            for server in servers:
                self._events.append(partial(listeners.publish_server_closed, server.address, id))
        old = self._description
        self._description = old.without_servers()
        if listeners.enabled_for_topology:
            self._events.append(
                partial(
                    listeners.publish_topology_description_changed, old, self._description, id
                )
            )
            self._events.append(partial(listeners.publish_topology_closed, id))

    def _publish_change(
        self, old: TopologyDescription, new: TopologyDescription, address: Address
    ) -> None:
        listeners = self._listeners
        id = self.settings.topology_id
        before, after = old.server_descriptions(), new.server_descriptions()
        if listeners.enabled_for_server:
            if address in after and before[address] != after[address]:
                self._events.append(
                    partial(
                        listeners.publish_server_description_changed,
                        before[address],
                        after[address],
                        address,
                        id,
                    )
                )
            for added in after.keys() - before.keys():
                self._events.append(partial(listeners.publish_server_opened, added, id))
            for removed in before.keys() - after.keys():
                self._events.append(partial(listeners.publish_server_closed, removed, id))
        if listeners.enabled_for_topology and before != after:
            self._events.append(
                partial(listeners.publish_topology_description_changed, old, new, id)
            )
