"""Operations around a server-side cursor: find, getMore, killCursors, and their replies."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from bsonx.int64 import Int64
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.keys import field_document, hint_document, key_document

from ..replies.fields import document, documents, integer, optional_document, unexpected
from ..replies.raw import raw_batch
from .base import READ, Attempt, Command, Operation, present
from .find_query import EXHAUST, FindQuery, with_modifiers

__all__ = [
    "CursorReply",
    "Find",
    "FindOne",
    "GetMore",
    "KillCursors",
    "ReadTarget",
    "may_carry",
    "only_document",
    "read_cursor",
]

_FIRST_BATCH = frozenset({"firstBatch"})
_NEXT_BATCH = frozenset({"nextBatch"})


class CursorReply:
    """A batch and what is needed to ask for the next one.

    :param batch: documents (or whatever the codec options make of them), or a `RawBatch`.
    :param cursor_id: 0 when the server has no more.
    :param namespace: "database.collection" to be named in getMore.
    :param address: the server that holds the cursor.
    :param session: the session it was opened in, to be used again while `cursor_id` is not 0.
    :param connection: set when the cursor is bound to one connection.
    :param resume_token: ``postBatchResumeToken``, or None.
    """

    __slots__ = (
        "address",
        "batch",
        "connection",
        "cursor_id",
        "namespace",
        "resume_token",
        "session",
    )

    def __init__(
        self,
        batch: Any,
        cursor_id: int,
        namespace: str,
        address: tuple[str, int | None] | None,
        session: Any = None,
        connection: Any = None,
        resume_token: Any = None,
    ) -> None:
        self.batch = batch
        self.cursor_id = cursor_id
        self.namespace = namespace
        self.address = address
        self.session = session
        self.connection = connection
        self.resume_token = resume_token


def read_cursor(
    operation: Operation[Any],
    reply: Mapping[str, Any],
    attempt: Attempt,
    batch: str = "firstBatch",
    pin: bool = False,
) -> CursorReply:
    """The reply's ``cursor`` field as a `CursorReply`.

    A live cursor keeps its session, and its connection with `pin` or behind a load balancer.

    :raises ProtocolError: for what is no cursor.
    """
    cursor = document(reply, "cursor")
    cursor_id = integer(cursor, "id")
    options = operation.reply_options or operation.codec_options
    found: Any
    if operation.gives_bytes:
        found = raw_batch(cursor, batch, options)
    else:
        found = documents(cursor, batch, options)
    namespace = _namespace(operation, cursor, cursor_id)
    resume_token = optional_document(cursor, "postBatchResumeToken")
    connection = attempt.connection
    if cursor_id:
        attempt.keep_session = True
        if not connection.pinned and (pin or connection.service_id is not None):
            connection.pinned = "cursor"
    return CursorReply(
        found,
        cursor_id,
        namespace,
        connection.address,
        attempt.session,
        connection if connection is not None and connection.pinned and _keeps(attempt) else None,
        resume_token,
    )


def _keeps(attempt: Attempt) -> bool:
    """Whether a pinned connection is the cursor's own; that of a transaction is not."""
    session = attempt.session
    return (
        session is None
        or session.implicit
        or session.transaction.connection is not attempt.connection
    )


def may_carry(connection: Any) -> bool:
    """Whether a cursor's own connection can carry a killCursors.

    It cannot while batches that nobody reads are still coming.
    """
    return not (connection.more_to_come or connection.closed)


def _namespace(operation: Operation[Any], cursor: Mapping[str, Any], cursor_id: int) -> str:
    """What getMore names: as the server has it, else what was asked for; "" for that of before."""
    namespace = cursor.get("ns")
    if namespace is not None and not isinstance(namespace, str):
        raise unexpected("ns", "a string", namespace)
    if not namespace and operation.name != "getMore":
        collection = operation.collection
        if collection or operation.name == "aggregate":
            return f"{operation.database}.{collection or '$cmd.aggregate'}"
    if cursor_id and (namespace or operation.name != "getMore"):
        database, _, collection = (namespace or "").partition(".")
        if not database or not collection:
            raise unexpected("ns", "the name of a database and a collection", namespace)
    return namespace or ""


def only_document(operation: Operation[Any], reply: Mapping[str, Any]) -> Any:
    """The one document of a first batch, or None where it is empty. No cursor is left behind.

    :raises ProtocolError: for what is no cursor.
    """
    cursor = document(reply, "cursor")
    integer(cursor, "id")
    found = documents(cursor, "firstBatch", operation.reply_options or operation.codec_options)
    return found[0] if found else None


class ReadTarget:
    """Where and how a read runs: the collection's name and options, fixed when it is made."""

    __slots__ = ("codec_options", "collection", "database", "read_concern", "read_preference")

    def __init__(
        self,
        database: str,
        collection: str,
        codec_options: Any,
        read_preference: Any,
        read_concern: Any,
    ) -> None:
        self.database = database
        self.collection = collection
        self.codec_options = codec_options
        self.read_preference = read_preference
        self.read_concern = read_concern

    def with_codec_options(self, codec_options: Any) -> ReadTarget:
        """The same target, its documents decoded otherwise."""
        return ReadTarget(
            self.database, self.collection, codec_options, self.read_preference, self.read_concern
        )


