"""What change streams do in both flavours: they read a cursor, and begin it anew when it is lost.

Change streams specification. The coroutines begin with an underscore, as those of cursors.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from bsonx import decode
from bsonx.codec_options import untyped
from bsonx.raw_bson import RawBSONDocument
from mongodriver.execution.timeouts import current_deadline, one_deadline
from mongodriver.ops.arguments import max_await_time_ms_of
from mongodriver.ops.base import present
from mongodriver.ops.change_stream import Watch, is_resumable
from mongodriver.ops.cursor import ReadTarget
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.errors import InvalidOperation, PyMongoError
from mongodriver.values.validators import (
    validate_list,
    validate_non_negative_integer_or_none,
    validate_string_or_none,
)

from ..replies.raw import RAW_FIELDS, raw_codec_options
from .cursor_core import goes_by_next
from .reply_cursor import _AgnosticCommandCursor
from .sessions import core_session, session_in_use

if TYPE_CHECKING:
    from bsonx._documents import Document
    from bsonx.timestamp import Timestamp
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.asynchronous.database import AsyncDatabase
    from mongodriver.asynchronous.mongo_client import AsyncMongoClient
    from mongodriver.client.client import Client
    from mongodriver.synchronous.client_session import ClientSession
    from mongodriver.synchronous.collection import Collection
    from mongodriver.synchronous.database import Database
    from mongodriver.synchronous.mongo_client import MongoClient
    from mongodriver.typings import _CollationIn, _Pipeline

    from .read_ahead import ReadAhead

__all__ = ["CLUSTER", "_AgnosticChangeStream"]

DocumentT = TypeVar("DocumentT", bound="Document")

#: What a stream of the whole cluster adds to its stage.
CLUSTER = {"allChangesForCluster": True}
#: Of a change: what may be a document of the collection.
_DOCUMENTS = ("fullDocument", "fullDocumentBeforeChange")
_NO_TOKEN = "Cannot provide resume functionality when the resume token is missing."


class _AgnosticChangeStream(Generic[DocumentT]):
    """The changes of a collection, a database or a cluster, across elections and lost cursors.

    Arguments are those of ``watch``.
    """

    #: As that of a cursor: `prefetch`.
    _ahead: ReadAhead | None = None
    #: Of the ``$changeStream`` stage: what is watched.
    _scope: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        goes_by_next(cls)

    def __init__(
        self,
        target: (
            AsyncMongoClient[Any]
            | MongoClient[Any]
            | AsyncDatabase[DocumentT]
            | Database[DocumentT]
            | AsyncCollection[DocumentT]
            | Collection[DocumentT]
        ),
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: AsyncClientSession | ClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None:
        if pipeline is None:
            pipeline = []
        validate_list("pipeline", pipeline)
        validate_string_or_none("full_document", full_document)
        validate_collation_or_none(collation)
        validate_non_negative_integer_or_none("batchSize", batch_size)
        max_await_time_ms_of(max_await_time_ms)
        self._core: Client = target._core
        self._target: ReadTarget = target._reading()
        self._pipeline = copy.deepcopy(pipeline)
        self._stage = present(
            fullDocument=full_document, fullDocumentBeforeChange=full_document_before_change
        )
        # Servers before 6.0 do not know it, as False neither.
        expanded = present(showExpandedEvents=show_expanded_events or None)
        self._more_of_stage = {**expanded, **self._scope}
        #: An empty `start_after` is none, as PyMongo has it.
        self._resume_token: Any = start_after or resume_after
        self._start_at_operation_time = start_at_operation_time
        #: The place where it begins is in ``startAfter``: no change has been returned yet.
        self._uses_start_after = start_after is not None
        self._batch_size = batch_size
        self._max_await_time_ms = max_await_time_ms
        self._collation = collation
        self._comment = comment
        self._session = session
        self._closed = False
        #: Without a session of the user's: one for the stream, so that it resumes in the same.
        self._own_session: Any = None
        self._codec_options = self._target.codec_options
        #: Classes and decoders of the user's may make of a token what they like.
        self._decodes_itself = _is_plain(self._codec_options)

    def __repr__(self) -> str:
        """What is watched. Of pipeline and tokens, which may be secret, it shows nothing."""
        target = self._target
        if self._scope:
            name = "all databases"
        elif target.collection:
            name = f"{target.database}.{target.collection}"
        else:
            name = f"database {target.database}"
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} of {name}: {state}>"

    # -- the cursor --

    async def _initialize_cursor(self) -> None:
        """Begin to watch. Errors of the server come here, as those of aggregate do."""
        if session_in_use(self._session) is None:
            self._own_session = self._core.start_session(causal_consistency=False)
        try:
            self._cursor = await self._create_cursor(self._place())
        except BaseException:
            self._end_session()
            raise

    def _place(self) -> dict[str, Any]:
        """The field of the stage that says where to begin, empty for now."""
        if self._resume_token is not None:
            field = "startAfter" if self._uses_start_after else "resumeAfter"
            return {field: self._resume_token}
        return present(startAtOperationTime=self._start_at_operation_time)

    async def _create_cursor(self, place: dict[str, Any]) -> _AgnosticCommandCursor[Any]:
        operation = Watch(
            self._target,
            {**self._stage, **place, **self._more_of_stage},
            self._pipeline,
            self._batch_size,
            self._collation,
            self._comment,
        )
        if not self._decodes_itself:
            operation.codec_options = raw_codec_options(self._codec_options)
            operation.user_fields = RAW_FIELDS
        session = core_session(self._session) or self._own_session
        reply = await self._core.executor.execute(operation, session)
        if reply.resume_token is None and not place and not reply.batch:
            self._start_at_operation_time = operation.operation_time
        cursor = _AgnosticCommandCursor[Any]._from_reply(
            self._core,
            reply,
            operation.codec_options,
            batch_size=operation.batch_size,
            max_await_time_ms=self._max_await_time_ms,
            comment=self._comment,
        )
        self._note_empty_batch(cursor)
        if self._ahead is not None:
            self._ahead = self._ahead.copy()
            await self._ahead.begin(cursor, reply)
        return cursor

    async def _resume(self) -> None:
        """Begin a new cursor where the old one was lost."""
        await self._cursor._close()
        self._cursor = await self._create_cursor(self._place())

    def prefetch(self, batches: int) -> Self:
        """Ask for changes before those at hand are consumed.

        See `prefetch` of cursors. The resume token is always that of what was returned.

        :param batches: how many are asked for ahead, at most 64; 0 for none.
        :returns: the stream.
        """
        self._ahead = self._cursor.prefetch(batches)._ahead
        return self

    # -- changes --

    def _at_hand(self) -> DocumentT | None:
        """The next change if it is here, and another one after it; what most are, in a rush.

        Nothing else can have happened to the stream then.
        """
        data = self._cursor._data
        if len(data) < 2 or self._closed or not self._decodes_itself:
            return None
        token = data[0].get("_id")
        if token is None:
            return None
        self._resume_token = token
        self._uses_start_after = False
        self._start_at_operation_time = None
        change: DocumentT = data.popleft()
        return change

    async def _next(self) -> DocumentT | None:
        """The next change, waiting for it; None if none will come."""
        with one_deadline(self._core.options.timeout):
            while not self._closed:
                change = await self._try_next()
                if change is not None:
                    return change
        return None

    async def _try_next(self) -> DocumentT | None:
        """The next change, after one getMore at most, or None."""
        if self._closed:
            return None
        ready = self._at_hand()
        if ready is not None:
            return ready
        with one_deadline(self._core.options.timeout):
            change = await self._read()
        if change is None:
            self._note_empty_batch(self._cursor)
            return None
        return await self._returned(change)

    async def _read(self) -> Any:
        """The next document of the cursor; of a new one where the cursor was lost, if there is one
        already.
        """
        if not self._cursor.alive:
            await self._resume()  # the call before could not, or ended with its time
        try:
            return await self._next_or_resume()
        except PyMongoError as exc:
            if not (exc.timeout or is_resumable(exc)):
                await self._close()
            raise

    async def _next_or_resume(self) -> Any:
        try:
            return await self._cursor._try_next()
        except PyMongoError as exc:
            out_of_time = exc.timeout and current_deadline(None) is not None
            if out_of_time or not is_resumable(exc):
                raise
        await self._resume()
        data = self._cursor._data
        return data.popleft() if data else None

    async def _returned(self, change: Any) -> DocumentT:
        """What the user gets for a document of the cursor, which the stream has seen then."""
        cursor = self._cursor
        token = change.get("_id")
        if token is None:
            await self._close()
            raise InvalidOperation(_NO_TOKEN)
        if not cursor._data and cursor._resume_token is not None:
            token = cursor._resume_token
        elif not self._decodes_itself and isinstance(token, RawBSONDocument):
            token = decode(token.raw)
        self._resume_token = token
        self._uses_start_after = False
        self._start_at_operation_time = None
        if not cursor.alive:
            await self._close()  # the server has closed it, after "invalidate" for example
        if self._decodes_itself:
            return change  # type: ignore[no-any-return]
        document: DocumentT = self._decoded(change)
        return document

    def _decoded(self, change: RawBSONDocument) -> Any:
        """A change as the user's options have it.

        A class with typed fields is that of the documents, not of what is told of them, unless it
        has a field for the kind of change.
        """
        options = untyped(self._codec_options)
        if options is self._codec_options or _is_of_changes(self._codec_options.document_class):
            return decode(change.raw, self._codec_options)
        event = decode(change.raw, options)
        for name in _DOCUMENTS:
            if event.get(name) is not None:
                event[name] = decode(change[name].raw, self._codec_options)
        return event

    def _note_empty_batch(self, cursor: _AgnosticCommandCursor[Any]) -> None:
        if not cursor._data and cursor._resume_token is not None:
            self._resume_token = cursor._resume_token

    async def _close(self) -> None:
        """Close the cursor, and the stream with it."""
        self._closed = True
        await self._cursor._close()
        self._end_session()

    def _end_session(self) -> None:
        session, self._own_session = self._own_session, None
        if session is not None:
            session.end()

    # -- state --

    @property
    def alive(self) -> bool:
        """Whether more changes may come."""
        return not self._closed

    @property
    def resume_token(self) -> Mapping[str, Any] | None:
        """Where the stream goes on: after the change that was returned last, or later if the
        server has told so since. To be stored after each change, and after `try_next` gave None.
        """
        token: Mapping[str, Any] | None = copy.deepcopy(self._resume_token)
        return token


def _is_plain(codec_options: Any) -> bool:
    """Whether documents are mappings with the server's own values for what is not the user's."""
    cls = codec_options.document_class
    return (
        isinstance(cls, type)
        and issubclass(cls, Mapping)
        and not codec_options.type_registry._decoder_map
        and untyped(codec_options) is codec_options
    )


def _is_of_changes(cls: Any) -> bool:
    from bsonx.typed import has_field  # few have typed classes

    return has_field(cls, "operationType")
