"""What the tests of MONGODB-OIDC are made with: callbacks, and clients that use them."""

from __future__ import annotations

import time
from typing import Any

from core_kit import Find, pool_of, use
from mongodriver.auth_oidc import OIDCCallback, OIDCCallbackContext, OIDCCallbackResult
from oidc_server import OidcServer
from tasks import pass_on


class Callback(OIDCCallback):
    """Returns the tokens it was given, one after the other, the last of them again and again."""

    def __init__(self, *tokens: str, refresh: str | None = None) -> None:
        self.tokens = list(tokens)
        self.refresh = refresh
        self.contexts: list[OIDCCallbackContext] = []
        self.times: list[float] = []

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        self.times.append(time.monotonic())
        self.contexts.append(context)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return OIDCCallbackResult(token, refresh_token=self.refresh)

    @property
    def calls(self) -> int:
        return len(self.contexts)


class Awaited(Callback):
    """The same as a coroutine, for asynchronous clients."""

    async def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:  # type: ignore[override]
        await pass_on()
        return super().fetch(context)


def options_for(callback: Any, human: bool = False, **properties: Any) -> dict[str, Any]:
    """A client's options."""
    name = "OIDC_HUMAN_CALLBACK" if human else "OIDC_CALLBACK"
    return {
        "authmechanism": "MONGODB-OIDC",
        "authmechanismproperties": {name: callback, **properties},
        "servermonitoringmode": "poll",
        "retryreads": False,
    }


def used(flavour: str, server: OidcServer, callback: Any, main: Any, **kwargs: Any) -> Any:
    options = {**options_for(callback, kwargs.pop("human", False)), **kwargs}
    return use(flavour, server.uri, main, **options)


def name_of(operation: Any) -> str:
    return operation.name


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def forget_connections(client: Any) -> None:
    """End the idle connections, so that the next operation needs another one."""
    pool = pool_of(client)
    while (connection := pool.take()) is not None:
        connection.close()
        pool.checkin(connection)


def account_of(client: Any) -> Any:
    """The tokens of a client."""
    return pool_of(client)._connect.func.__self__._logins._begin.args[0]
