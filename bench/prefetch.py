"""Documents per second from a server some way off, with and without reading ahead.

    python bench/prefetch.py [--milliseconds 20] [--documents 6000] [--batch 100] [--rounds 3]

The consumer takes as long for a batch as its way takes, as programs do that compute something or
write somewhere. PyMongo, where it is installed, does it in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from delaying_proxy import far_away
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.local import LocalServer

try:
    import pymongo
except ImportError:
    pymongo = None  # type: ignore[assignment]
try:
    import trio
except ImportError:
    trio = None

FILL = "x" * 200


def read(client: Any, options: Any, size: int, **more: Any) -> float:
    """Documents per second of a blocking client."""
    client.test.things.find_one()
    start, count = time.perf_counter(), 0
    for _ in client.test.things.find(batch_size=size, **more):
        count += 1
        if not count % size:
            time.sleep(options.milliseconds / 1000)
    return count / (time.perf_counter() - start)


async def read_async(
    client: Any, options: Any, size: int, sleep: Callable[[float], Awaitable[Any]], **more: Any
) -> float:
    """Documents per second of an asynchronous client."""
    await client.test.things.find_one()
    start, count = time.perf_counter(), 0
    async for _ in client.test.things.find(batch_size=size, **more):
        count += 1
        if not count % size:
            await sleep(options.milliseconds / 1000)
    rate = count / (time.perf_counter() - start)
    await client.close()
    return rate


def main() -> None:
    """Print a line for each way to read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--milliseconds", type=float, default=20)
    parser.add_argument("--documents", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with LocalServer() as server:
        with MongoClient(server.uri) as client:
            things = client.test.things
            things.insert_many({"_id": n, "fill": FILL} for n in range(options.documents))
            host, port = client.address
        with far_away(host, port, options.milliseconds) as proxy:
            measure(f"mongodb://127.0.0.1:{proxy}/?directConnection=true", options)


def measure(uri: str, options: Any) -> None:
    """All ways to read what is behind a connection string, in turn; the medians of the rounds."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.rounds):
        for way, rate in one_round(uri, options):
            found.setdefault(way, []).append(rate)
    for (flavour, way), rates in found.items():
        rate = statistics.median(rates)
        plain = statistics.median(found[flavour, "prefetch=0"])
        print(f"{flavour:8}  {way}  {rate:9,.0f} docs/s  {rate / plain:.2f}")


def one_round(uri: str, options: Any) -> Iterator[tuple[tuple[str, str], float]]:
    """Each way once: its name, and documents per second."""
    with MongoClient(uri) as client:
        for batches in (0, 1, 2, 4):
            rate = read(client, options, options.batch, prefetch=batches)
            yield ("blocking", f"prefetch={batches}"), rate
    if pymongo is not None:
        with pymongo.MongoClient(uri) as client:
            yield ("blocking", "PyMongo   "), read(client, options, options.batch)
    runs: list[tuple[str, Callable[..., Any], Any]] = [("asyncio", asyncio.run, asyncio.sleep)]
    if trio is not None:
        runs.append(("trio", trio_run, trio.sleep))
    for name, run, sleep in runs:
        for batches in (0, 1, 4):
            asynchronous = AsyncMongoClient(uri)
            rate = run(read_async(asynchronous, options, options.batch, sleep, prefetch=batches))
            yield (name, f"prefetch={batches}"), rate


def trio_run(coroutine: Any) -> Any:
    """What a coroutine returns, in a run of trio."""

    async def whole() -> Any:
        return await coroutine

    return trio.run(whole)


if __name__ == "__main__":
    main()
