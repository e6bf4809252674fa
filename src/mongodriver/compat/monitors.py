"""Monitors as PyMongo's users see them: faces of those of `sdam`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from mongodriver.client.settings import MonitorSettings, streaming_allowed
from mongodriver.options.srv import SrvName
from mongodriver.sdam.monitor import Monitor
from mongodriver.sdam.srv_monitor import SrvMonitor
from mongodriver.values.limits import CONNECT_TIMEOUT

if TYPE_CHECKING:
    from mongodriver.values.server_description import ServerDescription

__all__ = ["Face", "monitor_face", "monitor_maker", "srv_monitor_maker"]


class Face:
    """One of ours, which cannot begin again after its end: then another one is made.

    :param make: makes one that has not begun.
    :param start: begins with one.
    """

    def __init__(self, make: Callable[[], Any], start: Callable[[Any], None]) -> None:
        self._make = make
        self._start = start
        self.core = make()

    def open(self) -> None:
        """Begin, if it has not."""
        if self.core._stopped:
            self.core = self._make()
        self._start(self.core)


def monitor_face(kind: Any, core: Monitor | None) -> Any:
    """The face of a monitor that a client has; None where there is none.

    :param kind: its class.
    """
    if core is None:
        return None
    made = kind.__new__(kind)
    made._face = Face(lambda: core, lambda core: core.start())
    return made


def monitor_maker(
    server_description: ServerDescription, topology: Any, pool: Any, topology_settings: Any
) -> Callable[[], Monitor]:
    """Makes monitors of a server that tell a topology.

    :param topology: of `mongodriver.synchronous.topology`, or its asynchronous twin.
    :param pool: whose options the connections have.
    """
    address, connector = server_description.address, pool._connector
    settings = MonitorSettings(
        connector.hello_command,
        topology_settings.heartbeat_frequency,
        pool.opts.connect_timeout,
        streaming_allowed(topology_settings.server_monitoring_mode),
    )
    return partial(
        Monitor,
        topology._core,
        address,
        settings,
        topology._client.backend,
        partial(connector.connect_monitor, address),
        pool._observer,
    )


def srv_monitor_maker(topology: Any, topology_settings: Any) -> Callable[[], SrvMonitor]:
    """Makes what asks DNS for the hosts of a topology."""
    settings = topology_settings
    name = SrvName(
        settings.fqdn,
        settings.srv_service_name,
        settings.srv_allowed_hosts_suffix,
        settings.srv_host_validator,
    )
    return partial(
        SrvMonitor,
        name.query,
        name.believed,
        0,
        settings.pool_options.connect_timeout or CONNECT_TIMEOUT,
        settings.heartbeat_frequency,
        topology._client.backend,
    )
