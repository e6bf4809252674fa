"""Which servers of a topology suit: by type, by tags, by staleness (server-selection spec)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.values.errors import ConfigurationError
from mongodriver.values.public_names import known_as
from mongodriver.values.server_description import ServerDescription
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from mongodriver.sdam.topology_description import TopologyDescription

TagSet = Mapping[str, Any]
TagSets = Sequence[TagSet]

IDLE_WRITE_PERIOD = 10
SMALLEST_MAX_STALENESS = 90


class Selection:
    """Servers of a topology that are left to choose from, and the topology they belong to."""

    __module__ = "mongodriver.server_selectors"

    topology_description: TopologyDescription
    server_descriptions: list[ServerDescription]
    common_wire_version: int | None
    primary: ServerDescription | None

    def __init__(
        self,
        topology_description: TopologyDescription,
        server_descriptions: list[ServerDescription],
        common_wire_version: int | None,
        primary: ServerDescription | None,
    ) -> None:
        self.topology_description = topology_description
        self.server_descriptions = server_descriptions
        self.common_wire_version = common_wire_version
        self.primary = primary

    @classmethod
    def from_topology_description(cls, topology_description: TopologyDescription) -> Selection:
        """Return the selection of all servers whose state is known."""
        known = topology_description.known_servers
        primary = next((s for s in known if s.server_type == SERVER_TYPE.RSPrimary), None)
        return cls(
            topology_description,
            topology_description.candidate_servers,
            topology_description.common_wire_version,
            primary,
        )

    def with_server_descriptions(self, server_descriptions: list[ServerDescription]) -> Selection:
        """Return the selection of `server_descriptions` out of the same topology."""
        return Selection(
            self.topology_description, server_descriptions, self.common_wire_version, self.primary
        )

    def secondary_with_max_last_write_date(self) -> ServerDescription | None:
        """Return the secondary that wrote last, or None."""
        dated = [
            s
            for s in secondary_server_selector(self).server_descriptions
            if s.last_write_date is not None
        ]
        return max(dated, key=lambda s: s.last_write_date or 0, default=None)

    @property
    def primary_selection(self) -> Selection:
        """The selection of the primary alone, empty without one."""
        return self.with_server_descriptions([self.primary] if self.primary else [])

    @property
    def heartbeat_frequency(self) -> int:
        """The interval of server checks, in seconds."""
        return self.topology_description.heartbeat_frequency

    @property
    def topology_type(self) -> int:
        """The TOPOLOGY_TYPE."""
        return self.topology_description.topology_type

    def __bool__(self) -> bool:
        return bool(self.server_descriptions)

    def __getitem__(self, item: int) -> ServerDescription:
        return self.server_descriptions[item]


def any_server_selector(selection: Selection) -> Selection:
    """Keep all servers."""
    return selection


def _of_type(selection: Selection, server_type: int) -> Selection:
    return selection.with_server_descriptions(
        [s for s in selection.server_descriptions if s.server_type == server_type]
    )


def readable_server_selector(selection: Selection) -> Selection:
    """Keep the servers that can answer reads of some read preference."""
    return selection.with_server_descriptions(
        [s for s in selection.server_descriptions if s.is_readable]
    )


def writable_server_selector(selection: Selection) -> Selection:
    """Keep the servers that accept writes."""
    return selection.with_server_descriptions(
        [s for s in selection.server_descriptions if s.is_writable]
    )


def secondary_server_selector(selection: Selection) -> Selection:
    """Keep the secondaries."""
    return _of_type(selection, SERVER_TYPE.RSSecondary)


def arbiter_server_selector(selection: Selection) -> Selection:
    """Keep the arbiters."""
    return _of_type(selection, SERVER_TYPE.RSArbiter)


def writable_preferred_server_selector(selection: Selection) -> Selection:
    """Keep the servers that accept writes, or the secondaries if there are none."""
    return writable_server_selector(selection) or secondary_server_selector(selection)


def apply_single_tag_set(tag_set: TagSet, selection: Selection) -> Selection:
    """Keep the servers that have every tag of `tag_set`."""
    wanted = tag_set.items()
    return selection.with_server_descriptions(
        [
            s
            for s in selection.server_descriptions
            if all(name in s.tags and s.tags[name] == value for name, value in wanted)
        ]
    )


def apply_tag_sets(tag_sets: TagSets, selection: Selection) -> Selection:
    """Keep the servers of the first tag set that matches any."""
    for tag_set in tag_sets:
        matching = apply_single_tag_set(tag_set, selection)
        if matching:
            return matching
    return selection.with_server_descriptions([])


def secondary_with_tags_server_selector(tag_sets: TagSets, selection: Selection) -> Selection:
    """Keep the secondaries that match the tag sets."""
    return apply_tag_sets(tag_sets, secondary_server_selector(selection))


def member_with_tags_server_selector(tag_sets: TagSets, selection: Selection) -> Selection:
    """Keep the members, primary or secondary, that match the tag sets."""
    return apply_tag_sets(tag_sets, readable_server_selector(selection))


def fresh_enough(max_staleness: int, selection: Selection) -> Selection:
    """Keep the primary and the secondaries at most `max_staleness` seconds behind (-1: all).

    Raises ConfigurationError if the bound is too small to be met (max-staleness spec).
    """
    if max_staleness == -1:
        return selection
    _check_bound(max_staleness, selection.heartbeat_frequency)
    reference, by_clock = _reference(selection)
    if reference is None:
        return selection

    def is_fresh(server: ServerDescription) -> bool:
        if server.server_type != SERVER_TYPE.RSSecondary:
            return server.server_type == SERVER_TYPE.RSPrimary
        if server.last_write_date is None:
            return False
        behind = reference - (server.last_write_date - by_clock * server.last_update_time)
        return behind + selection.heartbeat_frequency <= max_staleness

    return selection.with_server_descriptions(
        [s for s in selection.server_descriptions if is_fresh(s)]
    )


def _reference(selection: Selection) -> tuple[float | None, int]:
    """Return what secondaries are compared with: a write time, and whether relative to checks.

    The primary's last write is taken relative to when the primary was checked (1), because it
    goes on writing; without a primary it is the newest write of a secondary (0).
    """
    primary = selection.primary
    if primary and primary.last_write_date is not None:
        return primary.last_write_date - primary.last_update_time, 1
    newest = selection.secondary_with_max_last_write_date()
    return (newest.last_write_date if newest else None), 0


def _check_bound(max_staleness: int, heartbeat_frequency: float) -> None:
    if max_staleness < heartbeat_frequency + IDLE_WRITE_PERIOD:
        raise ConfigurationError(
            "maxStalenessSeconds must be at least heartbeatFrequencyMS + "
            f"{IDLE_WRITE_PERIOD} seconds. maxStalenessSeconds is set to {max_staleness}, "
            f"heartbeatFrequencyMS is set to {heartbeat_frequency * 1000}."
        )
    if max_staleness < SMALLEST_MAX_STALENESS:
        raise ConfigurationError(
            f"maxStalenessSeconds must be at least {SMALLEST_MAX_STALENESS}. "
            f"maxStalenessSeconds is set to {max_staleness}."
        )


known_as("mongodriver.server_selectors", globals())
