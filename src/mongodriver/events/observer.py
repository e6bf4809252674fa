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

__all__ = ["KINDS", "Observer", "publish"]

Subscriber = Callable[[Any], None]

#: What can be subscribed to; each is an attribute of `Observer`.
KINDS = (
    *("operations", "transactions", "selections", "commands"),
    *("pools", "heartbeats", "servers", "topologies"),
)


class Observer:
    """The subscribers of one client, in lists by kind: an empty one means that nobody listens.

    :param listeners: the user's, as the first subscribers.
    """

    __slots__ = KINDS

    operations: list[Subscriber]
    transactions: list[Subscriber]
    selections: list[Subscriber]
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

        :raises ValueError: for what is no kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no events are of the kind {kind!r}; there are {', '.join(KINDS)}")
        getattr(self, kind).append(subscriber)

    def unsubscribe(self, kind: str, subscriber: Subscriber) -> None:
        """Undo `subscribe`."""
        subscribers: list[Subscriber] = getattr(self, kind)
        if subscriber in subscribers:
            subscribers.remove(subscriber)


def publish(subscribers: Sequence[Subscriber], event: object) -> None:
    """Give an event to the subscribers of its kind."""
    for subscriber in subscribers:
        subscriber(event)
