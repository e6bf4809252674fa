"""One lane: a thread or a task that settles one work after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from mongodriver.execution.timeouts import until
from mongodriver.ingest.delivery import Acknowledged, Delivery, Outcome
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.retrying import JobStopped, Patience

if TYPE_CHECKING:
    from mongodriver.ingest.channel import Channel
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.settling import Settling
    from mongodriver.ingest.work import Work
    from mongodriver.io.base import Backend, Event, Task
    from mongodriver.io.deadline import Deadline

__all__ = ["Lane"]


class Lane:
    """Takes work from the channel, has it delivered, and tells what became of it.

    :param limit: the time limit of the block of code that the job is done in.
    """

    def __init__(
        self,
        number: int,
        backend: Backend,
        options: IngestOptions,
        channel: Channel,
        settling: Settling,
        acknowledged: Acknowledged,
        limit: Deadline | None = None,
    ) -> None:
        self._number = number
        self._backend = backend
        self._options = options
        self._channel = channel
        self._settling = settling
        self._acknowledged = acknowledged
        self._limit = limit
        self._lock = threading.Lock()
        self._told: Work | None = None  # what became of it is known
        self._abandoned = False
        self._task: Task | None = None
        self._stop: Event = backend.event()
        #: It has ended, or was never begun.
        self.is_done = True

    def start(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin, in the background."""
        self.is_done = False
        self._task = self._backend.spawn(main, "mongodriver ingest lane")

    async def run(self) -> None:
        """Settle work until there is no more.

        :raises Exception: what ends the job. The work at hand is then what `abandon` gives.
        """
        try:
            while (work := await self._channel.take(self._number)) is not None:
                await self._do(work)
                self._channel.settled(work)
        except JobStopped:
            pass

    async def _do(self, work: Work) -> None:
        if self._abandoned:
            raise JobStopped
        to_send = self._before_first_reject(work) if self._options.ordered else work
        patience = Patience(self._options.retry_seconds, self._stop, self._limit)
        delivery = Delivery(to_send, self._options, patience, self._acknowledged)
        with until(self._limit):
            outcome = await delivery.run()
        with self._lock:
            if self._abandoned:
                raise JobStopped
            self._told = work
        sent = len(to_send.documents)
        if self._options.ordered and outcome.fatal is not None:
            sent = outcome.fatal + 1
        await self._settling.settle(work, outcome, sent)
        problem = self._problem(work, outcome)
        if problem is not None:
            raise IngestError(problem)

    def _before_first_reject(self, work: Work) -> Work:
        """In an ordered job nothing is stored behind a bad record."""
        if not work.rejects:
            return work
        first = min(reject.position for reject in work.rejects)
        count = sum(position < first for position in work.positions)
        return work.some(range(count))

    def _problem(self, work: Work, outcome: Outcome) -> str | None:
        """What ends the job, in a sentence."""
        if outcome.fatal is not None:
            failure = next(one for one in outcome.failures if one.index == outcome.fatal)
            return f"{work.source}:{work.positions[outcome.fatal]}: {failure.message}"
        if self._options.ordered and work.rejects:
            reject = min(work.rejects, key=lambda reject: reject.position)
            return f"{work.source}:{reject.position}: {reject.error}"
        return None

    def abandon(self) -> Work | None:
        """Wait no longer for this lane: what it has begun, and nobody will hear of any more.

        From any thread. The lane ends as soon as it can.
        """
        with self._lock:
            self._abandoned = True
            work = self._channel.held[self._number]
            if work is self._told:
                work = None
            self._told = work or self._told
        if not self.is_done:
            self._stop.set()
            if self._task is not None:
                self._task.cancel()
        return work

    async def join(self, seconds: float) -> None:
        """Wait until it has ended, but not for longer than that."""
        if self._task is not None:
            await self._task.join(seconds)
