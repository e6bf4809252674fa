"""Why server selection found nothing: the text of the error."""

from __future__ import annotations

from typing import Any

from .topology_description import TOPOLOGY_TYPE, TopologyDescription

_REPLICA_SET = (TOPOLOGY_TYPE.ReplicaSetNoPrimary, TOPOLOGY_TYPE.ReplicaSetWithPrimary)


def why_nothing_suits(description: TopologyDescription, preference: Any) -> str:
    """The reason of a ServerSelectionTimeoutError, in PyMongo's words."""
    in_set = description.topology_type in _REPLICA_SET
    sharded = description.topology_type == TOPOLOGY_TYPE.Sharded
    members = "replica set members" if in_set else "mongoses" if sharded else "servers"
    if description.has_known_servers:
        if preference is None:
            what = "primary" if in_set else members
            return f"No {what} available for writes"
        return f'No {members} match selector "{preference}"'
    servers = description.server_descriptions()
    if not servers:
        # The one that the user gave.
        name = description._topology_settings.replica_set_name
        return (
            f'No {members} available for replica set name "{name}"'
            if in_set
            else f"No {members} available"
        )
    errors = [str(s.error) for s in servers.values() if s.error]
    if not errors:
        return f"No {members} found yet"
    if len(set(errors)) > 1:
        return ",".join(errors)
    if in_set and not set(description._topology_settings.seeds) & servers.keys():
        return (
            f"Could not reach any servers in {list(servers)}. Replica set is configured with "
            "internal hostnames or IPs?"
        )
    return errors[0]
