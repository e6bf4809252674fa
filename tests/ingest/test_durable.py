"""Jobs with dead letters and checkpoints, from Python and from the command line."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime

import pytest

import bsonx
from bsonx._impl import run_coroutine
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver import MongoClient
from mongodriver.__main__ import main
from mongodriver.ingest import (
    CheckpointError,
    IngestError,
    IngestOptions,
    ingest,
    ingest_async,
    make_source,
    replay,
    replay_async,
)
from mongodriver.ingest.keeping import Keeping

from .poison import write_poisoned

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]
MODULE = [sys.executable, "-m", "mongodriver", "ingest"]


@pytest.fixture
def collection(mongo_uri):
    with MongoClient(mongo_uri) as client:
        yield client["durable"]["c"]
        client.drop_database("durable")


@pytest.fixture
def run(mongo_uri, capsys):
    """Run `mongodriver ingest` in this process; return (exit status, report, errors)."""

    def run(*arguments):
        options = ["--uri", mongo_uri, "--db", "durable", "--collection", "c", "--quiet", "--json"]
        status = main(["ingest", *options, *map(str, arguments)])
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out else None, captured.err

    return run


def repair(path):
    """What a person does with the dead letter of a poisoned file."""
    lines = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "document" in entry:
            entry["document"].pop("bad", None)
            if str(entry["document"].get("_id", "")).startswith("taken"):
                entry["document"]["_id"] = f"free {entry['line']}"
        elif not entry["record"].endswith("}"):
            entry["record"] += "}"
        else:
            entry["record"] = re.sub(
                r'\{"\$numberInt": "5.5"\}', str(entry["line"]), entry["record"]
            )
        lines.append(json.dumps(entry) + "\n")
    path.write_text("".join(lines))


def test_poisoned_input_and_its_repair(run, collection, tmp_path):
    """Exactly the bad records are dead, with their places, and loaded once they are repaired,
    however often that is done."""
    poisoned = write_poisoned(tmp_path / "p.ndjson", 5000, seed=7)
    assert len(set(poisoned.bad.values())) == 3
    poisoned.prepare(collection)
    dead = tmp_path / "dead.ndjson"
    status, report, errors = run(poisoned.path, "--dead-letter", dead)
    assert (status, errors) == (1, "")
    assert report["rejected"] == len(poisoned.bad)
    poisoned.assert_exactly_stored(collection)
    poisoned.assert_exactly_dead(dead)
    still = tmp_path / "still.ndjson"
    status, report, _ = run("--replay", dead, "--dead-letter", still)
    assert status == 1
    # Those that are documents now, as the server wants them, are the ones that are not there.
    assert report["rejected"] == len(poisoned.bad)
    repair(dead)
    for _ in range(2):
        status, report, errors = run("--replay", dead, "--dead-letter", tmp_path / "none")
        assert (status, errors) == (0, "")
        assert report["documents"] == len(poisoned.bad)
        assert collection.count_documents({"n": {"$exists": True}}) == 5000
        assert sorted(collection.distinct("n")) == list(range(1, 5001))
    assert not (tmp_path / "none").exists()


def test_bad_rows_and_their_repair(run, collection, tmp_path):
    """Repaired rows get the types of the others, and the field that is to become the id."""
    path, dead = tmp_path / "a.csv", tmp_path / "dead.ndjson"
    rows = [f"{n};2024-01-01;0{n}" for n in range(100)]
    rows[7], rows[50] = "x;2024-01-01;07", '50;"open;050'
    path.write_text("key;day;code\n" + "".join(f"{row}\n" for row in rows))
    options = ["--types", "key:int", "--id-field", "key"]
    status, report, _ = run(path, "--dead-letter", dead, *options)
    assert (status, report["rejected"]) == (1, 2)
    entries = [json.loads(line) for line in dead.read_text().splitlines()]
    assert sorted(entry["line"] for entry in entries) == [9, 52]
    for entry in entries:
        entry["record"] = {9: "7;2024-01-02;07", 52: "50;2024-01-02;050"}[entry["line"]]
    dead.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert run("--replay", dead, *options)[0] == 0
    assert collection.find_one(7) == {"_id": 7, "day": datetime(2024, 1, 2), "code": "07"}
    assert sorted(collection.distinct("_id")) == list(range(100))


def test_the_limit_of_errors(run, collection, tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text("x\n" * 5 + "{}\n")
    status, _, errors = run(path, "--max-errors", 4)
    assert (status, errors) == (2, "mongodriver ingest: more than 4 records were rejected\n")
    assert run(path, "--max-errors", 5)[0] == 1


@pytest.mark.parametrize("mode", ["upsert", "replace", "merge", "delete"])
def test_modes(run, collection, tmp_path, mode):
    collection.insert_many([{"_id": 1, "k": "a", "old": 1}, {"_id": 2, "k": "z"}])
    path = tmp_path / "a.ndjson"
    path.write_text('{"k": "a", "n": 1}\n{"k": "b", "n": 2}\n')
    assert run(path, "--mode", mode, "--key", "k")[0] == 0
    stored = {document.pop("k"): document for document in collection.find({}, {"_id": 0})}
    assert (
        stored
        == {
            "upsert": {"a": {"n": 1}, "b": {"n": 2}, "z": {}},
            "replace": {"a": {"n": 1}, "z": {}},
            "merge": {"a": {"old": 1, "n": 1}, "b": {"n": 2}, "z": {}},
            "delete": {"z": {}},
        }[mode]
    )


@pytest.mark.parametrize(
    ("policy", "status", "dead", "value"),
    [("skip", 0, 0, "old"), ("replace", 0, 0, "new"), ("dead_letter", 1, 1, "old")],
)
def test_duplicates(run, collection, tmp_path, policy, status, dead, value):
    collection.insert_one({"_id": 1, "x": "old"})
    path = tmp_path / "a.ndjson"
    path.write_text('{"_id": 1, "x": "new"}\n{"_id": 2}\n')
    found, report, _ = run(path, "--on-duplicate", policy)
    assert (found, report["rejected"]) == (status, dead)
    assert collection.find_one(1)["x"] == value
    assert collection.count_documents({}) == 2


def test_a_duplicate_that_ends_the_job(run, collection, tmp_path):
    collection.insert_one({"_id": 1})
    path = tmp_path / "a.ndjson"
    path.write_text('{"_id": 1}\n')
    status, _, errors = run(path, "--on-duplicate", "error")
    assert status == 2
    assert errors.count("\n") == 1


def test_a_plan(run, collection, tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("n;when\n1;2024-05-01\n")
    assert main(["ingest", str(path), "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert "delimiter ';'" in output
    assert "when" in output
    assert main(["ingest", str(path), str(tmp_path / "b.csv"), "--dry-run", "--json"]) == 2
    first, second = json.loads(capsys.readouterr().out)
    assert [column["type"] for column in first["columns"]] == ["int", "date"]
    assert "No such file" in second["error"]
    assert collection.database.list_collection_names() == []


def test_a_schema(run, collection, tmp_path):
    (tmp_path / "a.csv").write_text("n,m,k\n1,2,3\n")
    schema = tmp_path / "schema.json"
    schema.write_text('{"n": "str", "m": "str"}')
    assert run(tmp_path / "a.csv", "--schema", schema, "--types", "m:float")[0] == 0
    assert collection.find_one({}, {"_id": 0}) == {"n": "1", "m": 2.0, "k": 3}
    status, _, errors = run(tmp_path / "a.csv", "--schema", "no.such:Class")
    assert status == 2
    assert "no class 'no.such:Class'" in errors


def test_dropping_and_resuming(run, collection, tmp_path):
    """The collection is emptied when the job begins, and not when it goes on."""
    collection.insert_one({"old": 1})
    path, checkpoint = tmp_path / "a.ndjson", tmp_path / "checkpoint"
    path.write_text('{"n": 1}\n{"n": 2}\n')
    command = [path, "--drop", "--checkpoint", checkpoint, "--resume"]
    for documents in (2, 0):
        status, report, errors = run(*command)
        assert (status, report["documents"], errors) == (0, documents, "")
        assert sorted(document["n"] for document in collection.find()) == [1, 2]
    status, _, errors = run(*command[:-1])
    assert status == 2
    assert "has begun: resume it, or remove it" in errors
    status, _, errors = run(*command, "--mode", "upsert")
    assert status == 2
    assert 'mode was "insert" and is "upsert"' in errors
    assert collection.count_documents({}) == 2
    assert run(*command, "--lanes", 2, "--batch-size", 1)[0] == 0  # how fast is free


def test_how_far_an_interrupted_job_came_is_written_down(collection, tmp_path):
    """At once, and not only once in a second."""
    path, checkpoint = tmp_path / "a.ndjson", tmp_path / "checkpoint"
    path.write_text("{}\n")
    source = make_source(path)
    for position in (1, 2):
        keeping = Keeping(
            [(source, collection)], IngestOptions(), checkpoint=checkpoint, resume=position == 2
        )
        if position == 1:
            run_coroutine(keeping.checkpoint.keep_seed(source.name, bytes(9)))
        run_coroutine(keeping.checkpoint.advance(source.name, {"documents": position}, 0))
        keeping.close()
        known = json.loads(checkpoint.read_text())["sources"][source.name]
        assert known["position"] == {"documents": position}
    assert sorted(os.listdir(tmp_path)) == ["a.ndjson", "checkpoint"]


def test_an_earlier_bad_record_is_not_forgotten(run, collection, tmp_path):
    path, checkpoint = tmp_path / "a.ndjson", tmp_path / "checkpoint"
    path.write_text("x\n{}\n")
    for _ in range(2):
        assert run(path, "--checkpoint", checkpoint, "--resume")[0] == 1
    assert collection.count_documents({}) == 1


def test_no_checkpoint_of_standard_input(run, collection, tmp_path):
    status, _, errors = run("-", "--checkpoint", tmp_path / "checkpoint")
    assert status == 2
    assert "stdin cannot be read a second time" in errors
    assert os.listdir(tmp_path) == []


@contextmanager
def job(mongo_uri, *arguments):
    command = [*MODULE, "-", "--uri", mongo_uri, "--db", "durable", "--collection", "c", "--json"]
    process = subprocess.Popen(
        [*command, "--quiet", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(collection, count):
    """Return when there are so many documents. A change stream would have to be there first."""
    while collection.count_documents({}) < count:
        pass


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle(mongo_uri, collection, number, status):
    """F12, F19: what was read is stored, and the report says that it was interrupted."""
    with job(mongo_uri, "--batch-size", 1) as process:
        process.stdin.write('{"n": 1}\n{"n": 2}\n')
        process.stdin.flush()
        wait_for(collection, 2)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, "mongodriver ingest: interrupted\n")
    report = json.loads(output)
    assert (report["documents"], report["interrupted"], report["rejected"]) == (2, True, 0)


def test_a_signal_lets_what_was_read_arrive(mongo_uri, collection, tmp_path):
    """The server stands still at the first insert: the job waits for it before it ends."""
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 1}\n' * 1000)
    point = {"configureFailPoint": "failCommand", "mode": {"times": 1}}
    data = {"failCommands": ["insert"], "blockConnection": True, "blockTimeMS": 1000}
    admin = collection.database.client.admin
    entered = admin.command({**point, "data": data})["count"] + 1
    command = [*MODULE, path, "--uri", mongo_uri, "--db", "durable", "--collection", "c", "--json"]
    with subprocess.Popen(
        [*command, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait = {"waitForFailPoint": "failCommand", "timesEntered": entered, "maxTimeMS": 60_000}
        admin.command(wait)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    report = json.loads(output)
    assert report["documents"] == collection.count_documents({}) == 1000
    assert report["rejected"] == 0
    # Everything had been read by then, or not: both are fine.
    assert process.returncode in (0, 143)
    assert "Traceback" not in errors


ANY = pytest.mark.parametrize("flavour", FLAVOURS)


def in_flavour(flavour, mongo_uri, main):
    """Run ``main(client, ingest, replay)`` with the functions of a flavour, to be awaited."""

    def awaited(function):
        async def call(*args, **kwargs):
            return function(*args, **kwargs)

        return call

    async def whole(backend):
        client = CLIENTS[flavour](mongo_uri)
        blocking = flavour == "blocking"
        functions = (awaited(ingest), awaited(replay)) if blocking else (ingest_async, replay_async)
        try:
            return await main(client, *functions)
        finally:
            closing = client.close()
            if closing is not None:
                await closing

    return run_on(flavour, whole)


@ANY
def test_from_python(flavour, mongo_uri, collection, tmp_path):
    """A job in two runs, with a dead letter in a collection, which is replayed."""
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 1}\nx\n{"n": 2}\n')

    async def main(client, ingest, replay):
        target, dead = client["durable"]["c"], client["durable"]["dead"]
        options = {"dead_letter": dead, "checkpoint": tmp_path / "checkpoint"}
        first = await ingest(target, path, **options)
        again = await ingest(target, path, **options, resume=True)
        with pytest.raises(CheckpointError, match="has begun"):
            await ingest(target, path, **options)
        still = tmp_path / "still.bson"
        replayed = await replay(target, dead, still_dead=still)
        return first, again, replayed, bsonx.decode_all(still.read_bytes())

    first, again, replayed, still = in_flavour(flavour, mongo_uri, main)
    assert (first.documents, first.rejected) == (2, 1)
    assert again.documents == 0
    assert (replayed.documents, replayed.rejected) == (0, 1)
    assert still[0]["record"] == "x"
    assert sorted(document["n"] for document in collection.find()) == [1, 2]
    [entry] = collection.database["dead"].find()
    assert (entry["file"], entry["line"], entry["record"]) == (str(path), 2, "x")


@ANY
def test_a_function_as_dead_letter(flavour, mongo_uri, collection):
    seen = []

    async def main(client, ingest, replay):
        source = [{"_id": 1}, {"_id": 1}, {"bad": object()}]
        return await ingest(client["durable"]["c"], source, dead_letter=seen.append)

    report = in_flavour(flavour, mongo_uri, main)
    assert (report.documents, report.rejected) == (1, 2)
    assert sorted((record.position, record.code) for record in seen) == [(2, 11000), (3, "encode")]
    by_position = {record.position: record for record in seen}
    assert bsonx.decode(by_position[2].document) == {"_id": 1}
    assert b"<object object" in by_position[3].text


@ANY
def test_what_cannot_be(flavour, mongo_uri, tmp_path):
    async def main(client, ingest, replay):
        target = client["durable"]["c"]
        with pytest.raises(CheckpointError, match="cannot be read a second time"):
            await ingest(target, iter([{}]), checkpoint=tmp_path / "checkpoint")
        with pytest.raises(CheckpointError, match="resume needs the checkpoint"):
            await ingest(target, [{}], resume=True)
        with pytest.raises(IngestError, match="a dead letter is a path"):
            await ingest(target, [{}], dead_letter=5)
        with pytest.raises(IngestError, match="a dead letter is read from a path"):
            await replay(target, 5)
        with pytest.raises(FileNotFoundError):
            await ingest(target, [{}], dead_letter=tmp_path / "no" / "dead")

    in_flavour(flavour, mongo_uri, main)
    assert os.listdir(tmp_path) == []
