"""A process under load that forks again and again.

    python forking.py URI FORKS SEED

Threads write and read all the time, and every child uses the client that it inherited, whatever a
thread was doing when it was made. Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import warnings
from collections import Counter
from typing import Any

from mongodriver import MongoClient, monitoring

THREADS = 8
AT_ONCE = 4  # children
CHILD_SECONDS = 60


class Checkouts(monitoring.ConnectionPoolListener):
    """How many connections are in use."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def _add(self, number: int) -> None:
        with self._lock:
            self.count += number

    def connection_checked_out(self, event: Any) -> None:
        self._add(1)

    def connection_checked_in(self, event: Any) -> None:
        self._add(-1)

    def _ignore(self, event: Any) -> None:
        pass

    connection_check_out_started = connection_check_out_failed = _ignore
    connection_created = connection_ready = connection_closed = _ignore
    pool_created = pool_ready = pool_cleared = pool_closed = _ignore


def use(client: MongoClient, name: str) -> None:
    """A write, a cursor of several batches, and a transaction."""
    coll = client.proof.forks
    coll.insert_one({"_id": name})
    assert sum(1 for _ in client.proof.many.find(batch_size=10)) == 50
    with client.start_session() as session, session.start_transaction():
        client.proof.fork_counts.update_one(
            {"_id": name}, {"$inc": {"n": 1}}, upsert=True, session=session
        )


def work(client: MongoClient, number: int, stop: threading.Event, done: Counter[str]) -> None:
    """What the threads of the parent do."""
    for turn in range(sys.maxsize):
        if stop.is_set():
            return
        use(client, f"thread {number} {turn}")
        done[f"thread {number}"] += 1


def child(client: MongoClient, number: int) -> int:
    """The status of a child that uses the client."""
    signal.alarm(CHILD_SECONDS)  # one that hangs ends by it
    try:
        use(client, f"child {number}")
        client.close()
    except BaseException as exc:
        print(f"child {number}: {type(exc).__name__}: {exc}", file=sys.stderr, flush=True)
        return 1
    return 0


def main() -> None:
    """Fork, wait for the children, and report."""
    uri, forks, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    warnings.simplefilter("ignore", DeprecationWarning)  # that of fork() with threads
    chance = random.Random(seed)
    checkouts = Checkouts()
    client = MongoClient(uri, event_listeners=[checkouts], w="majority")
    stop, done = threading.Event(), Counter[str]()
    threads = [
        threading.Thread(target=work, args=(client, number, stop, done))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    statuses: Counter[int] = Counter()
    children = 0
    for number in range(forks):
        stop.wait(chance.random() * 0.01)
        if os.fork() == 0:
            os._exit(child(client, number))
        children += 1
        if children == AT_ONCE:
            statuses[os.wait()[1]] += 1
            children -= 1
    for _ in range(children):
        statuses[os.wait()[1]] += 1
    stop.set()
    for thread in threads:
        thread.join()
    sessions = [session.lsid["id"] for session in client._core.executor.sessions._free]
    report = {
        "statuses": statuses,
        "done": done,
        "checked out": checkouts.count,
        "sessions": len(sessions),
        "different sessions": len(set(sessions)),
    }
    client.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
