"""Which failures pass, and how long to wait for that."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from mongodriver.execution.retry_rules import RETRYABLE_ERROR, RETRYABLE_WRITE
from mongodriver.ingest.errors import IngestError
from mongodriver.sdam.error_effects import OVERLOADED
from mongodriver.values.error_codes import RETRYABLE
from mongodriver.values.errors import ConnectionFailure, OperationFailure, PyMongoError

if TYPE_CHECKING:
    from mongodriver.io.base import Event

__all__ = ["JobStopped", "Patience", "is_of_a_document", "is_transient", "is_transient_reply"]

#: Overflow (nested too deeply), InvalidBSON, BSONObjectTooLarge: the whole command is refused for
#: what one document in it is.
_OF_A_DOCUMENT = frozenset({15, 22, 10334})

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_FIRST_OVERLOADED, _LONGEST_OVERLOADED = 0.1, 10.0


class JobStopped(Exception):
    """The job ends, and nobody waits any more."""


def is_transient(error: PyMongoError) -> bool:
    """Whether the same command may succeed later."""
    if isinstance(error, ConnectionFailure) or error.timeout:
        return True
    if error.has_error_label(RETRYABLE_WRITE) or error.has_error_label(RETRYABLE_ERROR):
        return True
    return isinstance(error, OperationFailure) and error.code in RETRYABLE


def is_transient_reply(error: Mapping[str, Any]) -> bool:
    """The same for what a reply says of a statement, or of the write concern."""
    labels = error.get("errorLabels") or ()
    return error.get("code") in RETRYABLE or RETRYABLE_WRITE in labels


def is_of_a_document(error: PyMongoError) -> TypeGuard[OperationFailure]:
    """Whether some document is the reason for which a whole command was refused."""
    return isinstance(error, OperationFailure) and error.code in _OF_A_DOCUMENT


class Patience:
    """Waits between the attempts of one batch: longer each time, never quite the same.

    :param seconds: how long it goes on without success.
    :param stop: is set when nobody waits any more.
    :param limit: when the caller's own time is over, by the monotonic clock; None: never.
    """

    def __init__(self, seconds: float, stop: Event, limit: float | None = None) -> None:
        self._seconds = seconds
        self._stop = stop
        self._limit = limit
        self._deadline: float | None = None
        self._failures = 0

    def succeeded(self) -> None:
        """Something was acknowledged: the next failure is the first one again."""
        self._deadline = None
        self._failures = 0

    async def wait(self, error: object) -> None:
        """Wait before the next attempt.

        :raises IngestError: when there is to be none, because the server has not recovered.
        :raises PyMongoError: the error itself, where the caller's time is over.
        :raises JobStopped: when the job ends meanwhile.
        """
        now = time.monotonic()
        if self._limit is not None and now >= self._limit and isinstance(error, PyMongoError):
            raise error
        if self._deadline is None:
            self._deadline = now + self._seconds
        if now >= self._deadline:
            made = IngestError(f"the server has not recovered for {self._seconds:g} s: {error}")
            raise made from (error if isinstance(error, BaseException) else None)
        self._failures += 1
        pause = self._pause(error) * random.uniform(0.5, 1.0)
        if await self._stop.wait(min(pause, self._deadline - now)):
            raise JobStopped

    def _pause(self, error: object) -> float:
        first, longest = _FIRST_PAUSE, _LONGEST_PAUSE
        if isinstance(error, PyMongoError) and error.has_error_label(OVERLOADED):
            wish = getattr(error, "_base_backoff_ms", None)
            first, longest = _FIRST_OVERLOADED, _LONGEST_OVERLOADED
            if isinstance(wish, (int, float)) and wish > 0:
                first = wish / 1000
        pause: float = first * 2.0 ** min(self._failures - 1, 20)
        return min(pause, longest)
