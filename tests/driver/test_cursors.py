"""Cursors: batches, setters, copies, closing, tailing, streaming, raw batches."""

from __future__ import annotations

import copy
import gc
import time

import pytest
from flavour import Neutral, plain

import bsonx
from bsonx.son import SON
from mongodriver.asynchronous.cursor import AsyncCursor
from mongodriver.cursor import Cursor, CursorType
from mongodriver.errors import CursorNotFound, InvalidOperation, OperationFailure
from tasks import pause

pytestmark = pytest.mark.server


@pytest.fixture
def ten(coll, flavour):
    """A collection of ten documents, ``_id`` 0 to 9."""

    async def fill():
        await coll.insert_many([{"_id": n} for n in range(10)])

    flavour.run(fill())
    return coll


def ids(documents):
    return [document["_id"] for document in documents]


async def test_nothing_is_sent_before_the_first_document(ten, commands):
    cursor = ten.find(batch_size=4)
    assert (cursor.alive, cursor.cursor_id, cursor.address, cursor.retrieved) == (
        True,
        None,
        None,
        0,
    )
    assert commands.work == []
    assert await cursor.next() == {"_id": 0}
    assert commands.work == ["find"]
    assert cursor.retrieved == 4
    assert cursor.address == (await ten.database.client.address)
    assert ids([document async for document in cursor]) == list(range(1, 10))
    assert commands.work == ["find", "getMore", "getMore"]
    assert (cursor.alive, cursor.cursor_id) == (False, 0)
    assert [document async for document in cursor] == []


async def test_batches_belong_to_one_session_and_server(ten, commands):
    await ten.find(batch_size=3).to_list()
    lsids = [event.command["lsid"] for event in commands.started_events]
    assert len(lsids) > 2
    assert all(lsid == lsids[0] for lsid in lsids)


async def test_the_session_of_a_finished_cursor_is_used_again(ten, commands):
    await ten.find(batch_size=3).to_list()
    await ten.find_one()
    lsids = [event.command["lsid"] for event in commands.started_events]
    assert lsids[0] == lsids[-1]


async def test_an_open_cursor_keeps_its_session_to_itself(ten, commands):
    cursor = ten.find(batch_size=3)
    await cursor.next()
    await ten.find_one()
    await cursor.close()
    first, second, kill = (event.command["lsid"] for event in commands.started_events)
    assert first == kill
    assert first != second


async def test_to_list(ten):
    assert ids(await ten.find().to_list()) == list(range(10))
    cursor = ten.find(batch_size=3)
    assert ids(await cursor.to_list(5)) == [0, 1, 2, 3, 4]
    assert ids(await cursor.to_list(2)) == [5, 6]
    assert ids(await cursor.to_list()) == [7, 8, 9]
    assert await cursor.to_list() == []


async def test_limit_and_batch_size(ten, commands):
    assert ids(await ten.find().limit(5).batch_size(2).to_list()) == [0, 1, 2, 3, 4]
    sizes = [command.get("batchSize") for command in commands.sent]
    assert sizes == [2, 2, 1]


async def test_a_negative_limit_is_one_batch(ten, commands):
    assert ids(await ten.find().limit(-4).to_list()) == [0, 1, 2, 3]
    (command,) = commands.sent
    assert (command["limit"], command["singleBatch"]) == (4, True)


async def test_setters_are_refused_once_started(ten):
    cursor = ten.find()
    await cursor.next()
    for change in (
        lambda: cursor.limit(1),
        lambda: cursor.skip(1),
        lambda: cursor.batch_size(1),
        lambda: cursor.sort("_id"),
        lambda: cursor.hint("_id_"),
        lambda: cursor.where("true"),
        lambda: cursor.comment("x"),
        lambda: cursor.collation({"locale": "en"}),
        lambda: cursor.max_time_ms(1),
        lambda: cursor.max_await_time_ms(1),
        lambda: cursor.max([("_id", 1)]),
        lambda: cursor.min([("_id", 1)]),
        lambda: cursor.allow_disk_use(True),
        lambda: cursor.remove_option(1),
        lambda: cursor.max_scan(1),
    ):
        with pytest.raises(InvalidOperation, match="cannot set options after executing query"):
            change()
    with pytest.raises(InvalidOperation, match="cannot set options after executing query"):
        await cursor.add_option(2)


async def test_setters_return_the_cursor(ten):
    cursor = ten.find()
    assert cursor.limit(1).skip(2).sort("_id", -1).batch_size(7) == cursor
    assert ids(await cursor.to_list()) == [7]


async def test_rewind_runs_the_query_again(ten, commands):
    cursor = ten.find(batch_size=4)
    await cursor.next()
    assert await cursor.rewind() == cursor
    assert ids(await cursor.to_list()) == list(range(10))
    assert commands.names.count("find") == 2
    assert "killCursors" in commands.names


