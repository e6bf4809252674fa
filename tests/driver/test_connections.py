"""Connections and pools that are held in hands: in both flavours, as PyMongo has them."""

from __future__ import annotations

import asyncio
import importlib
import struct
import time
import uuid
from unittest.mock import AsyncMock, MagicMock

import bson
import pymongo
import pytest
from behind import FLAVOURS, KITS, Block, connected, done, kit_of, opened, server_of

import mongodriver


@pytest.fixture(params=KITS)
def kit(request, server):
    return kit_of(*request.param.split("-"), server)


def ping(request_id):
    body = b"\0\0\0\0\0" + bson.encode({"ping": 1, "$db": "admin"})
    return struct.pack("<iiii", 16 + len(body), request_id, 0, 2013) + body


def test_a_pool(kit):
    async def main():
        client = await connected(kit)
        address = await done(client.address)
        pool = kit.pool.Pool(address, kit.options())
        assert (pool.address, pool.closed, pool.is_sdam, pool.state) == (address, False, False, 1)
        with pytest.raises(kit.errors.AutoReconnect, match="connection pool paused"):
            async with Block(pool.checkout()):
                pass
        await done(pool.ready())
        handler = MagicMock()
        handler.client._topology = AsyncMock() if not kit.is_sync else MagicMock()
        async with Block(pool.checkout(handler)) as connection:
            assert handler.contribute_socket.called
            assert (connection.active, pool.active_sockets) == (True, 1)
            assert (await done(connection.command("admin", {"ping": 1})))["ok"] == 1
        assert (list(pool.conns), pool.active_sockets) == ([connection], 0)
        idle = pool.conns
        assert (len(idle), idle[0], repr(idle)[:7]) == (1, connection, "deque([")
        more = await done(pool.connect())
        assert more != connection
        await done(more.unpin()) if kit.package == "mongodriver" else await done(pool.checkin(more))
        await done(pool.update_is_writable(False))
        assert [c.is_writable for c in pool.conns] == [False] * len(pool.conns)
        await done(pool.remove_stale_sockets(0))
        assert not pool.stale_generation(0, None)
        await done(pool.reset_without_pause())
        assert (pool.stale_generation(0, None), pool.state, len(pool.conns)) == (True, 2, 0)
        async with Block(pool.checkout()) as connection:
            connection.pin_cursor()
            with pytest.raises(AssertionError):
                connection.pin_txn()
        assert (connection.pinned_cursor, connection.active, len(pool.conns)) == (True, True, 0)
        await done(pool.reset())
        assert pool.state == 1
        await done(pool.close())
        assert (pool.closed, pool.state) == (True, 3)
        await done(connection.close_conn(None))
        assert connection.closed
        monitors = kit.pool.Pool(address, kit.options(pause_enabled=False), is_sdam=True)
        assert monitors.state == 2
        await done(monitors.reset())
        async with Block(monitors.checkout()) as connection:
            assert connection.is_sdam
            assert (await done(connection.command("admin", {"ping": 1})))["ok"] == 1
        await done(monitors.close())
        await done(client.close())

    asyncio.run(main())


FACTS = (
    *("active", "closed", "compression_context", "generation", "hello_ok", "id", "is_mongos"),
    *("is_sdam", "is_writable", "last_timeout", "max_bson_size", "max_message_size"),
    *("max_wire_version", "max_write_batch_size", "more_to_come", "negotiated_mechs"),
    *("performed_handshake", "pinned_cursor", "pinned_txn", "ready", "service_id"),
    "supports_sessions",
)


def test_the_facts_of_a_connection(server):
    def facts(package):
        client = package.MongoClient(server.uri)
        client.admin.command("ping")
        pool = client._topology.get_server_by_address(client.address).pool
        with pool.checkout() as connection:
            assert connection.pool_ref() is pool
            assert connection.opts is client.options.pool_options
            assert 0 < connection.connect_rtt < 60
            assert connection.creation_time <= connection.last_checkin_time
            connection.update_last_checkin_time()
            assert 0 <= connection.idle_time_seconds() < 60
            body: dict = {}
            connection.add_server_api(body)
            found = [getattr(connection, name) for name in FACTS]
            found += [connection.hello_cmd(), connection.conn_closed(), body]
        client.close()
        return found

    assert facts(mongodriver) == facts(pymongo)


