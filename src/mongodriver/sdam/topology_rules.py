"""The rules by which one server's new state changes the topology.

server-discovery-and-monitoring specification, "TopologyType table" and "Actions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mongodriver.replies.fields import whole_number
from mongodriver.values.address import Address
from mongodriver.values.errors import ConfigurationError, PyMongoError
from mongodriver.values.server_description import ServerDescription
from mongodriver.values.server_type import SERVER_TYPE

__all__ = ["SRV_POLLING_TOPOLOGIES", "TOPOLOGY_TYPE", "State", "compare_versions"]


class _TopologyType(NamedTuple):
    Single: int
    ReplicaSetNoPrimary: int
    ReplicaSetWithPrimary: int
    Sharded: int
    Unknown: int
    LoadBalanced: int


TOPOLOGY_TYPE = _TopologyType(*range(6))

SRV_POLLING_TOPOLOGIES = (TOPOLOGY_TYPE.Unknown, TOPOLOGY_TYPE.Sharded)

_MEMBERS = (SERVER_TYPE.RSSecondary, SERVER_TYPE.RSArbiter, SERVER_TYPE.RSOther)

# From this wire version (MongoDB 6.0) on the election id outweighs the configuration's version.
_ELECTION_ID_FIRST = 17


class State:
    """A topology while one change is applied to it."""

    def __init__(
        self,
        topology_type: int,
        servers: Mapping[Address, ServerDescription],
        set_name: str | None,
        max_set_version: int | None,
        max_election_id: Any | None,
    ) -> None:
        self.topology_type = topology_type
        self.servers = dict(servers)
        self.set_name = set_name
        self.max_set_version = max_set_version
        self.max_election_id = max_election_id

    def _has_primary(self) -> bool:
        return any(s.server_type == SERVER_TYPE.RSPrimary for s in self.servers.values())

    def _check_if_has_primary(self) -> None:
        self.topology_type = (
            TOPOLOGY_TYPE.ReplicaSetWithPrimary
            if self._has_primary()
            else TOPOLOGY_TYPE.ReplicaSetNoPrimary
        )

    def _add_unknown(self, server: ServerDescription) -> None:
        for address in sorted(server.all_hosts):
            if address not in self.servers:
                self.servers[address] = ServerDescription(address)

    def apply(self, server: ServerDescription, seed_count: int) -> None:
        """Take the new description of one of the servers into account."""
        self.servers[server.address] = server
        kind = server.server_type
        if self.topology_type == TOPOLOGY_TYPE.Single:
            self._check_set_name_of_single(server)
        elif self.topology_type == TOPOLOGY_TYPE.LoadBalanced:
            pass
        elif self.topology_type == TOPOLOGY_TYPE.Sharded:
            if kind not in (SERVER_TYPE.Mongos, SERVER_TYPE.Unknown):
                del self.servers[server.address]
        elif self.topology_type == TOPOLOGY_TYPE.Unknown:
            self._apply_to_unknown(server, seed_count)
        else:
            self._apply_to_replica_set(server)

    def _apply_to_unknown(self, server: ServerDescription, seed_count: int) -> None:
        kind = server.server_type
        if kind == SERVER_TYPE.Standalone:
            if seed_count == 1:
                self.topology_type = TOPOLOGY_TYPE.Single
            else:
                del self.servers[server.address]
        elif kind == SERVER_TYPE.Mongos:
            self.topology_type = TOPOLOGY_TYPE.Sharded
        elif kind == SERVER_TYPE.LoadBalancer:
            self.topology_type = TOPOLOGY_TYPE.LoadBalanced
        elif kind == SERVER_TYPE.RSPrimary:
            self._update_from_primary(server)
        elif kind in _MEMBERS:
            self.topology_type = TOPOLOGY_TYPE.ReplicaSetNoPrimary
            self._update_without_primary(server)

    def _apply_to_replica_set(self, server: ServerDescription) -> None:
        kind = server.server_type
        if kind == SERVER_TYPE.RSPrimary:
            self._update_from_primary(server)
        elif kind in _MEMBERS:
            if self.topology_type == TOPOLOGY_TYPE.ReplicaSetWithPrimary:
                self._update_with_primary_from_member(server)
            else:
                self._update_without_primary(server)
        else:
            if kind not in (SERVER_TYPE.Unknown, SERVER_TYPE.RSGhost):
                del self.servers[server.address]
            self._check_if_has_primary()

    def _check_set_name_of_single(self, server: ServerDescription) -> None:
        name = server.replica_set_name
        if self.set_name is not None and server.is_server_type_known and name != self.set_name:
            error = ConfigurationError(
                "client is configured to connect to a replica set named "
                f"'{self.set_name}' but this node belongs to a set named '{name}'"
            )
            self.servers[server.address] = server.to_unknown(error=error)

    def _update_without_primary(self, server: ServerDescription) -> None:
        if self.set_name is None:
            self.set_name = server.replica_set_name
        elif self.set_name != server.replica_set_name:
            del self.servers[server.address]
            return
        self._add_unknown(server)
        if server.me and server.address != server.me:
            del self.servers[server.address]

    def _update_with_primary_from_member(self, server: ServerDescription) -> None:
        if self.set_name != server.replica_set_name or (server.me and server.address != server.me):
            del self.servers[server.address]
        self._check_if_has_primary()

    def _update_from_primary(self, server: ServerDescription) -> None:
        if self.set_name is None:
            self.set_name = server.replica_set_name
        elif self.set_name != server.replica_set_name:
            del self.servers[server.address]
            self._check_if_has_primary()
            return
        stale = self._why_stale(server)
        if stale:
            self.servers[server.address] = server.to_unknown(error=PyMongoError(stale))
            self._check_if_has_primary()
            return
        self._depose_others(server)
        self._add_unknown(server)
        for address in self.servers.keys() - server.all_hosts:
            del self.servers[address]
        self._check_if_has_primary()

    def _depose_others(self, primary: ServerDescription) -> None:
        for other in list(self.servers.values()):
            if other.server_type == SERVER_TYPE.RSPrimary and other.address != primary.address:
                self.servers[other.address] = other.to_unknown(
                    PyMongoError("primary marked stale due to discovery of newer primary")
                )

    def _why_stale(self, primary: ServerDescription) -> str | None:
        """Say why `primary` is an old primary, or remember its election and return None."""
        if primary.max_wire_version >= _ELECTION_ID_FIRST:
            return self._why_stale_by_election(primary)
        return self._why_stale_by_set_version(primary)

    def _why_stale_by_election(self, primary: ServerDescription) -> str | None:
        # What is not there counts as smaller than anything.
        election, newest = primary.election_id, self.max_election_id
        if _less(election, newest) or (
            election == newest and _less(primary.set_version, self.max_set_version)
        ):
            return _mismatch((election, primary.set_version), (newest, self.max_set_version))
        self.max_election_id = election
        self.max_set_version = primary.set_version
        return None

    def _why_stale_by_set_version(self, primary: ServerDescription) -> str | None:
        version, election = primary.set_version, primary.election_id
        if version is not None and election is not None:
            if self.max_set_version is not None and self.max_election_id is not None:
                newest = (self.max_set_version, self.max_election_id)
                if (version, election) < newest:
                    return _mismatch((version, election), newest)
            self.max_election_id = election
        if _less(self.max_set_version, version):
            self.max_set_version = version
        return None


def _mismatch(stale: object, newest: object) -> str:
    return (
        "primary marked stale due to electionId/setVersion mismatch, "
        f"{stale} is stale compared to {newest}"
    )


def _less(one: Any, other: Any) -> bool:
    """Compare two versions or election ids, of which None is the smallest."""
    if other is None:
        return False
    return one is None or bool(one < other)


def compare_versions(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> int:
    """Return -1, 0 or 1 as topologyVersion `one` is older, the same or newer than `other`.

    Versions of different processes, missing ones, and what is none, count as older.
    """
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return -1
    process = one.get("processId")
    if process is None or process != other.get("processId"):
        return -1
    mine, theirs = whole_number(one.get("counter")), whole_number(other.get("counter"))
    if mine is None or theirs is None:
        return -1
    return (mine > theirs) - (mine < theirs)
