"""Cancelling in trio: at any moment, before anything was sent, and what is said all the same."""

from __future__ import annotations

import gc
import os
import random
import signal
import warnings

import pytest

from core_kit import PING, Find, Names, Run, make_client, opened, pool_of, wait
from fake_mongod import MONGOS, SILENCE, FakeMongod
from mongodriver import AsyncMongoClient
from mongodriver.write_concern import WriteConcern

trio = pytest.importorskip("trio")

from mongodriver.io.trio_backend import TrioBackend  # noqa: E402

pytestmark = [pytest.mark.trio, pytest.mark.server]


def test_a_cancelled_operation_closes_its_connection():
    async def main():
        async with opened(TrioBackend(), fake.uri, maxpoolsize=1) as client:
            await client.execute(Run(PING))
            pool = pool_of(client)
            (connection,) = pool.idle
            with trio.CancelScope() as scope:

                async def cancel():
                    await wait(client.backend, lambda: fake.of("find"))
                    scope.cancel()

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel)
                    await client.execute(Find("slow"))
            assert scope.cancelled_caught
            left = connection.closed, pool.size, pool.operation_count
            return left, (await client.execute(Run(PING)))["ok"]

    with FakeMongod(MONGOS, lambda r: SILENCE if r.name == "find" else {"ok": 1}) as fake:
        assert trio.run(main) == ((True, 0, 0), 1)


def test_in_a_cancelled_scope_nothing_is_sent():
    async def main():
        async with AsyncMongoClient(fake.uri) as client:
            await client.admin.command("ping")
            pool = pool_of(client._core)
            (connection,) = pool.idle
            things = client.d.things
            silent = things.with_options(write_concern=WriteConcern(w=0))
            with trio.CancelScope() as scope:
                scope.cancel()
                for write in (things.insert_one, silent.insert_one):
                    with pytest.raises(trio.Cancelled):
                        await write({})
            assert pool.idle == [connection]
            assert not connection.closed
            assert (await client.admin.command("ping"))["ok"]

    with FakeMongod(MONGOS) as fake:
        trio.run(main)
        assert not fake.of("insert")
        assert not fake.of("killSessions")
        assert len(fake.of("ping")) == 2


@pytest.mark.parametrize("seed", range(2))
def test_cancelling_at_any_moment_leaves_the_pool_whole(server, seed):
    luck = random.Random(seed)

    async def main():
        async with AsyncMongoClient(server.uri, maxPoolSize=4) as client:
            things = client.core_tests.trio_cancelled
            await things.drop()
            await things.insert_many([{} for _ in range(30)])
            cancelled = 0

            async def read():
                return len(await things.find(batch_size=7).to_list())

            async def note(found):
                found.append(await read())

            async def work():
                nonlocal cancelled
                while cancelled < 100:
                    with trio.CancelScope() as scope:
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(read)
                            for _ in range(luck.randrange(40)):
                                await trio.lowlevel.checkpoint()
                            scope.cancel()
                    cancelled += 1

            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(work)
            pool = pool_of(client._core)
            # The housekeeping may be killing cursors still.
            await wait(client._core.backend, lambda: pool.operation_count == 0)
            found = []
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(note, found)
            return found, pool.size <= 4, len(pool._waiters)

    assert trio.run(main) == ([30] * 8, True, 0)


def test_a_cancelled_transaction_is_aborted(server):
    """Otherwise it would hold its locks until the server gives it up."""
    names = Names()

    async def main():
        async with AsyncMongoClient(server.uri, event_listeners=[names]) as client:
            things = client.core_tests.trio_transactions
            await things.drop()
            await things.insert_one({"_id": 0})
            with trio.CancelScope() as scope:
                session = client.start_session()
                async with session, await session.start_transaction():
                    await things.insert_one({"_id": 1}, session=session)
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
            assert scope.cancelled_caught
            return [document["_id"] async for document in things.find()]

    assert trio.run(main) == [0]
    assert "abortTransaction" in names.answered


def test_a_transaction_is_aborted_whose_next_operation_is_cancelled_at_once(server):
    names = Names()

    async def main():
        async with AsyncMongoClient(server.uri, event_listeners=[names]) as client:
            things = client.core_tests.trio_transactions
            await things.drop()
            with trio.CancelScope() as scope:
                session = client.start_session()
                async with session, await session.start_transaction():
                    await things.insert_one({"_id": 1}, session=session)
                    scope.cancel()
                    await things.insert_one({"_id": 2}, session=session)
            assert scope.cancelled_caught

    trio.run(main)
    assert names.answered[-2:] == ["abortTransaction", "endSessions"]