class Find(Operation[CursorReply]):
    """find.

    :param options: the command's fields after the collection, in wire order.
    :param pin: the getMores must use the same connection, as those of exhaust cursors.
    """

    name = "find"
    retry_policy = READ
    within_a_document = True
    user_fields = _FIRST_BATCH

    def __init__(self, target: ReadTarget, options: Mapping[str, Any], pin: bool = False) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.options = options
        self.pin = pin

    def build(self, attempt: Attempt) -> Command:
        return Command({"find": self.collection, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        return read_cursor(self, reply, attempt, pin=self.pin)


class FindOne(Operation[Any]):
    """find of one document, the result: the document or None.  No cursor is left behind.

    :param filter: a query document; anything else is taken as the value of ``_id``.

    Other arguments are those of `FindQuery`; a limit is ignored. `session` is kept as it is given.
    """

    name = "find"
    retry_policy = READ
    within_a_document = True
    user_fields = _FIRST_BATCH

    def __init__(
        self,
        target: ReadTarget,
        filter: Any = None,
        projection: Any = None,
        *args: Any,
        sort: Any = None,
        hint: Any = None,
        session: Any = None,
        **kwargs: Any,
    ) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.session = session
        if filter is None:
            filter = {}
        elif type(filter) is not dict and not isinstance(filter, Mapping):
            filter = {"_id": filter}
        if args or kwargs:
            kwargs |= present(sort=sort, hint=hint, session=session)
            self._take_query(FindQuery(filter, projection, *args, **kwargs))
            return
        if projection is sort is hint is None:
            self.options = {"filter": filter, "limit": 1, "singleBatch": True}
        else:
            self.options = _usual_options(filter, projection, sort, hint)
        if "$query" in filter:
            self.options = with_modifiers(self.options)

    def _take_query(self, query: FindQuery) -> None:
        if query.flags & EXHAUST:
            raise InvalidOperation("Can't use limit and exhaust together.")
        query.limit = -1
        self.session = query.session
        self.options = query.options()

    def build(self, attempt: Attempt) -> Command:
        return Command({"find": self.collection, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        cursor = reply.get("cursor")
        if type(cursor) is dict and cursor.get("id") == 0 and cursor["id"] is not False:
            batch = cursor.get("firstBatch")
            if type(batch) is list and len(batch) == 1 and type(batch[0]) is dict:
                return batch[0]  # as almost always
        return only_document(self, reply)


def _usual_options(filter: Any, projection: Any, sort: Any, hint: Any) -> dict[str, Any]:
    """What `FindQuery` makes of the arguments that most calls have, without its cost."""
    fields = None if projection is None else field_document(projection)
    options: dict[str, Any] = {"filter": filter}
    if sort:
        options["sort"] = key_document(sort)
    if hint is not None and (wanted := hint_document(hint)):
        options["hint"] = wanted
    if fields:
        options["projection"] = fields
    options["limit"] = 1
    options["singleBatch"] = True
    return options


class GetMore(Operation[CursorReply]):
    """getMore, sent to the server that holds the cursor.

    :param namespace: as the server named it, "database.collection".
    :param batch_size: 0 leaves it to the server.
    :param max_await_time_ms: how long a tailable await cursor may wait for data.
    :param exhaust: let the server stream the batches that follow.
    """

    name = "getMore"
    takes_max_time = False  # it is how long a cursor that waits for documents waits
    user_fields = _NEXT_BATCH

    def __init__(
        self,
        namespace: str,
        cursor_id: int,
        codec_options: Any,
        *,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        comment: Any = None,
        exhaust: bool = False,
    ) -> None:
        if exhaust:
            self.exhaust = True
            self.goes_directly = False
        self.database, _, self.collection = namespace.partition(".")
        self.cursor_id = cursor_id
        self.codec_options = codec_options
        self.batch_size = batch_size
        self.max_await_time_ms = max_await_time_ms
        self.comment = comment

    def build(self, attempt: Attempt) -> Command:
        body: dict[str, Any] = {
            "getMore": Int64(self.cursor_id),
            "collection": self.collection,
        }
        if self.batch_size:
            body["batchSize"] = self.batch_size
        if self.max_await_time_ms is not None:
            body["maxTimeMS"] = self.max_await_time_ms
        if self.comment is not None and attempt.connection.max_wire_version >= 9:
            body["comment"] = self.comment
        return Command(body)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        return read_cursor(self, reply, attempt, "nextBatch")


class KillCursors(Operation[None]):
    """killCursors, sent to the server that holds them."""

    name = "killCursors"

    def __init__(self, namespace: str, cursor_ids: list[int], codec_options: Any) -> None:
        self.database, _, self.collection = namespace.partition(".")
        self.cursor_ids = cursor_ids
        self.codec_options = codec_options

    def build(self, attempt: Attempt) -> Command:
        return Command(
            {
                "killCursors": self.collection,
                "cursors": [Int64(cursor_id) for cursor_id in self.cursor_ids],
            }
        )

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> None:
        return None
