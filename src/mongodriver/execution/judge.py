"""Stage "judge": what a reply says, to the driver and to whoever waits for it.

All that is read of a decoded reply is read here: by the readers of `replies`, which know what a
field must be, and by the operation's `parse`, which uses them. Whatever else they stumble over is
a ProtocolError as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx.errors import BSONError

from ..ops.base import WRITE
from ..replies.fields import bad_reply
from ..replies.verdicts import command_error, write_concern_error, write_error
from ..values.error_codes import CLUSTER_TIME_REFUSED
from ..values.errors import ExecutionTimeout, NotPrimaryError, ProtocolError, PyMongoError
from .retry_rules import is_retryable, is_retryable_write
from .time_limit import with_limits

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution
    from .executor import Executor


def judge(
    executor: Executor, execution: Execution, connection: Connection, reply: Any, told: Any
) -> Any:
    """The result of an operation, from a reply; or the error that the reply stands for.

    :param reply: as its user wants it.
    :param told: the same reply as the driver reads it.
    :raises ProtocolError: where the reply cannot be understood.
    """
    operation = execution.operation
    try:
        ok = told.get("ok") == 1
        session = execution.session
        if "$clusterTime" in told or (session is not None and not session.implicit):
            _take_times(executor, execution, told, ok)
        if (
            not ok
            or "writeConcernError" in told
            or ("writeErrors" in told and not operation.reports_errors)
        ):
            _raise_error(executor, execution, connection, told)
        return operation.parse(reply, execution)
    except ProtocolError as exc:
        error = bad_reply(operation.name, connection.address, exc)
        _leave(connection)
        raise error from None
    except (PyMongoError, BSONError):
        raise
    except Exception as exc:
        _leave(connection)
        raise bad_reply(operation.name, connection.address, exc) from exc


def _leave(connection: Connection) -> None:
    """Give up a connection on which more replies like this one are under way.

    Otherwise the message was whole, whatever it said: the connection can be used again.
    """
    if connection.more_to_come:
        connection.close()


def _take_times(executor: Executor, execution: Execution, told: Any, ok: bool) -> None:
    """The cluster's time, for the client, and both times of the reply, for its session.

    :param ok: the command succeeded. What went wrong matters more than a time that is none.
    """
    try:
        cluster_time = told.get("$clusterTime")
        if cluster_time is not None:
            if not ok and told.get("code") in CLUSTER_TIME_REFUSED:
                executor.clock.go_back(cluster_time)
            executor.clock.advance(cluster_time)
        session = execution.session
        if session is not None and not session.implicit:
            session.observe(told)  # type: ignore[union-attr]
    except ProtocolError:
        if ok:
            raise


def _raise_error(
    executor: Executor, execution: Execution, connection: Connection, reply: Any
) -> None:
    """Judge the reply of a command that failed, or whose write concern was not met."""
    operation = execution.operation
    failure = command_error(reply, connection.max_wire_version, operation.allowable_errors)
    if isinstance(failure, ExecutionTimeout):
        failure = with_limits(executor, execution, failure)
    unmet = _unmet(operation, reply, failure)
    error = failure or unmet
    if error is not None:
        executor.topology.handle_error(
            connection.address, error, connection.generation, connection.service_id
        )
    if operation.reports_errors:
        # It reports an unmet write concern itself, unless a retry may help.
        if failure is None and not (unmet is not None and _may_help(executor, execution, unmet)):
            error = None
    elif failure is None:
        error = write_error(reply) or unmet
    elif unmet is not None and not isinstance(failure, NotPrimaryError):
        # As PyMongo has it: what the write concern is for comes before what went wrong.
        error = unmet
    try:
        if error is not None:
            raise error
    finally:
        # The error's traceback holds this frame: without this, a cycle until the next collection.
        del error, failure, unmet


def _may_help(executor: Executor, execution: Execution, unmet: PyMongoError) -> bool:
    """Whether a write is tried again because its write concern was not met.

    Where no other attempt follows, the reply tells what was done nevertheless.
    """
    return (
        execution.operation.retry_policy is WRITE
        and is_retryable_write(unmet)
        and (not execution.is_retry or execution.deadline is not None)
        and is_retryable(executor, execution)
    )


def _unmet(operation: Any, reply: Any, failure: PyMongoError | None) -> PyMongoError | None:
    """The write concern error of a reply; what is none is no news of a command that failed."""
    try:
        return write_concern_error(reply)
    except ProtocolError:
        if failure is None and not operation.reports_errors:
            raise
        return None
