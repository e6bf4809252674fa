"""Log records: when they are written, what they say, and that they are PyMongo's."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from flavour import Neutral, know, step
from unified import inside
from unified.clients import PATIENCE, until

from mongodriver.errors import OperationFailure
from mongodriver.events import log_switch
from mongodriver.io.blocking import BlockingBackend
from mongodriver.io.either import EitherBackend
from mongodriver.server_description import ServerDescription

pytestmark = pytest.mark.server

COMPONENTS = ("command", "connection", "serverSelection", "topology")
DURATION = {"durationMS", "remainingTimeMS"}


class Records(logging.Handler):
    """Collects records of PyMongo's loggers."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def of(self, component, owner=None):
        """What records of a component say, those of one client."""
        name = f"pymongo.{component}"
        told = [json.loads(r.getMessage()) for r in list(self.records) if r.name == name]
        return [d for d in told if owner in (None, d.get("clientId", d.get("topologyId"))["$oid"])]

    def messages(self, component):
        return [told["message"] for told in self.of(component)]


@pytest.fixture
def records():
    """All records, of whatever levels tests set."""
    loggers = [logging.getLogger("pymongo")]
    loggers += [logging.getLogger(f"pymongo.{name}") for name in COMPONENTS]
    levels = [logger.level for logger in loggers]
    handler = Records()
    loggers[0].addHandler(handler)
    yield handler
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def set_level(level, *components):
    for name in components:
        logging.getLogger(f"pymongo.{name}").setLevel(level)


def id_of(client):
    return str(inside.topology_id(client))


def backend_of(flavour):
    return BlockingBackend() if flavour.is_sync else EitherBackend()


async def test_nothing_is_written_of_what_nobody_wants(records, make_client):
    set_level("INFO", *COMPONENTS)
    client = make_client()
    await client.admin.command("ping")
    core = inside.core(client)
    assert core.topology.fast is not None
    kinds = ("commands", "operations", "pools", "selections", "heartbeats", "servers", "topologies")
    assert not any(getattr(core.observer, kind) for kind in kinds)
    assert not [r for r in records.records if r.levelno < logging.INFO]


@pytest.mark.parametrize("component", COMPONENTS)
async def test_a_level_counts_from_the_next_operation_on(records, make_client, component):
    set_level("INFO", *COMPONENTS)
    client = make_client(heartbeatFrequencyMS=500)
    await client.admin.command("ping")
    set_level("DEBUG", component)
    await client.admin.command("ping")
    if component == "topology":
        inside.core(client).topology.update(gone(client))
    assert records.of(component, id_of(client))
    set_level("INFO", component)
    await client.admin.command("ping")
    before = len(records.records)
    await client.admin.command("ping")
    assert len(records.records) == before
    await client.close()


def gone(client):
    """The description of a client's only server, as if it had gone."""
    (address,) = client.topology_description.server_descriptions()
    return ServerDescription(address)


async def test_logging_may_be_disabled_for_a_while(records, make_client):
    set_level("DEBUG", *COMPONENTS)
    client = make_client()
    await client.admin.command("ping")
    logging.disable(logging.CRITICAL)
    try:
        before = len(records.records)
        await client.admin.command("ping")
        assert len(records.records) == before
    finally:
        logging.disable(logging.NOTSET)
    await client.admin.command("ping")
    assert len(records.records) > before


async def test_a_configuration_that_disables_loggers(records, make_client):
    set_level("DEBUG", *COMPONENTS)
    client = make_client()
    await client.admin.command("ping")
    loggers = [logging.getLogger(name) for name in ("mongodriver.levels", "pymongo.command")]
    for logger in loggers:
        logger.disabled = True
    try:
        set_level("INFO", "connection")
        before = len(records.of("command"))
        await client.admin.command("ping")
        assert len(records.of("command")) == before
        assert not inside.core(client).observer.commands
        assert log_switch.REMEMBERED  # no operation has to look again
    finally:
        for logger in loggers:
            logger.disabled = False
    set_level("DEBUG", "connection")
    await client.admin.command("ping")
    assert len(records.of("command")) == before + 2


