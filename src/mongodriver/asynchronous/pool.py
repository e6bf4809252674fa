"""Connections and their pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.compat.commands import run_on
from mongodriver.compat.connections import ConnectionBase
from mongodriver.compat.pools import PoolBase
from mongodriver.events.observer import Observer
from mongodriver.io.either import EitherBackend
from mongodriver.values.read_preferences import ReadPreference

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, MutableMapping
    from types import TracebackType

    from bsonx.codec_options import CodecOptions
    from mongodriver.compat.messages import OpMsg
    from mongodriver.values.hello import Hello
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["AsyncConnection", "Pool"]


class AsyncConnection(ConnectionBase):
    """A connection to a server. Used by one task at a time.

    :param conn: a networking interface of `mongodriver.network_layer`, whose socket is connected.
    :param pool: that it belongs to.
    :param address: of the server.
    :param id: its number in the pool.
    :param is_sdam: it is for monitoring: nobody logs in.
    """

    def _stream_of(self, conn: Any) -> Any:
        from mongodriver.compat.aio_network import stream_of

        return stream_of(conn)

    def _interface(self) -> Any:
        from mongodriver.compat.aio_network import AsyncNetworkingInterface, StreamProtocol

        protocol = StreamProtocol(self)
        return AsyncNetworkingInterface((protocol.transport, protocol))

    async def hello(self) -> Hello[Any]:
        """Ask the server what it is; the first time, as the handshake."""
        return await self._say_hello()

    async def authenticate(self, reauthenticate: bool = False) -> None:
        """Log in with the credentials of the pool's options, if it has any and nobody has.

        :param reauthenticate: log in anew.
        """
        credentials = self.opts._credentials
        if credentials is not None and not self.is_sdam and (reauthenticate or not self.ready):
            from mongodriver.asynchronous.auth import authenticate

            await authenticate(credentials, self, reauthenticate)

    async def command(
        self,
        dbname: str,
        spec: MutableMapping[str, Any],
        read_preference: _ServerMode = ReadPreference.PRIMARY,
        codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS,
        check: bool = True,
        allowable_errors: Container[int | str] | None = None,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        parse_write_concern_error: bool = False,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        client: Any = None,
        retryable_write: bool = False,
        publish_events: bool = True,
        user_fields: Mapping[str, Any] | None = None,
        exhaust_allowed: bool = False,
    ) -> Any:
        """Run a command over this connection, once, and return the reply.

        :param check: raise errors of the server.
        :param allowable_errors: codes and messages of errors that are not raised.
        :param session: of `client`, whose cluster time is sent and kept as well.
        :param retryable_write: it carries the number of the session's transaction.
        :param publish_events: tell listeners of it.
        :param user_fields: the fields of the reply that `codec_options` are for; None: all.
        :raises PyMongoError: as the command fails.
        """
        self.validate_session(client, session)
        return await run_on(
            self,
            dbname,
            dict(spec),
            codec_options,
            read_preference=read_preference,
            session=session,
            client=client,
            check=check,
            allowable_errors=allowable_errors,
            observer=self._pool._observer if publish_events else Observer(),
            read_concern=read_concern,
            write_concern=write_concern,
            parse_write_concern_error=parse_write_concern_error,
            collation=collation,
            compression=self.compression_context,
            user_fields=user_fields,
            exhaust=exhaust_allowed,
            numbered=retryable_write,
        )

    async def send_message(self, message: bytes, max_doc_size: int) -> None:
        """Send a whole message.

        :param max_doc_size: of the documents in it, in bytes.
        :raises DocumentTooLarge: when the server does not take that much.
        :raises AutoReconnect: when the connection is broken; it is closed then.
        """
        await self._send(message, max_doc_size)

    async def receive_message(self, request_id: int | None) -> OpMsg:
        """Wait for a message, and return it.

        :param request_id: of the one it must answer; None: that of the stream of replies.
        :raises AutoReconnect, ProtocolError: the connection is closed then.
        """
        message: OpMsg = await self._receive(request_id)
        return message

    async def unpin(self) -> None:
        """Give it back to its pool, whatever has kept it."""
        self._give_back()

    async def close_conn(self, reason: str | None) -> None:
        """Close it.

        :param reason: what listeners to the pool's events are told; None: they are told nothing
            before it comes back to the pool.
        """
        self._leave(reason)


class _Checkout:
    """The block of a connection that is in use: ``async with pool.checkout() as conn:``."""

    def __init__(self, pool: Any, handler: Any) -> None:
        self._pool = pool
        self._handler = handler

    async def __aenter__(self) -> Any:
        self._conn = await self._pool._check_out(self._handler)
        return self._conn

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if not (self._conn.pinned_txn or self._conn.pinned_cursor):
            await self._pool.checkin(self._conn)


class Pool(PoolBase):
    """The connections to one server.

    :param address: of the server.
    :param options: a `PoolOptions`.
    :param is_sdam: for monitoring: nobody logs in.
    :param client_id: of whom it is; kept in an attribute.
    """

    _connection_class = AsyncConnection
    _backend = EitherBackend
    _checkout_class: Any = _Checkout

    def checkout(self, handler: Any = None) -> Any:
        """Return a context manager for the block in which a connection is used.

        A connection that is pinned at its end is not taken back.

        :param handler: its method ``contribute_socket`` is told of the connection.
        :raises AutoReconnect: on entry, while the pool is paused.
        :raises WaitQueueTimeoutError: on entry, when no connection became free in time.
        """
        return self._checkout_class(self, handler)

    async def checkin(self, conn: AsyncConnection) -> None:
        """Take a connection back."""
        self._check_in(conn)

    async def connect(self, handler: Any = None) -> AsyncConnection:
        """Open another connection and return it; it is given back with `checkin`.

        :param handler: its method ``contribute_socket`` is told of the connection.
        """
        made: AsyncConnection = await self._connect(handler)
        return made

    async def ready(self) -> None:
        """Give out connections: the server is known."""
        self._core.ready()

    async def reset(self, service_id: Any = None, interrupt_connections: bool = False) -> None:
        """Close the connections, those in use when they come back, and pause.

        :param service_id: behind a load balancer, of the server whose connections are meant.
        :param interrupt_connections: end what uses them.
        """
        self._clear(service_id, interrupt_connections, pause=True)

    async def reset_without_pause(self) -> None:
        """Close the connections, those in use when they come back."""
        self._clear(None, False, pause=False)

    async def close(self) -> None:
        """Close it for good."""
        self._core.close()

    async def remove_stale_sockets(self, reference_generation: int) -> None:
        """Close what was idle for too long, and open connections up to the minimum.

        :param reference_generation: none are opened when the pool was cleared since.
        """
        await self._tidy(reference_generation)

    async def update_is_writable(self, is_writable: bool) -> None:
        """Note whether the server is writable, in the pool and its connections."""
        self._note_writable(is_writable)
