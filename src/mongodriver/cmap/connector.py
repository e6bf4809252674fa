"""Opening connections: the stream, the handshake, and authentication (mongodb-handshake spec)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..io.base import ConnectOptions
from ..io.deadline import Deadline, sooner
from ..options.compressors import negotiate
from ..replies.fields import bad_reply
from ..replies.hello import read_hello
from ..replies.verdicts import command_error
from ..values.causes import CauseKind
from ..values.error_codes import LOGIN_REFUSED
from ..values.errors import AutoReconnect, ConfigurationError, OperationFailure
from ..values.hello import Hello, HelloCompat
from ..values.hints import add_hint, hint_for
from ..values.server_api import api_fields
from ..values.server_type import SERVER_TYPE
from .connection import NO_HELLO, Connection
from .failures import CallbackFailed, Limits, connection_failure, label_overload

if TYPE_CHECKING:
    from ..events.observer import Observer
    from ..io.base import Address, Backend, Stream
    from .login import Logins

#: The version of the client-backpressure specification that is kept to: a text (mongodb-handshake).
#: To others a server that is overloaded does not say so.
_BACKPRESSURE = "2"


class Connector:
    """Opens connections with one client's options.

    :param pool_options: a `PoolOptions`: timeouts in seconds, TLS, credentials, metadata.
    """

    def __init__(self, backend: Backend, pool_options: Any, observer: Observer) -> None:
        self._backend = backend
        self._observer = observer
        self._options = pool_options
        self._connect_options = ConnectOptions(
            pool_options.connect_timeout, pool_options._tls, pool_options._proxy
        )
        self._limits = Limits(pool_options.socket_timeout, pool_options.connect_timeout)
        self._monitor_limits = Limits(pool_options.connect_timeout, pool_options.connect_timeout)
        settings = pool_options._compression_settings
        self._compressors: list[str] = list(settings.compressors) if settings else []
        self._zlib_level: int = settings.zlib_compression_level if settings else -1
        if self._compressors:
            # Now: connections are opened by threads in the background too.
            from ..wire.compression import make_compressor

            self._make_compressor = make_compressor
        self._api = api_fields(pool_options.server_api) if pool_options.server_api else {}
        self._logins: Logins | None = None
        if pool_options._credentials is not None:
            # Loaded only for clients that log in: hashlib and stringprep are large.
            from .login import Logins

            self._logins = Logins(
                pool_options._credentials, pool_options.connect_timeout, backend, observer
            )

    async def connect(
        self,
        address: Address,
        id: int,
        generation: int,
        opened: Callable[[Connection], None],
        deadline: float | None = None,
    ) -> Connection:
        """A connection for operations: hello exchanged, user authenticated.

        :param opened: called with the connection as soon as it can be interrupted.
        :param deadline: monotonic time at which it is given up, if that is sooner than
            connectTimeoutMS says, which is for all of it.
        :raises PyMongoError: with the address in the text; the stream is closed then. What a
            callback of the user's raises comes as it is.
        """
        limits = self._limits.within(deadline)
        end = sooner(deadline, self._options.connect_timeout)
        try:
            stream = await self._open(address, limits, end)
        except AutoReconnect as exc:
            label_overload(exc)
            raise
        connection = Connection(stream, address, id, generation)
        opened(connection)
        failure: OSError | None = None
        try:
            await self._log_in(connection, end, deadline)
            if self._options.load_balanced and connection.service_id is None:
                raise ConfigurationError(
                    "Driver attempted to initialize in load balancing mode,"
                    " but the server does not support this mode"
                )
        except OSError as exc:
            connection.close()
            error = connection_failure(exc, address, limits)
            # The operation's own haste says nothing about the server either.
            hurried = isinstance(exc, TimeoutError) and isinstance(end, Deadline)
            if connection.hello is NO_HELLO or hurried:
                label_overload(error)
            raise error from exc
        except CallbackFailed as exc:
            connection.close()
            failure = exc.error
        except BaseException:
            connection.close()
            raise
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # its traceback holds this frame
        return connection

    async def connect_monitor(
        self, address: Address, opened: Callable[[Connection], None]
    ) -> Connection:
        """A connection for monitoring: hello exchanged, nobody authenticated, not compressed.

        :param opened: called with the connection as soon as it can be interrupted.
        :raises PyMongoError: with the address in the text; the stream is closed then.
        """
        end = sooner(None, self._options.connect_timeout)
        stream = await self._open(address, self._monitor_limits, end)
        connection = Connection(stream, address)
        try:
            opened(connection)
            await self._shake_hands(connection, self._first_hello(), end)
        except OSError as exc:
            connection.close()
            raise connection_failure(exc, address, self._monitor_limits) from exc
        except BaseException:
            connection.close()
            raise
        return connection

    async def investigate(self, address: Address, error: BaseException) -> None:
        """Look a second time at a peer that hung up before it answered; see `io.probe`.

        :param error: of `connect_monitor`; what is found becomes its cause.
        """
        from ..io.probe import find_out  # only where a peer hung up

        await find_out(self._backend, address, self._connect_options, error)

    async def _open(self, address: Address, limits: Limits, deadline: float | None) -> Stream:
        try:
            return await self._backend.connect(address, self._connect_options, deadline)
        except OSError as exc:
            raise connection_failure(exc, address, limits) from exc

    async def shake_hands(
        self, connection: Connection, monitoring: bool, deadline: float | None
    ) -> None:
        """The handshake of a connection that somebody else has opened; nobody logs in.

        :raises OSError: when it breaks.
        """
        body = self._first_hello() if monitoring else self._handshake_command()
        await self._shake_hands(connection, body, deadline)

    def hello_command(self, hello_ok: bool, topology_version: Any = None) -> dict[str, Any]:
        """The complete hello command as monitors send it, without client metadata.

        :param hello_ok: the server knows the command by its name of today.
        """
        if hello_ok or self._api or self._options.load_balanced:
            body: dict[str, Any] = {HelloCompat.CMD: 1}
        else:
            body = {HelloCompat.LEGACY_CMD: 1, "helloOk": True}
        if topology_version is not None:
            body["topologyVersion"] = topology_version
        body.update(self._api)
        body["$db"] = "admin"
        return body

    async def _log_in(
        self, connection: Connection, end: float | None, deadline: float | None
    ) -> None:
        """The handshake with the authentication that begins in it."""
        body = self._handshake_command()
        login = None
        if self._logins is not None:
            login = self._logins.begin(connection.address)
            login.add_to_handshake(body)
        await self._shake_hands(connection, body, end)
        # Arbiters hold no users.
        if login is not None and connection.server_type != SERVER_TYPE.RSArbiter:
            try:
                await login.finish(connection, connection.hello, end, deadline)
            except OperationFailure as exc:
                if exc.code in LOGIN_REFUSED:
                    add_hint(exc, hint_for(CauseKind.AUTHENTICATION))
                raise
            connection.login = login

    def _first_hello(self) -> dict[str, Any]:
        """What every connection begins with: a hello that tells who is there."""
        body = self.hello_command(False)
        body["backpressure"] = _BACKPRESSURE
        body["client"] = self._options.metadata
        return body

    def _handshake_command(self) -> dict[str, Any]:
        body = self._first_hello()
        if self._compressors:
            body["compression"] = self._compressors
        if self._options.load_balanced:
            body["loadBalanced"] = True
        return body

    async def _shake_hands(
        self, connection: Connection, body: dict[str, Any], deadline: float | None
    ) -> None:
        start = monotonic()
        if HelloCompat.LEGACY_CMD in body:
            reply = await connection.query(body, deadline)
        else:
            reply = await connection.run(body, deadline)
        connection.handshake_seconds = monotonic() - start
        connection.stream.keep_session()
        try:
            error = command_error(reply)
            if error is None:
                self._take_hello(connection, read_hello(reply), body)
        except Exception as exc:
            # The bytes come from a stranger.
            raise bad_reply("hello", connection.address, exc) from exc
        if error is not None:
            raise error

    def _take_hello(self, connection: Connection, hello: Hello[Any], body: dict[str, Any]) -> None:
        connection.adopt(hello)
        name = negotiate(body.get("compression", ()), hello.compressors)
        if name is not None:
            connection.compressor = self._make_compressor(name, self._zlib_level)
