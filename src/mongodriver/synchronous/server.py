"""Servers of a topology."""

from __future__ import annotations

from typing import Any

from mongodriver.compat.deployments import ServerBase

__all__ = ["Server"]


class Server(ServerBase):
    """A server of a topology: what is known of it, its pool and its monitor.

    :param server_description: what is known of it.
    :param pool: of the connections to it.
    :param monitor: that asks it for its state.
    :param topology_id: of the deployment.
    :param listeners: who is told of its end.
    :param events: the queue of functions to call that this is told by.
    """

    def open(self) -> None:
        """Begin to ask it for its state, unless the pool is behind a load balancer."""
        if not self._pool.opts.load_balanced:
            self._monitor.open()

    def reset(self, service_id: Any = None) -> None:
        """Close its connections; see `Pool.reset`."""
        self._pool.reset(service_id)

    def close(self) -> None:
        """Close its connections for good, and stop its monitor."""
        self._tell("closed")
        self._monitor.close()
        self._pool.close()
