"""What asks servers for their state, and DNS for the hosts, in the background."""

from __future__ import annotations

from typing import Any

from mongodriver.asynchronous import monitor as asynchronous
from mongodriver.compat.periodic import PeriodicExecutor
from mongodriver.public.flavour import blocking

__all__ = ["Monitor", "MonitorBase", "SrvMonitor"]


class MonitorBase:
    """Does something again and again; subclasses say what in their method ``_run``.

    :param topology: what it is for.
    :param name: of the thread.
    :param interval: seconds between two times.
    :param min_interval: seconds between two times that `request_check` does not shorten.
    """

    def __init__(self, topology: Any, name: str, interval: float, min_interval: float) -> None:
        self._topology = topology
        self._executor: Any = PeriodicExecutor(interval, min_interval, self._again, name)

    def _again(self) -> bool:
        self._run()  # type: ignore[attr-defined]  # of subclasses
        return True

    def open(self) -> None:
        """Begin, if it has not."""
        self._executor.open()

    def gc_safe_close(self) -> None:
        """Stop soon, without waiting; also from finalizers."""
        self._executor.close()

    def close(self) -> None:
        """Stop soon."""
        self.gc_safe_close()

    def join(self) -> None:
        """Wait for the end."""
        self._executor.join()

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

    __init__ = asynchronous.Monitor.__init__
    open = asynchronous.Monitor.open
    gc_safe_close = asynchronous.Monitor.gc_safe_close
    join = blocking(asynchronous.Monitor.join)
    request_check = asynchronous.Monitor.request_check
    cancel_check = asynchronous.Monitor.cancel_check


class SrvMonitor(MonitorBase):
    """Asks DNS for the hosts of a sharded cluster, and tells a topology.

    :param topology: that is told; it must be open.
    :param topology_settings: with the name that is looked up, ``fqdn``.
    """

    __init__ = asynchronous.SrvMonitor.__init__
    open = asynchronous.SrvMonitor.open
    gc_safe_close = asynchronous.SrvMonitor.gc_safe_close
    join = blocking(asynchronous.SrvMonitor.join)
    request_check = asynchronous.SrvMonitor.request_check
