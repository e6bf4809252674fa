"""Clients, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from bsonx._documents import Document, Typed
from bsonx.codec_options import CodecOptions
from bsonx.timestamp import Timestamp
from mongodriver.public.client_base import Address, ClientBase
from mongodriver.synchronous.change_stream import ClusterChangeStream
from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.command_cursor import CommandCursor
from mongodriver.synchronous.database import Database
from mongodriver.typings import _CollationIn, _WriteOp
from mongodriver.values.driver_info import DriverInfo
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.results import ClientBulkWriteResult
from mongodriver.values.write_concern import WriteConcern

__all__ = ["MongoClient"]
DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
MappingT = TypeVar("MappingT", bound=Mapping[str, Any])
TypedT = TypeVar("TypedT", bound="Typed")

class MongoClient(ClientBase[DocumentT, Database[DocumentT], ClientSession]):
    """A MongoDB deployment.

    :param host: a host name, a connection string, or a list of them.
    :param port: for hosts without one.
    :param document_class: what documents are decoded to; dict if left out.
    :param tz_aware: decode dates with a time zone.
    :param connect: look for the servers at once, in the background, and before that look up the
        hosts of a `mongodb+srv://` name; False waits for the first use.
    :param type_registry: custom types.
    :param kwargs: any option of connection strings, and the options that have no text form: see
        ``__init__``.
    :raises ConfigurationError, InvalidURI, TypeError, ValueError: for wrong arguments. Servers
        that cannot be reached are no error here, but names that DNS does not know are.

    It is shared by all threads. Its attributes are databases.
    """

    @overload
    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[MappingT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[DocumentT]: ...
    @overload
    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[TypedT] = ...,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[TypedT]: ...
    @overload
    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[MappingT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[DocumentT]: ...
    @overload
    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[TypedT] = ...,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[TypedT]: ...
    def close(self) -> None:
        """End sessions and close all connections. The client cannot be used again."""

    def server_info(self, session: ClientSession | None = None) -> dict[str, Any]:
        """Return the server's reply to buildInfo: its version and how it was built."""

    def list_databases(
        self, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> CommandCursor[dict[str, Any]]:
        """Return a cursor over descriptions of the databases.

        :param kwargs: other fields of the command, such as ``filter`` and ``nameOnly``.
        """

    def list_database_names(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> list[str]:
        """Return the names of the databases."""

    def drop_database(
        self,
        name_or_database: str | Database[OtherT],
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> None:
        """Drop a database, given by name or object, with all its collections."""

    def bulk_write(
        self,
        models: Sequence[_WriteOp[Any]],
        session: ClientSession | None = None,
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

    def watch(
        self,
        pipeline: Sequence[Mapping[str, Any]] | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: ClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> ClusterChangeStream[DocumentT]:
        """Watch the changes of all databases but the server's own.

        Takes the arguments of a collection's `watch`.
        """

    def append_metadata(self, driver_info: DriverInfo) -> None:
        """Add a library's name, version and platform to what new connections tell the server."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    @property
    def address(self) -> tuple[str, int] | None:
        """(host, port) of the standalone, primary or mongos; waits until one is known."""

    @property
    def primary(self) -> tuple[str, int] | None:
        """(host, port) of the replica set's primary as far as known, or None."""

    @property
    def secondaries(self) -> set[Address]:
        """Addresses of the replica set's secondaries as far as known."""

    @property
    def arbiters(self) -> set[Address]:
        """Addresses of the replica set's arbiters as far as known."""

    @property
    def is_primary(self) -> bool:
        """Whether the server connected to takes writes; waits until one is known."""

    @property
    def is_mongos(self) -> bool:
        """Whether the server connected to is a mongos; waits until one is known."""
