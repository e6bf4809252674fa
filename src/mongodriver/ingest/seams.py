"""What a job can be given to work with: where bad records go, where it keeps how far it came, and
who is told. Small protocols; nobody needs to inherit from them.

All their coroutines are called one at a time. In the blocking flavour they must not suspend: what
they await is what the collection's own flavour offers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mongodriver.ingest.batch import Code, Position

__all__ = ["Checkpoint", "DeadLetters", "Letter", "ProgressCallback", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that could not be stored.

    :param source: the name of the source.
    :param position: of the record there: line or number, from 1.
    :param code: the server's error code, or PARSE, ENCODE, UNSENT.
    :param error: why, for people.
    :param document: as BSON, where it became a document.
    :param raw: else the record as it was read, where it was text.
    :param value: else what a Python source gave, for its repr().
    """

    source: str
    position: int
    code: Code
    error: str
    document: bytes | None = None
    raw: bytes | None = None
    value: Any = None


class DeadLetters(Protocol):
    """Keeps the records that could not be stored."""

    async def add(self, letters: Sequence[Letter]) -> None:
        """Keep some more. A batch counts as done only after this.

        :raises DeadLetterError: where they cannot be kept; the job ends then, and a resumed one
            comes to these records again.
        """

    async def flush(self) -> None:
        """Make sure that they outlive the process: called before a checkpoint passes them."""


class Checkpoint(Protocol):
    """Remembers how far a job came, across processes."""

    async def begin(self, source: str) -> tuple[bytes | None, Position | None]:
        """What is known of a source: the seed of its ids, and where to go on.

        (None, None) where nothing is known.
        """

    async def keep_seed(self, source: str, seed: bytes) -> None:
        """Remember, durably, the seed of a source's ids: called before anything of it is sent."""

    async def advance(self, source: str, position: Position, letters: int) -> None:
        """Everything before this position is stored, or among the dead letters.

        :param letters: how many dead letters there are up to here, from all sources.
        """

    async def finish(self, source: str) -> None:
        """The source has been read to its end, and all of it is settled."""

    async def close(self) -> None:
        """The job has ended, well or not: make durable what was told last."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a job is.

    :param documents: confirmed by the server: stored, or settled as the mode says.
    :param records: read so far, bad ones included.
    :param rejected: dead letters.
    :param duplicates: met so far, whatever was done about them.
    :param retries: how often something was sent again.
    :param bytes: of BSON, confirmed.
    :param consumed: bytes of the sources that have been read, of `size`.
    :param size: of all sources together, None where one is not known.
    :param in_flight: bytes of BSON that have been read and are not confirmed.
    :param seconds: since the job began.
    :param p50: median time to the server's acknowledgement of a batch, seconds.
    :param p99: the same, which one in a hundred exceeds.
    """

    documents: int
    records: int
    rejected: int
    duplicates: int
    retries: int
    bytes: int
    consumed: int
    size: int | None
    in_flight: int
    seconds: float
    p50: float
    p99: float

    @property
    def documents_per_second(self) -> float:
        """Confirmed documents per second, on average; 0.0 when no time has passed."""
        return self.documents / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """The seconds that are left, as far as anybody can tell."""
        if not self.size or not self.consumed or not self.seconds:
            return None
        return max(self.size - self.consumed, 0) * self.seconds / self.consumed


class ProgressCallback(Protocol):
    """Is told how far a job is: a few times a second at most, and at its end."""

    def __call__(self, snapshot: Snapshot) -> None:
        """Show it. Blocks the job as long as it takes; what it raises ends the job."""
