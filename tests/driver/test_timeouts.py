"""timeoutMS and `mongodriver.timeout`: what is sent, as PyMongo sends it, and what ends when."""

from __future__ import annotations

import contextlib
import re
import threading
import time
import uuid

import pytest
from comparison.lines import scenario_of
from comparison.sides import Side
from comparison.wanted import Verdict
from flavour import Neutral
from recording import Commands

import mongodriver
from mongodriver.errors import (
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from tasks import pass_on, together

pytestmark = pytest.mark.server

#: Each does the same as in PyMongo, sends the same, and limits the server alike.
ALIKE = """\
await t.drop()
await t.insert_one({'_id': 1})
await t.insert_many([{'_id': n} for n in range(2, 8)])
await w0.insert_one({'_id': 8})
await wm.insert_one({'_id': 9})
await wm.update_one({'_id': 1}, {'$set': {'a': 1}})
await wm.delete_many({'_id': 9})
await wm.bulk_write([pymongo.InsertOne({'_id': 10}), pymongo.DeleteOne({'_id': 10})])
await t.find_one({'_id': 1})
await t.find_one({'_id': 1}, max_time_ms=777)
await t.find({'_id': {'$lt': 5}}, batch_size=2).to_list()
await t.find({'_id': {'$lt': 3}}, max_time_ms=100_000).to_list()
await (await t.aggregate([{'$match': {'_id': {'$lt': 5}}}], batchSize=2)).to_list()
await (await t.aggregate([{'$match': {'_id': 1}}], maxTimeMS=333)).to_list()
await (await wm.aggregate([{'$match': {'_id': 1}}, {'$out': 'out'}])).to_list()
await t.count_documents({})
await t.estimated_document_count()
await t.distinct('a')
await t.create_index('a')
await t.index_information()
await t.options()
await t.find_one_and_update({'_id': 1}, {'$set': {'b': 1}})
await db.command('ping')
await db.command('ping', maxTimeMS=55)
await db.list_collection_names(filter={'name': 't'})
(await db.create_collection('new')).name
await db.drop_collection('new')
"""


def limited(record):
    """A record whose limits, which differ by the moment, are only there or not."""
    events = [re.sub(r"'maxTimeMS': \d+", "'maxTimeMS': N", text) for text in record["events"]]
    return {**record, "events": events}


def test_same_as_pymongo_within_limits(server, flavour, record_property):
    lines = ALIKE.splitlines()
    database = f"like_{uuid.uuid4().hex[:12]}"
    records = []
    for driver in ("pymongo", "mongodriver"):
        side = Side(driver, flavour, server.uri, timeoutMS=60_000)
        records.append([limited(side.record(scenario_of(line), database)) for line in lines])
        side.drop(database)
        side.close()
    verdict = Verdict("timeouts", flavour.kind)
    for line, expected, got in zip(lines, *records, strict=True):
        verdict.judge(line, expected, got)
    verdict.finish(record_property)


def make_client_of(make_client, commands, **options):
    from mongodriver.monitoring import CommandListener

    assert isinstance(commands, CommandListener)
    return make_client(event_listeners=[commands], **options)


def limits(commands):
    """Names of the commands sent, and what the server was told."""
    return [(e.command_name, e.command.get("maxTimeMS")) for e in commands.started_events]


# -- blocks --


async def test_a_block_limits_what_is_in_it(coll, commands):
    await coll.find_one()
    with mongodriver.timeout(60):
        await coll.find_one()
    await coll.find_one()
    without, (_, within), after = limits(commands)
    assert without == after == ("find", None)
    assert 50_000 < within <= 60_000


async def test_nested_blocks(coll, commands):
    async def limit():
        commands.clear()
        await coll.find_one()
        return limits(commands)[0][1]

    with mongodriver.timeout(60):
        with mongodriver.timeout(30):
            assert 20_000 < await limit() <= 30_000
        with mongodriver.timeout(90):
            assert 50_000 < await limit() <= 60_000
        with mongodriver.timeout(None):
            assert 50_000 < await limit() <= 60_000
        with mongodriver.timeout(0):
            assert await limit() is None
        assert 50_000 < await limit() <= 60_000
    with mongodriver.timeout(0), mongodriver.timeout(30):
        assert 20_000 < await limit() <= 30_000


async def test_a_block_counts_instead_of_the_client_s_own_limit(make_client):
    commands = Commands()
    client = make_client_of(make_client, commands, timeoutMS=60_000)
    await client.admin.command("ping")
    with mongodriver.timeout(90):
        await client.admin.command("ping")
    with mongodriver.timeout(0):
        await client.admin.command("ping")
    with mongodriver.timeout(None):
        await client.admin.command("ping")
    (_, own), (_, longer), (_, none), (_, same) = limits(commands)
    assert 50_000 < own <= 60_000
    assert 80_000 < longer <= 90_000
    assert none is None
    assert 50_000 < same <= 60_000


async def test_a_block_can_be_entered_again(coll, commands):
    block = mongodriver.timeout(60)
    with block, block:
        await coll.find_one()
    with block:
        await coll.find_one()
    await coll.find_one()
    assert [limit is None for _, limit in limits(commands)] == [False, False, True]


async def test_a_block_is_of_one_thread_or_task(coll, commands, flavour):
    inside, outside = [], []

    def other():
        other_coll = coll._object if isinstance(coll, Neutral) else coll
        other_coll.find_one()

    with mongodriver.timeout(60):
        if flavour.is_sync:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        else:
            block = mongodriver.timeout(30)

            async def task(found):
                with block:
                    await pass_on()
                    await coll.find_one()
                    found.append(True)

            await together(task(inside), task(outside))
        commands.clear()
        await coll.find_one()
    ((_, limit),) = limits(commands)
    assert 50_000 < limit <= 60_000


@pytest.mark.parametrize("wrong", ["1", [], b"1"])
def test_what_is_no_number(wrong):
    with pytest.raises(TypeError, match="timeout must be None, an int, or a float, not <class"):
        mongodriver.timeout(wrong)


@pytest.mark.parametrize("wrong", [-1, -0.5, float("-inf"), float("nan")])
def test_what_is_no_time(wrong):
    with pytest.raises(ValueError, match="timeout cannot be"):
        mongodriver.timeout(wrong)


@pytest.mark.parametrize("long", [float("inf"), 1e300, 10**12, 10**400])
async def test_a_very_long_time(coll, commands, long):
    with mongodriver.timeout(long):
        assert await coll.find_one() is None
    ((_, limit),) = limits(commands)
    assert 10**9 < limit < 2**31


async def test_a_time_that_is_over(coll, commands):
    await coll.insert_one({"_id": 1})
    commands.clear()
    with mongodriver.timeout(1e-9):
        for operation in (
            coll.find_one(),
            coll.insert_one({}),
            coll.find().to_list(),
            coll.count_documents({}),
            coll.bulk_write([mongodriver.InsertOne({})]),
            coll.database.list_collection_names(),
        ):
            with pytest.raises(ExecutionTimeout, match="operation would exceed time limit") as info:
                await operation
            assert info.value.timeout
            assert info.value.code == 50
    assert commands.names == []
    assert await coll.count_documents({}) == 1


async def test_no_server_in_time(make_client):
    client = make_client("mongodb://127.0.0.1:1/", timeoutMS=100)
    for find in (client.db.t.find_one, client.server_info, client.list_database_names):
        start = time.monotonic()
        with pytest.raises(ServerSelectionTimeoutError, match=r"Timeout: 0\.1s"):
            await find()
        assert time.monotonic() - start < 10


async def test_the_client_s_address_in_time(make_client):
    client = make_client("mongodb://127.0.0.1:1/")
    start = time.monotonic()
    with pytest.raises(ServerSelectionTimeoutError), mongodriver.timeout(0.1):
        await client.address
    assert time.monotonic() - start < 10


# -- slow servers --


@pytest.fixture
def slow(server, make_client, flavour):
    """Makes commands slow, on a client of their own."""
    other = make_client(appname="failing")

    async def configure(mode, **data):
        fail = {"configureFailPoint": "failCommand", "mode": mode}
        await other.admin.command({**fail, **({"data": data} if data else {})})

    def block(*names, milliseconds):
        data = {"failCommands": list(names), "blockConnection": True, "blockTimeMS": milliseconds}
        flavour.run(configure("alwaysOn", **data))

    if getattr(server, "command", None) is None:
        pytest.skip("fail points of a server that others use as well")

    async def unblock():
        # The server waits with that until nothing is blocked any more.
        with contextlib.suppress(OperationFailure):  # it ends the session of this command too
            await other.admin.command("killAllSessions", [])
        await configure("off")

    yield block
    flavour.run(unblock())


async def expires(operation, limit=10):
    start = time.monotonic()
    with pytest.raises(PyMongoError) as caught:
        await operation
    assert time.monotonic() - start < limit
    assert caught.value.timeout
    return caught.value


def test_an_operation_is_given_up(coll, flavour, slow, make_client):
    slow("find", "insert", milliseconds=20_000)
    client = make_client(timeoutMS=200)
    t = client.db.t

    async def run():
        for operation in (t.find_one(), t.insert_one({}), t.find().to_list()):
            error = await expires(operation)
            assert isinstance(error, (NetworkTimeout, ExecutionTimeout))
            assert "(configured timeouts: timeoutMS: 200.0ms, connectTimeoutMS: 20000" in str(error)

    flavour.run(run())


def test_a_cursor_is_given_up_as_a_whole_and_killed(coll, flavour, slow, commands):
    async def fill():
        await coll.insert_many([{"_id": n} for n in range(200)])

    async def run():
        # No getMore takes as long as the limit; 100 of them would take far longer.
        for read in ("to_list", "iterate"):
            commands.clear()
            cursor = coll.find(batch_size=2)
            with mongodriver.timeout(1):
                if read == "to_list":
                    await expires(cursor.to_list())
                else:
                    with pytest.raises(PyMongoError) as caught:
                        async for _ in cursor:
                            pass
                    assert caught.value.timeout
            assert not cursor.alive
            deadline = time.monotonic() + 30
            while "killCursors" not in commands.names and time.monotonic() < deadline:
                await coll.database.command("ping")
            assert "killCursors" in commands.names
            assert commands.names.count("getMore") < 50

    flavour.run(fill())
    slow("getMore", milliseconds=150)
    flavour.run(run())


def test_one_limit_for_all_that_a_method_sends(coll, flavour, slow, make_client):
    slow("listCollections", milliseconds=300)
    commands = Commands()
    client = make_client_of(make_client, commands, timeoutMS=60_000)
    name = coll.database.name

    async def run():
        await client[name].create_collection("made")
        # Each limit of its own would leave the second the whole minute.
        (_, first), (_, second) = limits(commands)
        assert first - second >= 290

    flavour.run(run())


def test_closing_a_cursor_in_a_block_that_is_over(coll, flavour, commands):
    async def run():
        await coll.insert_many([{"_id": n} for n in range(10)])
        cursor = coll.find(batch_size=2)
        await cursor.next()
        await cursor.next()
        with mongodriver.timeout(1e-9):
            await cursor.close()
        assert not cursor.alive
        deadline = time.monotonic() + 30
        while "killCursors" not in commands.names and time.monotonic() < deadline:
            await coll.database.command("ping")
        assert "killCursors" in commands.names

    flavour.run(run())
