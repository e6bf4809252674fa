"""What an overloaded server has shed is sent again where the retries of its kind are on."""

from __future__ import annotations

import contextlib

import pytest

from mongodriver.errors import OperationFailure

pytestmark = pytest.mark.server

READ, WRITE, BOTH, ALWAYS = "read", "write", "both", "always"


async def _update(client, coll):
    await coll.update_many({}, {"$set": {"b": 1}})


async def _find(client, coll):
    await coll.find_one()


async def _get_more(client, coll):
    assert len(await coll.find(batch_size=2).to_list()) == 3


async def _create_index(client, coll):
    await coll.create_index("a")


async def _output(client, coll):
    await (await coll.aggregate([{"$out": "out"}])).to_list()


async def _command(client, coll):
    await coll.database.command("ping")


async def _cursor_command(client, coll):
    await (await coll.database.cursor_command("find", "things")).to_list()


async def _write_in_transaction(client, coll):
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.insert_one({}, session=session)
        try:
            await session.commit_transaction()
        except OperationFailure:
            await session.commit_transaction()  # else it would hold its locks for a minute
            raise


OPERATIONS = [
    ("update", _update, WRITE),
    ("find", _find, READ),
    ("getMore", _get_more, READ),
    ("createIndexes", _create_index, WRITE),
    ("aggregate", _output, BOTH),
    ("ping", _command, BOTH),
    ("find", _cursor_command, READ),
    ("insert", _write_in_transaction, WRITE),
    ("commitTransaction", _write_in_transaction, ALWAYS),
]


@pytest.mark.parametrize(
    ("options", "on"),
    [
        ({}, {READ, WRITE, BOTH, ALWAYS}),
        ({"retryWrites": False}, {READ, ALWAYS}),
        ({"retryReads": False}, {WRITE, ALWAYS}),
        ({"retryReads": False, "retryWrites": False}, {ALWAYS}),
        ({"maxAdaptiveRetries": 0}, set()),
    ],
)
@pytest.mark.parametrize(("command", "run", "kind"), OPERATIONS)
async def test_which_operations_are_sent_again(
    client, db, make_client, command, run, kind, options, on
):
    await db.things.insert_many([{"a": n} for n in range(3)])
    tried = make_client(appName="overloaded", **options)
    data = {
        "failCommands": [command],
        "errorCode": 462,
        "appName": "overloaded",
        "errorLabels": ["SystemOverloadedError", "RetryableError"],
    }
    await client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)
    try:
        fails = contextlib.nullcontext()
        if kind not in on:
            fails = pytest.raises(OperationFailure, match="Failing command")
        with fails:
            await run(tried, tried[db.name].things)
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")
