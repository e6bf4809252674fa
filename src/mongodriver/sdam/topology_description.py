"""What the driver knows about a deployment, and how that knowledge changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bsonx.objectid import ObjectId
from mongodriver.sdam.error_effects import ErrorEffect, error_effect
from mongodriver.sdam.topology_rules import (
    SRV_POLLING_TOPOLOGIES,
    TOPOLOGY_TYPE,
    State,
    compare_versions,
)
from mongodriver.values.address import Address
from mongodriver.values.causes import CauseKind
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.hello import Hello
from mongodriver.values.hints import add_hint, hint_for
from mongodriver.values.limits import (
    HEARTBEAT_FREQUENCY,
    LOCAL_THRESHOLD_MS,
    MAX_SUPPORTED_WIRE_VERSION,
    MIN_HEARTBEAT_INTERVAL,
    MIN_SUPPORTED_SERVER_VERSION,
    MIN_SUPPORTED_WIRE_VERSION,
    SERVER_MONITORING_MODE,
    SERVER_SELECTION_TIMEOUT,
    SRV_SERVICE_NAME,
)
from mongodriver.values.public_names import known_as
from mongodriver.values.read_preferences import ReadPreference, _ServerMode
from mongodriver.values.server_description import ServerDescription

__all__ = [
    "SRV_POLLING_TOPOLOGIES",
    "TOPOLOGY_TYPE",
    "ErrorEffect",
    "TopologyDescription",
    "TopologySettings",
    "error_effect",
    "load_balancer",
    "updated_topology_description",
]


#: Draws that many of a population at random, as `random.sample` does.
Draw = Callable[[Sequence[Any], int], list[Any]]

ServerSelector = Callable[[Sequence[ServerDescription]], Sequence[ServerDescription]]


class TopologySettings:
    """How a client was told to find its deployment. Times in seconds unless named otherwise."""

    def __init__(
        self,
        seeds: Sequence[Address],
        replica_set_name: str | None = None,
        direct_connection: bool | None = None,
        load_balanced: bool | None = None,
        heartbeat_frequency: float = HEARTBEAT_FREQUENCY,
        local_threshold_ms: float = LOCAL_THRESHOLD_MS,
        server_selection_timeout: float = SERVER_SELECTION_TIMEOUT,
        server_selector: ServerSelector | None = None,
        server_monitoring_mode: str = SERVER_MONITORING_MODE,
        fqdn: str | None = None,
        srv_service_name: str = SRV_SERVICE_NAME,
        srv_max_hosts: int = 0,
        fail_fast: bool = True,
    ) -> None:
        self.seeds = seeds
        self.replica_set_name = replica_set_name
        self.direct_connection = direct_connection
        self.load_balanced = load_balanced
        self.heartbeat_frequency = heartbeat_frequency
        self.local_threshold_ms = local_threshold_ms
        self.server_selection_timeout = server_selection_timeout
        self.server_selector = server_selector
        self.server_monitoring_mode = server_monitoring_mode
        self.fqdn = fqdn
        self.srv_service_name = srv_service_name
        self.srv_max_hosts = srv_max_hosts
        self.fail_fast = fail_fast
        self.topology_id = ObjectId()
        if self.heartbeat_frequency < MIN_HEARTBEAT_INTERVAL:
            raise ConfigurationError(
                f"heartbeatFrequencyMS cannot be less than {MIN_HEARTBEAT_INTERVAL * 1000}"
            )

    @property
    def topology_type(self) -> int:
        """The TOPOLOGY_TYPE to start with."""
        if self.load_balanced:
            return TOPOLOGY_TYPE.LoadBalanced
        if self.direct_connection:
            return TOPOLOGY_TYPE.Single
        if self.replica_set_name is not None:
            return TOPOLOGY_TYPE.ReplicaSetNoPrimary
        return TOPOLOGY_TYPE.Unknown


class TopologyDescription:
    """An immutable view of a deployment.

    `topology_type` is a TOPOLOGY_TYPE, `server_descriptions` maps each address to its
    ServerDescription, `replica_set_name`, `max_set_version` and `max_election_id` are the
    replica set's (or None), `topology_settings` how the client was configured.
    """

    __module__ = "mongodriver.topology_description"

    def __init__(
        self,
        topology_type: int,
        server_descriptions: dict[Address, ServerDescription],
        replica_set_name: str | None,
        max_set_version: int | None,
        max_election_id: ObjectId | None,
        topology_settings: Any,
    ) -> None:
        self._topology_type = topology_type
        self._server_descriptions = server_descriptions
        self._replica_set_name = replica_set_name
        self._max_set_version = max_set_version
        self._max_election_id = max_election_id
        self._topology_settings = topology_settings
        # A load balancer does not say what it can do.
        checked = (
            () if topology_type == TOPOLOGY_TYPE.LoadBalanced else server_descriptions.values()
        )
        self._incompatible = _incompatibility(checked)
        self._session_timeout = _session_timeout(self.readable_servers)

    @classmethod
    def initial(cls, settings: TopologySettings) -> TopologyDescription:
        """Return the description before any server was asked: all seeds Unknown."""
        servers = {seed: ServerDescription(seed) for seed in settings.seeds}
        return cls(settings.topology_type, servers, settings.replica_set_name, None, None, settings)

    def apply(self, server: ServerDescription) -> TopologyDescription:
        """Return the description after `server` was described anew.

        It is the same object if the server is not part of the topology (any more), or if what is
        known about it is newer than `server`.
        """
        known = self._server_descriptions.get(server.address)
        if known is None or compare_versions(known.topology_version, server.topology_version) > 0:
            return self
        return updated_topology_description(self, server)

    def with_seeds(self, seeds: Sequence[Address], draw: Draw) -> TopologyDescription:
        """Return the description of a polled topology whose SRV records now give `seeds`.

        Servers that are not among them are dropped; of the new ones `srv_max_hosts` (if it is
        not 0) leaves room for some, drawn at random (polling-srv-records specification).
        """
        if self._topology_type not in SRV_POLLING_TOPOLOGIES:
            return self
        servers = {a: s for a, s in self._server_descriptions.items() if a in set(seeds)}
        added = [seed for seed in dict.fromkeys(seeds) if seed not in servers]
        if self.srv_max_hosts:
            room = max(0, self.srv_max_hosts - len(servers))
            added = draw(added, min(room, len(added)))
        servers.update((seed, ServerDescription(seed)) for seed in added)
        return TopologyDescription(
            self._topology_type,
            servers,
            self._replica_set_name,
            self._max_set_version,
            self._max_election_id,
            self._topology_settings,
        )

    def check_compatible(self) -> None:
        """Raise ConfigurationError if the driver cannot talk to one of the servers."""
        if self._incompatible:
            kind, problem = self._incompatible
            error = ConfigurationError(problem)
            add_hint(error, hint_for(kind))
            raise error

    def has_server(self, address: Address) -> bool:
        """Return whether the topology has a server at `address`."""
        return address in self._server_descriptions

    def reset_server(self, address: Address) -> TopologyDescription:
        """Return the description with one server Unknown; KeyError if there is no such server."""
        unknown = self._server_descriptions[address].to_unknown()
        return updated_topology_description(self, unknown)

    def reset(self) -> TopologyDescription:
        """Return the description with all servers Unknown."""
        topology_type = self._topology_type
        if topology_type == TOPOLOGY_TYPE.ReplicaSetWithPrimary:
            topology_type = TOPOLOGY_TYPE.ReplicaSetNoPrimary
        return TopologyDescription(
            topology_type,
            {address: ServerDescription(address) for address in self._server_descriptions},
            self._replica_set_name,
            self._max_set_version,
            self._max_election_id,
            self._topology_settings,
        )

    def server_descriptions(self) -> dict[Address, ServerDescription]:
        """Return a new dict of each address and its ServerDescription."""
        return self._server_descriptions.copy()

    @property
    def topology_type(self) -> int:
        """The TOPOLOGY_TYPE."""
        return self._topology_type

    @property
    def topology_type_name(self) -> str:
        """The name of the TOPOLOGY_TYPE."""
        return TOPOLOGY_TYPE._fields[self._topology_type]

    @property
    def replica_set_name(self) -> str | None:
        """The name of the replica set, or None."""
        return self._replica_set_name

    @property
    def max_set_version(self) -> int | None:
        """The highest configuration version a primary had, or None."""
        return self._max_set_version

    @property
    def max_election_id(self) -> ObjectId | None:
        """The highest election id a primary had, or None."""
        return self._max_election_id

    @property
    def logical_session_timeout_minutes(self) -> int | None:
        """The smallest session timeout of the data-bearing servers, None if one has none."""
        return self._session_timeout

    @property
    def known_servers(self) -> list[ServerDescription]:
        """The servers whose state is known."""
        return [s for s in self._server_descriptions.values() if s.is_server_type_known]

    @property
    def has_known_servers(self) -> bool:
        """Whether the state of any server is known."""
        return any(s.is_server_type_known for s in self._server_descriptions.values())

    @property
    def readable_servers(self) -> list[ServerDescription]:
        """The servers that can answer reads of some read preference."""
        return [s for s in self._server_descriptions.values() if s.is_readable]

    @property
    def candidate_servers(self) -> list[ServerDescription]:
        """The servers selection starts from."""
        return list(self._server_descriptions.values())

    @property
    def common_wire_version(self) -> int | None:
        """The highest wire version all known servers speak, or None."""
        return min((s.max_wire_version for s in self.known_servers), default=None)

    @property
    def heartbeat_frequency(self) -> int:
        """The interval of server checks, in seconds."""
        frequency: int = self._topology_settings.heartbeat_frequency
        return frequency

    @property
    def local_threshold_ms(self) -> float:
        """The width of the latency window, in milliseconds."""
        threshold: float = self._topology_settings.local_threshold_ms
        return threshold

    @property
    def srv_max_hosts(self) -> int:
        """How many of the hosts of an SRV record are used; 0 for all."""
        hosts: int = self._topology_settings.srv_max_hosts
        return hosts

    def apply_selector(
        self,
        selector: Any,
        address: Address | None = None,
        custom_selector: ServerSelector | None = None,
        deprioritized_servers: Sequence[ServerDescription] | None = None,
    ) -> list[ServerDescription]:
        """Return the servers an operation may be sent to.

        `selector` is a read preference or a function from Selection to Selection, `address`
        restricts the choice to one server, `custom_selector` is the application's, and
        `deprioritized_servers` are used only if no others suit.
        """
        from mongodriver.sdam import server_selection as selection

        return selection.select(
            self,
            selector,
            address=address,
            server_selector=custom_selector,
            deprioritized=deprioritized_servers or (),
        )

    def has_readable_server(self, read_preference: _ServerMode = ReadPreference.PRIMARY) -> bool:
        """Return whether any server can answer a read with `read_preference`."""
        if not isinstance(read_preference, _ServerMode):
            raise TypeError(f"{read_preference!r} is not a read preference")
        return bool(self.apply_selector(read_preference))

    def has_writable_server(self) -> bool:
        """Return whether any server accepts writes."""
        return bool(self.apply_selector(ReadPreference.PRIMARY))

    def __repr__(self) -> str:
        # Sorted, so that the text of two errors can be compared.
        servers = sorted(self._server_descriptions.values(), key=lambda s: s.address)
        return (
            f"<TopologyDescription id: {self._topology_settings.topology_id}, "
            f"topology_type: {self.topology_type_name}, servers: {servers!r}>"
        )


def load_balancer(address: Address, topology_id: ObjectId) -> ServerDescription:
    """Return the description of a load balancer, which is not asked what it is."""
    return ServerDescription(
        address, Hello({"ok": 1, "serviceId": topology_id, "maxWireVersion": 13})
    )


def _incompatibility(servers: Iterable[ServerDescription]) -> tuple[CauseKind, str] | None:
    """Say which server the driver cannot talk to, or return None."""
    for server in servers:
        if not server.is_server_type_known:
            continue
        where = f"{server.address[0]}:{server.address[1] or 0}"
        if server.min_wire_version > MAX_SUPPORTED_WIRE_VERSION:
            return CauseKind.TOO_NEW, (
                f"Server at {where} requires wire version {server.min_wire_version}, "
                "but this version of PyMongo only supports up to "
                f"{MAX_SUPPORTED_WIRE_VERSION}."
            )
        if server.max_wire_version < MIN_SUPPORTED_WIRE_VERSION:
            return CauseKind.TOO_OLD, (
                f"Server at {where} reports wire version {server.max_wire_version}, "
                f"but this version of PyMongo requires at least {MIN_SUPPORTED_WIRE_VERSION} "
                f"(MongoDB {MIN_SUPPORTED_SERVER_VERSION})."
            )
    return None


def _session_timeout(readable: Sequence[ServerDescription]) -> int | None:
    timeouts = [s.logical_session_timeout_minutes for s in readable]
    known = [t for t in timeouts if t is not None]
    return min(known, default=None) if len(known) == len(timeouts) else None


def updated_topology_description(
    topology_description: TopologyDescription, server_description: ServerDescription
) -> TopologyDescription:
    """Return the topology after one of its servers was described anew (SDAM specification)."""
    state = State(
        topology_description._topology_type,
        topology_description._server_descriptions,
        topology_description._replica_set_name,
        topology_description._max_set_version,
        topology_description._max_election_id,
    )
    settings = topology_description._topology_settings
    state.apply(server_description, len(settings.seeds))
    return TopologyDescription(
        state.topology_type,
        state.servers,
        state.set_name,
        state.max_set_version,
        state.max_election_id,
        settings,
    )


known_as("mongodriver.topology_description", globals())
