"""Connections as PyMongo's users see them: faces of those of `cmap`."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, MutableMapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mongodriver.cmap import connection as cmap_connection
from mongodriver.cmap.failures import Limits, connection_failure
from mongodriver.execution.timeouts import current_deadline
from mongodriver.io.deadline import sooner
from mongodriver.replies.hello import read_hello
from mongodriver.values.errors import DocumentTooLarge, ExecutionTimeout, InvalidOperation
from mongodriver.values.server_api import api_fields
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from mongodriver.io.base import Address
    from mongodriver.options.pool_options import PoolOptions
    from mongodriver.values.hello import Hello

__all__ = ["ConnectionBase", "fact"]

ResultT = TypeVar("ResultT")


def fact(name: str, doc: str) -> Any:
    """A property of ours that PyMongo has under another name, or the same."""

    def get(self: Any) -> Any:
        return getattr(self._core, name)

    return property(get, doc=doc)


class _TimeLimit:
    """Seconds an exchange may take, None for any time; of a connection and its interface."""

    __slots__ = ("timeout",)

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout


class ConnectionBase:
    """A connection to a server: what both flavours have in common.

    :param conn: a networking interface of `mongodriver.network_layer`, whose socket is connected.
    :param pool: that it belongs to.
    :param address: of the server.
    :param id: its number in the pool.
    :param is_sdam: it is for monitoring: nobody logs in.
    """

    _core: cmap_connection.Connection

    address = fact("address", "(host, port) of the server.")
    id = fact("id", "Its number in its pool.")
    closed = fact("closed", "Whether it was closed here.")
    generation = fact("generation", "That of its pool when it was begun.")
    creation_time = fact("created", "When it was opened, of the monotonic clock.")
    connect_rtt = fact("handshake_seconds", "How long the server took for the first hello.")
    last_checkin_time = fact("last_used", "When it came back to its pool, monotonic.")
    max_bson_size = fact("max_bson_size", "The largest document, in bytes.")
    max_message_size = fact("max_message_size", "The largest message, in bytes.")
    max_wire_version = fact("max_wire_version", "The newest wire version of the server.")
    max_write_batch_size = fact("max_write_batch_size", "The most writes of one command.")
    more_to_come = fact("more_to_come", "The server sends replies without being asked.")
    server_connection_id = fact("server_connection_id", "The number it has on the server.")
    service_id = fact("service_id", "Of the server behind a load balancer.")
    supports_sessions = fact("supports_sessions", "Whether the server knows sessions.")

    def __init__(self, conn: Any, pool: Any, address: Address, id: int, is_sdam: bool) -> None:
        stream = self._stream_of(conn)
        core = cmap_connection.Connection(stream, address, id, pool._core.generation)
        self._show(core, pool, is_sdam, conn)

    def _show(
        self, core: cmap_connection.Connection, pool: Any, is_sdam: bool, conn: Any = None
    ) -> None:
        self._core = core
        self._conn = conn
        self._limits = _TimeLimit(pool.opts.socket_timeout)
        self._pool = pool
        self._may_write = core.hello.is_writable
        self.is_sdam = is_sdam
        #: Whether somebody has it checked out.
        self.active = False

    @classmethod
    def _of(cls, core: cmap_connection.Connection, pool: Any) -> Self:
        """The face of one of the pool's connections."""
        made = cls.__new__(cls)
        made._show(core, pool, pool.is_sdam)
        return made

    def _stream_of(self, conn: Any) -> Any:
        """Our stream over the socket of a networking interface."""
        raise NotImplementedError

    def _interface(self) -> Any:
        """A networking interface to our stream."""
        raise NotImplementedError

    def __repr__(self) -> str:
        end = " CLOSED" if self.closed else ""
        return f"{type(self).__name__}({self.conn!r}){end} at {id(self)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConnectionBase):
            return NotImplemented
        return self._core is other._core

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._core)

    # -- facts --

    @property
    def conn(self) -> Any:
        """The networking interface to its socket."""
        if self._conn is None:
            self._conn = self._interface()
        return self._conn

    @property
    def opts(self) -> PoolOptions:
        """The options of its pool."""
        options: PoolOptions = self._pool.opts
        return options

    @property
    def pool_ref(self) -> weakref.ref[Any]:
        """A weak reference to its pool."""
        return weakref.ref(self._pool)

    @property
    def listeners(self) -> Any:
        """Who listens to the events of its pool."""
        return self.opts._event_listeners

    @property
    def last_timeout(self) -> float | None:
        """Seconds an exchange may take, None for any time."""
        return self._limits.timeout

    @property
    def performed_handshake(self) -> bool:
        """Whether the server has answered its first hello."""
        return self._core.hello is not cmap_connection.NO_HELLO

    @property
    def ready(self) -> bool:
        """Whether it can be used: after the handshake, and logged in if there is somebody to be."""
        needs_login = self.opts._credentials is not None and not self.is_sdam
        arbiter = self._core.server_type == SERVER_TYPE.RSArbiter
        return self.performed_handshake and (
            not needs_login or arbiter or self._core.login is not None
        )

    @property
    def hello_ok(self) -> bool:
        """Whether the server knows the command hello by this name."""
        return self._core.hello.hello_ok

    @property
    def is_writable(self) -> bool:
        """Whether its server was writable at the handshake, or what `update_is_writable` says."""
        return self._may_write

    @property
    def is_mongos(self) -> bool:
        """Whether its server is a mongos."""
        return self._core.server_type == SERVER_TYPE.Mongos

    @property
    def negotiated_mechs(self) -> Any:
        """The mechanisms the user can log in by, if the server was asked."""
        return self._core.hello.sasl_supported_mechs or None

    @property
    def compression_context(self) -> Any:
        """How messages are compressed, or None."""
        return self._core.compressor

    @property
    def compression_settings(self) -> Any:
        """What the pool's options say of compression."""
        return self.opts._compression_settings

    @property
    def pinned_cursor(self) -> bool:
        """Whether a cursor keeps it."""
        return self._core.pinned == "cursor"

    @property
    def pinned_txn(self) -> bool:
        """Whether a transaction keeps it."""
        return self._core.pinned == "transaction"

    # -- what changes it --

    def pin_cursor(self) -> None:
        """Keep it out of the pool, for a cursor. AssertionError if a transaction keeps it."""
        self._pin("cursor")

    def pin_txn(self) -> None:
        """Keep it out of the pool, for a transaction. AssertionError if a cursor keeps it."""
        self._pin("transaction")

    def _pin(self, purpose: str) -> None:
        if self._core.pinned not in ("", purpose):
            raise AssertionError(f"a {self._core.pinned} keeps the connection")
        self._core.pinned = purpose

    def set_conn_timeout(self, timeout: float | None) -> None:
        """Give every exchange from now on so many seconds; None: any time."""
        self._limits.timeout = timeout

    def apply_timeout(self, cmd: MutableMapping[str, Any] | None) -> float | None:
        """Take over the limit of a block of `timeout()`: for exchanges, and into a command.

        :return: the seconds that are left; None where there is no limit.
        :raises ExecutionTimeout: when there are none.
        """
        deadline = current_deadline(None)
        if deadline is None:
            self._limits.timeout = self.opts.socket_timeout
            return None
        left = deadline - monotonic()
        if left <= 0:
            text = f"operation would exceed time limit, remaining timeout:{left:.5f} <= 0"
            raise ExecutionTimeout(text, 50, {"ok": 0, "errmsg": text, "code": 50})
        if cmd is not None:
            cmd["maxTimeMS"] = int(left * 1000)
        self._limits.timeout = left
        return left

    def update_is_writable(self, is_writable: bool) -> None:
        """Note whether its server is writable."""
        self._may_write = is_writable

    def update_last_checkin_time(self) -> None:
        """Note that it was used now."""
        self._core.last_used = monotonic()

    def idle_time_seconds(self) -> float:
        """Seconds since it came back to its pool."""
        return monotonic() - self._core.last_used

    def conn_closed(self) -> bool:
        """Whether either side has closed it. Only where nobody waits for a reply."""
        return self.closed or self._core.stream.is_stale()

    # -- what commands carry --

    def add_server_api(self, command: MutableMapping[str, Any]) -> None:
        """Add the declared version of the API to a command."""
        if self.opts.server_api is not None:
            command.update(api_fields(self.opts.server_api))

    def send_cluster_time(
        self, command: MutableMapping[str, Any], session: Any, client: Any
    ) -> None:
        """Add the newest cluster time that the client or the session has seen to a command."""
        sources = (client._core if client else None, session)
        times = [s.cluster_time for s in sources if s is not None and s.cluster_time is not None]
        if client and times:
            command["$clusterTime"] = max(times, key=lambda time: time["clusterTime"])

    def validate_session(self, client: Any, session: Any) -> None:
        """InvalidOperation for the session of another client."""
        if session is not None and session._client is not client:
            raise InvalidOperation(
                f"Can only use session with the {session._client._core.name} that started it"
            )

    def hello_cmd(self) -> dict[str, Any]:
        """The hello command that it is asked with."""
        body = self._pool._connector.hello_command(self.performed_handshake and self.hello_ok)
        del body["$db"]
        return body  # type: ignore[no-any-return]

    # -- exchanges --

    def _deadline(self) -> float | None:
        return None if self._limits.timeout is None else monotonic() + self._limits.timeout

    async def _told(self, exchange: Awaitable[ResultT]) -> ResultT:
        """What an exchange gives; a network error closes the connection, as the driver's error."""
        try:
            return await exchange
        except OSError as exc:
            self._core.close()
            limits = Limits(self._limits.timeout, self.opts.connect_timeout)
            raise connection_failure(exc, self.address, limits) from exc

    async def _say_hello(self) -> Hello[Any]:
        core, connector = self._core, self._pool._connector
        if not self.performed_handshake:
            end = sooner(None, self.opts.connect_timeout)
            await self._told(connector.shake_hands(core, self.is_sdam, end))
        else:
            body = connector.hello_command(self.hello_ok)
            core.adopt(read_hello(await self._told(core.run(body, self._deadline()))))
        self._may_write = core.hello.is_writable
        return core.hello

    async def _send(self, message: bytes, max_doc_size: int) -> None:
        if max_doc_size > self.max_bson_size:
            raise DocumentTooLarge(
                f"BSON document too large ({max_doc_size} bytes) - the connected server supports "
                f"BSON document sizes up to {self.max_bson_size} bytes."
            )
        await self._told(self._core.stream.send(message, self._deadline()))

    async def _receive(self, request_id: int | None) -> Any:
        from mongodriver.compat.messages import OpMsg

        data = await self._told(self._core.receive(self._deadline(), request_id))
        message = OpMsg.of(data)
        self._core.note(data, message.flags, True)
        return message

    def _leave(self, reason: str | None) -> None:
        self.active = False
        if reason is not None and self._pool._core.has(self._core):
            self._pool._core.discard(self._core, reason)
        else:
            self._core.close()

    def _give_back(self) -> None:
        self._core.pinned = ""
        self._pool._check_in(self)
