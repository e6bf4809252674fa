"""Fail points: set by tests, and turned off afterwards on the servers they were set on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.errors import PyMongoError
from mongodriver.read_preferences import ReadPreference

from .clients import without


class FailPoints:
    """The fail points of one test."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._set: list[tuple[str, Any]] = []

    async def configure(self, client: Any, command: Mapping[str, Any]) -> None:
        """Set one on the primary of a client's deployment."""
        await client.admin.command(command, read_preference=ReadPreference.PRIMARY)
        self._set.append(
            (command["configureFailPoint"], await self._world.deployment.admin.address)
        )

    async def configure_at(self, address: Any, command: Mapping[str, Any]) -> None:
        """Set one on a server."""
        await self._command_at(address, command)
        self._set.append((command["configureFailPoint"], address))

    async def turn_off(self) -> None:
        """Turn all of them off again."""
        for name, address in self._set:
            off = {"configureFailPoint": name, "mode": "off"}
            admin = self._world.deployment.admin
            try:
                await admin.admin.command(off)
            except PyMongoError:
                # What the fail point does may hit the internal client, once.
                await admin.admin.command(off)
            if address != await admin.address:
                await self._command_at(address, off)

    async def _command_at(self, address: Any, command: Mapping[str, Any]) -> None:
        client = self._world.make_client(self._direct(address), directConnection=True)
        await client.admin.command(command)
        await client.close()

    def _direct(self, address: Any) -> str:
        base = without(self._world.deployment.uri, "replicaSet")
        scheme, _, rest = base.partition("://")
        hosts, slash, query = rest.partition("/")
        user, at, _ = hosts.rpartition("@")
        return f"{scheme}://{user}{at}{address[0]}:{address[1]}{slash}{query}"
