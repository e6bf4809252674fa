"""What is known of a deployment, and the servers in it."""

from __future__ import annotations

from typing import Any

from mongodriver.asynchronous.topology import Topology as AsyncTopology
from mongodriver.compat.deployments import TopologyBase
from mongodriver.public.flavour import blocking
from mongodriver.synchronous.monitor import Monitor
from mongodriver.synchronous.pool import Pool
from mongodriver.synchronous.server import Server

__all__ = ["Topology"]


class Topology(TopologyBase):
    """What is known of a deployment, kept up to date while it is open.

    :param topology_settings: how to find it: a `TopologySettings` of this flavour.
    """

    _server_class = Server
    _pool_class = Pool
    _client_name = "MongoClient"
    _monitor_class: Any = Monitor

    _monitor_of = AsyncTopology._monitor_of
    open = blocking(AsyncTopology.open)
    close = blocking(AsyncTopology.close)
    select_server = blocking(AsyncTopology.select_server)
    select_servers = blocking(AsyncTopology.select_servers)
    select_server_by_address = blocking(AsyncTopology.select_server_by_address)
    get_primary = blocking(AsyncTopology.get_primary)
    get_secondaries = blocking(AsyncTopology.get_secondaries)
    get_arbiters = blocking(AsyncTopology.get_arbiters)
    request_check_all = blocking(AsyncTopology.request_check_all)
    on_change = blocking(AsyncTopology.on_change)
    on_srv_update = blocking(AsyncTopology.on_srv_update)
    handle_error = blocking(AsyncTopology.handle_error)
    receive_cluster_time = blocking(AsyncTopology.receive_cluster_time)
    update_pool = blocking(AsyncTopology.update_pool)
