"""Change streams: what they return, where they go on, and when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import mongodriver
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.raw_bson import RawBSONDocument
from bsonx.son import SON
from bsonx.timestamp import Timestamp
from mongodriver.errors import (
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
)
from tasks import WasCancelled, begin, pass_on

pytestmark = pytest.mark.server


@pytest.fixture
def things(coll, db, flavour):
    """An empty collection that exists."""
    flavour.run(db.create_collection(coll.name))
    return coll


async def kill_cursor(coll, stream):
    """The server loses the cursor of a stream."""
    cursor = stream._object._cursor if hasattr(stream, "_object") else stream._cursor
    await coll.database.command("killCursors", coll.name, cursors=[cursor.cursor_id])


def kind(change):
    return change["operationType"], change.get("documentKey", {}).get("_id")


async def test_changes_come_in_their_order(things):
    async with await things.watch() as stream:
        await things.insert_one({"_id": 1})
        await things.update_one({"_id": 1}, {"$set": {"a": 2}})
        await things.delete_one({"_id": 1})
        changes = [await stream.next() for _ in range(3)]
        assert list(map(kind, changes)) == [("insert", 1), ("update", 1), ("delete", 1)]
        assert changes[0]["fullDocument"] == {"_id": 1}
        assert stream.resume_token == changes[2]["_id"]
        assert await stream.try_next() is None
        assert stream.alive
    assert not stream.alive
    assert await stream.try_next() is None
    with pytest.raises(StopAsyncIteration):
        await stream.next()


async def test_scopes(things, db, client):
    async with (
        await db.watch() as of_database,
        await client.watch([{"$match": {"ns.db": db.name}}]) as of_cluster,
    ):
        await db.others.insert_one({"_id": 1})
        for stream in (of_database, of_cluster):
            change = await stream.next()
            assert change["ns"] == {"db": db.name, "coll": "others"}


async def test_a_collection_that_goes(things):
    async with await things.watch() as stream:
        await things.insert_one({"_id": 1})
        await things.drop()
        kinds = [change["operationType"] async for change in stream]
        assert kinds == ["insert", "drop", "invalidate"]
        assert not stream.alive
        after = stream.resume_token
    with pytest.raises(OperationFailure):
        await things.watch(resume_after=after)
    await things.insert_one({"_id": 2})
    async with await things.watch(start_after=after) as stream:
        assert kind(await stream.next()) == ("insert", 2)


async def test_a_cursor_that_the_server_has_lost(things, commands):
    async with await things.watch() as stream:
        await things.insert_one({"_id": 1})
        seen = await stream.next()
        await kill_cursor(things, stream)
        await things.insert_one({"_id": 2})
        commands.clear()
        assert kind(await stream.next()) == ("insert", 2)
        (resumed,) = [e.command for e in commands.started_events if e.command_name == "aggregate"]
        assert resumed["pipeline"] == [{"$changeStream": {"resumeAfter": seen["_id"]}}]


async def test_it_is_lost_before_the_first_change(things, commands):
    async with await things.watch(batch_size=3, comment="why") as stream:
        start = stream.resume_token
        for number in range(3):
            await kill_cursor(things, stream)
            await things.insert_one({"_id": number})
            assert kind(await stream.next()) == ("insert", number)
        first = [e.command for e in commands.started_events if e.command_name == "aggregate"][1]
        assert first["pipeline"] == [{"$changeStream": {"resumeAfter": start}}]
        assert first["cursor"] == {"batchSize": 3}
        assert first["comment"] == "why"


async def test_all_of_it_in_one_session(things, commands):
    async with await things.watch() as stream:
        await kill_cursor(things, stream)
        await things.insert_one({"_id": 1})
        commands.clear()
        await stream.next()
        lsids = [
            event.command["lsid"]
            for event in commands.started_events
            if event.command_name in ("getMore", "aggregate")
        ]
        assert len(lsids) > 1
        assert all(lsid == lsids[0] for lsid in lsids)
        await stream.close()
    await things.find_one()
    found = [e.command["lsid"] for e in commands.started_events if e.command_name == "find"]
    assert found == lsids[:1]  # the stream has given it back


async def test_in_a_session_of_the_users(things, client, commands):
    async with client.start_session() as session:
        async with await things.watch(session=session) as stream:
            await things.insert_one({"_id": 1})
            await stream.next()
        sent = [e.command["lsid"] for e in commands.started_events if "lsid" in e.command]
        assert session.session_id in sent
        assert not session.has_ended


async def test_start_at_a_time(things, client):
    before = await client.admin.command("ping")
    start = before.get("operationTime") or before["$clusterTime"]["clusterTime"]
    await things.insert_one({"_id": 1})
    await things.insert_one({"_id": 2})
    later = Timestamp(start.time, start.inc + 1)
    async with await things.watch(start_at_operation_time=later) as stream:
        assert kind(await stream.next()) == ("insert", 1)


async def test_images_before_and_after(db):
    coll = await db.create_collection("images", changeStreamPreAndPostImages={"enabled": True})
    await coll.insert_one({"_id": 1, "a": 1})
    async with await coll.watch(
        full_document="required", full_document_before_change="required"
    ) as stream:
        await coll.update_one({"_id": 1}, {"$set": {"a": 2}})
        await coll.update_one({"_id": 1}, {"$set": {"a": 3}})
        change = await stream.next()
        assert change["fullDocumentBeforeChange"] == {"_id": 1, "a": 1}
        assert change["fullDocument"] == {"_id": 1, "a": 2}


async def test_expanded_events(things):
    async with await things.watch(show_expanded_events=True) as stream:
        await things.create_index("a")
        assert (await stream.next())["operationType"] == "createIndexes"


class Upper(TypeDecoder):
    bson_type = str

    def transform_bson(self, value: Any) -> Any:
        return value.upper()


@dataclass
class Change:
    operationType: str


@pytest.mark.parametrize(
    "options",
    [
        CodecOptions(SON),
        CodecOptions(RawBSONDocument),
        CodecOptions(type_registry=TypeRegistry([Upper()])),
        CodecOptions(Change),
    ],
    ids=["SON", "raw", "decoder", "typed"],
)
async def test_what_changes_are_made_of(things, options):
    coll = things.with_options(codec_options=options)
    async with await coll.watch() as stream:
        await things.insert_many([{"_id": 1}, {"_id": 2}])
        change = await stream.next()
        if options.document_class is Change:
            assert change == Change("insert")
        else:
            assert change["operationType"].lower() == "insert"
            assert type(change) is options.document_class
        await kill_cursor(things, stream)
        await stream.next()  # the token is what the server has sent, whatever decoders do
        assert await stream.try_next() is None


async def test_without_a_token_there_is_no_going_on(things, commands):
    pipeline = [{"$replaceWith": {"_id": None}}]
    async with await things.watch(pipeline) as stream:
        await things.insert_one({})
        with pytest.raises((InvalidOperation, OperationFailure)):
            await stream.next()
        assert not stream.alive


async def test_the_pipeline_is_that_of_the_call(things):
    pipeline = [{"$match": {"operationType": "delete"}}]
    async with await things.watch(pipeline) as stream:
        pipeline[0]["$match"]["operationType"] = "insert"
        await kill_cursor(things, stream)
        await things.insert_one({"_id": 1})
        await things.delete_one({"_id": 1})
        assert kind(await stream.next()) == ("delete", 1)


async def test_the_time_is_over(things, make_client):
    """The stream lives on, and begins a new cursor at the next call."""
    client = make_client()
    coll = client[things.database.name][things.name]
    async with await coll.watch(max_await_time_ms=60_000) as stream:
        with mongodriver.timeout(0.2), pytest.raises((NetworkTimeout, ExecutionTimeout)):
            await stream.next()
        assert stream.alive
        await coll.insert_one({"_id": 1})
        assert kind(await stream.next()) == ("insert", 1)


async def test_cancelled_while_it_waits(things, flavour):
    if flavour.is_sync:
        pytest.skip("threads cannot be cancelled")
    async with await things.watch(max_await_time_ms=60_000) as stream:
        waiting = begin(stream.next())
        await pass_on()
        waiting.cancel()
        with pytest.raises(WasCancelled):
            await waiting
        await things.insert_one({"_id": 1})
        assert kind(await stream.next()) == ("insert", 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"pipeline": {}}, "pipeline must be a list, not <class 'dict'>"),
        ({"full_document": 3}, "Wrong type for full_document, value must be an instance of str"),
        ({"batch_size": -1}, "The value of batchSize must be a non negative integer"),
        ({"max_await_time_ms": "a"}, "max_await_time_ms must be an integer or None"),
        ({"collation": 3}, "collation must be a dict, an instance of collation.Collation, or None"),
        ({"session": 3}, "'session' argument must be a ClientSession or None"),
    ],
)
async def test_wrong_arguments(things, commands, arguments, error):
    commands.clear()
    with pytest.raises((TypeError, ValueError), match=error):
        await things.watch(**arguments)
    assert commands.names == []


async def test_changes_that_are_at_hand(things, commands):
    """Each is a place to go on from, also with `start_after`, whatever the batch still has."""
    async with await things.watch() as stream:
        await things.insert_many([{"_id": i} for i in range(6)])
        first = await stream.next()
        assert stream.resume_token == first["_id"]
        assert kind(await stream.try_next()) == ("insert", 1)
    async with await things.watch(start_after=first["_id"]) as stream:
        for i in range(1, 4):
            change = await stream.next()
            assert kind(change) == ("insert", i)
            assert stream.resume_token == change["_id"]
        commands.clear()
        await stream._object._resume() if hasattr(stream, "_object") else await stream._resume()
        assert kind(await stream.next()) == ("insert", 4)
        stage = next(e for e in commands.sent if "aggregate" in e)["pipeline"][0]
        assert stage == {"$changeStream": {"resumeAfter": change["_id"]}}
        await stream.close()
        assert await stream.try_next() is None


async def test_what_the_server_refuses(things):
    with pytest.raises(OperationFailure, match="fullDocument"):
        await things.watch(full_document="sometimes")
