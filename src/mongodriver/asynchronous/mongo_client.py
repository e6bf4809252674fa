"""Clients, asynchronous: each method makes an operation (`ops`) and has it executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver import ops
from mongodriver.compat import private_names
from mongodriver.execution.timeouts import current_deadline
from mongodriver.io.deadline import sooner
from mongodriver.io.either import EitherBackend
from mongodriver.ops.base import READ
from mongodriver.ops.command import RunCommand
from mongodriver.public.client_base import Address, ClientBase
from mongodriver.public.flavour import own_methods
from mongodriver.public.sessions import core_session, session_in_use
from mongodriver.sdam.topology_rules import TOPOLOGY_TYPE
from mongodriver.values.driver_info import DriverInfo
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.server_type import SERVER_TYPE

from .database import AsyncDatabase

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document, Typed
    from bsonx.codec_options import CodecOptions
    from bsonx.timestamp import Timestamp
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.public.sessions import ClientSessionBase
    from mongodriver.typings import _CollationIn, _WriteOp
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.results import ClientBulkWriteResult
    from mongodriver.values.server_description import ServerDescription
    from mongodriver.values.write_concern import WriteConcern

    from .change_stream import AsyncClusterChangeStream
    from .command_cursor import AsyncCommandCursor

__all__ = ["AsyncMongoClient"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
MappingT = TypeVar("MappingT", bound=Mapping[str, Any])
TypedT = TypeVar("TypedT", bound="Typed")


@own_methods
class AsyncMongoClient(ClientBase[DocumentT, "AsyncDatabase[DocumentT]", "AsyncClientSession"]):
    """A MongoDB deployment, for programs that run in asyncio or in trio.

    :param host: a host name, a connection string, or a list of them.
    :param port: for hosts without one.
    :param document_class: what documents are decoded to; dict if left out.
    :param tz_aware: decode dates with a time zone.
    :param connect: accepted for symmetry; nothing is connected, and no `mongodb+srv://` name
        looked up, before the first use.
    :param type_registry: custom types.
    :param kwargs: any option of connection strings, and the options that have no text form: see
        ``__init__``.
    :raises ConfigurationError, InvalidURI, TypeError, ValueError: for wrong arguments. Servers
        that cannot be reached are no error here.

    It belongs to the event loop, or the run of trio, that it is first used in, and is shared by all
    tasks. Its attributes are databases. In trio what it runs in the background lives in a nursery
    of its own within an ``async with`` block, or in the one given as ``trio_nursery``.
    """

    _database_class = AsyncDatabase
    _backend = EitherBackend
    _is_sync = False
    _get_topology = private_names.get_topology_async

    if TYPE_CHECKING:

        @overload
        def get_database(
            self,
            name: str | None = None,
            codec_options: CodecOptions[MappingT] | None = None,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[DocumentT]: ...
        @overload
        def get_database(
            self,
            name: str | None = None,
            codec_options: CodecOptions[TypedT] = ...,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[TypedT]: ...
        def get_database(self, *args: Any, **kwargs: Any) -> Any: ...
        @overload
        def get_default_database(
            self,
            default: str | None = None,
            codec_options: CodecOptions[MappingT] | None = None,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[DocumentT]: ...
        @overload
        def get_default_database(
            self,
            default: str | None = None,
            codec_options: CodecOptions[TypedT] = ...,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[TypedT]: ...
        def get_default_database(self, *args: Any, **kwargs: Any) -> Any: ...

    @staticmethod
    def _topology_class() -> Any:
        from mongodriver.asynchronous.topology import Topology

        return Topology

    @staticmethod
    def _session_class() -> Any:
        from .client_session import AsyncClientSession

        return AsyncClientSession

    async def aconnect(self) -> None:
        """Connect now instead of at the first use: wait until a server takes writes."""
        await writable_server(self)

    async def close(self) -> None:
        """End sessions and close all connections. The client cannot be used again."""
        await self._core.close()

    aclose = close

    async def __aenter__(self) -> Self:
        await cast("EitherBackend", self._core.backend).enter()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        backend = cast("EitherBackend", self._core.backend)
        try:
            try:
                await self._core.close()
            finally:
                await backend.leave()
        except BaseException as exc:
            # It does not hide what the block has raised.
            if exc_val is None or not backend.comes_again(exc):
                raise

    # -- the deployment --

    @property
    async def address(self) -> tuple[str, int] | None:
        """(host, port) of the standalone, primary or mongos; waits until one is known."""
        return await address_of(self)

    @property
    async def primary(self) -> tuple[str, int] | None:
        """(host, port) of the replica set's primary as far as known, or None."""
        primary = next(iter(self._members(SERVER_TYPE.RSPrimary)), None)
        return cast("tuple[str, int] | None", primary)

    @property
    async def secondaries(self) -> set[Address]:
        """Addresses of the replica set's secondaries as far as known."""
        return self._members(SERVER_TYPE.RSSecondary)

    @property
    async def arbiters(self) -> set[Address]:
        """Addresses of the replica set's arbiters as far as known."""
        return self._members(SERVER_TYPE.RSArbiter)

    @property
    async def is_primary(self) -> bool:
        """Whether the server connected to takes writes; waits until one is known."""
        return bool((await writable_server(self)).is_writable)

    @property
    async def is_mongos(self) -> bool:
        """Whether the server connected to is a mongos; waits until one is known."""
        return bool((await writable_server(self)).server_type == SERVER_TYPE.Mongos)

    async def server_info(self, session: AsyncClientSession | None = None) -> dict[str, Any]:
        """Return the server's reply to buildInfo: its version and how it was built."""
        operation = RunCommand("admin", {"buildinfo": 1}, DEFAULT_CODEC_OPTIONS)
        operation.retry_policy = READ
        info: dict[str, Any] = await self._core.executor.execute(operation, core_session(session))
        return info

    # -- databases --

    async def list_databases(
        self,
        /,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[dict[str, Any]]:
        """Return a cursor over descriptions of the databases.

        :param kwargs: other fields of the command, such as ``filter`` and ``nameOnly``.
        """
        cursor: AsyncCommandCursor[dict[str, Any]]
        cursor = await _list_databases(self, session, comment, kwargs)
        return cursor

    async def list_database_names(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> list[str]:
        """Return the names of the databases."""
        cursor = await _list_databases(self, session, comment, {"nameOnly": True})
        return [database["name"] for database in await cursor._all(None)]

    async def drop_database(
        self,
        name_or_database: str | AsyncDatabase[OtherT],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> None:
        """Drop a database, given by name or object, with all its collections."""
        name: Any = name_or_database
        if isinstance(name, self._database_class):
            name = name.name
        if not isinstance(name, str):
            raise TypeError(
                "name_or_database must be an instance of str or a "
                f"{self._database_class.__name__}, not {type(name)}"
            )
        core = session_in_use(session)
        concern = None if core is not None and core.in_transaction else self._write_concern
        operation = ops.catalogue.DropDatabase(name, concern, comment)
        await self._core.executor.execute(operation, core_session(session))

    async def bulk_write(
        self,
        models: Sequence[_WriteOp[Any]],
        session: AsyncClientSession | None = None,
        ordered: bool = True,
        verbose_results: bool = False,
        bypass_document_validation: bool | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
        write_concern: WriteConcern | None = None,
    ) -> ClientBulkWriteResult:
        """Run a list of writes to any collections of any databases (server 8.0).

        :param models: `InsertOne`, `UpdateOne`, `UpdateMany`, `ReplaceOne`, `DeleteOne` and
            `DeleteMany` requests, each with the ``namespace`` "database.collection" it is for.
        :param ordered: run them in order and stop at the first error; otherwise try all and
            report all errors.
        :param verbose_results: give the result of each request, not only the counts.
        :param let: variables for expressions of updates and deletes.
        :param write_concern: instead of the client's; not in a transaction.
        :raises ClientBulkWriteException: if any write fails, or the bulk as a whole; it tells what
            was done.
        :raises InvalidOperation: for a server older than 8.0, a request without a namespace, or a
            client that encrypts automatically.
        """
        if self._core.executor.cipher is not None:
            raise InvalidOperation(
                "MongoClient.bulk_write does not currently support automatic encryption"
            )
        core = session_in_use(session)
        if core is None or not core.in_transaction:
            concern = self._write_concern if write_concern is None else write_concern
        elif write_concern is None:
            concern = None
        else:
            raise InvalidOperation("Cannot set write concern after starting a transaction")
        from mongodriver.ops.client_bulk import ClientBulkWrite
        from mongodriver.public.client_bulk import run_client_bulk

        operation = ClientBulkWrite(
            self._codec_options,
            concern,
            models,
            ordered,
            verbose_results,
            bypass_document_validation,
            comment,
            let,
        )
        return await run_client_bulk(self._core, operation, core_session(session))

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import AsyncClusterChangeStream  # few watch anything

        return AsyncClusterChangeStream

    async def watch(
        self,
        pipeline: Sequence[Mapping[str, Any]] | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: AsyncClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> AsyncClusterChangeStream[DocumentT]:
        """Watch the changes of all databases but the server's own.

        Takes the arguments of a collection's `watch`.
        """
        stream: AsyncClusterChangeStream[DocumentT] = self._change_stream_class(
            self,
            pipeline,
            full_document,
            resume_after,
            max_await_time_ms,
            batch_size,
            collation,
            start_at_operation_time,
            session,
            start_after,
            comment,
            full_document_before_change,
            show_expanded_events,
        )
        await stream._initialize_cursor()
        return stream

    def append_metadata(self, driver_info: DriverInfo) -> None:
        """Add a library's name, version and platform to what new connections tell the server."""
        if not isinstance(driver_info, DriverInfo):
            raise TypeError(
                f"driver_info must be an instance of DriverInfo, not {type(driver_info)}"
            )
        self._options.pool_options.append_metadata(driver_info)


# What both flavours do, and several methods. No methods: `self` is a client of either flavour.


async def writable_server(client: ClientBase[Any, Any, Any]) -> ServerDescription:
    """Description of the server that takes writes, once there is one."""
    core = client._core
    timeout = client.options.server_selection_timeout
    limit = current_deadline(client.options.timeout)
    await core.ready(limit)
    deadline = sooner(limit, timeout)
    waits = timeout if limit is None else min(timeout, limit.timeout)
    while True:
        server = await core.topology.select(None, deadline, waits)
        description = core.description.server_descriptions().get(server.address)
        if description is not None:  # else it has just left the deployment
            return description


async def address_of(client: ClientBase[Any, Any, Any]) -> tuple[str, int] | None:
    """Address of the server that takes writes, once there is one.

    To type checkers it has a port, as PyMongo says, though Unix sockets have none.
    """
    description = client._core.description
    if description.topology_type == TOPOLOGY_TYPE.Sharded and (
        len(description.server_descriptions()) > 1
    ):
        raise InvalidOperation(
            'Cannot use "address" property when load balancing among mongoses, use "nodes" instead.'
        )
    return cast("tuple[str, int] | None", (await writable_server(client)).address)


async def _list_databases(
    client: ClientBase[Any, Any, Any],
    session: ClientSessionBase | None,
    comment: Any,
    options: Mapping[str, Any],
) -> Any:
    operation = ops.catalogue.ListDatabases(options, comment)
    reply = await client._core.executor.execute(operation, core_session(session))
    cursor_class = client._database_class._collection_class._command_cursor_class
    return cursor_class._from_reply(client._core, reply, DEFAULT_CODEC_OPTIONS, comment=comment)
