"""A hello that cannot be makes the server Unknown, with an error that says why; nothing else."""

from __future__ import annotations

import inspect
import re
from datetime import datetime
from itertools import product
from typing import Any

import pytest

from bsonx.codec_options import CodecOptions
from bsonx.decimal128 import Decimal128
from bsonx.errors import BSONError
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from bsonx.op_msg import encode_batch, encode_message
from bsonx.timestamp import Timestamp
from core_kit import PING, Recorder, Run, until_known_to_fail, use, wait
from damage import VALUES, damaged, path_text, paths
from fake_mongod import EXHAUST_ALLOWED, STANDALONE, FakeMongod
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.cmap.connection import Connection
from mongodriver.errors import ProtocolError, PyMongoError, ServerSelectionTimeoutError
from mongodriver.hello import Hello
from mongodriver.monitoring import ServerHeartbeatFailedEvent
from mongodriver.replies.hello import read_hello
from mongodriver.sdam.topology_description import (
    TopologyDescription,
    TopologySettings,
    updated_topology_description,
)
from mongodriver.server_description import ServerDescription

#: What a primary of MongoDB 6.0 says, and all that others may add.
HELLO: dict[str, Any] = {
    "helloOk": True,
    "topologyVersion": {"processId": ObjectId(), "counter": Int64(6)},
    "hosts": ["a:1"],
    "passives": ["b:1"],
    "arbiters": ["c:1"],
    "setName": "rs0",
    "setVersion": 1,
    "isWritablePrimary": True,
    "ismaster": True,
    "secondary": False,
    "arbiterOnly": False,
    "hidden": False,
    "tags": {"dc": "east"},
    "primary": "a:1",
    "me": "a:1",
    "electionId": ObjectId("7fffffff0000000000000001"),
    "lastWrite": {
        "opTime": {"ts": Timestamp(1, 13), "t": Int64(1)},
        "lastWriteDate": datetime(2026, 1, 1),
    },
    "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000,
    "maxWriteBatchSize": 100000,
    "localTime": datetime(2026, 1, 1),
    "logicalSessionTimeoutMinutes": 30,
    "connectionId": 10,
    "minWireVersion": 0,
    "maxWireVersion": 17,
    "readOnly": False,
    "compression": ["zlib"],
    "saslSupportedMechs": ["SCRAM-SHA-256"],
    "speculativeAuthenticate": {"payload": b"x", "done": False, "conversationId": 1},
    "ok": 1.0,
    "$clusterTime": {
        "clusterTime": Timestamp(1, 13),
        "signature": {"hash": b"\0" * 20, "keyId": Int64(0)},
    },
    "operationTime": Timestamp(1, 13),
}

_LEFT_OUT = {"missing", "null"}
_INT64 = {"zero", "int", "huge", "least", "negative"}
_TEXT = {"string", "empty string", "long string"}
_BOOLEAN = {*_LEFT_OUT, "true", "false", "zero"}

#: What is read, and the damages after which it can still be read.
READ: list[tuple[str, set[str]]] = [
    (r"topologyVersion", _LEFT_OUT),
    (r"topologyVersion.processId", set()),
    (r"topologyVersion.counter", _INT64),
    (r"hosts|passives|arbiters", {*_LEFT_OUT, "empty list"}),
    (r"(hosts|passives|arbiters)\[0\]", {"missing", "string"}),
    (r"compression|saslSupportedMechs", {*_LEFT_OUT, "empty list"}),
    (r"(compression|saslSupportedMechs)\[0\]", {"missing", *_TEXT}),
    (r"setName", {*_LEFT_OUT, *_TEXT}),
    (r"primary|me", {*_LEFT_OUT, "string", "empty string"}),
    (r"setVersion|connectionId", {*_LEFT_OUT, *_INT64}),
    (r"isWritablePrimary|ismaster|secondary|arbiterOnly|hidden|helloOk", _BOOLEAN),
    (r"tags", {*_LEFT_OUT, "empty document"}),
    (r"tags.dc", {"missing", *_TEXT}),
    (r"electionId", _LEFT_OUT),
    (r"lastWrite", {*_LEFT_OUT, "empty document", "document", "deep"}),
    (r"lastWrite.lastWriteDate", _LEFT_OUT),
    (r"maxBsonObjectSize|maxMessageSizeBytes", _LEFT_OUT),
    (r"maxWriteBatchSize", {*_LEFT_OUT, "int"}),
    (r"minWireVersion|maxWireVersion", {*_LEFT_OUT, "zero", "int"}),
    (r"logicalSessionTimeoutMinutes", {*_LEFT_OUT, "zero", "int", "half"}),
    (r"speculativeAuthenticate", {*_LEFT_OUT, "empty document", "document", "deep"}),
    (r"\$clusterTime", _LEFT_OUT),
    (r"\$clusterTime.clusterTime", {"timestamp"}),
    (r"\$clusterTime.signature", _LEFT_OUT),
    (r"\$clusterTime.signature.hash", {"bytes"}),
    (r"\$clusterTime.signature.keyId", _INT64),
]


