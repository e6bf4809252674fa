"""The first hello: OP_QUERY, where nobody knows yet what the server understands."""

from __future__ import annotations

import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bsonx
from bsonx.errors import InvalidBSON
from core_kit import PING, Recorder, Run, opened, use, wait
from fake_mongod import HANG_UP, MONGOS, STANDALONE, FakeMongod, read_request, respond
from flavours import EVERYWHERE, run_on
from mongodriver.errors import ConfigurationError, ProtocolError, ServerSelectionTimeoutError
from mongodriver.monitoring import ServerHeartbeatFailedEvent, ServerHeartbeatSucceededEvent
from mongodriver.server_api import ServerApi
from mongodriver.wire.op_query import decode_reply, encode_query

HELLO = {"ismaster": 1, "helloOk": True, "$db": "admin"}


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


# -- messages --


def test_a_command_as_bytes():
    message = encode_query(7, {**HELLO, "client": {"driver": {}}})
    content = bsonx.encode({"ismaster": 1, "helloOk": True, "client": {"driver": {}}})
    assert message == (
        struct.pack("<iiii", len(message), 7, 0, 2004)
        + b"\4\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff"
        + content
    )
    assert read_request(message) == (0, {**HELLO, "client": {"driver": {}}}, True)


def test_the_answer():
    assert decode_reply(respond({"ok": 1, "a": {"b": [1]}}, 7, query=True), 7) == {
        "ok": 1,
        "a": {"b": [1]},
    }


def changed(offset, value, size=4):
    message = bytearray(respond({"ok": 1}, 7, query=True))
    message[offset : offset + size] = value.to_bytes(size, "little", signed=True)
    return bytes(message)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (changed(8, 8), ProtocolError),  # answers another request
        (respond({"ok": 1}, 7), ProtocolError),  # OP_MSG
        (changed(12, 2012), ProtocolError),
        (changed(32, 0), ProtocolError),  # no document
        (changed(32, 2), ProtocolError),
        (changed(32, -1), ProtocolError),
        (changed(36, 5), InvalidBSON),
        (changed(36, 2**31 - 1), InvalidBSON),
        (respond({"ok": 1}, 7, query=True)[:36], InvalidBSON),
        (respond({"ok": 1}, 7, query=True)[:35], ProtocolError),
        (respond({"ok": 1}, 7, query=True)[:16], ProtocolError),
        (respond({"ok": 1}, 7, query=True) + b"\0", InvalidBSON),
    ],
)
def test_what_is_no_answer(message, error):
    with pytest.raises(error):
        decode_reply(message, 7)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_are_an_answer_or_an_error_of_ours(garbage, at):
    message = bytearray(respond({"ok": 1, "x": "abc"}, 7, query=True))
    message[at : at + len(garbage)] = garbage
    if len(message) < 16:
        return
    try:
        assert isinstance(decode_reply(bytes(message), 7), dict)
    except (ProtocolError, InvalidBSON):
        pass


# -- who sends it --


def hellos(flavour, hello, **options):
    """The requests for hello of a client that has sent a command and checked its server again."""

    async def main(client):
        await client.execute(Run(PING))
        if not options.get("loadbalanced"):
            await wait(client.backend, lambda: len(fake.of("hello", "ismaster")) > 3)

    with FakeMongod(hello) as fake:
        use(flavour, fake.uri, main, heartbeatfrequencyms=500, **options)
        return fake.of("hello", "ismaster")


def seen(requests):
    """Names and protocols: those of the first hello of each connection, and those of the others."""
    first, later, known = set(), set(), set()
    for request in requests:
        kinds = later if request.connection in known else first
        kinds.add((request.name, "OP_QUERY" if request.is_query else "OP_MSG"))
        known.add(request.connection)
    return first, later


def test_the_first_hello_is_a_query(flavour):
    requests = hellos(flavour, STANDALONE)
    assert seen(requests) == ({("ismaster", "OP_QUERY")}, {("ismaster", "OP_MSG")})
    assert len({r.connection for r in requests}) == 2
    assert all(r.body["helloOk"] is True and r.body["$db"] == "admin" for r in requests)
    assert all("client" in r.body for r in requests if r.is_query)


