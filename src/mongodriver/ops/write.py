"""Writes of one statement, insert_many, and findAndModify."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from mongodriver.spec.errors import write_concern_error, write_error

from .base import COMMAND_OVERHEAD, BuildContext, Command, Operation

__all__ = [
    "Delete",
    "FindAndModify",
    "InsertOne",
    "Update",
    "WriteTarget",
    "check_write_reply",
    "statement_limit",
]


def statement_limit(context: BuildContext) -> int:
    """The size in bytes of the largest statement worth sending: the server judges the rest."""
    return context.max_bson_size + COMMAND_OVERHEAD


def check_write_reply(reply: Mapping[str, Any]) -> None:
    """Raise the reply's write error (the last one) or its write concern error, if any."""
    error = write_error(reply) or write_concern_error(reply)
    if error is not None:
        raise error


class WriteTarget:
    """Where and how a write runs: the collection's name and options, fixed when it is made."""

    __slots__ = ("acknowledged", "codec_options", "collection", "database", "write_concern")

    def __init__(
        self, database: str, collection: str, codec_options: Any, write_concern: Any
    ) -> None:
        self.database = database
        self.collection = collection
        self.codec_options = codec_options
        self.acknowledged: bool = write_concern.acknowledged
        self.write_concern = None if write_concern.is_server_default else write_concern


class _Statement(Operation[Any]):
    """A write command of one statement.

    :param options: fields after ``ordered``, in wire order.
    :param multi: may touch many documents, and so cannot be retried.
    """

    is_write = True
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
        self.write_concern = target.write_concern
        self.acknowledged = target.acknowledged
        self.retryable = target.acknowledged and not multi
        self.statement = statement
        self.options = options

    def build(self, context: BuildContext) -> Command:
        body = {self.name: self.collection, "ordered": True}
        if self.options:
            body.update(self.options)
        return Command(
            body,
            (self.statement,),
            self.identifier,
            max_document_size=statement_limit(context),
        )

    def parse(self, reply: MutableMapping[str, Any], context: BuildContext) -> Any:
        if "writeErrors" in reply or "writeConcernError" in reply:
            check_write_reply(reply)
        return reply


class InsertOne(_Statement):
    """insert of one document, which has its ``_id`` already."""

    name = "insert"
    identifier = "documents"


class Delete(_Statement):
    """delete with one statement ``{q, limit, ...}``."""

    name = "delete"
    identifier = "deletes"


class Update(_Statement):
    """update with one statement ``{q, u, multi, ...}``.

    The result is the reply with ``updatedExisting`` and a plain ``upserted`` id, or None when the
    write was not acknowledged.
    """

    name = "update"
    identifier = "updates"

    def parse(self, reply: MutableMapping[str, Any], context: BuildContext) -> Any:
        if not self.acknowledged:
            return None
        if "writeErrors" in reply or "writeConcernError" in reply:
            check_write_reply(reply)
        upserted: Sequence[Mapping[str, Any]] | None = reply.get("upserted")
        # A copy: listeners may have kept the reply.
        result = dict(reply)
        result["updatedExisting"] = bool(reply.get("n")) and not upserted
        if upserted:
            result["upserted"] = upserted[0]["_id"]
        return result


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
        self.acknowledged = self.retryable = target.acknowledged
        if "writeConcern" not in options:
            self.write_concern = target.write_concern
        self.query = query
        self.options = options

    def build(self, context: BuildContext) -> Command:
        return Command({"findAndModify": self.collection, "query": self.query, **self.options})

    def parse(self, reply: MutableMapping[str, Any], context: BuildContext) -> Any:
        if "writeConcernError" in reply:
            check_write_reply(reply)
        return reply.get("value")
