"""The backends, for tests that run a coroutine on each; asyncio's on uvloop as well.

Of asyncio alone are the tests of what PyMongo has for event loops and we have for its sake
(`test_behind_the_client`, `test_connections` and `test_network_layer` in tests/driver,
`test_shared_modules` in tests/unit), of uvloop (`test_uvloop`), of the end of the interpreter
(tests/core/test_exit.py, and `test_at_exit` of tests/unit/test_deadlines.py), of the race of
addresses in event loops (tests/unit/test_connecting.py; trio's is in tests/core/test_trio.py), and
`test_a_client_stays_with_its_loop` and `test_a_backend_stays_with_its_first_loop`, which have twins
there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.io.aio import AioBackend
from mongodriver.io.blocking import BlockingBackend, run

try:
    import uvloop
except ImportError:
    uvloop = None

try:
    import trio
except ImportError:
    trio = None

#: What runs in trio is marked, for not all of it is part of `make test` (see conftest.py).
TRIO = pytest.param(
    "trio",
    marks=[pytest.mark.trio, pytest.mark.skipif(trio is None, reason="trio is not installed")],
)
FLAVOURS = ["blocking", "asyncio", TRIO]
ASYNCHRONOUS = ["asyncio", TRIO]
CLIENTS: dict[str, Any] = {
    "blocking": MongoClient,
    "asyncio": AsyncMongoClient,
    "trio": AsyncMongoClient,
}

#: The loop that FastAPI's default server runs applications in.
UVLOOP = pytest.param(
    "uvloop",
    marks=pytest.mark.skipif(
        uvloop is None, reason="uvloop is not installed; it is not made for every interpreter"
    ),
)
EVENT_LOOPS = ["asyncio", UVLOOP]
EVERYWHERE = [*FLAVOURS, UVLOOP]
EVERYWHERE_ASYNCHRONOUS = [*EVENT_LOOPS, TRIO]


def backends() -> list[Any]:
    """The classes of backends that there are here."""
    found: list[Any] = [BlockingBackend, AioBackend]
    if trio is not None:
        from mongodriver.io.trio_backend import TrioBackend

        found.append(TrioBackend)
    return found


def run_on(flavour: str, main: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Run ``main(backend)`` to its end on a backend of the flavour; return its result."""
    if flavour == "blocking":
        return run(main(BlockingBackend()))

    if flavour == "trio":
        return trio.run(_with_trio, main)

    async def whole() -> Any:
        # The backend binds to the loop that is running.
        return await main(AioBackend())

    if flavour == "uvloop":
        return uvloop.run(whole())
    return asyncio.run(whole())


async def _with_trio(main: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    from mongodriver.io.trio_backend import TrioBackend

    return await main(TrioBackend())
