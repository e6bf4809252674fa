"""Reading from a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from mongodriver.ops.base import present
from mongodriver.ops.cursor import FindOne
from mongodriver.ops.read import Aggregate, Count, CountDocuments, Distinct
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.keys import hint_document

from ..public.aggregation import aggregate_options, check_pipeline
from ..public.collection_base import CollectionBase
from ..public.raw import RAW_FIELDS, raw_codec_options

if TYPE_CHECKING:
    from .client_session import ClientSessionBase
    from .command_cursor import AsyncCommandCursor, AsyncRawBatchCommandCursor
    from .cursor import AsyncCursor, AsyncRawBatchCursor

__all__ = ["CollectionReads"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


class CollectionReads(CollectionBase[DocumentT]):
    """The reading part of `AsyncCollection`."""

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
        :raises TypeError: for arguments of wrong types.
        """
        cursor: AsyncCursor[DocumentT] = self._cursor_class(self, *args, **kwargs)
        return cursor

    async def find_one(self, /, filter: Any = None, *args: Any, **kwargs: Any) -> DocumentT | None:
        """Return the first document that matches, or None.

        :param filter: a query document; anything else is taken as the value of ``_id``.

        Other arguments are those of `find`; ``limit`` is ignored.
        """
        if filter is None:
            filter = {}
        elif type(filter) is not dict and not isinstance(filter, Mapping):
            filter = {"_id": filter}
        document: DocumentT | None = None
        if not args and not kwargs:
            document = await self._execute(FindOne(self._reading(), filter))
        else:
            cursor = self._cursor_class(self, filter, *args, **kwargs).limit(-1)
            if await cursor._refresh():
                document = cursor._data.popleft()
        return document

    def find_raw_batches(self, /, *args: Any, **kwargs: Any) -> AsyncRawBatchCursor:
        """Return a cursor over batches as bytes, for codecs of one's own.

        Takes the arguments of `find`. Each item is the documents of one batch, one after the
        other.
        """
        cursor: AsyncRawBatchCursor = self._raw_cursor_class(self, *args, **kwargs)
        return cursor

    async def aggregate(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[DocumentT]:
        """Run an aggregation pipeline and return a cursor over its results.

        :param pipeline: a list of stages.
        :param let: variables for expressions.
        :param kwargs: other fields of the command, such as ``allowDiskUse``, ``maxTimeMS``,
            ``batchSize``, ``collation``, ``hint`` and ``maxAwaitTimeMS``.
        :raises TypeError: if the pipeline is not a list.
        :raises OperationFailure: already here and not at the first document.
        """
        cursor: AsyncCommandCursor[DocumentT] = await self._run_aggregate(
            self._command_cursor_class, pipeline, session, let, comment, kwargs
        )
        return cursor

    async def aggregate_raw_batches(
        self,
        /,
        pipeline: Sequence[Mapping[str, Any]],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> AsyncRawBatchCommandCursor:
        """Run an aggregation pipeline and return a cursor over batches as bytes.

        Takes the arguments of `aggregate`.
        """
        cursor: AsyncRawBatchCommandCursor = await self._run_aggregate(
            self._raw_command_cursor_class, pipeline, session, None, comment, kwargs
        )
        return cursor

    async def _run_aggregate(
        self,
        cursor_class: Any,
        pipeline: Any,
        session: ClientSessionBase | None,
        let: Any,
        comment: Any,
        kwargs: dict[str, Any],
    ) -> Any:
        check_pipeline(pipeline)
        batch_size, max_await_time_ms, options = aggregate_options(pipeline, let, comment, kwargs)
        operation = Aggregate(self._reading(), pipeline, options, self.write_concern)
        if cursor_class._raw:
            if not operation.has_output_stage and isinstance(options["cursor"], dict):
                # All batches are alike then: the first comes with getMore as well.
                options["cursor"] = {**options["cursor"], "batchSize": 0}
            operation.codec_options = raw_codec_options(operation.codec_options)
            operation.user_fields = RAW_FIELDS
        reply = await self._execute(operation, self._core_session(session))
        return cursor_class._from_reply(
            self,
            reply,
            batch_size=batch_size,
            max_await_time_ms=max_await_time_ms,
            session=session,
            comment=comment,
        )

    async def count_documents(
        self,
        /,
        filter: Mapping[str, Any],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> int:
        """Return how many documents match.

        :param filter: a query document; ``{}`` counts all by reading the collection.
        :param kwargs: ``skip``, ``limit``, ``hint``, ``collation``, ``maxTimeMS``.
        """
        pipeline: list[dict[str, Any]] = [{"$match": filter}]
        if "skip" in kwargs:
            pipeline.append({"$skip": kwargs.pop("skip")})
        if "limit" in kwargs:
            pipeline.append({"$limit": kwargs.pop("limit")})
        pipeline.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
        if comment is not None:
            kwargs["comment"] = comment
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        if "hint" in kwargs:
            kwargs["hint"] = hint_document(kwargs["hint"])
        options: dict[str, Any] = {"cursor": {}, **kwargs}
        if collation is not None:
            options["collation"] = collation
        operation = CountDocuments(self._reading(), pipeline, options)
        count: int = await self._execute(operation, self._core_session(session))
        return count

    async def estimated_document_count(self, /, comment: Any = None, **kwargs: Any) -> int:
        """Return how many documents there are by the collection's metadata, without reading it.

        :param kwargs: other fields of the command, such as ``maxTimeMS``.
        """
        if "session" in kwargs:
            raise ConfigurationError("estimated_document_count does not support sessions")
        if comment is not None:
            kwargs["comment"] = comment
        count: int = await self._execute(Count(self._reading(), kwargs))
        return count

    async def distinct(
        self,
        /,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        hint: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the distinct values of a field.

        :param key: name of the field, dotted for nested ones.
        :param filter: a query document; left out, all documents count.
        :param hint: name or keys of the index to use (server 7.1).
        :param kwargs: other fields of the command, such as ``maxTimeMS`` and ``collation``.
        """
        if filter is not None:
            kwargs["query"] = filter
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        kwargs |= present(
            comment=comment,
            hint=None if hint is None else hint_document(hint),
            collation=collation,
        )
        return await self._run_distinct(key, kwargs, session)

    async def _run_distinct(
        self, key: str, options: Mapping[str, Any], session: ClientSessionBase | None
    ) -> list[Any]:
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        operation = Distinct(self._reading(), key, options)
        values: list[Any] = await self._execute(operation, self._core_session(session))
        return values