@pytest.mark.parametrize("options", [{}, {"server_api": ServerApi("1")}])
def test_every_handshake_tells_the_version_of_backpressure(flavour, options):
    """Prose test 9 of mongodb-handshake; and no other hello, as of all that handshakes add."""
    requests = hellos(flavour, {**STANDALONE, "helloOk": True}, **options)
    known = set()
    for request in requests:
        expected = None if request.connection in known else "2"
        assert request.body.get("backpressure") == expected
        assert ("client" in request.body) is (expected is not None)
        known.add(request.connection)
    assert len(known) == 2 < len(requests)


def test_then_hello_goes_by_its_new_name_where_it_is_known(flavour):
    requests = hellos(flavour, {**STANDALONE, "helloOk": True})
    assert seen(requests) == ({("ismaster", "OP_QUERY")}, {("hello", "OP_MSG")})


def test_a_declared_api_needs_no_query(flavour):
    requests = hellos(flavour, STANDALONE, server_api=ServerApi("1"))
    assert seen(requests) == ({("hello", "OP_MSG")}, {("hello", "OP_MSG")})


def test_a_load_balancer_needs_no_query(flavour):
    requests = hellos(flavour, {**MONGOS, "serviceId": bsonx.ObjectId()}, loadbalanced=True)
    assert seen(requests) == ({("hello", "OP_MSG")}, set())


def test_a_login_begins_in_the_query(flavour):
    def hello(request):
        return {**STANDALONE, "saslSupportedMechs": ["SCRAM-SHA-256"]}

    async def main(client):
        with pytest.raises(Exception, match="no login here"):
            await client.execute(Run(PING))

    failed = {"ok": 0, "code": 18, "errmsg": "no login here"}
    with FakeMongod(hello, lambda request: failed) as fake:
        use(flavour, fake.uri.replace("//", "//u:p@"), main)
        (login,) = [r for r in fake.of("ismaster") if "speculativeAuthenticate" in r.body]
    assert login.is_query
    assert login.body["saslSupportedMechs"] == "admin.u"


@pytest.mark.parametrize("version", [None, 0, 2, 5])
def test_an_old_server_is_told_to_be_too_old(flavour, version):
    """It ends connections on which an OP_MSG comes."""
    recorder = Recorder()
    old = {"ok": 1, "ismaster": True}
    if version is not None:
        old["maxWireVersion"] = version

    def hello(request):
        return old if request.is_query else HANG_UP

    async def main(backend):
        options = {"heartbeatfrequencyms": 500, "event_listeners": [recorder]}
        async with opened(backend, fake.uri, **options) as client:
            with pytest.raises(ConfigurationError) as caught:
                await client.execute(Run(PING))
            # It is asked again, on the same connection, and is still found.
            await wait(backend, lambda: len(recorder.of(ServerHeartbeatSucceededEvent)) > 2)
            return str(caught.value)

    with FakeMongod(hello) as fake:
        text = run_on(flavour, main)
        requests = fake.of("ismaster")
    assert f"reports wire version {version or 0}, but this version of" in text
    assert "requires at least 9 (MongoDB 4.4)" in text
    assert {r.connection for r in requests} == {1}
    assert all(r.is_query for r in requests)
    assert not recorder.of(ServerHeartbeatFailedEvent)


@pytest.mark.parametrize(
    "answer",
    [
        lambda request_id: respond(STANDALONE, request_id),
        lambda request_id: respond(STANDALONE, 99, query=True),
        lambda request_id: respond({"$err": "no", "code": 1}, request_id, query=True),
        lambda request_id: respond(STANDALONE, request_id, query=True)[:-1] + b"\1",
    ],
    ids=["OP_MSG", "of another request", "$err", "bad BSON"],
)
def test_another_answer_is_an_error_of_the_server(flavour, answer):
    from scripted import read_message, scripted

    connections = []
    ended = threading.Event()

    def script(sock):
        message = read_message(sock)
        connections.append(sock)
        sock.sendall(answer(int.from_bytes(message[4:8], "little")))
        if not read_message(sock):
            ended.set()

    async def main(client):
        with pytest.raises(ServerSelectionTimeoutError):
            await client.execute(Run(PING))

    with scripted(script) as server:
        uri = f"mongodb://127.0.0.1:{server.address[1]}/"
        use(flavour, uri, main, serverselectiontimeoutms=300)
        assert ended.wait(10)
