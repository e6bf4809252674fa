"""Clients that a process has made, but not opened, before it forks: preloaded applications."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings

import pytest

from mongodriver import AsyncMongoClient, MongoClient

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def ping(client):
    """Use a client of either flavour."""
    command = client.admin.command("ping")
    if isinstance(client, MongoClient):
        return command["ok"]

    async def whole():
        reply = await command
        await client.close()
        return reply["ok"]

    return asyncio.run(whole())


def in_child(function):
    """Run it in a forked child; whether it returned True there."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    code = 1
    try:
        code = 0 if function() is True else 1
    finally:
        os._exit(code)


def warned_of_fork(function):
    """Run it; the names of the clients it was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    said = [str(warning.message) for warning in caught if "before fork" in str(warning.message)]
    return [text.partition(" ")[0] for text in said]


@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_only_what_was_open_is_warned_of(server, kind):
    """A client with ``connect=False`` belongs to whoever opens it, as in PyMongo."""
    client = kind(server.uri, connect=False)
    assert in_child(lambda: warned_of_fork(lambda: ping(client)) == [])
    assert in_child(lambda: warned_of_fork(lambda: ping(client)) == [])
    assert warned_of_fork(lambda: ping(client)) == []
    if kind is MongoClient:  # the other one cannot leave its event loop
        assert in_child(lambda: warned_of_fork(lambda: ping(client)) == ["MongoClient"])
        client.close()


def test_the_child_that_has_opened_it_is_its_owner(server):
    def child():
        ping(client)
        return in_child(lambda: warned_of_fork(lambda: ping(client)) == ["MongoClient"])

    with MongoClient(server.uri, connect=False) as client:
        assert in_child(child)


def test_threads_of_a_child_open_it_once(server):
    """Each worker's first requests come at the same time."""

    def child():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            replies = []
            threads = [
                threading.Thread(target=lambda: replies.append(ping(client))) for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client.close()
        return replies == [1.0] * 8

    with MongoClient(server.uri, connect=False) as client:
        assert in_child(child)
