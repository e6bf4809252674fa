"""The one place where a client tells what it does, at the borders of its stages.

Whatever wants to know (listeners, log records, spans) subscribes to kinds of events. Every border
asks first whether its kind has subscribers: no event is made for nobody, and what is watched goes
the same way as what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .listeners import EventListeners

__all__ = ["KINDS", "Observer", "OperationEnded", "OperationStarted", "publish"]

Subscriber = Callable[[Any], None]

#: What can be subscribed to; each is an attribute of `Observer`.
KINDS = ("operations", "commands", "pools", "heartbeats", "servers", "topologies")


class Observer:
    """The subscribers of one client, in lists by kind: an empty one means that nobody listens.

    :param listeners: the user's, as the first subscribers.
    """

    __slots__ = KINDS

    operations: list[Subscriber]
    commands: list[Subscriber]
    pools: list[Subscriber]
    heartbeats: list[Subscriber]
    servers: list[Subscriber]
    topologies: list[Subscriber]

    def __init__(self, listeners: EventListeners | None = None) -> None:
        for kind in KINDS:
            setattr(self, kind, [])
        if listeners is not None:
            listeners.subscribe_to(self)

    def subscribe(self, kind: str, subscriber: Subscriber) -> None:
        """Have a function called with every event of a kind, in the thread where it happens.

        To be done before the client is used: stages look at the lists only once.
        :raises ValueError: for what is no kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no events are of the kind {kind!r}; there are {', '.join(KINDS)}")
        getattr(self, kind).append(subscriber)


def publish(subscribers: Sequence[Subscriber], event: object) -> None:
    """Give an event to the subscribers of its kind."""
    for subscriber in subscribers:
        subscriber(event)


class OperationStarted:
    """An operation begins: all its attempts, and the waiting between them, come after this.

    :param execution: its state; a subscriber may keep what belongs to it in ``execution.span``.
    """

    __slots__ = ("execution",)

    def __init__(self, execution: Any) -> None:
        self.execution = execution


class OperationEnded:
    """An operation is over.

    :param error: what it raised, or None.
    """

    __slots__ = ("error", "execution")

    def __init__(self, execution: Any, error: BaseException | None) -> None:
        self.execution = execution
        self.error = error
