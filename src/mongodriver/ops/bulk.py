"""Bulk writes: many statements planned into commands, and their replies merged into one result.

A bulk is a list of `Run`s: statements of one kind that go into the same commands.  An ordered bulk
keeps the statements' order, so a run ends where the kind changes; an unordered one has one run a
kind at most.  The executor asks `more` after each reply; every command takes as many statements of
the current run as the server's limits allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.values.errors import BulkWriteError, InvalidOperation, _bulk_error
from mongodriver.values.validators import (
    document_to_insert,
    validate_is_document_type,
    validate_list,
)

from ..replies.fields import count, optional_count
from ..replies.verdicts import bulk_error_class, labelled_concern_error, write_errors
from .arguments import check_bypass, check_unacknowledged
from .base import NEVER, WRITE, Attempt, Command, Operation, present
from .write import WriteTarget, check_updates, position, statement_limit, upserts

__all__ = ["BulkWrite", "InsertMany", "Run", "empty_result", "plan_runs"]

_IDENTIFIER = {"insert": "documents", "update": "updates", "delete": "deletes"}
_KINDS = ("insert", "update", "delete")


class Run:
    """Statements of one kind.

    :param kind: "insert", "update" or "delete".
    :param statements: as they go on the wire; the documents themselves for inserts.
    :param indexes: each statement's place in the user's list; None when they are the same.
    :param retryable: no statement may touch many documents.
    """

    __slots__ = ("indexes", "kind", "retryable", "statements")

    def __init__(
        self,
        kind: str,
        statements: Sequence[Any] | None = None,
        indexes: list[int] | None = None,
        retryable: bool = True,
    ) -> None:
        self.kind = kind
        self.statements: Any = [] if statements is None else statements
        self.indexes = indexes
        self.retryable = retryable

    def index(self, position: int) -> int:
        """Place in the user's list of the statement at `position` of this run."""
        return position if self.indexes is None else self.indexes[position]


def plan_runs(
    requests: Iterable[Any], ordered: bool, codec_options: Any = DEFAULT_CODEC_OPTIONS
) -> list[Run]:
    """Group requests (`values.requests`) into runs of statements.

    Whatever is asked of each request counts a thousandfold: one call makes its statement and
    checks it.

    :raises TypeError, ValueError: for what is no request, or one that cannot be sent.
    """
    runs: list[Run] = []
    ways: dict[type, tuple[Any, Any, Any]] = {}
    for index, request in enumerate(requests):
        way = ways.get(type(request))
        try:
            if way is None:
                way = _way(type(request), runs, ways, ordered)
        except AttributeError:
            raise TypeError(f"{request!r} is not a valid request") from None
        make, add, note = way
        add(make(request, codec_options))
        note(index)
    if not ordered:
        runs.sort(key=lambda run: _KINDS.index(run.kind))
    return runs


def _way(
    cls: Any, runs: list[Run], ways: dict[type, tuple[Any, Any, Any]], ordered: bool
) -> tuple[Any, Any, Any]:
    """How requests of a class become statements, and where these go; kept in `ways`.

    :raises AttributeError: for a class of other things.
    """
    kind, make = cls._kind, cls._statement
    if ordered:
        run = runs[-1] if runs and runs[-1].kind == kind else None
    else:
        run = next((run for run in runs if run.kind == kind), None)
    if run is None:
        run = Run(kind, [], [])
        runs.append(run)
        if ordered:
            ways.clear()  # the others would go on with a run that is over
    if cls._multi:
        run.retryable = False
    indexes: Any = run.indexes
    way = ways[cls] = make, run.statements.append, indexes.append
    return way


def empty_result() -> dict[str, Any]:
    """The result of a bulk that has done nothing yet."""
    return {
        "writeErrors": [],
        "writeConcernErrors": [],
        "nInserted": 0,
        "nUpserted": 0,
        "nMatched": 0,
        "nModified": 0,
        "nRemoved": 0,
        "upserted": [],
    }


