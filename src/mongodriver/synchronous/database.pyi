"""Databases, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeVar, overload

from bsonx._documents import Document, Typed
from bsonx.codec_options import CodecOptions
from bsonx.dbref import DBRef
from bsonx.timestamp import Timestamp
from mongodriver.public.database_base import DatabaseBase
from mongodriver.synchronous.change_stream import DatabaseChangeStream
from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.command_cursor import CommandCursor
from mongodriver.synchronous.mongo_client import MongoClient
from mongodriver.typings import _CollationIn
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.write_concern import WriteConcern

__all__ = ["Database"]
DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
MappingT = TypeVar("MappingT", bound=Mapping[str, Any])
TypedT = TypeVar("TypedT", bound="Typed")

class Database(DatabaseBase[DocumentT, MongoClient[DocumentT], Collection[DocumentT]]):
    """A MongoDB database.

    Made by a client: ``client.name`` or ``client["name"]``. Its attributes are collections.
    """

    @overload  # type: ignore[override]
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[DocumentT]: ...
    @overload
    def with_options(
        self,
        codec_options: CodecOptions[OtherT],
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[OtherT]: ...
    @overload
    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[MappingT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Collection[DocumentT]: ...
    @overload
    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[TypedT],
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Collection[TypedT]: ...
    @overload
    def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Run a command and return the server's reply.

        :param command: the command as a mapping with its name first, or only its name.
        :param value: the value of the command's name, if that was given alone.
        :param check: raise OperationFailure when the command fails; False returns the reply.
        :param allowable_errors: error codes, or messages of errors without one, that are returned
            instead of raised.
        :param read_preference: which server to ask; left out, the primary.
        :param codec_options: for the reply, apart from their type decoders; left out, the
            defaults, not those of the database.
        :param kwargs: further fields of the command, in order. Two are none: ``write_concern`` is
            added as the command's, and ``parse_write_concern_error`` has a WriteConcernError
            raised where the reply says that it was not met.
        """

    @overload
    def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[OtherT] = ...,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> OtherT: ...
    def cursor_command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[OtherT] | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> CommandCursor[DocumentT]:
        """Run a command whose reply is a cursor, and return that.

        :param comment: for the getMores; the command's own comment is one of its fields.
        :param max_await_time_ms: milliseconds a getMore may wait for documents.
        :raises InvalidOperation: if the reply has no cursor.

        Other arguments are those of `command`. All documents are read with the same options,
        those of the reply, whatever batch they come in.
        """

    def aggregate(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSession | None = None,
        **kwargs: Any,
    ) -> CommandCursor[DocumentT]:
        """Run a pipeline that begins without a collection, such as ``$currentOp``.

        Takes the arguments of `AsyncCollection.aggregate`.
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
    ) -> DatabaseChangeStream[DocumentT]:
        """Watch the changes of all collections of the database.

        Takes the arguments of a collection's `watch`.
        """

    @overload
    def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[MappingT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: ClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> Collection[DocumentT]:
        """Create a collection and return it.

        :param check_exists: ask first whether it exists.
        :param kwargs: options of the server, such as ``capped``, ``size``, ``timeseries``,
            ``validator``, ``viewOn``, ``clusteredIndex``, ``collation``.
        :raises CollectionInvalid: if it exists and that was to be checked.
        """

    @overload
    def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[TypedT],
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: ClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> Collection[TypedT]: ...
    def drop_collection(
        self,
        name_or_collection: str | Collection[OtherT],
        session: ClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Drop a collection, given by name or object, and return the server's reply.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """

    def list_collections(
        self,
        session: ClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> CommandCursor[MutableMapping[str, Any]]:
        """Return a cursor over descriptions of the collections.

        :param filter: a query on the descriptions.
        :param kwargs: other fields of the command, such as ``nameOnly``.
        """

    def list_collection_names(
        self,
        session: ClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Return the names of the collections. Takes the arguments of `list_collections`."""

    def validate_collection(
        self,
        name_or_collection: str | Collection[OtherT],
        scandata: bool = False,
        full: bool = False,
        session: ClientSession | None = None,
        background: bool | None = None,
        comment: Any | None = None,
    ) -> dict[str, Any]:
        """Check a collection on the server and return its report.

        :param full: check everything, however long that takes.
        :param background: check beside other operations.
        :raises CollectionInvalid: if the collection is not valid.
        """

    def dereference(
        self,
        dbref: DBRef,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Return the document a `DBRef` points to, or None.

        :param kwargs: arguments of `AsyncCollection.find`.
        :raises ValueError: if it points to another database.
        """
