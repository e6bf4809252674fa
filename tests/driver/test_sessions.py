"""Sessions as users see them: whose they are, what they add, binding, snapshots, forks."""

from __future__ import annotations

import itertools
import os

import pytest

from bsonx.timestamp import Timestamp
from mongodriver.client_session import SessionOptions
from mongodriver.errors import ConfigurationError, InvalidOperation, OperationFailure
from mongodriver.operations import InsertOne
from mongodriver.write_concern import WriteConcern

pytestmark = pytest.mark.server

numbers = itertools.count()

#: Calls of methods that take a session, of a database and its collection.
CALLS = {
    "insert_one": lambda db, coll, **s: coll.insert_one({}, **s),
    "insert_many": lambda db, coll, **s: coll.insert_many([{}], **s),
    "bulk_write": lambda db, coll, **s: coll.bulk_write([InsertOne({})], **s),
    "update_one": lambda db, coll, **s: coll.update_one({}, {"$set": {"x": 1}}, **s),
    "update_many": lambda db, coll, **s: coll.update_many({}, {"$set": {"x": 1}}, **s),
    "replace_one": lambda db, coll, **s: coll.replace_one({}, {"x": 2}, **s),
    "delete_one": lambda db, coll, **s: coll.delete_one({}, **s),
    "delete_many": lambda db, coll, **s: coll.delete_many({}, **s),
    "find_one": lambda db, coll, **s: coll.find_one({}, **s),
    "find": lambda db, coll, **s: coll.find({}, **s).to_list(),
    "find_one_and_delete": lambda db, coll, **s: coll.find_one_and_delete({}, **s),
    "find_one_and_replace": lambda db, coll, **s: coll.find_one_and_replace({}, {}, **s),
    "find_one_and_update": lambda db, coll, **s: coll.find_one_and_update(
        {}, {"$set": {"x": 3}}, **s
    ),
    "aggregate": lambda db, coll, **s: coll.aggregate([], **s),
    "count_documents": lambda db, coll, **s: coll.count_documents({}, **s),
    "distinct": lambda db, coll, **s: coll.distinct("x", **s),
    "create_index": lambda db, coll, **s: coll.create_index("x", **s),
    "list_indexes": lambda db, coll, **s: coll.list_indexes(**s),
    "drop_indexes": lambda db, coll, **s: coll.drop_indexes(**s),
    "drop": lambda db, coll, **s: coll.drop(**s),
    "command": lambda db, coll, **s: db.command("ping", **s),
    "list_collections": lambda db, coll, **s: db.list_collections(**s),
    "create_collection": lambda db, coll, **s: db.create_collection(f"new{next(numbers)}", **s),
    "drop_collection": lambda db, coll, **s: db.drop_collection("new", **s),
    "list_databases": lambda db, coll, **s: db.client.list_databases(**s),
    "drop_database": lambda db, coll, **s: db.client.drop_database("nobody_has_this", **s),
    "server_info": lambda db, coll, **s: db.client.server_info(**s),
}


@pytest.fixture(params=CALLS)
def call(request, db):
    return lambda **session: CALLS[request.param](db, db["things"], **session)


async def prepare(db):
    await db["things"].insert_one({})


async def test_the_session_of_a_command(client, db, call, commands):
    """Prose tests 4 (explicit and implicit) and of `bind`."""
    await prepare(db)
    commands.clear()
    async with client.start_session() as session:
        await call(session=session)
        sent = [e.command["lsid"] for e in commands.started_events]
        assert sent
        assert all(lsid == session.session_id for lsid in sent)
        async with session.bind(end_session=False) as bound:
            assert bound.session_id == session.session_id
            commands.clear()
            await call()
        sent = [e.command["lsid"] for e in commands.started_events]
        assert sent
        assert all(lsid == session.session_id for lsid in sent)
        commands.clear()
        await call()
        sent = [e.command["lsid"] for e in commands.started_events]
        assert sent
        assert all(lsid != session.session_id for lsid in sent)


async def test_whose_session_it_is(db, call, make_client):
    """Prose tests 5 and 6."""
    other = make_client()
    async with other.start_session() as session:
        with pytest.raises(InvalidOperation, match=r"the (Async)?MongoClient that started it"):
            await call(session=session)
        async with session.bind(end_session=False):
            with pytest.raises(InvalidOperation, match="Only the client that created the bound"):
                await call()
    own = db.client.start_session()
    await own.end_session()
    with pytest.raises(InvalidOperation, match="Cannot use ended session"):
        await call(session=own)


async def test_blocks_of_bound_sessions(client, coll, commands):
    await coll.insert_many([{} for _ in range(5)])
    first, second = client.start_session(), client.start_session()

    async def used(**session):
        commands.clear()
        await coll.find_one({}, **session)
        return commands.started_events[0].command["lsid"]

    async with first.bind(end_session=False):
        assert await used() == first.session_id
        assert await used(session=second) == second.session_id
        async with second.bind():
            assert await used() == second.session_id
        assert second.has_ended
        assert await used() == first.session_id
        cursor = coll.find({}, batch_size=2)
        await cursor.next()
        with pytest.raises(ConfigurationError, match="Explicit sessions are incompatible"):
            await coll.with_options(write_concern=WriteConcern(0)).insert_one({})
        async with await first.start_transaction():
            await coll.insert_one({"_id": "in"})
    commands.clear()
    assert await cursor.to_list()
    assert commands.started_events[0].command["lsid"] == first.session_id
    assert await used() != first.session_id
    with pytest.raises(KeyError):
        async with first.bind():
            await first.start_transaction()
            await coll.insert_one({"_id": "never"})
            raise KeyError
    assert first.has_ended
    assert commands.names[-1] == "abortTransaction"
    assert await coll.count_documents({"_id": {"$in": ["in", "never"]}}) == 1