async def test_clones_have_not_started_and_share_nothing(ten):
    filter = {"_id": {"$in": [1, 2]}}
    cursor = ten.find(filter).sort("_id", -1)
    await cursor.next()
    clone = cursor.clone()
    assert (clone.retrieved, clone.cursor_id) == (0, None)
    filter["_id"]["$in"].append(3)
    assert ids(await clone.to_list()) == [2, 1]


async def test_copies(ten, flavour):
    cursor = ten.find({"_id": {"$lt": 2}})
    original = cursor._object if flavour.is_sync else cursor
    for made in (copy.copy(original), copy.deepcopy(original)):
        assert made is not original
        other = Neutral(made) if flavour.is_sync else made
        assert ids(await other.to_list()) == [0, 1]


async def test_closing_kills_the_cursor_but_keeps_the_batch(ten, commands):
    cursor = ten.find(batch_size=4)
    await cursor.next()
    cursor_id = cursor.cursor_id
    await cursor.close()
    assert commands.sent[-1]["cursors"] == [cursor_id]
    assert ids([document async for document in cursor]) == [1, 2, 3]
    assert not cursor.alive
    await cursor.close()
    assert commands.names == ["find", "killCursors"]


async def test_leaving_a_with_block_closes(ten, commands):
    async with ten.find(batch_size=2) as cursor:
        await cursor.next()
    assert commands.names == ["find", "killCursors"]


async def test_closing_before_the_start_sends_nothing(ten, commands):
    name = ten.database.name
    cursor = ten.find()
    await cursor.close()
    assert await cursor.to_list() == []
    sent = [event.command_name for event in commands.started_events if event.database_name == name]
    assert sent == []  # a killCursors of another test's cursor may come at any time


async def test_a_dropped_cursor_is_killed_in_the_background(ten, commands, flavour):
    cursor = ten.find(batch_size=2)
    await cursor.next()
    cursor_id = cursor.cursor_id
    del cursor
    gc.collect()
    deadline = time.monotonic() + 10
    while not any(command.get("cursors") == [cursor_id] for command in commands.sent):
        assert time.monotonic() < deadline
        if flavour.is_sync:
            time.sleep(0.01)
        else:
            await pause(0.01)


async def test_a_cursor_killed_elsewhere_raises(ten):
    cursor = ten.find(batch_size=2)
    await cursor.next()
    await ten.database.command("killCursors", ten.name, cursors=[cursor.cursor_id])
    await cursor.next()
    with pytest.raises(CursorNotFound) as caught:
        await cursor.next()
    assert caught.value.code == 43
    assert not cursor.alive


async def test_an_error_at_the_start_leaves_a_dead_cursor(ten):
    cursor = ten.find({"$bad": 1})
    with pytest.raises(OperationFailure):
        await cursor.next()
    assert not cursor.alive
    with pytest.raises(StopAsyncIteration):
        await cursor.next()


async def test_indexing_and_slicing(ten, flavour):
    if not flavour.is_sync:
        with pytest.raises(IndexError, match="AsyncCursor does not support indexing"):
            ten.find()[0]
        return
    cursor = ten.find().sort("_id")
    assert cursor[3] == {"_id": 3}
    assert cursor.retrieved == 0
    assert ids(await ten.find().sort("_id")[2:5].to_list()) == [2, 3, 4]
    assert ids(await ten.find().skip(8)[1:].to_list()) == list(range(1, 10))
    assert ten.find().skip(8)[1] == {"_id": 9}
    assert await ten.find()[4:4].to_list() == []
    sliced = cursor[1:3]
    assert sliced == cursor


async def test_iterating_twice_goes_on(ten):
    cursor = ten.find(batch_size=3)
    first = []
    async for document in cursor:
        first.append(document["_id"])
        if len(first) == 5:
            break
    rest = [document["_id"] async for document in cursor]
    assert first + rest == list(range(10))


async def test_explain_and_distinct(ten):
    plan = await ten.find({"_id": 3}).explain()
    assert plan["queryPlanner"]["namespace"] == ten.full_name
    assert await ten.find({"_id": {"$gt": 7}}).distinct("_id") == [8, 9]


async def test_documents_have_the_class_of_the_codec_options(ten):
    typed = ten.with_options(codec_options=bsonx.codec_options.CodecOptions(SON))
    document = await typed.find_one({"_id": 1})
    assert type(document) is SON
    documents = await typed.find(batch_size=3).to_list()
    assert {type(document) for document in documents} == {SON}


async def test_tailable_cursors_wait_for_more(db):
    capped = await db.create_collection("log", capped=True, size=100_000)
    await capped.insert_many([{"_id": n} for n in range(3)])
    cursor = capped.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(10)
    assert ids([document async for document in cursor]) == [0, 1, 2]
    assert cursor.alive
    await capped.insert_one({"_id": 3})
    assert ids([document async for document in cursor]) == [3]
    await cursor.close()
    assert not cursor.alive


