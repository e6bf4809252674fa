"""The driver in trio beside the driver in asyncio, on one server, in one process, in turn.

    python bench/trio_beside_asyncio.py [--rounds N] [--seconds S]

Each library runs in a thread of its own, which does nothing while the other one is measured. A
ratio is the median of the rounds': trio's time over asyncio's, in wall time and in CPU time of the
process.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import bson
import trio

import documents
from interleaved import Case, Run, cpu_ratio, measure, ratio
from mongodriver import AsyncMongoClient
from mongodriver.local import LocalServer

DATABASE = "bench"
MANY = 10_000
TASKS = 80

#: Does the work n times.
Work = Callable[[int], Awaitable[object]]


class InAsyncio:
    """An event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        async def whole() -> None:
            await function(*args)

        asyncio.run_coroutine_threadsafe(whole(), self._loop).result()

    @staticmethod
    async def together(work: Work, count: int) -> None:
        """Tasks that share n times the work."""
        await asyncio.gather(*[work(share) for share in shares(count)])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class InTrio:
    """A run of trio."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,))
        self._thread.start()
        self._begun.wait()

    async def _main(self) -> None:
        self._token, self._end = trio.lowlevel.current_trio_token(), trio.Event()
        self._begun.set()
        await self._end.wait()

    def run(self, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        trio.from_thread.run(function, *args, trio_token=self._token)

    @staticmethod
    async def together(work: Work, count: int) -> None:
        """Tasks that share n times the work."""
        async with trio.open_nursery() as nursery:
            for share in shares(count):
                nursery.start_soon(work, share)

    def close(self) -> None:
        self._token.run_sync_soon(self._end.set)
        self._thread.join()


def shares(count: int) -> list[int]:
    """A number in as many parts as there are tasks."""
    return [(count + n) // TASKS for n in range(TASKS)]


def works(client: Any, together: Any) -> dict[str, tuple[Work, int]]:
    """The work of each case, and how many operations it stands for."""
    database = client[DATABASE]
    one, many, written = database.one, database.many, database.written
    batch = [{"a": n, "b": "text", "c": 1.5, "d": [1, 2, 3]} for n in range(MANY)]

    async def find_one(count: int) -> None:
        for _ in range(count):
            await one.find_one({"_id": 1})

    async def insert_one(count: int) -> None:
        for _ in range(count):
            await written.insert_one({"a": 1})

    async def find_one_in_tasks(count: int) -> None:
        await together(find_one, count)

    async def find(count: int) -> None:
        for _ in range(count):
            async for _ in many.find():
                pass

    async def insert_many(count: int) -> None:
        for _ in range(count):
            for document in batch:
                document.pop("_id", None)
            await written.insert_many(batch)

    return {
        "find-one": (find_one, 1),
        f"find-one, {TASKS} tasks": (find_one_in_tasks, 1),
        "insert-one": (insert_one, 1),
        "find 10k": (find, MANY),
        "insert-many 10k": (insert_many, MANY),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=0.1)
    options = parser.parse_args()
    libraries: dict[str, Any] = {"asyncio": InAsyncio(), "trio": InTrio()}
    with LocalServer() as server:
        clients = {name: AsyncMongoClient(server.uri) for name in libraries}
        found = {n: works(clients[n], library.together) for n, library in libraries.items()}
        libraries["asyncio"].run(fill, clients["asyncio"])
        print(f"{'':22}{'asyncio us':>12}{'trio us':>12}{'wall':>8}{'CPU':>8}")
        for case in found["trio"]:
            runs = {name: run_of(libraries[name], found[name][case][0]) for name in libraries}
            timings = measure(
                Case("async", case, runs, found["trio"][case][1]), options.rounds, options.seconds
            )
            times = "".join(f"{timings[name].median() * 1e6:12.2f}" for name in libraries)
            both = [measured(timings, "trio", "asyncio") for measured in (ratio, cpu_ratio)]
            print(f"{case:22}{times}" + "".join(f"{one:8.2f}" for one in both), flush=True)
        for name, library in libraries.items():
            library.run(clients[name].close)
            library.close()


def run_of(library: Any, work: Work) -> Run:
    return lambda count: library.run(work, count)


async def fill(client: Any) -> None:
    """The documents that are read."""
    tweet = bson.decode(documents.load()["tweet"])
    await client[DATABASE].one.insert_one({"_id": 1, **tweet})
    await client[DATABASE].many.insert_many([{"_id": n, **tweet} for n in range(MANY)])


if __name__ == "__main__":
    main()
