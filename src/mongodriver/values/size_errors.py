"""The server's errors about documents that are too large: they are `DocumentTooLarge` as well.

Which of the two limits refuses a document, the driver's before it is sent or the server's when it
stores it, depends on a few bytes more. Whoever catches one exception need not know; whoever
catches PyMongo's gets an instance of a class of the same name.
"""

from __future__ import annotations

from typing import Any

from . import errors
from .errors import DocumentTooLarge

__all__ = ["too_large"]


class OperationFailure(errors.OperationFailure, DocumentTooLarge):
    """A command would have stored a document larger than the server's limit."""


class WriteError(errors.WriteError, DocumentTooLarge):
    """A write would have stored a document larger than the server's limit."""


class BulkWriteError(errors.BulkWriteError, DocumentTooLarge):
    """A bulk failed, at least one of its writes because its document was too large."""


class ClientBulkWriteException(errors.ClientBulkWriteException, DocumentTooLarge):
    """A client's bulk failed, at least one of its writes because its document was too large."""


_TOO_LARGE = {
    errors.OperationFailure: OperationFailure,
    errors.WriteError: WriteError,
    errors.BulkWriteError: BulkWriteError,
    errors.ClientBulkWriteException: ClientBulkWriteException,
}


def too_large(kind: Any) -> Any:
    """The class of the same errors that are about sizes; the class itself where there is none."""
    return _TOO_LARGE.get(kind, kind)
