"""Writers at work while the primary is killed, frozen, made to step down and cut off.

Threads and tasks of the driver write with majority, and beside them as many of PyMongo's, through
the same elections. Nothing that was acknowledged may be lost, nothing done twice, and no write may
fail. How long each had to wait is printed (``-s``), and compared by nobody but the reader.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer
from mongodriver.read_concern import ReadConcern

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(3600)]

HERE = Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("PROOF_ROUNDS", "20"))
WAIT = 120  # seconds for anything at all
FAULTS = ("killed", "frozen", "stepped down", "cut off")


class Workload:
    """A process of writers (workload.py)."""

    def __init__(self, library: str, flavour: str, workers: int, uri: str, *more: str) -> None:
        self.library, self.flavour = library, flavour
        self.collection = f"{library}_{flavour}"
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(HERE / "workload.py"),
                library,
                flavour,
                str(workers),
                uri,
                self.collection,
                *more,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout.readline() == "ready\n", self.collection

    def finish(self) -> list[dict]:
        """Stop the writers; their accounts."""
        out, _ = self._process.communicate(timeout=WAIT)
        assert self._process.returncode == 0
        return json.loads(out.splitlines()[-1])

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


class Doors:
    """The doors before the members (member_proxies.py)."""

    def __init__(self, ports: list[int]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "member_proxies.py"), *map(str, ports)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.ports = [int(port) for port in self._process.stdout.readline().split()]

    def tell(self, what: str, number: int) -> None:
        self._process.stdin.write(f"{what} {number}\n")
        assert self._process.stdout.readline() == "done\n"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def replica_set() -> Iterator[tuple[LocalServer, Doors, str]]:
    """A set of three whose members know each other by their doors."""
    with LocalServer("rs0", members=3) as started:
        doors = Doors([member.port for member in started.members])
        with contextlib.closing(doors):
            primary = started.primary()
            config = started.command(primary, {"replSetGetConfig": 1})["config"]
            for member, port in zip(config["members"], doors.ports, strict=True):
                member["host"] = f"127.0.0.1:{port}"
            config["version"] += 1
            started.command(primary, {"replSetReconfig": config, "force": True}, 30)
            hosts = ",".join(f"127.0.0.1:{port}" for port in doors.ports)
            uri = f"mongodb://{hosts}/?replicaSet=rs0"
            settle(started, uri)
            yield started, doors, uri


def settle(server: LocalServer, uri: str) -> None:
    """Wait until every member takes part again, and has what the others have."""
    server.primary()
    with MongoClient(uri, timeoutMS=WAIT * 1000) as client:
        client.proof.get_collection("settled").with_options(
            write_concern=client.write_concern.__class__(w=3)
        ).insert_one({})


@contextlib.contextmanager
def fault(kind: str, server: LocalServer, doors: Doors) -> Iterator[float]:
    """Take the primary away; the moment when. At the end it is given back."""
    primary = server.primary()
    began = time.monotonic()
    if kind == "killed":
        server.kill(primary)
    elif kind == "frozen":
        server.pause(primary)
    elif kind == "stepped down":
        server.step_down()
    else:
        doors.tell("shut", primary)
    try:
        yield began
    finally:
        if kind == "killed":
            server.restart(primary)
        elif kind == "frozen":
            server.resume(primary)
        elif kind == "cut off":
            doors.tell("open", primary)


def wait_for_another(server: LocalServer, doors: Doors, uri: str) -> None:
    """Wait until somebody writes to a primary again."""
    with MongoClient(uri, timeoutMS=WAIT * 1000, heartbeatFrequencyMS=500) as client:
        client.proof.probe.insert_one({})


def check(workload: Workload, accounts: list[dict], uri: str) -> None:
    """Compare what writers were told with what the set has."""
    with MongoClient(uri) as client:
        db = client.get_database("proof", read_concern=ReadConcern("majority"))
        present = {document["_id"] for document in db[workload.collection].find()}
        counters = {
            document["_id"]: document["n"]
            for document in db[workload.collection + "_counters"].find()
        }
    errors = [error for account in accounts for error in account["errors"]]
    for account in accounts:
        acknowledged = set(account["acknowledged"])
        lost = acknowledged - present
        assert not lost, (workload.collection, sorted(lost))
        count = counters[account["worker"]]
        assert len(acknowledged) <= count <= len(acknowledged) + len(account["unknown"])
    if workload.library == "mongodriver":
        assert not errors, errors[:3]


def gaps(accounts: list[dict], moments: list[float]) -> list[float]:
    """For each fault, the median over the writers of the longest wait that begins around it."""
    found = []
    for number, moment in enumerate(moments):
        until = moments[number + 1] if number + 1 < len(moments) else float("inf")
        waits = []
        for account in accounts:
            times = [time for time in account["times"] if time < until]
            before = max((time for time in times if time <= moment), default=moment)
            after = sorted(time for time in times if time > moment)
            steps = [b - a for a, b in zip([before, *after], after, strict=False)]
            waits.append(max(steps, default=float("inf")))
        found.append(statistics.median(waits))
    return found


def show(workload: Workload, accounts: list[dict], moments: list[float], kinds: list[str]) -> None:
    waits = gaps(accounts, moments)
    writes = sum(len(account["acknowledged"]) for account in accounts)
    errors = sum(len(account["errors"]) for account in accounts)
    texts = []
    for kind in FAULTS:
        those = [wait for wait, one in zip(waits, kinds, strict=True) if one == kind]
        if those:
            texts.append(f"{kind} {statistics.median(those):5.2f} s")
    print(f"{workload.collection:22} {writes:7} writes {errors:3} errors; {', '.join(texts)}")


@pytest.mark.parametrize("transactions", [False, True], ids=["writes", "transactions"])
def test_the_primary_is_lost_again_and_again(replica_set, transactions):
    server, doors, uri = replica_set
    more = ["--transactions"] if transactions else []
    with MongoClient(uri) as client:
        client.drop_database("proof")
        settle(server, uri)
    loads = [
        Workload(library, flavour, workers, uri, *more)
        for library in ("mongodriver", "pymongo")
        for flavour, workers in (("threads", 16), ("tasks", 64))
    ]
    try:
        for load in loads:
            load.wait_until_ready()
        moments, kinds = [], []
        for number in range(ROUNDS):
            kind = FAULTS[number % len(FAULTS)]
            with fault(kind, server, doors) as moment:
                wait_for_another(server, doors, uri)
                time.sleep(3)  # for the writers, to go on; nothing is asserted about it
            settle(server, uri)
            moments.append(moment)
            kinds.append(kind)
        accounts = [load.finish() for load in loads]
    except BaseException:
        for load in loads:
            load.kill()
        raise
    for load, those in zip(loads, accounts, strict=True):
        show(load, those, moments, kinds)
    for load, those in zip(loads, accounts, strict=True):
        check(load, those, uri)
