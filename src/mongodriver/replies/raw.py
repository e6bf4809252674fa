"""Batches as bytes, for cursors that leave decoding to their user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from bsonx.raw_bson import RawBSONDocument

from .fields import documents

__all__ = ["RAW_FIELDS", "RawBatch", "raw_batch", "raw_codec_options", "with_joined_batch"]

#: The reply's batches, left as bytes.
RAW_FIELDS = frozenset({"firstBatch", "nextBatch"})


def raw_codec_options(codec_options: Any) -> Any:
    """The same options with documents left as bytes."""
    return codec_options.with_options(document_class=RawBSONDocument)


class RawBatch:
    """The documents of a batch as bytes, one behind the other; its length is their number.

    :param last: where the last one begins.
    """

    __slots__ = ("_count", "data", "last")

    def __init__(self, data: bytes, count: int, last: int) -> None:
        self.data = data
        self.last = last
        self._count = count

    @classmethod
    def of(cls, found: Sequence[Any]) -> Self:
        """Raw documents as a batch."""
        data = [document.raw for document in found]
        joined = b"".join(data)
        return cls(joined, len(data), len(joined) - len(data[-1]) if data else 0)

    def __len__(self) -> int:
        return self._count

    def items(self) -> list[bytes]:
        """What the user of a raw cursor gets: all as one item; none where there are none."""
        return [self.data] if self._count else []


def raw_batch(cursor: Mapping[str, Any], field: str, options: Any) -> RawBatch:
    """The batch of a reply that was decoded as joined.

    :raises ProtocolError: for what is no list of documents.
    """
    found = cursor.get(field)
    if type(found) is tuple:
        return RawBatch(*found)
    return RawBatch.of(documents(cursor, field, options))


def with_joined_batch(reply: Mapping[str, Any]) -> dict[str, Any]:
    """A cursor's reply whose batch is as the user sees it: one bytes object."""
    cursor = reply.get("cursor")
    if not isinstance(cursor, dict):
        return dict(reply)
    found = {name: cursor[name] for name in RAW_FIELDS if isinstance(cursor.get(name), tuple)}
    batches = {name: RawBatch(*joined).items() for name, joined in found.items()}
    return {**reply, "cursor": {**cursor, **batches}}
