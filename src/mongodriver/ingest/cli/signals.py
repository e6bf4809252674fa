"""Ctrl-C and SIGTERM: the first lets what is on its way arrive, the second ends everything."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal ended what was being done."""


class Signals:
    """Within the block, both signals are ours.

    A signal raises Interrupted where the program stands, unless something is under way that can be
    ended with care (`gently`): then that is asked to end, and the next signal raises. A signal that
    was ignored when the program started, as in a shell script's background, stays so.
    """

    def __init__(self) -> None:
        self.number: int | None = None  # of the first signal
        self._gentle: Callable[[], Any] | None = None
        self._previous: dict[int, Any] = {}

    @property
    def status(self) -> int | None:
        """The exit status that tells of the signal, None when there was none."""
        return None if self.number is None else 128 + self.number

    def gently(self, end: Callable[[], Any] | None) -> None:
        """Have `end` called at the next signal; None: nothing is under way any more.

        `end` must be quick and raise nothing; it is called wherever the main thread stands.
        """
        self._gentle = end

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = self.number is None
        if first:
            self.number = number
        if not first or self._gentle is None:
            raise Interrupted
        self._gentle()

    def __enter__(self) -> Self:
        for number in _NUMBERS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
