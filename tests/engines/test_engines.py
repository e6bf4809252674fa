"""The programs of `examples` for Dask, Ray Data and PySpark, each on a cluster of this machine."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

pytestmark = [pytest.mark.slow, pytest.mark.server]

ROOT = Path(__file__).parents[2]
#: The interpreter that has the engines.
PYTHON = os.environ.get("MONGODRIVER_ENGINES", "")
COUNT = 5000
DAY = datetime.datetime(2013, 1, 1)


@pytest.fixture(scope="module")
def server():
    with LocalServer(replica_set=True) as started, MongoClient(started.uri) as client:
        client.air.flights.insert_many(
            {"_id": n, "carrier": "ABCDE"[n % 5], "delay": float(n % 100), "at": DAY}
            for n in range(COUNT)
        )
        yield started


@pytest.fixture
def client(server):
    with MongoClient(server.uri) as made:
        made.air.carriers.drop()
        yield made


def run(server, engine):
    """What the program for an engine prints; it is skipped where that is not installed."""
    if not PYTHON:
        pytest.skip("`make engines` installs the engines")
    if subprocess.run([PYTHON, "-c", f"import {engine}"], capture_output=True).returncode:
        pytest.skip(f"{engine} is not installed here")
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [PYTHON, f"examples/{engine.removeprefix('py')}/flights.py"],
        cwd=ROOT,
        env={**os.environ, "MONGODB_URI": server.uri, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def means(client, field):
    return {document["_id"]: document[field] for document in client.air.carriers.find()}


EXPECTED = {"A": 47.5, "B": 48.5, "C": 49.5, "D": 50.5, "E": 51.5}


def test_dask(server, client):
    assert "8 partitions, 5 carriers" in run(server, "dask")
    assert means(client, "mean") == EXPECTED
    assert set(means(client, "count").values()) == {COUNT // 5}


def test_ray(server, client):
    assert "8 partitions, 5 carriers" in run(server, "ray")
    assert means(client, "mean(delay)") == EXPECTED


def test_spark(server, client):
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    assert "8 partitions, 5 carriers" in run(server, "pyspark")
    assert means(client, "mean") == EXPECTED
    assert set(means(client, "count").values()) == {COUNT // 5}
