"""Writes of one statement, insert_many, and findAndModify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from ..replies.codec import of_writes
from ..replies.fields import (
    count,
    integer,
    is_document,
    optional_count,
    plain_documents,
    unexpected,
)
from ..values.errors import ConfigurationError
from .base import COMMAND_OVERHEAD, NEVER, WRITE, Attempt, Command, Operation

__all__ = [
    "Delete",
    "FindAndModify",
    "InsertOne",
    "Update",
    "WriteTarget",
    "check_updates",
    "position",
    "statement_limit",
    "upserts",
]

_SORTED_UPDATE_WIRE_VERSION = 25  # MongoDB 8.0


def statement_limit(attempt: Attempt, acknowledged: bool) -> int:
    """The size in bytes of the largest statement worth sending.

    Of an acknowledged write the server judges the rest. An error of an unacknowledged one nobody
    would hear of: no statement may be larger than a document.
    """
    largest: int = attempt.connection.max_bson_size
    return largest + (COMMAND_OVERHEAD if acknowledged else 0)


def check_updates(attempt: Attempt, statements: Iterable[Mapping[str, Any]]) -> None:
    """Raise ConfigurationError for what this server would refuse of an unacknowledged update."""
    too_old = attempt.connection.max_wire_version < _SORTED_UPDATE_WIRE_VERSION
    if too_old and any("sort" in statement for statement in statements):
        raise ConfigurationError(
            "Must be connected to MongoDB 8.0+ to use sort on unacknowledged update commands."
        )


class WriteTarget:
    """Where and how a write runs: the collection's name and options, fixed when it is made."""

    __slots__ = (
        "acknowledged",
        "codec_options",
        "collection",
        "database",
        "reply_options",
        "write_concern",
    )

    def __init__(
        self, database: str, collection: str, codec_options: Any, write_concern: Any
    ) -> None:
        self.database = database
        self.collection = collection
        self.codec_options = codec_options
        self.reply_options = of_writes(codec_options)
        self.acknowledged: bool = write_concern.acknowledged
        self.write_concern = None if write_concern.is_server_default else write_concern


class _Statement(Operation[Any]):
    """A write command of one statement.

    :param options: fields after ``ordered``, in wire order.
    :param multi: may touch many documents, and so cannot be retried.
    """

    is_write = True
    user_fields = None
    identifier = ""

    def __init__(
        self,
        target: WriteTarget,
        statement: Any,
        options: Mapping[str, Any] | None = None,
        multi: bool = False,
    ) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.reply_options = target.reply_options
        self.write_concern = target.write_concern
        self.acknowledged = target.acknowledged
        self.retry_policy = WRITE if target.acknowledged and not multi else NEVER
        self.statement = statement
        self.options = options

    def build(self, attempt: Attempt) -> Command:
        body = {self.name: self.collection, "ordered": True}
        if self.options:
            body.update(self.options)
        return Command(
            body,
            (self.statement,),
            self.identifier,
            max_document_size=statement_limit(attempt, self.acknowledged),
        )


class InsertOne(_Statement):
    """insert of one document, which has its ``_id`` already."""

    name = "insert"
    identifier = "documents"

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        if type(reply.get("n")) is not int or reply["n"] < 0:
            optional_count(reply, "n")
        return reply


class Delete(_Statement):
    """delete with one statement ``{q, limit, ...}``. The result is the reply."""

    name = "delete"
    identifier = "deletes"

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        if not self.acknowledged:
            return reply
        number = count(reply, "n")
        return reply if reply["n"] is number else {**reply, "n": number}


class Update(_Statement):
    """update with one statement ``{q, u, multi, ...}``.

    The result is the reply with ``updatedExisting`` and a plain ``upserted`` id, or None when the
    write was not acknowledged.
    """

    name = "update"
    identifier = "updates"

    def build(self, attempt: Attempt) -> Command:
        if not self.acknowledged:
            check_updates(attempt, (self.statement,))
        return super().build(attempt)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        if not self.acknowledged:
            return None
        # A copy: listeners may have kept the reply.
        result = dict(reply)
        number = reply.get("n")
        if type(number) is not int or number < 0:
            result["n"] = number = count(reply, "n")
        if "nModified" in reply:
            result["nModified"] = optional_count(reply, "nModified")
        upserted = upserts(reply, 1, number) if "upserted" in reply else ()
        result["updatedExisting"] = number > 0 and not upserted
        if upserted:
            result["upserted"] = upserted[0]["_id"]
        return result


def upserts(reply: Mapping[str, Any], sent: int, number: int) -> Sequence[Mapping[str, Any]]:
    """The ``upserted`` of a reply: ``{index, _id}`` of each.

    :param sent: how many statements the command had.
    :param number: the reply's ``n``, of which they are a part.
    """
    if reply.get("upserted") is None:
        return ()
    found = plain_documents(reply, "upserted")
    for entry in found:
        position(entry, sent)
        if "_id" not in entry:
            raise unexpected("upserted._id", "there")
    if number < len(found):
        raise unexpected("n", f"{len(found)} or more", number)
    return found


def position(entry: Mapping[str, Any], sent: int) -> int:
    """The ``index`` of what a reply says of one statement of its command."""
    index = integer(entry, "index")
    if not 0 <= index < sent:
        raise unexpected("index", f"that of one of {sent} statements", index)
    return index


class FindAndModify(Operation[Any]):
    """findAndModify: the document before or after the change, or None.

    :param options: fields after ``query``, in wire order.
    """

    name = "findAndModify"
    is_write = True
    user_fields = frozenset({"value"})

    def __init__(
        self, target: WriteTarget, query: Mapping[str, Any], options: Mapping[str, Any]
    ) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.acknowledged = target.acknowledged
        self.retry_policy = WRITE if target.acknowledged else NEVER
        if "writeConcern" not in options:
            self.write_concern = target.write_concern
        self.query = query
        self.options = options

    def build(self, attempt: Attempt) -> Command:
        return Command({"findAndModify": self.collection, "query": self.query, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        value = reply.get("value")
        if value is not None and type(value) is not dict:
            if not is_document(type(value), self.reply_options or self.codec_options):
                raise unexpected("value", "a document or null", value)
        elif value is None and self.acknowledged and "value" not in reply:
            raise unexpected("value", "a document or null")
        return value
