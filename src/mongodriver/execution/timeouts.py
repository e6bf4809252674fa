"""The time limit of the operations in a block of code: `mongodriver.timeout` (CSOT)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any

from ..io.deadline import Deadline

__all__ = ["current_deadline", "timeout"]

#: Set within a block; then the client's own timeoutMS does not count. None: no limit.
_block: ContextVar[Deadline | None] = ContextVar("mongodriver.timeout")
_NO_BLOCK: Any = object()


def current_deadline(own: float | None) -> Deadline | None:
    """The deadline of an operation that begins now.

    :param own: its own limit in seconds, which counts outside of blocks; None or 0 for none.
    """
    block: Deadline | None = _block.get(_NO_BLOCK)
    if block is not _NO_BLOCK:
        return block
    return Deadline(own) if own else None


class _Block(AbstractContextManager[None]):
    """A block of code whose operations have one deadline. Can be entered again, also nested."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._tokens: list[Token[Deadline | None]] = []

    def __enter__(self) -> None:
        outer = _block.get(None)
        deadline = Deadline(self._seconds) if self._seconds else None
        if outer is not None and (deadline is None or outer.at < deadline.at):
            deadline = outer
        self._tokens.append(_block.set(deadline))

    def __exit__(self, *exc_info: object) -> None:
        _block.reset(self._tokens.pop())


def timeout(seconds: float | None) -> AbstractContextManager[None]:
    """Give the operations in a block of code one time limit, all of them together.

    An operation that meets it raises a `PyMongoError` whose ``timeout`` is True. Nested blocks can
    only shorten it. Within a block the client's own ``timeoutMS`` does not count (client-side
    operations timeout specification).

    :param seconds: from the moment the block is entered; None or 0 for no limit of this block.
    :raises TypeError: for what is no number; ValueError: for a negative one.
    """
    if seconds is not None:
        if not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout must be None, an int, or a float, not {type(seconds)}")
        if seconds < 0:
            raise ValueError("timeout cannot be negative")
    return _Block(seconds)
