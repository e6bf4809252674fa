"""The states of a pool, and the errors of TLS."""

from __future__ import annotations

from ssl import SSLError

__all__ = ["PoolState", "SSLErrors"]

#: Of the standard library alone: there is no other TLS here.
SSLErrors = (SSLError, SSLError)


class PoolState:
    """Whether a pool gives connections: not before its server is known, nor after its end."""

    PAUSED = 1
    READY = 2
    CLOSED = 3
