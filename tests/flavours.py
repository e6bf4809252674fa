"""The two backends, for tests that run a coroutine on each; asyncio's on uvloop as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mongodriver.io.aio import AioBackend
from mongodriver.io.blocking import BlockingBackend, run

try:
    import uvloop
except ImportError:
    uvloop = None

FLAVOURS = ["blocking", "asyncio"]

#: The loop that FastAPI's default server runs applications in.
UVLOOP = pytest.param(
    "uvloop",
    marks=pytest.mark.skipif(
        uvloop is None, reason="uvloop is not installed; it is not made for every interpreter"
    ),
)
EVENT_LOOPS = ["asyncio", UVLOOP]
EVERYWHERE = [*FLAVOURS, UVLOOP]


def run_on(flavour: str, main: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Run ``main(backend)`` to its end on a backend of the flavour; return its result."""
    if flavour == "blocking":
        return run(main(BlockingBackend()))

    async def whole() -> Any:
        # The backend binds to the loop that is running.
        return await main(AioBackend())

    if flavour == "uvloop":
        return uvloop.run(whole())
    return asyncio.run(whole())
