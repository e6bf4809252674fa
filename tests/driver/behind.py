"""What lies behind a client, of both drivers and flavours, for tests that are coroutines."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import socket
from types import SimpleNamespace

PACKAGES = ["mongodriver", "pymongo"]
FLAVOURS = ["synchronous", "asynchronous"]
#: Parameters of a fixture that calls `kit_of` with both parts.
KITS = [f"{package}-{flavour}" for package in PACKAGES for flavour in FLAVOURS]


async def done(value):
    """A value that the asynchronous flavour has to be waited for."""
    return await value if inspect.isawaitable(value) else value


class Block:
    """The context managers of both flavours as ``async with``."""

    def __init__(self, manager):
        self.manager = manager

    async def __aenter__(self):
        enter = getattr(self.manager, "__aenter__", None) or self.manager.__enter__
        return await done(enter())

    async def __aexit__(self, *exc):
        leave = getattr(self.manager, "__aexit__", None) or self.manager.__exit__
        return await done(leave(*exc))


def kit_of(package, flavour, server):
    """The modules of a flavour of one of the two drivers."""
    kit = SimpleNamespace(package=package, uri=server.uri, is_sync=flavour == "synchronous")
    for name in (
        *("auth", "command_runner", "monitor", "pool", "server", "settings", "topology"),
        "mongo_client",
    ):
        setattr(kit, name, importlib.import_module(f"{package}.{flavour}.{name}"))
    prefix = "" if kit.is_sync else "Async"
    kit.client = getattr(kit.mongo_client, f"{prefix}MongoClient")
    kit.connection = getattr(kit.pool, f"{prefix}Connection")
    for name in ("network_layer", "pool_options", "server_selectors", "errors", "monitoring"):
        setattr(kit, name, importlib.import_module(f"{package}.{name}"))
    kit.options = lambda **more: kit.pool_options.PoolOptions(is_sync=kit.is_sync, **more)
    kit.read_preference = importlib.import_module(package).ReadPreference
    codec = "bsonx" if package == "mongodriver" else "bson"
    kit.codec_options = importlib.import_module(f"{codec}.codec_options").DEFAULT_CODEC_OPTIONS
    return kit


async def connected(kit, **options):
    client = kit.client(kit.uri, **options)
    await done(client.admin.command("ping"))
    return client


async def server_of(client, kit):
    return await done(
        client._topology.select_server(kit.server_selectors.writable_server_selector, "test")
    )


async def opened(kit, address):
    """A networking interface to a server."""
    if kit.is_sync:
        return kit.network_layer.NetworkingInterface(socket.create_connection(address))
    made = await asyncio.get_running_loop().create_connection(
        lambda: kit.network_layer.PyMongoProtocol(timeout=30), *address
    )
    return kit.network_layer.AsyncNetworkingInterface(made)
