"""Cursors that read ahead: what is asked for when, errors in their place, nothing left behind."""

from __future__ import annotations

import gc
import os
import threading
import uuid

import pytest

import mongodriver
from bsonx import decode_all
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from mongodriver.cmap.connection import Connection
from mongodriver.cursor import CursorType
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    CursorNotFound,
    InvalidOperation,
    OperationFailure,
)
from mongodriver.local import LocalServer
from sharded_proxy import ShardedProxy
from tasks import WasCancelled, begin, flag, pass_on

pytestmark = pytest.mark.server

COUNT = 20

#: Codes of errors about cursors.
_NOT_FOUND, _IN_USE, _OF_ANOTHER_SESSION = 43, 143, 50738


@pytest.fixture
def twenty(coll, flavour):
    """A collection of twenty documents, ``_id`` 0 to 19."""

    async def fill():
        await coll.insert_many([{"_id": n} for n in range(COUNT)])

    flavour.run(fill())
    return coll


def ids(documents):
    return [document["_id"] for document in documents]


def pool_of(client):
    """The pool of the one server of a client."""
    (server,) = client._core.topology.servers
    return server.pool


async def is_open(coll, cursor_id):
    """Whether the server has a cursor; that is moved on if it has."""
    while True:
        try:
            await coll.database.command("getMore", Int64(cursor_id), collection=coll.name)
        except OperationFailure as exc:
            if exc.code == _IN_USE:
                continue  # it is being killed, or it never ends
            assert exc.code in (_NOT_FOUND, _OF_ANOTHER_SESSION)
            return exc.code != _NOT_FOUND
        return True


# -- what comes --


@pytest.mark.parametrize("batches", [0, 1, 2, 7, 64])
async def test_the_documents_are_the_same(twenty, batches):
    expected = list(range(COUNT))
    assert ids(await twenty.find(batch_size=3, prefetch=batches).to_list()) == expected
    found = twenty.find({}, None, 0, prefetch=batches, batch_size=3)
    assert ids([document async for document in found]) == expected
    found = await twenty.aggregate([{"$sort": {"_id": 1}}], batchSize=3, prefetch=batches)
    assert ids([document async for document in found]) == expected
    found = twenty.find_raw_batches(batch_size=3, prefetch=batches)
    assert ids([d async for batch in found for d in decode_all(batch)]) == expected
    found = await twenty.aggregate_raw_batches([], batchSize=3, prefetch=batches)
    assert ids([d async for batch in found for d in decode_all(batch)]) == expected
    assert ids(await twenty.find(batch_size=3, limit=8, prefetch=batches).to_list()) == expected[:8]
    assert ids(await twenty.find(batch_size=3).prefetch(batches).to_list()) == expected
    assert pool_of(twenty.database.client).operation_count == 0


async def test_an_aggregation_of_a_database(db):
    pipeline = [{"$documents": [{"_id": n} for n in range(9)]}]
    found = await db.aggregate(pipeline, batchSize=2, prefetch=2)
    assert ids([document async for document in found]) == list(range(9))


async def test_batches_are_asked_for_ahead(twenty, commands):
    cursor = twenty.find(batch_size=4, prefetch=1)
    assert commands.names == []
    await cursor.next()
    assert commands.names == ["find", "getMore"]
    for _ in range(3):
        await cursor.next()
    assert commands.names == ["find", "getMore"]
    await cursor.next()
    assert commands.names == ["find", "getMore", "getMore"]
    assert cursor.retrieved == 8
    await cursor.close()
    commands.clear()
    cursor = await twenty.aggregate([], batchSize=4, prefetch=3)
    assert commands.names == ["aggregate", "getMore", "getMore", "getMore"]
    await cursor.close()


async def test_nothing_is_asked_for_behind_a_limit_or_the_end(twenty, commands):
    assert len(await twenty.find(batch_size=4, limit=8, prefetch=1).to_list()) == 8
    assert commands.names == ["find", "getMore"]
    commands.clear()
    assert len(await twenty.find(batch_size=COUNT + 1, prefetch=3).to_list()) == COUNT
    assert commands.names == ["find"]


