"""Topologies and their servers as PyMongo's users see them: faces of those of `sdam`."""

from __future__ import annotations

import weakref
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from mongodriver.client.client import Client
from mongodriver.execution.timeouts import current_deadline
from mongodriver.sdam import server_selection
from mongodriver.sdam.topology import NEW, OPEN
from mongodriver.sdam.topology_rules import SRV_POLLING_TOPOLOGIES, TOPOLOGY_TYPE
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from mongodriver.io.base import Address
    from mongodriver.sdam.topology import Server as CoreServer
    from mongodriver.sdam.topology_description import TopologyDescription
    from mongodriver.values.server_description import ServerDescription

__all__ = ["ServerBase", "ServerSession", "TopologyBase"]

_REPLICA_SETS = (TOPOLOGY_TYPE.ReplicaSetWithPrimary, TOPOLOGY_TYPE.ReplicaSetNoPrimary)


class _Options:
    """The options of a client, as far as the settings of a topology tell them."""

    tracing = None
    timeout = None
    retry_reads = retry_writes = True
    max_adaptive_retries = 2
    enable_overload_retargeting = False
    _server_selection_fail_fast = True

    def __init__(self, settings: Any) -> None:
        self.pool_options = settings.pool_options
        self.replica_set_name = settings.replica_set_name
        self.direct_connection = settings.direct
        self.load_balanced = settings.load_balanced
        self.heartbeat_frequency = settings.heartbeat_frequency
        self.local_threshold_ms = settings.local_threshold_ms
        self.server_selection_timeout = settings.server_selection_timeout
        self.server_selector = settings.server_selector
        self.server_monitoring_mode = settings.server_monitoring_mode


class ServerSession:
    """A session as the server knows it.

    :param core: ours.
    """

    def __init__(self, core: Any) -> None:
        self._core = core

    @property
    def session_id(self) -> Any:
        """The document that commands carry."""
        return self._core.lsid

    @property
    def last_use(self) -> float:
        """When it was used last, of the monotonic clock."""
        return cast("float", self._core.last_use)

    @property
    def dirty(self) -> bool:
        """Whether nobody is to use it again."""
        return bool(self._core.dirty)

    def mark_dirty(self) -> None:
        """Do not use it again."""
        self._core.mark_dirty()

    @property
    def transaction_id(self) -> int:
        """The number of its last transaction or retryable write."""
        return cast("int", self._core.transaction_number)

    def inc_transaction_id(self) -> None:
        """Begin the next number."""
        self._core.next_transaction()


class ServerBase:
    """A server of a topology: what both flavours have in common.

    :param server_description: what is known of it.
    :param pool: of the connections to it.
    :param monitor: that asks it for its state.
    :param topology_id: of the deployment.
    :param listeners: an `_EventListeners`.
    :param events: a queue of functions to call and their arguments.
    """

    def __init__(
        self,
        server_description: ServerDescription,
        pool: Any,
        monitor: Any,
        topology_id: Any = None,
        listeners: Any = None,
        events: Any = None,
    ) -> None:
        self._topology: weakref.ref[Any] | None = None
        self._description = self._seen = server_description
        self._pool = pool
        self._monitor = monitor
        self._topology_id = topology_id
        self._listener, self._events = listeners, events

    def _member_of(self, topology: Any) -> Self:
        self._topology = weakref.ref(topology)  # which holds this
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.description!r}>"

    @property
    def description(self) -> ServerDescription:
        """What is known of it: the last thing that its topology has heard, or that was set."""
        topology = None if self._topology is None else self._topology()
        if topology is not None:
            known = topology.description.server_descriptions()
            now = known.get(self._description.address, self._seen)
            if now is not self._seen:
                self._description = self._seen = now
        return self._description

    @description.setter
    def description(self, server_description: ServerDescription) -> None:
        if server_description.address != self._description.address:
            raise AssertionError("a server's description is that of another address")
        self._description = server_description

    @property
    def pool(self) -> Any:
        """The pool of the connections to it."""
        return self._pool

    def request_check(self) -> None:
        """Have it asked soon for its state."""
        self._monitor.request_check()

    def _tell(self, kind: str) -> None:
        """Tell those who listen to servers, by the queue of events."""
        if self._listener is None or self._events is None or not self._listener.enabled_for_server:
            return
        publish = getattr(self._listener, f"publish_server_{kind}")
        self._events.put((publish, (self._description.address, self._topology_id)))


