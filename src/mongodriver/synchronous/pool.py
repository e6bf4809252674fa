"""Connections and their pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.pool import AsyncConnection
from mongodriver.asynchronous.pool import Pool as AsyncPool
from mongodriver.compat.connections import ConnectionBase
from mongodriver.compat.pools import PoolBase
from mongodriver.io.blocking import BlockingBackend, BlockingStream
from mongodriver.public.flavour import blocking, sibling

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Connection", "Pool"]


class Connection(ConnectionBase):
    """A connection to a server. Used by one thread at a time.

    :param conn: a networking interface of `mongodriver.network_layer`, whose socket is connected.
    :param pool: that it belongs to.
    :param address: of the server.
    :param id: its number in the pool.
    :param is_sdam: it is for monitoring: nobody logs in.
    """

    def _stream_of(self, conn: Any) -> Any:
        sock = conn.get_conn
        return BlockingStream(sock, tls=hasattr(sock, "getpeercert"))

    def _interface(self) -> Any:
        from mongodriver.compat.network import StreamInterface

        return StreamInterface(self)

    hello = blocking(AsyncConnection.hello)
    authenticate = blocking(AsyncConnection.authenticate)
    command = blocking(AsyncConnection.command)
    send_message = blocking(AsyncConnection.send_message)
    receive_message = blocking(AsyncConnection.receive_message)
    unpin = blocking(AsyncConnection.unpin)
    close_conn = blocking(AsyncConnection.close_conn)


class _Checkout:
    """The block of a connection that is in use: ``with pool.checkout() as conn:``."""

    def __init__(self, pool: Any, handler: Any) -> None:
        self._pool = pool
        self._handler = handler

    def __enter__(self) -> Any:
        self._conn = run_coroutine(self._pool._check_out(self._handler))
        return self._conn

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if not (self._conn.pinned_txn or self._conn.pinned_cursor):
            self._pool.checkin(self._conn)


class Pool(PoolBase):
    """The connections to one server.

    :param address: of the server.
    :param options: a `PoolOptions`.
    :param is_sdam: for monitoring: nobody logs in.
    :param client_id: of whom it is; kept in an attribute.
    """

    _connection_class = Connection
    _backend = BlockingBackend
    _checkout_class: Any = _Checkout

    checkout = sibling(AsyncPool.checkout)
    checkin = blocking(AsyncPool.checkin)
    connect = blocking(AsyncPool.connect)
    ready = blocking(AsyncPool.ready)
    reset = blocking(AsyncPool.reset)
    reset_without_pause = blocking(AsyncPool.reset_without_pause)
    close = blocking(AsyncPool.close)
    remove_stale_sockets = blocking(AsyncPool.remove_stale_sockets)
    update_is_writable = blocking(AsyncPool.update_is_writable)
