"""Private names that libraries use (`mongodriver.compat.private_names`), beside PyMongo's."""

from __future__ import annotations

import asyncio
import importlib

import pytest
from behind import KITS, Block, connected, done, kit_of


@pytest.fixture(params=KITS)
def kit(request, server):
    return kit_of(*request.param.split("-"), server)


async def _three(client):
    """A collection of three documents."""
    collection = client.private_names.three
    await done(collection.drop())
    await done(collection.insert_many([{"_id": number} for number in range(3)]))
    return collection


async def _documents(cursor):
    return [document async for document in cursor] if hasattr(cursor, "__aiter__") else [*cursor]


def test_flags_of_a_query(kit):
    cursor_type = importlib.import_module(kit.package).CursorType

    async def main():
        client = await connected(kit)
        find = client.private_names.three.find
        assert [
            find(**options)._query_flags
            for options in (
                {},
                {"cursor_type": cursor_type.TAILABLE_AWAIT},
                {"no_cursor_timeout": True},
                {"allow_partial_results": True},
            )
        ] == [0, 34, 16, 128]
        await done(client.close())

    asyncio.run(main())


def test_the_batches_of_a_cursor(kit):
    async def main():
        client = await connected(kit)
        collection = await _three(client)
        found = collection.find(batch_size=2)
        aggregated = await done(collection.aggregate([], batchSize=2))
        assert found._collection is collection
        assert aggregated._collection == collection
        for cursor in (found, aggregated):
            seen = []
            for _ in range(3):
                count = await done(cursor._refresh())
                assert await done(cursor._refresh()) == count == len(cursor._data)
                seen += [(count, bool(cursor._id), cursor._killed)]
                cursor._data.clear()
            assert seen == [(2, True, False), (1, False, True), (0, False, True)]
        await done(client.close())

    asyncio.run(main())


def test_whoever_wraps_the_fetching_sees_every_batch(kit, monkeypatch):
    flavour = "synchronous" if kit.is_sync else "asynchronous"
    module = importlib.import_module(f"{kit.package}.{flavour}.cursor")
    cursor_class = module.Cursor if kit.is_sync else module.AsyncCursor
    refresh, seen = cursor_class._refresh, []

    def wrapper(self, *args):
        seen.append(self.collection.name)
        return refresh(self, *args)

    monkeypatch.setattr(cursor_class, "_refresh", wrapper)

    async def main():
        client = await connected(kit)
        collection = await _three(client)
        assert len(await _documents(collection.find(batch_size=2))) == 3
        assert len(seen) >= 2
        seen.clear()
        assert len(await done(collection.find(batch_size=2).to_list())) == 3
        assert len(seen) >= 2
        await done(client.close())

    asyncio.run(main())


def test_the_read_preference_of_a_cursor(kit):
    nearest, secondary = kit.read_preference.NEAREST, kit.read_preference.SECONDARY

    async def main():
        client = await connected(kit)
        collection = await _three(client)
        elsewhere = collection.with_options(read_preference=secondary)
        async with Block(await done(client.start_session())) as session:
            assert collection.find()._get_read_preference() == kit.read_preference.PRIMARY
            assert elsewhere.find(session=session)._get_read_preference() == secondary
            started = session.start_transaction(read_preference=nearest)
            async with Block(await done(started)):
                assert elsewhere.find(session=session)._get_read_preference() == nearest
                assert elsewhere.find()._get_read_preference() == secondary
        await done(client.close())

    asyncio.run(main())


def test_the_servers_side_of_a_session(kit):
    async def main():
        client = await connected(kit)
        async with Block(await done(client.start_session())) as session:
            assert not session._server_session.dirty
            await done(client.admin.command("ping", session=session))
            known = session._server_session
            assert (type(known.last_use), known.session_id) == (float, session.session_id)
            before, number = known.last_use, known.transaction_id
            await done(session.start_transaction())
            await done(client.private_names.three.find_one(session=session))
            assert session._server_session.last_use >= before
            assert session._server_session.transaction_id == number + 1
        assert session._server_session is None
        await done(client.close())

    asyncio.run(main())


