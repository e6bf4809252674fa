"""Documents that travel beside a command's body and are encoded already."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from bsonx.raw_bson import RawBSONDocument

__all__ = ["DocumentSequences", "EncodedDocuments"]


class DocumentSequences:
    """Several sequences of one message (OP_MSG section kind 1).

    :param documents: the documents of each by its name, as events show them.
    :param encoded: the same documents as BSON.
    """

    __slots__ = ("documents", "encoded")

    def __init__(self, documents: dict[str, list[Any]], encoded: dict[str, list[bytes]]) -> None:
        self.documents = documents
        self.encoded = encoded


class EncodedDocuments:
    """Documents one behind the other, of which a message takes as many as its limits allow.

    :param data: the documents; they are sent from there.
    :param ends: where each ends in `data`: a memoryview of unsigned numbers.
    """

    __slots__ = ("data", "ends")

    def __init__(self, data: bytes, ends: memoryview[int]) -> None:
        self.data = data
        self.ends = ends

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, where: slice) -> list[RawBSONDocument]:
        """Documents as events show them; they are made when somebody looks."""
        start, stop, _ = where.indices(len(self))
        return [RawBSONDocument(self.document(index)) for index in range(start, stop)]

    @classmethod
    def of(cls, documents: Iterable[bytes]) -> EncodedDocuments:
        """Of single documents."""
        parts = list(documents)
        ends = array("I", accumulate(map(len, parts)))
        return cls(b"".join(parts), memoryview(ends))

    def some(self, indexes: Sequence[int]) -> EncodedDocuments:
        """Some of them, copied; all of them if that is what they are."""
        if len(indexes) == len(self.ends):
            return self
        return EncodedDocuments.of(self.document(index) for index in indexes)

    def begin(self, index: int) -> int:
        """Where the document at a place begins in `data`."""
        return self.ends[index - 1] if index else 0

    def size(self, index: int) -> int:
        """The bytes of the document at a place."""
        return self.ends[index] - self.begin(index)

    def document(self, index: int) -> bytes:
        """The document at a place, as BSON."""
        return self.data[self.begin(index) : self.ends[index]]

    def stop(self, start: int, count: int, room: int, largest: int) -> int:
        """The index after the last document that goes into a message with that at `start`.

        It takes one at least; none that is larger than `largest` behind another one.

        :param count: how many documents a message may have.
        :param room: how many bytes of them.
        """
        last = min(len(self.ends), start + max(count, 1))
        begin = self.begin(start)
        stop = bisect_right(self.ends, begin + room, start, last)
        if self.ends[last - 1] - begin <= largest:
            return max(stop, start + 1)
        before = begin
        for index in range(start, stop):
            end = self.ends[index]
            if end - before > largest:
                return max(index, start + 1)
            before = end
        return max(stop, start + 1)
