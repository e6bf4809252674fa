"""A job that is killed and resumed: each record is stored once, each bad one is dead once."""

import json
import random

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

from .kills import KilledJob
from .poison import write_poisoned

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]
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


def test_kills_at_random_moments(client, collection, tmp_path):
    """The last kills come while a job is resumed."""
    seed = random.randrange(1 << 32)
    print("seed", seed)  # shown when it fails
    chance = random.Random(seed)
    poisoned = write_poisoned(tmp_path / "p.ndjson", COUNT, seed)
    poisoned.prepare(collection)
    job = KilledJob(poisoned.path, client.server_uri, tmp_path, "--batch-size", str(BATCH))
    for _ in range(KILLS):
        inserts = chance.randrange(COUNT // BATCH // KILLS)
        with Halt(client, inserts) as halt, job.running() as process:
            halt.wait()
            process.kill()
    done = job.finish()
    assert (done.returncode, done.stderr) == (1, "")
    poisoned.assert_exactly_stored(collection)
    poisoned.assert_exactly_dead(job.dead)
    again = job.finish()  # nothing is left to be done
    assert again.returncode == 1
    assert json.loads(again.stdout)["documents"] == 0
    poisoned.assert_exactly_stored(collection)
    poisoned.assert_exactly_dead(job.dead)
