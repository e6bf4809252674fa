"""The time limit of the operations in a block of code: `mongodriver.timeout` (CSOT)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar

from ..io.deadline import Deadline

__all__ = ["current_deadline", "has_limit", "one_deadline", "refreshed", "timeout", "until"]


class _Frame:
    """A block that is being executed, and the one around it."""

    __slots__ = ("block", "deadline", "outer")

    def __init__(self, block: _Block, deadline: Deadline | None, outer: _Frame | None) -> None:
        self.block = block
        self.deadline = deadline
        self.outer = outer


#: The innermost block; then the client's own timeoutMS does not count.
_frame: ContextVar[_Frame | None] = ContextVar("mongodriver.timeout", default=None)


def current_deadline(own: float | None) -> Deadline | None:
    """The deadline of an operation that begins now.

    :param own: its own limit in seconds, which counts outside of blocks; None or 0 for none.
    """
    frame = _frame.get()
    if frame is not None:
        return frame.deadline
    return Deadline(own) if own else None


def has_limit(own: float | None) -> bool:
    """Whether an operation has a time limit, be that 0, which never ends (CSOT specification).

    :param own: its own limit in seconds, which counts outside of blocks; None for none.
    """
    return own is not None or _frame.get() is not None


class _Block(AbstractContextManager[None]):
    """A block of code whose operations have one deadline.

    Keeps nothing itself, so that it can be entered again, and by several tasks and threads.
    """

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        outer = _frame.get()
        deadline = Deadline(self._seconds) if self._seconds else None
        if outer is not None and outer.deadline is not None and deadline is not None:
            deadline = min(outer.deadline, deadline)
        _frame.set(_Frame(self, deadline, outer))

    def __exit__(self, *exc_info: object) -> None:
        frame = _frame.get()
        # Another block's where a coroutine is given up: it may be closed anywhere.
        if frame is not None and frame.block is self:
            _frame.set(frame.outer)


class _Until(_Block):
    """A block that has the deadline of an operation around it."""

    __slots__ = ("_deadline",)

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        _frame.set(_Frame(self, self._deadline, _frame.get()))


class _Anew(_Block):
    """A block that has the time limit of the one around it once more."""

    __slots__ = ()

    def __enter__(self) -> None:
        outer = _frame.get()
        if outer is not None and outer.deadline is not None:
            _frame.set(_Frame(self, Deadline(outer.deadline.timeout), outer))


_NOTHING = nullcontext()


def timeout(seconds: float | None) -> AbstractContextManager[None]:
    """Give the operations in a block of code one time limit, all of them together.

    An operation that meets it raises a `PyMongoError` whose ``timeout`` is True. Of nested blocks
    the one that ends first counts. Within a block the client's own ``timeoutMS`` does not count
    (client-side operations timeout specification).

    :param seconds: from the moment the block is entered; 0 for no limit at all, None to leave
        things as they are.
    :raises TypeError: for what is no number; ValueError: for a negative one, or NaN.
    """
    if seconds is None:
        return _NOTHING
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"timeout must be None, an int, or a float, not {type(seconds)}")
    if seconds < 0:
        raise ValueError("timeout cannot be negative")
    if seconds != seconds:
        raise ValueError("timeout cannot be NaN")
    return _Block(seconds)


def one_deadline(own: float | None) -> AbstractContextManager[None]:
    """One deadline for all that a public method sends, where that can be more than one operation.

    :param own: the client's limit in seconds, which counts outside of blocks; None or 0 for none.
    """
    if not own or _frame.get() is not None:
        return _NOTHING
    return _Block(own)


def until(deadline: Deadline | None) -> AbstractContextManager[None]:
    """The deadline of an operation, for others that it needs; None: they have their own."""
    return _NOTHING if deadline is None else _Until(deadline)


def refreshed() -> AbstractContextManager[None]:
    """The time limit of the block around, from now on: for what must be done when it is over."""
    return _Anew(0.0)
