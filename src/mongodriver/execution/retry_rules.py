"""When an operation is tried again, and which error is raised in the end.

retryable-reads, retryable-writes and client-backpressure specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mongodriver.ops.base import CLOSING, NEVER, READ
from mongodriver.sdam.error_effects import OVERLOADED
from mongodriver.values.error_codes import RETRYABLE
from mongodriver.values.errors import (
    ConnectionFailure,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

if TYPE_CHECKING:
    from mongodriver.client.settings import ExecutorSettings
    from mongodriver.ops.base import Operation

    from .execution import Execution
    from .executor import Executor

__all__ = [
    "Retries",
    "adaptive_retries",
    "backoff",
    "explain_unsupported",
    "is_overload",
    "is_retryable",
    "is_retryable_read",
    "is_retryable_write",
    "label_write_error",
]

RETRYABLE_WRITE = "RetryableWriteError"
RETRYABLE_ERROR = "RetryableError"
NO_WRITES_PERFORMED = "NoWritesPerformed"

BASE_BACKOFF = 0.1
MAX_BACKOFF = 10.0

_ILLEGAL_OPERATION = 20

# Errors of the driver itself: from them nobody can tell whether anything was sent.
_NOTHING_SENT = (ServerSelectionTimeoutError, WaitQueueTimeoutError)


def is_retryable(executor: Executor, execution: Execution) -> bool:
    """Whether the operation may be repeated after the errors the specifications name."""
    policy = execution.operation.retry_policy
    if policy is CLOSING:
        return True
    if policy is NEVER or execution.pinned is not None:
        return False
    if execution.session is not None and execution.session.in_transaction:
        return False
    if policy is READ:
        return executor.settings.retry_reads
    # Without a number the server could not tell a retry from a second write.
    numbered = execution.transaction_number is not None or not execution.sent
    return executor.settings.retry_writes and numbered


def adaptive_retries(settings: ExecutorSettings, operation: Operation[Any]) -> int:
    """How often an operation may be repeated because its server was overloaded; 0 for never.

    Reads and writes only where their retries are on; commands of the user, of which nobody knows
    what they are, and reads that write where both are (client backpressure). Transactions are ended
    at any rate.
    """
    if operation.retry_policy is CLOSING:
        return settings.adaptive_retries
    both = operation.of_the_user or operation.has_output_stage
    allowed = (settings.retry_writes or not (operation.is_write or both)) and (
        settings.retry_reads or operation.is_write
    )
    return settings.adaptive_retries if allowed else 0


def is_retryable_read(error: BaseException) -> bool:
    """Return whether a read that failed with `error` may be sent again."""
    if isinstance(error, ConnectionFailure):
        return not isinstance(error, _NOTHING_SENT)
    return isinstance(error, OperationFailure) and error.code in RETRYABLE


def is_retryable_write(error: BaseException) -> bool:
    """Return whether a write with a transaction number may be sent again."""
    return isinstance(error, PyMongoError) and error.has_error_label(RETRYABLE_WRITE)


def is_overload(error: BaseException) -> bool:
    """Return whether the server shed the operation, so that it was certainly not done."""
    return (
        isinstance(error, PyMongoError)
        and error.has_error_label(OVERLOADED)
        and error.has_error_label(RETRYABLE_ERROR)
    )


def label_write_error(error: PyMongoError) -> None:
    """Mark network errors of a retryable write as such; servers label their own errors."""
    if isinstance(error, ConnectionFailure) and not isinstance(
        error, (NotPrimaryError, *_NOTHING_SENT)
    ):
        error._add_error_label(RETRYABLE_WRITE)


def explain_unsupported(error: PyMongoError) -> PyMongoError:
    """Return a clearer error if the storage engine has no retryable writes, else `error`."""
    if (
        isinstance(error, OperationFailure)
        and error.code == _ILLEGAL_OPERATION
        and isinstance(error.details, Mapping)
        and str(error.details.get("errmsg", "")).startswith("Transaction numbers")
    ):
        return OperationFailure(
            "This MongoDB deployment does not support retryable writes. "
            "Please add retryWrites=false to your connection string.",
            error.code,
            error.details,
        )
    return error


def backoff(retry: int, jitter: float, base: float = BASE_BACKOFF) -> float:
    """Return how many seconds to wait before retry number `retry` (from 1) of a shed operation.

    `jitter` is a random number from 0 to 1, `base` the unit in seconds.
    """
    return jitter * min(MAX_BACKOFF, base * float(2**retry))


class Retries:
    """The attempts of one operation.

    `retryable` says whether the operation may be repeated at all after an ordinary error (once,
    or as long as its deadline allows if `unlimited`); `adaptive_retries` how often it may be
    repeated because the server was overloaded, 0 for never.
    """

    __slots__ = ("_adaptive_retries", "_is_write", "_limit", "_retryable", "attempt", "error")

    attempt: int
    error: PyMongoError | None

    def __init__(
        self,
        *,
        is_write: bool,
        retryable: bool,
        adaptive_retries: int = 0,
        unlimited: bool = False,
    ) -> None:
        self._is_write = is_write
        self._retryable = retryable
        self._adaptive_retries = adaptive_retries
        self._limit: float = float("inf") if unlimited else 1
        self.attempt = 0
        self.error = None

    def after(self, error: PyMongoError, random: Callable[[], float]) -> float | None:
        """Return the seconds to wait before the next attempt, or None to raise `self.error`.

        `error` is what the attempt failed with, `random` gives numbers from 0 to 1.
        """
        if self._retryable and self._is_write:
            label_write_error(error)
            error = explain_unsupported(error)
        self._remember(error)
        shed = is_overload(error)
        if not (shed and self._adaptive_retries) and not self._may_repeat(error):
            return None
        if error.has_error_label(OVERLOADED):
            self._limit = self._adaptive_retries
        self.attempt += 1
        if self.attempt > self._limit:
            return None
        if not error.has_error_label(OVERLOADED):
            return 0.0
        return backoff(self.attempt, random(), _base_backoff(error))

    def _may_repeat(self, error: PyMongoError) -> bool:
        if not self._retryable:
            return False
        return is_retryable_write(error) if self._is_write else is_retryable_read(error)

    def _remember(self, error: PyMongoError) -> None:
        """Keep `error` as the one to raise, unless an earlier one tells more."""
        says_little = isinstance(error, _NOTHING_SENT) or error.has_error_label(NO_WRITES_PERFORMED)
        if self.error is None or not says_little:
            self.error = error


def _base_backoff(error: PyMongoError) -> float:
    """Return the unit of the backoff in seconds: the server's wish, or the default."""
    wish = error._base_backoff_ms if isinstance(error, OperationFailure) else None
    if isinstance(wish, (int, float)) and wish > 0:
        return float(wish) / 1000
    return BASE_BACKOFF
