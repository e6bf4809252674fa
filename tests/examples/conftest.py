"""Fixtures: a server for all examples, and programs that are started as users start them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from services import Service

from mongodriver import MongoClient


@pytest.fixture(scope="session")
def server():
    """A replica set of one member."""
    from mongodriver.local import LocalServer

    with LocalServer(replica_set=True) as started:
        yield started


@pytest.fixture
def uri(server):
    """Its connection string; the databases that a test leaves behind are dropped."""
    yield server.uri
    with MongoClient(server.uri) as client:
        for name in set(client.list_database_names()) - {"admin", "config", "local"}:
            client.drop_database(name)


@pytest.fixture
def client(uri):
    """A client that looks at what the examples have stored."""
    with MongoClient(uri, tz_aware=True) as made:
        yield made


@pytest.fixture
def cut(client):
    """As long as the block lasts, the server breaks off where an example sends some commands.

    The example is known by the `appname` of its client.
    """

    @contextmanager
    def cut(appname, *commands):
        def fail(mode, **data):
            client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

        fail("alwaysOn", failCommands=commands, closeConnection=True, appName=appname)
        try:
            yield
        finally:
            fail("off")

    return cut


@pytest.fixture
def start(uri):
    """Starts programs with the server's connection string; kills those that a test leaves."""
    started = []

    def begin(*arguments, stdin=None, **environment):
        service = Service(arguments, {"MONGODB_URI": uri, **environment}, stdin)
        started.append(service)
        return service

    yield begin
    for service in started:
        service.kill()
