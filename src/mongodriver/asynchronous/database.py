"""Databases, asynchronous: each method makes an operation (`ops`) and has it executed."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver import ops, public
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.arguments import (
    check_creation,
    check_dereferenceable,
    check_pipeline_options,
    command_fields,
    max_await_time_ms_of,
)
from mongodriver.ops.command import EVERYTHING, CursorCommand, RunCommand
from mongodriver.ops.cursor import FindOne
from mongodriver.ops.read import Aggregate
from mongodriver.public.database_base import DatabaseBase
from mongodriver.public.flavour import own_methods
from mongodriver.public.sessions import core_session, session_in_use
from mongodriver.replies.catalogue import names
from mongodriver.values.errors import CollectionInvalid
from mongodriver.values.validators import validate_is_mapping

from .collection import AsyncCollection, create_on_server

if TYPE_CHECKING:
    from bsonx._documents import Document, Typed
    from bsonx.codec_options import CodecOptions
    from bsonx.dbref import DBRef
    from bsonx.timestamp import Timestamp
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.mongo_client import AsyncMongoClient  # noqa: F401  # in the base
    from mongodriver.public.sessions import ClientSessionBase
    from mongodriver.typings import _CollationIn
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

    from .change_stream import AsyncDatabaseChangeStream
    from .command_cursor import AsyncCommandCursor

__all__ = ["AsyncDatabase"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")
#: Options for classes with fields give a collection of these; those for mappings do not, as in
#: PyMongo, for most are made without a document class.
MappingT = TypeVar("MappingT", bound=Mapping[str, Any])
TypedT = TypeVar("TypedT", bound="Typed")


@own_methods
class AsyncDatabase(
    DatabaseBase[DocumentT, "AsyncMongoClient[DocumentT]", "AsyncCollection[DocumentT]"]
):
    """A MongoDB database.

    Made by a client: ``client.name`` or ``client["name"]``. Its attributes are collections.
    """

    _collection_class = AsyncCollection

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # options or None, but no union of them
        def with_options(
            self,
            codec_options: None = None,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[DocumentT]: ...
        @overload
        def with_options(
            self,
            codec_options: CodecOptions[OtherT],
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncDatabase[OtherT]: ...
        def with_options(self, *args: Any, **kwargs: Any) -> Any: ...
        @overload
        def get_collection(
            self,
            name: str,
            codec_options: CodecOptions[MappingT] | None = None,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncCollection[DocumentT]: ...
        @overload
        def get_collection(
            self,
            name: str,
            codec_options: CodecOptions[TypedT],
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncCollection[TypedT]: ...
        def get_collection(self, *args: Any, **kwargs: Any) -> Any: ...

    @overload
    async def command(
        self,
        /,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]: ...

    @overload
    async def command(
        self,
        /,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[OtherT] = ...,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> OtherT: ...

    async def command(
        self,
        /,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[Any] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
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
        if comment is not None:
            kwargs["comment"] = comment
        concern = kwargs.pop("write_concern", None)
        concern_errors = kwargs.pop("parse_write_concern_error", False)
        operation = RunCommand(
            self._name,
            command_fields(command, value, kwargs),
            codec_options or DEFAULT_CODEC_OPTIONS,
            read_preference,
            tuple(allowable_errors or ()) if check else EVERYTHING,
            concern,
            concern_errors,
        )
        return await self._core.executor.execute(operation, core_session(session))

    async def cursor_command(
        self,
        /,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[OtherT] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run a command whose reply is a cursor, and return that.

        :param comment: for the getMores; the command's own comment is one of its fields.
        :param max_await_time_ms: milliseconds a getMore may wait for documents.
        :raises InvalidOperation: if the reply has no cursor.

        Other arguments are those of `command`. All documents are read with the same options,
        those of the reply, whatever batch they come in.
        """
        options = codec_options or DEFAULT_CODEC_OPTIONS
        max_await_time_ms_of(max_await_time_ms)
        fields = command_fields(command, value, kwargs)
        operation = CursorCommand(self._name, fields, options, read_preference)
        reply = await self._core.executor.execute(operation, core_session(session))
        cursor: AsyncCommandCursor[DocumentT] = self._command_cursor(
            reply,
            operation.reply_options,
            max_await_time_ms=max_await_time_ms,
            session=session,
            comment=comment,
        )
        return cursor

    async def aggregate(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run a pipeline that begins without a collection, such as ``$currentOp``.

        Takes the arguments of `AsyncCollection.aggregate`.
        """
        let, comment = kwargs.pop("let", None), kwargs.pop("comment", None)
        batches = kwargs.pop("prefetch", 0)
        check_pipeline_options(kwargs, self)
        operation = Aggregate(self._reading(), pipeline, kwargs, self._write_concern, let, comment)
        ahead = None
        if batches != 0:
            ahead = public.read_ahead.of_pipeline(self._core, batches, operation, session)
        reply = await self._core.executor.execute(operation, core_session(session))
        cursor: AsyncCommandCursor[DocumentT] = self._command_cursor(
            reply,
            self._codec_options,
            batch_size=operation.batch_size,
            max_await_time_ms=operation.max_await_time_ms,
            session=session,
            comment=comment,
        )
        if ahead is not None:
            await ahead.begin(cursor, reply)
        return cursor

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import AsyncDatabaseChangeStream  # few watch anything

        return AsyncDatabaseChangeStream

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
    ) -> AsyncDatabaseChangeStream[DocumentT]:
        """Watch the changes of all collections of the database.

        Takes the arguments of a collection's `watch`.
        """
        stream: AsyncDatabaseChangeStream[DocumentT] = self._change_stream_class(
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

    @overload
    async def create_collection(
        self,
        /,
        name: str,
        codec_options: CodecOptions[MappingT] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: AsyncClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncCollection[DocumentT]: ...

    @overload
    async def create_collection(
        self,
        /,
        name: str,
        codec_options: CodecOptions[TypedT],
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: AsyncClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncCollection[TypedT]: ...

    async def create_collection(
        self,
        /,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: AsyncClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncCollection[Any]:
        """Create a collection and return it.

        :param check_exists: ask first whether it exists.
        :param kwargs: options of the server, such as ``capped``, ``size``, ``timeseries``,
            ``validator``, ``viewOn``, ``clusteredIndex``, ``collation``.
        :raises CollectionInvalid: if it exists and that was to be checked.
        """
        check_creation(kwargs)
        with one_deadline(self._core.options.timeout):
            core = session_in_use(session)
            if check_exists and not (core is not None and core.in_transaction):
                names = await _collection_names(self, session, {}, {"name": name}, None)
                if name in names:
                    raise CollectionInvalid(f"collection {name} already exists")
            collection: AsyncCollection[Any] = self._collection_class(
                self, name, False, codec_options, read_preference, write_concern, read_concern
            )
            await create_on_server(collection, kwargs, session)
        return collection

    async def drop_collection(
        self,
        name_or_collection: str | AsyncCollection[OtherT],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Drop a collection, given by name or object, and return the server's reply.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """
        target = self._catalogue(self._name_of(name_or_collection, "str"), session)
        reply: dict[str, Any] = {}
        with one_deadline(self._core.options.timeout):
            core = core_session(session)
            fields = await public.encrypted_fields.dropping(
                self._core, target, encrypted_fields, core
            )
            for operation in ops.catalogue.drop_operations(target, fields, comment):
                reply = await self._core.executor.execute(operation, core)
        return reply

    async def list_collections(
        self,
        /,
        session: AsyncClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[MutableMapping[str, Any]]:
        """Return a cursor over descriptions of the collections.

        :param filter: a query on the descriptions.
        :param kwargs: other fields of the command, such as ``nameOnly``.
        """
        cursor: AsyncCommandCursor[MutableMapping[str, Any]]
        cursor = await _list_collections(self, session, kwargs, filter, comment)
        return cursor

    async def list_collection_names(
        self,
        /,
        session: AsyncClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Return the names of the collections. Takes the arguments of `list_collections`."""
        if filter is not None:
            validate_is_mapping("filter", filter)
        return await _collection_names(self, session, kwargs, filter, comment)

    async def validate_collection(
        self,
        name_or_collection: str | AsyncCollection[OtherT],
        scandata: bool = False,
        full: bool = False,
        session: AsyncClientSession | None = None,
        background: bool | None = None,
        comment: Any | None = None,
    ) -> dict[str, Any]:
        """Check a collection on the server and return its report.

        :param full: check everything, however long that takes.
        :param background: check beside other operations.
        :raises CollectionInvalid: if the collection is not valid.
        """
        name = self._name_of(name_or_collection, f"str or {self._collection_class.__name__}")
        operation = ops.catalogue.ValidateCollection(
            self._name, name, scandata, full, background, comment
        )
        report: dict[str, Any] = await self._core.executor.execute(operation, core_session(session))
        return report

    async def dereference(
        self,
        /,
        dbref: DBRef,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Return the document a `DBRef` points to, or None.

        :param kwargs: arguments of `AsyncCollection.find`.
        :raises ValueError: if it points to another database.
        """
        check_dereferenceable(dbref, self._name)
        target = self[dbref.collection]._reading()
        operation = FindOne(target, {"_id": dbref.id}, comment=comment, **kwargs)
        document: DocumentT | None
        document = await self._core.executor.execute(operation, core_session(session))
        return document


# What several methods do. No methods: `self` is a database of either flavour, and those of the
# synchronous one are no coroutines.


async def _list_collections(
    database: DatabaseBase[Any, Any, Any],
    session: ClientSessionBase | None,
    options: Mapping[str, Any],
    filter: Mapping[str, Any] | None,
    comment: Any,
    names_only: bool = False,
) -> Any:
    operation = ops.catalogue.ListCollections(
        database._name, database._codec_options, options, filter, comment, names_only
    )
    reply = await database._core.executor.execute(operation, core_session(session))
    return database._command_cursor(
        reply, operation.reply_options, session=session, comment=comment
    )


async def _collection_names(
    database: DatabaseBase[Any, Any, Any],
    session: ClientSessionBase | None,
    options: Mapping[str, Any],
    filter: Mapping[str, Any] | None,
    comment: Any,
) -> list[str]:
    with one_deadline(database._core.options.timeout):
        cursor = await _list_collections(
            database, session, options, filter, comment, names_only=True
        )
        return names(await cursor._all(None), "listCollections", cursor.address)
