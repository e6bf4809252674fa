"""What asks servers for their state, and DNS for the hosts, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongodriver.compat.monitors import Face, monitor_maker, srv_monitor_maker
from mongodriver.compat.periodic import AsyncPeriodicExecutor

if TYPE_CHECKING:
    from mongodriver.values.server_description import ServerDescription

__all__ = ["Monitor", "MonitorBase", "SrvMonitor"]


class MonitorBase:
    """Does something again and again; subclasses say what in their coroutine method ``_run``.

    :param topology: what it is for.
    :param name: of the task.
    :param interval: seconds between two times.
    :param min_interval: seconds between two times that `request_check` does not shorten.
    """

    def __init__(self, topology: Any, name: str, interval: float, min_interval: float) -> None:
        self._topology = topology
        self._executor: Any = AsyncPeriodicExecutor(interval, min_interval, self._again, name)

    async def _again(self) -> bool:
        await self._run()  # type: ignore[attr-defined]  # of subclasses
        return True

    def open(self) -> None:
        """Begin, if it has not."""
        self._executor.open()

    def gc_safe_close(self) -> None:
        """Stop soon, without waiting; also from finalizers."""
        self._executor.close()

    async def close(self) -> None:
        """Stop soon."""
        self.gc_safe_close()

    async def join(self) -> None:
        """Wait for the end."""
        await self._executor.join()

    def request_check(self) -> None:
        """Do it soon."""
        self._executor.wake()


class Monitor(MonitorBase):
    """Asks a server for its state, and tells a topology.

    :param server_description: of the server.
    :param topology: that is told; it must be open.
    :param pool: whose options its connections have.
    :param topology_settings: say how often.
    """

    def __init__(
        self,
        server_description: ServerDescription,
        topology: Any,
        pool: Any,
        topology_settings: Any,
    ) -> None:
        make = monitor_maker(server_description, topology, pool, topology_settings)
        self._face = Face(make, lambda core: core.start())

    def open(self) -> None:
        """Begin, if it has not."""
        self._face.open()

    def gc_safe_close(self) -> None:
        """Stop soon, without waiting; also from finalizers."""
        self._face.core.stop()

    async def join(self) -> None:
        """Wait for the end."""
        await self._face.core.join()

    def request_check(self) -> None:
        """Ask soon."""
        self._face.core.request_check()

    def cancel_check(self) -> None:
        """Give up the answer that is waited for."""
        self._face.core.cancel_check()


class SrvMonitor(MonitorBase):
    """Asks DNS for the hosts of a sharded cluster, and tells a topology.

    :param topology: that is told; it must be open.
    :param topology_settings: with the name that is looked up, ``fqdn``.
    """

    def __init__(self, topology: Any, topology_settings: Any) -> None:
        make = srv_monitor_maker(topology, topology_settings)
        self._face = Face(make, lambda core: core.start(topology._core))

    def open(self) -> None:
        """Begin, if it has not."""
        self._face.open()

    def gc_safe_close(self) -> None:
        """Stop soon, without waiting; also from finalizers."""
        self._face.core.stop()

    async def join(self) -> None:
        """Wait for the end."""
        await self._face.core.join()

    def request_check(self) -> None:
        """Ask soon."""
        self._face.core.request_check()
