"""The stable API: which version of the commands the server shall hold to."""

from mongodriver.values.server_api import (
    ServerApi,
    ServerApiVersion,
)

__all__ = [
    "ServerApi",
    "ServerApiVersion",
]
