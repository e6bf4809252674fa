"""Change streams of collections, databases and clients."""

from __future__ import annotations

from typing import Any

AWAIT = 20


async def _change(s: Any) -> None:
    await s.t.insert_one({"_id": 1, "a": 1})
    await s.t.update_one({"_id": 1}, {"$set": {"a": 2}})
    await s.t.replace_one({"_id": 1}, {"b": 1})
    await s.t.delete_one({"_id": 1})


async def _until_nothing(s: Any, stream: Any) -> None:
    """Show the changes, of which servers may give each in a batch of its own."""
    while (change := await stream.try_next()) is not None:
        s.show(change)


async def of_a_collection(s):
    async with await s.t.watch() as stream:
        s.show(stream.alive, stream.resume_token is not None)
        await s.of(stream.try_next())
        await _change(s)
        for _ in range(4):
            await s.of(stream.next())
        await s.of(stream.try_next())
    s.show(stream.alive)
    await s.of(stream.next())
    await s.of(stream.try_next())


async def of_a_database(s):
    async with await s.db.watch([{"$match": {"ns.coll": s.t.name}}]) as stream:
        await _change(s)
        for _ in range(4):
            await s.of(stream.next())


async def of_a_client(s):
    pipeline = [{"$match": {"ns.db": s.db.name, "ns.coll": s.t.name}}]
    async with await s.client.watch(pipeline) as stream:
        await _change(s)
        for _ in range(4):
            await s.of(stream.next())


async def with_all_options(s):
    stream = await s.t.watch(
        [{"$match": {"operationType": "update"}}],
        full_document="updateLookup",
        full_document_before_change="off",
        max_await_time_ms=AWAIT,
        batch_size=5,
        comment="c",
        show_expanded_events=True,
    )
    await s.t.insert_one({"_id": 1, "a": 1})
    await s.t.update_one({"_id": 1}, {"$set": {"a": 2}})
    await s.of(stream.next())
    await stream.close()


async def a_collation(s):
    stream = await s.t.watch(collation={"locale": "en"})
    await stream.close()


async def a_wrong_time_to_wait(s):
    await s.of(lambda: s.t.watch(max_await_time_ms="x"))


async def expanded_events_refused(s):
    stream = await s.t.watch(show_expanded_events=False)
    await stream.close()


async def updates_with_their_documents(s):
    async with await s.t.watch(full_document="updateLookup") as stream:
        await s.t.insert_one({"_id": 1, "a": 1})
        await s.t.update_one({"_id": 1}, {"$set": {"a": 2}})
        await s.of(stream.next())
        await s.of(stream.next())


async def documents_before_and_after(s):
    await s.db.create_collection(s.t.name, changeStreamPreAndPostImages={"enabled": True})
    options = {"full_document": "required", "full_document_before_change": "required"}
    async with await s.t.watch(**options) as stream:
        await _change(s)
        for _ in range(4):
            await s.of(stream.next())


async def images_that_are_not_kept(s):
    async with await s.t.watch(full_document_before_change="required") as stream:
        await s.t.insert_one({"_id": 1})
        await s.t.update_one({"_id": 1}, {"$set": {"a": 2}})
        await s.of(stream.next())
        await s.of(stream.next())
        s.show(stream.alive)


async def images_when_available(s):
    options = {"full_document": "whenAvailable", "full_document_before_change": "whenAvailable"}
    async with await s.t.watch(**options) as stream:
        await s.t.insert_one({"_id": 1})
        await s.t.update_one({"_id": 1}, {"$set": {"a": 2}})
        await s.of(stream.next())
        await s.of(stream.next())


