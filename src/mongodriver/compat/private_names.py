"""Private names of PyMongo's classes that popular libraries use, each with those it is there for.

The classes take them from here. Elsewhere, where what they name is:

==================================  ==========================================================
``operations.*._add_to_bulk``       mongomock: its bulk writes (`mongodriver.values.requests`)
``Cursor._refresh``                 Motor fetches by it; Elastic APM wraps it: each batch that a
                                    cursor fetches for its user comes through it (`cursor`)
``Cursor._data``, ``_id``,          Motor (`mongodriver.public.cursor_core`)
``_killed``, ``_retrieved``
``CommandCursor._collection``       Motor, tests of mongoengine (`mongodriver.public.reply_cursor`)
``MongoClient._topology``           those that look at servers (`mongodriver.public.client_base`)
``Topology._servers``,              tests of Motor (`mongodriver.compat.deployments`)
``_session_pool``
``cursor_shared._QUERY_OPTIONS``    Motor
``common._UUID_REPRESENTATIONS``    mongoengine
``database_shared._check_name``     mongoengine
``monitoring._CommandEvent``, ...   those that annotate listeners
``message._Query``, ``_GetMore``    not there: ddtrace, which does not know PyMongo 4.20 either
==================================  ==========================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bsonx._impl import run_coroutine

if TYPE_CHECKING:
    from mongodriver.compat.deployments import ServerSession
    from mongodriver.values.read_preferences import _ServerMode

__all__ = [
    "connect",
    "die_lock",
    "get_read_preference",
    "get_topology",
    "get_topology_async",
    "query_flags",
    "server_session",
]

# -- clients --


def connect(self: Any) -> None:
    """``MongoClient._connect``: look for the servers, in the background.

    Motor wants it when it is imported.
    """
    run_coroutine(self._core.ready())


def get_topology(self: Any) -> Any:
    """``MongoClient._get_topology``: the deployment, whose servers are being looked for.

    Health checks of applications.
    """
    connect(self)
    return self._topology


async def get_topology_async(self: Any) -> Any:
    """``AsyncMongoClient._get_topology``, likewise."""
    await self._core.ready()
    return self._topology


# -- cursors --


@property  # type: ignore[misc]
def query_flags(self: Any) -> int:
    """``Cursor._query_flags``: bits of the wire protocol.

    Motor and umongo ask for those of tailable cursors.
    """
    return cast("int", self._query.flags)


def get_read_preference(self: Any) -> _ServerMode:
    """``Cursor._get_read_preference()``: of the collection, or of the transaction.

    Motor and umongo.
    """
    session = self._core_session
    if session is not None and session.in_transaction:
        return cast("_ServerMode", session.transaction.options.read_preference)
    return cast("_ServerMode", self._collection.read_preference)


def die_lock(self: Any) -> None:
    """``Cursor._die_lock()``, also of command cursors: what ``close`` does.

    Motor's cursors of commands that were not sent yet have one that does nothing.
    """
    run_coroutine(self._close())


# -- sessions --


@property  # type: ignore[misc]
def server_session(self: Any) -> ServerSession | None:
    """``ClientSession._server_session``: as the server knows it; None once the session has ended.

    pymongoarrow asks for its ``last_use`` and ``session_id``.
    """
    from mongodriver.compat.deployments import ServerSession

    return None if self._core.ended else ServerSession(self._core.server_session)
