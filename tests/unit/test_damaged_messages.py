"""Replies whose framing is damaged: header, flags, sections, checksum, and every single byte."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from bsonx.errors import BSONError
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from fake_mongod import MORE_TO_COME, STANDALONE, FakeMongod, respond
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.cursor import CursorType
from mongodriver.errors import ProtocolError, PyMongoError
from mongodriver.wire.checksum import crc32c
from mongodriver.wire.header import CHECKSUM_PRESENT, HEADER

DOCUMENT = b"\x05\0\0\0\0"
OK = b"\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\0"


def message(
    content: bytes, response_to: int, opcode: int = 2013, length: int | None = None
) -> bytes:
    length = 16 + len(content) if length is None else length
    return HEADER.pack(length, 7, response_to, opcode) + content


def op_msg(flags: int, sections: bytes) -> Callable[[int], bytes]:
    return lambda id: message(flags.to_bytes(4, "little") + sections, id)


def checksummed(id: int) -> bytes:
    whole = message(CHECKSUM_PRESENT.to_bytes(4, "little") + b"\0" + OK, id, length=16 + 5 + 17 + 4)
    return whole + crc32c(whole).to_bytes(4, "little")


GOOD = b"\0\0\0\0\0" + OK

#: From the id of a request to the bytes of its reply, none of which is one.
DAMAGED: dict[str, Callable[[int], bytes]] = {
    "length 0": lambda id: message(GOOD, id, length=0),
    "length 15": lambda id: message(GOOD, id, length=15),
    "length 16": lambda id: message(b"", id),
    "negative length": lambda id: message(GOOD, id, length=-1),
    "greatest length": lambda id: message(GOOD, id, length=2**31 - 1),
    "shorter": lambda id: message(GOOD[:-1], id),
    "longer": lambda id: message(GOOD + b"\0", id),
    "no flags": lambda id: message(b"\0\0", id),
    "no sections": op_msg(0, b""),
    "other request": lambda id: message(GOOD, id + 1),
    "no request": lambda id: message(GOOD, 0),
    "OP_REPLY": lambda id: message(b"\0" * 20 + OK, id, opcode=1),
    "OP_QUERY": lambda id: message(GOOD, id, opcode=2004),
    "no opcode": lambda id: message(GOOD, id, opcode=0),
    "negative opcode": lambda id: message(GOOD, id, opcode=-1),
    "compressed, empty": lambda id: message(b"", id, opcode=2012),
    "compressed, unknown": lambda id: message(
        b"\xdd\x07\0\0" + b"\x16\0\0\0" + b"\x63" + GOOD, id, opcode=2012
    ),
    "compressed, wrong size": lambda id: message(
        b"\xdd\x07\0\0" + b"\xff\xff\xff\x7f" + b"\0" + GOOD, id, opcode=2012
    ),
    "compressed, no zlib": lambda id: message(
        b"\xdd\x07\0\0" + b"\x16\0\0\0" + b"\x02" + GOOD, id, opcode=2012
    ),
    "compressed twice": lambda id: message(
        b"\xdc\x07\0\0" + b"\x16\0\0\0" + b"\0" + GOOD, id, opcode=2012
    ),
    "unknown flag": op_msg(1 << 2, b"\0" + OK),
    "all flags": op_msg(0xFFFF, b"\0" + OK),
    "more to come": op_msg(MORE_TO_COME, b"\0" + OK),
    "checksum without one": op_msg(CHECKSUM_PRESENT, b"\0" + OK),
    "wrong checksum": lambda id: checksummed(id)[:-1] + bytes([checksummed(id)[-1] ^ 1]),
    "section of kind 2": op_msg(0, b"\x02" + OK),
    "section of kind 255": op_msg(0, b"\xff" + OK),
    "no body": op_msg(0, b"\x01\x0c\0\0\0" + b"abc" + DOCUMENT),
    "two bodies": op_msg(0, b"\0" + OK + b"\0" + OK),
    "body cut off": op_msg(0, b"\0" + OK[:-4]),
    "body too long": op_msg(0, b"\0\xff\xff\xff\x7f" + OK[4:]),
    "body of negative length": op_msg(0, b"\0\xff\xff\xff\xff" + OK[4:]),
    "sequence cut off": op_msg(0, b"\0" + OK + b"\x01\xff\0\0\0a\0"),
    "sequence without a name": op_msg(0, b"\0" + OK + b"\x01\x06\0\0\0ab"),
    "sequence of no length": op_msg(0, b"\0" + OK + b"\x01\0\0\0\0a\0"),
    "sequence in the place of a field": op_msg(0, b"\0" + OK + b"\x01\x0c\0\0\0ok\0" + DOCUMENT),
    "hung up": lambda id: b"",
    "half a header": lambda id: b"\x20\0\0\0",
}

HARMLESS: dict[str, Callable[[int], bytes]] = {
    "as it should be": lambda id: message(GOOD, id),
    "optional flags": op_msg(0xFFFF0000, b"\0" + OK),
    "checksum": checksummed,
    "another sequence": op_msg(0, b"\0" + OK + b"\x01\x0c\0\0\0ab\0" + DOCUMENT),
}


async def done(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


def ping_twice(flavour: str, make: Callable[[int], bytes], hang_up: bool) -> Any:
    """The outcome of a ping that is answered so, and of the next one, answered as it should be."""
    answers = [make, HARMLESS["as it should be"]]

    class Server(FakeMongod):
        def _send(self, sock, reply, request_id):
            super()._send(sock, reply, request_id)
            if hang_up and isinstance(reply, bytes) and len(self.of("ping")) == 1:
                raise OSError  # nothing more will come

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, serverMonitoringMode="poll", heartbeatFrequencyMS=500)
        try:
            try:
                first = await done(client.admin.command("ping"))
            except (PyMongoError, BSONError) as exc:
                first = exc
            return first, await done(client.admin.command("ping"))
        finally:
            await done(client.close())

    def answer(request):
        return answers.pop(0)(request.id) if request.name == "ping" else {"ok": 1}

    with Server(STANDALONE, answer) as fake:
        return run_on(flavour, main)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_message_is_an_error_and_the_client_goes_on(flavour, name):
    first, second = ping_twice(flavour, DAMAGED[name], name in ("hung up", "half a header"))
    assert isinstance(first, (PyMongoError, BSONError))
    assert second == {"ok": 1}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_message_that_is_only_unusual_is_read(flavour, name):
    first, second = ping_twice(flavour, HARMLESS[name], False)
    assert first["ok"] == second["ok"] == 1


def test_the_checksum():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert crc32c(b"") == 0


REPLY = {
    "cursor": {
        "firstBatch": [{"_id": ObjectId(), "a": [1, {"b": "text"}]}],
        "id": Int64(0),
        "ns": "a.b",
    },
    "ok": 1.0,
}


def test_every_byte_of_a_reply(flavour):
    whole = respond(REPLY, 0)
    now: dict[str, Any] = {}

    def answer(request):
        if request.name != "find":
            return {"ok": 1}
        reply = bytearray(respond(REPLY, request.id))
        if now:
            reply[now["at"]] = now["value"](reply[now["at"]])
        return bytes(reply)

    changes = [
        lambda byte: 0,
        lambda byte: 255,
        lambda byte: 127,
        lambda byte: byte ^ 1,
        lambda byte: byte ^ 16,
    ]

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, retryReads=False, serverMonitoringMode="poll")
        errors = 0
        for at in range(16, len(whole)):
            for change in changes:
                now.update(at=at, value=change)
                for function in (find, client.a.b.find_one):
                    try:
                        await done(function(client) if function is find else function())
                    except (PyMongoError, BSONError):
                        errors += 1
        now.clear()
        assert await done(client.a.b.find_one()) == REPLY["cursor"]["firstBatch"][0]
        await done(client.close())
        return errors

    async def find(client):
        return await done(client.a.b.find().to_list())

    with FakeMongod(STANDALONE, answer) as fake:
        assert run_on(flavour, main) > 500


@pytest.mark.parametrize(("answers", "right"), [("the one before", True), ("the first", False)])
def test_a_streamed_reply_answers_the_one_before_it(flavour, answers, right):
    """B15: whatever stood in responseTo was taken."""

    def batch(number, last):
        cursor = {"id": Int64(0 if last else 5), "ns": "a.b", "nextBatch": [{"n": number}]}
        return {"ok": 1, "cursor": cursor}

    def answer(request):
        if request.name == "find":
            return {"ok": 1, "cursor": {"id": Int64(5), "ns": "a.b", "firstBatch": [{"n": 0}]}}
        if request.name != "getMore":
            return {"ok": 1}
        first = respond(batch(1, False), request.id, MORE_TO_COME, id=70)
        return first + respond(batch(2, True), 70 if right else request.id, id=71)

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, serverMonitoringMode="poll")
        try:
            cursor = client.a.b.find(cursor_type=CursorType.EXHAUST)
            try:
                return await done(cursor.to_list())
            except ProtocolError as exc:
                assert (await done(client.admin.command("ping")))["ok"] == 1
                return exc
        finally:
            await done(client.close())

    with FakeMongod(STANDALONE, answer) as fake:
        found = run_on(flavour, main)
    if right:
        assert found == [{"n": 0}, {"n": 1}, {"n": 2}]
    else:
        assert "response id" in str(found)
