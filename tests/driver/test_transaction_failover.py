"""The primary dies in the middle of transactions: each is done once, or not at all."""

from __future__ import annotations

import pytest
from flavour import stepped

from mongodriver.errors import PyMongoError
from mongodriver.local import LocalServer
from mongodriver.write_concern import WriteConcern

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

TRANSIENT = "TransientTransactionError"
UNKNOWN = "UnknownTransactionCommitResult"


@pytest.fixture(scope="module")
def replica_set():
    with LocalServer("rs0", members=3) as started:
        yield started


@pytest.fixture
def members(replica_set):
    """A set whose members all run, with a primary."""
    for number, member in enumerate(replica_set.members):
        if not member.running:
            replica_set.restart(number)
    replica_set.primary()
    return replica_set


@pytest.fixture
def set_client(make_client, members):
    return make_client(members.uri, heartbeatFrequencyMS=500, connectTimeoutMS=2000, w="majority")


async def emptied(client):
    coll = client["transactions"]["things"]
    await coll.drop()
    await coll.insert_many([{"_id": n} for n in range(5)])
    return coll


async def test_before_the_commit(flavour, set_client, members):
    coll = await emptied(set_client)
    runs = []

    async def work(session):
        runs.append(None)
        await coll.insert_one({"_id": "one"}, session=session)
        if len(runs) == 1:
            members.kill(members.primary())
        await coll.insert_one({"_id": "two"}, session=session)

    async with set_client.start_session() as session:
        await session.with_transaction(stepped(work) if flavour.is_sync else work)
        assert len(runs) > 1
        async with await session.start_transaction():  # the session goes on
            await coll.insert_one({"_id": "three"}, session=session)
    found = await coll.find({"_id": {"$in": ["one", "two", "three"]}}).to_list()
    assert len(found) == 3


async def test_at_the_commit(set_client, members):
    coll = await emptied(set_client)
    async with set_client.start_session() as session:
        await session.start_transaction(write_concern=WriteConcern("majority"))
        await coll.insert_one({"_id": "one"}, session=session)
        members.kill(members.primary())
        try:
            await session.commit_transaction()
            committed = True
        except PyMongoError as exc:
            # Never replicated before the commit: the next primary does not know of it.
            assert exc.has_error_label(TRANSIENT) or exc.has_error_label(UNKNOWN)
            committed = False
    assert await coll.count_documents({"_id": "one"}) == committed


async def test_a_cursor_in_a_transaction(set_client, members):
    coll = await emptied(set_client)
    async with set_client.start_session() as session:
        with pytest.raises(PyMongoError) as caught:
            async with await session.start_transaction():
                cursor = coll.find({}, batch_size=2, session=session)
                await cursor.next()
                members.kill(members.primary())
                await cursor.to_list()
        assert caught.value.has_error_label(TRANSIENT)
        assert not session.in_transaction
        async with await session.start_transaction():
            assert len(await coll.find({}, batch_size=2, session=session).to_list()) == 5