@pytest.mark.parametrize("explicitly", [True, False])
def test_a_commit_that_is_cancelled_before_aborts(server, explicitly):
    names = Names()

    async def main():
        async with AsyncMongoClient(server.uri, event_listeners=[names]) as client:
            things = client.core_tests.trio_transactions
            await things.drop()
            session = client.start_session()
            with trio.CancelScope() as scope:
                async with await session.start_transaction():
                    await things.insert_one({"_id": 1}, session=session)
                    scope.cancel()
                    if explicitly:
                        await session.commit_transaction()
            assert scope.cancelled_caught
            assert names.answered[-1] == "abortTransaction"
            assert await things.find_one() is None
            async with await session.start_transaction():
                await things.insert_one({"_id": 2}, session=session)
            await session.end_session()
            return [document["_id"] async for document in things.find()]

    assert trio.run(main) == [2]
    assert names.sent.count("commitTransaction") == 1


def test_last_words_end_when_nobody_answers(monkeypatch):
    """The abort of a transaction that was cancelled takes no longer than it may."""
    monkeypatch.setattr("mongodriver.public.transactions.FAREWELL_TIMEOUT", 0.05)

    def answer(request):
        return SILENCE if request.name == "abortTransaction" else {"ok": 1, "n": 1}

    async def main():
        async with AsyncMongoClient(fake.uri) as client:
            with trio.CancelScope() as scope:
                session = client.start_session()
                async with session, await session.start_transaction():
                    await client.d.c.insert_one({}, session=session)
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
            assert scope.cancelled_caught

    with FakeMongod(MONGOS, answer) as fake:
        trio.run(main)
        assert fake.of("abortTransaction")


def test_a_cursor_of_a_cancelled_block_is_left_to_the_housekeeping(server):
    names = Names()

    async def main():
        async with AsyncMongoClient(server.uri, event_listeners=[names]) as client:
            things = client.core_tests.trio_cursors
            await things.drop()
            await things.insert_many([{} for _ in range(10)])
            pool = pool_of(client._core)
            with trio.CancelScope() as scope:
                async with things.find(batch_size=2) as cursor:
                    await cursor.next()
                    idle = set(pool.idle)
                    scope.cancel()
            assert set(pool.idle) == idle  # nothing was sent that nobody waits for
            assert "killCursors" not in names.sent
            await wait(client._core.backend, lambda: "killCursors" in names.sent)

    trio.run(main)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_cursor_whose_close_is_cancelled_is_left_to_the_housekeeping(library):
    anyio = pytest.importorskip("anyio")

    def answer(request):
        if request.name == "find":
            return {"ok": 1, "cursor": {"id": 7, "ns": "d.c", "firstBatch": [{}]}}
        asked = len(fake.of("killCursors"))
        return SILENCE if request.name == "killCursors" and asked == 1 else {"ok": 1}

    async def main():
        async with AsyncMongoClient(fake.uri) as client:
            cursor = client.d.c.find()
            await cursor.next()
            async with anyio.create_task_group() as group:
                group.start_soon(cursor.close)
                await wait(client._core.backend, lambda: fake.of("killCursors"))
                group.cancel_scope.cancel()
            await wait(client._core.backend, lambda: len(fake.of("killCursors")) == 2)

    with FakeMongod(MONGOS, answer) as fake:
        anyio.run(main, backend=library)


def test_ctrl_c_in_the_middle_of_an_operation():
    def answer(request):
        if request.name == "find":
            os.kill(os.getpid(), signal.SIGINT)
            return SILENCE
        return {"ok": 1}

    async def main():
        client = make_client(TrioBackend(), fake.uri)
        await client.execute(Run(PING))
        with pytest.raises(KeyboardInterrupt):
            await client.execute(Find("slow"))
        pool = pool_of(client)
        left = pool.size, pool.operation_count
        reply = await client.execute(Run(PING))
        await client.close()
        return left, reply["ok"]

    with FakeMongod(MONGOS, answer) as fake:
        assert trio.run(main) == ((0, 0), 1)


def test_a_finalizer_sets_an_event_of_a_task_that_waits(server):
    """A client that is collected in one task ends what others wait for."""

    async def main():
        backend = TrioBackend()
        event = backend.event()
        woken = []

        class Sets:
            def __del__(self):
                event.set()

        async def waits():
            woken.append(await event.wait(60))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(waits)
            while event._waiter is None:
                await trio.lowlevel.checkpoint()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Sets()
                gc.collect()
        return woken

    assert trio.run(main) == [True]
