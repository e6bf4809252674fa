"""A job that is killed and resumed: each record is stored once, each bad one is dead once."""

import json
import random

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

from .kills import KilledJob
from .poison import write_plain, write_poisoned

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]
THOROUGH = pytest.mark.thorough
COUNT = 20_000
BATCH = 500
KILLS = 3
# Milliseconds: the server can be told to go on, but hears that only afterwards. A kill that comes
# later than that comes at another moment, which is as good.
_BLOCKED = 1000


@pytest.fixture(scope="module")
def client():
    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as client:
        client.server_uri = server.uri
        yield client


@pytest.fixture
def collection(client):
    return client["kills"]["c"]


class Halt:
    """Has the server stand still at one of the next inserts, while the block lasts."""

    def __init__(self, client, inserts):
        self._admin = client.admin
        self._inserts = inserts

    def __enter__(self):
        data = {"failCommands": ["insert"], "blockConnection": True, "blockTimeMS": _BLOCKED}
        point = {"configureFailPoint": "failCommand", "mode": {"skip": self._inserts}}
        self._entered = self._admin.command({**point, "data": data})["count"]
        return self

    def wait(self):
        """Return when somebody stands still."""
        times = self._entered + 1
        wait = {"waitForFailPoint": "failCommand", "timesEntered": times, "maxTimeMS": 60_000}
        self._admin.command(wait)

    def __exit__(self, *error):
        self._admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def kill_and_finish(client, job, chance, kills):
    """Kill a job at random moments, the later ones while it is resumed; then let it be done."""
    for _ in range(kills):
        inserts = chance.randrange(COUNT // BATCH // (kills + 1))
        with Halt(client, inserts) as halt, job.running() as process:
            halt.wait()
            process.kill()
    return job.finish()


@pytest.fixture
def chance():
    seed = random.randrange(1 << 32)
    print("seed", seed)  # shown when it fails
    return random.Random(seed)


def test_kills_at_random_moments(client, collection, tmp_path, chance):
    poisoned = write_poisoned(tmp_path / "p.ndjson", COUNT, chance.random())
    poisoned.prepare(collection)
    job = KilledJob(poisoned.path, client.server_uri, tmp_path, "--batch-size", str(BATCH))
    done = kill_and_finish(client, job, chance, KILLS)
    assert (done.returncode, done.stderr) == (1, "")
    poisoned.assert_exactly_stored(collection)
    poisoned.assert_exactly_dead(job.dead)
    again = job.finish()  # nothing is left to be done
    assert again.returncode == 1
    assert json.loads(again.stdout)["documents"] == 0
    poisoned.assert_exactly_stored(collection)
    poisoned.assert_exactly_dead(job.dead)


@pytest.mark.parametrize(
    "form",
    ["csv.gz", *(pytest.param(form, marks=THOROUGH) for form in ("csv", "json", "ndjson.gz"))],
)
def test_a_kill_in_other_formats(client, collection, tmp_path, chance, form):
    """Reading goes on at the right record of a file that is packed, or has a header, too."""
    plain = write_plain(tmp_path, COUNT, form)
    plain.prepare(collection)
    job = KilledJob(plain.path, client.server_uri, tmp_path, "--batch-size", str(BATCH))
    done = kill_and_finish(client, job, chance, 1)
    assert (done.returncode, done.stderr) == (0, "")
    plain.assert_exactly_stored(collection)
    assert not job.dead.exists()


@pytest.mark.parametrize("mode", ["upsert", pytest.param("merge", marks=THOROUGH)])
def test_a_kill_in_other_modes(client, collection, tmp_path, chance, mode):
    plain = write_plain(tmp_path, COUNT, "ndjson")
    plain.prepare(collection)
    collection.create_index("n")
    options = ("--batch-size", str(BATCH), "--mode", mode, "--key", "n")
    job = KilledJob(plain.path, client.server_uri, tmp_path, *options)
    with job.running() as process:
        while collection.estimated_document_count() < COUNT // 4:
            assert process.poll() is None
        process.kill()
    assert job.finish().returncode == 0
    plain.assert_exactly_stored(collection)
