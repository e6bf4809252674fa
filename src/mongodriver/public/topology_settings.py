"""What a topology begins with, in both flavours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from bsonx.objectid import ObjectId
from mongodriver.options.pool_options import PoolOptions
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.server_description import ServerDescription

__all__ = ["TopologySettingsBase"]

_Address = tuple[str, int | None]
_SHORTEST_HEARTBEAT = 0.5


class TopologySettingsBase:
    """The seeds and options of a topology. Times are in seconds but for ``local_threshold_ms``."""

    #: What the flavour has for those that are not given.
    _pool_class: ClassVar[Any]
    _monitor_class: ClassVar[Any]
    _condition_class: ClassVar[Any]

    def __init__(
        self,
        seeds: Sequence[_Address] | None = None,
        replica_set_name: str | None = None,
        pool_class: Any = None,
        pool_options: PoolOptions | None = None,
        monitor_class: Any = None,
        condition_class: Any = None,
        local_threshold_ms: int = 15,
        server_selection_timeout: float = 30,
        heartbeat_frequency: float = 10,
        server_selector: Callable[..., Any] | None = None,
        fqdn: str | None = None,
        direct_connection: bool | None = False,
        load_balanced: bool | None = None,
        srv_service_name: str = "mongodb",
        srv_max_hosts: int = 0,
        srv_allowed_hosts_suffix: str | None = None,
        srv_host_validator: Any = None,
        server_monitoring_mode: str = "auto",
        topology_id: ObjectId | None = None,
    ) -> None:
        if heartbeat_frequency < _SHORTEST_HEARTBEAT:
            raise ConfigurationError(
                f"heartbeatFrequencyMS cannot be less than {_SHORTEST_HEARTBEAT * 1000}"
            )
        self._values = {
            "seeds": seeds or [("localhost", 27017)],
            "replica_set_name": replica_set_name,
            "pool_class": pool_class or self._pool_class,
            "pool_options": pool_options or PoolOptions(),
            "monitor_class": monitor_class or self._monitor_class,
            "condition_class": condition_class or self._condition_class,
            "local_threshold_ms": local_threshold_ms,
            "server_selection_timeout": server_selection_timeout,
            "heartbeat_frequency": heartbeat_frequency,
            "server_selector": server_selector,
            "fqdn": fqdn,
            "direct": direct_connection,
            "load_balanced": load_balanced,
            "srv_service_name": srv_service_name,
            "srv_max_hosts": srv_max_hosts or 0,
            "srv_allowed_hosts_suffix": srv_allowed_hosts_suffix,
            "srv_host_validator": srv_host_validator,
            "server_monitoring_mode": server_monitoring_mode,
        }
        self._topology_id = topology_id or ObjectId()

    def get_topology_type(self) -> int:
        """Return the type a topology has before anything is known of its servers."""
        from mongodriver.sdam.topology_rules import TOPOLOGY_TYPE

        if self._values["load_balanced"]:
            return TOPOLOGY_TYPE.LoadBalanced
        if self._values["direct"]:
            return TOPOLOGY_TYPE.Single
        if self._values["replica_set_name"] is not None:
            return TOPOLOGY_TYPE.ReplicaSetNoPrimary
        return TOPOLOGY_TYPE.Unknown

    def get_server_descriptions(self) -> dict[_Address, ServerDescription]:
        """Return a description of each seed, of which nothing is known yet."""
        return {address: ServerDescription(address) for address in self._values["seeds"]}


def _value(name: str) -> property:
    def get(self: TopologySettingsBase) -> Any:
        return self._values[name]

    get.__name__ = name
    get.__doc__ = f"The `{name}` it was made with, or the default."
    return property(get)


for _name in (
    *("seeds", "replica_set_name", "pool_class", "pool_options", "monitor_class"),
    *("condition_class", "local_threshold_ms", "server_selection_timeout", "heartbeat_frequency"),
    *("server_selector", "fqdn", "direct", "load_balanced", "srv_service_name", "srv_max_hosts"),
    *("srv_allowed_hosts_suffix", "srv_host_validator", "server_monitoring_mode"),
):
    setattr(TopologySettingsBase, _name, _value(_name))