async def test_without_it_nothing_is_asked_for_ahead(twenty, commands):
    for cursor in (twenty.find(batch_size=4), twenty.find(batch_size=4, prefetch=0)):
        commands.clear()
        await cursor.next()
        assert commands.names == ["find"]
        await cursor.close()


async def test_copies_and_rewound_cursors_do_it_too(twenty, commands):
    cursor = twenty.find(batch_size=4, prefetch=1)
    await cursor.next()
    for again in (cursor.clone(), await cursor.rewind()):
        commands.clear()
        await again.next()
        assert commands.names == ["find", "getMore"]
        assert ids(await again.to_list()) == list(range(1, COUNT))


async def test_events_are_in_order(twenty, commands):
    """Every command is followed by its outcome, and outcomes come as the commands were sent."""
    await twenty.find(batch_size=3, prefetch=2).to_list()
    started, ended = [], []
    for event in commands.events:
        if hasattr(event, "command"):
            started.append(event.request_id)
        else:
            assert event.request_id in started
            ended.append(event.request_id)
    assert started == ended
    assert len(started) == len(set(started))


async def test_it_needs_no_thread_and_no_task(twenty):
    before = threading.active_count()
    cursor = twenty.find(batch_size=3, prefetch=5)
    await cursor.next()
    assert threading.active_count() == before
    await cursor.close()


# -- what is refused --


async def test_what_is_no_number_of_batches(twenty):
    for wrong in ("1", 1.0, None, True):
        with pytest.raises(TypeError, match="prefetch must be an instance of int"):
            twenty.find(prefetch=wrong)
    for wrong in (-1, 65):
        with pytest.raises(ValueError, match="from 0 to 64"):
            await twenty.aggregate([], prefetch=wrong)


async def test_what_has_nothing_to_read_ahead(twenty, commands):
    exhaust = twenty.find(cursor_type=CursorType.EXHAUST, prefetch=1)
    negative = twenty.find(limit=-3, prefetch=1)
    for cursor, reason in ((exhaust, "exhaust"), (negative, "negative limit")):
        with pytest.raises(InvalidOperation, match=f"prefetch and a? ?{reason} together"):
            await cursor.next()
    with pytest.raises(InvalidOperation, match="nothing is read"):
        await twenty.aggregate([{"$out": "elsewhere"}], prefetch=1)
    with pytest.raises(TypeError, match="prefetch"):
        await twenty.find_one({}, prefetch=1)
    with pytest.raises(InvalidOperation, match="cannot set options after executing query"):
        started = twenty.find(batch_size=2)
        await started.next()
        started.prefetch(1)
    assert commands.work == ["find"]
    await started.close()


async def test_a_client_with_one_connection(make_client, twenty):
    client = make_client(maxPoolSize=1)
    with pytest.raises(ConfigurationError, match="maxPoolSize"):
        client[twenty.database.name][twenty.name].find(prefetch=1)


async def test_a_transaction(twenty, client):
    async with client.start_session() as session, await _transaction(session):
        with pytest.raises(InvalidOperation, match="in a transaction"):
            await twenty.find(session=session, prefetch=1).next()
        with pytest.raises(InvalidOperation, match="in a transaction"):
            await twenty.aggregate([], session=session, prefetch=1)


async def _transaction(session):
    begun = session.start_transaction()
    return await begun if hasattr(begun, "__await__") else begun


async def test_a_transaction_that_begins_later(twenty, client, commands):
    async with client.start_session() as session:
        cursor = twenty.find(batch_size=4, session=session, prefetch=1)
        await cursor.next()
        await cursor.to_list(7)
        assert commands.names == ["find", "getMore", "getMore"]
        rest = await cursor.to_list(4)  # what was asked for before
        commands.clear()
        await cursor.close()
        async with await _transaction(session):
            await twenty.update_one({"_id": 1}, {"$set": {"a": 1}}, session=session)
    assert ids(rest) == [8, 9, 10, 11]