def test_a_client_is_connected_by_its_private_method(kit):
    async def main():
        client = kit.client(kit.uri, connect=False)
        assert len(client.nodes) == 0
        if kit.is_sync:
            client._connect()
        topology = await done(client._get_topology())
        assert topology is client._topology
        selector = kit.server_selectors.writable_server_selector
        await done(topology.select_server(selector, "test"))
        assert len(client.nodes) == 1
        await done(client.close())

    asyncio.run(main())


def test_the_servers_and_the_idle_sessions_of_a_deployment(kit):
    async def main():
        client = await connected(kit)
        sessions = [await done(client.start_session()) for _ in range(2)]
        for session in sessions:
            await done(client.admin.command("ping", session=session))
        ids = [session.session_id for session in sessions]
        for session in sessions:
            await done(session.end_session())
        topology = client._topology
        assert [one.session_id for one in topology._session_pool][:2] == ids[::-1]
        address = await done(client.address)
        assert [*topology._servers] == [address]
        assert topology._servers[address].description.address == address
        await done(client.close())

    asyncio.run(main())


def test_a_cursor_is_closed_by_its_private_method(kit, monkeypatch):
    if not kit.is_sync:
        pytest.skip("Motor has synchronous ones alone")

    async def main():
        client = kit.client(kit.uri)
        collection = await _three(client)
        calls: list = []
        for cursor in (collection.find(batch_size=2), collection.aggregate([], batchSize=2)):
            monkeypatch.setattr(type(cursor), "_die_lock", lambda self: calls.append(self))
            cursor.close()
            assert calls.pop() is cursor
            monkeypatch.undo()
            next(cursor)
            cursor._die_lock()
            assert cursor._killed
        client.close()

    asyncio.run(main())


def test_the_bases_of_events(kit):
    monitoring = kit.monitoring
    for base, event in (
        ("_CommandEvent", "CommandStartedEvent"),
        ("_PoolEvent", "PoolClearedEvent"),
        ("_ConnectionEvent", "ConnectionCheckOutStartedEvent"),
        ("_ConnectionIdEvent", "ConnectionCreatedEvent"),
        ("_ConnectionDurationEvent", "ConnectionReadyEvent"),
        ("_ServerEvent", "ServerOpeningEvent"),
        ("_ServerHeartbeatEvent", "ServerHeartbeatStartedEvent"),
    ):
        assert issubclass(getattr(monitoring, event), getattr(monitoring, base))


class Recorder:
    """Stands for the bulk of mongomock's: what is added to it."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.mark.parametrize(
    "request_of",
    [
        lambda m: m.InsertOne({"_id": 1}),
        lambda m: m.InsertOne({}),
        lambda m: m.DeleteOne({}),
        lambda m: m.DeleteMany({"a": 1}, collation={"locale": "en"}, hint=[("a", 1)]),
        lambda m: m.ReplaceOne({}, {"$set": 1}),
        lambda m: m.ReplaceOne({}, {}, True, {"locale": "en"}, "a_1", sort={"a": 1}),
        lambda m: m.UpdateOne({}, {"a": 1}),
        lambda m: m.UpdateOne({}, [], True, {"locale": "en"}, [{"x": 1}], "a_1", sort={"a": 1}),
        lambda m: m.UpdateMany({}, {"$set": {"a": 1}}),
        lambda m: m.UpdateMany({}, {}, False, None, [{"x": 1}], "a_1"),
    ],
)
def test_requests_add_themselves_to_the_bulks_of_others(request_of):
    pymongo = pytest.importorskip("pymongo")
    import mongodriver

    ours, theirs = Recorder(), Recorder()
    assert request_of(mongodriver)._add_to_bulk(ours) is None
    assert request_of(pymongo)._add_to_bulk(theirs) is None
    assert ours.calls == theirs.calls
