"""Exceptions of the codec."""

from __future__ import annotations

from typing import Any

__all__ = ["BSONError", "InvalidBSON", "InvalidDocument", "InvalidId", "InvalidStringData"]

#: Characters of a path that a text shows.
_LONGEST = 300


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
    (``items[3].price``; empty for the document itself). The text ends with it, after PyMongo's own
    text, which is in ``args``.
    """

    path: str = ""

    def __init__(self, message: str, document: Any | None = None) -> None:
        super().__init__(message)
        self._document = document

    def __str__(self) -> str:
        text = super().__str__()
        if not self.path or self._document is None:  # not complete before it has its document
            return text
        path = self.path.replace("\0", "\\0")
        where = f" - at {path if len(path) <= _LONGEST else path[:_LONGEST] + '...'}"
        return text if text.endswith(where) else text + where

    @property
    def document(self) -> Any:
        """The top-level document that could not be encoded, or None."""
        return self._document


class InvalidId(BSONError):
    """A value that is not an ObjectId."""