# -- in a session --


async def test_an_explicit_session(twenty, client, commands):
    async with client.start_session() as session:
        async for document in twenty.find(batch_size=3, session=session, prefetch=2):
            await twenty.update_one(document, {"$set": {"a": 1}}, session=session)
    lsids = [event.command["lsid"] for event in commands.started_events]
    assert all(lsid == lsids[0] for lsid in lsids)
    assert await twenty.count_documents({"a": 1}) == COUNT


async def test_the_session_of_a_finished_cursor_is_used_again(twenty, commands):
    await twenty.find(batch_size=3, prefetch=2).to_list()
    await twenty.find_one()
    lsids = [event.command["lsid"] for event in commands.started_events]
    assert all(lsid == lsids[0] for lsid in lsids)


# -- connections --


async def test_the_last_connection_is_left_to_others(make_client, twenty):
    """However many cursors read ahead, those who read them can do something with what they get."""
    client = make_client(maxPoolSize=3, waitQueueTimeoutMS=20_000)
    mine = client[twenty.database.name][twenty.name]
    cursors = [mine.find(batch_size=3, prefetch=1) for _ in range(5)]
    seen = [[(await cursor.next())["_id"]] for cursor in cursors]
    assert pool_of(client).operation_count == 2
    for cursor, found in zip(cursors, seen, strict=True):
        async for document in cursor:
            await mine.update_one(document, {"$inc": {"n": 1}})
            found.append(document["_id"])
    assert all(found == list(range(COUNT)) for found in seen)
    assert pool_of(client).operation_count == 0
    assert pool_of(client).size <= 3


async def test_a_connection_is_kept_only_while_replies_are_due(twenty, client):
    cursor = twenty.find(batch_size=6, prefetch=1)
    await cursor.next()
    assert pool_of(client).operation_count == 1
    async for _ in cursor:
        pass
    assert pool_of(client).operation_count == 0


# -- ends --


async def test_a_consumer_that_stops_early(twenty, client):
    for batches in (1, 3):
        cursor = twenty.find(batch_size=3, prefetch=batches)
        await cursor.next()
        cursor_id = cursor.cursor_id
        await cursor.close()
        assert not await is_open(twenty, cursor_id)
        assert ids(await cursor.to_list()) == [1, 2]
        assert not cursor.alive
        assert pool_of(client).operation_count == 0


async def test_closed_cursors_tell_listeners(twenty, commands):
    async with twenty.find(batch_size=3, prefetch=2) as cursor:
        await cursor.next()
    started = [event.request_id for event in commands.started_events]
    ended = [event.request_id for event in commands.events if not hasattr(event, "command")]
    assert sorted(started) == sorted(ended)


async def test_a_dropped_cursor(twenty, client):
    cursor = twenty.find(batch_size=3, prefetch=2)
    await cursor.next()
    cursor_id = cursor.cursor_id
    assert pool_of(client).operation_count == 1
    del cursor
    gc.collect()
    await client._core._housekeeper.bury_all(client._core)
    # Or the client's own housekeeping was before us, and has not ended yet.
    while await is_open(twenty, cursor_id) or pool_of(client).operation_count:
        pass


async def _answered(coll, cursor, batches):
    """Wait until the server has answered so many getMores of a cursor."""
    pipeline = [
        {"$currentOp": {"idleCursors": True}},
        {"$match": {"type": "idleCursor", "cursor.cursorId": Int64(cursor.cursor_id)}},
    ]
    while True:
        async for operation in await coll.database.client.admin.aggregate(pipeline):
            if operation["cursor"]["nBatchesReturned"] == batches:
                return


async def _kill(coll, cursor):
    await coll.database.command("killCursors", coll.name, cursors=[cursor.cursor_id])


