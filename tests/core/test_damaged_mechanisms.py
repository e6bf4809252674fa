"""Servers whose replies to a login by tokens or for AWS are damaged: an error of the driver."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from aws_server import KEY, KEY_ID, AwsServer
from core_kit import Find, use
from damage import VALUES, damaged
from mongodriver.auth_oidc import OIDCCallback, OIDCCallbackResult
from mongodriver.errors import OperationFailure, ProtocolError
from oidc_server import OidcServer


class Token(OIDCCallback):
    def fetch(self, context):
        return OIDCCallbackResult("t")


def _tokens(name: str) -> Any:
    properties = {name: Token()}
    options = {"authmechanism": "MONGODB-OIDC", "authmechanismproperties": properties}
    return OidcServer("t"), "", options


def _aws() -> Any:
    return AwsServer(), f"{KEY_ID}:{quote(KEY, safe='')}@", {"authmechanism": "MONGODB-AWS"}


KINDS = {
    "machine": lambda: _tokens("OIDC_CALLBACK"),
    "human": lambda: _tokens("OIDC_HUMAN_CALLBACK"),
    "aws": _aws,
}
DAMAGES = ("missing", "null", "true", "huge", "nan", "string", "list", "deep", "bytes")


def outcome(kind: str, command: str, field: str, value: Any) -> Any:
    """What a client's first find comes to."""
    server, user, options = KINDS[kind]()
    answer = server.answer

    def damage(request: Any) -> Any:
        reply = answer(request)
        return damaged(reply, (field,), value) if request.name == command else reply

    server.answer = damage

    async def main(client):
        try:
            return await client.execute(Find("b"))
        except (OperationFailure, ProtocolError) as exc:
            return exc

    with server:
        uri = server.uri.replace("//", f"//{user}")
        return use("blocking", uri, main, servermonitoringmode="poll", retryreads=False, **options)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("field", ["conversationId", "done", "payload", "ok"])
@pytest.mark.parametrize("command", ["saslStart", "saslContinue"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_login_is_an_error(kind, command, field, damage):
    found = outcome(kind, command, field, VALUES[damage])
    assert found == [] or isinstance(found, (OperationFailure, ProtocolError))
    answered = command == "saslStart" and kind != "machine"
    if answered and field == "payload":
        assert isinstance(found, OperationFailure)
    if answered and field == "conversationId" and damage in ("missing", "string", "bytes"):
        assert isinstance(found, ProtocolError)
        assert "conversationId" in str(found)
