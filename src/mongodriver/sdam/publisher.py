"""The events of servers and topologies, given to their listeners in a coroutine of their own.

A listener may take its time, or use the client: discovery goes on meanwhile, and the events wait,
in the order in which they happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import events
from ..events.observer import publish
from ..io.reports import Reports
from .topology_description import TOPOLOGY_TYPE, TopologyDescription

if TYPE_CHECKING:
    from ..events.observer import Observer, Subscriber
    from ..io.base import Address, Backend, Event, Task

    #: An event, and whom it is for.
    Addressed = tuple[Sequence[Subscriber], Any]


class Publisher:
    """Runs while its topology is open, if anybody listened when that was opened.

    Who begins to listen later is told by those who change the topology, see `flush`. What adds
    events may be called under a lock.

    :param topology_id: of the topology, for its events.
    """

    def __init__(self, backend: Backend, observer: Observer, topology_id: Any) -> None:
        self._backend = backend
        self._servers = observer.servers
        self._topologies = observer.topologies
        self._topology_id = topology_id
        self._reports = Reports(backend)
        self._queue: deque[Addressed] = deque()
        self.after_fork()

    def after_fork(self) -> None:
        """The coroutine and what it had left to tell are the parent's."""
        self._queue.clear()
        self._wake: Event | None = None
        self._task: Task | None = None
        #: The coroutine runs, or is about to: nobody else publishes anything.
        self._runs = False
        self._stopped = False

    def prepare(self) -> None:
        """Decide whether to run, before anybody can have anything to publish. No I/O."""
        self._runs = self._is_heard

    @property
    def _is_heard(self) -> bool:
        """Whether anybody listens; else no event is made."""
        return bool(self._servers or self._topologies)

    def start(self) -> None:
        if self._task is None and self._runs:
            self._wake = self._backend.event()
            self._task = self._backend.spawn(self._run, "mongodriver events")

    def stop(self) -> None:
        """End once all is published."""
        self._stopped = True
        if self._wake is not None:
            self._wake.set()
        if self._task is None:
            self._publish_queued()

    def abort(self) -> None:
        """End at once. From a finalizer too."""
        self._queue.clear()
        self._stopped = True
        if self._wake is not None:
            self._wake.set()

    async def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            await self._task.join(timeout)

    async def _run(self) -> None:
        assert self._wake is not None
        while True:
            stopped = self._stopped  # looked at first: what was added before it is published
            self._publish_queued()
            if stopped:
                return
            await self._wake.wait()
            self._wake.clear()

    def _publish_queued(self) -> None:
        while self._queue:
            subscribers, event = self._queue.popleft()
            try:
                publish(subscribers, event)
            except Exception as exc:
                self._reports.add(exc)  # the events to come have listeners as well

    # -- what has happened --

    def add(self, events: Iterable[Addressed]) -> None:
        """Have events published after those before them. Does not wait for anything."""
        for subscribers, event in events:
            if subscribers:
                self._queue.append((subscribers, event))
        if self._queue and self._wake is not None:
            self._wake.set()

    @property
    def has_left_behind(self) -> bool:
        """Whether there are events that nothing in the background will publish."""
        return not self._runs and bool(self._queue)

    def flush(self) -> None:
        """Publish them. Not under a lock, and in one thread at a time."""
        if not self._runs:
            self._publish_queued()

    def tell_in_order(self, subscriber: Subscriber, event: Any) -> None:
        """Give an event of another kind to a subscriber, after those that happened before it."""
        if self._stopped or not (self._runs or self._queue):
            subscriber(event)
        else:
            self.add([((subscriber,), event)])

    def opening(self, description: TopologyDescription) -> None:
        """A topology opens, and is described so."""
        if not self._is_heard:
            return
        id = self._topology_id
        nothing = _without_servers(description)
        self.add(
            [
                (self._topologies, events.classes.TopologyOpenedEvent(id)),
                (
                    self._topologies,
                    events.classes.TopologyDescriptionChangedEvent(nothing, description, id),
                ),
            ]
        )
        self.add(
            (self._servers, events.classes.ServerOpeningEvent(address, id))
            for address in description.server_descriptions()
        )

    def closing(self, description: TopologyDescription, members: Iterable[Address]) -> None:
        """A topology closes that was described so last."""
        if not self._is_heard:
            return
        id = self._topology_id
        nothing = _without_servers(description)
        self.add(
            (self._servers, events.classes.ServerClosedEvent(address, id)) for address in members
        )
        self.add(
            [
                (
                    self._topologies,
                    events.classes.TopologyDescriptionChangedEvent(description, nothing, id),
                ),
                (self._topologies, events.classes.TopologyClosedEvent(id)),
            ]
        )

    def changes(
        self, old: TopologyDescription, new: TopologyDescription, address: Address
    ) -> list[Addressed]:
        """The events of a new description, which was made because of one server's.

        They are not added yet: comparing descriptions may raise, and then nothing has happened.
        """
        servers, id = self._servers, self._topology_id
        if not servers and not self._topologies:
            return []
        before, after = old.server_descriptions(), new.server_descriptions()
        found: list[Addressed] = []
        changed = after.get(address, before[address])
        if changed != before[address]:
            event = events.classes.ServerDescriptionChangedEvent(
                before[address], changed, address, id
            )
            found.append((servers, event))
        return found + self.moves(old, new)

    def moves(self, old: TopologyDescription, new: TopologyDescription) -> list[Addressed]:
        """The events of members that come and leave, and of the description as a whole."""
        servers, topologies, id = self._servers, self._topologies, self._topology_id
        if not self._is_heard:
            return []
        before, after = old.server_descriptions(), new.server_descriptions()
        added, gone = after.keys() - before.keys(), before.keys() - after.keys()
        found: list[Addressed] = [
            (servers, events.classes.ServerOpeningEvent(other, id)) for other in added
        ]
        found += [(servers, events.classes.ServerClosedEvent(other, id)) for other in gone]
        if before != after:
            found.append((topologies, events.classes.TopologyDescriptionChangedEvent(old, new, id)))
        return found


def _without_servers(description: TopologyDescription) -> TopologyDescription:
    """What the events report before the first and after the last server."""
    return TopologyDescription(
        TOPOLOGY_TYPE.Unknown, {}, None, None, None, description._topology_settings
    )
