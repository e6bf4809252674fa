"""When log records are written: for as long as their loggers are enabled for them.

Nothing is asked of the loggers while nobody has changed a level: `logging` then empties what each
logger has remembered of its levels, and an empty memory is all that operations look for.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .log_records import COMMAND, CONNECTION, SERVER_SELECTION, TOPOLOGY, Records

if TYPE_CHECKING:
    from bsonx.objectid import ObjectId

    from .observer import Observer, Subscriber

__all__ = ["REMEMBERED", "LogSwitch", "look_at_levels"]

#: What the logger of commands remembers of its levels; empty after any change of any level.
REMEMBERED: dict[int, bool] = getattr(COMMAND, "_cache", {logging.DEBUG: False})

_switches: weakref.WeakSet[LogSwitch] = weakref.WeakSet()
_lock = threading.Lock()


class LogSwitch:
    """Subscribes the records of one client, kind by kind, as long as they are wanted.

    Records of servers and topologies are written only if they were wanted when the client opened.

    :param id: of the client and its topology.
    :param tell_in_order: gives an event to a subscriber after those of the topology before it.
    """

    def __init__(
        self, observer: Observer, id: ObjectId, tell_in_order: Callable[[Subscriber, Any], None]
    ) -> None:
        self._observer = observer
        records = Records(id)
        self._subscribers = {
            "commands": (COMMAND, records.command),
            "operations": (COMMAND, records.operation),
            "pools": (CONNECTION, records.pool),
            "selections": (SERVER_SELECTION, records.selection),
            "heartbeats": (TOPOLOGY, partial(tell_in_order, records.heartbeat)),
            "servers": (TOPOLOGY, records.server),
            "topologies": (TOPOLOGY, records.topology),
        }
        self._on: set[str] = set()
        with _lock:
            _switches.add(self)
            self._look()

    def _look(self) -> None:
        for kind, (logger, subscriber) in self._subscribers.items():
            wanted = logger.isEnabledFor(logging.DEBUG)
            if wanted == (kind in self._on):
                continue
            if wanted:
                self._observer.subscribe(kind, subscriber)
                self._on.add(kind)
            else:
                self._observer.unsubscribe(kind, subscriber)
                self._on.discard(kind)


def look_at_levels() -> None:
    """Do what the levels of the loggers say, after any of them may have changed."""
    with _lock:
        for switch in list(_switches):
            switch._look()
        COMMAND.isEnabledFor(logging.DEBUG)  # remembered again, even without any client
