"""Clients that a process keeps, for work that comes with a connection string and no client."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mongodriver.synchronous.mongo_client import MongoClient

__all__ = ["shared_client"]

_clients: dict[str, Any] = {}
_lock = threading.Lock()


def shared_client(uri: str) -> MongoClient[Any]:
    """The client of this process for a connection string.

    It is made by the first call and closed when the process ends: tasks that an engine starts in a
    worker, one after the other, so share its connections. In a forked process it works as any
    client does, with connections of its own.
    """
    with _lock:
        client = _clients.get(uri)
        if client is None:
            from mongodriver.synchronous.mongo_client import MongoClient

            if not _clients:
                atexit.register(_close)
            client = _clients[uri] = MongoClient(uri)
    return client


def _close() -> None:
    while _clients:
        _clients.popitem()[1].close()
