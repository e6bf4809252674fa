"""Bulk writes of a client: requests for any collections, in few `bulkWrite` commands.

Bulk write specification. A command has two document sequences, its operations and the namespaces
these refer to, and its reply is a cursor over the results of single operations. The executor asks
`more` after each reply: what follows is a getMore of that cursor or, once it is exhausted, the next
command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from bsonx import encode
from mongodriver.values.errors import (
    ClientBulkWriteException,
    ConnectionFailure,
    InvalidOperation,
    OperationFailure,
    ProtocolError,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    _bulk_error,
)
from mongodriver.values.identified import identity_of
from mongodriver.values.results import (
    ClientBulkWriteResult,
    DeleteResult,
    InsertOneResult,
    UpdateResult,
)
from mongodriver.values.validators import validate_is_document_type, validate_list

from ..replies.codec import of_writes
from ..replies.fields import document, integer, optional_count, plain_documents, text
from ..replies.verdicts import bulk_error_class, labelled_concern_error
from .arguments import check_client_bypass, check_unacknowledged
from .base import NEVER, WRITE, Attempt, Command, Operation, present
from .client_batch import Batch
from .cursor import GetMore
from .write import position

__all__ = ["ClientBulkWrite"]

_WIRE_VERSION = 25  # MongoDB 8.0

_COUNTS = ("nInserted", "nUpserted", "nMatched", "nModified", "nDeleted")
#: Where the results of single operations go, by the operation's first field.
_RESULTS = {"insert": "insertResults", "update": "updateResults", "delete": "deleteResults"}

#: What stands between the user and a server: nothing was sent.
_NOTHING_SENT = (ServerSelectionTimeoutError, WaitQueueTimeoutError)


class ClientBulkWrite(Operation[None]):
    """The bulk write of a client; `outcome` and `failure` tell how it went.

    :param write_concern: that of the call, or of the client; None in a transaction.
    :param verbose: the result of each operation is wanted, not of the failed ones only.
    :raises TypeError, ValueError, InvalidOperation, ConfigurationError: for requests that cannot
        be sent; nothing is sent then.
    """

    database = "admin"
    is_write = True
    multi_batch = True
    reports_errors = True
    user_fields = None
    goes_directly = False

    def __init__(
        self,
        codec_options: Any,
        write_concern: Any,
        models: Any,
        ordered: bool,
        verbose: bool,
        bypass_document_validation: bool | None = None,
        comment: Any = None,
        let: Any = None,
    ) -> None:
        self.acknowledged = write_concern is None or write_concern.acknowledged
        if not self.acknowledged:
            _check_unheard(ordered, verbose)
        validate_list("models", models)
        if let is not None:
            validate_is_document_type("let", let)
        self.codec_options = codec_options
        self.reply_options = of_writes(codec_options)
        self.operations: list[dict[str, Any]] = []
        self.namespaces: list[Any] = []
        self._retryable = self.acknowledged
        self._take(models)
        if not self.operations:
            raise InvalidOperation("No operations to execute")
        server_default = write_concern is None or write_concern.is_server_default
        self._write_concern = None if server_default else write_concern
        self.ordered = ordered
        self.verbose = verbose
        self.options = present(
            bypassDocumentValidation=bypass_document_validation,
            comment=comment or None,  # PyMongo sends none that is empty
            let=let or None,
        )
        self.result: dict[str, Any] = {
            "anySuccessful": False,
            "error": None,
            "writeErrors": [],
            "writeConcernErrors": [],
            **dict.fromkeys(_COUNTS, 0),
            **{name: {} for name in _RESULTS.values()},
        }
        #: Of the first operation of the command that is under way, and of the one after its last.
        self._start = self._stop = 0
        #: The next batch of results, of the cursor that is open.
        self._get_more: GetMore | None = None
        #: Where the cursor is.
        self.address: Any = None
        #: The connection that it is bound to: behind a load balancer.
        self.pinned: Any = None
        self._home: Any = None
        self._begin_command()

    def _take(self, models: list[Any]) -> None:
        for model in models:
            try:
                namespace, make, multi = model._namespace, model._operation, model._multi
            except AttributeError:
                raise TypeError(f"{model!r} is not a valid request") from None
            if not namespace:
                raise InvalidOperation(
                    "MongoClient.bulk_write requires a namespace to be provided "
                    "for each write operation"
                )
            self.operations.append(make(self.codec_options))
            self.namespaces.append(namespace)
            if multi:
                self._retryable = False

    # -- commands --

    def _begin_command(self) -> None:
        self.name = "bulkWrite"
        self.takes_max_time = True
        self.write_concern = self._write_concern
        self.retry_policy = WRITE if self._retryable else NEVER

    def build(self, attempt: Attempt) -> Command:
        if self._get_more is not None:
            return self._get_more.build(attempt)
        connection = attempt.connection
        if connection.max_wire_version < _WIRE_VERSION:
            raise InvalidOperation("MongoClient.bulk_write requires MongoDB server version 8.0+.")
        if not self.acknowledged and not self._start:  # of all, before anything is sent
            check_client_bypass(self.options.get("bypassDocumentValidation"))
            check_unacknowledged(self.operations)
        body = {
            "bulkWrite": 1,
            "errorsOnly": not self.verbose,
            "ordered": self.ordered,
            **self.options,
        }
        size = len(encode(body, codec_options=self.codec_options))
        batch = Batch(connection, size, self.codec_options, self.acknowledged)
        self._stop = batch.fill(self.operations, self.namespaces, self._start)
        return Command(body, batch.sequences)

    # -- replies --

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> None:
        if not self.acknowledged:
            self._start = self._stop
            return
        cursor = document(reply, "cursor")
        cursor_id = integer(cursor, "id")
        if self._get_more is None:
            entries = self._entries(cursor, "firstBatch")
            self._take_counts(reply)
        else:
            entries = self._entries(cursor, "nextBatch")
        failed = self._take_results(entries)
        if cursor_id:
            self._follow(cursor, cursor_id, attempt)
        if failed and self.ordered:
            self._start = len(self.operations)  # whatever follows was not done
        elif not cursor_id:
            self._start = self._stop
        if not cursor_id and self._get_more is not None:
            self._get_more = None
            attempt.address = self._home

    def _entries(self, cursor: Mapping[str, Any], batch: str) -> list[tuple[int, dict[str, Any]]]:
        """The results in a reply, each with the place of its operation in the user's list."""
        sent = self._stop - self._start
        entries = plain_documents(cursor, batch)
        return [(self._start + position({"index": integer(e, "idx")}, sent), e) for e in entries]

    def _take_counts(self, reply: Mapping[str, Any]) -> None:
        """Add what the first reply to a command says of all its operations.

        Everything is read before anything is added: what cannot be understood counts for nothing.
        """
        errors = optional_count(reply, "nErrors")
        counts = {name: optional_count(reply, name) for name in _COUNTS}
        concern_error = labelled_concern_error(reply)
        result = self.result
        for name, number in counts.items():
            result[name] += number
        if errors < self._stop - self._start:
            result["anySuccessful"] = True
        if concern_error is not None:
            result["writeConcernErrors"].append(concern_error)

    def _take_results(self, entries: list[tuple[int, dict[str, Any]]]) -> bool:
        """Add the results of single operations; whether one of them failed."""
        failed = False
        for index, entry in entries:
            operation = self.operations[index]
            if entry.get("ok") != 1:
                failed = True
                self.result["writeErrors"].append({**entry, "idx": index, "op": operation})
            elif self.verbose:
                kind = next(iter(operation))
                self.result[_RESULTS[kind]][index] = _result_of(kind, operation, entry)
        return failed

    def _follow(self, cursor: Mapping[str, Any], cursor_id: int, attempt: Attempt) -> None:
        """Have the cursor read on, where it is."""
        connection = attempt.connection
        if self._get_more is None:
            namespace = text(cursor, "ns")
            comment = self.options.get("comment")
            self._get_more = GetMore(namespace, cursor_id, self.codec_options, comment=comment)
            self.name = "getMore"
            self.takes_max_time = False
            self.retry_policy = NEVER
            self.write_concern = None
            self._home = attempt.address
            attempt.address = self.address = connection.address
            attempt.max_time_ms = None
            if connection.service_id is not None and not connection.pinned:
                connection.pinned = "cursor"
                attempt.pinned = self.pinned = connection
        else:
            self._get_more.cursor_id = cursor_id

    def more(self) -> bool:
        if self._start >= len(self.operations):
            return False
        if self._get_more is None:
            self._begin_command()
        return True

    # -- the end --

    @property
    def cursor(self) -> tuple[str, int] | None:
        """Namespace and id of the cursor that is still open on the server."""
        if self._get_more is None:
            return None
        return f"{self._get_more.database}.{self._get_more.collection}", self._get_more.cursor_id

    def outcome(self) -> ClientBulkWriteResult:
        """The result of a bulk write that came to its end.

        :raises ClientBulkWriteException: if an operation or a write concern failed.
        """
        if not self.acknowledged:
            return ClientBulkWriteResult(None, False, False)  # type: ignore[arg-type]  # so PyMongo
        if self.result["writeErrors"] or self.result["writeConcernErrors"]:
            raise self._exception()
        return ClientBulkWriteResult(self.result, True, self.verbose)

    def failure(self, error: PyMongoError) -> PyMongoError:
        """What to raise for an error that ended the bulk write: it, or one that tells as well what
        was done before.
        """
        told = isinstance(error, (ConnectionFailure, OperationFailure, ProtocolError))
        if not told or not self.acknowledged:
            return error
        if isinstance(error, _NOTHING_SENT) and not self._start and self._get_more is None:
            return error
        if self._get_more is None:
            self.result["error"] = error
        else:
            # As PyMongo tells errors of the cursor.
            self.result["error"] = {
                "errmsg": str(error),
                "code": getattr(error, "code", None),
                "errtype": type(error).__name__,
            }
        return self._exception(error)

    def _exception(self, error: PyMongoError | None = None) -> ClientBulkWriteException:
        total = len(self.operations)
        kind = bulk_error_class(ClientBulkWriteException, self.result["writeErrors"])
        exception = _bulk_error(kind, total, self.result, self.verbose)
        for label in self._labels(error):
            exception._add_error_label(label)
        return exception

    def _labels(self, error: PyMongoError | None) -> Iterator[str]:
        if error is not None:
            yield from error._error_labels
        for concern_error in self.result["writeConcernErrors"]:
            yield from concern_error.get("errorLabels", ())


def _check_unheard(ordered: bool, verbose: bool) -> None:
    """Raise InvalidOperation for what needs the replies that do not come with w=0."""
    if verbose:
        raise InvalidOperation("Cannot request unacknowledged write concern and verbose results")
    if ordered:
        raise InvalidOperation("Cannot request unacknowledged write concern and ordered writes")


def _result_of(kind: str, operation: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    """The result of an operation that succeeded."""
    if kind == "insert":
        document = operation["document"]
        identity = identity_of(document)
        if identity is not None:
            return InsertOneResult(identity, acknowledged=True)
        return InsertOneResult(document.get("_id"), acknowledged=True)
    if kind == "update":
        return UpdateResult(entry, acknowledged=True, in_client_bulk=True)
    return DeleteResult(entry, acknowledged=True)
