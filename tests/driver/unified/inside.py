"""What the runner must know of the driver that its public API does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flavour import plain

from .failures import Mismatch


def core(entity: Any) -> Any:
    """What is behind a public object."""
    return plain(entity)._core


def pools(client: Any) -> Iterator[Any]:
    """The pools of a client's data-bearing servers."""
    topology = core(client).topology
    known = topology.description.server_descriptions()
    for server in topology.servers:
        description = known.get(server.pool.address)
        if description is not None and description.is_server_type_known:
            yield server.pool


def connections_checked_out(client: Any) -> int:
    """How many connections of a client are in use at the moment."""
    used = [len(server.pool._established) - server.pool.idle_count for server in servers(client)]
    return sum(used)


def servers(client: Any) -> Any:
    """All servers of a client's topology."""
    return core(client).topology.servers


def is_dirty(session: Any) -> bool:
    """Whether a network error has made the server session unusable."""
    return bool(core(session).server_session.dirty)


def pinned_address(session: Any) -> Any:
    """The mongos or load balancer a session is pinned to, or None."""
    transaction = core(session).transaction
    if transaction.connection is not None:
        return transaction.connection.address
    return transaction.address


def transaction_state(session: Any) -> str:
    """The state of a session's transaction, by the specification's name."""
    return str(core(session).transaction.state)


async def open_cursor(cursor: Any) -> None:
    """Have a cursor of a query sent to the server, without taking a document of it."""
    await plain(cursor)._open()


async def one_batch(cursor: Any) -> Any:
    """A cursor's next document after one getMore at most, or None."""
    inner = plain(cursor)
    if not inner._data and not inner._killed:
        await inner._get_more()
    if not inner._data:
        return None
    return inner._data.popleft()


def want(condition: bool, text: str) -> None:
    """Raise Mismatch unless something is so."""
    if not condition:
        raise Mismatch(text)


def topology_id(client: Any) -> Any:
    """The id of a client's topology, which its log messages have."""
    return core(client).topology.description._topology_settings.topology_id
