"""Reads other than find: aggregate, count, distinct, explain."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from bsonx.codec_options import untyped

from ..replies.codec import without_decoders
from ..replies.fields import array, integer
from .base import NEVER, READ, Attempt, Command, Operation
from .cursor import CursorReply, ReadTarget, only_document, read_cursor

__all__ = ["Aggregate", "Count", "CountDocuments", "Distinct", "Explain", "has_output_stage"]

_FIRST_BATCH = frozenset({"firstBatch"})
_OUTPUT_STAGES = ("$out", "$merge")


def has_output_stage(pipeline: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the pipeline's last stage writes its result to a collection."""
    return bool(pipeline) and any(stage in pipeline[-1] for stage in _OUTPUT_STAGES)


class Aggregate(Operation[CursorReply]):
    """aggregate on a collection, or on a database when the target names no collection.

    :param options: fields after the pipeline, in wire order, ``cursor`` among them.
    :param write_concern: used only by a pipeline that writes.
    """

    name = "aggregate"
    user_fields = _FIRST_BATCH

    def __init__(
        self,
        target: ReadTarget,
        pipeline: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        write_concern: Any = None,
    ) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.pipeline = pipeline
        self.options = options
        writes = has_output_stage(pipeline)
        self.has_output_stage = writes
        self.retry_policy = NEVER if writes else READ
        if "readConcern" not in options:
            self.read_concern = target.read_concern
        if writes and "writeConcern" not in options:
            self.write_concern = write_concern

    def build(self, attempt: Attempt) -> Command:
        return Command(
            {"aggregate": self.collection or 1, "pipeline": self.pipeline, **self.options}
        )

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> CursorReply:
        return read_cursor(self, reply, attempt)


class CountDocuments(Aggregate):
    """aggregate that counts: its result is one document ``{n}`` at most, and the number in it."""

    user_fields = frozenset()

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> Any:
        found = only_document(self, reply)
        return 0 if found is None else integer(found, "n")


class Count(Operation[int]):
    """count of a whole collection, from its metadata."""

    name = "count"
    retry_policy = READ

    def __init__(self, target: ReadTarget, options: Mapping[str, Any]) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.options = options

    def build(self, attempt: Attempt) -> Command:
        return Command({"count": self.collection, **self.options})

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> int:
        return integer(reply, "n")


class Distinct(Operation[list[Any]]):
    """distinct values of one field."""

    name = "distinct"
    retry_policy = READ
    user_fields = frozenset({"values"})

    def __init__(self, target: ReadTarget, key: str, options: Mapping[str, Any]) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = untyped(target.codec_options)  # values are no whole documents
        self.read_preference = target.read_preference
        self.read_concern = target.read_concern
        self.key = key
        self.options = options

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
