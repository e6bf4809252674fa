"""Choosing the server for an operation (server-selection specification)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from mongodriver.sdam.topology_description import Draw, ServerSelector, TopologyDescription
from mongodriver.sdam.topology_rules import TOPOLOGY_TYPE
from mongodriver.values.address import Address
from mongodriver.values.server_description import ServerDescription
from mongodriver.values.server_selectors import Selection, writable_server_selector

__all__ = ["in_latency_window", "pick", "select"]

Selector = Callable[[Selection], Selection]

_NO_CHOICE = (TOPOLOGY_TYPE.Single, TOPOLOGY_TYPE.LoadBalanced)


def select(
    topology: TopologyDescription,
    selector: Selector | None = None,
    *,
    address: Address | None = None,
    deprioritized: Sequence[ServerDescription] = (),
    server_selector: ServerSelector | None = None,
    local_threshold_ms: float | None = None,
) -> list[ServerDescription]:
    """Return the servers of `topology` an operation may go to.

    `selector` is a read preference, or None for an operation that writes. `deprioritized`
    servers are returned only if no others suit; `server_selector` is the application's own
    filter; `local_threshold_ms` (None: the topology's setting) is the width of the latency
    window. Raises ConfigurationError if `selector` cannot be met at all.
    """
    selector = selector or writable_server_selector
    if topology.topology_type in _NO_CHOICE:
        return topology.known_servers
    if topology.topology_type == TOPOLOGY_TYPE.Unknown:
        return []
    if address is not None:
        server = topology.server_descriptions().get(address)
        return [server] if server and server.is_server_type_known else []
    if local_threshold_ms is None:
        local_threshold_ms = topology.local_threshold_ms
    everything = Selection.from_topology_description(topology)
    excluded = {s.address for s in deprioritized}
    if excluded:
        suitable = _suitable(topology, selector, _without(everything, excluded), server_selector)
        if suitable:
            return in_latency_window(suitable, local_threshold_ms)
    return in_latency_window(
        _suitable(topology, selector, everything, server_selector), local_threshold_ms
    )


def _without(selection: Selection, excluded: Container[Address]) -> Selection:
    kept = [s for s in selection.server_descriptions if s.address not in excluded]
    narrowed = selection.with_server_descriptions(kept)
    if narrowed.primary and narrowed.primary.address in excluded:
        narrowed.primary = None
    return narrowed


def _suitable(
    topology: TopologyDescription,
    selector: Selector,
    selection: Selection,
    server_selector: ServerSelector | None,
) -> list[ServerDescription]:
    if topology.topology_type != TOPOLOGY_TYPE.Sharded:
        # A mongos applies the read preference itself.
        selection = selector(selection)
    servers = [s for s in selection.server_descriptions if s.is_server_type_known]
    if server_selector is not None and servers:
        servers = list(server_selector(servers))
    return servers


def in_latency_window(
    servers: Sequence[ServerDescription], local_threshold_ms: float
) -> list[ServerDescription]:
    """Return the servers whose round trip is at most so much longer than the shortest."""
    fastest = min((_round_trip(s) for s in servers), default=0.0)
    limit = fastest + local_threshold_ms / 1000
    return [s for s in servers if _round_trip(s) <= limit]


def _round_trip(server: ServerDescription) -> float:
    return server.round_trip_time or 0.0


def pick(
    servers: Sequence[ServerDescription],
    operation_counts: Callable[[Address], int] | Mapping[Address, int],
    draw: Draw,
) -> ServerDescription:
    """Return one of `servers`: of two drawn at random, the one with fewer operations in use.

    `operation_counts` gives the number of operations running on an address. ValueError if
    `servers` is empty.
    """
    if not servers:
        raise ValueError("there is no server to pick from")
    if len(servers) == 1:
        return servers[0]
    one: ServerDescription
    one, other = draw(servers, 2)
    count: Any = (
        operation_counts if callable(operation_counts) else lambda a: operation_counts.get(a, 0)
    )
    return one if count(one.address) <= count(other.address) else other
