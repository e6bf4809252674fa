"""`with_transaction`: transactions that are tried again.

transactions-convenient-api specification.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any, TypeVar

from mongodriver.execution.timeouts import current_deadline, one_deadline
from mongodriver.execution.transactions import TRANSIENT, UNKNOWN_COMMIT, max_time_is_over
from mongodriver.io.deadline import Deadline
from mongodriver.values.errors import (
    ExecutionTimeout,
    NetworkTimeout,
    PyMongoError,
    WriteConcernError,
)
from mongodriver.values.limits import (
    MAX_TRANSACTION_BACKOFF,
    TRANSACTION_BACKOFF,
    WITH_TRANSACTION_TIMEOUT,
)

from .sessions import ClientSessionBase
from .transactions import abort_after_failure, commit_transaction

T = TypeVar("T")
SessionT = TypeVar("SessionT", bound=ClientSessionBase)

_MAX_TIME_MS_EXPIRED = 50


async def with_transaction(
    session: SessionT,
    callback: Callable[[SessionT], Awaitable[T]],
    options: tuple[Any, Any, Any, Any],
) -> T:
    """Run a callback in a transaction, as often as it takes.

    :param options: the arguments of ``start_transaction``.
    """
    timeout = session._client.options.timeout
    with one_deadline(timeout):
        limit = Limit(current_deadline(timeout))
        attempts = 0
        while True:
            session._begin(*options)
            attempts += 1
            error: PyMongoError | None
            try:
                with _spanned(session):
                    result = await callback(session)
            except BaseException as exc:
                if session.in_transaction:
                    await abort_after_failure(session)
                if not (isinstance(exc, PyMongoError) and exc.has_error_label(TRANSIENT)):
                    raise
                error = exc
            else:
                error = await _commit(session, limit)
                if error is None:
                    return result
            try:
                await _pause(session, attempts, limit, error)
            finally:
                # Its traceback holds this frame: without this, a cycle until the next collection.
                del error


def _spanned(session: ClientSessionBase) -> AbstractContextManager[None]:
    """What a callback does is in the span of the transaction, where that has one."""
    span = session._core.transaction.span
    if span is None:
        return nullcontext()
    from mongodriver.events.spans import within

    return within(span)


async def _commit(session: ClientSessionBase, limit: Limit) -> PyMongoError | None:
    """Commit unless the callback has ended the transaction itself.

    What is returned is an error for which all of it is to be done again.
    """
    if not session.in_transaction:
        return None
    while True:
        try:
            await commit_transaction(session)
        except PyMongoError as exc:
            if exc.has_error_label(UNKNOWN_COMMIT) and not max_time_is_over(exc):
                if limit.is_over(0.0):
                    raise limit.told(exc)
            elif exc.has_error_label(TRANSIENT):
                return exc
            else:
                raise
        else:
            return None


async def _pause(
    session: ClientSessionBase, attempts: int, limit: Limit, error: PyMongoError
) -> None:
    """Wait before the next attempt, the longer the more there were.

    :raises PyMongoError: where the time would be over.
    """
    longest = min(TRANSACTION_BACKOFF * 1.5**attempts, MAX_TRANSACTION_BACKOFF)
    delay = random.random() * longest
    if limit.is_over(delay):
        raise limit.told(error)
    await session._client._core.backend.sleep(delay)


class Limit:
    """When no other attempt is made.

    :param deadline: of the operation; None: it has the specification's two minutes.
    """

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        self._end = monotonic() + WITH_TRANSACTION_TIMEOUT if deadline is None else deadline

    def is_over(self, delay: float) -> bool:
        """Whether the limit is reached after some seconds."""
        return monotonic() + delay >= self._end

    def told(self, last: PyMongoError) -> PyMongoError:
        """The error that tells of it: has the labels of the last one, which is its cause."""
        if last.timeout and not isinstance(last, WriteConcernError):
            return last
        error: PyMongoError
        text = str(last)
        if self._deadline is None:
            error = NetworkTimeout(text)
        else:
            code = _MAX_TIME_MS_EXPIRED
            error = ExecutionTimeout(text, code, {"ok": 0, "errmsg": text, "code": code})
        for label in last._error_labels:
            error._add_error_label(label)
        error.__cause__ = last
        return error
