"""Client entities: the options they are made with, and what is observed of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from mongodriver.server_api import ServerApi

from . import inside
from .events import Events
from .failures import Mismatch, Unsupported
from .logs import Logs
from .spans import Spans

if TYPE_CHECKING:
    from .world import World

#: Seconds in which things happen that are waited for; reaching them is a failure.
PATIENCE = 10.0


class ClientEntity:
    """A client of a test."""

    def __init__(self, world: World, spec: Mapping[str, Any]) -> None:
        self.events = Events(world.backend, spec)
        self._backend = world.backend
        self._wait = spec.get("awaitMinPoolSizeMS")
        options = uri_options(spec.get("uriOptions", {}))
        if "serverHeartbeatFailedEvent" in spec.get("observeEvents", ()):
            # Sooner than a check that waits for changes returns by itself.
            options.setdefault("heartbeatFrequencyMS", 500)
        self._minimum = options.get("minPoolSize", 0)
        deployment = world.deployment
        # Where any will do it is one mongos: fail points must hold for the next command.
        several = spec.get("useMultipleMongoses", deployment.topology == "load-balanced")
        uri = deployment.entrances if several else deployment.uri
        if options.get("directConnection"):
            uri = without(uri, "replicaSet")
        if "serverApi" in spec:
            options["server_api"] = server_api(spec["serverApi"])
        if "autoEncryptOpts" in spec:
            from .operations.encryption import auto_encryption

            options["auto_encryption_opts"] = auto_encryption(spec["autoEncryptOpts"])
        self.spans = Spans(spec.get("observeTracingMessages"))
        options.update(self.spans.client_options())
        self.logs = Logs(spec.get("observeLogMessages", {}))
        try:
            self.client = world.make_client(uri, event_listeners=self.events.listeners, **options)
        except BaseException:
            self.logs.end()
            self.spans.end()
            raise
        self.logs.begin(self.client)

    async def be_ready(self) -> None:
        """Begin to connect, and wait until the pools are filled where the test wants that."""
        # Synchronous clients do so when they are made, asynchronous ones when they are first used.
        inside.core(self.client).open()
        if self._wait is None or not self._minimum:
            return

        def known() -> bool:
            return any(True for _ in inside.pools(self.client))

        def filled() -> bool:
            sizes = [pool.idle_count for pool in inside.pools(self.client)]
            return bool(sizes) and min(sizes) >= self._minimum

        seconds = self._wait / 1000
        if await until(self._backend, known, seconds):
            for pool in inside.pools(self.client):
                await pool.fill()  # the client itself comes to it once a second
        if not await until(self._backend, filled, seconds):
            raise Mismatch(f"the pools were not filled with {self._minimum} connections")
        self.events.forget_all_but_commands()
        self.logs.forget()

    async def close(self) -> None:
        """Observe no more, and close the client."""
        self.events.stop()
        self.logs.end()
        self.spans.end()
        await self.client.close()


async def until(backend: Any, condition: Any, seconds: float) -> bool:
    """Wait until something is so that tells nobody; whether it was in time."""
    pause = 0.005
    for _ in range(max(round(seconds / pause), 1)):
        if condition():
            return True
        await backend.sleep(pause)
    return bool(condition())


def server_api(document: Mapping[str, Any]) -> ServerApi:
    """A stable API's declaration; Unsupported if the driver does not know its version."""
    try:
        return ServerApi(
            document["version"], document.get("strict"), document.get("deprecationErrors")
        )
    except ValueError as exc:
        raise Unsupported(str(exc)) from None


def uri_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a client; ``$$placeholder`` stands for the environment's value."""
    options = dict(document)
    properties = options.get("authMechanismProperties")
    if isinstance(properties, Mapping):
        options["authMechanismProperties"] = {
            name: placed(name, value) for name, value in properties.items()
        }
    if "readPreferenceTags" in options:
        options["readPreferenceTags"] = [
            dict(pair.split(":", 1) for pair in tags.split(",") if pair)
            for tags in options["readPreferenceTags"]
        ]
    return {name: placed(name, value) for name, value in options.items()}


def placed(name: str, value: Any) -> Any:
    """A value, or what the environment has for a ``$$placeholder``."""
    if not isinstance(value, Mapping) or set(value) != {"$$placeholder"}:
        return value
    variable = "MONGODRIVER_TEST_" + name.upper()
    if variable not in os.environ:
        raise Unsupported(f"the environment has no {variable}")
    return os.environ[variable]


def without(uri: str, option: str) -> str:
    """A connection string without an option."""
    base, _, query = uri.partition("?")
    kept = [pair for pair in parse_qsl(query) if pair[0].lower() != option.lower()]
    return f"{base}?{urlencode(kept)}" if kept else base
