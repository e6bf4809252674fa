"""What is trio's alone: nurseries, and who runs what."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import threading
import time
import warnings
from types import SimpleNamespace

import pytest

from core_kit import PING, Background, Names, Run, opened, pool_of, wait
from fake_mongod import MONGOS, FakeMongod
from implementations import CPYTHON
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import ConfigurationError, DuplicateKeyError, InvalidOperation
from mongodriver.io.base import ConnectOptions
from mongodriver.io.daemon import DaemonCall
from mongodriver.local import LocalServer
from tasks import count_tasks

trio = pytest.importorskip("trio")

from mongodriver.io import trio_connect  # noqa: E402
from mongodriver.io.trio_backend import TrioBackend  # noqa: E402

pytestmark = [pytest.mark.trio, pytest.mark.server]


def names_in(nursery):
    return {task.name for task in nursery.child_tasks}


# -- where the background lives --


def test_the_block_of_a_client_holds_its_background(server):
    async def main():
        task = trio.lowlevel.current_task()
        async with AsyncMongoClient(server.uri) as client:
            await client.admin.command("ping")
            (nursery,) = task.child_nurseries
            inside = names_in(nursery)
        assert not task.child_nurseries
        return inside, count_tasks()

    inside, left = trio.run(main)
    assert inside >= {"mongodriver housekeeping", "mongodriver monitor 127.0.0.1"}
    assert left == 1


def test_what_a_block_raises_is_no_group(server):
    async def main():
        async with AsyncMongoClient(server.uri) as client:
            things = client.core_tests.trio_errors
            await things.drop()
            await things.insert_one({"_id": 1})
            await things.insert_one({"_id": 1})

    with pytest.raises(DuplicateKeyError):
        trio.run(main)


def test_what_a_cancelled_block_raises_is_not_lost(server):
    async def main():
        with trio.CancelScope() as scope:
            async with AsyncMongoClient(server.uri) as client:
                await client.admin.command("ping")
                scope.cancel()
                raise ZeroDivisionError("of the block")

    with pytest.raises(ZeroDivisionError, match="of the block"):
        trio.run(main)


def test_blocks_of_two_tasks(server):
    """The one that has opened the nursery ends first."""

    async def main():
        client = AsyncMongoClient(server.uri)
        begun, both, first_ended = trio.Event(), trio.Event(), trio.Event()

        async def first():
            async with client:
                await client.admin.command("ping")
                begun.set()
                await both.wait()
            first_ended.set()

        async def second():
            await begun.wait()
            async with client:
                both.set()
                await first_ended.wait()
                with pytest.raises(InvalidOperation, match="after close"):
                    await client.admin.command("ping")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            nursery.start_soon(second)
        return count_tasks()

    assert trio.run(main) == 1


def test_the_block_of_a_client_with_a_nursery_ends_in_any_task(server):
    async def main():
        async with trio.open_nursery() as nursery:
            client = AsyncMongoClient(server.uri, trio_nursery=nursery)
            await client.__aenter__()
            await client.admin.command("ping")
            nursery.start_soon(client.__aexit__, None, None, None)
        return client._core.closed, count_tasks()

    assert trio.run(main) == (True, 1)


def test_a_client_that_an_event_loop_has_used(server):
    client = AsyncMongoClient(server.uri)

    async def use():
        await client.admin.command("ping")

    with asyncio.Runner() as loop:
        loop.run(use())
        with pytest.raises(RuntimeError, match="Cannot use AsyncMongoClient in different event"):
            trio.run(use)
        loop.run(client.close())


def test_blocks_within_one_another(server):
    async def main():
        async with AsyncMongoClient(server.uri) as client:
            async with client:
                await client.admin.command("ping")
            with pytest.raises(InvalidOperation, match="Cannot use AsyncMongoClient after close"):
                await client.admin.command("ping")
        return count_tasks()

    assert trio.run(main) == 1


def test_a_block_that_is_cancelled_ends_all_the_same(server):
    names = Names()

    async def main():
        with trio.CancelScope() as scope:
            async with AsyncMongoClient(server.uri, event_listeners=[names]) as client:
                await client.admin.command("ping")
                pool = pool_of(client._core)
                scope.cancel()
                await trio.sleep_forever()
        assert scope.cancelled_caught
        return pool.state, client._core.closed, count_tasks()

    assert trio.run(main) == ("closed", True, 1)
    assert names.sent == ["ping"]


def test_a_nursery_is_given(server):
    async def main():
        async with trio.open_nursery() as nursery:
            client = AsyncMongoClient(server.uri, trio_nursery=nursery)
            assert "nursery" not in repr(client)
            await client.admin.command("ping")
            inside = names_in(nursery)
            await client.close()
        return inside, count_tasks()

    inside, left = trio.run(main)
    assert "mongodriver housekeeping" in inside
    assert left == 1


def test_a_client_whose_nursery_has_ended(server):
    async def main():
        async with trio.open_nursery() as nursery:
            client = AsyncMongoClient(server.uri, trio_nursery=nursery)
            await client.admin.command("ping")
            nursery.cancel_scope.cancel()
        with pytest.raises(RuntimeError, match="nursery of this AsyncMongoClient has ended"):
            await client.admin.command("ping")
        later = AsyncMongoClient(server.uri, trio_nursery=nursery)
        with pytest.raises(RuntimeError, match="nursery of this AsyncMongoClient has ended"):
            await later.admin.command("ping")
        pool = pool_of(client._core)
        (connection,) = pool.idle
        await client.close()
        await later.close()
        # It is closed by the run, a moment later.
        await wait(client._core.backend, lambda: connection.stream._pipe.sock.fileno() == -1)
        assert client._core.closed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what tests before this one have left
        warnings.simplefilter("error")
        trio.run(main)
        gc.collect()


def test_what_is_no_nursery_is_refused():
    with pytest.raises(TypeError, match=r"trio_nursery must be a trio.Nursery"):
        AsyncMongoClient(trio_nursery=5)


def test_a_nursery_is_for_asynchronous_clients_in_trio(server):
    async def make():
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConfigurationError, match="trio_nursery is an option of Async"):
                MongoClient(server.uri, connect=False, trio_nursery=nursery)
            return AsyncMongoClient(server.uri, trio_nursery=nursery)

    client = trio.run(make)

    async def use():
        with pytest.raises(RuntimeError, match="has a nursery of trio, which does not run"):
            await client.admin.command("ping")

    asyncio.run(use())


@pytest.mark.skipif(not CPYTHON, reason="PyPy's collector takes it at another time")
def test_without_a_nursery_an_unclosed_client_holds_nothing_up(server):
    async def main():
        client = AsyncMongoClient(server.uri)
        await client.admin.command("ping")
        assert count_tasks() > 1
        return client

    client = trio.run(main)
    with pytest.warns(ResourceWarning, match="Unclosed AsyncMongoClient opened at:"):
        del client
        gc.collect()


def test_no_thread_is_begun(server):
    background = Background()

    async def main():
        before = set(threading.enumerate())
        async with AsyncMongoClient(server.uri) as client:
            await client.core_tests.trio.insert_one({})
            return set(threading.enumerate()) - before, background.names()

    assert trio.run(main) == (set(), set())


def test_a_block_ends_in_its_task(server):
    async def main():
        async with AsyncMongoClient(server.uri) as client:

            async def leave():
                with pytest.raises(RuntimeError, match="ends in the task in which it has begun"):
                    await client.__aexit__(None, None, None)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(leave)
        return client._core.closed, count_tasks()

    assert trio.run(main) == (True, 1)


@pytest.mark.parametrize("in_block", [True, False])
def test_an_exception_in_the_background_ends_nothing_else(in_block, caplog):
    error = ZeroDivisionError("background")

    async def fail():
        raise error

    async def main():
        backend = TrioBackend()
        if in_block:
            await backend.enter()
        task = backend.spawn(fail, "mongodriver fails")
        await task.join(60)
        await trio.lowlevel.checkpoint()
        await backend.leave()
        return True

    assert trio.run(main)
    assert [r.exc_info[1] for r in caplog.records if r.name == "mongodriver"] == [error]


def test_names_are_looked_up_in_threads_of_trio(monkeypatch):
    def start(call):
        raise AssertionError("a thread of our own")

    monkeypatch.setattr(DaemonCall, "_start", start)

    async def main(port):
        async with opened(TrioBackend(), f"mongodb://localhost:{port}/") as client:
            return (await client.execute(Run(PING)))["ok"]

    with FakeMongod(MONGOS) as fake:
        assert trio.run(main, fake.address[1]) == 1


# -- one run --


def test_a_client_may_be_made_before_anything_runs(server):
    client = AsyncMongoClient(server.uri)

    async def main():
        async with client:
            return (await client.admin.command("ping"))["ok"]

    assert trio.run(main) == 1


def test_a_client_stays_with_its_run(server):
    client = AsyncMongoClient(server.uri)

    async def first():
        await client.admin.command("ping")
        await trio.to_thread.run_sync(trio.run, elsewhere)

    async def elsewhere():
        with pytest.raises(RuntimeError, match="AsyncMongoClient in a different run of trio"):
            await client.admin.command("ping")

    async def after_the_end():
        await elsewhere()
        await client.close()

    trio.run(first)
    trio.run(after_the_end)
    assert client._core.closed


def test_without_any_library_it_cannot_be_used(server):
    client = AsyncMongoClient(server.uri)
    coroutine = client.admin.command("ping")
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)

    async def main():
        async with client:
            return (await client.admin.command("ping"))["ok"]

    assert trio.run(main) == 1  # it is not decided by that


LOADED = """
import sys, mongodriver
async def main():
    async with mongodriver.AsyncMongoClient({uri!r}) as client:
        await client.admin.command("ping")
