"""Documents that travel beside a command's body: several document sequences of one message."""

from __future__ import annotations

from typing import Any

__all__ = ["DocumentSequences"]


class DocumentSequences:
    """Sequences (OP_MSG section kind 1) that are encoded already.

    :param documents: the documents of each by its name, as events show them.
    :param encoded: the same documents as BSON.
    """

    __slots__ = ("documents", "encoded")

    def __init__(self, documents: dict[str, list[Any]], encoded: dict[str, list[bytes]]) -> None:
        self.documents = documents
        self.encoded = encoded
