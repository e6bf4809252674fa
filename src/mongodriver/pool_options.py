"""The options of connections and their pools."""

from mongodriver.options.pool_options import (
    PoolOptions,
)

__all__ = [
    "PoolOptions",
]