class NoStream:
    """In the place of a connection's stream."""

    closed = False


def use_hello(hello: Hello) -> None:
    """All that a client does with what a server says of itself."""
    for name in dir(Hello):
        if not name.startswith("__"):
            getattr(hello, name)
    server = ServerDescription(("a", 1), hello)
    assert server == ServerDescription(("a", 1), hello)
    repr(server)
    for direct in (True, False):
        settings = TopologySettings([("a", 1)], direct_connection=direct)
        topology = TopologyDescription(*settings_of(settings))
        for _ in range(2):
            topology = updated_topology_description(topology, server)
        repr(topology)
    connection = Connection(NoStream(), ("a", 1))
    connection.adopt(hello)
    encode_batch(
        1,
        0,
        {"insert": "t", "$clusterTime": hello.cluster_time},
        "documents",
        [{}, {}],
        0,
        CodecOptions(),
        max_count=connection.max_write_batch_size,
        max_document_size=connection.max_bson_size,
        max_message_size=connection.max_message_size,
    )
    encode_message(1, 0, {"hello": 1, "v": hello.topology_version}, CodecOptions())


def settings_of(settings: TopologySettings) -> tuple[Any, ...]:
    kind = settings.topology_type
    servers = {seed: ServerDescription(seed) for seed in settings.seeds}
    return kind, servers, settings.replica_set_name, None, None, settings


def is_read(path: str, damage: str) -> bool | None:
    """Whether a damage must be accepted (True), or may not be (False); None: it does not matter."""
    for pattern, permitted in READ:
        if re.fullmatch(pattern, path):
            return damage in permitted
    return None


CASES = [
    (path_text(path), damage, damaged(HELLO, path, VALUES[damage]))
    for path, damage in product(paths(HELLO), VALUES)
    if path != ("ok",)
]


def test_every_damage_to_a_hello_is_noticed_or_does_no_harm():
    wrong = []
    for path, damage, reply in CASES:
        try:
            hello = read_hello(reply)
        except ProtocolError as exc:
            if is_read(path, damage):
                wrong.append(f"{path} {damage}: {exc}")
            continue
        use_hello(hello)
        if is_read(path, damage) is False:
            wrong.append(f"{path} {damage}: accepted")
    assert wrong == []
    assert len(CASES) > 1000


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("maxBsonObjectSize", 16777216.0, 16777216),
        ("maxMessageSizeBytes", Int64(48000000), 48000000),
        ("maxWriteBatchSize", Decimal128("1000"), 1000),
        ("maxWireVersion", 17.0, 17),
        ("logicalSessionTimeoutMinutes", 30.0, 30),
        ("logicalSessionTimeoutMinutes", 0.5, 0.5),
        ("setVersion", None, None),
        ("electionId", None, None),
        ("maxBsonObjectSize", None, 16777216),
        ("connectionId", 7.0, 7),
    ],
)
def test_what_is_only_unusual_is_read(field, value, read):
    attribute = {
        "maxBsonObjectSize": "max_bson_size",
        "maxMessageSizeBytes": "max_message_size",
        "maxWriteBatchSize": "max_write_batch_size",
        "maxWireVersion": "max_wire_version",
        "logicalSessionTimeoutMinutes": "logical_session_timeout_minutes",
        "setVersion": "set_version",
        "electionId": "election_id",
        "connectionId": "connection_id",
    }[field]
    found = getattr(read_hello({**HELLO, field: value}), attribute)
    assert found == read
    assert type(found) in (type(read), Int64)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"maxWriteBatchSize": "x"}, "'maxWriteBatchSize' must be a whole number, not 'x'"),
        ({"maxWriteBatchSize": 0}, "'maxWriteBatchSize' must be from 1 to 2147483647, not 0"),
        ({"maxBsonObjectSize": 5}, "'maxBsonObjectSize' must be from"),
        ({"minWireVersion": 9, "maxWireVersion": 8}, "'maxWireVersion' must be minWireVersion"),
        ({"hosts": ["a:b"]}, "not the address of a server"),
        ({"hosts": ["a:99999"]}, "not the address of a server"),
        ({"hosts": ["a\0b:1"]}, "not the address of a server"),
        ({"hosts": ["a" * 64 + ".example:1"]}, "not the address of a server"),
        ({"hosts": [f"h{n}:1" for n in range(2000)]}, "more than a replica set can have"),
    ],
)
def test_the_error_says_what_is_wrong(fields, text):
    with pytest.raises(ProtocolError, match=re.escape(text)):
        read_hello({**HELLO, **fields})


