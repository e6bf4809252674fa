"""Deadlines: the moment at which an operation, and whatever it waits for, is given up.

Inside the driver a deadline is a value of `time.monotonic()`, None for no limit. It is made once,
where an operation begins, and handed down: every wait ends at the sooner of it and its own limit.
"""

from __future__ import annotations

from time import monotonic

__all__ = ["Deadline", "remaining", "sooner"]

#: Seconds that system calls take as a limit everywhere; more, or infinity, is as good as this.
_LONGEST = 2_000_000.0
_ALL = 1e300


class Deadline(float):
    """The end of one operation: a time like all deadlines, which knows what it was made of.

    :param timeout: seconds from now.
    """

    __slots__ = ("timeout",)

    #: Seconds, as configured, for the texts of errors.
    timeout: float

    def __new__(cls, timeout: float) -> Deadline:
        self = super().__new__(cls, monotonic() + min(timeout, _LONGEST))
        self.timeout = float(min(timeout, _ALL))
        return self


def sooner(deadline: float | None, timeout: float | None) -> float | None:
    """The sooner of a deadline and the end of `timeout` seconds from now; None for no limit."""
    if timeout is None:
        return deadline
    own = monotonic() + timeout
    return own if deadline is None or own < deadline else deadline


def remaining(deadline: float | None) -> float | None:
    """Seconds until a deadline, None for no limit.

    :raises TimeoutError: when it is over.
    """
    if deadline is None:
        return None
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
