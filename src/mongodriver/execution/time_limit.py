"""What is left of an operation's time, and what the server is told of it (CSOT specification)."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ..io.deadline import sooner
from ..values.errors import ExecutionTimeout

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from .execution import Execution
    from .executor import Executor

_MAX_TIME_MS_EXPIRED = 50
#: What servers take for ``maxTimeMS``.
_LONGEST = 0x7FFFFFFF
_TELL_LIMITS = ("find", "getMore")


def limit_server(executor: Executor, execution: Execution, connection: Connection) -> None:
    """Find out the ``maxTimeMS`` of an operation that has a deadline.

    :raises ExecutionTimeout: when no reply can come in time, before anything is sent.
    """
    left = time_left(executor, execution, connection)
    if execution.operation.takes_max_time:
        execution.max_time_ms = max(min(int(left * 1000), _LONGEST), 1)


def reply_deadline(
    executor: Executor, execution: Execution, connection: Connection
) -> float | None:
    """When to give up on a round trip that begins now: the operation's deadline or, where it has
    none, the end of ``socketTimeoutMS``.

    :raises ExecutionTimeout: when no reply can come in time any more. Nothing has been sent then,
        and the connection goes back to its pool unharmed.
    """
    if execution.deadline is None:
        timeout = executor.settings.socket_timeout
        return None if timeout is None else sooner(None, timeout)
    time_left(executor, execution, connection)  # again: encoding takes time
    return execution.deadline


def time_left(executor: Executor, execution: Execution, connection: Connection) -> float:
    """The seconds the server may take: what is left, less the round trip at its quickest.

    :raises ExecutionTimeout: when there are none.
    """
    assert execution.deadline is not None
    round_trip = executor.topology.minimum_round_trip(connection.address)
    left = execution.deadline - monotonic() - round_trip
    if left <= 0:
        raise time_is_over(executor, execution, round_trip)
    return left


def time_is_over(executor: Executor, execution: Execution, round_trip: float) -> ExecutionTimeout:
    """The error of an operation that is not sent (again), because no reply could come in time."""
    assert execution.deadline is not None
    left = execution.deadline - monotonic()
    limits = executor.settings.limits.within(execution.deadline)
    text = (
        f"operation would exceed time limit, remaining timeout:{left:.5f}"
        f" <= network round trip time:{round_trip:.5f} {limits}"
    )
    code = _MAX_TIME_MS_EXPIRED
    return ExecutionTimeout(text, code, {"ok": 0, "errmsg": text, "code": code})


def with_limits(
    executor: Executor, execution: Execution, failure: ExecutionTimeout
) -> ExecutionTimeout:
    """The error of an operation that the server has stopped, as PyMongo tells it.

    That of queries and their cursors says which limits are configured.
    """
    details = failure.details
    if execution.operation.name not in _TELL_LIMITS or details is None:
        return failure
    text = f"{details.get('errmsg')}{executor.settings.limits.within(execution.deadline)}"
    return ExecutionTimeout(text, failure.code, details, failure._max_wire_version)
