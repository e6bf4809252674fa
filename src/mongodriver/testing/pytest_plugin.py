"""pytest fixtures for projects that test against a real MongoDB: `mongo_server`, `mongo_uri`.

Loaded by pytest on its own once this distribution is installed, so it must cost nothing in a run
that does not use it: everything is imported inside the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mongodriver.local import LocalServer

_SETTINGS = {
    "mongo_replica_set": "name of the replica set that mongo_server starts (default: standalone)",
    "mongo_members": "number of members of that replica set (default: 1)",
    "mongo_mongod": "the mongod program (default: environment variable MONGOD, PATH, the wheel)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare each setting as a command line option and as an ini value."""
    group = parser.getgroup("mongodriver", "a MongoDB server for tests (mongodriver)")
    for name, text in _SETTINGS.items():
        parser.addini(name, text, default="")
        group.addoption("--" + name.replace("_", "-"), dest=name, default=None, help=text)


@pytest.fixture(scope="session")
def mongo_server(pytestconfig: pytest.Config) -> Iterator[LocalServer]:
    """A running LocalServer, started at first use and shared by the whole test session."""
    from mongodriver.local import LocalServer

    members = int(_setting(pytestconfig, "mongo_members") or 1)
    replica_set = _setting(pytestconfig, "mongo_replica_set") or members > 1
    mongod = _setting(pytestconfig, "mongo_mongod") or None
    with LocalServer(replica_set, members, mongod=mongod) as server:
        yield server


@pytest.fixture(scope="session")
def mongo_uri(mongo_server: LocalServer) -> str:
    """The connection string of `mongo_server`."""
    return mongo_server.uri


def _setting(config: pytest.Config, name: str) -> str:
    return str(config.getoption(name) or config.getini(name) or "")
