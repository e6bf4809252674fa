"""Error 391: the connection logs in again, and the command is sent once more, whatever it is."""

from __future__ import annotations

import contextlib

import pytest
from recording import Commands

from mongodriver import InsertOne, UpdateOne
from mongodriver.errors import OperationFailure

LOGIN = ["saslStart", "saslContinue"]


@pytest.fixture
def commands():
    return Commands()


@pytest.fixture
def client(servers, make_client, commands):
    """A client that has logged in, and repeats nothing of itself."""
    pytest.importorskip("trustme")
    uri = servers.uri("secured set")
    return make_client(
        uri, event_listeners=[commands], retryReads=False, retryWrites=False, appName="again"
    )


@pytest.fixture
def admin(servers, make_client):
    return make_client(servers.uri("secured set"))


@contextlib.asynccontextmanager
async def asking(admin, *names, times=1):
    """The server asks those who send these commands to log in again."""
    data = {"failCommands": list(names), "errorCode": 391, "appName": "again"}
    await admin.admin.command(
        {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data}
    )
    try:
        yield
    finally:
        await admin.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def _read(cursor):
    return [document async for document in cursor]


OPERATIONS = {
    "find": lambda coll: coll.find_one({"x": 1}),
    "aggregate": lambda coll: coll.count_documents({}),
    "count": lambda coll: coll.estimated_document_count(),
    "distinct": lambda coll: coll.distinct("x"),
    "insert": lambda coll: coll.insert_many([{"x": i} for i in range(3)]),
    "update": lambda coll: coll.update_one({"x": 1}, {"$inc": {"y": 1}}),
    "delete": lambda coll: coll.delete_one({"x": 2}),
    "findAndModify": lambda coll: coll.find_one_and_update({"x": 1}, {"$inc": {"y": 1}}),
    "createIndexes": lambda coll: coll.create_index("x"),
    "listIndexes": lambda coll: coll.index_information(),
    "listCollections": lambda coll: coll.database.list_collection_names(),
    "create": lambda coll: coll.database.create_collection("other"),
    "drop": lambda coll: coll.database.drop_collection("other"),
    "ping": lambda coll: coll.database.command("ping"),
    "hostInfo": lambda coll: coll.database.client.admin.command("hostInfo"),
}


async def _prepare(client, name):
    coll = client[name].things
    await client.drop_database(name)
    await coll.insert_many([{"x": 1}, {"x": 2}])
    return coll


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_command_is_sent_again(flavour, client, admin, commands, name):
    async def main():
        coll = await _prepare(client, "again")
        commands.clear()
        async with asking(admin, name):
            result = await OPERATIONS[name](coll)
        assert result is not None or name == "drop"

    flavour.run(main())
    assert commands.names[-4:] == [name, *LOGIN, name]
    first, second = (e for e in commands.started_events if e.command_name == name)
    assert first.connection_id == second.connection_id
    assert first.server_connection_id == second.server_connection_id
    assert first.operation_id == second.operation_id


@pytest.mark.parametrize("name", ["insert", "update"])
def test_what_is_written_is_written_once(flavour, client, admin, name):
    async def main():
        coll = await _prepare(client, "again")
        requests = [InsertOne({"n": i}) for i in range(5)]
        update = UpdateOne({"n": 1}, {"$inc": {"c": 1}})
        async with asking(admin, name):
            result = await coll.bulk_write([*requests, update])
        assert (result.inserted_count, result.modified_count) == (5, 1)
        assert await coll.count_documents({"n": {"$exists": True}}) == 5
        assert (await coll.find_one({"n": 1}))["c"] == 1

    flavour.run(main())


def test_a_cursor_goes_on(flavour, client, admin, commands):
    async def main():
        coll = await _prepare(client, "again")
        await coll.insert_many([{"n": i} for i in range(10)])
        commands.clear()
        async with asking(admin, "getMore"):
            found = await _read(coll.find({"n": {"$exists": True}}, batch_size=4))
        assert len(found) == 10

    flavour.run(main())
    assert commands.work[:5] == ["find", "getMore", *LOGIN, "getMore"]


@pytest.mark.parametrize("name", ["insert", "find", "commitTransaction", "abortTransaction"])
def test_a_transaction_goes_on(flavour, client, admin, commands, name):
    async def main():
        coll = await _prepare(client, "again")
        commands.clear()
        async with client.start_session() as session, asking(admin, name):
            await session.start_transaction()
            if name == "find":
                await coll.find_one({}, session=session)
            await coll.insert_one({"t": 1}, session=session)
            if name == "abortTransaction":
                await session.abort_transaction()
            else:
                await session.commit_transaction()
        assert await coll.count_documents({"t": 1}) == (name != "abortTransaction")

    flavour.run(main())
    twice = [e.command for e in commands.started_events if e.command_name == name][:2]
    assert len(twice) == 2
    assert twice[0].get("startTransaction") == twice[1].get("startTransaction")
    assert twice[0]["txnNumber"] == twice[1]["txnNumber"]
    assert twice[0]["lsid"] == twice[1]["lsid"]


def test_a_session_keeps_its_times(flavour, client, admin):
    async def main():
        coll = await _prepare(client, "again")
        async with client.start_session() as session, asking(admin, "find"):
            assert await coll.find_one({"x": 1}, session=session)

    flavour.run(main())


def test_once_is_enough(flavour, client, admin, commands):
    """A server that asks again and again is not obeyed for ever."""

    async def main():
        coll = await _prepare(client, "again")
        commands.clear()
        async with asking(admin, "find", times=2):
            with pytest.raises(OperationFailure) as caught:
                await coll.find_one({})
            assert caught.value.code == 391
        assert await coll.find_one({})  # the connection is whole

    flavour.run(main())
    assert commands.names == ["find", *LOGIN, "find", "find"]


def test_a_login_that_fails_then_is_raised(flavour, client, admin):
    async def main():
        coll = await _prepare(client, "again")
        async with asking(admin, "find", "saslStart", times=2):
            with pytest.raises(OperationFailure) as caught:
                await coll.find_one({})
            assert caught.value.code == 391
        assert await coll.find_one({})  # over another connection

    flavour.run(main())


def test_whoever_has_not_logged_in_is_told(flavour, server, make_client):
    """Without a credential there is nothing to log in with."""

    async def main():
        client = make_client(server.uri, appName="again", retryReads=False)
        async with asking(client, "find"):
            with pytest.raises(OperationFailure) as caught:
                await client.again.things.find_one({})
            assert caught.value.code == 391

    flavour.run(main())
