"""Members that die or freeze in the middle of many operations: who is told, and who waits."""

from __future__ import annotations

import threading
import time

import pytest

from core_kit import PING, Background, Find, Insert, Run, make_client, opened, wait
from flavours import ASYNCHRONOUS, FLAVOURS, run_on
from mongodriver import MongoClient
from mongodriver.errors import AutoReconnect, ServerSelectionTimeoutError
from mongodriver.io.blocking import run
from mongodriver.local import LocalServer
from mongodriver.read_preferences import Nearest
from mongodriver.write_concern import WriteConcern
from tasks import count_tasks

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

QUICK = {"heartbeatfrequencyms": 500, "connecttimeoutms": 2000}
PATIENT = {**QUICK, "serverselectiontimeoutms": 3_600_000}


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture(scope="module")
def replica_set():
    with LocalServer("rs0", members=3) as started:
        yield started


@pytest.fixture
def uri(replica_set):
    for number, member in enumerate(replica_set.members):
        if not member.running:
            replica_set.restart(number)
    replica_set.primary()
    settle(replica_set)
    return replica_set.uri


def settle(replica_set):
    """Wait until every member takes part, and each could undo writes that the others do not have.

    A primary that was paused has to, once it runs again. In a set so young that nothing is known
    to be committed mongod ends itself then ("No stable timestamp available to recover to"): with
    the next primary killed, there would never be another one.
    """
    with MongoClient(replica_set.uri, timeoutMS=60_000) as client:
        write = {"insert": "settled", "documents": [{}], "writeConcern": {"w": 3}}
        written = client.core_tests.command(write)["operationTime"]
    for member in replica_set.members:
        with MongoClient(f"mongodb://{member.address}/?directConnection=true") as client:
            deadline = time.monotonic() + 60
            while committed(client) < written:
                assert time.monotonic() < deadline, "a member does not follow"
                threading.Event().wait(0.02)


def committed(client):
    """The time up to which a member knows its data to be those of the set."""
    return client.admin.command("replSetGetStatus")["optimes"]["lastCommittedOpTime"]["ts"]


async def all_known(client):
    client.open()
    await wait(client.backend, lambda: len(client.description.known_servers) == 3)


async def in_parallel(backend, count, work):
    """Begin `work` so many times, in threads or tasks; a function to wait for their results."""
    results = []

    async def one():
        results.append(await work())

    tasks = [backend.spawn(one, f"worker {number}") for number in range(count)]

    async def finish():
        for task in tasks:
            await task.join(120)
        assert len(results) == count
        return results

    return finish


@pytest.mark.parametrize("fate", ["kill", "pause"])
def test_nobody_who_sent_nothing_hears_of_a_paused_pool(flavour, replica_set, uri, fate):
    """Two connections, and many who wait for one when the primary is lost."""
    lost = []

    async def main(backend):
        async with opened(backend, uri, retryreads=False, maxpoolsize=2, **QUICK) as client:
            await all_known(client)
            counts = [0]

            async def work():
                errors = []
                while not lost or client.topology.fast in (None, *lost):
                    try:
                        await client.execute(Find("lost"))
                    except AutoReconnect as exc:
                        errors.append(exc)
                    counts[0] += 1
                return errors

            finish = await in_parallel(backend, 24, work)
            await wait(backend, lambda: counts[0] > 100)
            primary = replica_set.primary()
            # Not the one the client takes for it, which may become primary again.
            port = replica_set.members[primary].port
            lost.append(next(s for s in client.topology.servers if s.address[1] == port))
            getattr(replica_set, fate)(primary)
            try:
                return await finish()
            finally:
                if fate == "pause":
                    replica_set.resume(primary)

    errors = [error for ends in run_on(flavour, main) for error in ends]
    # Two were sent, if that; all others have waited for the next primary.
    texts = [str(error) for error in errors]
    assert not [text for text in texts if "paused" in text]
    assert not [error for error in errors if isinstance(error, ServerSelectionTimeoutError)]


@pytest.mark.parametrize("fate", ["kill", "pause"])
def test_close_with_members_lost(flavour, replica_set, uri, fate):
    """With cursors to kill on each, and sessions to end: it waits for none of them."""
    background = Background()

    async def main(backend):
        client = make_client(backend, uri, **PATIENT)
        await all_known(client)
        await client.execute(Insert("lost", [{}], write_concern=WriteConcern(3)))
        await client.execute(Find("lost", read_preference=Nearest()))
        for number, server in enumerate(client.topology.servers):
            client.kill_cursor_soon(number + 1, "core_tests.lost", server.address)
        for number in range(3):
            getattr(replica_set, fate)(number)
        try:
            await client.close()
            assert client.closed
            if flavour != "blocking":  # what takes longer to end than closing waits for it
                await wait(backend, lambda: count_tasks() == 1)
        finally:
            if fate == "pause":
                for number in range(3):
                    replica_set.resume(number)

    run_on(flavour, main)
    for _ in range(6000):
        if not background.names():
            break
        threading.Event().wait(0.01)
    assert background.names() == set()


def test_cursors_are_killed_while_another_member_is_down(flavour, replica_set, uri):
    async def main(backend):
        async with opened(backend, uri, **PATIENT) as client:
            await all_known(client)
            primary = replica_set.primary()
            down = (primary + 1) % 3
            member = replica_set.members[down]
            address = next(
                s.address for s in client.topology.servers if s.address[1] == member.port
            )
            documents = [{} for _ in range(5)]
            await client.execute(Insert("lost", documents, write_concern=WriteConcern(2)))
            body = {"find": "lost", "batchSize": 1}
            opened_ids = []
            for _ in range(3):
                reply = await client.execute(Run(body, "core_tests"))
                opened_ids.append(reply["cursor"]["id"])
            replica_set.kill(down)
            await wait(backend, lambda: not client.topology.is_up(address))
            here = client.topology.fast.address
            client.kill_cursor_soon(7, "core_tests.lost", address)
            for id in opened_ids:
                client.kill_cursor_soon(id, "core_tests.lost", here)

            pipeline = [
                {"$currentOp": {"idleCursors": True, "allUsers": True}},
                {"$match": {"cursor.cursorId": {"$in": opened_ids}}},
            ]
            ask = {"aggregate": 1, "pipeline": pipeline, "cursor": {}}
            while (await client.execute(Run(ask)))["cursor"]["firstBatch"]:
                await backend.sleep(0.02)
            return [cursor.cursor_id for cursor in client._housekeeper._dead]

    assert run_on(flavour, main) == [7]


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_threads_go_on_when_the_loop_of_another_client_ends(library, replica_set, uri):
    """A blocking client and an asynchronous one in one process have nothing in common."""

    async def main(backend):
        async with opened(backend, uri) as client:
            return (await client.execute(Run(PING)))["ok"]

    async def threads(backend):
        async with opened(backend, uri) as client:
            assert run_on(library, main) == 1
            return run(client.execute(Run(PING)))["ok"]

    assert run_on("blocking", threads) == 1
