"""Spans of operations, their commands and transactions (open-telemetry specification).

Needs the package opentelemetry-api; without an SDK in the program its spans are nothing, and cost
next to nothing.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from .._version import __version__
from .classes import CommandStartedEvent, CommandSucceededEvent
from .log_message import document_text
from .observer import Observer
from .stages import (
    AttemptFailed,
    OperationEnded,
    OperationStarted,
    TransactionStarted,
)

__all__ = ["Spans", "within"]

_SYSTEM = {"db.system.name": "mongodb"}
#: Operations that are named otherwise than their commands.
_OPERATIONS = {"create": "createCollection", "drop": "dropCollection"}
#: Commands whose value is the name of a collection.
_OF_COLLECTIONS = frozenset(
    (
        *("aggregate", "collMod", "count", "create", "createIndexes", "createSearchIndexes"),
        *("delete", "distinct", "drop", "dropIndexes", "dropSearchIndex", "find", "findAndModify"),
        *("insert", "killCursors", "listIndexes", "listSearchIndexes", "mapReduce", "update"),
        *("updateSearchIndex", "validate"),
    )
)
#: Fields of commands that do not belong to the query.
_NOT_SHOWN = frozenset({"lsid", "$db", "$clusterTime", "signature"})
_ENDS = frozenset({"commitTransaction", "abortTransaction"})
#: Of a context in a transaction: its span.
_TRANSACTION = contexts.create_key("mongodriver-transaction")
#: Instrumentations are told by this to leave out what follows; of the API, but not documented.
_SUPPRESSED = getattr(contexts, "_SUPPRESS_INSTRUMENTATION_KEY", None)


class _Traced:
    """An operation that has a span: it, the context of what is in it, and what it does now."""

    __slots__ = ("command", "context", "sensitive", "span", "told")

    def __init__(self, span: trace.Span, context: Any) -> None:
        self.span = span
        self.context = context
        #: The span of the command under way, or of one that failed for a reason yet unknown.
        self.command: trace.Span | None = None
        #: The error that was recorded with a command.
        self.told: BaseException | None = None
        #: Its command is not shown to anybody, nor are its failures.
        self.sensitive = False


class Spans:
    """Makes the spans of one client; its methods are subscribers.

    :param query_text_max_length: the longest text of a command; 0: spans have none.
    :param provider: makes the tracer; None: the program's.
    """

    def __init__(
        self, query_text_max_length: int = 0, provider: trace.TracerProvider | None = None
    ) -> None:
        self._longest = query_text_max_length
        self._tracer = trace.get_tracer("mongodriver", __version__, provider)
        #: By operation id, for their commands.
        self._traced: dict[int, _Traced] = {}

    def subscribe_to(self, observer: Observer) -> None:
        """Have spans made of what happens."""
        observer.subscribe("operations", self.operation)
        observer.subscribe("commands", self.command)
        observer.subscribe("transactions", self.transaction)

    # -- operations --

    def operation(self, event: Any) -> None:
        """An operation begins, ends, or one of its attempts has failed."""
        execution = event.execution
        kind = type(event)
        if kind is OperationStarted:
            if _SUPPRESSED is None or not contexts.get_value(_SUPPRESSED):
                execution.span = self._traced[execution.operation_id] = self._begin(execution)
        elif execution.span is None:
            return
        elif kind is AttemptFailed:
            _end_command(execution.span, event.error)
        elif kind is OperationEnded:
            self._traced.pop(execution.operation_id, None)
            _end_command(execution.span, event.error)
            _end_operation(execution.span, event.error)

    def _begin(self, execution: Any) -> _Traced:
        operation = execution.operation
        name = operation.own_name or _OPERATIONS.get(operation.name, operation.name)
        database = operation.database
        collection = _shown(database, operation.collection or _collection_of(operation))
        summary = _summary(name, database, collection)
        attributes = {
            **_SYSTEM,
            "db.namespace": database,
            "db.operation.name": name,
            "db.operation.summary": summary,
        }
        if collection:
            attributes["db.collection.name"] = collection
        context = _context_for(execution)
        span = self._tracer.start_span(
            summary, context=context, kind=SpanKind.CLIENT, attributes=attributes
        )
        return _Traced(span, trace.set_span_in_context(span, context))

    # -- commands --

    def command(self, event: Any) -> None:
        """A command is sent, or has succeeded or failed."""
        traced = self._traced.get(event.operation_id)
        if traced is None or not traced.span.is_recording():
            return
        if type(event) is CommandStartedEvent:
            if not event.command:
                traced.sensitive = True
            else:
                traced.command = self._tracer.start_span(
                    event.command_name,
                    context=traced.context,
                    kind=SpanKind.CLIENT,
                    attributes=self._attributes_of(event),
                )
        elif traced.command is not None:
            if type(event) is CommandSucceededEvent:
                _note_cursor(traced.command, event.reply)
                traced.command.end()
                traced.command = None
            elif "code" in event.failure:
                # It ends when the error is made of the failure, with the traceback.
                code = str(event.failure["code"])
                traced.command.set_attribute("db.response.status_code", code)

    def _attributes_of(self, event: CommandStartedEvent) -> dict[str, Any]:
        command, name, database = event.command, event.command_name, event.database_name
        collection = None
        if name in _OF_COLLECTIONS:
            collection = _shown(database, command.get(name))
        elif name == "getMore":
            collection = _shown(database, command.get("collection"))
        attributes: dict[str, Any] = {
            **_SYSTEM,
            "db.namespace": database,
            "db.command.name": name,
            "db.query.summary": _summary(name, database, collection),
        }
        if collection:
            attributes["db.collection.name"] = collection
        _note_connection(attributes, event)
        _note_session(attributes, command)
        if name == "getMore":
            attributes["db.mongodb.cursor_id"] = int(command[name])
        if self._longest:
            shown = {key: value for key, value in command.items() if key not in _NOT_SHOWN}
            attributes["db.query.text"] = document_text(shown, self._longest)
        return attributes

    # -- transactions --

    def transaction(self, event: Any) -> None:
        """A transaction begins or ends."""
        transaction = event.session.transaction
        if type(event) is TransactionStarted:
            transaction.span = self._tracer.start_span(
                "transaction", kind=SpanKind.CLIENT, attributes=_SYSTEM
            )
        elif transaction.span is not None and transaction.span.is_recording():
            if event.error is not None:
                transaction.span.set_status(_failed(event.error))
            transaction.span.end()


@contextmanager
def within(span: trace.Span) -> Iterator[None]:
    """Make the span of a transaction the current one for the length of a block."""
    context = trace.set_span_in_context(span)
    token = contexts.attach(contexts.set_value(_TRANSACTION, span, context))
    try:
        yield
    finally:
        contexts.detach(token)


def _context_for(execution: Any) -> Any:
    """The context of an operation: in the transaction, if it belongs to one, else where it is."""
    context = contexts.get_current()
    session = execution.session
    if session is None or session.implicit or session.transaction.span is None:
        return context
    if contexts.get_value(_TRANSACTION, context) is session.transaction.span:
        return context  # perhaps in a span of the user's in it
    if session.transaction.active or execution.operation.name in _ENDS:
        return trace.set_span_in_context(session.transaction.span, context)
    return context


def _collection_of(operation: Any) -> Any:
    """The collection of a command of the catalogue, which has its name as first value."""
    if operation.name not in _OF_COLLECTIONS or operation.own_name:
        return None
    return getattr(operation, "fields", {}).get(operation.name)


def _shown(database: str, collection: Any) -> str | None:
    """The name of a collection, if it is one of the user's, and not of the database admin."""
    if not isinstance(collection, str) or database == "admin" or collection.startswith("$cmd"):
        return None
    return collection


