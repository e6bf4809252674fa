"""Exceptions that are ours alone, beside the compatible ones of ``bsonx.errors``."""

from __future__ import annotations

from bsonx.errors import InvalidDocument

__all__ = ["DocumentTooLarge"]


class DocumentTooLarge(InvalidDocument):
    """A document whose BSON is larger than the server takes.

    ``index`` is its position in the batch, ``size`` and ``limit`` are bytes.
    """

    def __init__(self, index: int, size: int, limit: int) -> None:
        super().__init__(f"document {index} has {size} bytes of BSON, the limit is {limit}")
        self.index = index
        self.size = size
        self.limit = limit

    def __reduce__(self) -> tuple[type[DocumentTooLarge], tuple[int, int, int]]:
        return type(self), (self.index, self.size, self.limit)


DocumentTooLarge.__module__ = "bsonx.op_msg"
