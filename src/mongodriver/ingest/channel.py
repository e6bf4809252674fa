"""Between the reader and the lanes: batches that wait, and the bytes that are in flight."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mongodriver.ingest.work import Work
    from mongodriver.io.base import Backend, Event

__all__ = ["Channel"]

#: How many batches there may be for each lane: one on its way, one behind it.
_AHEAD = 2


class Channel:
    """One reader puts work in, lanes take it out.

    :param lanes: how many there are.
    :param room: the bytes that may be in flight: put in, and not `settled` yet.
    :param news: is set whenever something has been settled.
    """

    def __init__(self, backend: Backend, lanes: int, room: int, news: Event) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._room = room
        self._news = news
        self._common: deque[Work] = deque()
        self._own: list[deque[Work]] = [deque() for _ in range(lanes)]
        self._waiting: dict[int, Event] = {}  # lanes that wait for work
        #: What each lane has taken last, and not settled.
        self.held: list[Work | None] = [None] * lanes
        self._parts = 0
        self._most = _AHEAD * lanes + 2
        self._closed = False
        #: Bytes that were put in and are not settled.
        self.in_flight = 0

    # -- the reader's --

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes more may be in flight; when nothing is, they may in any case.

        Nor is more read ahead than keeps the lanes busy: what waits long leaves the caches.
        """
        if not self._parts:
            return True
        return self._parts < self._most and self.in_flight + size <= self._room

    @property
    def is_empty(self) -> bool:
        """Whether all that was put in is settled."""
        return not self._parts

    def put(self, work: Work) -> None:
        """Hand work over: to its own lane, or to whichever is free first."""
        with self._lock:
            self.in_flight += work.size
            self._parts += 1
            if work.lane is None:
                self._common.append(work)
                lane = next(iter(self._waiting), None)
            else:
                self._own[work.lane].append(work)
                lane = work.lane
            event = None if lane is None else self._waiting.pop(lane, None)
        if event is not None:
            event.set()

    def close(self) -> None:
        """No more work comes: lanes end when there is none left."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, {}
        for event in waiting.values():
            event.set()

    def give_up(self) -> list[Work]:
        """Take back what no lane has taken yet; no more comes."""
        with self._lock:
            left = [*self._common]
            self._common.clear()
            for own in self._own:
                left += own
                own.clear()
        self.close()
        for work in left:
            self.settled(work)
        return left

    # -- the lanes' --

    async def take(self, lane: int) -> Work | None:
        """The next work of a lane; None when there is none any more."""
        own, common = self._own[lane], self._common
        while True:
            with self._lock:
                if own or common:
                    work = self.held[lane] = (own or common).popleft()
                    return work
                if self._closed:
                    return None
                event = self._waiting[lane] = self._backend.event()
            await event.wait()

    def settled(self, work: Work) -> None:
        """Nothing of this work is in flight any more."""
        with self._lock:
            self.in_flight -= work.size
            self._parts -= 1
            self.held = [None if held is work else held for held in self.held]
        self._news.set()
