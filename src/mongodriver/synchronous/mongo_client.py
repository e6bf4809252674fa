"""Clients, synchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.mongo_client import AsyncMongoClient, address_of, writable_server
from mongodriver.compat import private_names
from mongodriver.io.blocking import BlockingBackend
from mongodriver.public.client_base import Address, ClientBase
from mongodriver.public.flavour import blocking, own_methods
from mongodriver.values.server_type import SERVER_TYPE

from .command_cursor import CommandCursor  # noqa: F401  # PyMongo's module has it as well
from .database import Database

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx._documents import Document
    from mongodriver.synchronous.client_session import ClientSession  # noqa: F401  # in the base

__all__ = ["MongoClient"]

DocumentT = TypeVar("DocumentT", bound="Document")


@own_methods
class MongoClient(ClientBase[DocumentT, "Database[DocumentT]", "ClientSession"]):
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

    _database_class = Database
    _backend = BlockingBackend
    _is_sync = True
    _connect = private_names.connect
    _get_topology = private_names.get_topology

    @staticmethod
    def _topology_class() -> Any:
        from mongodriver.synchronous.topology import Topology

        return Topology

    @staticmethod
    def _session_class() -> Any:
        from .client_session import ClientSession

        return ClientSession

    close = blocking(AsyncMongoClient.close)
    server_info = blocking(AsyncMongoClient.server_info)
    list_databases = blocking(AsyncMongoClient.list_databases)
    list_database_names = blocking(AsyncMongoClient.list_database_names)
    drop_database = blocking(AsyncMongoClient.drop_database)
    bulk_write = blocking(AsyncMongoClient.bulk_write)
    watch = blocking(AsyncMongoClient.watch)
    append_metadata = AsyncMongoClient.append_metadata

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(self._core.close())

    @property
    def address(self) -> tuple[str, int] | None:
        """(host, port) of the standalone, primary or mongos; waits until one is known."""
        return run_coroutine(address_of(self))

    @property
    def primary(self) -> tuple[str, int] | None:
        """(host, port) of the replica set's primary as far as known, or None."""
        primary = next(iter(self._members(SERVER_TYPE.RSPrimary)), None)
        return cast("tuple[str, int] | None", primary)

    @property
    def secondaries(self) -> set[Address]:
        """Addresses of the replica set's secondaries as far as known."""
        return self._members(SERVER_TYPE.RSSecondary)

    @property
    def arbiters(self) -> set[Address]:
        """Addresses of the replica set's arbiters as far as known."""
        return self._members(SERVER_TYPE.RSArbiter)

    @property
    def is_primary(self) -> bool:
        """Whether the server connected to takes writes; waits until one is known."""
        return bool(run_coroutine(writable_server(self)).is_writable)

    @property
    def is_mongos(self) -> bool:
        """Whether the server connected to is a mongos; waits until one is known."""
        return bool(run_coroutine(writable_server(self)).server_type == SERVER_TYPE.Mongos)

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import ClusterChangeStream  # few watch anything

        return ClusterChangeStream
