"""What is to be published, or done, once no lock is held any more: in order, by one thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Announcements"]

#: Seconds to wait for a thread that publishes: its listener may itself wait for the one that waits.
PATIENCE: Final = 1.0


class Announcements:
    """A queue that is added to under any lock, and worked off without.

    Whatever must not come before what was added calls `catch_up`.
    """

    __slots__ = ("_announcer", "_calls", "_working")

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._working = threading.Lock()
        self._announcer = 0

    def add(self, call: Callable[[], None]) -> None:
        """Queue up a call. Whoever adds calls `announce` once its lock is released."""
        self._calls.append(call)

    def announce(self) -> None:
        """Make the calls that are due. A thread that is at it makes ours as well: no waiting."""
        while self._calls and self._work_off(0.0):
            pass  # one may have been added just before the end

    def catch_up(self) -> None:
        """Return when the calls added up to now were made, here or by the thread that is at it.

        Without waiting where one of the calls itself asks for it, and for a second at most.
        """
        due = self._calls or self._working.locked()
        if due and self._announcer != threading.get_ident():
            self._work_off(PATIENCE)

    def _work_off(self, patience: float) -> bool:
        """Make the calls that are due; False when another thread was at it for so many seconds."""
        if not self._working.acquire(timeout=patience):
            return False
        try:
            self._announcer = threading.get_ident()
            while self._calls:
                self._calls.popleft()()
        finally:
            self._announcer = 0
            self._working.release()
        return True