async def wrong_options(s):
    t = s.t
    await s.of(lambda: t.watch(1))
    await s.of(lambda: t.watch({}))
    await s.of(lambda: t.watch([1]))
    await s.of(lambda: t.watch(full_document="x"))
    await s.of(lambda: t.watch(full_document=1))
    await s.of(lambda: t.watch(full_document_before_change="x"))
    await s.of(lambda: t.watch(batch_size="x"))
    await s.of(lambda: t.watch(batch_size=-1))
    await s.of(lambda: t.watch(start_at_operation_time="x"))
    await s.of(lambda: t.watch(resume_after=1))
    await s.of(lambda: t.watch(resume_after={}))
    await s.of(lambda: t.watch(resume_after={"_data": "x"}))
    await s.of(lambda: t.watch(start_after={"a": 1}))
    await s.of(lambda: t.watch(bogus=1))
    await s.of(lambda: t.watch([{"$bogus": 1}]))


async def resuming_after_a_token(s):
    async with await s.t.watch() as stream:
        await _change(s)
        first = await stream.next()
        await stream.next()
        token = stream.resume_token
    s.show(type(token).__name__, sorted(token))
    async with await s.t.watch(resume_after=first["_id"]) as stream:
        s.show(stream.resume_token == first["_id"])
        for _ in range(3):
            await s.of(stream.next())
    async with await s.t.watch(start_after=token) as stream:
        for _ in range(2):
            await s.of(stream.next())


async def beginning_at_a_time(s):
    reply = await s.db.command("ping")
    await _change(s)
    async with await s.t.watch(start_at_operation_time=reply["operationTime"]) as stream:
        for _ in range(4):
            await s.of(stream.next())


async def resuming_after_an_error(s):
    async with await s.t.watch() as stream:
        await s.t.insert_one({"_id": 1})
        await s.of(stream.next())
        await s.t.insert_one({"_id": 2})
        await s.fail("getMore", errorCode=43, errorLabels=["ResumableChangeStreamError"])
        await s.of(stream.next())


async def resuming_before_the_first_change(s):
    async with await s.t.watch() as stream:
        await s.fail("getMore", errorCode=43, errorLabels=["ResumableChangeStreamError"])
        await s.t.insert_one({"_id": 2})
        await s.of(stream.next())


async def errors_that_end_it(s):
    async with await s.t.watch() as stream:
        await s.fail("getMore", errorCode=8)
        await s.of(stream.next())
        s.show(stream.alive)
        await s.of(stream.try_next())


async def refused_when_it_is_opened(s):
    await s.fail("aggregate", errorCode=8)
    await s.of(s.t.watch())


async def tried_again_when_it_is_opened(s):
    await s.fail("aggregate", errorCode=11600)
    await s.of(s.t.watch())


async def without_ids(s):
    async with await s.t.watch([{"$project": {"_id": 0}}]) as stream:
        await s.t.insert_one({"_id": 1})
        await s.of(stream.next())
        s.show(stream.alive)


async def the_collection_is_dropped(s):
    await s.t.insert_one({"_id": 0})
    async with await s.t.watch() as stream:
        await s.t.drop()
        await s.of(stream.next())
        await s.of(stream.next())
        await s.of(stream.next())
        s.show(stream.alive)
        token = stream.resume_token
    await s.of(lambda: s.t.watch(resume_after=token))
    async with await s.t.watch(start_after=token) as stream:
        await s.t.insert_one({"_id": 5})
        await s.of(stream.next())


async def renaming_and_expanded_events(s):
    await s.t.insert_one({"_id": 0})
    async with await s.t.watch(show_expanded_events=True) as stream:
        await s.t.create_index("a")
        await s.t.drop_index("a_1")
        await s.of(stream.next())
        await s.of(stream.next())


async def closing(s):
    s.events.killing = True
    stream = await s.t.watch()
    await s.of(stream.close())
    await s.of(stream.close())
    s.show(stream.alive)
    await s.of(stream.next())
    await s.of(stream.try_next())


async def with_a_session(s):
    async with s.client.start_session() as session:
        stream = await s.t.watch(session=session)
        await s.t.insert_one({"_id": 1})
        await s.of(stream.next())
        await stream.close()


async def of_raw_documents(s):
    raw = s.t.with_options(s.bson.CodecOptions(s.bson.RawBSONDocument))
    async with await raw.watch() as stream:
        await s.t.insert_one({"_id": 1})
        change = await stream.next()
        s.show(type(change).__name__, type(stream.resume_token).__name__, change["fullDocument"])


