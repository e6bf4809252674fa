"""Cursors: their states, what may be done in each, and how they end."""

from __future__ import annotations

import copy
from typing import Any


async def _filled(s: Any, count: int = 5) -> Any:
    await s.t.insert_many([{"_id": n, "a": n % 2} for n in range(count)])
    return s.t


def _state(cursor: Any) -> list[Any]:
    return [cursor.alive, cursor.cursor_id, cursor.retrieved, cursor.address is None]


async def states_of_a_cursor(s):
    t = await _filled(s)
    cursor = t.find({}, batch_size=2)
    s.show(*_state(cursor))
    while cursor.alive:
        await s.of(cursor.next())
        s.show(*_state(cursor))
    await s.of(cursor.next())


async def states_of_one_batch(s):
    t = await _filled(s, 2)
    cursor = t.find({})
    async for document in cursor:
        s.show(document, *_state(cursor))
    s.show(*_state(cursor))


async def exactly_one_batch_by_limit(s):
    t = await _filled(s)
    cursor = t.find({}).limit(2).batch_size(2)
    await s.of(cursor.to_list())
    s.show(*_state(cursor))


async def setters_after_the_first_document(s):
    t = await _filled(s)
    cursor = t.find({})
    await cursor.next()
    for setter, argument in (
        *(("limit", 1), ("skip", 1), ("batch_size", 1), ("sort", "a"), ("hint", "_id_")),
        *(("comment", "x"), ("max_time_ms", 5), ("max_await_time_ms", 5), ("where", "x")),
        *(("min", [("a", 1)]), ("max", [("a", 1)]), ("collation", None), ("max_scan", 1)),
        *(("allow_disk_use", True),),
    ):
        await s.of(lambda setter=setter, argument=argument: getattr(cursor, setter)(argument))
    await s.of(cursor.add_option(2))
    await s.of(lambda: cursor.remove_option(2))
    await cursor.close()


async def setters_give_the_cursor(s):
    cursor = s.t.find({})
    s.show(
        cursor.limit(1) == cursor,
        cursor.skip(1) == cursor,
        cursor.sort("a") == cursor,
        cursor.hint("_id_") == cursor,
        cursor.comment("x") == cursor,
        cursor.max_time_ms(5) == cursor,
        cursor.collation({"locale": "en"}) == cursor,
    )


async def closing(s):
    t = await _filled(s)
    s.events.killing = True
    cursor = t.find({}, batch_size=2)
    await cursor.next()
    await s.of(cursor.close())
    s.show(*_state(cursor))
    await s.of(cursor.next())
    await s.of(cursor.next())
    await s.of(cursor.close())
    await s.of(cursor.to_list())


async def closing_before_the_first_batch(s):
    cursor = s.t.find({})
    await s.of(cursor.close())
    s.show(*_state(cursor))
    await s.of(cursor.next())


async def closing_an_exhausted_one(s):
    t = await _filled(s)
    s.events.killing = True
    cursor = t.find({})
    await cursor.to_list()
    await s.of(cursor.close())


async def a_block_closes(s):
    t = await _filled(s)
    s.events.killing = True
    async with t.find({}, batch_size=2) as cursor:
        await s.of(cursor.next())
    s.show(*_state(cursor))


async def rewinding(s):
    t = await _filled(s)
    cursor = t.find({}, batch_size=3)
    await s.of(cursor.to_list())
    await s.of(cursor.rewind())
    s.show(*_state(cursor))
    await s.of(cursor.to_list())


async def rewinding_half_way_with_other_settings(s):
    t = await _filled(s)
    cursor = t.find({}, batch_size=2)
    await s.of(cursor.next())
    await s.of(cursor.rewind())
    cursor.limit(1).sort("_id", -1)
    await s.of(cursor.to_list())


async def cloning(s):
    t = await _filled(s)
    cursor = t.find({"a": 1}, ["a"], sort=[("_id", -1)], batch_size=2, comment="c")
    await s.of(cursor.next())
    clone = cursor.clone()
    s.show(type(clone).__name__, *_state(clone))
    await s.of(clone.to_list())


async def copying(s):
    t = await _filled(s)
    spec = {"a": {"$in": [1]}}
    from flavour import plain

    cursor = plain(t.find(spec))
    one, other = copy.copy(cursor), copy.deepcopy(cursor)
    s.show(type(one).__name__, type(other).__name__, one.alive, other.alive)
    s.show(one == cursor, bool(cursor), hasattr(cursor, "__len__"))


