"""The options of a client."""

from mongodriver.options.client_options import (
    ClientOptions,
)

__all__ = [
    "ClientOptions",
]
