"""Explicit and implicit sessions, causal consistency, snapshots, binding."""

from __future__ import annotations

import copy

from flavour import plain


async def life_of_a_session(s):
    session = s.client.start_session()
    s.show(session.has_ended, session.in_transaction, session.cluster_time, session.operation_time)
    s.show(
        session.client == s.client, session.options.causal_consistency, sorted(session.session_id)
    )
    await s.of(s.t.insert_one({"_id": 1}, session=session))
    s.show(session.cluster_time is not None, session.operation_time is not None)
    await s.of(session.end_session())
    s.show(session.has_ended)
    await s.of(session.end_session())
    await s.of(lambda: s.t.find_one(session=session))
    await s.of(lambda: session.session_id)


async def options_of_start_session(s):
    for options in (
        *({"causal_consistency": False}, {"snapshot": True}, {"causal_consistency": True}),
        *({"snapshot": True, "causal_consistency": True}, {"causal_consistency": 1}),
        {"default_transaction_options": 1},
    ):
        await s.of(lambda options=options: s.client.start_session(**options).options.snapshot)


async def causally_consistent_reads(s):
    async with s.client.start_session(causal_consistency=True) as session:
        await s.of(s.t.find_one(session=session))
        await s.of(s.t.insert_one({"_id": 1}, session=session))
        await s.of(s.t.find_one(session=session))
        await s.of(s.t.count_documents({}, session=session))
        await s.of(s.t.distinct("_id", session=session))


async def reads_that_are_not_causal(s):
    async with s.client.start_session(causal_consistency=False) as session:
        await s.of(s.t.insert_one({"_id": 1}, session=session))
        await s.of(s.t.find_one(session=session))


async def causal_with_a_read_concern(s):
    t = s.t.with_options(read_concern=s.pymongo.ReadConcern("majority"))
    async with s.client.start_session() as session:
        await s.of(t.insert_one({"_id": 1}, session=session))
        await s.of(t.find_one(session=session))


async def advancing(s):
    session, other = s.client.start_session(), s.client.start_session()
    await s.t.insert_one({"_id": 1}, session=session)
    await s.of(lambda: other.advance_cluster_time(session.cluster_time))
    await s.of(lambda: other.advance_operation_time(session.operation_time))
    s.show(other.cluster_time == session.cluster_time)
    s.show(other.operation_time == session.operation_time)
    await s.of(lambda: other.advance_cluster_time(1))
    await s.of(lambda: other.advance_cluster_time({}))
    await s.of(lambda: other.advance_cluster_time({"clusterTime": 5}))
    await s.of(lambda: other.advance_operation_time(1))
    await s.of(lambda: other.advance_operation_time(s.bson.Timestamp(1, 1)))
    await s.of(s.t.find_one(session=other))
    await session.end_session()
    await other.end_session()


async def snapshots(s):
    await s.t.insert_many([{"_id": 1}, {"_id": 2}])
    async with s.client.start_session(snapshot=True) as session:
        await s.of(s.t.find_one({"_id": 1}, session=session))
        await s.of(s.t.count_documents({}, session=session))
        await s.of(s.t.distinct("_id", session=session))
        await s.of(s.t.insert_one({"_id": 3}, session=session))
        await s.of(s.db.command("ping", session=session))
        await s.of(s.t.update_one({}, {"$set": {"a": 1}}, session=session))
        await s.of(lambda: session.start_transaction())


async def of_another_client(s):
    other = s.make()
    session = other.start_session()
    await s.of(lambda: s.t.find_one(session=session))
    await s.of(lambda: s.t.insert_one({}, session=session))
    await session.end_session()


async def what_is_no_session(s):
    for wrong in ({"a": 1}, [1]):
        await s.of(lambda wrong=wrong: s.t.insert_one({}, session=wrong))
        await s.of(lambda wrong=wrong: s.db.command("ping", session=wrong))
        await s.of(lambda wrong=wrong: s.t.bulk_write([s.pymongo.InsertOne({})], session=wrong))
        await s.of(lambda wrong=wrong: s.client.list_database_names(session=wrong))


async def unacknowledged_writes(s):
    async with s.client.start_session() as session:
        await s.of(lambda: s.w0.insert_one({}, session=session))
        await s.of(lambda: s.w0.insert_many([{}], session=session))
        await s.of(lambda: s.w0.update_one({}, {"$set": {"a": 1}}, session=session))
        await s.of(lambda: s.w0.delete_one({}, session=session))
        await s.of(lambda: s.w0.bulk_write([s.pymongo.InsertOne({})], session=session))


async def copies(s):
    session = plain(s.client.start_session())
    await s.of(lambda: copy.copy(session))
    s.show(session)


async def blocks(s):
    async with s.client.start_session() as session:
        await s.of(s.t.insert_one({"_id": 1}, session=session))
    s.show(session.has_ended)

    async def broken():
        async with s.client.start_session() as inner:
            s.show(inner.has_ended)
            raise KeyError("mine")

    await s.of(broken())


async def binding(s):
    session = s.client.start_session()
    async with session.bind() as bound:
        s.show(bound == session)
        await s.of(s.t.insert_one({"_id": 1}))
        await s.of(s.t.find_one())
        await s.of(s.db.command("ping"))
        await s.of(s.t.find({}).to_list())
    s.show(session.has_ended)


async def binding_without_ending(s):
    session = s.client.start_session()
    async with session.bind(end_session=False):
        await s.of(s.t.insert_one({"_id": 1}))
    s.show(session.has_ended)
    await s.of(s.t.find_one(session=session))
    await session.end_session()


async def binding_and_other_clients(s):
    other = s.make()
    session = s.client.start_session()
    async with session.bind():
        await s.of(lambda: other[s.db.name][s.t.name].find_one())
        await s.of(lambda: other[s.db.name][s.t.name].insert_one({}))


async def binding_a_transaction(s):
    await s.t.insert_one({"_id": 0})
    session = s.client.start_session()
    async with session.bind(), await session.start_transaction():
        await s.of(s.t.insert_one({"_id": 1}))
        await s.of(s.t.find({}, sort=["_id"]).to_list())
    s.show(session.has_ended)
    await s.of(s.t.count_documents({}))


async def closed_clients(s):
    client = s.make()
    session = client.start_session()
    t = client[s.db.name][s.t.name]
    await s.of(t.insert_one({"_id": 1}, session=session))
    await client.close()
    await s.of(lambda: t.find_one(session=session))
    await s.of(lambda: t.find_one())
    await s.of(lambda: t.insert_one({}))
    await s.of(lambda: client.start_session())
    await s.of(lambda: client.admin.command("ping"))
    await s.of(lambda: t.find({}).next())
    await s.of(lambda: t.watch())
    await s.of(client.close())
    await s.of(session.end_session())
    s.show(len(client.nodes))


async def ending_at_close(s):
    client = s.make()
    await client[s.db.name][s.t.name].find_one()
    await client.close()
    s.show("closed")
