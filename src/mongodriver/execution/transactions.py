"""What operations of a transaction do otherwise: their fields, their place, their failures.

Transactions specification. Only operations of explicit sessions come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..ops.base import CLOSING
from ..sessions.transaction import STARTING
from ..values.errors import (
    ConnectionFailure,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from ..values.server_type import SERVER_TYPE
from .retry_rules import RETRYABLE_WRITE, is_overload

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..sessions.session import Session
    from .execution import Execution

TRANSIENT = "TransientTransactionError"
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"

_MAX_TIME_MS_EXPIRED = 50
_WRITE_CONCERN_FAILED = 64
#: UnknownReplWriteConcern, CannotSatisfyWriteConcern: no other attempt would do better.
_HOPELESS_CONCERNS = frozenset({79, 100})


def is_part(session: Session, operation: Any) -> bool:
    """Whether a command belongs to the session's transaction."""
    transaction = session.transaction
    if operation.retry_policy is CLOSING:
        return True
    # A cursor from before the transaction is no reason to begin it.
    return transaction.active and not (
        transaction.state == STARTING and operation.name == "killCursors"
    )


def join(
    body: dict[str, Any], execution: Execution, connection: Connection, session: Session
) -> None:
    """Make a command part of the transaction: add its fields to the body, and pin the session.

    Concerns are the transaction's: the first command has its read concern, the last its write
    concern, and the others have none but what stands in commands that users have written.
    """
    operation = execution.operation
    transaction = session.transaction
    if operation.read_concern is not None and operation.read_concern.level:
        body.pop("readConcern", None)
    if operation.retry_policy is CLOSING:
        if transaction.recovery_token is not None:
            body["recoveryToken"] = transaction.recovery_token
    else:
        operation.write_concern = None
        if transaction.state == STARTING:
            _begin(body, execution, session)
        _pin(execution, connection, session)
    body["txnNumber"] = transaction.number
    body["autocommit"] = False


def _begin(body: dict[str, Any], execution: Execution, session: Session) -> None:
    transaction = session.transaction
    transaction.opener = execution
    body["startTransaction"] = True
    concern = dict(body.pop("readConcern", {}))
    own = transaction.options.read_concern
    if own is not None and own.level:
        concern.setdefault("level", own.level)
    if session.causal_consistency and session.operation_time is not None:
        concern["afterClusterTime"] = session.operation_time
    if concern:
        body["readConcern"] = concern


def _pin(execution: Execution, connection: Connection, session: Session) -> None:
    """Keep a transaction where it has begun: at a mongos, or behind a load balancer on one
    connection.
    """
    transaction = session.transaction
    if connection.service_id is not None:
        if transaction.connection is None:
            connection.pinned = "transaction"
            transaction.connection = execution.pinned = connection
    elif connection.server_type == SERVER_TYPE.Mongos:
        transaction.address = execution.address = connection.address


def note_failure(execution: Execution, error: PyMongoError) -> None:
    """Draw the conclusions from the failure of an attempt: labels, state, and where to go next."""
    session: Any = execution.session
    if session is None or session.implicit:
        return
    transaction = session.transaction
    operation = execution.operation
    address, connection = transaction.address, transaction.connection
    session.settle(execution.sent)
    if operation.retry_policy is CLOSING:
        _note_failed_end(session, operation, error)
    elif not transaction.active:
        return
    else:
        if is_overload(error):
            note_not_done(execution)
        if isinstance(error, ConnectionFailure) and not isinstance(error, NotPrimaryError):
            error._add_error_label(TRANSIENT)
        if error.has_error_label(TRANSIENT):
            session.unpin()
    if execution.address == address:
        execution.address = transaction.address
    if execution.pinned is connection:
        execution.pinned = transaction.connection


def note_not_done(execution: Execution) -> None:
    """The server has done nothing for a command: if it was to begin a transaction, it still is."""
    session: Any = execution.session
    if session is None or session.implicit:
        return
    transaction = session.transaction
    if transaction.opener is execution:
        transaction.state = STARTING
        execution.sent = False


def _note_failed_end(session: Session, operation: Any, error: PyMongoError) -> None:
    if operation.name != "commitTransaction":
        session.unpin()
        return
    if is_unknown_commit(error):
        error._add_error_label(UNKNOWN_COMMIT)
    if error.has_error_label(UNKNOWN_COMMIT) or error.has_error_label(TRANSIENT):
        session.unpin()


def is_unknown_commit(error: PyMongoError) -> bool:
    """Whether nobody knows, after this failure of a commit, if the transaction was committed."""
    if isinstance(error, ConnectionFailure) or error.has_error_label(RETRYABLE_WRITE):
        return True
    if isinstance(error, WriteConcernError):
        return error.code not in _HOPELESS_CONCERNS
    return isinstance(error, OperationFailure) and error.code in (
        _MAX_TIME_MS_EXPIRED,
        _WRITE_CONCERN_FAILED,
    )


def max_time_is_over(error: PyMongoError) -> bool:
    """Whether a commit took longer on the server than it was allowed to."""
    if not isinstance(error, OperationFailure):
        return False
    details = error.details
    concern = details.get("writeConcernError") if isinstance(details, Mapping) else None
    return error.code == _MAX_TIME_MS_EXPIRED or (
        isinstance(concern, Mapping) and concern.get("code") == _MAX_TIME_MS_EXPIRED
    )
