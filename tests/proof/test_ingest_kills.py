"""Jobs of ingestion that are killed at random moments and resumed: each record once, each time."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ingest.kills import KilledJob
from ingest.poison import write_poisoned

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(7200)]
KILLS = int(os.environ.get("PROOF_KILLS", "100"))
COUNT = int(os.environ.get("PROOF_KILLED_RECORDS", "60000"))
SEED = int(os.environ.get("PROOF_SEED", "0")) or random.randrange(1 << 32)


def test_killed_at_random_moments(tmp_path):
    """Each job is killed until one run of it comes to its end."""
    chance = random.Random(SEED)
    print(f"\nseed {SEED}")
    poisoned = write_poisoned(tmp_path / "p.ndjson", COUNT, SEED)
    with LocalServer(replica_set=True) as server, MongoClient(server.uri) as client:
        collection = client["kills"]["c"]
        kills, jobs, sent = 0, 0, []
        whole = 0.0
        while kills < KILLS:
            folder = tmp_path / f"job {jobs}"
            folder.mkdir()
            poisoned.prepare(collection)
            job = KilledJob(poisoned.path, server.uri, folder)
            if not whole:
                began = time.monotonic()
                assert job.finish().returncode == 1
                whole = time.monotonic() - began
                jobs += 1
                continue
            while True:
                with job.running() as process, contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0, 1.1 * whole))
                    break
                kills += 1
                sent.append(collection.estimated_document_count())
            done = job.finish()
            assert done.returncode == 1, done.stderr
            poisoned.assert_exactly_stored(collection)
            poisoned.assert_exactly_dead(job.dead)
            jobs += 1
        middle = sum(len(poisoned.good) > count > 3 for count in sent)
        print(
            f"{kills} kills of {jobs} jobs of {COUNT} records ({len(poisoned.bad)} bad), "
            f"{whole:.1f} s each; {middle} came when some of the records were stored and others not"
        )
