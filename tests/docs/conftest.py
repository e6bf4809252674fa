"""A server for the pages, and files that they read."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mongodriver import MongoClient
from mongodriver.local import LocalServer

FLIGHTS = """\
number,carrier,flight,time_hour
1,UA,1545,2013-01-01T05:00:00Z
2,AA,1141,2013-01-01T05:00:00Z
2,DL,461,2013-01-01T06:00:00Z
"""
PEOPLE = '{"name": "Ada", "born": 1815}\n{"name": "Grace", "born": 1906}\n'


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a replica set's only member."""
    with LocalServer(replica_set=True) as server:
        yield server.members[0].address


@pytest.fixture
def empty(address: str) -> str:
    """The address, nothing being stored there."""
    with MongoClient(address) as client:
        for name in client.list_database_names():
            if name not in ("admin", "config", "local"):
                client.drop_database(name)
    return address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that pages name."""
    (tmp_path / "flights.csv").write_text(FLIGHTS)
    (tmp_path / "flights.csv.gz").write_bytes(gzip.compress(FLIGHTS.encode(), mtime=0))
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as packed:
        packed.writestr("flights.csv", FLIGHTS)
    (tmp_path / "people.ndjson").write_text(PEOPLE)
    authority = pytest.importorskip("trustme").CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine = authority.issue_cert("me@example.org")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    return tmp_path