class BulkWrite(Operation[dict[str, Any]]):
    """Runs of statements against one collection.

    The result is the merged counts.  Raises BulkWriteError after the last command (ordered: the
    first with an error) when any statement or write concern failed.

    :param options: fields after ``ordered``, in wire order.
    :param update_options: further fields of update and delete commands only.
    :param add_ids: inserted documents without ``_id`` are given one while they are encoded.
    """

    own_name = "bulkWrite"
    is_write = True
    multi_batch = True
    reports_errors = True
    user_fields = None

    def __init__(
        self,
        target: WriteTarget,
        runs: Sequence[Run],
        ordered: bool,
        options: Mapping[str, Any] | None = None,
        update_options: Mapping[str, Any] | None = None,
        add_ids: bool = False,
    ) -> None:
        self.database = target.database
        self.collection = target.collection
        self.codec_options = target.codec_options
        self.reply_options = target.reply_options
        self._write_concern = target.write_concern
        self.wants_result = target.acknowledged
        # One whose last command nobody answers is in no session, not even in part.
        self.supports_session = target.acknowledged
        self.runs = runs
        self.ordered = ordered
        self.options = options or {}
        self.update_options = update_options or {}
        self.add_ids = add_ids
        self.inserted_ids: list[Any] = []
        self.result = empty_result()
        self._run_index = 0
        self._start = 0
        self._batch_ids: list[Any] = []
        self._begin_run()

    @classmethod
    def of(
        cls,
        target: WriteTarget,
        requests: Any,
        ordered: bool,
        bypass_document_validation: bool | None = None,
        comment: Any = None,
        let: Any = None,
    ) -> BulkWrite:
        """The bulk write of a list of requests.

        :raises TypeError, ValueError, InvalidOperation, ConfigurationError: for requests that
            cannot be sent; nothing is sent then.
        """
        validate_list("requests", requests)
        if let is not None:
            validate_is_document_type("let", let)
        runs = plan_runs(requests, ordered, target.codec_options)
        if not runs:
            raise InvalidOperation("No operations to execute")
        if not target.acknowledged:
            check_bypass(bypass_document_validation)
            for run in runs:
                if run.kind != "insert":
                    check_unacknowledged(run.statements)
        # PyMongo sends no comment that is empty
        options = present(
            comment=comment or None, bypassDocumentValidation=bypass_document_validation
        )
        return cls(target, runs, ordered, options, present(let=let))

    def _begin_run(self) -> None:
        run = self.runs[self._run_index]
        self._run = run
        self._start = 0
        self.name = run.kind
        # The next run must not overtake or follow a failed one: all replies but the last are
        # awaited, although nobody wants to know.
        awaited = self.ordered and self._run_index + 1 < len(self.runs)
        self.acknowledged = self.wants_result or awaited
        self.write_concern = self._write_concern
        if awaited and not self.wants_result:
            self.write_concern = None
        self.retry_policy = WRITE if run.retryable and self.wants_result else NEVER

    def build(self, attempt: Attempt) -> Command:
        if not self.wants_result and not self._run_index and not self._start:
            for run in self.runs:  # of all, before anything is sent
                if run.kind == "update":
                    check_updates(attempt, run.statements)
        run = self._run
        kind = run.kind
        body: dict[str, Any] = {kind: self.collection, "ordered": self.ordered, **self.options}
        ids = None
        if kind != "insert":
            body.update(self.update_options)
        elif self.add_ids:
            ids = self._batch_ids = []
        return Command(
            body,
            run.statements,
            _IDENTIFIER[kind],
            self._start,
            add_ids=ids is not None,
            ids=ids,
            max_document_size=statement_limit(attempt, self.wants_result),
        )

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> dict[str, Any]:
        if self.acknowledged:
            self._merge(reply, self._start, attempt.stop - self._start)
        if self.add_ids:
            self.inserted_ids += self._batch_ids
        self._start = attempt.stop
        if not self._rest():
            self._raise_errors()
        return self.result if self.wants_result else {}

    def more(self) -> bool:
        if not self._rest():
            return False
        if self._start >= len(self._run.statements):
            self._run_index += 1
            self._begin_run()
        return True

    def _rest(self) -> bool:
        """Whether there are statements left to be sent."""
        if self.ordered and self.result["writeErrors"]:
            return False
        return self._start < len(self._run.statements) or self._run_index + 1 < len(self.runs)

    def _merge(self, reply: Mapping[str, Any], offset: int, sent: int) -> None:
        """Add the reply to a command of `sent` statements, from that at `offset` of the run.

        Everything is read before anything is added: what cannot be understood counts for nothing.
        """
        number = count(reply, "n")
        modified = optional_count(reply, "nModified")
        upserted = upserts(reply, sent, number) if "upserted" in reply else ()
        errors = write_errors(reply) if "writeErrors" in reply else ()
        places = [offset + position(error, sent) for error in errors] if errors else ()
        concern_error = labelled_concern_error(reply)
        result = self.result
        run = self._run
        if run.kind == "insert":
            result["nInserted"] += number
        elif run.kind == "delete":
            result["nRemoved"] += number
        else:
            for entry in upserted:
                index = run.index(offset + position(entry, sent))
                result["upserted"].append({"index": index, "_id": entry["_id"]})
            result["nUpserted"] += len(upserted)
            result["nMatched"] += number - len(upserted)
            result["nModified"] += modified
        for error, place in zip(errors, places, strict=True):
            result["writeErrors"].append(
                {**error, "index": run.index(place), "op": run.statements[place]}
            )
        if concern_error is not None:
            result["writeConcernErrors"].append(concern_error)

    def _raise_errors(self) -> None:
        result = self.result
        if not self.wants_result or not (result["writeErrors"] or result["writeConcernErrors"]):
            return
        result["writeErrors"].sort(key=lambda error: error["index"])
        total = sum(len(run.statements) for run in self.runs)
        kind = bulk_error_class(BulkWriteError, result["writeErrors"])
        raise _bulk_error(kind, total, result)


