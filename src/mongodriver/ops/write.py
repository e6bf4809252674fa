"""Writes of one statement, and findAndModify."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.keys import field_document, hint_document, key_document
from mongodriver.values.validators import (
    document_to_insert,
    replacement_to_send,
    validate_is_document_type,
    validate_is_mapping,
    validate_list,
    validate_ok_for_update,
)
from mongodriver.values.write_concern import validate_boolean

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
from .arguments import check_unacknowledged
from .base import COMMAND_OVERHEAD, NEVER, WRITE, Attempt, Command, Operation, present

__all__ = [
    "Delete",
    "FindAndModify",
    "InsertOne",
    "Replace",
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


def _checked_update(change: Any, codec_options: Any) -> Any:
    validate_ok_for_update(change)
    return change


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
    """A write command of one statement."""

    is_write = True
    user_fields = None
    identifier = ""

    def _take(
        self, target: WriteTarget, statement: Any, multi: bool, options: Mapping[str, Any] | None
    ) -> None:
        """Take the statement, once it is checked.

        :param multi: may touch many documents, and so cannot be retried.
        :param options: fields after ``ordered``, in wire order.
        """
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
    """insert of one document.

    :param document: a mutable mapping, which gets an ``_id`` if it has none, or a raw document, or
        an instance of a class with typed fields.
    :raises TypeError: for what is no document.
    """

    name = "insert"
    identifier = "documents"

    def __init__(
        self,
        target: WriteTarget,
        document: Any,
        bypass_document_validation: bool | None = None,
        comment: Any = None,
    ) -> None:
        #: None for a raw document, which is not looked into.
        self.inserted_id: Any = None
        raw = False
        if type(document) is not dict:
            document = document_to_insert(document, target.codec_options)
            raw = isinstance(document, RawBSONDocument)
            if raw:
                from mongodriver.values.identified import identity_of

                self.inserted_id = identity_of(document)
        if not raw:
            if "_id" not in document:
                document["_id"] = ObjectId()
            self.inserted_id = document["_id"]
        options = None
        if comment is not None or bypass_document_validation is not None:
            options = present(comment=comment, bypassDocumentValidation=bypass_document_validation)
        self._take(target, document, False, options)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        if type(reply.get("n")) is not int or reply["n"] < 0:
            optional_count(reply, "n")
        return reply


class Delete(_Statement):
    """delete with one statement ``{q, limit, ...}``.

    :param multi: delete all documents that match.
    :raises TypeError, ValueError, ConfigurationError: for arguments that cannot be.
    """

    name = "delete"
    identifier = "deletes"

    def __init__(
        self,
        target: WriteTarget,
        filter: Mapping[str, Any],
        multi: bool = False,
        collation: Any = None,
        hint: Any = None,
        let: Any = None,
        comment: Any = None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        statement: dict[str, Any] = {"q": filter, "limit": 0 if multi else 1}
        if collation is not None:
            statement["collation"] = validate_collation_or_none(collation)
        if hint is not None:
            statement["hint"] = hint_document(hint)
        options = None
        if let is not None or comment is not None:
            if let is not None:
                validate_is_document_type("let", let)
            options = present(let=let, comment=comment)
        if not target.acknowledged:
            check_unacknowledged((statement,))
        self._take(target, statement, multi, options)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        if not self.acknowledged:
            return reply
        number = count(reply, "n")
        return reply if reply["n"] is number else {**reply, "n": number}


class Update(_Statement):
    """update with one statement ``{q, u, multi, ...}``.

    The result is the reply with ``updatedExisting`` and a plain ``upserted`` id, or None when the
    write was not acknowledged.

    :param change: update operators, or a pipeline.
    :param multi: update all documents that match.
    :raises TypeError, ValueError, ConfigurationError: for arguments that cannot be.
    """

    name = "update"
    identifier = "updates"
    #: The change as it is sent, from what was given and the codec options; raises for what cannot
    #: be one.
    _checked: Callable[[Any, Any], Any] = staticmethod(_checked_update)

    def __init__(
        self,
        target: WriteTarget,
        filter: Mapping[str, Any],
        change: Any,
        multi: bool = False,
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        array_filters: Any = None,
        hint: Any = None,
        let: Any = None,
        sort: Any = None,
        comment: Any = None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        change = self._checked(change, target.codec_options)
        if upsert is not False:
            validate_boolean("upsert", upsert)
        statement: dict[str, Any] = {"q": filter, "u": change, "multi": multi, "upsert": upsert}
        if collation is not None:
            statement["collation"] = validate_collation_or_none(collation)
        if array_filters is not None:
            validate_list("array_filters", array_filters)
            statement["arrayFilters"] = array_filters
        if hint is not None:
            statement["hint"] = hint_document(hint)
        if sort is not None:
            validate_is_mapping("sort", sort)
            statement["sort"] = sort
        options = None
        if let is not None or comment is not None or bypass_document_validation is not None:
            if let is not None:
                validate_is_mapping("let", let)
            options = present(
                let=let, comment=comment, bypassDocumentValidation=bypass_document_validation
            )
        if not target.acknowledged:
            check_unacknowledged((statement,))
        self._take(target, statement, multi, options)

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


class Replace(Update):
    """update whose change is the whole new document."""

    _checked = staticmethod(replacement_to_send)


class FindAndModify(Operation[Any]):
    """findAndModify: the document before or after the change, or None.

    :param fields: the change, ``{"remove": True}`` or ``{"update": ...}``, and other fields the
        user has given.
    :param return_document: True for the document as it is after the change.
    :param upsert: None for a change that knows no upsert.
    :raises TypeError, ValueError, ConfigurationError: for arguments that cannot be.
    """

    name = "findAndModify"
    is_write = True
    user_fields = frozenset({"value"})

    def __init__(
        self,
        target: WriteTarget,
        filter: Mapping[str, Any],
        fields: Mapping[str, Any],
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        let: Any = None,
        comment: Any = None,
        upsert: bool | None = None,
        return_document: bool = False,
        array_filters: Any = None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        if not isinstance(return_document, bool):
            raise TypeError(
                "return_document must be ReturnDocument.BEFORE or ReturnDocument.AFTER, "
                f"not {type(return_document)}"
            )
        options: dict[str, Any] = {"new": return_document}
        if let is not None:
            validate_is_mapping("let", let)
            options["let"] = let
        options.update(fields)
        collation = options.pop("collation", None)
        if collation is not None:
            collation = validate_collation_or_none(collation)
        if comment is not None:
            options["comment"] = comment
        if projection is not None:
            options["fields"] = field_document(projection)
        if sort is not None:
            options["sort"] = key_document(sort)
        if upsert is not None:
            options["upsert"] = validate_boolean("upsert", upsert)
        if array_filters is not None:
            options["arrayFilters"] = validate_list("array_filters", array_filters)
        if hint is not None:
            options["hint"] = hint_document(hint)
        if collation is not None:
            options["collation"] = collation
        if not target.acknowledged:
            check_unacknowledged((options,))
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.acknowledged = target.acknowledged
        self.retry_policy = WRITE if target.acknowledged else NEVER
        if "writeConcern" not in options:
            self.write_concern = target.write_concern
        self.query = filter
        self.options = options

    @classmethod
    def remove(
        cls, target: WriteTarget, filter: Mapping[str, Any], fields: dict[str, Any], *more: Any
    ) -> FindAndModify:
        """The operation that deletes what it finds."""
        fields["remove"] = True
        return cls(target, filter, fields, *more)

    @classmethod
    def replace(
        cls,
        target: WriteTarget,
        filter: Mapping[str, Any],
        replacement: Any,
        fields: dict[str, Any],
        *more: Any,
    ) -> FindAndModify:
        """The operation that puts a whole document in the place of what it finds."""
        fields["update"] = replacement_to_send(replacement, target.codec_options)
        return cls(target, filter, fields, *more)

    @classmethod
    def update(
        cls,
        target: WriteTarget,
        filter: Mapping[str, Any],
        change: Any,
        fields: dict[str, Any],
        *more: Any,
    ) -> FindAndModify:
        """The operation that applies update operators, or a pipeline, to what it finds."""
        validate_ok_for_update(change)
        fields["update"] = change
        return cls(target, filter, fields, *more)

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