async def test_records_are_put_into_words_when_they_are_read(records, make_client, monkeypatch):
    set_level("DEBUG", "command")
    client = make_client()
    await client.admin.command("ping")
    monkeypatch.setenv("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "7")
    started = records.of("command", id_of(client))[0]
    assert started["command"] == '{"ping"...'
    assert records.records[0].args == ()


async def test_commands(records, make_client):
    set_level("DEBUG", "command")
    client = make_client()
    with pytest.raises(OperationFailure):
        await client.admin.command("ping", bogus=1)
    await client.admin.command("ping")
    told = records.of("command", id_of(client))
    assert [t["message"] for t in told[2:]] == ["Command started", "Command succeeded"]
    assert told[1]["message"] == "Command failed"
    assert json.loads(told[1]["failure"])["code"] == 40415
    for one in told:
        assert one["serverHost"] == "127.0.0.1"
        assert isinstance(one["serverConnectionId"], int)
        assert one["driverConnectionId"] == 1
        assert one["databaseName"] == "admin"
    assert told[2]["requestId"] == told[3]["requestId"] != told[2]["operationId"]


async def test_what_is_sensitive_is_not_told(records, make_client):
    set_level("DEBUG", *COMPONENTS)
    client = make_client()
    with pytest.raises(OperationFailure):
        await client.admin.command("createUser", "u", pwd="zecret", roles=["zecret"])
    told = records.of("command", id_of(client))
    assert told[0]["command"] == "{}"
    assert json.loads(told[1]["failure"]) == {"code": 31, "codeName": "RoleNotFound"}
    assert not any("zecret" in record.getMessage() for record in records.records)


async def test_a_retry_is_told_of(records, make_client, servers):
    set_level("DEBUG", "command", "serverSelection")
    client = make_client()
    await client.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={"failCommands": ["find"], "errorCode": 89},
    )
    await client.test.c.find_one()
    finds = [t for t in records.of("command", id_of(client)) if t["commandName"] == "find"]
    assert [t["message"] for t in finds] == [
        "Command started",
        "Command failed",
        "Retrying read attempt number 1",
        "Command started",
        "Command succeeded",
    ]
    ids = {t["operationId"] for t in finds}
    selections = records.of("serverSelection", id_of(client))
    assert ids == {t["operationId"] for t in selections if t["operation"] == "find"}
    assert len(ids) == 1


