"""Exceptions that are ours alone, beside the compatible ones of ``bsonx.errors``."""

from __future__ import annotations

from bsonx.errors import BSONError, InvalidDocument

__all__ = ["ArrowError", "DocumentTooLarge"]


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


class ArrowError(BSONError, ValueError):
    """Arrow data without a BSON form or that contradict themselves, BSON that fits no schema.

    ``column`` is the path of the column (``items.price``), ``row`` the number of the row or
    document in what is read, from 0 on; each is None where it is unknown or there is none.
    """

    def __init__(self, problem: str, column: str | None = None, row: int | None = None) -> None:
        super().__init__(problem, column, row)
        self.problem = problem
        self.column = column
        self.row = row

    def __str__(self) -> str:
        places = [] if self.column is None else [f"column {self.column!r}"]
        if self.row is not None:
            places.append(f"row {self.row}")
        return f"{', '.join(places)}: {self.problem}" if places else self.problem


ArrowError.__module__ = "bsonx.arrow"
DocumentTooLarge.__module__ = "bsonx.op_msg"