async def outcomes(kit, connection, client, name):
    """What becomes of commands of all kinds."""
    twice = {"insert": name, "documents": [{"_id": 1}, {"_id": 1}]}
    unmet = {**twice, "writeConcern": {"w": 7, "wtimeout": 1}}
    concern = importlib.import_module(kit.package).WriteConcern
    read_concern = importlib.import_module(f"{kit.package}.read_concern").ReadConcern("majority")
    for arguments, more in (
        (("admin", {"ping": 1}), {}),
        (("admin", [("ping", 1)]), {}),
        (("admin", "ping"), {}),
        (("admin", {"no": 1}), {}),
        (("admin", {"no": 1}), {"check": False}),
        (("admin", {"no": 1}), {"allowable_errors": [59]}),
        (("test", twice), {}),
        (("test", unmet), {}),
        (("test", unmet), {"parse_write_concern_error": True}),
        (("test", {"find": name}), {"user_fields": {"cursor": {"firstBatch": 1}}}),
        (("test", {"find": name, "filter": {"a": "X"}}), {"collation": {"locale": "en"}}),
        (("test", {"find": name}), {"read_concern": read_concern}),
        (("test", {"insert": name, "documents": [{"_id": 2}]}), {"write_concern": concern(w=0)}),
        (("test", {"count": name}), {"client": client}),
    ):
        try:
            reply = await done(connection.command(*arguments, **more))
        except Exception as exc:
            yield type(exc).__name__, getattr(exc, "code", None)
        else:
            unlike = ("$clusterTime", "operationTime", "opTime", "electionId")
            yield repr({key: value for key, value in reply.items() if key not in unlike})


@pytest.mark.parametrize("flavour_name", FLAVOURS)
def test_commands_over_a_connection(flavour_name, server):
    def found(package):
        kit = kit_of(package, flavour_name, server)

        async def main():
            client, name = await connected(kit), f"behind_{uuid.uuid4().hex}"
            pool = (await server_of(client, kit)).pool
            async with Block(pool.checkout()) as connection:
                got = [x async for x in outcomes(kit, connection, client, name)]
            await done(client.test.drop_collection(name))
            await done(client.close())
            return [str(x).replace(name, "NAME") for x in got]

        return asyncio.run(main())

    assert found("mongodriver") == found("pymongo")


