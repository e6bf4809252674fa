"""What flows through a job: batches of BSON documents, encoded, with where each came from."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "ENCODE",
    "FILE",
    "PARSE",
    "UNSENT",
    "Batch",
    "BatchLimits",
    "Code",
    "Ids",
    "Position",
    "Reject",
    "consecutive",
]

Code = int | str
"""A server's error code, or one of PARSE, ENCODE, UNSENT and FILE."""

PARSE: Literal["parse"] = "parse"  # the text is no document
ENCODE: Literal["encode"] = "encode"  # the document cannot be a BSON document
UNSENT: Literal["unsent"] = "unsent"  # the job ended before the server had confirmed it
FILE: Literal["file"] = "file"  # a source could not be read (to its end)

Position = dict[str, Any]
"""Where reading goes on: plain values of JSON, of which only the source's reader knows the sense.

Every reader puts ``"documents"`` there, how many documents lie before it: from that follow the ids
of those behind it (`Ids.first`).
"""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What a reader is to put into one batch at most.

    A batch ends with the document that reaches the first of these; one document makes a batch in
    any case.

    :param documents: how many; rejects count as well, so that a source of bad records ends
        somewhere, too.
    :param bytes: of BSON, all documents together; the last one may go beyond it.
    :param seconds: from the call of `read` on; a reader that waits for its source gives what it
        has by then. None: it waits until the batch is full.
    """

    documents: int = 10_000
    bytes: int = 4 << 20
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that made no document.

    :param position: of the record in its source, as in `Batch.positions`.
    :param error: why, in one line for people; names the field where one is at fault.
    :param code: PARSE for text that is no document, ENCODE for values that are no BSON.
    :param raw: the record as it was read, or None where there is no text.
    :param value: what the source gave, where that is no text: for its repr() only.
    :param document: what it became, where it is a document but has not what the job needs.
    """

    position: int
    error: str
    code: Code = PARSE
    raw: bytes | None = None
    value: Any = None
    document: bytes | None = None


class Ids:
    """The ids of the documents of one source that bring none: ObjectIds, each a function of the
    document's number. Who reads a source again from anywhere gives the same ones once more.

    :param seed: 9 bytes, seconds and random; None for new ones.
    """

    __slots__ = ("_random", "_seconds")

    def __init__(self, seed: bytes | None = None) -> None:
        if seed is None:
            seed = int(time.time()).to_bytes(4, "big") + os.urandom(5)
        if len(seed) != 9:
            raise ValueError(f"the seed of ids has 9 bytes, not {len(seed)}")
        self._seconds = int.from_bytes(seed[:4], "big")
        self._random = seed[4:]

    @property
    def seed(self) -> bytes:
        """What makes the same ids again: 9 bytes."""
        return self._seconds.to_bytes(4, "big") + self._random

    def first(self, number: int) -> bytes:
        """The id of the document `number` (from 0) of the source, 12 bytes.

        This is what functions that encode batches take as ``first_id``: that of the batch's first
        document, from which they count on, for documents that bring their own as well.
        """
        seconds = (self._seconds + (number >> 24)) & 0xFFFFFFFF
        return seconds.to_bytes(4, "big") + self._random + (number & 0xFFFFFF).to_bytes(3, "big")


def consecutive(lines: memoryview) -> memoryview | range:
    """Numbers of lines as `Batch.positions`: a range where they are consecutive."""
    if lines and lines[-1] - lines[0] == len(lines) - 1:
        return range(lines[0], lines[-1] + 1)
    return lines


class Batch:
    """Documents one behind the other, as a document sequence of OP_MSG has them.

    :param source: its name, for reports.
    :param data: the documents.
    :param ends: where each ends in `data`: native uint32, in bytes or anything with a buffer.
    :param positions: where each came from: the number of its line or record, from 1. A `range`
        where they are consecutive.
    :param rejects: the bad records between the documents and before the next batch.
    :param resume: where reading goes on behind this batch; None where a source cannot do so.
    :param read: how many bytes of the source (unpacked) it was made of; 0 where there are none.
    :param own_ids: every document has an `_id` that was made by its reader (from `Ids`), so that
        nobody else can have stored one like it. False where any document brought its own.
    """

    __slots__ = (
        "data",
        "ends",
        "number",
        "own_ids",
        "positions",
        "read",
        "rejects",
        "resume",
        "source",
    )

    def __init__(
        self,
        source: str,
        data: bytes,
        ends: bytes | memoryview,
        positions: Any,
        rejects: list[Reject] | tuple[Reject, ...] = (),
        resume: Position | None = None,
        read: int = 0,
        own_ids: bool = False,
    ) -> None:
        self.source = source
        self.data = data
        self.ends = memoryview(ends).cast("B").cast("I")
        self.positions = positions
        self.rejects = rejects
        self.resume = resume
        self.read = read
        self.own_ids = own_ids
        #: Its place among the batches of its source, from 0; the engine counts.
        self.number = 0

    def __len__(self) -> int:
        """How many documents there are; none in a batch that only has rejects."""
        return len(self.ends)

    def document(self, index: int) -> bytes:
        """The document at a place, as BSON."""
        start = self.ends[index - 1] if index else 0
        return self.data[start : self.ends[index]]

    def __repr__(self) -> str:
        """Name, count and size, but nothing of the documents."""
        return f"<Batch of {self.source!r}: {len(self)} documents, {len(self.data)} bytes>"
