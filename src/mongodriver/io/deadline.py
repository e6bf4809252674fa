"""Deadlines: the moment at which an operation, and whatever it waits for, is given up.

Inside the driver a deadline is a value of `time.monotonic()`, None for no limit. It is made once,
where an operation begins, and handed down: every wait ends at the sooner of it and its own limit.
"""

from __future__ import annotations

from time import monotonic

__all__ = ["Deadline", "remaining", "sooner"]


class Deadline:
    """The end of one operation.

    :param timeout: seconds from now.
    """

    __slots__ = ("at", "timeout")

    def __init__(self, timeout: float) -> None:
        #: As configured, for the texts of errors.
        self.timeout = timeout
        #: Monotonic time.
        self.at = monotonic() + timeout

    def left(self) -> float:
        """Seconds until then, negative afterwards."""
        return self.at - monotonic()


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
