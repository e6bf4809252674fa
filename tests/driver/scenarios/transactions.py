"""Sessions in transactions."""

from __future__ import annotations

from typing import Any

from flavour import is_asynchronous, stepped


async def _begin(s: Any, **options: Any) -> Any:
    await s.t.insert_one({"_id": 0})
    session = s.client.start_session()
    await session.start_transaction(**options)
    return session


def _callback(s: Any, function: Any) -> Any:
    return function if is_asynchronous(s.client) else stepped(function)


async def commit(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    s.show(session.in_transaction, session.has_ended)
    await s.of(session.commit_transaction())
    s.show(session.in_transaction)
    await s.of(s.t.find({}, sort=["_id"]).to_list())
    await session.end_session()
    s.show(session.has_ended)


async def abort(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.of(session.abort_transaction())
    await s.of(s.t.find({}).to_list())
    await s.of(session.abort_transaction())
    await s.of(session.commit_transaction())
    await session.end_session()


async def commit_twice(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.of(session.commit_transaction())
    await s.of(session.commit_transaction())
    await s.of(session.abort_transaction())
    await session.end_session()


async def empty_commit(s):
    session = await _begin(s)
    await s.of(session.commit_transaction())
    await s.of(session.commit_transaction())
    await session.end_session()


async def empty_abort(s):
    session = await _begin(s)
    await s.of(session.abort_transaction())
    await session.end_session()


async def none_started(s):
    session = s.client.start_session()
    await s.of(lambda: session.commit_transaction())
    await s.of(lambda: session.abort_transaction())
    await session.end_session()


async def started_twice(s):
    session = await _begin(s)
    await s.of(lambda: session.start_transaction())
    await session.end_session()


async def started_again_after_each_end(s):
    session = await _begin(s)
    for end in ("commit", "abort", "commit"):
        await s.of(s.t.update_one({"_id": 0}, {"$inc": {"n": 1}}, session=session))
        await s.of(getattr(session, f"{end}_transaction")())
        await session.start_transaction()
    await session.end_session()
    await s.of(s.t.find_one())


async def options_are_sent(s):
    pymongo = s.pymongo
    session = await _begin(
        s,
        read_concern=pymongo.ReadConcern("snapshot"),
        write_concern=pymongo.WriteConcern("majority", wtimeout=60_000),
        max_commit_time_ms=50_000,
    )
    await s.of(s.t.find_one({}, session=session))
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.of(session.commit_transaction())
    await session.end_session()


async def default_options_of_the_session(s):
    pymongo = s.pymongo
    await s.t.insert_one({"_id": 0})
    options = pymongo.TransactionOptions(
        pymongo.ReadConcern("majority"), pymongo.WriteConcern(1), pymongo.Primary(), 40_000
    )
    session = s.client.start_session(default_transaction_options=options)
    await session.start_transaction()
    await s.of(s.t.find_one({}, session=session))
    await s.of(session.commit_transaction())
    s.show(session.options.default_transaction_options.max_commit_time_ms)
    await session.end_session()


async def options_of_the_client_are_inherited(s):
    client = s.make(readConcernLevel="majority", w=1, readPreference="primaryPreferred")
    t = client[s.db.name][s.t.name]
    session = client.start_session()
    await session.start_transaction(read_preference=s.pymongo.Primary())
    await s.of(t.find_one({}, session=session))
    await s.of(session.commit_transaction())
    await session.start_transaction()
    await s.of(lambda: t.find_one({}, session=session))
    await session.end_session()


async def wrong_options(s):
    pymongo = s.pymongo
    session = s.client.start_session()
    await s.of(lambda: session.start_transaction(read_concern=1))
    await s.of(lambda: session.start_transaction(write_concern="x"))
    await s.of(lambda: session.start_transaction(write_concern=pymongo.WriteConcern(0)))
    await s.of(lambda: session.start_transaction(read_preference="x"))
    await s.of(lambda: session.start_transaction(max_commit_time_ms="x"))
    await s.of(lambda: session.start_transaction(bogus=1))
    await s.of(lambda: pymongo.TransactionOptions(read_concern=1))
    await s.of(lambda: pymongo.TransactionOptions(write_concern=1))
    await s.of(lambda: pymongo.TransactionOptions(write_concern=pymongo.WriteConcern(0)))
    await s.of(lambda: pymongo.TransactionOptions(read_preference=1))
    await s.of(lambda: pymongo.TransactionOptions(max_commit_time_ms="x"))
    await session.end_session()


async def block_commits(s):
    await s.t.insert_one({"_id": 0})
    async with s.client.start_session() as session:
        async with await session.start_transaction() as context:
            s.show(type(context).__name__)
            await s.of(s.t.insert_one({"_id": 1}, session=session))
        s.show(session.in_transaction)
    s.show(session.has_ended)
    await s.of(s.t.count_documents({}))


async def block_aborts_on_exception(s):
    await s.t.insert_one({"_id": 0})
    async with s.client.start_session() as session:
        try:
            async with await session.start_transaction():
                await s.of(s.t.insert_one({"_id": 1}, session=session))
                raise KeyError("mine")
        except KeyError as exc:
            s.show(str(exc), session.in_transaction)
    await s.of(s.t.count_documents({}))


async def block_whose_transaction_was_ended_inside(s):
    await s.t.insert_one({"_id": 0})
    async with s.client.start_session() as session, await session.start_transaction():
        await s.of(s.t.insert_one({"_id": 1}, session=session))
        await s.of(session.abort_transaction())
    await s.of(s.t.count_documents({}))


async def session_ended_within(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.of(session.end_session())
    s.show(session.in_transaction)
    await s.of(lambda: session.start_transaction())
    await s.of(lambda: session.commit_transaction())
    await s.of(lambda: session.abort_transaction())
    await s.of(lambda: s.t.insert_one({"_id": 2}, session=session))
    await s.of(s.t.count_documents({}))


async def write_conflict(s):
    session = await _begin(s)
    await s.of(s.t.update_one({"_id": 0}, {"$set": {"a": 1}}, session=session))
    async with s.client.start_session() as other:
        await other.start_transaction()
        await s.of(s.t.update_one({"_id": 0}, {"$set": {"a": 2}}, session=other))
        s.show(other.in_transaction)
        await s.of(other.abort_transaction())
    await s.of(session.commit_transaction())
    await session.end_session()


async def duplicate_key(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 0}, session=session))
    await s.of(s.t.find_one({}, session=session))
    await s.of(session.commit_transaction())
    await session.end_session()


async def bulk_with_error(s):
    session = await _begin(s)
    requests = [s.pymongo.InsertOne({"_id": 1}), s.pymongo.InsertOne({"_id": 0})]
    await s.of(s.t.bulk_write(requests, session=session))
    await s.of(session.abort_transaction())
    await session.end_session()


async def all_writes(s):
    session = await _begin(s)
    t, pymongo = s.t, s.pymongo
    await s.of(t.insert_many([{"_id": n} for n in range(1, 5)], session=session))
    await s.of(t.update_many({}, {"$set": {"a": 1}}, session=session))
    await s.of(t.replace_one({"_id": 1}, {"r": 1}, session=session))
    await s.of(t.delete_one({"_id": 2}, session=session))
    await s.of(t.delete_many({"_id": 3}, session=session))
    await s.of(t.find_one_and_update({"_id": 4}, {"$set": {"b": 1}}, session=session))
    await s.of(t.find_one_and_replace({"_id": 4}, {"c": 1}, session=session))
    await s.of(t.find_one_and_delete({"_id": 4}, session=session))
    await s.of(t.bulk_write([pymongo.DeleteMany({"_id": 0})], session=session))
    await s.of(session.commit_transaction())
    await session.end_session()


async def all_reads(s):
    session = await _begin(s)
    t = s.t
    await s.of(t.find({}, session=session).to_list())
    await s.of(t.count_documents({}, session=session))
    await s.of(t.distinct("_id", session=session))
    await s.of((await t.aggregate([{"$match": {}}], session=session)).to_list())
    await s.of(s.db.command("find", t.name, session=session))
    await s.of(session.commit_transaction())
    await session.end_session()


async def what_servers_refuse(s):
    session = await _begin(s)
    await s.of(s.t.estimated_document_count(session=session))
    await s.of(session.abort_transaction())
    await session.start_transaction()
    await s.of(s.t.create_index("a", session=session))
    await s.of(session.abort_transaction())
    await session.start_transaction()
    await s.of(s.t.drop(session=session))
    await s.of(session.abort_transaction())
    await session.end_session()


async def concerns_of_operations_are_refused(s):
    pymongo = s.pymongo
    session = await _begin(s)
    wm = s.t.with_options(write_concern=pymongo.WriteConcern("majority"))
    rm = s.t.with_options(read_concern=pymongo.ReadConcern("majority"))
    await s.of(wm.insert_one({"_id": 1}, session=session))
    await s.of(rm.find_one({}, session=session))
    await s.of(s.db.command("find", s.t.name, readConcern={"level": "local"}, session=session))
    await s.of(session.abort_transaction())
    await session.end_session()


async def unacknowledged(s):
    session = await _begin(s)
    await s.of(lambda: s.w0.insert_one({"_id": 1}, session=session))
    await s.of(lambda: s.w0.bulk_write([s.pymongo.InsertOne({})], session=session))
    await s.of(session.abort_transaction())
    await session.end_session()


async def cursor_over_several_batches(s):
    session = await _begin(s)
    await s.of(s.t.insert_many([{"_id": n} for n in range(1, 6)], session=session))
    await s.of(s.t.find({}, batch_size=2, session=session).to_list())
    await s.of(session.commit_transaction())
    await session.end_session()


async def other_read_preference(s):
    session = await _begin(s)
    secondary = s.t.with_options(read_preference=s.pymongo.ReadPreference.SECONDARY)
    await s.of(lambda: secondary.find_one({}, session=session))
    await s.of(session.abort_transaction())
    await session.end_session()


async def with_transaction_commits(s):
    await s.t.insert_one({"_id": 0})

    async def work(session):
        await s.t.insert_one({"_id": 1}, session=session)
        return "done"

    async with s.client.start_session() as session:
        callback = _callback(s, work)
        await s.of(session.with_transaction(callback))
        s.show(session.in_transaction)
    await s.of(s.t.count_documents({}))


async def with_transaction_fails(s):
    await s.t.insert_one({"_id": 0})

    async def work(session):
        await s.t.insert_one({"_id": 1}, session=session)
        raise KeyError("mine")

    async with s.client.start_session() as session:
        callback = _callback(s, work)
        await s.of(session.with_transaction(callback))
    await s.of(s.t.count_documents({}))


async def with_transaction_tries_again(s):
    await s.t.insert_one({"_id": 0})
    tries = []

    async def work(session):
        tries.append(1)
        await s.t.insert_one({"_id": 1}, session=session)
        if len(tries) < 3:
            error = s.pymongo.OperationFailure("made up", 251)
            error._add_error_label("TransientTransactionError")
            raise error

    async with s.client.start_session() as session:
        callback = _callback(s, work)
        await s.of(session.with_transaction(callback))
    s.show(len(tries))


async def retry_of_a_commit(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.fail("commitTransaction", errorCode=189, errorLabels=["RetryableWriteError"])
    await s.of(session.commit_transaction())
    await session.end_session()


async def commit_that_fails(s):
    session = await _begin(s)
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    await s.fail("commitTransaction", errorCode=50)
    await s.of(session.commit_transaction())
    await s.of(session.commit_transaction())
    await session.end_session()
