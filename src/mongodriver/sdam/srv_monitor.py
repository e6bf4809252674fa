"""Asks DNS again for the hosts of a sharded cluster (polling-srv-records-for-mongos-discovery)."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from ..io.dns import ask, resolve_srv
from ..io.reports import Reports
from ..values import limits
from ..values.errors import ConfigurationError
from .topology_rules import SRV_POLLING_TOPOLOGIES

if TYPE_CHECKING:
    from ..io.base import Address, Backend, Event, Task
    from .topology import Topology

#: Which of the hosts that DNS names may be believed.
Believed = Callable[[list[tuple[str, int]]], "list[Address]"]


class SrvMonitor:
    """Runs while its topology is open, for as long as that may be a sharded cluster.

    Whatever goes wrong changes nothing, and DNS is asked again after `heartbeat_frequency`.

    :param query: the name of the SRV records.
    :param ttl: the lifetime of the records that were found last, in seconds.
    :param timeout: seconds DNS may take.
    """

    def __init__(
        self,
        query: str,
        believed: Believed,
        ttl: float,
        timeout: float,
        heartbeat_frequency: float,
        backend: Backend,
    ) -> None:
        self._query = query
        self._believed = believed
        self._first_interval = rescan_interval(ttl)
        self._timeout = timeout
        self._heartbeat_frequency = heartbeat_frequency
        self._backend = backend
        self._reports = Reports(backend)
        self.after_fork()

    def after_fork(self) -> None:
        """The coroutine is the parent's."""
        self._task: Task | None = None
        self._wake: Event | None = None
        self._stopped = False

    def start(self, topology: Topology) -> None:
        """Begin in the background."""
        if self._task is None and not self._stopped:
            self._topology = weakref.ref(topology)
            self._wake = self._backend.event()
            self._task = self._backend.spawn(self._run, "mongodriver srv monitor")

    def request_check(self) -> None:
        """Ask soon, if no question is under way."""
        if self._wake is not None:
            self._wake.set()

    def stop(self) -> None:
        """End soon; an answer under way is not waited for. From a finalizer too."""
        self._stopped = True
        if self._wake is not None:
            self._wake.set()
        if self._task is not None:
            self._task.cancel()

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            await self._task.join(timeout)

    async def _run(self) -> None:
        assert self._wake is not None
        interval = self._first_interval
        while True:
            await self._wake.wait(interval)
            self._wake.clear()
            if not self._is_polled():
                return
            try:
                interval = await self._rescan()
            except Exception as exc:
                # The cluster may change later on as well.
                self._reports.add(exc)
                interval = self._heartbeat_frequency

    def _is_polled(self) -> bool:
        """Whether the topology is still there and may be sharded; otherwise it never will be."""
        topology = self._topology()
        if topology is None or self._stopped:
            return False
        return topology.description.topology_type in SRV_POLLING_TOPOLOGIES

    async def _rescan(self) -> float:
        """Ask once; return the seconds until the next time."""
        try:
            end = monotonic() + self._timeout
            nodes, ttl = await ask(self._backend, resolve_srv, self._query, end)
        except ConfigurationError:
            return self._heartbeat_frequency
        hosts = self._believed(nodes)
        topology = self._topology()
        if not hosts or topology is None:
            return self._heartbeat_frequency
        if not self._stopped:
            topology.update_seeds(hosts)
        return rescan_interval(ttl)


def rescan_interval(ttl: float) -> float:
    """Seconds until DNS is asked again about records with this time to live."""
    return max(ttl, limits.MIN_SRV_RESCAN_INTERVAL)