def test_what_belongs_to_sessions_and_limits(kit):
    async def main():
        client = await connected(kit)
        other = kit.client(kit.uri)
        pool = (await server_of(client, kit)).pool
        session = await done(client.start_session())
        async with Block(pool.checkout()) as connection:
            reply = await done(
                connection.command("admin", {"ping": 1}, session=session, client=client)
            )
            assert session.cluster_time == reply["$clusterTime"]
            body: dict = {}
            connection.send_cluster_time(body, session, client)
            assert body == {"$clusterTime": client._topology.max_cluster_time()}
            connection.validate_session(client, session)
            for wrong in (None, other):
                with pytest.raises(kit.errors.InvalidOperation, match="that started it"):
                    connection.validate_session(wrong, session)
            body = {"ping": 1}
            assert connection.apply_timeout(body) is None
            with importlib.import_module(kit.package).timeout(5):
                left = connection.apply_timeout(body)
            assert 4 < left == connection.last_timeout <= 5
            assert 4000 <= body["maxTimeMS"] <= 5000
            assert connection.apply_timeout(None) is connection.last_timeout is None
            connection.set_conn_timeout(0.05)
            version = (await done(connection.command("admin", {"hello": 1})))["topologyVersion"]
            waits = {"hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 60000}
            with pytest.raises(kit.errors.AutoReconnect, match="timed out"):
                await done(connection.command("admin", waits))
            assert connection.closed
        await done(session.end_session())
        await done(client.close())
        await done(other.close())

    asyncio.run(main())


def test_messages_over_a_connection(kit):
    async def main():
        client = await connected(kit)
        pool = (await server_of(client, kit)).pool
        async with Block(pool.checkout()) as connection:
            await done(connection.send_message(ping(77), 100))
            message = await done(connection.receive_message(77))
            (document,) = message.unpack_response()
            assert (document["ok"], message.flags, message.more_to_come) == (1, 0, False)
            assert bson.decode(bytes(message.raw_command_response()))["ok"] == 1
            with pytest.raises(kit.errors.DocumentTooLarge, match="100000000 bytes"):
                await done(connection.send_message(ping(1), 100000000))
            layer, interface = kit.network_layer, connection.conn
            assert interface.sock.fileno() >= 0
            if kit.is_sync:
                layer.sendall(interface.get_conn, ping(78))
                layer.wait_for_read(connection, None)
                message = layer.receive_message(connection, 78)
                assert message.unpack_response()[0]["ok"] == 1
                interface.settimeout(0.01)
                with pytest.raises(TimeoutError):
                    layer.receive_data(connection, 16, time.monotonic() + 0.01)
            else:
                await layer.async_sendall(interface.get_conn, ping(78))
                message = await layer.async_receive_message(connection, 78)
                assert message.unpack_response()[0]["ok"] == 1
            interface.settimeout(7)
            shown = interface.gettimeout
            assert (shown() if kit.is_sync else shown) == 7
            await done(connection.send_message(ping(1), 0))
            with pytest.raises(kit.errors.ProtocolError, match="Got response id 1 but expected 2"):
                await done(connection.receive_message(2))
            assert connection.conn_closed()
        await done(client.close())

    asyncio.run(main())


def test_a_connection_over_a_socket_of_ones_own(kit):
    async def main():
        client = await connected(kit)
        address = await done(client.address)
        pool = kit.pool.Pool(address, kit.options())
        connection = kit.connection(await opened(kit, address), pool, address, 5, False)
        assert (connection.performed_handshake, connection.id) == (False, 5)
        assert connection.hello_cmd() == {"ismaster": 1, "helloOk": True}
        hello = await done(connection.hello())
        assert hello.is_writable
        assert connection.performed_handshake
        await done(connection.authenticate())
        assert connection.ready
        assert (await done(connection.command("admin", {"ping": 1})))["ok"] == 1
        await done(connection.close_conn(None))
        assert connection.closed
        await done(pool.close())
        await done(client.close())

    asyncio.run(main())


def listener(base):
    """Hears the names of commands that have succeeded."""

    class Heard(base):
        names: list = []

        def started(self, event):
            pass

        failed = started

        def succeeded(self, event):
            self.names.append(event.command_name)

    return Heard()


def test_run_command(kit):
    async def main():
        heard = listener(kit.monitoring.CommandListener)
        client = await connected(kit, event_listeners=[heard])
        pool = (await server_of(client, kit)).pool
        heard.names.clear()
        async with Block(pool.checkout()) as connection:
            spec = {"ping": 1}
            run = kit.command_runner.run_command
            primary = kit.read_preference.PRIMARY
            reply = await done(
                run(connection, "admin", spec, primary, kit.codec_options, None, None)
            )
            assert reply["ok"] == 1
            assert spec == {"ping": 1, "$db": "admin"}
            assert heard.names == []
            await done(
                run(
                    *(connection, "admin", spec, primary, kit.codec_options, None, None),
                    listeners=connection.listeners,
                )
            )
            spec = {"insert": "x", "documents": [{}], "writeConcern": {"w": 0}}
            reply = await done(
                run(
                    *(connection, "test", spec, primary, kit.codec_options, None, None),
                    unacknowledged=True,
                )
            )
            assert reply == {"ok": 1}
            big = {"insert": "x", "documents": [{"a": "x" * 100000}]}
            with pytest.raises(kit.errors.DocumentTooLarge):
                await done(
                    run(
                        *(connection, "test", big, primary, kit.codec_options, None, None),
                        max_bson_size=1000,
                    )
                )
        assert heard.names == ["ping"]
        await done(client.close())

    asyncio.run(main())


def test_logging_in(kit):
    async def main():
        name = f"user_{uuid.uuid4().hex}"
        admin = await connected(kit)
        await done(admin.admin.command("createUser", name, pwd="secret", roles=[]))
        client = kit.client(kit.uri, username=name, password="secret", connect=False)
        credentials = client.options.pool_options._credentials
        address = await done(admin.address)

        async def users(connection):
            reply = await done(connection.command("admin", {"connectionStatus": 1}))
            return [user["user"] for user in reply["authInfo"]["authenticatedUsers"]]

        pool = kit.pool.Pool(address, kit.options())
        await done(pool.ready())
        async with Block(pool.checkout()) as connection:
            assert await users(connection) == []
            await done(kit.auth.authenticate(credentials, connection))
            assert await users(connection) == [name]
            await done(kit.auth.authenticate(credentials, connection, reauthenticate=True))
            assert await users(connection) == [name]
        await done(pool.close())
        pool = kit.pool.Pool(address, kit.options(credentials=credentials))
        await done(pool.ready())
        async with Block(pool.checkout()) as connection:
            assert await users(connection) == [name]
            assert connection.ready
        connection = kit.connection(await opened(kit, address), pool, address, 9, False)
        await done(connection.hello())
        await done(connection.authenticate())
        assert await users(connection) == [name]
        await done(connection.close_conn(None))
        await done(pool.close())
        await done(admin.admin.command("dropUser", name))
        wrong = kit.pool.Pool(address, kit.options())
        await done(wrong.ready())
        with pytest.raises(kit.errors.OperationFailure, match="Authentication failed"):
            async with Block(wrong.checkout()) as connection:
                await done(kit.auth.authenticate(credentials, connection))
        await done(wrong.close())
        await done(client.close())
        await done(admin.close())

    asyncio.run(main())
