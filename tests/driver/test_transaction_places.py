"""Where the commands of a transaction go: one mongos, or one connection of a load balancer."""

from __future__ import annotations

import pytest

from bsonx.objectid import ObjectId
from fake_mongod import HANG_UP, MONGOS, STANDALONE, FakeMongod
from mongodriver.errors import AutoReconnect, ConfigurationError, OperationFailure

TOKEN = {"recoveryId": 1}
SERVICE = {**MONGOS, "serviceId": ObjectId()}
FOUND = {"ok": 1, "cursor": {"id": 0, "ns": "d.t", "firstBatch": []}}
BATCH = {"ok": 1, "cursor": {"id": 9, "ns": "d.t", "firstBatch": [{}], "nextBatch": [{}]}}
TRANSIENT = {"ok": 0, "errmsg": "no", "code": 251, "errorLabels": ["TransientTransactionError"]}


@pytest.fixture
def failures():
    """Replies instead of the usual ones, by the command's name, each used once."""
    return {}


@pytest.fixture
def answer(failures):
    def reply(request):
        if request.name in failures:
            return failures.pop(request.name)
        found = BATCH if request.body.get("batchSize") or request.name == "getMore" else FOUND
        return {**found, "n": 1, "recoveryToken": {**TOKEN, "of": request.name}}

    return reply


def core(session):
    return getattr(session, "_object", session)._core.transaction


# -- mongos --


@pytest.fixture
def routers(answer):
    with FakeMongod(MONGOS, answer) as one, FakeMongod(MONGOS, answer) as other:
        yield [one, other]


@pytest.fixture
def sharded(make_client, routers):
    hosts = ",".join("{}:{}".format(*fake.address) for fake in routers)
    return make_client(f"mongodb://{hosts}/", localThresholdMS=60_000)


def asked(routers, *names):
    """How many of these commands each mongos was sent."""
    return [len(fake.of(*names)) for fake in routers]


async def test_a_transaction_stays_with_its_mongos(sharded, routers):
    async with sharded.start_session() as session:
        for _ in range(20):
            before = asked(routers, "insert", "find", "commitTransaction")
            async with await session.start_transaction():
                assert core(session).address is None
                await sharded.d.t.insert_one({}, session=session)
                for _ in range(3):
                    await sharded.d.t.find_one({}, session=session)
            after = asked(routers, "insert", "find", "commitTransaction")
            assert sorted(b - a for a, b in zip(before, after, strict=True)) == [0, 5]
            assert core(session).address is not None  # it may be committed again
    assert all(asked(routers, "insert"))  # unpinned for each new transaction


async def test_an_operation_after_it_goes_anywhere(sharded, routers):
    async with sharded.start_session() as session:
        async with await session.start_transaction():
            await sharded.d.t.insert_one({}, session=session)
        while not all(asked(routers, "find")):
            await sharded.d.t.find_one({}, session=session)
            assert core(session).address is None


async def test_the_newest_recovery_token_is_sent(sharded, routers):
    async with sharded.start_session() as session:
        async with await session.start_transaction():
            await sharded.d.t.insert_one({}, session=session)
            await sharded.d.t.find_one({}, session=session)
        await session.start_transaction()
        assert core(session).recovery_token is None
        await sharded.d.t.insert_one({}, session=session)
        await session.abort_transaction()
        assert core(session).address is None
    sent = [r.body for fake in routers for r in fake.of("commitTransaction", "abortTransaction")]
    tokens = {next(iter(body)): body["recoveryToken"]["of"] for body in sent}
    assert tokens == {"commitTransaction": "find", "abortTransaction": "insert"}


@pytest.mark.parametrize("failure", [TRANSIENT, HANG_UP])
async def test_a_transient_error_unpins(sharded, failures, failure):
    async with sharded.start_session() as session:
        await session.start_transaction()
        await sharded.d.t.insert_one({}, session=session)
        failures["find"] = {"ok": 0, "errmsg": "no", "code": 11601}
        with pytest.raises(OperationFailure):
            await sharded.d.t.find_one({}, session=session)
        assert core(session).address is not None
        failures["find"] = failure
        with pytest.raises((OperationFailure, AutoReconnect)):
            await sharded.d.t.find_one({}, session=session)
        assert core(session).address is None
        await session.abort_transaction()


async def test_a_commit_is_repeated_at_the_other_mongos(sharded, routers, failures):
    async with sharded.start_session() as session:
        await session.start_transaction()
        await sharded.d.t.insert_one({}, session=session)
        failures["commitTransaction"] = HANG_UP
        await session.commit_transaction()
    assert asked(routers, "commitTransaction") == [1, 1]


# -- load balancers --


async def test_a_transaction_keeps_its_connection(make_client, answer, failures):
    with FakeMongod(SERVICE, answer) as fake:
        client = make_client(fake.uri, loadBalanced=True)
        async with client.start_session() as session:
            await session.start_transaction()
            await client.d.t.insert_one({}, session=session)
            pinned = core(session).connection
            assert pinned is not None
            await client.d.t.insert_one({"_id": "elsewhere"})
            cursor = client.d.t.find({}, batch_size=1, session=session)
            await cursor.next()
            await cursor.next()
            await cursor.close()
            assert core(session).connection is pinned
            await session.commit_transaction()
            await session.commit_transaction()
            assert core(session).connection is pinned
            inside = {r.connection for r in fake.requests if r.body.get("autocommit") is False}
            outside = [r for r in fake.of("insert") if "autocommit" not in r.body]
            assert len(inside) == 1
            assert outside[0].connection not in inside
            await client.d.t.find_one({}, session=session)
            assert core(session).connection is None
            assert not pinned.pinned
            for failure in (TRANSIENT, HANG_UP):
                await session.start_transaction()
                await client.d.t.insert_one({}, session=session)
                failures["find"] = failure
                with pytest.raises((OperationFailure, AutoReconnect)):
                    await client.d.t.find_one({}, session=session)
                assert core(session).connection is None
                await session.abort_transaction()
            await session.start_transaction()
            await client.d.t.insert_one({}, session=session)
        (server,) = getattr(client, "_object", client)._core.topology.servers
        assert server.pool.operation_count == 0


# -- what has none --


async def test_a_deployment_without_sessions(make_client, answer):
    """Prose tests 18 and 19 of sessions."""
    with FakeMongod(STANDALONE, answer) as fake:
        client = make_client(fake.uri)
        await client.d.t.find_one({})
        await client.d.t.insert_one({})
        assert not any("lsid" in r.body for r in fake.of("find", "insert"))
        session = client.start_session()
        for call in (client.d.t.find_one, client.d.t.insert_one):
            with pytest.raises(ConfigurationError, match="Sessions are not supported by this"):
                await call({}, session=session)
        await session.end_session()


async def test_snapshots_of_an_old_server(make_client, answer):
    with FakeMongod({**MONGOS, "maxWireVersion": 9}, answer) as fake:
        client = make_client(fake.uri)
        async with client.start_session(snapshot=True) as session:
            with pytest.raises(ConfigurationError, match=r"require MongoDB 5\.0 or later"):
                await client.d.t.find_one({}, session=session)
