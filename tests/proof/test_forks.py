"""A thousand forks at random moments, under load: parent and children go on as if nothing were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from server_state import wait_until_idle

from mongodriver import MongoClient
from mongodriver.local import LocalServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()"),
]

FORKS = int(os.environ.get("PROOF_FORKS", "1000"))
HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("seed", ["1"])
def test_forks_under_load(seed):
    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as client:
        client.proof.many.insert_many([{"n": number} for number in range(50)])
        client.proof.create_collection("fork_counts")
        ended = subprocess.run(
            [sys.executable, str(HERE / "forking.py"), server.uri, str(FORKS), seed],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        report = json.loads(ended.stdout)
        assert report["statuses"] == {"0": FORKS}
        assert report["checked out"] == 0
        assert report["sessions"] == report["different sessions"]
        names = {document["_id"] for document in client.proof.forks.find()}
        expected = {f"child {number}" for number in range(FORKS)} | {
            f"{thread} {turn}" for thread, count in report["done"].items() for turn in range(count)
        }
        assert names == expected
        counts = {document["_id"]: document["n"] for document in client.proof.fork_counts.find()}
        assert counts == dict.fromkeys(expected, 1)
        wait_until_idle(client)