def test_only_what_is_needed_of_a_topology_version_goes_back():
    version = {**HELLO["topologyVersion"], "more": [1]}
    hello = read_hello({**HELLO, "topologyVersion": version})
    assert hello.topology_version == HELLO["topologyVersion"]


# -- over the wire --

#: One damage of each field that cannot be accepted.
REFUSED: dict[str, Any] = {}
for _path, _damage, _reply in CASES:
    if is_read(_path, _damage) is False and _damage in ("list", "huge", "deep"):
        REFUSED.setdefault(_path, _reply)


async def done(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.mark.parametrize("path", REFUSED)
def test_a_server_with_a_bad_hello_is_unknown(flavour, path):
    async def main(backend):
        client = CLIENTS[flavour](
            fake.uri, directConnection=True, serverSelectionTimeoutMS=40, heartbeatFrequencyMS=500
        )
        await until_known_to_fail(client._core)
        with pytest.raises(ServerSelectionTimeoutError, match="bad reply to hello"):
            await done(client.db.t.insert_one({}))
        (server,) = client.topology_description.server_descriptions().values()
        assert isinstance(server.error, ProtocolError)
        await done(client.close())

    with FakeMongod(REFUSED[path]) as fake:
        run_on(flavour, main)


def test_a_bad_hello_on_a_connection_for_operations(flavour):
    """The monitor hears a good one, every new connection another bad one."""
    now: dict[str, Any] = {"hello": STANDALONE}

    def hello(request):
        return STANDALONE if request.connection == 1 else now["hello"]

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, directConnection=True, serverMonitoringMode="poll")
        await done(client.admin.command("ping"))
        outcomes = []
        for path, damage, reply in CASES[::3]:
            now["hello"] = reply
            (server,) = client._core.topology.servers
            server.pool.clear()
            server.pool.ready()
            try:
                await done(client.db.t.insert_many([{}, {}]))
            except (PyMongoError, BSONError) as exc:
                outcomes.append(exc)
                assert is_read(path, damage) is not True or isinstance(exc, ProtocolError) is False
        now["hello"] = STANDALONE
        (server,) = client._core.topology.servers
        server.pool.clear()
        server.pool.ready()
        await done(client.admin.command("ping"))
        await done(client.close())
        return outcomes

    with FakeMongod(hello, lambda request: {"ok": 1, "n": 2}) as fake:
        outcomes = run_on(flavour, main)
    assert len(outcomes) > 100
    assert all("hello" in str(exc) for exc in outcomes)


@pytest.mark.parametrize("path", ["maxWriteBatchSize", "topologyVersion.counter", "hosts"])
def test_a_bad_hello_in_a_stream(flavour, path):
    state = {"bad": False}
    good = {k: v for k, v in HELLO.items() if k not in ("hosts", "passives", "arbiters")}
    good |= {"setName": None, "primary": None, "me": None}

    def hello(request):
        if request.flags & EXHAUST_ALLOWED and not state["bad"]:
            state["bad"] = True
            return [good, {**good, **{k: REFUSED[path][k] for k in [path.split(".")[0]]}}]
        return good

    recorder = Recorder()

    async def main(client):
        client.open()
        await wait(client.backend, lambda: recorder.of(ServerHeartbeatFailedEvent))
        error = recorder.of(ServerHeartbeatFailedEvent)[0].reply
        assert isinstance(error, ProtocolError)
        assert path.split(".")[0] in str(error)
        return await client.execute(Run(PING))

    with FakeMongod(hello) as fake:
        options = {"directconnection": True, "event_listeners": [recorder]}
        assert use(flavour, fake.uri, main, **options)["ok"] == 1
