"""Events that are told by somebody else than those they occur to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["process_events_queue"]


def process_events_queue(queue_ref: Callable[[], Any]) -> bool:
    """Call what is in a queue of (function, arguments), and return whether it is still there.

    :param queue_ref: a weak reference to the queue.
    """
    from queue import Empty

    queue = queue_ref()
    if not queue:
        return False
    while True:
        try:
            function, arguments = queue.get_nowait()
        except Empty:
            return True
        function(*arguments)