async def test_the_await_time_is_part_of_get_more(db, commands):
    capped = await db.create_collection("log", capped=True, size=100_000)
    await capped.insert_one({"_id": 1})
    cursor = capped.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(12)
    assert len([document async for document in cursor]) == 1
    more = [command for command in commands.sent if "getMore" in command]
    assert [command["maxTimeMS"] for command in more] == [12]
    await cursor.close()


async def test_a_tailable_cursor_on_an_empty_collection_dies(db):
    capped = await db.create_collection("log", capped=True, size=100_000)
    cursor = capped.find(cursor_type=CursorType.TAILABLE)
    assert await cursor.to_list(1) == []
    assert not cursor.alive


async def test_exhaust_cursors_stream_their_batches(ten, commands):
    cursor = ten.find(cursor_type=CursorType.EXHAUST, batch_size=2)
    assert ids(await cursor.to_list()) == list(range(10))
    assert not cursor.alive
    assert await ten.count_documents({}) == 10


async def test_an_exhaust_cursor_closed_early(ten):
    cursor = ten.find(cursor_type=CursorType.EXHAUST, batch_size=2)
    for _ in range(3):
        await cursor.next()
    await cursor.close()
    assert await ten.count_documents({}) == 10


async def test_raw_batches_have_no_index(ten, flavour):
    prefix = "" if flavour.is_sync else "Async"
    with pytest.raises(InvalidOperation, match=f"__getitem__ on {prefix}RawBatchCursor"):
        ten.find_raw_batches()[0]
    cursor = await ten.aggregate_raw_batches([])
    with pytest.raises(InvalidOperation, match=f"__getitem__ on {prefix}RawBatchCommandCursor"):
        cursor[0]


async def test_raw_batches(ten):
    batches = await ten.find_raw_batches(batch_size=4).to_list()
    assert [len(bsonx.decode_all(batch)) for batch in batches] == [4, 4, 2]
    assert ids(bsonx.decode_all(b"".join(batches))) == list(range(10))
    cursor = await ten.aggregate_raw_batches([{"$match": {"_id": {"$lt": 3}}}])
    assert ids(bsonx.decode_all(b"".join([batch async for batch in cursor]))) == [0, 1, 2]


# -- command cursors --


async def test_command_cursors(ten, commands):
    cursor = await ten.aggregate([{"$sort": {"_id": 1}}], batchSize=3)
    assert commands.work == ["aggregate"]
    assert cursor.alive
    assert cursor.cursor_id
    assert await cursor.next() == {"_id": 0}
    assert await cursor.try_next() == {"_id": 1}
    assert ids([document async for document in cursor]) == list(range(2, 10))
    assert (cursor.alive, cursor.cursor_id) == (False, 0)
    assert await cursor.try_next() is None
    with pytest.raises(StopAsyncIteration):
        await cursor.next()


async def test_command_cursors_close(ten, commands):
    async with await ten.aggregate([], batchSize=3) as cursor:
        cursor_id = cursor.cursor_id
    assert commands.sent[-1]["cursors"] == [cursor_id]
    assert ids(await cursor.to_list()) == [0, 1, 2]


async def test_batch_size_of_a_command_cursor(ten, commands):
    cursor = await ten.aggregate([], batchSize=2)
    assert cursor.batch_size(5) == cursor
    await cursor.to_list()
    sizes = [sent["batchSize"] for sent in commands.sent if "getMore" in sent]
    assert sizes == [5, 5]  # others may be for cursors of before, which nobody has kept


async def test_aggregation_into_a_collection(ten, db, commands):
    cursor = await ten.aggregate([{"$match": {"_id": 3}}, {"$out": "copied"}], batchSize=7)
    assert await cursor.to_list() == []
    assert commands.sent[0]["cursor"] == {}
    assert await db.copied.find().to_list() == [{"_id": 3}]


async def test_iteration_goes_by_an_overridden_next(ten, flavour):
    if flavour.is_sync:

        class Marked(Cursor):
            def next(self):
                return {**super().next(), "marked": True}

        cursor = Marked(plain(ten), {}, sort=[("_id", 1)])
        read = list(cursor)
    else:

        class AsyncMarked(AsyncCursor):
            async def next(self):
                return {**await super().next(), "marked": True}

        cursor = AsyncMarked(ten, {}, sort=[("_id", 1)])
        read = [document async for document in cursor]
    assert read == [{"_id": n, "marked": True} for n in range(10)]


async def test_an_overridden_iteration_is_not_what_next_calls(ten, flavour):
    if flavour.is_sync:

        class Marked(Cursor):
            def __next__(self):
                return {**super().__next__(), "marked": True}

        assert list(Marked(plain(ten), {"_id": 1})) == [{"_id": 1, "marked": True}]
        assert Marked(plain(ten), {"_id": 1}).next() == {"_id": 1}
    else:

        class AsyncMarked(AsyncCursor):
            async def __anext__(self):
                return {**await super().__anext__(), "marked": True}

        assert [d async for d in AsyncMarked(ten, {"_id": 1})] == [{"_id": 1, "marked": True}]
        assert await AsyncMarked(ten, {"_id": 1}).next() == {"_id": 1}
