"""What is done once the fate of records is known: report, dead letters, then the checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mongodriver.ingest.batch import UNSENT, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.seams import Letter
from mongodriver.io.mutex import Mutex

if TYPE_CHECKING:
    from mongodriver.ingest.delivery import Outcome
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.seams import Checkpoint, DeadLetters
    from mongodriver.ingest.telling import Telling
    from mongodriver.ingest.work import Work
    from mongodriver.io.base import Backend

__all__ = ["Settling"]


class Settling:
    """Tells, one work at a time, what became of it."""

    def __init__(
        self,
        backend: Backend,
        options: IngestOptions,
        telling: Telling,
        letters: DeadLetters | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self._max_errors = options.max_errors
        self._telling = telling
        self._letters = letters
        self._checkpoint = checkpoint
        self._mutex = Mutex(backend)
        self._count = 0

    async def settle(self, work: Work, outcome: Outcome, sent: int) -> None:
        """A work is done; of its documents so many were sent, or left out for good.

        :raises IngestError: when more records were rejected than the job is to bear.
        :raises Exception: what dead letters or checkpoint raise; the job cannot go on then.
        """
        letters = [_of_reject(work.source, reject) for reject in work.rejects]
        letters += [
            _letter(work, failure.index, failure.code, failure.message)
            for failure in outcome.failures
        ]
        unsent = range(sent, len(work.documents))
        behind = [_letter(work, index, UNSENT, _BEHIND) for index in unsent]
        self._telling.settled(work, outcome, len(behind), [*letters, *behind])
        await self._mutex.acquire(None)
        try:
            await self._keep([*letters, *behind])
            if not behind:
                await self._advance(work)
        finally:
            self._mutex.release()
        self._telling.show()
        rejected = self._telling.report.rejected
        if self._max_errors is not None and rejected > self._max_errors:
            raise IngestError(f"more than {self._max_errors:,} records were rejected")

    async def _advance(self, work: Work) -> None:
        position = work.track.settle(work.number)
        if position is not None and self._checkpoint is not None:
            if self._letters is not None:
                await self._letters.flush()
            await self._checkpoint.advance(work.source, position, self._count)

    async def _keep(self, letters: Sequence[Letter]) -> None:
        if letters and self._letters is not None:
            await self._letters.add(letters)
            self._count += len(letters)

    async def unsent(self, works: Iterable[Work], problem: str) -> None:
        """Nobody knows what became of the documents of these works: each is named."""
        for work in works:
            letters = [_of_reject(work.source, reject) for reject in work.rejects]
            letters += [
                _letter(work, index, UNSENT, problem) for index in range(len(work.documents))
            ]
            self._telling.unsent(letters)
            await self._mutex.acquire(None)
            try:
                await self._keep(letters)
            finally:
                self._mutex.release()

    async def finish(self, source: str) -> None:
        """A source has been read, and all of it is settled."""
        if self._checkpoint is not None:
            await self._mutex.acquire(None)
            try:
                await self._checkpoint.finish(source)
            finally:
                self._mutex.release()


_BEHIND = "the job ends with the first record that cannot be stored"


def _letter(work: Work, index: int, code: int | str, error: str) -> Letter:
    document = work.documents.document(index)
    return Letter(work.source, work.positions[index], code, error, document)


def _of_reject(source: str, reject: Reject) -> Letter:
    return Letter(
        source,
        reject.position,
        reject.code,
        reject.error,
        reject.document,
        reject.raw,
        reject.value,
    )