async def to_list_of_a_length(s):
    t = await _filled(s, 7)
    cursor = t.find({}, batch_size=3)
    await s.of(cursor.to_list(2))
    await s.of(cursor.to_list(length=4))
    await s.of(cursor.to_list(None))
    await s.of(cursor.to_list())
    await s.of(lambda: cursor.to_list(0))


async def a_cursor_that_is_gone(s):
    t = await _filled(s)
    cursor = t.find({}, batch_size=2)
    await cursor.next()
    await s.db.command("killCursors", t.name, cursors=[cursor.cursor_id])
    await s.of(cursor.next())
    await s.of(cursor.next())
    s.show(cursor.alive, cursor.cursor_id)


async def getmore_that_fails(s):
    t = await _filled(s)
    cursor = t.find({}, batch_size=2)
    await cursor.next()
    await s.fail("getMore", errorCode=8)
    await s.of(cursor.to_list())
    s.show(cursor.alive)
    await s.of(cursor.next())


async def a_find_that_is_refused(s):
    cursor = s.t.find({"$bogus": 1})
    await s.of(cursor.next())
    s.show(*_state(cursor))
    await s.of(cursor.next())


async def a_find_that_cannot_be_encoded(s):
    cursor = s.t.find({"a": object()})
    await s.of(cursor.next())
    await s.of(cursor.next())


async def find_is_tried_again(s):
    t = await _filled(s)
    await s.fail("find", errorCode=11600)
    await s.of(t.find_one())


async def find_is_not_tried_again(s):
    client = s.make(retryReads=False)
    await s.fail("find", errorCode=11600)
    await s.of(client[s.db.name][s.t.name].find_one())


async def capped_and_tailable(s):
    await s.db.create_collection(s.t.name, capped=True, size=4096)
    await _filled(s, 3)
    cursor = s.t.find({}, cursor_type=s.pymongo.CursorType.TAILABLE, batch_size=2)
    for _ in range(3):
        await s.of(cursor.next())
    await s.of(cursor.next())
    s.show(cursor.alive)
    await s.t.insert_one({"_id": 9})
    await s.of(cursor.next())
    await cursor.close()


async def tailable_and_waiting(s):
    await s.db.create_collection(s.t.name, capped=True, size=4096)
    await _filled(s, 1)
    kind = s.pymongo.CursorType.TAILABLE_AWAIT
    cursor = s.t.find({}, cursor_type=kind).max_await_time_ms(5)
    await s.of(cursor.next())
    await s.of(cursor.next())
    s.show(cursor.alive)
    await cursor.close()


async def tailable_on_an_empty_collection(s):
    await s.db.create_collection(s.t.name, capped=True, size=4096)
    cursor = s.t.find({}, cursor_type=s.pymongo.CursorType.TAILABLE_AWAIT)
    await s.of(cursor.next())
    s.show(cursor.alive)


async def tailable_on_an_ordinary_collection(s):
    await _filled(s)
    cursor = s.t.find({}, cursor_type=s.pymongo.CursorType.TAILABLE)
    await s.of(cursor.next())


async def overtaken_by_its_collection(s):
    await s.db.create_collection(s.t.name, capped=True, size=4096, max=2)
    await _filled(s, 2)
    cursor = s.t.find({}, cursor_type=s.pymongo.CursorType.TAILABLE)
    await s.of(cursor.to_list(2))
    await s.t.insert_many([{"_id": n} for n in range(10, 16)])
    await s.of(cursor.next())
    s.show(cursor.alive)


async def exhausting(s):
    t = await _filled(s, 7)
    cursor = t.find({}, cursor_type=s.pymongo.CursorType.EXHAUST, batch_size=2)
    await s.of(cursor.to_list())
    s.show(cursor.alive)


async def exhausting_with_what_forbids_it(s):
    exhaust = s.pymongo.CursorType.EXHAUST
    await s.of(lambda: s.t.find({}, cursor_type=exhaust, limit=1))
    await s.of(lambda: s.t.find({}, cursor_type=exhaust).limit(1))
    await s.of(lambda: s.t.find({}, limit=1).add_option(64))


async def explaining(s):
    t = await _filled(s)
    plan = await t.find({"a": 1}).hint("_id_").explain()
    s.show("queryPlanner" in plan, plan["ok"])


async def distinct_of_a_cursor(s):
    t = await _filled(s)
    await s.of(t.find({"_id": {"$gt": 1}}).distinct("a"))
    await s.of(t.find({"_id": {"$gt": 1}}, collation={"locale": "en"}).distinct("a"))