async def test_an_ended_session_that_is_bound(client, coll):
    session = client.start_session()
    async with session.bind():
        await session.end_session()
        with pytest.raises(InvalidOperation, match="Cannot use ended session"):
            await coll.find_one({})


# -- the pool, and the cluster's time --


async def test_the_session_that_ended_last_is_taken_first(client):
    """Prose test 2."""
    one, two = client.start_session(), client.start_session()
    ids = [one.session_id, two.session_id]
    await one.end_session()
    await two.end_session()
    three, four = client.start_session(), client.start_session()
    assert [three.session_id, four.session_id] == ids[::-1]
    await three.end_session()
    await four.end_session()


async def test_the_cluster_time_of_a_reply_is_sent_on(client, coll, commands):
    """Prose test 3."""
    for call in (
        lambda: client.admin.command("ping"),
        lambda: coll.aggregate([]),
        lambda: coll.find({}).to_list(),
        lambda: coll.insert_one({}),
    ):
        await call()
        told = commands.events[-1].reply["$clusterTime"]
        commands.clear()
        await client.admin.command("ping")
        assert commands.started_events[0].command["$clusterTime"] == told


async def test_monitoring_does_not_gossip(make_client, client, coll, server):
    """Prose test 20: what other clients do is not heard of by heartbeats."""
    from mongodriver.monitoring import ServerHeartbeatListener

    class Beats(ServerHeartbeatListener):
        count = 0

        def started(self, event):
            pass

        def succeeded(self, event):
            Beats.count += 1

        failed = started

    mine = make_client(
        directConnection=True,
        heartbeatFrequencyMS=500,
        serverMonitoringMode="poll",
        event_listeners=[Beats()],
    )
    first = await mine.admin.command("ping")
    seen = Beats.count
    await coll.insert_one({})
    while Beats.count < seen + 2:
        await client.admin.command("ping")
    clock = getattr(mine, "_object", mine)._core.cluster_time
    assert clock == first["$clusterTime"]


async def test_a_session_is_told_of_times(client, coll, commands):
    async with client.start_session() as one, client.start_session() as other:
        assert other.operation_time is None
        assert other.cluster_time is None
        await coll.insert_one({}, session=one)
        other.advance_cluster_time(one.cluster_time)
        other.advance_operation_time(one.operation_time)
        commands.clear()
        await coll.find_one({}, session=other)
    sent = commands.started_events[0].command["readConcern"]
    assert sent == {"afterClusterTime": one.operation_time}


# -- snapshots --


async def test_options_of_snapshots(client):
    """Prose tests 1 and 21 to 23."""
    with pytest.raises(ConfigurationError):
        client.start_session(causal_consistency=True, snapshot=True)
    with pytest.raises(ConfigurationError):
        client.start_session(causal_consistency=True, snapshot=Timestamp(1, 1))
    options = SessionOptions(snapshot=Timestamp(1, 1))
    assert (options.snapshot, options.snapshot_time) == (True, Timestamp(1, 1))
    assert SessionOptions(snapshot=True).snapshot_time is None
    async with client.start_session() as session:
        with pytest.raises(InvalidOperation, match="Only snapshot sessions"):
            assert session.snapshot_time
        with pytest.raises(AttributeError):
            getattr(session, "_object", session).snapshot_time = Timestamp(1, 1)


async def test_all_reads_of_a_snapshot_are_of_one_time(client, coll):
    majority = coll.with_options(write_concern=WriteConcern("majority"))
    await majority.insert_many([{"_id": n} for n in range(5)])
    async with client.start_session(snapshot=True) as session:
        assert session.snapshot_time is None
        assert await coll.count_documents({}, session=session) == 5
        time = session.snapshot_time
        await majority.insert_one({"_id": 5})
        assert len(await coll.find({}, batch_size=2, session=session).to_list()) == 5
        assert len(await coll.distinct("_id", session=session)) == 5
        assert session.snapshot_time == time
    async with client.start_session(snapshot=time) as session:
        assert await coll.count_documents({}, session=session) == 5
    assert await coll.count_documents({}) == 6


@pytest.mark.parametrize(
    "name",
    ["insert_one", "bulk_write", "find_one_and_delete", "command", "list_collections", "drop"],
)
async def test_what_a_snapshot_cannot_have_is_refused_by_the_server(client, db, commands, name):
    await prepare(db)
    commands.clear()
    async with client.start_session(snapshot=True) as session:
        with pytest.raises(OperationFailure, match="read concern not supported"):
            await CALLS[name](db, db["things"], session=session)
    assert commands.started_events[0].command["readConcern"] == {"level": "snapshot"}
    assert await db["things"].count_documents({}) == 1


# -- forks --


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("ended_before", [True, False])
async def test_a_child_process_has_sessions_of_its_own(flavour, make_client, ended_before):
    """Prose tests 12 and 13."""
    if not flavour.is_sync:
        pytest.skip("event loops do not survive a fork")
    client = make_client()
    session = client.start_session()
    id = session.session_id
    if ended_before:
        await session.end_session()
    pid = os.fork()
    await session.end_session()
    next_session = client.start_session()
    same = next_session.session_id == id
    if pid == 0:
        os._exit(same)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert same
    await next_session.end_session()
