"""Ten thousand cancellations at any await: pool, sessions, cursors and transactions are whole."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest
from forking import Checkouts
from server_state import wait_until_idle

from flavours import ASYNCHRONOUS, run_on
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import PyMongoError
from mongodriver.local import LocalServer
from tasks import WasCancelled, begin, in_thread, pass_on, together

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(3600)]

CANCELLATIONS = int(os.environ.get("PROOF_CANCELLATIONS", "10000"))
WORKERS = 24
POOL = 8
LONGEST = 60  # turns of the loop that an operation may take before it is cancelled


class Proof:
    """Operations that are cancelled, and what is known of them.

    :param seed: of the random choices.
    """

    def __init__(self, client: AsyncMongoClient, seed: str) -> None:
        self.client = client
        self.db = client.proof
        self.chance = random.Random(seed)
        self.cancelled = 0
        self.acknowledged: Counter[int] = Counter()
        self.unknown: Counter[int] = Counter()

    async def count(self, worker: int) -> None:
        await self.db.counts.update_one({"_id": worker}, {"$inc": {"n": 1}}, upsert=True)

    async def read(self, worker: int) -> None:
        assert len(await self.db.many.find(batch_size=7).to_list()) == 50

    async def iterate(self, worker: int) -> None:
        async with await self.db.many.aggregate([{"$match": {}}], batchSize=7) as cursor:
            async for _ in cursor:
                pass

    async def transact(self, worker: int) -> None:
        async def both(session):
            await self.db.pairs.insert_one({"worker": worker, "first": True}, session=session)
            await self.db.pairs.insert_one({"worker": worker, "first": False}, session=session)

        async with self.client.start_session() as session:
            await session.with_transaction(both)

    async def one(self, worker: int) -> None:
        """Begin an operation, and cancel it some turns of the loop later, if it still runs."""
        work = self.chance.choice([self.count, self.read, self.iterate, self.transact])
        task = begin(work(worker))
        for _ in range(self.chance.randrange(LONGEST)):
            if task.done():
                break
            await pass_on()
        if not task.done():
            task.cancel()
            self.cancelled += 1
        try:
            await task
        except (WasCancelled, PyMongoError) as exc:
            assert isinstance(exc, WasCancelled) or work == self.transact, exc
            ended = False
        else:
            ended = True
        if work == self.count:
            (self.acknowledged if ended else self.unknown)[worker] += 1

    async def work(self, worker: int) -> None:
        while self.cancelled < CANCELLATIONS:
            await self.one(worker)


async def check(proof: Proof, checkouts: Checkouts) -> None:
    """Everything is as if nobody had been cancelled."""
    assert checkouts.count == 0
    core = proof.client._core
    lsids = [session.lsid["id"] for session in core.executor.sessions._free]
    assert len(lsids) == len(set(lsids))
    # Every connection of the pool can be had, and works.
    found = await together(*(proof.db.many.count_documents({}) for _ in range(4 * POOL)))
    assert set(found) == {50}
    assert checkouts.count == 0
    counts = {document["_id"]: document["n"] async for document in proof.db.counts.find()}
    for worker in range(WORKERS):
        least = proof.acknowledged[worker]
        assert least <= counts.get(worker, 0) <= least + proof.unknown[worker]
    halves = Counter([document["first"] async for document in proof.db.pairs.find()])
    assert halves[True] == halves[False]


@pytest.mark.parametrize("library", ASYNCHRONOUS)
@pytest.mark.parametrize("seed", ["1"])
def test_cancellations_under_load(seed, library):
    async def main(_: Any) -> None:
        checkouts = Checkouts()
        options: Any = {"event_listeners": [checkouts], "maxPoolSize": POOL}
        async with AsyncMongoClient(server.uri, **options) as client:
            proof = Proof(client, seed)
            await together(*(proof.work(worker) for worker in range(WORKERS)))
            print(proof.cancelled, "cancelled;", sum(proof.acknowledged.values()), "counts done")
            await in_thread(wait_until_idle, watcher)
            await check(proof, checkouts)

    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as watcher:
        watcher.proof.many.insert_many([{"n": number} for number in range(50)])
        watcher.proof.create_collection("pairs")
        run_on(library, main)
