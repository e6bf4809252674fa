"""What a lane has to do: the documents of a batch, or some of them, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.values.sequences import EncodedDocuments

if TYPE_CHECKING:
    from mongodriver.ingest.batch import Batch, Reject
    from mongodriver.ingest.target import Target
    from mongodriver.ingest.tracker import Track

__all__ = ["Work", "divide"]


class Work:
    """Documents that one lane settles.

    :param statements: what is sent for each document, the documents themselves for inserts.
    :param documents: the documents, for dead letters; the same object where they are sent.
    :param positions: of the documents in their source.
    :param rejects: records that made no document, and have to be told.
    :param lane: the one lane that may do this; None: any.
    :param maybe_stored: an earlier run of the job may have sent these documents.
    """

    __slots__ = (
        "documents",
        "lane",
        "maybe_stored",
        "number",
        "own_ids",
        "positions",
        "rejects",
        "size",
        "source",
        "statements",
        "target",
        "track",
    )

    def __init__(
        self,
        target: Target,
        track: Track,
        batch: Batch | Work,
        documents: EncodedDocuments,
        positions: Any,
        rejects: list[Reject] | tuple[Reject, ...] = (),
        statements: EncodedDocuments | None = None,
        lane: int | None = None,
        maybe_stored: bool = False,
    ) -> None:
        self.target = target
        self.track = track
        self.number: int = batch.number
        self.source: str = batch.source
        self.own_ids: bool = batch.own_ids
        self.documents = documents
        self.statements = documents if statements is None else statements
        self.positions = positions
        self.rejects = rejects
        self.lane = lane
        self.maybe_stored = maybe_stored
        self.size = len(documents.data)
        if self.statements is not documents:
            self.size += len(self.statements.data)

    def some(self, places: Sequence[int], lane: int | None = None, rejects: Any = ()) -> Work:
        """The same for some of the documents, for a lane of their own."""
        documents = self.documents.some(places)
        statements = documents
        if self.statements is not self.documents:
            statements = self.statements.some(places)
        positions = [self.positions[index] for index in places]
        return Work(
            self.target,
            self.track,
            self,
            documents,
            positions,
            rejects,
            statements,
            lane,
            self.maybe_stored,
        )


def divide(work: Work, groups: Sequence[int], lanes: int) -> list[Work]:
    """The same as works for single lanes; documents of the same group go to the same one."""
    places: list[list[int]] = [[] for _ in range(lanes)]
    for index, group in enumerate(groups):
        places[group % lanes].append(index)
    parts = [work.some(own, lane) for lane, own in enumerate(places) if own]
    if not parts:
        return [work]
    parts[0].rejects = work.rejects
    return parts
