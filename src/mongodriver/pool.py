"""How the connections of a client are kept."""

from mongodriver.options.pool_options import PoolOptions

__all__ = ["PoolOptions"]
