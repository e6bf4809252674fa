"""A client's core: its topology, sessions and executor, from the first use until `close`.

The public clients hold one `Client` each; all they do goes through its executor.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx.errors import BSONError

from ..cmap.connector import Connector
from ..cmap.pool import Pool
from ..events.log_switch import LogSwitch
from ..events.observer import Observer
from ..execution.command_fields import CommandFields
from ..execution.executor import Executor
from ..execution.timeouts import timeout
from ..ops.sessions import EndSessions
from ..options.tracing import make_spans
from ..sdam.monitor import Monitor
from ..sdam.topology import CLOSED, OPEN, Topology
from ..sdam.topology_description import TopologyDescription
from ..sessions.cluster_clock import ClusterClock
from ..sessions.server_session import ServerSessionPool
from ..sessions.session import Session
from ..values.errors import InvalidOperation, PyMongoError
from ..values.limits import CLOSE_TIMEOUT, FAREWELL_TIMEOUT, MAX_END_SESSIONS
from ..values.read_preferences import ReadPreference
from ..wire.header import start_anew
from .housekeeping import DeadCursor, Housekeeper
from .settings import (
    executor_settings,
    monitor_settings,
    pool_settings,
    sorted_seeds,
    srv_monitor,
    topology_settings,
)

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..io.base import Address, Backend
    from ..options.client_options import ClientOptions
    from ..options.connection_string import ParsedURI
    from ..options.srv import SrvName
    from .discovery import Discovery, Found

_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client:
    """Everything behind one public client.

    :param options: the client's validated options.
    :param seeds: addresses to begin with.
    :param backend: how it does I/O.
    :param name: of the public class, for warnings and errors.
    :param opened_at: where the public client was created, as text, for the ResourceWarning; None:
        it belongs to another client, and nobody is warned.
    :param srv: what the seeds are to be looked up by, if they are.

    Nothing is connected, looked up or started before `ready`, which the first use of `execute`
    does as well.
    """

    def __init__(
        self,
        options: ClientOptions,
        seeds: Iterable[Address],
        backend: Backend,
        *,
        name: str = "MongoClient",
        opened_at: object | None = "",
        srv: ParsedURI | None = None,
    ) -> None:
        self.options = options
        self.seeds = frozenset(seeds)
        self.backend = backend
        self.name = name
        self._opened_at = opened_at
        #: The process that opened it; None before that.
        self._pid: int | None = None
        pool_options = options.pool_options
        self.observer = observer = Observer(pool_options._event_listeners)
        spans = make_spans(options.tracing)
        if spans is not None:
            spans.subscribe_to(observer)
        self.sessions = ServerSessionPool()
        self._clock = ClusterClock()
        self.topology = Topology(
            topology_settings(options, sorted_seeds(seeds)),
            backend,
            observer,
            ServerFactory(options, backend, observer),
            self.sessions,
            self._clock,
            name,
        )
        self._log_switch = LogSwitch(
            observer,
            self.topology.settings.topology_id,
            self.topology.tell_in_order,
            self.topology.look_who_listens,
            threading.Lock,
        )
        #: Runs operations: whatever a user asks for goes through it.
        self.executor = Executor(
            self.topology,
            self.sessions,
            backend,
            observer,
            executor_settings(options),
            CommandFields(
                self._clock, pool_options.server_api, direct=bool(options.direct_connection)
            ),
            self._clock,
            weakref.WeakMethod(self.ready),
        )
        #: Looks the hosts up; None where that is not needed, or not any more.
        self.discovery: Discovery | None = None
        if srv is not None:
            self.discovery = self._plan_discovery(srv)
        self.execute = self.executor.execute
        self._housekeeper = Housekeeper(self, backend)
        _clients.add(self)

    def _plan_discovery(self, srv: ParsedURI) -> Discovery:
        assert srv.fqdn is not None
        validator = srv.options.get("srv_host_validator")
        from ..options.srv import SrvName
        from .discovery import Discovery

        name = SrvName(srv.fqdn, srv.srv_service_name, srv.srv_allowed_hosts_suffix, validator)
        timeout = self.options.pool_options.connect_timeout
        found = weakref.WeakMethod(self._settle)
        return Discovery(srv, name, timeout, self.backend, found)

    def _settle(self, found: Found, name: SrvName) -> None:
        """Take what DNS has said of the deployment."""
        options = self.options
        options._complete(found.parsed.options)
        seeds = [seed for seed in self.seeds if seed != (name.fqdn, None)] + found.parsed.nodes
        self.seeds = frozenset(seeds)
        self.topology.settle(
            topology_settings(options, sorted_seeds(seeds), found.parsed),
            ServerFactory(options, self.backend, self.observer),
            None if options.load_balanced else srv_monitor(options, name, found.ttl, self.backend),
        )

    # -- lifecycle --

    async def ready(self, deadline: float | None = None) -> None:
        """Have the hosts looked up where that is needed, and open.

        :param deadline: of whoever waits for it; see `Discovery.wait` for what it raises.
        """
        discovery = self.discovery
        if discovery is not None:
            self.backend.check()
            await discovery.wait(deadline)
            self.discovery = None
        self.open()

    def open(self) -> None:
        """Start monitoring and housekeeping. Does nothing when open; InvalidOperation if closed."""
        self.backend.check()
        if self.topology.open():
            self._housekeeper.start()
            opened_by, self._pid = self._pid, os.getpid()
            if opened_by not in (None, self._pid):
                warnings.warn(
                    f"{self.name} opened before fork. May not be entirely fork-safe, proceed with "
                    "caution. See PyMongo's documentation for details: "
                    "https://dochub.mongodb.org/core/pymongo-fork-deadlock",
                    stacklevel=2,
                )

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.topology.state == CLOSED

    async def close(self) -> None:
        """End sessions, kill pending cursors, close every connection. May be called again.

        It takes less than a second, whatever is down: servers that do not answer are not waited
        for, and threads that cannot be woken (in a name lookup, say) end later by themselves.
        """
        clients = self._with_those_of_its_cipher()
        if sys.is_finalizing() or self.backend.is_over():
            # No other thread, or task, goes on, and one may stand still with a lock in its hands.
            for client in clients:
                client._let_go()
            return
        if self._in_use:
            self.backend.check()
        end = monotonic() + CLOSE_TIMEOUT
        background: list[Any] = []
        try:
            for client in clients:
                await client._say_goodbye(end)
        finally:
            for client in clients:
                background += client._stop()
        for member in background:
            await member.join(max(end - monotonic(), 0))
        if self.executor.cipher is not None:
            await self.executor.cipher.close()

    def refuse_encrypting(self, what: str) -> None:
        """Raise InvalidOperation if it encrypts automatically.

        :param what: cannot be done then.
        """
        if self.executor.cipher is not None:
            raise InvalidOperation(f"{what} not support auto encryption")

    def _with_those_of_its_cipher(self) -> list[Client]:
        cipher = self.executor.cipher
        return [self] if cipher is None else [self, *cipher.clients]

    @property
    def _in_use(self) -> bool:
        """Whether it was opened, in this process, and has not been closed."""
        return self.topology.state == OPEN and self._pid == os.getpid()

    async def _say_goodbye(self, end: float) -> None:
        """Tell the servers that are up what is needed no more.

        :param end: monotonic time by which that must be over.
        """
        if not self._in_use or self.backend.is_cancelled():
            return
        for tell in (self._bury_cursors, self._end_sessions):
            seconds = min(FAREWELL_TIMEOUT, end - monotonic())
            if seconds > 0:
                await tell(seconds)

    def _stop(self) -> list[Any]:
        """Close everything without waiting; return what is ending in the background."""
        if self.discovery is not None:
            self.discovery.stop()
        background = self.topology.close()
        self._housekeeper.stop()
        return [*background, self._housekeeper]

    async def _bury_cursors(self, seconds: float) -> None:
        await self._housekeeper.bury_all(self, seconds)

    async def _end_sessions(self, seconds: float) -> None:
        """Tell a server that is known to be up which sessions are needed no more."""
        preference = ReadPreference.PRIMARY_PREFERRED
        ids = self.sessions.drain()
        server = self.topology.find(preference) if ids else None
        if server is None:
            return
        try:
            with timeout(seconds):
                for start in range(0, len(ids), MAX_END_SESSIONS):
                    operation = EndSessions(ids[start : start + MAX_END_SESSIONS], preference)
                    await self.execute(operation, address=server.address)
        except (PyMongoError, BSONError):
            pass  # they expire by themselves

    def _let_go(self) -> None:
        """Stop everything without waiting for anything: no lock, no event, no I/O."""
        self.topology.abort()
        self._housekeeper.stop()

    def __del__(self) -> None:
        topology = self.__dict__.get("topology")
        if topology is None or topology.state != OPEN or self._pid != os.getpid():
            return
        self._let_go()
        if self._opened_at is None:
            return
        unclosed = (
            f"Unclosed {self.name} opened at:\n{self._opened_at}"
            f"Call {self.name}.close() to safely shut down your client and free up resources."
        )
        if sys.is_finalizing():
            _warn_at_the_end(unclosed)
        else:
            warnings.warn(unclosed, ResourceWarning, stacklevel=2, source=self)

    def after_fork(self) -> None:
        """In a child process: forget what belongs to the parent. The next use starts anew."""
        self._clock.after_fork()
        if self.discovery is not None:
            self.discovery.after_fork()
        self.sessions.after_fork()
        self.topology.after_fork()
        self._log_switch.after_fork()
        self._housekeeper.after_fork()

    # -- what the public layer asks for --

    @property
    def description(self) -> TopologyDescription:
        """What is known of the deployment."""
        return self.topology.description

    @property
    def cluster_time(self) -> Any:
        """The newest ``$clusterTime`` seen, or None."""
        return self._clock.now

    def start_session(
        self,
        causal_consistency: bool = True,
        snapshot: bool = False,
        snapshot_time: Any = None,
    ) -> Session:
        """A new explicit session; no I/O."""
        return Session(self, self.sessions, causal_consistency, snapshot, snapshot_time)

    def kill_cursor_soon(
        self,
        cursor_id: int,
        namespace: str,
        address: Address | None,
        session: Any = None,
        connection: Connection | None = None,
    ) -> None:
        """Have a cursor killed by the housekeeping. From any thread or finalizer; no I/O.

        Its implicit session is ended and its pinned connection released as well.
        """
        self._housekeeper.bury(DeadCursor(cursor_id, namespace, address, session, connection))

    def unpin(self, connection: Connection) -> None:
        """Give back a connection that a cursor or a transaction had kept."""
        self.topology.unpin(connection)


class ServerFactory:
    """Makes the pool and the monitor of each new member of a topology."""

    def __init__(self, options: ClientOptions, backend: Backend, observer: Observer) -> None:
        self._backend = backend
        self._observer = observer
        self._connector = connector = Connector(backend, options.pool_options, observer)
        self._pool_settings = pool_settings(options)
        self._monitor_settings = monitor_settings(options, connector.hello_command)
        self._investigates = options._server_selection_fail_fast

    def __call__(self, topology: Topology, address: Address) -> tuple[Pool, Monitor | None]:
        pool = Pool(
            address,
            self._pool_settings,
            self._backend,
            partial(self._connector.connect, address),
            self._observer,
            _ConnectErrorHook(topology, address),
        )
        if self._pool_settings.load_balanced:
            return pool, None
        monitor = Monitor(
            topology,
            address,
            self._monitor_settings,
            self._backend,
            partial(self._connector.connect_monitor, address),
            self._observer,
            partial(self._connector.investigate, address) if self._investigates else None,
        )
        return pool, monitor


class _ConnectErrorHook:
    """Tells the topology, held weakly, why a connection could not be established."""

    def __init__(self, topology: Topology, address: Address) -> None:
        self._topology = weakref.ref(topology)
        self._address = address

    def __call__(self, error: Exception, generation: int) -> None:
        topology = self._topology()
        if topology is not None:
            topology.handle_error(self._address, error, generation, handshake_complete=False)


def _after_fork() -> None:
    start_anew()
    for client in list(_clients):
        client.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _warn_at_the_end(text: str) -> None:
    """Warn without `warnings`, which imports what it shows a warning with.

    When the interpreter ends, an import may wait for ever for a thread that stands still in one.
    """
    for action, message, category, module, _ in warnings.filters:
        if message is None and module is None and issubclass(ResourceWarning, category):
            if action != "ignore" and sys.stderr is not None:
                sys.stderr.write(f"sys:1: ResourceWarning: {text}\n")
            return
