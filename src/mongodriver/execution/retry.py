"""The attempts after the first: how often, after which errors, and how long to wait between them.

retryable-reads, retryable-writes and client-backpressure specifications; the rules are in
`retry_rules`.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..values.errors import PyMongoError
from .attempt import attempt
from .retry_rules import Retries, is_overload, is_retryable
from .time_limit import time_is_over
from .timeouts import has_limit
from .transactions import note_failure

if TYPE_CHECKING:
    from .execution import Execution
    from .executor import Executor


async def retry(executor: Executor, execution: Execution, error: PyMongoError) -> Any:
    """Repeat a failed operation where that is allowed, or raise the error that tells most."""
    settings = executor.settings
    retries = Retries(
        is_write=execution.operation.is_write,
        retryable=is_retryable(executor, execution),
        adaptive_retries=settings.adaptive_retries,
        unlimited=execution.deadline is not None or has_limit(settings.timeout),
    )
    try:
        while True:
            if executor.observer.operations:
                publish(executor.observer.operations, events.stages.AttemptFailed(execution, error))
            note_failure(execution, error)
            delay = retries.after(error, random.random)
            if delay is None:
                raise _of_the_attempts(execution, retries.error, error)
            if _is_too_late(execution, delay):
                late = _out_of_time(executor, execution, retries.error or error)
                note_failure(execution, late)
                raise late
            if delay:
                await executor.backend.sleep(delay)
            execution.begin_retry(is_overload(error))
            if executor.observer.operations:
                told = events.stages.OperationRetried(execution, retries.attempt)
                publish(executor.observer.operations, told)
            try:
                return await attempt(executor, execution)
            except PyMongoError as exc:
                if exc.timeout and exc.__cause__ is None:
                    exc.__cause__ = error  # which used up the time
                error = exc
    finally:
        # The error's traceback holds this frame: without this, a cycle until the next garbage
        # collection, with everything the operation held.
        del error, retries


def _is_too_late(execution: Execution, delay: float) -> bool:
    """Whether the deadline would be over when the next attempt begins."""
    return execution.deadline is not None and monotonic() + delay >= execution.deadline


def _of_the_attempts(
    execution: Execution, telling: PyMongoError | None, last: PyMongoError
) -> PyMongoError:
    """The error to raise after all attempts.

    :param telling: the one that tells most of why the operation was not done.
    :param last: the one of the last attempt; raised where the operation's own time is over.
    """
    if telling is None or telling is last:
        return last
    if execution.deadline is None or not last.timeout:
        return telling
    last.__cause__ = telling
    return last


def _out_of_time(executor: Executor, execution: Execution, error: PyMongoError) -> PyMongoError:
    """The error of an operation that has no time for the next attempt."""
    if error.timeout:
        return error
    timeout = time_is_over(executor, execution, 0.0)
    timeout.__cause__ = error
    return timeout
