"""Instances of classes with typed fields as they go on the wire, and their ids."""

from __future__ import annotations

from typing import Any

from bsonx.raw_bson import RawBSONDocument

__all__ = ["IdentifiedDocument", "identity_of"]


class IdentifiedDocument(RawBSONDocument):
    """An instance as it goes on the wire, with an ``_id`` in any case: `identity`."""

    identity: Any


def identity_of(document: object) -> Any:
    """Return the ``_id`` of what was an instance; None of any other document."""
    return document.identity if isinstance(document, IdentifiedDocument) else None