async def with_concerns_of_the_collection(s):
    t = s.t.with_options(
        read_concern=s.pymongo.ReadConcern("majority"),
        read_preference=s.pymongo.ReadPreference.SECONDARY_PREFERRED,
    )
    async with await t.watch() as stream:
        await s.t.insert_one({"_id": 1})
        await s.of(stream.next())


async def on_a_view(s):
    await s.t.insert_one({"_id": 1})
    await s.db.create_collection("view_of_" + s.t.name, viewOn=s.t.name, pipeline=[])
    await s.of(s.db["view_of_" + s.t.name].watch())


async def reprs(s):
    stream = await s.t.watch()
    s.show(type(stream).__name__, stream)
    await stream.close()
    stream = await s.db.watch()
    s.show(type(stream).__name__)
    await stream.close()
    stream = await s.client.watch()
    s.show(type(stream).__name__)
    await stream.close()


async def _fail_with(s, names, code, labels=None, times=1):
    """Have the next commands of these names fail."""
    data = {"failCommands": names, "errorCode": code}
    data |= {} if labels is None else {"errorLabels": labels}
    await s.client.admin.command(
        "configureFailPoint", "failCommand", mode={"times": times}, data=data
    )


async def _kill(s):
    """Have the server lose the cursors of the collection."""
    pipeline = [
        {"$currentOp": {"idleCursors": True}},
        {"$match": {"type": "idleCursor", "ns": s.t.full_name}},
        {"$replaceWith": {"id": "$cursor.cursorId"}},
    ]
    cursors = [one["id"] async for one in await s.client.admin.aggregate(pipeline)]
    await s.db.command("killCursors", s.t.name, cursors=cursors)


_LABEL = ["ResumableChangeStreamError"]


async def errors_that_do_not_last_when_it_resumes(s):
    """It lives on, and the next call goes on."""
    for code, labels in ((8, _LABEL), (43, []), (50, None), (280, _LABEL)):
        stream = await s.t.watch(max_await_time_ms=AWAIT)
        await s.t.insert_one({"_id": code})
        await _kill(s)
        await _fail_with(s, ["aggregate"], code, labels)
        for _ in range(2):
            await s.of(stream.try_next())
            s.show(stream.alive)
        await stream.close()


async def errors_that_last_when_it_resumes(s):
    for code, labels in ((8, None), (280, None)):
        stream = await s.t.watch(max_await_time_ms=AWAIT)
        await s.t.insert_one({"_id": code})
        await _kill(s)
        await _fail_with(s, ["aggregate"], code, labels)
        for _ in range(2):
            await s.of(stream.try_next())
            s.show(stream.alive)
        await stream.close()


async def errors_when_it_resumes_at_last(s):
    """Where the call before could not, no error is the end."""
    stream = await s.t.watch(max_await_time_ms=AWAIT)
    await s.t.insert_one({"_id": 1})
    await _fail_with(s, ["getMore", "aggregate"], 8, _LABEL, times=2)
    await s.of(stream.try_next())
    await _fail_with(s, ["aggregate"], 8)
    for _ in range(3):
        await s.of(stream.try_next())
        s.show(stream.alive)
    await stream.close()


async def the_server_runs_out_of_time(s):
    stream = await s.t.watch(max_await_time_ms=AWAIT)
    await s.t.insert_one({"_id": 1})
    await _fail_with(s, ["getMore"], 50)
    for _ in range(3):
        await s.of(stream.try_next())
        s.show(stream.alive)
    await stream.close()


async def one_at_a_time(s):
    stream = await s.t.watch(batch_size=1, max_await_time_ms=AWAIT)
    await s.t.insert_many([{"_id": i} for i in range(3)])
    for _ in range(3):
        await s.of(stream.try_next())
    await stream.close()


async def values_that_are_no_switches(s):
    for value in (0, "", [], None, "x", 1):
        await s.of(lambda value=value: s.t.watch(show_expanded_events=value))