import {library} as library
library.run({call})
print("asyncio" in sys.modules, "trio" in sys.modules)
"""


@pytest.mark.parametrize(
    ("library", "call", "loaded"),
    [("asyncio", "main()", "True False\n"), ("trio", "main", "False True\n")],
)
def test_the_other_library_is_not_loaded(server, library, call, loaded):
    code = LOADED.format(uri=server.uri, library=library, call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == loaded


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_program_of_anyio(server, library):
    anyio = pytest.importorskip("anyio")
    found = []

    async def main():
        async with AsyncMongoClient(server.uri) as client:
            things = client.core_tests[f"anyio_{library}"]
            await things.drop()

            async def work(number):
                await things.insert_one({"_id": number})
                found.append(await things.find_one({"_id": number}))

            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(work, number)
            with anyio.move_on_after(0.05) as scope:
                await things.find_one({"$where": "sleep(60000) || true"})
            assert scope.cancelled_caught
            assert await things.count_documents({}) == 20

    anyio.run(main, backend=library)
    assert len(found) == 20


def test_a_task_group_of_anyio_is_given(server):
    anyio = pytest.importorskip("anyio")

    async def main():
        async with anyio.create_task_group() as group:
            client = AsyncMongoClient(server.uri, trio_nursery=group)
            await client.admin.command("ping")
            await client.close()
        return count_tasks()

    assert anyio.run(main, backend="trio") == 1


def test_a_local_server_in_trio():
    async def main():
        async with LocalServer() as started, AsyncMongoClient(started.uri) as client:
            return (await client.admin.command("ping"))["ok"]

    assert trio.run(main) == 1


# -- the addresses of a name --


@pytest.fixture
def race(monkeypatch):
    """Runs a race of targets, whose fates are in their names; what became of them."""
    seen = SimpleNamespace(begun=[], given_up=[], made=[])

    async def connect_one(target):
        seen.begun.append(target)
        if target.startswith("refuses"):
            raise OSError(111, f"refused {target}")
        try:
            if target == "silent":
                await trio.sleep_forever()
        except trio.Cancelled:
            seen.given_up.append(target)
            raise
        seen.made.append(socket.socket())
        return seen.made[-1]

    monkeypatch.setattr(trio_connect, "_connect_one", connect_one)
    monkeypatch.setattr(trio_connect, "ATTEMPT_DELAY", 0.01)
    seen.run = lambda *targets: trio_connect._Race(targets).run()
    return seen


def test_the_first_address_that_answers_wins(race):
    won = trio.run(race.run, "silent", "refuses", "answers", "unused")
    won.close()
    assert race.begun == ["silent", "refuses", "answers"]
    assert race.given_up == ["silent"]
    assert race.made == [won]


def test_the_last_error_tells_why_no_address_answers(race):
    with pytest.raises(OSError, match="refused refuses 2"):
        trio.run(race.run, "refuses 1", "refuses 2")


def test_a_race_that_is_cancelled_leaves_nothing_open(race):
    async def main():
        with trio.move_on_after(0.05) as scope:
            await race.run("silent", "silent")
        return scope.cancelled_caught

    assert trio.run(main)
    assert race.given_up == ["silent", "silent"]
    assert not race.made


def test_a_proxy_that_takes_all_the_time_leaves_nothing_open(monkeypatch):
    here, there = socket.socketpair()

    async def open_through(self, proxy, address, deadline):
        while time.monotonic() <= deadline:
            pass
        return here

    monkeypatch.setattr(TrioBackend, "_open_through", open_through)

    async def main():
        options = ConnectOptions(0.01, proxy=object())
        with pytest.raises(TimeoutError):
            await TrioBackend().connect(("127.0.0.1", 1), options)

    with there:
        trio.run(main)
    assert here.fileno() == -1


def test_a_guest_of_an_event_loop(server):
    """Each of the two has its own library, in one thread."""

    async def use():
        async with AsyncMongoClient(server.uri) as client:
            await client.admin.command("ping")
            return client._core.backend.chosen.name

    async def host():
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        trio.lowlevel.start_guest_run(
            use,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=ended.set_result,
        )
        return await use(), (await ended).unwrap()

    assert asyncio.run(host()) == ("asyncio", "trio")
