"""When log records are written: for as long as their loggers are enabled for them.

Nothing is asked of the loggers while nobody has changed a level: `logging` then empties what every
logger has remembered of its levels, and an empty memory is all that operations look for. A program
that has no use for `logging` does not load it because of us.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsonx.objectid import ObjectId

    from .observer import Observer, Subscriber

__all__ = ["REMEMBERED", "LogSwitch", "look_at_levels", "look_for_logging"]

#: What a logger that nobody asks remembers of its levels; `logging` empties it when a level of any
#: logger is changed. Until `logging` is loaded it holds something else.
REMEMBERED: dict[Any, bool] = {"not loaded": False}

#: What the records of each logger are made of.
_KINDS = {
    "pymongo.command": ("commands", "operations"),
    "pymongo.connection": ("pools",),
    "pymongo.serverSelection": ("selections",),
    "pymongo.topology": ("heartbeats", "servers", "topologies"),
}

_switches: weakref.WeakSet[LogSwitch] = weakref.WeakSet()


class LogSwitch:
    """Subscribes the records of one client, kind by kind, as long as they are wanted.

    :param id: of the client and its topology.
    :param tell_in_order: gives an event to a subscriber after those of the topology before it.
    :param changed: called after anything was subscribed or unsubscribed.
    :param make_lock: makes the lock that one thread at a time looks under.
    """

    def __init__(
        self,
        observer: Observer,
        id: ObjectId,
        tell_in_order: Callable[[Subscriber, Any], None],
        changed: Callable[[], None],
        make_lock: Callable[[], Any],
    ) -> None:
        self._observer = observer
        self._id = id
        self._tell_in_order = tell_in_order
        self._changed = changed
        self._make_lock = make_lock
        self._lock = make_lock()
        self._subscribers: dict[str, Subscriber] = {}
        self._on: set[str] = set()
        self._stale = False
        _switches.add(self)
        look_for_logging()
        self.look()

    def look(self) -> None:
        """Do what the levels of the loggers say. Waits for nobody: whoever is at it goes on."""
        if "not loaded" in REMEMBERED:
            return
        self._stale = True
        while self._stale and self._lock.acquire(blocking=False):
            try:
                self._stale = False
                if self._apply():
                    self._changed()
            finally:
                self._lock.release()

    def _apply(self) -> bool:
        """Whether anything was subscribed or unsubscribed."""
        from logging import DEBUG, getLogger

        before = set(self._on)
        for name, kinds in _KINDS.items():
            wanted = getLogger(name).isEnabledFor(DEBUG)
            for kind in kinds:
                if wanted and kind not in self._on:
                    self._observer.subscribe(kind, self._subscriber(kind))
                    self._on.add(kind)
                elif not wanted and kind in self._on:
                    self._observer.unsubscribe(kind, self._subscriber(kind))
                    self._on.discard(kind)
        return self._on != before

    def _subscriber(self, kind: str) -> Subscriber:
        if not self._subscribers:
            from .log_records import Records  # only now: most have no use for it

            records = Records(self._id)
            self._subscribers = {
                "commands": records.command,
                "operations": records.operation,
                "pools": records.pool,
                "selections": records.selection,
                "heartbeats": partial(self._tell_in_order, records.heartbeat),
                "servers": records.server,
                "topologies": records.topology,
            }
        return self._subscribers[kind]

    def after_fork(self) -> None:
        """In a child process: the thread that looked, if any did, is the parent's."""
        self._lock = self._make_lock()
        self.look()


def look_at_levels() -> None:
    """Have all clients do what the levels of the loggers say, after any of them has changed."""
    # First: who changes one in the meantime is noticed by the next operation. Its logger is not
    # asked, because one that a configuration has disabled remembers nothing.
    REMEMBERED["looked"] = True
    for switch in _all():
        switch.look()


def _all() -> list[LogSwitch]:
    while True:
        try:
            return list(_switches)
        except RuntimeError:
            continue  # another thread has just made a client


def look_for_logging() -> None:
    """Begin to heed the levels of loggers if the program has loaded `logging` by now."""
    if "not loaded" not in REMEMBERED or "logging" not in sys.modules:
        return
    from logging import getLogger

    getLogger("mongodriver.levels")._cache = REMEMBERED  # type: ignore[attr-defined]
    REMEMBERED.clear()
    look_at_levels()