class InsertMany(BulkWrite):
    """Inserts of any number of documents.

    :param documents: mutable mappings, which get an ``_id`` each, raw documents, or instances of
        classes with typed fields.
    :raises TypeError, InvalidOperation: for what are no documents, or none.
    """

    own_name = ""

    def __init__(
        self,
        target: WriteTarget,
        documents: Any,
        ordered: bool,
        bypass_document_validation: bool | None = None,
        comment: Any = None,
    ) -> None:
        if not isinstance(documents, Iterable) or isinstance(documents, Mapping) or not documents:
            raise TypeError("documents must be a non-empty list")
        inserts = documents if isinstance(documents, list) else list(documents)
        if not inserts:
            raise InvalidOperation("No operations to execute")
        self._has_raw = False
        for document in inserts:
            if type(document) is not dict:
                inserts = _documents(inserts, target.codec_options)
                self._has_raw = any(isinstance(one, RawBSONDocument) for one in inserts)
                break
        if not target.acknowledged:
            check_bypass(bypass_document_validation)
        options = present(comment=comment, bypassDocumentValidation=bypass_document_validation)
        super().__init__(target, (Run("insert", inserts),), ordered, options, add_ids=True)

    def all_ids(self) -> list[Any]:
        """The ``_id`` of each document but those that were raw already, once all were sent."""
        if not self._has_raw:
            return self.inserted_ids
        from mongodriver.values.identified import identity_of

        ids = []
        for document in self.runs[0].statements:
            if not isinstance(document, RawBSONDocument):
                ids.append(document["_id"])
            elif (identity := identity_of(document)) is not None:
                ids.append(identity)
        return ids

    def add_missing_ids(self) -> None:
        """Give an ``_id`` to the documents that were not sent, as to those that were."""
        _identify(self.runs[0].statements)


def _documents(given: list[Any], codec_options: Any) -> list[Any]:
    """What is sent of documents and instances of classes with fields.

    :raises TypeError: for what is neither; those before it have got their ``_id`` then.
    """
    documents: list[Any] = []
    for one in given:
        try:
            documents.append(document_to_insert(one, codec_options))
        except TypeError:
            _identify(documents)
            raise
    return documents


def _identify(documents: Iterable[Any]) -> None:
    """Give an ``_id`` to documents that have none."""
    for document in documents:
        if not isinstance(document, RawBSONDocument) and "_id" not in document:
            document["_id"] = ObjectId()
