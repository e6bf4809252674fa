"""Authentication as applications see it: the public modules, and clients of both flavours."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

import mongodriver.auth
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.auth_oidc import OIDCCallback, OIDCCallbackContext, OIDCCallbackResult
from oidc_server import REAUTHENTICATE, OidcServer


async def settled(value: Any) -> Any:
    """The value, or what it is awaited for."""
    return await value if inspect.isawaitable(value) else value


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_client_with_a_callback(flavour):
    class Tokens(OIDCCallback):
        calls = 0

        def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
            self.calls += 1
            return OIDCCallbackResult(access_token="t")

    tokens = Tokens()

    async def main(backend):
        client = CLIENTS[flavour](
            server.uri,
            authMechanism="MONGODB-OIDC",
            authMechanismProperties={"OIDC_CALLBACK": tokens},
        )
        try:
            assert "'OIDC_CALLBACK': '<redacted>'" in repr(client)
            assert await settled(client.a.b.find_one()) is None
            server.failures["insert"] = [REAUTHENTICATE]
            await settled(client.a.b.insert_one({}))
        finally:
            await settled(client.close())

    with OidcServer("t") as server:
        run_on(flavour, main)
    assert tokens.calls == 2


@pytest.mark.parametrize(
    "module", ["auth_oidc_shared", "asynchronous.auth_oidc", "synchronous.auth_oidc"]
)
def test_the_names_are_the_same_everywhere(module):
    for name in ("OIDCCallback", "OIDCCallbackContext", "OIDCCallbackResult", "OIDCIdPInfo"):
        there = getattr(import_module(f"mongodriver.{module}"), name)
        assert there is getattr(import_module("mongodriver.auth_oidc"), name)
        assert there.__module__ == "mongodriver.auth_oidc_shared"


def test_what_the_module_tells():
    shared = import_module("mongodriver.auth_shared")
    assert shared.MongoCredential is mongodriver.auth.MongoCredential
    assert "MONGODB-OIDC" in mongodriver.auth.MECHANISMS
    assert isinstance(mongodriver.auth.HAVE_KERBEROS, bool)
    with pytest.raises(AttributeError, match="no attribute 'HAVE_NOTHING'"):
        mongodriver.auth.HAVE_NOTHING  # noqa: B018
    assert import_module("mongodriver.saslprep").saslprep("I\u00adX") == "IX"


def test_a_callback_must_fetch():
    with pytest.raises(TypeError, match="fetch"):
        OIDCCallback()  # type: ignore[abstract]
