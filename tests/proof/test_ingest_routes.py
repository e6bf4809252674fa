"""The same 100,000 documents by every route into a collection: to the server they are the same."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest
from routes import Documents, is_here

import bsonx
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.export import export
from mongodriver.ingest import durable, ingest, ingest_async, replay
from mongodriver.local import LocalServer

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(7200)]
COUNT = int(os.environ.get("PROOF_ROUTED_RECORDS", "100000"))


class Routes:
    """Ways into a collection, one after the other, and what the server says of the outcome."""

    def __init__(self, uri, client, documents):
        self.uri = uri
        self.database = client["routes"]
        self.documents = documents
        self.database["whole"].insert_many(documents.plain)
        self.expected = self.hash_of("whole")
        self.passed = 0

    def hash_of(self, name):
        found = self.database.command("dbHash", collections=[name])
        return found["collections"].get(name)

    @property
    def collection(self):
        return durable(self.database["c"])

    def stale(self):
        """The same ids, with documents of before."""
        for start in range(0, COUNT, 10_000):
            ids = range(start, min(start + 10_000, COUNT))
            self.collection.insert_many([{"_id": number, "old": True} for number in ids])

    def go(self, route, way, before=None, skipped=0):
        """Take a route, from an empty collection or what `before` leaves there."""
        self.collection.drop()
        if before is not None:
            before()
        began = time.monotonic()
        told = way()
        seconds = time.monotonic() - began
        assert (told["records"], told["documents"]) == (COUNT, COUNT - skipped), (route, told)
        assert (told["skipped"], told["errors"]) == (skipped, {}), (route, told)
        assert self.hash_of("c") == self.expected, route
        self.passed += 1
        print(f"  {seconds:6.2f} s  {route}")

    def library(self, source, **options):
        return lambda: ingest(self.collection, source, **options).to_dict()

    def in_loop(self, run, source, **options):
        async def job():
            async with AsyncMongoClient(self.uri) as client:
                collection = durable(client["routes"]["c"])
                return (await ingest_async(collection, source(), **options)).to_dict()

        return lambda: run(job)

    def command(self, *arguments, stdin=None):
        """`mongodriver ingest`, which reads `stdin` where it is given."""
        command = [sys.executable, "-m", "mongodriver", "ingest", *map(str, arguments)]
        command += ["--uri", self.uri, "--db", "routes", "--collection", "c", "--quiet", "--json"]

        def way():
            with open(stdin or os.devnull, "rb") as given:
                done = subprocess.run(command, stdin=given, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        return way


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    documents = Documents(COUNT, tmp_path_factory.mktemp("routes"))
    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as client:
        yield Routes(server.uri, client, documents)


def test_values(routes):
    print()
    for name, make in routes.documents.values.items():
        routes.go(name, lambda make=make: ingest(routes.collection, make()).to_dict())


def test_in_asyncio_and_trio(routes):
    documents = routes.documents
    loops = {"asyncio": lambda job: asyncio.run(job())}
    if is_here("trio"):
        import trio

        loops["trio"] = trio.run
    print()
    for loop, run in loops.items():
        routes.go(
            f"an asynchronous iterable in {loop}", routes.in_loop(run, documents.asynchronous)
        )
        for name in ("a generator", "columns"):
            routes.go(f"{name} in {loop}", routes.in_loop(run, documents.values[name]))
        for name in ("lines.ndjson", "a.csv", "p.ndjson.gz"):
            routes.go(f"{name} in {loop}", routes.in_loop(run, lambda n=name: documents.files[n]))


def test_files(routes):
    print()
    for name, path in routes.documents.files.items():
        routes.go(name, routes.library(path))


def test_several_files(routes, tmp_path):
    lines = routes.documents.files["lines.ndjson"].read_bytes().splitlines(keepends=True)
    for part in range(7):
        (tmp_path / f"part{part}.ndjson").write_bytes(b"".join(lines[part::7]))
    print()
    routes.go("a pattern", routes.library(str(tmp_path / "part*.ndjson")))
    routes.go("paths", routes.library(sorted(tmp_path.iterdir())))


def test_modes(routes, tmp_path):
    path = routes.documents.files["lines.ndjson"]
    print()
    for mode in ("upsert", "merge"):
        routes.go(f"{mode} into nothing", routes.library(path, mode=mode))
    for mode in ("upsert", "replace"):
        routes.go(f"{mode} what is there", routes.library(path, mode=mode), before=routes.stale)
    by_two = routes.library(path, mode="upsert", key=["small", "text"])

    def index():
        routes.collection.create_index(["small", "text"], unique=True)

    routes.go("upsert by two fields", by_two, index)
    routes.go("replace duplicates", routes.library(path, on_duplicate="replace"), routes.stale)
    some = routes.documents.plain[::3]
    skip = routes.library(path, on_duplicate="skip")
    routes.go("skip duplicates", skip, lambda: routes.collection.insert_many(some), len(some))


def test_ways_of_sending(routes, tmp_path):
    path = routes.documents.files["lines.ndjson"]
    print()
    for options in (
        {"ordered": True},
        {"lanes": 1},
        {"lanes": 16, "batch_documents": 999},
        {"keep_key_order": True, "key": "even"},
        {"max_in_flight": 100_000},
        {"batch_bytes": 32 << 20},
        {"checkpoint": tmp_path / "checkpoint"},
    ):
        said = ", ".join(f"{name}={value}" for name, value in options.items())
        routes.go(said.replace(str(tmp_path), ""), routes.library(path, **options))


def test_another_field_as_id(routes, tmp_path):
    path = tmp_path / "named.ndjson"
    text = routes.documents.files["lines.ndjson"].read_bytes()
    path.write_bytes(text.replace(b'{"_id": ', b'{"number": '))
    print()
    routes.go("id_field", routes.library(path, id_field="number"))


def test_the_command_line(routes):
    files = routes.documents.files
    print()
    for name in ("lines.ndjson", "array.json", "a.csv", "b.tsv", "dump.bson", "p.ndjson.gz"):
        routes.go(f"ingest {name}", routes.command(files[name]))
    for name, form in (
        ("lines.ndjson", "ndjson"),
        ("array.json", "json"),
        ("a.csv", "csv"),
        ("b.tsv", "csv"),
        ("dump.bson", "bson"),
        ("p.ndjson.gz", "ndjson"),
        ("rows.csv.gz", "csv"),
    ):
        way = routes.command("-", "--format", form, stdin=files[name])
        routes.go(f"ingest - --format {form} < {name}", way)
    routes.go("ingest - < lines.ndjson", routes.command("-", stdin=files["lines.ndjson"]))
    for mode in ("upsert", "merge"):
        routes.go(f"ingest --mode {mode}", routes.command(files["a.csv"], "--mode", mode))
    more = ("--mode", "replace")
    routes.go("ingest --mode replace", routes.command(files["a.csv"], *more), routes.stale)


@pytest.mark.parametrize("name", ["dead.ndjson", "dead.bson", "a collection"])
def test_by_the_dead_letter(routes, tmp_path, name):
    """All are refused at first; what forbids them is taken away, and they are loaded after all."""
    letter = routes.database["dead"] if name == "a collection" else tmp_path / name

    def refuse_all():
        validator = {"never": {"$exists": True}}
        routes.database.create_collection("c", validator=validator)
        source = routes.documents.files["lines.ndjson"]
        report = ingest(routes.collection, source, dead_letter=letter)
        assert (report.documents, report.errors[121].count) == (0, COUNT)
        routes.database.command("collMod", "c", validator={})

    print()
    routes.go(f"by {name}", lambda: replay(routes.collection, letter).to_dict(), refuse_all)


@pytest.mark.parametrize("name", ["out.ndjson", "out.json.gz", "out.bson"])
def test_the_way_out_and_in_again(routes, tmp_path, name):
    json_options = {"canonical": True} if "json" in name else {}
    export(routes.database["whole"], str(tmp_path / name), **json_options)
    print()
    routes.go(f"exported as {name}", routes.library(tmp_path / name))


def test_nothing_is_left_of_what_is_deleted(routes):
    routes.database["c"].drop()
    routes.database["c"].insert_many(bsonx.decode_all(routes.documents.bson))
    report = ingest(routes.collection, routes.documents.files["a.csv"], mode="delete")
    assert (report.documents, report.deleted) == (COUNT, COUNT)
    assert routes.database["c"].count_documents({}) == 0
