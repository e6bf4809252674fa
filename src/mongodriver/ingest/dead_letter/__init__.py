"""Where records go that could not be stored, so that they can be repaired and loaded after all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from mongodriver.ingest.dead_letter.entry import DeadRecord
from mongodriver.ingest.dead_letter.files import FileDeadLetter
from mongodriver.ingest.dead_letter.others import CallableDeadLetter, CollectionDeadLetter
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.outputs import InputFile
from mongodriver.public.collection_base import CollectionBase

__all__ = [
    "CallableDeadLetter",
    "CollectionDeadLetter",
    "DeadLetter",
    "DeadLetterTarget",
    "DeadRecord",
    "FileDeadLetter",
    "make_dead_letter",
]


@runtime_checkable
class DeadLetter(Protocol):
    """Takes dead records. Used by several threads at once, or several coroutines."""

    def check(self, sources: Iterable[InputFile]) -> None:
        """Raise IngestError when writing would destroy one of the sources."""

    async def settled(self) -> set[tuple[str, int]]:
        """Return (source, position) of the records that an earlier run of the job found dead."""

    async def add(self, records: Sequence[DeadRecord]) -> None:
        """Keep records; from then on a killed process does not lose them.

        Raises DeadLetterError when that is not possible.
        """

    def sync(self) -> None:
        """Return when they would outlive a failure of power; slow. Raises DeadLetterError."""

    def close(self) -> None:
        """Close what has been opened."""


DeadLetterTarget = (
    str
    | os.PathLike[str]
    | CollectionBase[Any, Any, Any]
    | DeadLetter
    | Callable[[DeadRecord], Any]
)


def make_dead_letter(
    target: DeadLetterTarget,
    sources: Iterable[InputFile] = (),
    *,
    resume: bool = False,
    job: str | None = None,
    blocking: bool = False,
) -> DeadLetter:
    """Return the dead letter for what a caller gives: a path, a collection, or a function.

    :param target: the path of an NDJSON file, or of a BSON file (`.bson`); a collection; a function
        that takes a DeadRecord; or a dead letter.
    :param sources: what is to be read, and so must not be written to.
    :param resume: go on with what an earlier run of the job has left there.
    :param job: the job's id, if it can be resumed.
    :param blocking: there is no loop that the function may wait for.
    :raises IngestError: when it cannot be written to, OSError the same.
    """
    if isinstance(target, str | os.PathLike):
        if not os.fspath(target):
            raise IngestError("the path of the dead letter is empty")
        return FileDeadLetter(target, sources, resume=resume)
    if isinstance(target, CollectionBase):
        return CollectionDeadLetter(target, job)
    if isinstance(target, DeadLetter):
        return target
    if callable(target):
        return CallableDeadLetter(target, blocking=blocking)
    kind = type(target).__name__
    raise IngestError(f"a dead letter is a path, a collection or a function, not {kind}")
