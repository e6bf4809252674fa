"""A process of writers that keep an account of what they were told.

    python workload.py LIBRARY FLAVOUR WORKERS URI COLLECTION [--transactions]

Each worker inserts documents with ids of its own, and adds one to a counter of its own: what was
done twice shows there, what was lost in both. In transactions both are done together. It begins at
once, prints "ready" when every worker has written, and ends when its standard input does; then it
prints its account as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import threading
import time
from typing import Any

#: Seconds between two writes of a worker: the machine is to have time for elections.
PACE = 0.02
OPTIONS = {
    "w": "majority",
    "heartbeatFrequencyMS": 500,
    "connectTimeoutMS": 2000,
    "serverSelectionTimeoutMS": 60_000,
}


class Account:
    """What one worker knows: writes that were acknowledged, and errors, after which it does not."""

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.errors: list[str] = []
        self.times: list[float] = []
        self._number = 0

    def next(self) -> str:
        """The id of the next document."""
        self._number += 1
        return f"{self.worker}-{self._number}"

    def note(self, name: str, error: Exception | None) -> None:
        """Note how the write of a document and its count ended."""
        if error is None:
            self.acknowledged.append(name)
            self.times.append(time.monotonic())
        else:
            self.unknown.append(name)
            self.errors.append(f"{type(error).__name__}: {error}")


def write(coll: Any, counters: Any, account: Account, stop: threading.Event, ready: Any) -> None:
    """Write until told to stop, from a thread."""
    while not stop.is_set():
        name, error = account.next(), None
        try:
            coll.insert_one({"_id": name})
            counters.update_one({"_id": account.worker}, {"$inc": {"n": 1}}, upsert=True)
        except Exception as exc:
            error = exc
        account.note(name, error)
        ready(account)
        stop.wait(PACE)


def write_in_transactions(
    client: Any, coll: Any, counters: Any, account: Account, stop: threading.Event, ready: Any
) -> None:
    """The same, each pair of writes in a transaction."""

    def both(session: Any) -> None:
        coll.insert_one({"_id": name}, session=session)
        counters.update_one(
            {"_id": account.worker}, {"$inc": {"n": 1}}, upsert=True, session=session
        )

    with client.start_session() as session:
        while not stop.is_set():
            name, error = account.next(), None
            try:
                session.with_transaction(both)
            except Exception as exc:
                error = exc
            account.note(name, error)
            ready(account)
            stop.wait(PACE)


async def write_in_a_task(
    coll: Any, counters: Any, account: Account, stop: asyncio.Event, ready: Any
) -> None:
    """Write until told to stop, from a task."""
    while not stop.is_set():
        name, error = account.next(), None
        try:
            await coll.insert_one({"_id": name})
            await counters.update_one({"_id": account.worker}, {"$inc": {"n": 1}}, upsert=True)
        except Exception as exc:
            error = exc
        account.note(name, error)
        ready(account)
        await asyncio.sleep(PACE)


async def write_in_transactions_of_a_task(
    client: Any, coll: Any, counters: Any, account: Account, stop: asyncio.Event, ready: Any
) -> None:
    """The same, each pair of writes in a transaction."""

    async def both(session: Any) -> None:
        await coll.insert_one({"_id": name}, session=session)
        await counters.update_one(
            {"_id": account.worker}, {"$inc": {"n": 1}}, upsert=True, session=session
        )

    async with client.start_session() as session:
        while not stop.is_set():
            name, error = account.next(), None
            try:
                await session.with_transaction(both)
            except Exception as exc:
                error = exc
            account.note(name, error)
            ready(account)
            await asyncio.sleep(PACE)


class Readiness:
    """Prints "ready" when every worker has written once."""

    def __init__(self, count: int) -> None:
        self._left = set(range(count))
        self._lock = threading.Lock()

    def __call__(self, account: Account) -> None:
        if account.worker not in self._left or not account.acknowledged:
            return
        with self._lock:
            self._left.discard(account.worker)
            if not self._left:
                print("ready", flush=True)


def in_threads(library: Any, arguments: argparse.Namespace, accounts: list[Account]) -> None:
    """Write from a thread for each account."""
    client = library.MongoClient(arguments.uri, **OPTIONS)
    coll = client["proof"][arguments.collection]
    counters = client["proof"][arguments.collection + "_counters"]
    stop, ready = threading.Event(), Readiness(len(accounts))
    threads = [
        threading.Thread(
            target=write_in_transactions if arguments.transactions else write,
            args=(
                *([client] if arguments.transactions else []),
                coll,
                counters,
                account,
                stop,
                ready,
            ),
        )
        for account in accounts
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    client.close()


async def in_tasks(library: Any, arguments: argparse.Namespace, accounts: list[Account]) -> None:
    """Write from a task for each account."""
    client = library.AsyncMongoClient(arguments.uri, **OPTIONS)
    coll = client["proof"][arguments.collection]
    counters = client["proof"][arguments.collection + "_counters"]
    stop, ready = asyncio.Event(), Readiness(len(accounts))
    if arguments.transactions:
        work = [
            write_in_transactions_of_a_task(client, coll, counters, account, stop, ready)
            for account in accounts
        ]
    else:
        work = [write_in_a_task(coll, counters, account, stop, ready) for account in accounts]
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await asyncio.gather(*tasks)
    await client.close()


def main() -> None:
    """Write, and print the account."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("flavour", choices=["threads", "tasks"])
    parser.add_argument("workers", type=int)
    parser.add_argument("uri")
    parser.add_argument("collection")
    parser.add_argument("--transactions", action="store_true")
    arguments = parser.parse_args()
    library = importlib.import_module(arguments.library)
    accounts = [Account(number) for number in range(arguments.workers)]
    if arguments.flavour == "threads":
        in_threads(library, arguments, accounts)
    else:
        asyncio.run(in_tasks(library, arguments, accounts))
    print(json.dumps([vars(account) for account in accounts]), flush=True)


if __name__ == "__main__":
    main()
