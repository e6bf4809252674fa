"""The server's answer to `hello`, which describes it."""

from mongodriver.values.hello import (
    Hello,
    HelloCompat,
)

__all__ = [
    "Hello",
    "HelloCompat",
]
