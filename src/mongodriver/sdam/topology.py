"""The topology at run time: the pure state machine, its pools and monitors, and who waits for it.

`topology_description` decides what a description means; this module applies descriptions under a
plain lock, keeps one pool and one monitor per server, and wakes the operations that wait for one.
What pools have to announce is run in order after the lock is released; events of servers and
topologies are left to the `Publisher`.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..cmap.announcements import Announcements
from ..cmap.pool import PAUSED
from ..sdam import server_selection as selection
from ..values.errors import ConfigurationError, InvalidOperation, ServerSelectionTimeoutError
from ..values.server_description import ServerDescription
from ..values.server_type import SERVER_TYPE
from .diagnosis import end_of_selection, selection_error
from .error_effects import error_effect
from .evidence import Evidence
from .publisher import Publisher
from .topology_description import (
    TOPOLOGY_TYPE,
    TopologyDescription,
    TopologySettings,
    load_balancer,
)

if TYPE_CHECKING:
    from random import Random

    from ..cmap.connection import Connection
    from ..cmap.pool import Pool
    from ..events.observer import Observer, Subscriber
    from ..io.base import Address, Backend, Event
    from ..sessions.cluster_clock import ClusterClock
    from ..sessions.server_session import ServerSessionPool
    from .monitor import Monitor
    from .srv_monitor import SrvMonitor

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
        self._make_server = make_server
        self._sessions = sessions
        self._clock = clock
        self._client_name = client_name
        self._random: Random | None = None
        self._lock = threading.Lock()
        self._description = TopologyDescription.initial(settings)
        self._servers: dict[Address, Server] = {}
        self._waiters: list[Event] = []
        self._starting: deque[Monitor] = deque()
        self._announcements = Announcements()
        self._selections = observer.selections
        self._publisher = Publisher(backend, observer, settings.topology_id)
        self._srv_monitor: SrvMonitor | None = None
        self._evidence = Evidence(settings.seeds)

    @property
    def description(self) -> TopologyDescription:
        """The current description, an immutable value."""
        return self._description

    @property
    def servers(self) -> list[Server]:
        """The members at this moment."""
        return list(self._servers.values())

    def tell_in_order(self, subscriber: Subscriber, event: Any) -> None:
        """Give an event of another kind to a subscriber, after the topology's own before it."""
        self._publisher.tell_in_order(subscriber, event)

    def look_who_listens(self) -> None:
        """After somebody has begun to listen, or does not any more."""
        with self._lock:
            self._refresh_fast()

    # -- lifecycle --

    def settle(
        self,
        settings: TopologySettings,
        make_server: ServerFactory,
        srv_monitor: SrvMonitor | None,
    ) -> None:
        """Take what DNS has said of the deployment, before it is opened.

        :param srv_monitor: asks DNS again while the topology is open.
        """
        with self._lock:
            if self.state != NEW:
                return
            settings.topology_id = self.settings.topology_id
            self.settings = settings
            self._make_server = make_server
            self._srv_monitor = srv_monitor
            self._evidence = Evidence(settings.seeds)
            self._description = TopologyDescription.initial(settings)

    def open(self) -> bool:
        """Create the pools of the seeds and start monitoring them; False if that was done before.

        :raises InvalidOperation: when closed.
        :raises RuntimeError: when no thread can be started; the next use tries again.
        """
        with self._lock:
            if self.state == OPEN:
                return False
            self._refuse_if_closed()
            self.state = OPEN
            self._publisher.prepare()
            if not self._servers:
                self._publisher.opening(self._description)
                self._match_servers()
            if self.settings.load_balanced:
                self._assume_load_balancer()
            self._starting.clear()  # after a fork they are there already
            monitors = [s.monitor for s in self._servers.values() if s.monitor is not None]
            self._refresh_fast()
        try:
            # Before anybody hears of it: a listener may use the client.
            for monitor in monitors:
                monitor.start()
            self._publisher.start()
            if self._srv_monitor is not None:
                self._srv_monitor.start(self)
        except RuntimeError:
            with self._lock:
                if self.state == OPEN:
                    self.state = NEW
            raise
        self._announce()
        return True

    def _assume_load_balancer(self) -> None:
        """Behind a load balancer nothing is monitored: the seed is taken for one."""
        for address in list(self._servers):
            self._apply(load_balancer(address, self.settings.topology_id), clear=False)

    def _refuse_if_closed(self) -> None:
        if self.state == CLOSED:
            raise InvalidOperation(f"Cannot use {self._client_name} after close")

    def close(self) -> list[Monitor | SrvMonitor | Publisher]:
        """Close every pool and stop what runs in the background, which is returned to be joined."""
        with self._lock:
            if self.state == CLOSED:
                return []
            opened = bool(self._servers)
            self.state = CLOSED
            self.fast = None
            servers, self._servers = list(self._servers.values()), {}
            waiters, self._waiters = self._waiters, []
            if opened:
                self._publisher.closing(self._description, [s.address for s in servers])
                self._description = self._description.reset()
        for server in servers:
            if server.monitor is not None:
                server.monitor.stop()
            server.pool.close()
        for waiter in waiters:
            waiter.set()
        self._announce()
        self._publisher.stop()
        background: list[Monitor | SrvMonitor | Publisher] = [
            server.monitor for server in servers if server.monitor is not None
        ]
        if self._srv_monitor is not None:
            self._srv_monitor.stop()
            background.append(self._srv_monitor)
        return [*background, self._publisher]

    def abort(self) -> None:
        """Stop everything without waiting or events: the client was garbage collected."""
        self.state = CLOSED
        for server in self.servers:
            if server.monitor is not None:
                server.monitor.stop()
            server.pool.abort()
        if self._srv_monitor is not None:
            self._srv_monitor.stop()
        self._publisher.abort()

    def after_fork(self) -> None:
        """Forget the parent's sockets and threads in a child; monitoring restarts at `open`."""
        self._lock = threading.Lock()
        self._random = None  # or all the children would choose in step
        self._waiters = []
        self._starting.clear()
        self._announcements = Announcements()
        self._publisher.after_fork()
        if self._srv_monitor is not None:
            self._srv_monitor.after_fork()
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
            if description.cluster_time is not None and self._clock.now is None:
                # Only for the first command: checks do not gossip (sessions specification). The
                # time of another replica set is none of ours.
                member = self._description._server_descriptions.get(description.address)
                if member is not None and member.is_server_type_known:
                    self._clock.advance(description.cluster_time)
        self._wake(waiters)

    def update_seeds(self, seeds: Sequence[Address]) -> None:
        """Apply what DNS says now: members that it does not name any more leave, others come."""
        with self._lock:
            old = self._description
            if self.state != OPEN:
                return
            new = old.with_seeds(seeds, self._draw)
            events = self._publisher.moves(old, new)
            self._description = new
            self._match_servers()
            self._publisher.add(events)
            self._refresh_fast()
            waiters, self._waiters = self._waiters, []
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
            # Before anything is changed: comparing descriptions asks them for what servers sent.
            events = self._publisher.changes(old, new, description.address)
            self._description = new
            self._match_servers()
            self._publisher.add(events)
            self._sessions.expire_after(new.logical_session_timeout_minutes)
            self._evidence.note(description, new._server_descriptions.get(description.address))
        if self._is_usable(description) and server.pool.begin_ready():
            self._announcements.add(server.pool.announce)
        if clear:
            server.pool.begin_clear(interrupt=interrupt)
            self._announcements.add(server.pool.announce)
        self._refresh_fast()
        waiters, self._waiters = self._waiters, []
        return waiters

    def _wake(self, waiters: list[Event]) -> None:
        try:
            self._announce()  # first: a pool is ready before it is used
        finally:
            for waiter in waiters:
                waiter.set()

    def _announce(self) -> None:
        """Without the lock: start new monitors, then what pools have to say and do, in order."""
        try:
            while True:
                self._starting.popleft().start()
        except IndexError:
            pass
        if self._publisher.has_left_behind:
            self._announcements.add(self._publisher.flush)
        self._announcements.announce()

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
                self._announcements.add(pool.announce)
                if monitor is not None:
                    self._starting.append(monitor)
        for address in [a for a in self._servers if a not in known]:
            server = self._servers.pop(address)
            self._evidence.forget(address)
            if server.monitor is not None:
                server.monitor.stop()
            self._announcements.add(server.pool.close)

    def _refresh_fast(self) -> None:
        self.fast = None
        if self.state != OPEN or self.settings.server_selector is not None:
            return
        if self._selections:
            return  # so that every selection is told of
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
        waiting: Callable[[float | None], None] | None = None,
    ) -> Server:
        """The server to use for an operation.

        :param preference: a read preference, or None for a write.
        :param deadline: monotonic time to give up at; `timeout` is the same in seconds from the
            beginning, for the message.
        :param address: only this member will do, because a cursor lives there.
        :param deprioritized: members to avoid while there are others.
        :param waiting: called when there is no suitable member, once, with the seconds left.
        :raises ServerSelectionTimeoutError: when no suitable member was found in time, or none
            can be, however long one waits.
        :raises InvalidOperation: when the client is closed, or the interpreter ends.
        """
        began: float | None = None
        while True:
            self.refuse_at_exit()
            with self._lock:
                self._refuse_if_closed()
                server = self._choose(preference, address, deprioritized)
                if server is not None and server.pool.state != PAUSED:
                    return server  # else the next check makes its pool ready
                began = began or monotonic()
                end = end_of_selection(self._description, self._evidence, began, deadline)
                waiter = self._backend.event()
                self._waiters.append(waiter)
            try:
                self.request_checks()
                left = None if end is None else end - monotonic()
                if left is not None and left <= 0:
                    raise self._selection_error(preference, timeout)
                if waiting is not None:
                    waiting(left)
                    waiting = None
                await waiter.wait(left)
            finally:
                self._forget(waiter)

    async def wait_for_change(self, timeout: float) -> None:
        """Have all servers checked, and wait for the next news of one, `timeout` seconds at most.

        :raises InvalidOperation: when the client is closed.
        """
        waiter = self._backend.event()
        with self._lock:
            self._refuse_if_closed()
            self._waiters.append(waiter)
        try:
            self.request_checks()
            await waiter.wait(timeout)
        finally:
            self._forget(waiter)

    def refuse_at_exit(self) -> None:
        """InvalidOperation when only the finalizers are left to run.

        Nobody checks servers any more then, and no lock may be waited for: the other threads
        stand still, perhaps with one in their hands.
        """
        if sys.is_finalizing():
            raise InvalidOperation(
                f"Cannot use {self._client_name} while the interpreter is shutting down"
            )

    def find(self, preference: Any) -> Server | None:
        """A server that suits a read preference, or None if none does at this moment."""
        with self._lock:
            try:
                server = None if self.state != OPEN else self._choose(preference, None, ())
            except ConfigurationError:
                return None
        return None if server is None or server.pool.state == PAUSED else server

    def is_up(self, address: Address | None) -> bool:
        """Whether a member, or None for any, was up when it was heard of last."""
        if address is None:
            return self.fast is not None or self.find(None) is not None
        found = self._description.server_descriptions().get(address)
        server = self._servers.get(address)
        if found is None or server is None:
            return False
        return self._is_usable(found) and server.pool.state != PAUSED

    def has_member(self, address: Address | None) -> bool:
        """Whether an address is one of the deployment's."""
        return address in self._description.server_descriptions()

    def _choose(
        self, preference: Any, address: Address | None, deprioritized: tuple[Address, ...]
    ) -> Server | None:
        description = self._description
        if address is not None:
            found = description.server_descriptions().get(address)
            return self._servers.get(address) if found and found.is_server_type_known else None
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
        chosen = selection.pick(candidates, self._operation_count, self._draw)
        return self._servers.get(chosen.address)

    def _draw(self, population: Sequence[Any], count: int) -> list[Any]:
        """Draw some of a population at random, none of them twice."""
        if self._random is None:
            from random import Random  # not needed where there is nothing to choose

            self._random = Random()
        return self._random.sample(population, count)

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
        with self._lock:
            return selection_error(self._description, self._evidence, preference, timeout)

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
        if sys.is_finalizing():
            return  # see `refuse_at_exit`
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
                server.pool.begin_clear(service_id)
                self._announcements.add(server.pool.announce)
        self._wake(waiters)
        if server.monitor is not None:
            if effect.cancel_check:
                server.monitor.cancel_check()
            if effect.request_check:
                server.monitor.request_check()

    def unpin(self, connection: Connection) -> None:
        """Give a connection that was kept out of the pool back to it.

        Its server may have left the deployment meanwhile, and have come back with another pool.
        """
        connection.pinned = ""
        with self._lock:
            server = self._servers.get(connection.address)
        if server is None or not server.pool.has(connection):
            connection.close()
        else:
            server.pool.checkin(connection)


def _unknown(server: ServerDescription, error: Exception) -> ServerDescription:
    """The description of a server that an operation found unusable."""
    return ServerDescription(server.address, error=error)
