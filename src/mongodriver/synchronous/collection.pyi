"""Collections, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar, overload

from bsonx._documents import Document
from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from bsonx.timestamp import Timestamp
from mongodriver.public.collection_base import CollectionBase, ReturnDocument
from mongodriver.synchronous.change_stream import CollectionChangeStream
from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.command_cursor import CommandCursor
from mongodriver.synchronous.cursor import Cursor, RawBatchCursor
from mongodriver.synchronous.database import Database
from mongodriver.typings import _CollationIn, _Hint, _Keys, _WriteOp
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.requests import IndexModel, SearchIndexModel
from mongodriver.values.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from mongodriver.values.write_concern import WriteConcern

__all__ = ["Collection", "ReturnDocument"]
DocumentT = TypeVar("DocumentT", bound="Document")
OtherT = TypeVar("OtherT", bound="Document")

class Collection(CollectionBase[DocumentT, Database[DocumentT], ClientSession]):
    """A MongoDB collection.

    Made by a database: ``db.name`` or ``db["name"]``. Attributes that are no methods are
    collections too: ``db.log.errors`` is "log.errors".
    """

    @overload  # type: ignore[override]
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Collection[DocumentT]: ...
    @overload
    def with_options(
        self,
        codec_options: CodecOptions[OtherT],
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Collection[OtherT]: ...
    def find(self, *args: Any, **kwargs: Any) -> Cursor[DocumentT]:
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

    def find_one(self, filter: Any | None = None, *args: Any, **kwargs: Any) -> DocumentT | None:
        """Return the first document that matches, or None.

        :param filter: a query document; anything else is taken as the value of ``_id``.

        Other arguments are those of `find`; ``limit`` is ignored.
        """

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> RawBatchCursor[DocumentT]:
        """Return a cursor over batches as bytes, for codecs of one's own.

        Takes the arguments of `find`. Each item is the documents of one batch, one after the
        other.
        """

    def aggregate(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> CommandCursor[DocumentT]:
        """Run an aggregation pipeline and return a cursor over its results.

        :param pipeline: a list of stages.
        :param let: variables for expressions.
        :param kwargs: other fields of the command, such as ``allowDiskUse``, ``maxTimeMS``,
            ``batchSize``, ``collation``, ``hint`` and ``maxAwaitTimeMS``; and `prefetch`: how many
            batches to ask for ahead (`AsyncCommandCursor.prefetch`).
        :raises TypeError: if the pipeline is not a list.
        :raises OperationFailure: already here and not at the first document.
        """

    def aggregate_raw_batches(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> RawBatchCursor[DocumentT]:
        """Run an aggregation pipeline and return a cursor over batches as bytes.

        Takes the arguments of `aggregate`.
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
    ) -> CollectionChangeStream[DocumentT]:
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

    def count_documents(
        self,
        filter: Mapping[str, Any],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> int:
        """Return how many documents match.

        :param filter: a query document; ``{}`` counts all by reading the collection.
        :param kwargs: ``skip``, ``limit``, ``hint``, ``collation``, ``maxTimeMS``.
        """

    def estimated_document_count(self, comment: Any | None = None, **kwargs: Any) -> int:
        """Return how many documents there are by the collection's metadata, without reading it.

        :param kwargs: other fields of the command, such as ``maxTimeMS``.
        """

    def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
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

    def insert_one(
        self,
        document: DocumentT | RawBSONDocument,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertOneResult:
        """Insert one document.

        :param document: a mutable mapping; it gets an ``_id`` (an `ObjectId`) if it has none, also
            when the insert then fails. Or a raw document, which is left alone.
        :param bypass_document_validation: skip the collection's validation rules.
        :raises DuplicateKeyError: if a document with this ``_id`` or unique key is there.
        :raises WriteError: if the server refuses the document.
        """

    def insert_many(
        self,
        documents: Iterable[DocumentT | RawBSONDocument],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertManyResult:
        """Insert documents, in as many commands as the server's limits ask for.

        :param documents: mutable mappings, which get an ``_id`` each, or raw documents.
        :param ordered: stop at the first error; otherwise try all and report all errors.
        :raises TypeError: if there are no documents, or one is not a document; nothing is sent.
        :raises BulkWriteError: if the server refuses any of them.
        """

    def bulk_write(
        self,
        requests: Sequence[_WriteOp[DocumentT]],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
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

    def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
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

    def update_one(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
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

    def update_many(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Update all documents that match. Takes the arguments of `update_one` but ``sort``."""

    def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete the first document that matches.

        :param hint: name or keys of the index to use.
        :param let: variables for the filter's expressions.
        """

    def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete all documents that match. Takes the arguments of `delete_one`."""

    def find_one_and_delete(
        self,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Delete the first document that matches and return it, or None.

        :param projection: field names to return, or a projection document.
        :param sort: which match is first: names or (name, direction) pairs.
        :param kwargs: other fields of findAndModify, such as ``maxTimeMS`` and ``collation``.
        """

    def find_one_and_replace(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Replace the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `replace_one` and `find_one_and_delete`.
        """

    def find_one_and_update(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _Keys | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Update the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `update_one` and `find_one_and_delete`.
        """

    def create_index(
        self,
        keys: _Hint,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> str:
        """Create an index and return its name.

        :param keys: a name, a list of names and (name, direction) pairs, or a mapping.
        :param kwargs: options of the index, such as ``unique``, ``name``, ``sparse``,
            ``expireAfterSeconds``, ``partialFilterExpression``, ``collation``; and ``maxTimeMS``.
        """

    def create_indexes(
        self,
        indexes: Sequence[IndexModel],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create indexes and return their names.

        :param kwargs: other fields of the command, such as ``commitQuorum`` and ``maxTimeMS``.
        """

    def drop_index(
        self,
        index_or_name: _Hint,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop an index.

        :param index_or_name: the index's name, or the keys it was created with.
        :raises OperationFailure: if there is no such index; not if there is no collection.
        """

    def drop_indexes(
        self, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """Drop all indexes but the one on ``_id``."""

    def list_indexes(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> CommandCursor[MutableMapping[str, Any]]:
        """Return a cursor over the descriptions of the indexes, as `SON` documents."""

    def index_information(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """Return a dict of the indexes: name to description, keys as a list of pairs."""

    def create_search_index(
        self,
        model: Mapping[str, Any] | SearchIndexModel,
        session: ClientSession | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str:
        """Create a search index and return its name.

        :param model: a `SearchIndexModel`, or a mapping of its arguments.
        """

    def create_search_indexes(
        self,
        models: list[SearchIndexModel],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create search indexes and return their names."""

    def list_search_indexes(
        self,
        name: str | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> CommandCursor[Mapping[str, Any]]:
        """Return a cursor over the search indexes, or the one with this name.

        The collection's own options do not count: the primary is asked, without a read concern.

        :param kwargs: arguments of `AsyncCollection.aggregate`.
        """

    def drop_search_index(
        self,
        name: str,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop a search index."""

    def update_search_index(
        self,
        name: str,
        definition: Mapping[str, Any],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Replace the definition of a search index."""

    def options(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """Return the options the collection was created with; {} if it does not exist."""

    def rename(
        self,
        new_name: str,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> MutableMapping[str, Any]:
        """Rename the collection; this object keeps the old name.

        :param kwargs: other fields of the command, such as ``dropTarget``.
        :raises InvalidName: if it cannot be a name.
        """

    def drop(
        self,
        session: ClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Drop the collection with its documents and indexes, if it exists.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """
