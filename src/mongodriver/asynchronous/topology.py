"""What is known of a deployment, and the servers in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongodriver.asynchronous.monitor import Monitor
from mongodriver.asynchronous.pool import Pool
from mongodriver.asynchronous.server import Server
from mongodriver.compat.deployments import TopologyBase
from mongodriver.compat.monitors import monitor_face
from mongodriver.values.server_selectors import any_server_selector
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mongodriver.io.base import Address
    from mongodriver.sdam.topology import Server as CoreServer
    from mongodriver.values.server_description import ServerDescription

__all__ = ["Topology"]


class Topology(TopologyBase):
    """What is known of a deployment, kept up to date while it is open.

    :param topology_settings: how to find it: a `TopologySettings` of this flavour.
    """

    _server_class = Server
    _pool_class = Pool
    _client_name = "AsyncMongoClient"
    _monitor_class: Any = Monitor

    def _monitor_of(self, core: CoreServer) -> Any:
        return monitor_face(self._monitor_class, core.monitor)

    async def open(self) -> None:
        """Begin to ask the servers for their state, if that was not begun.

        :raises InvalidOperation: when it was closed.
        """
        await self._client.ready()

    async def close(self) -> None:
        """Close all connections, and stop asking."""
        await self._client.close()

    # -- servers --

    async def select_server(
        self,
        selector: Callable[[Any], Any] | None,
        operation: str,
        server_selection_timeout: float | None = None,
        address: Address | None = None,
        deprioritized_servers: list[Server] | None = None,
        operation_id: int | None = None,
    ) -> Server:
        """Return a server, and wait for one.

        :param selector: of `mongodriver.server_selectors`, or a read preference.
        :param operation: what it is for, with `operation_id`: only log records of a client's own
            operations tell them.
        :param server_selection_timeout: how long to wait, in seconds.
        :param address: only this one will do.
        :param deprioritized_servers: only where there is no other.
        :raises ServerSelectionTimeoutError: when there was none in time.
        """
        chosen = await self._select(
            selector, server_selection_timeout, address, deprioritized_servers
        )
        face: Server = self._face(chosen)
        return face

    async def select_servers(
        self,
        selector: Callable[[Any], Any] | None,
        operation: str,
        server_selection_timeout: float | None = None,
        address: Address | None = None,
        operation_id: int | None = None,
        deprioritized_servers: list[Server] | None = None,
    ) -> list[Server]:
        """Return all servers that would do, and wait for one; see `select_server`."""
        await self._select(selector, server_selection_timeout, address, deprioritized_servers)
        return self._suitable(selector, address, deprioritized_servers)

    async def select_server_by_address(
        self,
        address: Address,
        operation: str,
        server_selection_timeout: float | None = None,
        operation_id: int | None = None,
    ) -> Server:
        """Return the server of an address, and wait until it is known; see `select_server`."""
        chosen = await self._select(any_server_selector, server_selection_timeout, address, None)
        face: Server = self._face(chosen)
        return face

    async def get_primary(self) -> Address | None:
        """Return the address of the primary that is known, or None."""
        return self._primary()

    async def get_secondaries(self) -> set[Address]:
        """Return the addresses of the secondaries that are known."""
        return self._addresses(SERVER_TYPE.RSSecondary)

    async def get_arbiters(self) -> set[Address]:
        """Return the addresses of the arbiters that are known."""
        return self._addresses(SERVER_TYPE.RSArbiter)

    async def request_check_all(self, wait_time: float = 5) -> None:
        """Have all servers asked for their state, and wait for news of one.

        :param wait_time: seconds to wait at most.
        """
        await self._core.wait_for_change(wait_time)

    # -- news --

    async def on_change(
        self,
        server_description: ServerDescription,
        reset_pool: bool = False,
        interrupt_connections: bool = False,
    ) -> None:
        """Take what a server has said of itself.

        :param reset_pool: close its connections.
        :param interrupt_connections: and end what uses them.
        """
        self._core.update(server_description, reset_pool, interrupt_connections)

    async def on_srv_update(self, seedlist: Sequence[tuple[str, Any]]) -> None:
        """Take the hosts that DNS tells of a sharded cluster now."""
        self._take_seeds(list(seedlist))

    async def handle_error(self, address: Address, err_ctx: Any) -> None:
        """Draw the conclusions of an error.

        :param address: of the server.
        :param err_ctx: with the attributes ``error``, ``sock_generation``, ``service_id`` and
            ``completed_handshake`` of the connection.
        """
        self._core.handle_error(
            address,
            err_ctx.error,
            err_ctx.sock_generation,
            err_ctx.service_id,
            err_ctx.completed_handshake,
        )

    async def receive_cluster_time(self, cluster_time: Any) -> None:
        """Take a ``$clusterTime``; None is none."""
        if cluster_time is not None:
            self._client.executor.clock.advance(cluster_time)

    async def update_pool(self) -> None:
        """Close connections that were idle for too long, and open some up to the minimum."""
        for server in self._core.servers:
            server.pool.tidy()
            await server.pool.fill()