@pytest.mark.parametrize("batches", [1, 3])
async def test_a_cursor_killed_elsewhere(twenty, client, batches):
    """The documents that came before it was killed are given, then the error comes."""
    cursor = twenty.find(batch_size=4, prefetch=batches)
    await cursor.next()
    await _answered(twenty, cursor, 1 + batches)
    await _kill(twenty, cursor)
    came = 4 * (1 + batches)
    assert ids(await cursor.to_list(came - 1)) == list(range(1, came))
    with pytest.raises(CursorNotFound):
        await cursor.next()
    assert not cursor.alive
    assert pool_of(client).operation_count == 0


async def test_an_error_of_the_query_comes_in_its_place(coll, client):
    await coll.insert_many([{"_id": n, "d": 8 - n} for n in range(12)])
    pipeline = [{"$sort": {"_id": 1}}, {"$project": {"q": {"$divide": [1, "$d"]}}}]
    cursor = await coll.aggregate(pipeline, batchSize=4, prefetch=1)
    found = await cursor.to_list(8)
    assert ids(found) == list(range(8))
    with pytest.raises(OperationFailure, match="divide by zero"):
        await cursor.next()
    assert pool_of(client).operation_count == 0


class _Refused(Exception):
    """What a decoder of a user's raises."""


class _Decoder(TypeDecoder):
    bson_type = Decimal128

    def transform_bson(self, value):
        raise _Refused


async def test_documents_that_cannot_be_decoded(coll, client):
    await coll.insert_many([{"_id": n} for n in range(5)] + [{"_id": 5, "n": Decimal128("1")}])
    await coll.insert_many([{"_id": n} for n in range(6, 12)])
    options = CodecOptions(type_registry=TypeRegistry([_Decoder()]))
    cursor = coll.with_options(options).find(batch_size=2, prefetch=2)
    found = await cursor.to_list(4)
    cursor_id = cursor.cursor_id
    assert ids(found) == [0, 1, 2, 3]
    with pytest.raises(_Refused):
        await cursor.next()
    await client._core._housekeeper.bury_all(client._core)
    assert pool_of(client).operation_count == 0
    assert not await is_open(coll, cursor_id)


async def test_a_server_killed_in_the_middle(flavour):
    """What has come is given in its order, then the error comes."""
    with LocalServer() as server:
        client = flavour.make(server.uri, serverSelectionTimeoutMS=500)
        try:
            coll = client.test.things
            await coll.insert_many([{"_id": n} for n in range(COUNT)])
            cursor = coll.find(batch_size=4, prefetch=2)
            await cursor.next()
            await _answered(coll, cursor, 3)
            server.kill(0)
            found = [0]
            with pytest.raises(AutoReconnect):
                async for document in cursor:
                    found += ids([document])
            assert found == list(range(len(found)))
            assert len(found) >= 4
            assert not cursor.alive
            assert pool_of(client).operation_count == 0
        finally:
            await client.close()


async def test_a_consumer_that_is_cancelled(twenty, client, flavour):
    if flavour.is_sync:
        pytest.skip("nothing is cancelled here")
    await twenty.insert_many([{"_id": n, "slow": True} for n in range(COUNT, COUNT + 4)])
    slow = {"$where": "if (this.slow) sleep(60000); return true;"}
    cursor = twenty.find(slow, batch_size=COUNT, prefetch=1)
    await cursor.to_list(COUNT)
    waiting = flag()

    async def consume():
        waiting.set()
        await cursor.next()

    task = begin(consume())
    await waiting.wait()
    task.cancel()
    with pytest.raises(WasCancelled):
        await task
    cursor_id = cursor.cursor_id
    await client._core._housekeeper.bury_all(client._core)
    assert pool_of(client).operation_count == 0
    assert not await is_open(twenty, cursor_id)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork-safe")