class TopologyBase:
    """What is known of a deployment: what both flavours have in common.

    :param topology_settings: a `TopologySettings` of this flavour.
    """

    _server_class: ClassVar[Any]
    _pool_class: ClassVar[Any]
    _client_name: ClassVar[str]

    def __init__(self, topology_settings: Any) -> None:
        settings = topology_settings
        client = Client(
            cast("Any", _Options(settings)),
            settings.seeds,
            self._pool_class._backend(),
            name=self._client_name,
            opened_at=None,
        )
        self._show(client, settings.fqdn, settings.srv_service_name)

    def _show(self, client: Client, fqdn: str | None, service: str) -> None:
        self._client = client
        self._core = client.topology
        self._srv = fqdn, service
        self._members: dict[Address, tuple[CoreServer, Any]] = {}

    @classmethod
    def _of(cls, client: Client, fqdn: str | None, service: str) -> Self:
        """The face of a client's topology."""
        made = cls.__new__(cls)
        made._show(client, fqdn, service)
        return made

    def __repr__(self) -> str:
        state = "" if self._core.state == OPEN else "CLOSED "
        return f"<{type(self).__name__} {state}{self.description!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TopologyBase):
            return NotImplemented
        return self.eq_props() == other.eq_props()

    def __hash__(self) -> int:
        return hash(self.eq_props())

    def eq_props(self) -> tuple[tuple[Address, ...], str | None, str | None, str]:
        """What makes two topologies equal: seeds, replica set name, SRV name and service."""
        seeds = tuple(sorted(self._client.seeds, key=str))
        return (seeds, self._core.settings.replica_set_name, *self._srv)

    # -- what is known --

    @property
    def description(self) -> TopologyDescription:
        """The description of the deployment, which does not change."""
        return self._core.description

    def data_bearing_servers(self) -> list[ServerDescription]:
        """Return the descriptions of the servers that hold data."""
        description = self.description
        if description.topology_type == TOPOLOGY_TYPE.Single:
            return description.known_servers
        return description.readable_servers

    def _addresses(self, server_type: int) -> set[Address]:
        if self.description.topology_type not in _REPLICA_SETS:
            return set()
        known = self.description.server_descriptions().values()
        return {server.address for server in known if server.server_type == server_type}

    def _primary(self) -> Address | None:
        return next(iter(self._addresses(SERVER_TYPE.RSPrimary)), None)

    @property
    def _servers(self) -> dict[Address, Any]:
        """The servers by their addresses. For Motor's tests."""
        return {server.address: self._face(server) for server in self._core.servers}

    @property
    def _session_pool(self) -> deque[ServerSession]:
        """The sessions that nobody uses, the one used last on the left. For Motor's tests."""
        return deque(map(ServerSession, reversed(self._client.sessions.free)))

    def has_server(self, address: Address) -> bool:
        """Whether there is a server of this address."""
        return self._core.has_member(address)

    def get_server_by_address(self, address: Address) -> Any:
        """Return the server of an address, or None."""
        for server in self._core.servers:
            if server.address == address:
                return self._face(server)
        return None

    def _face(self, core: CoreServer) -> Any:
        made, face = self._members.get(core.address, (None, None))
        if made is not core:
            pool = self._pool_class._of(core.pool, self._client)
            known = self.description.server_descriptions()[core.address]
            face = self._server_class(
                known, pool, self._monitor_of(core), self._core.settings.topology_id
            )._member_of(self)
            self._members[core.address] = core, face
        return face

    def _monitor_of(self, core: CoreServer) -> Any:
        raise NotImplementedError

    def get_server_selection_timeout(self) -> float:
        """Return how long a server is waited for, in seconds: in a block of `timeout()` the rest
        of that.
        """
        deadline = current_deadline(None)
        if deadline is None:
            return self._core.settings.server_selection_timeout
        return deadline - monotonic()

    # -- sessions and the cluster's time --

    def max_cluster_time(self) -> Any:
        """Return the newest ``$clusterTime`` that was seen, or None."""
        return self._client.cluster_time

    def get_server_session(self, session_timeout_minutes: int | None) -> ServerSession:
        """Take a session that nobody uses out of the pool, or make one.

        :param session_timeout_minutes: after which the server forgets those not used.
        """
        self._client.sessions.expire_after(session_timeout_minutes)
        return ServerSession(self._client.sessions.acquire())

    def return_server_session(self, server_session: ServerSession) -> None:
        """Take a session back."""
        self._client.sessions.release(server_session._core)

    def pop_all_sessions(self) -> list[Any]:
        """Empty the pool of sessions, and return their ids."""
        return self._client.sessions.drain()

    # -- for the flavours --

    async def _select(
        self,
        selector: Any,
        timeout: float | None,
        address: Address | None,
        deprioritized: Any,
    ) -> CoreServer:
        if self._core.state == NEW:
            await self._client.ready()
        if timeout is None:
            timeout = self.get_server_selection_timeout()
        avoided = tuple(server.description.address for server in deprioritized or ())
        return await self._core.select(selector, monotonic() + timeout, timeout, address, avoided)

    def _suitable(self, selector: Any, address: Address | None, deprioritized: Any) -> list[Any]:
        """All servers that suit now."""
        found = server_selection.select(
            self.description,
            selector,
            address=address,
            deprioritized=[server.description for server in deprioritized or ()],
            server_selector=self._core.settings.server_selector,
        )
        faces = (self.get_server_by_address(server.address) for server in found)
        return [face for face in faces if face is not None]

    def _take_seeds(self, seedlist: list[Any]) -> None:
        """What DNS says now; of no interest where the deployment cannot be sharded."""
        if self.description.topology_type in SRV_POLLING_TOPOLOGIES:
            self._core.update_seeds(seedlist)
