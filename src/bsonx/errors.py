"""Exceptions of the codec."""

from __future__ import annotations

from typing import Any

__all__ = ["BSONError", "InvalidBSON", "InvalidDocument", "InvalidId", "InvalidStringData"]


class BSONError(Exception):
    """Base class of all exceptions of this package."""


class InvalidBSON(BSONError):
    """Bytes that are not BSON, or values in them that the options do not allow.

    ``offset`` is the position in the input where the problem was seen, or None if unknown.
    """

    offset: int | None = None


class InvalidStringData(BSONError):
    """Text that must be UTF-8 is not."""


class InvalidDocument(BSONError):
    """A document that BSON cannot hold.

    ``document`` is the whole top-level document, ``path`` says where in it the problem is
    (``items[3].price``; empty for the document itself).
    """

    path: str = ""

    def __init__(self, message: str, document: Any | None = None) -> None:
        super().__init__(message)
        self._document = document

    @property
    def document(self) -> Any:
        """The top-level document that could not be encoded, or None."""
        return self._document


class InvalidId(BSONError):
    """A value that is not an ObjectId."""
