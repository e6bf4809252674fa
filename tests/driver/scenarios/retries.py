"""What is tried again, and how often; time limits; listeners that fail."""

from __future__ import annotations

RETRYABLE = {"errorCode": 112, "errorLabels": ["RetryableWriteError"]}


async def writes_are_tried_once_more(s):
    t, pymongo = s.t, s.pymongo
    for name, write in (
        ("insert", lambda: t.insert_one({"_id": 1})),
        ("insert", lambda: t.insert_many([{"_id": 2}, {"_id": 3}])),
        ("update", lambda: t.update_one({"_id": 1}, {"$set": {"a": 1}})),
        ("update", lambda: t.replace_one({"_id": 1}, {"b": 1})),
        ("delete", lambda: t.delete_one({"_id": 2})),
        ("findAndModify", lambda: t.find_one_and_update({"_id": 1}, {"$set": {"c": 1}})),
        ("insert", lambda: t.bulk_write([pymongo.InsertOne({"_id": 5})])),
    ):
        await s.fail(name, **RETRYABLE)
        await s.of(write)


async def writes_that_fail_twice(s):
    await s.fail("insert", times=2, **RETRYABLE)
    await s.of(s.t.insert_one({"_id": 1}))
    await s.of(s.t.find_one())


async def writes_that_are_not_tried_again(s):
    t = s.t
    for name, write in (
        ("update", lambda: t.update_many({}, {"$set": {"a": 1}})),
        ("delete", lambda: t.delete_many({"_id": 2})),
    ):
        await s.fail(name, **RETRYABLE)
        await s.of(write)
    await s.fail("insert", errorCode=8)
    await s.of(t.insert_one({}))


async def writes_without_retries(s):
    client = s.make(retryWrites=False)
    await s.fail("insert", **RETRYABLE)
    await s.of(client[s.db.name][s.t.name].insert_one({"_id": 1}))


async def reads_are_tried_once_more(s):
    t = s.t
    await t.insert_one({"_id": 1})
    for name, read in (
        ("find", lambda: t.find_one()),
        ("find", lambda: t.find({}).to_list()),
        ("aggregate", lambda: t.count_documents({})),
        ("aggregate", lambda: t.aggregate([])),
        ("count", lambda: t.estimated_document_count()),
        ("distinct", lambda: t.distinct("_id")),
        ("listCollections", lambda: s.db.list_collection_names(filter={"name": t.name})),
        ("listIndexes", lambda: t.index_information()),
        ("listDatabases", lambda: s.client.list_databases(filter={"name": "none"})),
    ):
        await s.fail(name, errorCode=134)
        await s.of(read)


async def reads_that_fail_twice(s):
    await s.fail("find", times=2, errorCode=134)
    await s.of(s.t.find_one())


async def reads_that_are_not_tried_again(s):
    await s.fail("ping", errorCode=134)
    await s.of(s.db.command("ping"))
    await s.fail("aggregate", errorCode=134)
    await s.of(s.t.aggregate([{"$out": s.t.name + "_out"}]))


async def concern_errors_that_can_be_tried_again(s):
    concern = {"code": 91, "errmsg": "down", "errorLabels": ["RetryableWriteError"]}
    await s.fail("insert", writeConcernError=concern, errorLabels=["RetryableWriteError"])
    await s.of(s.t.insert_one({"_id": 1}))


async def a_limit_of_the_server(s):
    await s.t.insert_one({"_id": 1})
    await s.of(s.t.find({"$where": "sleep(200) || true"}, max_time_ms=10).to_list())
    await s.of(s.t.count_documents({"$where": "sleep(200) || true"}, maxTimeMS=10))


async def a_listener_that_fails(s):
    import contextlib
    import io

    class Broken(s.pymongo.CommandListener):
        def started(self, event):
            raise KeyError("mine")

        succeeded = failed = started

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        client = s.make(event_listeners=[Broken()])
        await s.of(client.admin.command("ping"))
    s.show("KeyError: 'mine'" in said.getvalue())


async def listeners_in_their_order(s):
    told = []

    def listener(name):
        def note(self, event):
            told.append((name, type(event).__name__))

        methods = dict.fromkeys(("started", "succeeded", "failed"), note)
        return type(name, (s.pymongo.CommandListener,), methods)()

    client = s.make(event_listeners=[listener("one"), listener("two")])
    await client.admin.command("ping")
    await s.of(client.admin.command("bogus"))
    s.show(told)


async def files_in_sessions(s):
    async with s.client.start_session() as session:
        bucket = s.gridfs.GridFSBucket(s.db, s.t.name)
        await s.of(bucket.upload_from_stream_with_id(1, "f", b"abc", session=session))
        await s.of((await bucket.open_download_stream(1, session=session)).read())
        await s.of(bucket.rename(1, "g", session=session))
        await s.of(bucket.find({}, session=session).to_list())
        await s.of(bucket.delete(1, session=session))
        await session.start_transaction()
        await s.of(lambda: bucket.upload_from_stream("f", b"abc", session=session))
        await s.of(lambda: bucket.open_download_stream(1, session=session))
        await s.of(session.abort_transaction())
