"""What lies behind a client: deployments, servers and monitors, both flavours, beside PyMongo."""

from __future__ import annotations

import asyncio
import gc
import importlib
import weakref
from types import SimpleNamespace

import pytest
from behind import FLAVOURS, KITS, Block, connected, done, kit_of, server_of

from dns_server import DnsServer, only_dns
from implementations import CPYTHON
from mongodriver.values import limits
from seedlist import DOMAIN, records


@pytest.fixture(params=KITS)
def kit(request, server):
    return kit_of(*request.param.split("-"), server)


def test_the_topology_of_a_client(kit):
    async def main():
        client = await connected(kit)
        topology, address = client._topology, await done(client.address)
        selectors = kit.server_selectors
        assert repr(topology) == f"<Topology {topology.description!r}>"
        assert await done(topology.get_primary()) == address
        assert await done(topology.get_secondaries()) == set()
        assert await done(topology.get_arbiters()) == set()
        assert [server.address for server in topology.data_bearing_servers()] == [address]
        assert topology.eq_props() == ((address,), "rs0", None, "mongodb")
        assert (topology.has_server(address), topology.has_server(("no", 1))) == (True, False)
        assert topology.get_server_by_address(("no", 1)) is None
        server = topology.get_server_by_address(address)
        assert repr(server) == f"<Server {server.description!r}>"
        assert await done(topology.select_server(kit.read_preference.PRIMARY, "x")) is server
        assert await done(topology.select_servers(selectors.any_server_selector, "x")) == [server]
        assert await done(topology.select_server_by_address(address, "x", 5)) is server
        with pytest.raises(
            kit.errors.ServerSelectionTimeoutError, match=r"match selector .*0\.01s"
        ):
            await done(topology.select_server(selectors.secondary_server_selector, "x", 0.01))
        other = kit.client(kit.uri)
        assert topology == other._topology
        assert hash(topology) == hash(other._topology)
        await done(other.close())
        assert topology.get_server_selection_timeout() == 30
        with importlib.import_module(kit.package).timeout(5):
            assert 4 < topology.get_server_selection_timeout() <= 5
        await done(topology.request_check_all(0.01))
        await done(client.close())
        with pytest.raises(kit.errors.InvalidOperation, match="after close"):
            await done(topology.select_server(selectors.any_server_selector, "x"))

    asyncio.run(main())


def test_what_a_topology_is_told(kit):
    async def main():
        client = await connected(kit)
        topology, address = client._topology, await done(client.address)
        old = topology.get_server_by_address(address)
        known, pool = old.description, old.pool
        lost = kit.errors.AutoReconnect("lost")
        context = SimpleNamespace(
            error=lost,
            max_wire_version=17,
            sock_generation=0,
            completed_handshake=True,
            service_id=None,
        )
        async with Block(pool.checkout()):
            await done(topology.handle_error(address, context))
        assert pool.stale_generation(0, None)
        await done(topology.select_server(kit.server_selectors.writable_server_selector, "x"))
        description = type(known)(address, error=lost)
        await done(topology.on_change(description, reset_pool=True))
        assert pool.stale_generation(1, None)
        await done(topology.on_srv_update([("elsewhere", 1)]))  # of sharded clusters only
        assert not topology.has_server(("elsewhere", 1))
        newer = dict(topology.max_cluster_time())
        newer["clusterTime"] = type(newer["clusterTime"])(newer["clusterTime"].time + 1, 1)
        await done(topology.receive_cluster_time(None))
        await done(topology.receive_cluster_time(newer))
        assert topology.max_cluster_time() == newer
        topology.pop_all_sessions()
        session = topology.get_server_session(30)
        assert (session.dirty, session.transaction_id) == (False, 0)
        session.inc_transaction_id()
        assert (session.transaction_id, session.last_use > 0) == (1, True)
        topology.return_server_session(session)
        assert topology.pop_all_sessions() == [session.session_id]
        session = topology.get_server_session(30)
        session.mark_dirty()
        topology.return_server_session(session)
        assert topology.pop_all_sessions() == []
        await done(client.close())

    asyncio.run(main())


def test_a_topology_of_ones_own(kit):
    async def main():
        client = await connected(kit)
        address = await done(client.address)
        settings = kit.settings.TopologySettings(
            [address], replica_set_name="rs0", pool_options=kit.options(min_pool_size=2)
        )
        topology = kit.topology.Topology(settings)
        assert repr(topology).startswith("<Topology CLOSED <TopologyDescription")
        assert topology == client._topology
        await done(topology.open())
        selector = kit.server_selectors.writable_server_selector
        server = await done(topology.select_server(selector, "x", 30))
        await done(topology.update_pool())
        assert len(server.pool.conns) == 2
        async with Block(server.pool.checkout()) as connection:
            assert (await done(connection.command("admin", {"ping": 1})))["ok"] == 1
        await done(topology.close())
        assert server.pool.closed
        await done(client.close())

    asyncio.run(main())


