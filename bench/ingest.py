"""Ingestion beside PyMongo's best loop, libmongoc and a bare socket, on one server.

    python bench/ingest.py [--documents N] [--rounds N] [--memory N]

Each contender loads the same documents into an empty collection, in turn, round by round. From
mappings: unordered `insert_many` of 10,000 at a time, which is the best that can be done with
PyMongo. From a file of NDJSON: the same loop over what orjson reads, and ready messages over a bare
socket. Encoded beforehand: that socket, and libmongoc's bulk insert (C; compiled where
pkg-config knows it). `--memory N` loads N small documents from a generator instead, and prints the
most memory that the process had.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bson
import orjson

import documents
import report
from driver import DATABASE, Server, served
from floor import op_msg
from interleaved import Case, Timing
from mongodriver.ingest import ingest

BATCH = 10_000
COUNT = 100_000

Load = Callable[[Any, list[Any]], object]


def small(number: int) -> dict[str, Any]:
    """A document of a usual log."""
    return {
        "n": number,
        "name": f"user {number}",
        "active": True,
        "score": number * 0.5,
        "tags": ["a", "b", "c"],
    }


def by_pymongo(collection: Any, values: list[Any]) -> None:
    """The best loop: nothing waits for order, and batches are as large as they are useful."""
    iterator = iter(values)
    while batch := list(itertools.islice(iterator, BATCH)):
        collection.insert_many(batch, ordered=False)


def file_by_pymongo(collection: Any, path: Path) -> None:
    """The same from a file of NDJSON."""
    with path.open("rb") as lines:
        while batch := [orjson.loads(line) for line in itertools.islice(lines, BATCH)]:
            collection.insert_many(batch, ordered=False)


def by_ingest(lanes: int) -> Load:
    """Our ingestion, with so many lanes."""
    return lambda collection, values: ingest(collection, values, lanes=lanes)


class LibMongoc:
    """The C program, where it can be compiled."""

    def __init__(self, folder: Path) -> None:
        source = Path(__file__).with_name("libmongoc_insert.c")
        self._program = folder / "libmongoc_insert"
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "libmongoc-1.0"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        command = ["cc", "-O2", str(source), "-o", str(self._program), *flags]
        subprocess.run(command, check=True)

    @staticmethod
    def is_there() -> bool:
        """Whether libmongoc is installed, with what is needed to use it."""
        if not shutil.which("pkg-config") or not shutil.which("cc"):
            return False
        known = subprocess.run(["pkg-config", "--exists", "libmongoc-1.0"], check=False)
        return known.returncode == 0

    def load(self, uri: str, file: Path) -> tuple[float, float]:
        """Seconds, and those of CPU, of loading a file of documents."""
        command = [self._program, uri, DATABASE, "ingested", file, str(BATCH)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        wall, cpu = told.split()
        return float(wall), float(cpu)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and those of CPU, of a call."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


class Comparison:
    """All contenders on one server.

    :param count: how many documents are loaded.
    """

    def __init__(self, server: Server, uri: str, count: int) -> None:
        self._server = server
        self._uri = uri
        self._count = count
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self._libmongoc = LibMongoc(folder) if LibMongoc.is_there() else None

    def _empty(self) -> None:
        database = self._server.sync["pymongo"][DATABASE]
        database.drop_collection("ingested")
        database.create_collection("ingested")

    def _ours(self) -> Any:
        return self._server.sync["ours"][DATABASE]["ingested"]

    def cases(self, rounds: int) -> Iterator[dict[str, Any]]:
        """The rows of the report."""
        tweet = bson.decode(documents.load()["tweet"])
        kinds: dict[str, Callable[[int], Any]] = {"small": small, "tweet": lambda _: {**tweet}}
        for name, make in kinds.items():
            count = self._count if name == "small" else self._count // 10
            yield self._row(f"{name} mappings", self._mappings(make, count), count, rounds)
            yield self._row(f"{name} NDJSON file", self._ndjson(make, count), count, rounds)
            yield self._row(f"{name} encoded", self._encoded(make, count), count, rounds)

    def _mappings(self, make: Callable[[int], Any], count: int) -> dict[str, Any]:
        def fresh() -> list[Any]:  # inserting gives them ids
            return [make(number) for number in range(count)]

        def contender(collection: Any, load: Load) -> Callable[[], tuple[float, float]]:
            def run() -> tuple[float, float]:
                values = fresh()
                return timed(lambda: load(collection, values))

            return run

        theirs = self._server.sync["pymongo"][DATABASE]["ingested"]
        return {
            "pymongo": contender(theirs, by_pymongo),
            "ours": contender(self._ours(), by_ingest(4)),
            "one lane": contender(self._ours(), by_ingest(1)),
        }

    def _ndjson(self, make: Callable[[int], Any], count: int) -> dict[str, Any]:
        path = Path(self._folder.name) / "documents.ndjson"
        path.write_bytes(b"".join(orjson.dumps(make(n)) + b"\n" for n in range(count)))
        theirs = self._server.sync["pymongo"][DATABASE]["ingested"]
        return {
            "pymongo": lambda: timed(lambda: file_by_pymongo(theirs, path)),
            "ours": lambda: timed(lambda: ingest(self._ours(), path)),
            "one lane": lambda: timed(lambda: ingest(self._ours(), path, lanes=1)),
            "floor": self._by_socket(self._values(make, count)),
        }

    def _values(self, make: Callable[[int], Any], count: int) -> list[bytes]:
        """Documents with ids, encoded."""
        return [bson.encode({"_id": bson.ObjectId(), **make(n)}) for n in range(count)]

    def _by_socket(self, values: list[bytes]) -> Callable[[], tuple[float, float]]:
        """Messages that are ready, one after the other."""
        body = {"insert": "ingested", "ordered": False, "$db": DATABASE}
        messages = [
            op_msg(body, values[at : at + BATCH], "documents")
            for at in range(0, len(values), BATCH)
        ]

        def run() -> None:
            for message in messages:
                self._server.raw.exchange(message)

        return lambda: timed(run)

    def _encoded(self, make: Callable[[int], Any], count: int) -> dict[str, Any]:
        values = self._values(make, count)
        file = Path(self._folder.name) / "documents.bson"
        file.write_bytes(b"".join(values))
        contenders: dict[str, Any] = {
            "ours": lambda: timed(lambda: ingest(self._ours(), values)),
            "one lane": lambda: timed(lambda: ingest(self._ours(), values, lanes=1)),
            "floor": self._by_socket(values),
        }
        if self._libmongoc is not None:
            program = self._libmongoc
            contenders["libmongoc"] = lambda: program.load(self._uri, file)
        return contenders

    def _row(
        self, name: str, contenders: dict[str, Any], count: int, rounds: int
    ) -> dict[str, Any]:
        timings = {key: Timing() for key in contenders}
        names = list(contenders)
        for turn in range(rounds):
            shift = turn % len(names)
            for key in names[shift:] + names[:shift]:
                self._empty()
                wall, cpu = contenders[key]()
                timings[key].wall.append(wall / count)
                timings[key].cpu.append(cpu / count)
        against = "pymongo" if "pymongo" in timings else "libmongoc"
        case = Case("ingest", name, {})
        if against not in timings:
            against = "floor"
        row = report.row(case, {**timings, "pymongo": timings[against]})
        row["against"] = against
        return row


def show(row: dict[str, Any]) -> str:
    """One row, for people."""
    parts = [f"{row['case']:16}"]
    for name, median in row["median_us"].items():
        if name == "pymongo" and row["against"] != "pymongo":
            continue
        parts.append(f"{name} {1e6 / median:,.0f} docs/s, {row['cpu_us'][name]:.2f} us CPU")
    parts.append(
        f"ours {row['ratio']:.2f} times {row['against']}, {1 / row['cpu_ratio']:.2f} of its CPU"
    )
    return "\n    ".join(parts)


def flat_memory(server: Server, count: int) -> str:
    """Load many documents that are made as they are asked for."""
    collection = server.sync["ours"][DATABASE]["ingested"]
    collection.drop()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = ingest(collection, (small(number) for number in range(count)))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    collection.drop()
    return (
        f"{outcome.render()}\n"
        f"the most memory: {before / 1024:.0f} MB before, {after / 1024:.0f} MB after"
    )


def main() -> None:
    """Parse the arguments, start a server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=COUNT, metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="N", help="load N documents, and no more")
    parser.add_argument("--uri", help="a running server; default: an embedded mongod")
    options = parser.parse_args()
    with served(options.uri) as clients:
        if options.memory:
            print(flat_memory(clients, options.memory))
            return
        for row in rows(clients, options.rounds, options.documents):
            print(show(row), flush=True)


def rows(clients: Server, rounds: int, count: int = COUNT) -> Iterator[dict[str, Any]]:
    """The rows of the report."""
    host, port = clients.sync["pymongo"].address
    uri = f"mongodb://{host}:{port}/"
    yield from Comparison(clients, uri, count).cases(rounds)


if __name__ == "__main__":
    sys.exit(main())
