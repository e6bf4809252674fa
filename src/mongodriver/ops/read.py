"""Reads other than find: aggregate, count, distinct, explain."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from bsonx.codec_options import untyped
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.keys import hint_document
from mongodriver.values.validators import (
    validate_is_mapping,
    validate_list,
    validate_non_negative_integer_or_none,
)

from ..replies.codec import without_decoders
from ..replies.fields import array, integer
from .arguments import max_await_time_ms_of
from .base import NEVER, READ, Attempt, Command, Operation, present
from .cursor import CursorReply, ReadTarget, only_document, read_cursor

__all__ = [
    "Aggregate",
    "Count",
    "CountDocuments",
    "Distinct",
    "Explain",
    "has_output_stage",
]

_FIRST_BATCH = frozenset({"firstBatch"})
_OUTPUT_STAGES = ("$out", "$merge")


def has_output_stage(pipeline: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the pipeline's last stage writes its result to a collection."""
    return bool(pipeline) and any(stage in pipeline[-1] for stage in _OUTPUT_STAGES)


class Aggregate(Operation[Any]):
    """aggregate on a collection, or on a database when the target names no collection.

    :param pipeline: a list of stages.
    :param options: further fields, in wire order, and ``batchSize`` and ``maxAwaitTimeMS``, which
        are for the cursor.
    :param write_concern: used only by a pipeline that writes.
    :raises TypeError, ValueError: for arguments of wrong types or values.
    :raises ConfigurationError: for keyword arguments that are no options of a pipeline.
    """

    name = "aggregate"
    user_fields = _FIRST_BATCH

    def __init__(
        self,
        target: ReadTarget,
        pipeline: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        write_concern: Any = None,
        let: Any = None,
        comment: Any = None,
    ) -> None:
        validate_list("pipeline", pipeline)
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.pipeline = pipeline
        writes = has_output_stage(pipeline)
        self.has_output_stage = writes
        self.retry_policy = NEVER if writes else READ
        self._take_options(options, let, comment)
        if "readConcern" not in options:
            self.read_concern = target.read_concern
        if writes and "writeConcern" not in options:
            self.write_concern = write_concern

    def _take_options(self, given: Mapping[str, Any], let: Any, comment: Any) -> None:
        for name in ("aggregate", "pipeline"):
            if name in given:
                raise ConfigurationError(
                    f"The {name} option cannot be specified as a keyword argument."
                )
        options = {**given, **present(comment=comment)}
        if let is not None:
            validate_is_mapping("let", let)
            options["let"] = let
        batch_size = validate_non_negative_integer_or_none(
            "batchSize", options.pop("batchSize", None)
        )
        #: For the getMores.
        self.batch_size = batch_size or 0
        self.max_await_time_ms = max_await_time_ms_of(options.pop("maxAwaitTimeMS", None))
        collation = validate_collation_or_none(options.pop("collation", None))
        cursor = options.setdefault("cursor", {})
        if batch_size is not None and isinstance(cursor, dict) and not self.has_output_stage:
            cursor["batchSize"] = batch_size  # in the caller's, as PyMongo does
        if collation is not None:
            options["collation"] = collation
        self.options = options

    def begin_empty(self) -> None:
        """Have all documents come with getMores, where that can be: the first batch is empty."""
        cursor = self.options["cursor"]
        if not self.has_output_stage and isinstance(cursor, dict):
            self.options["cursor"] = {**cursor, "batchSize": 0}

    def build(self, attempt: Attempt) -> Command:
        return Command(
            {"aggregate": self.collection or 1, "pipeline": self.pipeline, **self.options}
        )

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        return read_cursor(self, reply, attempt)


class CountDocuments(Aggregate):
    """The aggregation that counts the documents that match a filter: their number.

    :param options: ``skip``, ``limit``, ``hint``, ``collation``, and other fields.
    """

    user_fields = frozenset()

    def __init__(
        self, target: ReadTarget, filter: Any, options: Mapping[str, Any], comment: Any = None
    ) -> None:
        fields: dict[str, Any] = {"cursor": {}, **options}
        pipeline: list[dict[str, Any]] = [{"$match": filter}]
        if "skip" in fields:
            pipeline.append({"$skip": fields.pop("skip")})
        if "limit" in fields:
            pipeline.append({"$limit": fields.pop("limit")})
        pipeline.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
        if comment is not None:
            fields["comment"] = comment
        collation = validate_collation_or_none(fields.pop("collation", None))
        if "hint" in fields:
            fields["hint"] = hint_document(fields["hint"])
        if collation is not None:
            fields["collation"] = collation
        super().__init__(target, pipeline, fields)

    def _take_options(self, given: Mapping[str, Any], let: Any, comment: Any) -> None:
        self.options = dict(given)

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        found = only_document(self, reply)
        return 0 if found is None else integer(found, "n")


class Count(Operation[int]):
    """count of a whole collection, from its metadata."""

    name = "count"
    retry_policy = READ

    def __init__(self, target: ReadTarget, options: Mapping[str, Any], comment: Any = None) -> None:
        if "session" in options:
            raise ConfigurationError("estimated_document_count does not support sessions")
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.options = options if comment is None else {**options, "comment": comment}

    def build(self, attempt: Attempt) -> Command:
        return Command({"count": self.collection, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> int:
        return integer(reply, "n")


class Distinct(Operation[list[Any]]):
    """distinct values of one field.

    :param options: further fields, in wire order.
    """

    name = "distinct"
    retry_policy = READ
    user_fields = frozenset({"values"})

    def __init__(
        self,
        target: ReadTarget,
        key: str,
        options: Mapping[str, Any],
        filter: Any = None,
        comment: Any = None,
        hint: Any = None,
    ) -> None:
        fields = dict(options)
        if filter is not None:
            fields["query"] = filter
        collation = validate_collation_or_none(fields.pop("collation", None))
        hint = None if hint is None else hint_document(hint)
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        self.database = target.database
        self.collection = target.collection
        self.codec_options = untyped(target.codec_options)  # values are no whole documents
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.key = key
        self.options = fields | present(comment=comment, hint=hint, collation=collation)

    def build(self, attempt: Attempt) -> Command:
        return Command({"distinct": self.collection, "key": self.key, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> list[Any]:
        return array(reply, "values")


class Explain(Operation[Any]):
    """explain of another read: the server's whole reply."""

    name = "explain"
    user_fields = None
    within_a_document = True

    def __init__(self, explained: Operation[Any]) -> None:
        self.explained = explained
        self.database = explained.database
        self.collection = explained.collection
        self.codec_options = explained.codec_options
        self.reply_options = without_decoders(explained.codec_options)
        self.read_preference = explained.read_preference

    def build(self, attempt: Attempt) -> Command:
        body = self.explained.build(attempt).body
        read_concern = self.explained.read_concern
        if read_concern is not None and read_concern.document:
            body["readConcern"] = read_concern.document
        return Command({"explain": body})