async def raw_batches(s):
    t = await _filled(s)
    batches = [s.bson.decode_all(b) async for b in t.find_raw_batches({}, batch_size=2)]
    s.show(batches)
    cursor = await t.aggregate_raw_batches([{"$sort": {"_id": 1}}], batchSize=3)
    s.show([s.bson.decode_all(b) async for b in cursor])


async def raw_batches_of_nothing(s):
    await s.of(s.t.find_raw_batches({}).to_list())
    await s.of(s.t.find_raw_batches({}).next())


async def command_cursors(s):
    t = await _filled(s)
    cursor = await t.aggregate([{"$sort": {"_id": 1}}], batchSize=2)
    s.show(cursor.alive, cursor.cursor_id != 0, cursor.session)
    await s.of(cursor.next())
    await s.of(cursor.try_next())
    await s.of(cursor.to_list(2))
    await s.of(cursor.try_next())
    await s.of(cursor.try_next())
    await s.of(cursor.next())
    s.show(cursor.alive, cursor.cursor_id)


async def batch_size_of_command_cursors(s):
    t = await _filled(s)
    cursor = await t.aggregate([{"$sort": {"_id": 1}}], batchSize=1)
    await s.of(lambda: cursor.batch_size("x"))
    await s.of(lambda: cursor.batch_size(-1))
    s.show(cursor.batch_size(3) == cursor)
    await s.of(cursor.to_list())


async def closing_command_cursors(s):
    t = await _filled(s)
    s.events.killing = True
    cursor = await t.aggregate([{"$sort": {"_id": 1}}], batchSize=2)
    await s.of(cursor.close())
    s.show(cursor.alive, cursor.cursor_id)
    await s.of(cursor.next())
    async with await t.aggregate([], batchSize=2) as other:
        await s.of(other.next())
    s.show(other.alive)


async def sessions_of_cursors(s):
    t = await _filled(s)
    async with s.client.start_session() as session:
        cursor = t.find({}, batch_size=2, session=session)
        s.show(cursor.session is not None)
        await s.of(cursor.to_list())
    await s.of(lambda: t.find({}, session=session).next())


async def documents_of_other_classes(s):
    t = await _filled(s, 2)
    son = t.with_options(s.bson.CodecOptions(s.bson.SON))
    raw = t.with_options(s.bson.CodecOptions(s.bson.RawBSONDocument))
    await s.of(son.find({}, sort=[("_id", 1)]).to_list())
    await s.of(raw.find({}, sort=[("_id", 1)]).to_list())
    await s.of((await son.aggregate([{"$sort": {"_id": 1}}])).to_list())
    await s.of(raw.find_one({"_id": 1}))
    await s.of(raw.find_one_and_update({"_id": 1}, {"$set": {"b": 1}}))


async def legacy_modifiers_in_a_filter(s):
    t = await _filled(s)
    await s.of(t.find({"$query": {"a": 1}, "$orderby": {"_id": -1}}).to_list())
    await s.of(t.find({"$query": {"a": 1}, "$min": {"_id": 1}, "$hint": {"_id": 1}}).to_list())
    await s.of(t.find({"$query": {}, "$maxTimeMS": 50_000, "$comment": "c"}).to_list())
    await s.of(t.find({"$query": {"a": 1}, "$orderby": {"_id": 1}}, sort=[("_id", -1)]).to_list())
    await s.of(t.find({"$query": {"a": 1}, "$bogus": 1}).to_list())
    await s.of(t.find({"$orderby": {"_id": -1}}).to_list())
    await s.of(t.find_one({"$query": {"a": 1}, "$orderby": {"_id": -1}}))
    await s.of(t.find_one({"$query": {"a": 1}, "$hint": "_id_"}, ["_id"], comment="x"))
    await s.of(t.count_documents({"$query": {}}))
    await s.of(t.find({"$query": {"a": 1}}).distinct("a"))
    await s.of(t.find({"$query": {}, "$readPreference": {"mode": "secondary"}}).to_list())


async def errors_that_end_tailable_cursors(s):
    await s.db.create_collection(s.t.name, capped=True, size=4096)
    await _filled(s, 3)
    for code in (43, 96, 136, 175, 237, 11601, 8):
        cursor = s.t.find({}, cursor_type=s.pymongo.CursorType.TAILABLE, batch_size=2)
        await cursor.to_list(2)
        await s.fail("getMore", errorCode=code)
        await s.of(cursor.next())
        s.show(code, cursor.alive)