async def test_a_selection_that_waits_and_fails(records, make_client):
    set_level("DEBUG", "serverSelection")
    client = make_client("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=1000)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
        await client.admin.command("ping")
    started, waiting, failed = records.of("serverSelection", id_of(client))
    assert started["message"] == "Server selection started"
    assert waiting["message"] == "Waiting for suitable server to become available"
    assert 0 <= waiting["remainingTimeMS"] <= 1000
    assert failed["message"] == "Server selection failed"
    assert "127.0.0.1:1" in failed["failure"]
    (level,) = (r.levelno for r in records.records if r.msg is not None and "Waiting" in str(r.msg))
    assert level == logging.INFO


async def test_records_of_servers_of_others(records, make_client):
    set_level("INFO", "client")
    make_client("mongodb://a.docdb.amazonaws.com/", connect=False)
    (record,) = [r for r in records.records if r.name == "pymongo.client"]
    assert record.getMessage().startswith("You appear to be connected to a DocumentDB cluster.")


def test_logging_is_loaded_for_nobody_and_heeded_once_it_is(server):
    program = """
import sys
from mongodriver import MongoClient
client = MongoClient(sys.argv[1])
client.admin.command("ping")
assert "logging" not in sys.modules
import logging
logging.basicConfig(level="DEBUG", stream=sys.stdout, format="%(name)s")
with MongoClient(sys.argv[1]):
    client.admin.command("ping")
client.close()
"""
    command = [sys.executable, "-c", program, server.uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("pymongo.command") >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork:UserWarning")
def test_a_child_process_heeds_levels_whatever_the_parent_was_at(records, flavour, make_client):
    if not flavour.is_sync:
        pytest.skip("loops do not survive a fork")
    set_level("INFO", *COMPONENTS)
    client = make_client()
    step(client.admin.command("ping"))
    core = inside.core(client)
    with core._log_switch._lock:  # as if another thread were looking at the levels
        child = os.fork()
        if child == 0:
            try:
                set_level("DEBUG", "command")
                step(client.admin.command("ping"))
                told = records.messages("command")
                os._exit(0 if told == ["Command started", "Command succeeded"] else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- beside PyMongo --


async def scenario(client):
    """Commands of all kinds, one after the other."""
    db = client.log_records
    await db.c.delete_many({"_id": {"$gte": 0}})
    await db.c.insert_many([{"_id": i} for i in range(5)])
    async for _ in db.c.find({"_id": {"$gte": 0}}, batch_size=2):
        pass
    with pytest.raises(Exception, match="no such command"):
        await db.command("nope")
    with pytest.raises(Exception, match="Could not find role"):
        await db.command("createUser", "u", pwd="p", roles=["bad"])
    for name in ("find", "insert"):
        data = {"failCommands": [name], "errorCode": 89, "errorLabels": ["RetryableWriteError"]}
        await client.admin.command(
            "configureFailPoint", "failCommand", mode={"times": 1}, data=data
        )
    await db.c.insert_one({"_id": 9})
    await db.c.distinct("_id")
    await client.close()


def summary(records, owner, component):
    """Who told what, with which fields, in the order of a component."""
    found = []
    for told in records.of(component, owner):
        name = told.get("commandName", told.get("operation"))
        if name == "endSessions" or told["message"].startswith("Waiting"):
            continue  # they differ in their last words; and who is quick need not wait
        document = told.get("command", "{}")
        if told["message"] == "Command started" and len(document) < 900:
            # PyMongo leaves out what is empty or zero, and what contains nothing else.
            document = sorted(set(json.loads(document)) - {"deletes", "filter", "query"})
        else:
            document = None
        found.append((told["message"], name, sorted(told), document))
    return found


@pytest.fixture
def theirs(server, records):
    """PyMongo's records of the scenario."""
    import pymongo

    know("pymongo", "gridfs")
    set_level("DEBUG", *COMPONENTS)
    step(scenario(Neutral(pymongo.MongoClient(server.uri, maxPoolSize=5))))
    told = Records()
    told.records = list(records.records)
    records.records.clear()
    (owner,) = {t["clientId"]["$oid"] for t in told.of("command")}
    return SimpleNamespace(records=told, owner=owner)


@pytest.mark.parametrize("component", ["command", "connection", "serverSelection"])
async def test_records_are_those_of_pymongo(records, theirs, make_client, component):
    client = make_client(maxPoolSize=5)
    owner = id_of(client)
    await scenario(client)
    ours = summary(records, owner, component)
    assert ours == summary(theirs.records, theirs.owner, component)


async def test_records_of_the_topology_are_those_of_pymongo(records, theirs, make_client, flavour):
    client = make_client(maxPoolSize=5)
    owner = id_of(client)
    await scenario(client)

    def ended():
        return "Stopped topology monitoring" in [
            t["message"] for t in records.of("topology", owner)
        ]

    assert await until(backend_of(flavour), ended, PATIENCE)

    def told(found):
        return {(t["message"], tuple(sorted(t))) for t in found}

    ours = told(records.of("topology", owner))
    expected = told(theirs.records.of("topology", theirs.owner))
    assert {one for one in ours if one[0] != "Server heartbeat failed"} == expected
