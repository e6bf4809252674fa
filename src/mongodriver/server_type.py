"""The kinds of server the driver tells apart."""

from mongodriver.values.server_type import (
    SERVER_TYPE,
)

__all__ = [
    "SERVER_TYPE",
]
