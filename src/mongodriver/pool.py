"""How the connections of a client are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongodriver.options.pool_options import PoolOptions

if TYPE_CHECKING:
    from mongodriver.synchronous.pool import Connection, Pool

__all__ = ["Connection", "Pool", "PoolOptions"]


def __getattr__(name: str) -> Any:
    """Load the classes that few programs need when they are asked for."""
    if name not in ("Connection", "Pool"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mongodriver.synchronous import pool

    return getattr(pool, name)