async def test_a_child_process(flavour, make_client, twenty):
    """It gives what it has, and leaves the rest to the parent."""
    if not flavour.is_sync:
        pytest.skip("event loops do not survive a fork")
    client = make_client()
    mine = client[twenty.database.name][twenty.name]
    cursor = mine.find(batch_size=4, prefetch=2)
    await cursor.next()
    pid = os.fork()
    if pid == 0:
        outcome = 1
        try:
            found = ids(await cursor.to_list(3))
            await cursor.next()
        except InvalidOperation as exc:
            outcome = 0 if found == [1, 2, 3] and "after a fork" in str(exc) else 2
        await cursor.close()
        os._exit(outcome)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert ids(await cursor.to_list()) == list(range(1, COUNT))


async def test_a_client_that_is_closed(make_client, twenty):
    client = make_client()
    cursor = client[twenty.database.name][twenty.name].find(batch_size=3, prefetch=2)
    await cursor.next()
    pool = pool_of(client)
    await client.close()
    assert ids(await cursor.to_list(8)) == list(range(1, 9))  # what had been asked for
    with pytest.raises(InvalidOperation, match="after close"):
        await cursor.next()
    gc.collect()  # the pool knows it by a weak reference, which goes later on PyPy
    assert pool.size == 0


async def test_a_cursor_that_outlives_its_client(make_client, twenty, flavour):
    """Whoever drops it leaves no connection open."""
    client = make_client()
    cursor = client[twenty.database.name][twenty.name].find(batch_size=3, prefetch=2)
    await cursor.next()
    connection = (cursor._object if flavour.is_sync else cursor)._connection
    await client.close()
    assert not connection.closed
    del cursor
    gc.collect()
    while not (flavour.is_sync or connection.closed):
        await pass_on()  # its loop closes it
    assert connection.closed


async def test_time_limits_are_those_of_the_reader(make_client, twenty):
    """How long its documents are looked at does not count."""
    client = make_client(timeoutMS=3000)
    cursor = client[twenty.database.name][twenty.name].find(batch_size=6, prefetch=1)
    found = [await cursor.next()]
    await twenty.find_one({"$where": "sleep(200); return true;"})
    with mongodriver.timeout(5):
        found += await cursor.to_list()
    assert ids(found) == list(range(COUNT))


# -- change streams --


@pytest.fixture
def watched(coll, db, flavour):
    """An empty collection that exists."""
    flavour.run(db.create_collection(coll.name))
    return coll


def keys(changes):
    return [change["documentKey"]["_id"] for change in changes]


async def _stream(coll, batches, **options):
    return (await coll.watch(batch_size=3, max_await_time_ms=100, **options)).prefetch(batches)


@pytest.mark.parametrize("batches", [1, 3])
async def test_a_change_stream(watched, batches, client):
    async with await _stream(watched, batches) as stream:
        assert await stream.try_next() is None
        await watched.insert_many([{"_id": n} for n in range(10)])
        changes = [await stream.next() for _ in range(10)]
        assert keys(changes) == list(range(10))
        await watched.insert_one({"_id": 10})
        assert keys([await stream.try_next()]) == [10]
        assert await stream.try_next() is None
        await watched.insert_one({"_id": 11})
        assert keys([await stream.next()]) == [11]
    assert pool_of(client).operation_count == 0


async def test_nothing_is_old_news(watched):
    """That there is no change is what the server says now, not what it said some time ago."""
    async with await _stream(watched, 1) as stream:
        await watched.insert_one({"_id": 0})
        assert keys([await stream.next()]) == [0]
        await _idle_cursor(watched, stream)
        await watched.insert_one({"_id": 1})
        assert keys([await stream.try_next()]) == [1]


async def _idle_cursor(coll, stream):
    """The cursor of a stream, when the getMores that were sent ahead have been answered."""
    cursor = (stream._object if hasattr(stream, "_object") else stream)._cursor
    pipeline = [
        {"$currentOp": {"idleCursors": True}},
        {"$match": {"type": "idleCursor", "cursor.cursorId": Int64(cursor.cursor_id)}},
    ]
    while not await (await coll.database.client.admin.aggregate(pipeline)).to_list():
        pass
    return cursor


