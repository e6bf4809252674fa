"""Events of every kind, in PyMongo's order."""

from __future__ import annotations

import importlib

import pytest
from comparison.wanted import Verdict
from flavour import Neutral, know, step
from unified.clients import PATIENCE, until

from mongodriver.io.blocking import BlockingBackend
from mongodriver.io.either import EitherBackend

pytestmark = pytest.mark.server

KINDS = {
    "CommandListener": ("started", "succeeded", "failed"),
    "ConnectionPoolListener": (
        *("pool_created", "pool_ready", "pool_cleared", "pool_closed", "connection_created"),
        *("connection_ready", "connection_closed", "connection_check_out_started"),
        *("connection_check_out_failed", "connection_checked_out", "connection_checked_in"),
    ),
    "ServerListener": ("opened", "description_changed", "closed"),
    "TopologyListener": ("opened", "description_changed", "closed"),
}


def listeners(package, told):
    """A listener for each kind, which notes the classes of events and what sets them apart."""
    monitoring = importlib.import_module(f"{package}.monitoring")

    def note(kind):
        def method(self, event):
            shown = [type(event).__name__]
            shown += [
                str(getattr(event, n)) for n in ("command_name", "reason") if hasattr(event, n)
            ]
            told.append((kind, " ".join(shown)))

        return method

    return [
        type(kind, (getattr(monitoring, kind),), dict.fromkeys(methods, note(kind)))()
        for kind, methods in KINDS.items()
    ]


async def operations(client):
    """What makes events."""
    await client.admin.command("ping")
    with pytest.raises(Exception, match="no such command"):
        await client.admin.command("nope")
    collection = client.events_like_pymongo.c
    await collection.delete_many({})
    await collection.insert_many([{} for _ in range(3)])
    await collection.find({}, batch_size=2).to_list()
    await client.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={"failCommands": ["insert"], "errorCode": 89, "errorLabels": ["RetryableWriteError"]},
    )
    await collection.insert_one({})
    await client.close()


async def wrong_login(client):
    """A login that fails."""
    with pytest.raises(Exception, match="Authentication failed"):
        await client.admin.command("ping")
    await client.close()


def closed(told):
    return ("TopologyListener", "TopologyClosedEvent") in told


def theirs(uri, scenario):
    import pymongo

    know("pymongo", "gridfs")
    told = []
    client = pymongo.MongoClient(uri, event_listeners=listeners("pymongo", told))
    step(scenario(Neutral(client)))
    step(until(BlockingBackend(), lambda: closed(told), PATIENCE))
    return told


def of(told, *kinds):
    return [what for kind, what in told if kind in kinds]


@pytest.mark.parametrize("scenario", [operations, wrong_login], ids=lambda one: one.__name__)
async def test_events_come_in_the_order_of_pymongo(
    server, servers, make_client, flavour, scenario, record_property
):
    uri = server.uri
    if scenario is wrong_login:
        uri = servers.uri("secured set").replace("runner:secret@", "runner:wrong@")
    told = []
    client = make_client(uri, event_listeners=listeners("mongodriver", told))
    await scenario(client)
    backend = BlockingBackend() if flavour.is_sync else EitherBackend()
    assert await until(backend, lambda: closed(told), PATIENCE)
    expected = theirs(uri, scenario)
    if scenario is wrong_login:
        # The specification has the pool cleared first of all, PyMongo last.
        cleared = ("ConnectionPoolListener", "PoolClearedEvent")
        for events in (told, expected):
            events.remove(cleared)
    # Those of operations and pools happen in one thread; those of the topology are published by
    # another one.
    together = ("CommandListener", "ConnectionPoolListener")
    verdict = Verdict("events of all kinds", flavour.kind)
    kinds = [together, ("ServerListener",), ("TopologyListener",)]
    verdict.judge(
        scenario.__name__, *({"events": [of(e, *k) for k in kinds]} for e in (expected, told))
    )
    verdict.finish(record_property)