def _summary(name: str, database: str, collection: str | None) -> str:
    return f"{name} {database}.{collection}" if collection else f"{name} {database}"


def _note_connection(attributes: dict[str, Any], event: CommandStartedEvent) -> None:
    host, port = event.connection_id
    attributes["server.address"] = host
    if port is None:
        attributes["network.transport"] = "unix"
    else:
        attributes["server.port"] = port
        attributes["network.transport"] = "tcp"
    ids = (("driver", event._driver_connection_id), ("server", event.server_connection_id))
    for whose, id in ids:
        if id is not None:
            attributes[f"db.mongodb.{whose}_connection_id"] = id


def _note_session(attributes: dict[str, Any], command: Mapping[str, Any]) -> None:
    lsid = command.get("lsid")
    if isinstance(lsid, Mapping) and isinstance(lsid.get("id"), bytes):
        attributes["db.mongodb.lsid"] = str(uuid.UUID(bytes=bytes(lsid["id"])))
    number = command.get("txnNumber")
    if number is not None:
        attributes["db.mongodb.txn_number"] = int(number)


def _note_cursor(span: trace.Span, reply: Mapping[str, Any]) -> None:
    cursor = reply.get("cursor")
    if isinstance(cursor, Mapping) and cursor.get("id"):
        span.set_attribute("db.mongodb.cursor_id", int(cursor["id"]))


def _end_command(traced: _Traced, error: BaseException | None) -> None:
    """End the span of a command that failed, if there is one.

    :param error: what became of it; None: the failure was an answer too.
    """
    span, traced.command = traced.command, None
    if span is None:
        return
    if error is not None:
        traced.told = error
        _record(span, error)
    span.end()


def _end_operation(traced: _Traced, error: BaseException | None) -> None:
    if error is not None:
        if traced.sensitive:
            traced.span.set_status(StatusCode.ERROR, type(error).__name__)
        elif error is traced.told:
            traced.span.set_status(_failed(error))  # the rest stands in the command's span
        else:
            _record(traced.span, error)
    traced.span.end()


def _record(span: trace.Span, error: BaseException) -> None:
    if not span.is_recording():
        return
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    span.set_attributes(
        {
            "exception.type": module + kind.__qualname__,
            "exception.message": str(error),
            "exception.stacktrace": "".join(traceback.format_exception(error)),
        }
    )
    span.record_exception(error)
    span.set_status(_failed(error))


def _failed(error: BaseException) -> Status:
    return Status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
