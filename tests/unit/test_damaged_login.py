"""A server whose answers to a login are damaged: an error, and the next client logs in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
from itertools import product
from typing import Any

import pytest

from bsonx.binary import Binary
from damage import VALUES, damaged
from fake_mongod import STANDALONE, FakeMongod
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.errors import OperationFailure, ProtocolError

SALT, ITERATIONS = b"salt", 4096
SALTED = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, ITERATIONS)
SERVER_KEY = hmac.digest(SALTED, b"Server Key", "sha256")


class Scram:
    """The server's side of SCRAM-SHA-256 for one user, whose password is "pencil"."""

    def __init__(self, damage: tuple[str, str, Any] | None, speculative: bool) -> None:
        self._damage = damage
        self._speculative = speculative
        self._first: dict[int, bytes] = {}

    def hello(self, request: Any) -> Any:
        reply: dict[str, Any] = dict(STANDALONE)
        begun = request.body.get("speculativeAuthenticate")
        if begun is not None and self._speculative:
            reply["speculativeAuthenticate"] = self._begin(request.connection, begun)
        if "saslSupportedMechs" in request.body:
            reply["saslSupportedMechs"] = ["SCRAM-SHA-256"]
        return reply

    def answer(self, request: Any) -> Any:
        if request.name == "saslStart":
            return self._begin(request.connection, request.body)
        if request.name == "saslContinue":
            return self._damaged("last", self._end(request.connection, request.body))
        return {"ok": 1}

    def _begin(self, connection: int, command: Any) -> Any:
        bare = bytes(command["payload"]).removeprefix(b"n,,")
        nonce = bare.partition(b"r=")[2] + b"server"
        first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(SALT), ITERATIONS)
        self._first[connection] = bare + b"," + first
        reply = {"conversationId": 1, "done": False, "payload": Binary(first), "ok": 1.0}
        return self._damaged("first", reply)

    def _end(self, connection: int, command: Any) -> Any:
        final = bytes(command["payload"]).rpartition(b",p=")[0]
        signature = hmac.digest(SERVER_KEY, self._first[connection] + b"," + final, "sha256")
        payload = Binary(b"v=" + base64.b64encode(signature))
        return {"conversationId": 1, "done": True, "payload": payload, "ok": 1.0}

    def _damaged(self, which: str, reply: Any) -> Any:
        if self._damage is None or self._damage[0] != which:
            return reply
        _, field, value = self._damage
        return damaged(reply, (field,), value)


def outcome(flavour: str, damage: Any, speculative: bool) -> Any:
    """What a client's first ping comes to."""
    scram = Scram(damage, speculative)

    async def main(backend):
        client = CLIENTS[flavour](
            fake.uri, username="user", password="pencil", serverMonitoringMode="poll"
        )
        try:
            reply = client.admin.command("ping")
            return await reply if inspect.isawaitable(reply) else reply
        except (OperationFailure, ProtocolError) as exc:
            return exc
        finally:
            closing = client.close()
            if closing is not None:
                await closing

    with FakeMongod(scram.hello, scram.answer) as fake:
        return run_on(flavour, main)


#: The damages with which a login can still succeed: the server has proved what it had to.
HARMLESS = {
    ("first", "conversationId", "huge"),
    *(("last", "conversationId", damage) for damage in VALUES),
    *((which, "ok", "true") for which in ("first", "last")),
    *(("first", "done", damage) for damage in VALUES),
    ("last", "done", "true"),
}
DAMAGES = ("missing", "null", "true", "huge", "nan", "string", "list", "deep", "bytes")


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.mark.parametrize("speculative", [True, False])
def test_a_login(flavour, speculative):
    assert outcome(flavour, None, speculative) == {"ok": 1}


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize("field", ["conversationId", "done", "payload", "ok"])
def test_a_damaged_login_is_an_error(flavour, field, which):
    for damage, speculative in product(DAMAGES, (True, False)):
        if which == "first" and field == "ok" and speculative:
            continue  # that of hello counts
        found = outcome(flavour, (which, field, VALUES[damage]), speculative)
        if (which, field, damage) in HARMLESS:
            assert found == {"ok": 1} or isinstance(found, (OperationFailure, ProtocolError)), (
                damage
            )
        else:
            assert isinstance(found, (OperationFailure, ProtocolError)), damage


def test_a_login_without_an_end(flavour):
    """One more, empty, message is what old servers want; no server wants more than that."""
    found = outcome(flavour, ("last", "done", False), True)
    assert "does not end" in str(found)
