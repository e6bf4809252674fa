"""The two backends, for tests that run a coroutine on each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from mongodriver.io.aio import AioBackend
from mongodriver.io.blocking import BlockingBackend, run

FLAVOURS = ["blocking", "asyncio"]


def run_on(flavour: str, main: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Run ``main(backend)`` to its end on a backend of the flavour; return its result."""
    if flavour == "blocking":
        return run(main(BlockingBackend()))
    return asyncio.run(main(AioBackend()))
