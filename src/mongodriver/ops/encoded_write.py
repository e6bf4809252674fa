"""Writes whose statements are encoded already: what an ingestion sends.

Like `bulk.BulkWrite` these are commands as data, as many as the limits of the server ask for. What
the server says of each statement is an outcome to be looked at, no exception; and an operation that
failed in the middle goes on with what is left when it is executed again.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from ..replies.fields import count, optional_count, unexpected
from ..replies.verdicts import labelled_concern_error, write_errors
from ..values.sequences import EncodedDocuments
from .base import NEVER, WRITE, Attempt, Command, Operation
from .write import WriteTarget, position, statement_limit, upserts

__all__ = ["EncodedWrite"]

_IDENTIFIER = {"insert": "documents", "update": "updates", "delete": "deletes"}


class EncodedWrite(Operation["EncodedWrite"]):
    """Statements of one kind against one collection; its result is itself.

    :param kind: "insert", "update" or "delete".
    :param statements: as they go on the wire; the documents themselves for inserts.
    :param retryable: no statement may touch many documents.
    :param options: fields after ``ordered``, in wire order.
    """

    is_write = True
    multi_batch = True
    reports_errors = True
    user_fields = None

    def __init__(
        self,
        target: WriteTarget,
        kind: str,
        statements: EncodedDocuments,
        ordered: bool,
        retryable: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = kind
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.reply_options = target.reply_options
        self.write_concern = target.write_concern
        self.retry_policy = WRITE if retryable else NEVER
        self.statements = statements
        self.ordered = ordered
        self.options = options or {}
        #: The first statement that no reply has told of yet.
        self.start = 0
        #: How many statements a command may have; 0: as many as the server takes.
        self.most = 0
        #: What replies have said of statements: ``{index, code, errmsg, ...}``, by their places.
        self.errors: list[dict[str, Any]] = []
        #: The write concern errors of replies.
        self.concern_errors: list[Mapping[str, Any]] = []
        #: Inserted, matched (without those that were upserted), or removed, as the kind is.
        self.count = 0
        self.modified = 0
        self.upserted = 0

    def build(self, attempt: Attempt) -> Command:
        return Command(
            {self.name: self.collection, "ordered": self.ordered, **self.options},
            self.statements,
            _IDENTIFIER[self.name],
            self.start,
            max_document_size=statement_limit(attempt, True),
            max_count=self.most,
        )

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> EncodedWrite:
        """Add what a reply says. Everything is read before anything is added.

        :raises ProtocolError: for what cannot be understood: where the server has not counted all
            documents of an insert that it tells no error of, nobody knows about the others.
        """
        start, sent = self.start, attempt.stop - self.start
        number = count(reply, "n")
        modified = optional_count(reply, "nModified")
        upserted = len(upserts(reply, sent, number)) if "upserted" in reply else 0
        errors = write_errors(reply) if "writeErrors" in reply else ()
        told = [{**error, "index": start + position(error, sent)} for error in errors]
        concern_error = labelled_concern_error(reply)
        if self.name == "insert":
            expected = told[0]["index"] - start if told and self.ordered else sent - len(told)
            if number != expected:
                raise unexpected("n", f"{expected} of {sent}", number)
        self.count += number - upserted
        self.modified += modified
        self.upserted += upserted
        self.errors += told
        if concern_error is not None:
            self.concern_errors.append(concern_error)
        self.start = attempt.stop
        if self.most:
            self.most = min(2 * self.most, len(self.statements))
        return self

    def more(self) -> bool:
        return self.start < len(self.statements) and not (self.ordered and self.errors)

    def narrow(self) -> bool:
        """Have the next command take half as many statements, to find the one that is at fault.

        False when it has had only one.
        """
        left = len(self.statements) - self.start
        most = min(self.most or left, left)
        self.most = max(most // 2, 1)
        return most > 1

    def pass_over(self) -> None:
        """Leave the statement out that is to be sent next: no message can carry it."""
        self.start += 1
