"""Collections, asynchronous: each method makes an operation (`ops`) and has it executed.

One class, longer than other modules for the docstrings of PyMongo's many methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver import ops, public
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.arguments import check_pipeline_options
from mongodriver.ops.cursor import FindOne
from mongodriver.ops.read import Aggregate, Count, CountDocuments, Distinct
from mongodriver.ops.write import Delete, FindAndModify, InsertOne, Replace, Update
from mongodriver.public.collection_base import CollectionBase, ReturnDocument
from mongodriver.public.flavour import own_methods
from mongodriver.public.sessions import core_session
from mongodriver.replies.catalogue import collection_options, index_information
from mongodriver.replies.raw import RAW_FIELDS, raw_codec_options
from mongodriver.values.read_concern import DEFAULT_READ_CONCERN
from mongodriver.values.read_preferences import ReadPreference
from mongodriver.values.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)

from .command_cursor import AsyncCommandCursor, AsyncRawBatchCommandCursor
from .cursor import AsyncCursor, AsyncRawBatchCursor

if TYPE_CHECKING:
    from bsonx._documents import Document
    from bsonx.codec_options import CodecOptions
    from bsonx.raw_bson import RawBSONDocument
    from bsonx.timestamp import Timestamp
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.database import AsyncDatabase  # noqa: F401  # in the base
    from mongodriver.public.sessions import ClientSessionBase
    from mongodriver.typings import _CollationIn, _Hint, _Keys, _WriteOp
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.requests import IndexModel, SearchIndexModel
    from mongodriver.values.write_concern import WriteConcern

    from .change_stream import AsyncCollectionChangeStream

__all__ = ["AsyncCollection", "ReturnDocument"]

DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")


@own_methods
class AsyncCollection(CollectionBase[DocumentT, "AsyncDatabase[DocumentT]", "AsyncClientSession"]):
    """A MongoDB collection.

    Made by a database: ``db.name`` or ``db["name"]``. Attributes that are no methods are
    collections too: ``db.log.errors`` is "log.errors".
    """

    _cursor_class = AsyncCursor
    _raw_cursor_class = AsyncRawBatchCursor
    _command_cursor_class = AsyncCommandCursor
    _raw_command_cursor_class = AsyncRawBatchCommandCursor

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # options or None, but no union of them
        def with_options(
            self,
            codec_options: None = None,
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncCollection[DocumentT]: ...
        @overload
        def with_options(
            self,
            codec_options: CodecOptions[OtherT],
            read_preference: _ServerMode | None = None,
            write_concern: WriteConcern | None = None,
            read_concern: ReadConcern | None = None,
        ) -> AsyncCollection[OtherT]: ...
        def with_options(self, *args: Any, **kwargs: Any) -> Any: ...

    # -- reading --

    def find(self, /, *args: Any, **kwargs: Any) -> AsyncCursor[DocumentT]:
        """Return a cursor over the documents that match a filter. Nothing is sent yet.

        :param filter: a query document; left out, all documents match.
        :param projection: field names to return, or a projection document.
        :param skip: how many matches to leave out.
        :param limit: how many to return at most; 0 for all, negative for one batch.
        :param no_cursor_timeout: keep the cursor on the server however long it is idle.
        :param cursor_type: one of `CursorType`.
        :param sort: names or (name, direction) pairs.
        :param allow_partial_results: return what is there when shards are down.
        :param oplog_replay: ignored by servers since 4.4.
        :param batch_size: documents per batch; 0 leaves it to the server.
        :param collation: a `Collation` or mapping.
        :param hint: name or keys of the index to use.
        :param max_scan: only old servers know it.
        :param max_time_ms: milliseconds the server may take.
        :param max: exclusive upper bound of the hinted index.
        :param min: inclusive lower bound of the hinted index.
        :param return_key: return index keys only.
        :param show_record_id: add ``$recordId`` to each document.
        :param snapshot: only old servers know it.
        :param comment: shows in the server's logs.
        :param session: a session of this client.
        :param allow_disk_use: let the server sort on disk.
        :param let: variables for the filter's expressions.
        :param prefetch: by its name: how many batches to ask for ahead; see `AsyncCursor.prefetch`.
        :raises TypeError: for arguments of wrong types.
        """
        cursor: AsyncCursor[DocumentT]
        if "prefetch" in kwargs:
            cursor = public.read_ahead.made(self._cursor_class, self, args, kwargs)
        else:
            cursor = self._cursor_class(self, *args, **kwargs)
        return cursor

    async def find_one(
        self, /, filter: Any | None = None, *args: Any, **kwargs: Any
    ) -> DocumentT | None:
        """Return the first document that matches, or None.

        :param filter: a query document; anything else is taken as the value of ``_id``.

        Other arguments are those of `find`; ``limit`` is ignored.
        """
        operation = FindOne(self._reading(), filter, *args, **kwargs)
        session = operation.session
        document: DocumentT | None
        document = await self._core.executor.execute(operation, core_session(session))
        return document

    def find_raw_batches(self, /, *args: Any, **kwargs: Any) -> AsyncRawBatchCursor[DocumentT]:
        """Return a cursor over batches as bytes, for codecs of one's own.

        Takes the arguments of `find`. Each item is the documents of one batch, one after the
        other.
        """
        self._core.refuse_encrypting("find_raw_batches does")
        cursor: AsyncRawBatchCursor[DocumentT]
        if "prefetch" in kwargs:
            cursor = public.read_ahead.made(self._raw_cursor_class, self, args, kwargs)
        else:
            cursor = self._raw_cursor_class(self, *args, **kwargs)
        return cursor

    async def aggregate(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run an aggregation pipeline and return a cursor over its results.

        :param pipeline: a list of stages.
        :param let: variables for expressions.
        :param kwargs: other fields of the command, such as ``allowDiskUse``, ``maxTimeMS``,
            ``batchSize``, ``collation``, ``hint`` and ``maxAwaitTimeMS``; and `prefetch`: how many
            batches to ask for ahead (`AsyncCommandCursor.prefetch`).
        :raises TypeError: if the pipeline is not a list.
        :raises OperationFailure: already here and not at the first document.
        """
        cursor: AsyncCommandCursor[DocumentT] = await start_aggregate(
            self, self._command_cursor_class, pipeline, session, kwargs, let, comment
        )
        return cursor

    async def aggregate_raw_batches(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncRawBatchCursor[DocumentT]:
        """Run an aggregation pipeline and return a cursor over batches as bytes.

        Takes the arguments of `aggregate`.
        """
        self._core.refuse_encrypting("aggregate_raw_batches does")
        cursor: AsyncRawBatchCursor[DocumentT] = await start_aggregate(
            self, self._raw_command_cursor_class, pipeline, session, kwargs, None, comment
        )
        return cursor

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import AsyncCollectionChangeStream  # few watch anything

        return AsyncCollectionChangeStream

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
    ) -> AsyncCollectionChangeStream[DocumentT]:
        """Watch the changes of the collection.

        :param pipeline: stages that the changes go through; they must keep ``_id``.
        :param full_document: of an update: "updateLookup" (the document some time later),
            "whenAvailable" or "required" (the document right after it).
        :param full_document_before_change: "whenAvailable" or "required".
        :param resume_after: a change's ``_id`` or a `resume_token`: go on after it.
        :param start_after: likewise; it may be that of an "invalidate".
        :param start_at_operation_time: go on at this time.
        :param max_await_time_ms: how long the server waits for a change before it answers.
        :param show_expanded_events: changes of indexes and collections as well (server 6.0).
        :raises OperationFailure: if the server cannot watch, as one that is alone.
        """
        stream: AsyncCollectionChangeStream[DocumentT] = self._change_stream_class(
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

    async def count_documents(
        self,
        /,
        filter: Mapping[str, Any],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> int:
        """Return how many documents match.

        :param filter: a query document; ``{}`` counts all by reading the collection.
        :param kwargs: ``skip``, ``limit``, ``hint``, ``collation``, ``maxTimeMS``.
        """
        operation = CountDocuments(self._reading(), filter, kwargs, comment)
        count: int = await self._core.executor.execute(operation, core_session(session))
        return count

    async def estimated_document_count(self, /, comment: Any | None = None, **kwargs: Any) -> int:
        """Return how many documents there are by the collection's metadata, without reading it.

        :param kwargs: other fields of the command, such as ``maxTimeMS``.
        """
        operation = Count(self._reading(), kwargs, comment)
        return await self._core.executor.execute(operation)

    async def distinct(
        self,
        /,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        hint: _Hint | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the distinct values of a field.

        :param key: name of the field, dotted for nested ones.
        :param filter: a query document; left out, all documents count.
        :param hint: name or keys of the index to use (server 7.1).
        :param kwargs: other fields of the command, such as ``maxTimeMS`` and ``collation``.
        """
        operation = Distinct(self._reading(), key, kwargs, filter, comment, hint)
        return await self._core.executor.execute(operation, core_session(session))

    # -- writing --

    async def insert_one(
        self,
        document: DocumentT | RawBSONDocument,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertOneResult:
        """Insert one document.

        :param document: a mutable mapping; it gets an ``_id`` (an `ObjectId`) if it has none, also
            when the insert then fails. Or a raw document, which is left alone.
        :param bypass_document_validation: skip the collection's validation rules.
        :raises DuplicateKeyError: if a document with this ``_id`` or unique key is there.
        :raises WriteError: if the server refuses the document.
        """
        operation = InsertOne(self._writing(session), document, bypass_document_validation, comment)
        await self._core.executor.execute(operation, core_session(session))
        return InsertOneResult(operation.inserted_id, operation.acknowledged)

    async def insert_many(
        self,
        documents: Iterable[DocumentT | RawBSONDocument],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertManyResult:
        """Insert documents, in as many commands as the server's limits ask for.

        :param documents: mutable mappings, which get an ``_id`` each, or raw documents.
        :param ordered: stop at the first error; otherwise try all and report all errors.
        :raises TypeError: if there are no documents, or one is not a document; nothing is sent.
        :raises BulkWriteError: if the server refuses any of them.
        """
        operation = ops.bulk.InsertMany(
            self._writing(session), documents, ordered, bypass_document_validation, comment
        )
        try:
            await self._core.executor.execute(operation, core_session(session))
        except BaseException:
            operation.add_missing_ids()
            raise
        return InsertManyResult(operation.all_ids(), operation.wants_result)

    async def bulk_write(
        self,
        requests: Sequence[_WriteOp[DocumentT]],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult:
        """Run a list of writes.

        :param requests: `InsertOne`, `UpdateOne`, `UpdateMany`, `ReplaceOne`, `DeleteOne` and
            `DeleteMany` requests.
        :param ordered: run them in order and stop at the first error; otherwise group them by
            kind, try all and report all errors.
        :param let: variables for expressions of updates and deletes.
        :raises BulkWriteError: if any write fails; its details tell what was done.
        """
        operation = ops.bulk.BulkWrite.of(
            self._writing(session), requests, ordered, bypass_document_validation, comment, let
        )
        result = await self._core.executor.execute(operation, core_session(session))
        return BulkWriteResult(result, operation.wants_result)

    async def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Replace the first document that matches.

        :param replacement: the whole new document; its ``_id``, if any, must be the old one's.
        :param upsert: insert it when nothing matches.
        :param hint: name or keys of the index to use.
        :param sort: which match is first (server 8.0).
        :raises ValueError: if the replacement has update operators.
        """
        more = (bypass_document_validation, collation, None, hint, let, sort, comment)
        operation = Replace(self._writing(session), filter, replacement, False, upsert, *more)
        reply = await self._core.executor.execute(operation, core_session(session))
        return UpdateResult(reply, operation.acknowledged)

    async def update_one(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Update the first document that matches.

        :param update: update operators, or an aggregation pipeline as a list.
        :param upsert: insert a document when nothing matches.
        :param array_filters: which array elements to change.
        :param sort: which match is first (server 8.0).
        :raises ValueError: if the update has no operators.
        """
        more = (bypass_document_validation, collation, array_filters, hint, let, sort, comment)
        operation = Update(self._writing(session), filter, update, False, upsert, *more)
        reply = await self._core.executor.execute(operation, core_session(session))
        return UpdateResult(reply, operation.acknowledged)

    async def update_many(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Update all documents that match. Takes the arguments of `update_one` but ``sort``."""
        more = (bypass_document_validation, collation, array_filters, hint, let, None, comment)
        operation = Update(self._writing(session), filter, update, True, upsert, *more)
        reply = await self._core.executor.execute(operation, core_session(session))
        return UpdateResult(reply, operation.acknowledged)

    async def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete the first document that matches.

        :param hint: name or keys of the index to use.
        :param let: variables for the filter's expressions.
        """
        operation = Delete(self._writing(session), filter, False, collation, hint, let, comment)
        reply = await self._core.executor.execute(operation, core_session(session))
        return DeleteResult(reply, operation.acknowledged)

    async def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete all documents that match. Takes the arguments of `delete_one`."""
        operation = Delete(self._writing(session), filter, True, collation, hint, let, comment)
        reply = await self._core.executor.execute(operation, core_session(session))
        return DeleteResult(reply, operation.acknowledged)

    # -- finding and changing in one --

    async def find_one_and_delete(
        self,
        /,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Delete the first document that matches and return it, or None.

        :param projection: field names to return, or a projection document.
        :param sort: which match is first: names or (name, direction) pairs.
        :param kwargs: other fields of findAndModify, such as ``maxTimeMS`` and ``collation``.
        """
        operation = FindAndModify.remove(
            self._writing(session), filter, kwargs, projection, sort, hint, let, comment
        )
        document: DocumentT | None
        document = await self._core.executor.execute(operation, core_session(session))
        return document

    async def find_one_and_replace(
        self,
        /,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Replace the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `replace_one` and `find_one_and_delete`.
        """
        more = (projection, sort, hint, let, comment, upsert, return_document)
        operation = FindAndModify.replace(
            self._writing(session), filter, replacement, kwargs, *more
        )
        document: DocumentT | None
        document = await self._core.executor.execute(operation, core_session(session))
        return document

    async def find_one_and_update(
        self,
        /,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Update the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `update_one` and `find_one_and_delete`.
        """
        more = (projection, sort, hint, let, comment, upsert, return_document, array_filters)
        operation = FindAndModify.update(self._writing(session), filter, update, kwargs, *more)
        document: DocumentT | None
        document = await self._core.executor.execute(operation, core_session(session))
        return document

    # -- indexes --

    async def create_index(
        self,
        /,
        keys: _Hint,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> str:
        """Create an index and return its name.

        :param keys: a name, a list of names and (name, direction) pairs, or a mapping.
        :param kwargs: options of the index, such as ``unique``, ``name``, ``sparse``,
            ``expireAfterSeconds``, ``partialFilterExpression``, ``collation``; and ``maxTimeMS``.
        """
        options = {"maxTimeMS": kwargs.pop("maxTimeMS")} if "maxTimeMS" in kwargs else {}
        indexes = [ops.indexes.index_model(keys, **kwargs)]
        operation = ops.indexes.CreateIndexes(self._catalogue(session), indexes, options, comment)
        await self._core.executor.execute(operation, core_session(session))
        return operation.names[0]

    async def create_indexes(
        self,
        /,
        indexes: Sequence[IndexModel],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create indexes and return their names.

        :param kwargs: other fields of the command, such as ``commitQuorum`` and ``maxTimeMS``.
        """
        operation = ops.indexes.CreateIndexes(self._catalogue(session), indexes, kwargs, comment)
        await self._core.executor.execute(operation, core_session(session))
        return operation.names

    async def drop_index(
        self,
        /,
        index_or_name: _Hint,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop an index.

        :param index_or_name: the index's name, or the keys it was created with.
        :raises OperationFailure: if there is no such index; not if there is no collection.
        """
        operation = ops.indexes.DropIndexes(
            self._catalogue(session), index_or_name, kwargs, comment
        )
        await self._core.executor.execute(operation, core_session(session))

    async def drop_indexes(
        self,
        /,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop all indexes but the one on ``_id``."""
        operation = ops.indexes.DropIndexes(self._catalogue(session), "*", kwargs, comment)
        await self._core.executor.execute(operation, core_session(session))

    async def list_indexes(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> AsyncCommandCursor[MutableMapping[str, Any]]:
        """Return a cursor over the descriptions of the indexes, as `SON` documents."""
        cursor: AsyncCommandCursor[MutableMapping[str, Any]] = await _list_indexes(
            self, session, comment
        )
        return cursor

    async def index_information(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """Return a dict of the indexes: name to description, keys as a list of pairs."""
        with one_deadline(self._core.options.timeout):
            cursor = await _list_indexes(self, session, comment)
            return index_information(await cursor._all(None), cursor.address)

    # -- search indexes --

    async def create_search_index(
        self,
        /,
        model: Mapping[str, Any] | SearchIndexModel,
        session: AsyncClientSession | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str:
        """Create a search index and return its name.

        :param model: a `SearchIndexModel`, or a mapping of its arguments.
        """
        models = [ops.indexes.search_index_model(model)]
        operation = ops.indexes.CreateSearchIndexes(
            self._catalogue(session), models, kwargs, comment
        )
        names: list[str] = await self._core.executor.execute(operation, core_session(session))
        return names[0]

    async def create_search_indexes(
        self,
        /,
        models: list[SearchIndexModel],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create search indexes and return their names."""
        operation = ops.indexes.CreateSearchIndexes(
            self._catalogue(session), models, kwargs, comment
        )
        names: list[str] = await self._core.executor.execute(operation, core_session(session))
        return names

    async def list_search_indexes(
        self,
        /,
        name: str | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[Mapping[str, Any]]:
        """Return a cursor over the search indexes, or the one with this name.

        The collection's own options do not count: the primary is asked, without a read concern.

        :param kwargs: arguments of `AsyncCollection.aggregate`.
        """
        plain = self.with_options(
            DEFAULT_CODEC_OPTIONS, ReadPreference.PRIMARY, read_concern=DEFAULT_READ_CONCERN
        )
        pipeline = [{"$listSearchIndexes": {} if name is None else {"name": name}}]
        cursor: AsyncCommandCursor[Mapping[str, Any]] = await start_aggregate(
            plain, self._command_cursor_class, pipeline, session, kwargs, None, comment
        )
        return cursor

    async def drop_search_index(
        self,
        /,
        name: str,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop a search index."""
        operation = ops.indexes.DropSearchIndex(self._catalogue(session), name, kwargs, comment)
        await self._core.executor.execute(operation, core_session(session))

    async def update_search_index(
        self,
        /,
        name: str,
        definition: Mapping[str, Any],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Replace the definition of a search index."""
        operation = ops.indexes.UpdateSearchIndex(
            self._catalogue(session), name, definition, kwargs, comment
        )
        await self._core.executor.execute(operation, core_session(session))

    # -- the collection as a whole --

    async def options(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """Return the options the collection was created with; {} if it does not exist."""
        operation = ops.catalogue.ListCollections(
            self._database._name, self._codec_options, {}, {"name": self._name}, comment
        )
        with one_deadline(self._core.options.timeout):
            reply = await self._core.executor.execute(operation, core_session(session))
            cursor: AsyncCommandCursor[Any] = self._command_cursor_class._from_reply(
                self._core, reply, operation.reply_options, session=session, comment=comment
            )
            found = await cursor._all(None)
        return collection_options(found[0], cursor.address) if found else {}

    async def rename(
        self,
        /,
        new_name: str,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> MutableMapping[str, Any]:
        """Rename the collection; this object keeps the old name.

        :param kwargs: other fields of the command, such as ``dropTarget``.
        :raises InvalidName: if it cannot be a name.
        """
        operation = ops.catalogue.Rename(self._catalogue(session), new_name, kwargs, comment)
        reply: dict[str, Any] = await self._core.executor.execute(operation, core_session(session))
        return reply

    async def drop(
        self,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Drop the collection with its documents and indexes, if it exists.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """
        target, core = self._catalogue(session), core_session(session)
        with one_deadline(self._core.options.timeout):
            fields = await public.encrypted_fields.dropping(
                self._core, target, encrypted_fields, core
            )
            for operation in ops.catalogue.drop_operations(target, fields, comment):
                await self._core.executor.execute(operation, core)


# What several methods do. No methods: `self` is a collection of either flavour, and those of the
# synchronous one are no coroutines.


async def start_aggregate(
    collection: CollectionBase[Any, Any, Any],
    cursor_class: Any,
    pipeline: Any,
    session: ClientSessionBase | None,
    options: dict[str, Any],
    let: Any,
    comment: Any,
) -> Any:
    batches = options.pop("prefetch", 0)
    check_pipeline_options(options, collection._database)
    operation = Aggregate(
        collection._reading(), pipeline, options, collection._write_concern, let, comment
    )
    ahead = None
    if batches != 0:
        ahead = public.read_ahead.of_pipeline(collection._core, batches, operation, session)
    codec_options = operation.codec_options
    if cursor_class._raw:
        # All batches are alike if the first comes with getMore as well.
        operation.begin_empty()
        operation.codec_options = raw_codec_options(codec_options)
        operation.user_fields = RAW_FIELDS
        operation.gives_bytes = True
    reply = await collection._core.executor.execute(operation, core_session(session))
    cursor = cursor_class._from_reply(
        collection._core,
        reply,
        codec_options,
        batch_size=operation.batch_size,
        max_await_time_ms=operation.max_await_time_ms,
        session=session,
        comment=comment,
        collection=collection,
    )
    if ahead is not None:
        await ahead.begin(cursor, reply)
    return cursor


async def _list_indexes(
    collection: CollectionBase[Any, Any, Any], session: ClientSessionBase | None, comment: Any
) -> Any:
    operation = ops.indexes.ListIndexes(collection._catalogue(session), comment)
    reply = await collection._core.executor.execute(operation, core_session(session))
    return collection._command_cursor_class._from_reply(
        collection._core,
        reply,
        operation.codec_options,
        session=session,
        comment=comment,
        collection=collection,
    )


async def create_on_server(
    collection: CollectionBase[Any, Any, Any],
    options: Mapping[str, Any],
    session: ClientSessionBase | None,
) -> None:
    """Create a collection, with the state collections of queryable encryption if it has it."""
    target = collection._catalogue(session)
    options = public.encrypted_fields.creating(collection._core, target, options)
    with one_deadline(collection._core.options.timeout):
        for operation in ops.catalogue.create_operations(target, options):
            await collection._core.executor.execute(operation, core_session(session))
