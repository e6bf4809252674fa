"""Applications in uvloop, which uvicorn uses: what they do with a client, on a real server."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from mongodriver import AsyncMongoClient
from mongodriver.errors import DuplicateKeyError

uvloop = pytest.importorskip("uvloop", reason="uvloop is not made for every interpreter")
pytestmark = pytest.mark.server


@pytest.fixture
def in_uvloop(server):
    """Runs ``main(client, collection)`` in uvloop, with a collection of the test's own."""

    def run(main, **options):
        async def whole():
            async with AsyncMongoClient(server.uri, **options) as client:
                database = client[f"test_{uuid.uuid4().hex[:12]}"]
                try:
                    return await main(client, database.things)
                finally:
                    await client.drop_database(database)

        return uvloop.run(whole())

    return run


def test_reads_and_writes(in_uvloop):
    async def main(client, things):
        await things.insert_many([{"_id": n, "a": n % 3} for n in range(1000)])
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 1})
        await things.update_many({"a": 1}, {"$set": {"b": True}})
        found = [d["_id"] async for d in things.find({"b": True}, batch_size=50)]
        sums = await (
            await things.aggregate([{"$group": {"_id": "$a", "n": {"$sum": 1}}}])
        ).to_list()
        async with client.start_session() as session:
            one = await things.find_one({"_id": 7}, session=session)
        return len(found), sorted(d["n"] for d in sums), one

    assert in_uvloop(main) == (333, [333, 333, 334], {"_id": 7, "a": 1, "b": True})


def test_large_documents(in_uvloop):
    async def main(client, things):
        await things.insert_one({"_id": 1, "b": b"x" * 15_000_000})
        found = await asyncio.gather(*[things.find_one() for _ in range(4)])
        return [len(d["b"]) for d in found]

    assert in_uvloop(main) == [15_000_000] * 4


def test_many_tasks_share_a_pool(in_uvloop):
    async def main(client, things):
        await asyncio.gather(*[things.insert_one({"_id": n}) for n in range(300)])
        return await things.count_documents({})

    assert in_uvloop(main, maxPoolSize=5) == 300


def test_a_cancelled_operation_leaves_the_client_usable(in_uvloop):
    async def main(client, things):
        await things.insert_one({})
        begun = client._core
        slow = asyncio.ensure_future(things.find_one({"$where": "sleep(60000) || true"}))
        (server,) = begun.topology.servers
        while not server.pool.operation_count:
            await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        left = server.pool.operation_count
        return left, (await client.admin.command("ping"))["ok"]

    assert in_uvloop(main) == (0, 1.0)