def test_a_monitor(kit):
    """It finds a server again that its topology has lost."""

    async def main():
        client = await connected(kit)
        address = await done(client.address)
        settings = kit.settings.TopologySettings(
            [address], replica_set_name="rs0", pool_options=kit.options()
        )
        topology = kit.topology.Topology(settings)
        await done(topology.open())
        selector = kit.server_selectors.writable_server_selector
        server = await done(topology.select_server(selector, "x", 30))
        monitors = kit.pool.Pool(address, kit.options(pause_enabled=False), is_sdam=True)
        known = server.description
        monitor = kit.monitor.Monitor(known, topology, monitors, settings)
        assert isinstance(monitor, kit.monitor.MonitorBase)
        member = kit.server.Server(known, monitors, monitor)
        assert (member.description, member.pool) == (known, monitors)
        member.description = type(known)(address)
        assert repr(member) == f"<Server {member.description!r}>"
        with pytest.raises(AssertionError):
            member.description = type(known)(("elsewhere", 1))
        await done(topology.on_change(type(known)(address)))
        assert not topology.description.has_writable_server()
        await done(member.open())
        member.request_check()
        assert await done(topology.select_server(selector, "x", 30)) is server
        monitor.cancel_check()
        await done(member.reset())
        await done(member.close())
        if kit.package == "mongodriver" or not kit.is_sync:  # theirs wants an event loop here
            await done(monitor.join())
        assert monitors.closed
        await done(topology.close())
        await done(client.close())

    asyncio.run(main())


def test_a_monitor_of_something_else(kit):
    async def main():
        calls, loop = asyncio.Queue(), asyncio.get_running_loop()

        def note():
            loop.call_soon_threadsafe(calls.put_nowait, None)

        class Sync(kit.monitor.MonitorBase):
            def _run(self):
                note()

        class Async(kit.monitor.MonitorBase):
            async def _run(self):
                note()

        topology = type("Topology", (), {})()
        monitor = (Sync if kit.is_sync else Async)(topology, "again", 3600, 0)
        monitor.open()
        await asyncio.wait_for(calls.get(), 30)
        monitor.request_check()
        await asyncio.wait_for(calls.get(), 30)
        monitor.gc_safe_close()
        await done(monitor.close())
        await done(monitor.join())
        assert calls.empty()

    asyncio.run(main())


@pytest.mark.parametrize("flavour_name", FLAVOURS)
def test_a_monitor_of_hosts(flavour_name, server, monkeypatch):
    """It finds those that DNS tells later."""
    kit = kit_of("mongodriver", flavour_name, server)
    monkeypatch.setattr(limits, "MIN_SRV_RESCAN_INTERVAL", 1e6)
    zone = DnsServer(records(), ttl=0)
    host = f"localhost.{DOMAIN}"

    async def main():
        settings = kit.settings.TopologySettings([(host, 1)], fqdn=f"test1.{DOMAIN}")
        topology = kit.topology.Topology(settings)
        await done(topology.open())
        monitor = kit.monitor.SrvMonitor(topology, settings)
        assert isinstance(monitor, kit.monitor.MonitorBase)
        for port in (27017, 27018):
            zone.records[f"_mongodb._tcp.test1.{DOMAIN}", "SRV"] = [f"0 0 {port} {host}."]
            monitor.open()
            while not topology.has_server((host, port)):
                monitor.request_check()
                await done(topology.request_check_all(0.1))
        assert not topology.has_server((host, 1))
        await done(monitor.close())
        await done(monitor.join())
        await done(topology.close())

    with only_dns(zone, {27017: 1, 27018: 1}):
        asyncio.run(main())
    zone.close()


@pytest.mark.filterwarnings("ignore:Unclosed")
@pytest.mark.parametrize("flavour_name", FLAVOURS)
def test_a_client_ends_whoever_has_looked_behind_it(flavour_name, server):
    kit = kit_of("mongodriver", flavour_name, server)

    async def main():
        client = await connected(kit)
        core = weakref.ref(client._core)
        async with Block((await server_of(client, kit)).pool.checkout()) as connection:
            assert connection.conn.sock.fileno() >= 0
        del client, connection
        if not CPYTHON:  # which counts references
            gc.collect()
        assert core() is None

    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
