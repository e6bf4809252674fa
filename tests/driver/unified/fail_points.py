"""Fail points: set by tests, and turned off afterwards on the servers they were set on."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from mongodriver.errors import PyMongoError
from mongodriver.read_preferences import ReadPreference

from .clients import without
from .failures import Mismatch

#: Fails writes when they are done, after it has closed their connection.
_OF_WRITES = "onPrimaryTransactionalWrite"
_PATIENCE = 60  # seconds


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
        if any(name == _OF_WRITES for name, _ in self._set):
            await self._wait_for_writes()
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

    async def _wait_for_writes(self) -> None:
        """Wait until the server is done with what fails there: it has closed the connection first,
        and a write that goes on when the fail point is off is done after all.
        """
        active = {"$match": {"active": True, "command.txnNumber": {"$exists": True}}}
        admin = self._world.deployment.admin.admin
        deadline = monotonic() + _PATIENCE
        while await (await admin.aggregate([{"$currentOp": {}}, active])).to_list():
            if monotonic() > deadline:
                raise Mismatch("the server does not end a write that its fail point has failed")

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
