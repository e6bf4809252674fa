"""Fixtures of the driver's tests: every test runs in both flavours on a real server."""

from __future__ import annotations

import inspect
import uuid
from types import SimpleNamespace

import pytest
from comparison.sides import Side
from deployments import Deployments, Servers
from flavour import Flavour
from recording import Commands
from unified.runs import run_unified

from flavours import TRIO

__all__ = ["run_unified"]


@pytest.fixture(scope="session")
def servers(server, tmp_path_factory):
    """The servers that the specifications' tests may ask for."""
    made = Servers(server.uri, tmp_path_factory.mktemp("servers"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def deployments(flavour, servers):
    """The deployments that the specifications' tests run on."""
    made = Deployments(flavour, servers)
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sync", "async", TRIO])
def flavour(request):
    """Sync, async in asyncio, and in trio, one after the other."""
    made = Flavour(request.param)
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared(flavour, server):
    """One client for all tests of a flavour, with the commands it sends."""
    commands = Commands()
    client = flavour.make(server.uri, event_listeners=[commands])
    yield SimpleNamespace(client=client, commands=commands)

    async def close():
        await client.close()

    flavour.run(close())


@pytest.fixture(scope="session")
def sides(flavour, server):
    """PyMongo and this driver, in the same flavour on the same server, to be compared."""
    pytest.importorskip("pymongo", reason="PyMongo, the judge, is not installed")
    made = [Side(driver, flavour, server.uri) for driver in ("pymongo", "mongodriver")]
    yield made
    for side in made:
        side.close()


@pytest.fixture
def client(shared):
    """A client. Tests that close it or need options make their own with `make_client`."""
    return shared.client


@pytest.fixture
def commands(shared):
    """The commands `client` sends during the test."""
    shared.commands.clear()
    return shared.commands


@pytest.fixture
def db(client, flavour):
    """A database of the test's own, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield client[name]

    async def drop():
        await client.drop_database(name)

    flavour.run(drop())


@pytest.fixture
def coll(db):
    """An empty collection."""
    return db["things"]


@pytest.fixture
def make_client(flavour, server):
    """Makes clients with options of the test's own; closes them afterwards."""
    made = []

    def make(*args, **kwargs):
        client = flavour.make(*(args or (server.uri,)), **kwargs)
        made.append(client)
        return client

    yield make

    async def close():
        for client in made:
            await client.close()

    flavour.run(close())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run tests that are coroutines in their flavour."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    pyfuncitem.funcargs["flavour"].run(pyfuncitem.obj(**arguments))
    return True
