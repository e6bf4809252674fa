"""Stage "judge": what a reply says, to the driver and to whoever waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ops.base import WRITE
from ..replies.verdicts import command_error, write_concern_error, write_error
from ..values.errors import ExecutionTimeout, NotPrimaryError
from .retry_rules import is_retryable_write
from .time_limit import with_limits

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution
    from .executor import Executor


def judge(executor: Executor, execution: Execution, connection: Connection, reply: Any) -> None:
    """Take the times of a reply; raise the error it stands for.

    :param reply: the reply as the driver reads it.
    """
    cluster_time = reply.get("$clusterTime")
    if cluster_time is not None:
        executor.clock.advance(cluster_time)
    session = execution.session
    if session is not None and not session.implicit:
        session.observe(reply)  # type: ignore[union-attr]
    if (
        reply.get("ok") == 1
        and "writeConcernError" not in reply
        and ("writeErrors" not in reply or execution.operation.reports_errors)
    ):
        return
    _raise_error(executor, execution, connection, reply)


def _raise_error(
    executor: Executor, execution: Execution, connection: Connection, reply: Any
) -> None:
    """Judge the reply of a command that failed, or whose write concern was not met."""
    operation = execution.operation
    failure = command_error(reply, connection.max_wire_version, operation.allowable_errors)
    if isinstance(failure, ExecutionTimeout):
        failure = with_limits(executor, execution, failure)
    unmet = write_concern_error(reply)
    error = failure or unmet
    if error is not None:
        executor.topology.handle_error(
            connection.address, error, connection.generation, connection.service_id
        )
    if operation.reports_errors:
        # It reports an unmet write concern itself, unless a retry may help.
        again = operation.retry_policy is WRITE and unmet is not None and is_retryable_write(unmet)
        if failure is None and not again:
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