@pytest.mark.parametrize("batches", [1, 3])
async def test_the_resume_token_is_that_of_what_was_given(watched, batches):
    async with await _stream(watched, batches) as stream:
        await watched.insert_many([{"_id": n} for n in range(12)])
        for n in range(7):
            change = await stream.next()
            token = stream.resume_token
            assert keys([change]) == [n]
            async with await _stream(watched, batches, resume_after=token) as other:
                assert keys([await other.next()]) == [n + 1]


@pytest.mark.parametrize("batches", [1, 3])
async def test_a_stream_goes_on_when_its_cursor_is_lost(watched, batches, client):
    async with await _stream(watched, batches) as stream:
        await watched.insert_many([{"_id": n} for n in range(12)])
        seen = [await stream.next()]
        await _kill(watched, await _idle_cursor(watched, stream))
        seen += [await stream.next() for _ in range(11)]
        assert keys(seen) == list(range(12))
        assert await stream.try_next() is None
    assert pool_of(client).operation_count == 0


async def test_what_a_stream_refuses(watched):
    async with await watched.watch() as stream:
        with pytest.raises(ValueError, match="from 0 to 64"):
            stream.prefetch(-1)


# -- other ways to a server --


async def test_a_connection_that_breaks_behind_the_end(make_client, twenty, monkeypatch):
    """The last batch has come: what is still to be read is no loss."""
    client = make_client()
    receive = Connection.receive
    replies = []

    async def cut(self, deadline, request_id=None):
        reply = await receive(self, deadline, request_id)
        if self.pinned:
            replies.append(reply)
            if len(replies) > 5:  # the fifth is the end: there is no more
                self.close()
                raise OSError("cut")
        return reply

    monkeypatch.setattr(Connection, "receive", cut)
    mine = client[twenty.database.name][twenty.name]
    assert ids(await mine.find(batch_size=4, prefetch=3).to_list()) == list(range(COUNT))
    assert len(replies) == 6


@pytest.mark.parametrize("services", [0, 2])
async def test_through_mongos_and_load_balancers(make_client, twenty, server, services):
    """Behind a load balancer a cursor has a connection of its own anyway, which it keeps."""
    host, port = server.uri.removeprefix("mongodb://").split("/")[0].split(":")
    with ShardedProxy((host, int(port)), services) as proxy:
        options = {"loadBalanced": True} if services else {}
        client = make_client("mongodb://{}:{}".format(*proxy.address), **options)
        mine = client[twenty.database.name][twenty.name]
        for batches in (1, 3):
            found = await mine.find(batch_size=3, prefetch=batches).to_list()
            assert ids(found) == list(range(COUNT))
            async with mine.find(batch_size=3, prefetch=batches) as cursor:
                await cursor.next()
            assert pool_of(client).operation_count == 0
        assert ids(await mine.find(batch_size=3).to_list()) == list(range(COUNT))


async def test_compressed(make_client, twenty):
    client = make_client(compressors="zlib")
    mine = client[twenty.database.name][twenty.name]
    assert ids(await mine.find(batch_size=3, prefetch=2).to_list()) == list(range(COUNT))


async def test_an_overloaded_server_is_asked_again(make_client, twenty, client):
    """The getMore that it has shed was not done: another one gives the same batch."""
    labels = ["SystemOverloadedError", "RetryableError"]
    data = {"failCommands": ["getMore"], "errorCode": 2, "errorLabels": labels}
    name = f"prefetch{uuid.uuid4().hex[:8]}"
    mine = make_client(appname=name)[twenty.database.name][twenty.name]
    fail = {"configureFailPoint": "failCommand", "mode": {"times": 1}}
    await client.admin.command({**fail, "data": {**data, "appName": name}})
    assert ids(await mine.find(batch_size=6, prefetch=1).to_list()) == list(range(COUNT))
