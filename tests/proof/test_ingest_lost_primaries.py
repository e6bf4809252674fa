"""A large job of ingestion while the primary is killed, frozen and made to step down, again and
again: in the end the collection is what the file says."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(7200)]
COUNT = int(os.environ.get("PROOF_RECORDS", "2000000"))
#: Seconds of work between two faults.
PEACE = 2.0
FAULTS = ("killed", "frozen", "stepped down")


def lose_primary(server, how):
    """Take the primary away, wait for another, and give it back."""
    primary = server.primary()
    if how == "killed":
        server.kill(primary)
        server.primary()
        server.restart(primary)
    elif how == "frozen":
        server.pause(primary)
        try:
            server.primary()
        finally:
            server.resume(primary)
    else:
        server.step_down()
        server.primary()


def test_losing_primaries(tmp_path):
    path = tmp_path / "numbers.ndjson"
    with path.open("w") as file:
        file.writelines(f'{{"n": {n}, "text": "document {n}"}}\n' for n in range(COUNT))
    with LocalServer("rs0", members=3) as server, MongoClient(server.uri) as client:
        command = [
            *(sys.executable, "-m", "mongodriver", "ingest", str(path), "--uri", server.uri),
            *("--db", "proof", "--collection", "c", "--quiet", "--json"),
        ]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        faults = []
        try:
            for how in itertools.cycle(FAULTS):
                try:
                    process.wait(PEACE)
                    break
                except subprocess.TimeoutExpired:
                    lose_primary(server, how)
                    faults.append(how)
            output, errors = process.communicate()
        finally:
            process.kill()
        seconds = time.monotonic() - began
        assert (process.returncode, errors) == (0, b"")
        report = json.loads(output)
        assert (report["documents"], report["rejected"]) == (COUNT, 0)
        server.primary()
        collection = client["proof"]["c"]
        assert collection.count_documents({}) == COUNT
        different = [{"$group": {"_id": "$n"}}, {"$group": {"_id": None, "count": {"$sum": 1}}}]
        [found] = collection.aggregate(different, allowDiskUse=True)
        assert found["count"] == COUNT
        [ends] = collection.aggregate(
            [{"$group": {"_id": None, "least": {"$min": "$n"}, "most": {"$max": "$n"}}}]
        )
        assert (ends["least"], ends["most"]) == (0, COUNT - 1)
    told = ", ".join(f"{faults.count(how)} times {how}" for how in FAULTS)
    print(
        f"\n{COUNT:,} records in {seconds:.0f} s while the primary was {told}; "
        f"{report['resent']} batches were sent again, each record is there once"
    )
