"""The message of a structured log record (logging specification)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bsonx import json_util

__all__ = ["LogMessage", "document_text"]

#: The environment variables that hold the longest text of a document, the first one that is set:
#: the specification's, and PyMongo's.
_LIMITS = ("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "MONGOB_LOG_MAX_DOCUMENT_LENGTH")
_DEFAULT_LIMIT = 1000


class LogMessage:
    """Its fields, which become a JSON object when somebody reads it.

    :param message: what has happened.
    :param fields: values that extended JSON knows; those of `documents` are documents, which
        become text within the text, cut after ``MONGODB_LOG_MAX_DOCUMENT_LENGTH`` characters
        (1000; "unlimited" for all).
    """

    __slots__ = ("_documents", "_fields", "_message")

    def __init__(
        self, message: str, fields: Mapping[str, Any], documents: Mapping[str, Any] | None = None
    ) -> None:
        self._message = message
        self._fields = fields
        self._documents = documents

    def __str__(self) -> str:
        shown = {"message": self._message, **self._fields}
        if self._documents is not None:
            limit = _limit()
            shown |= {name: document_text(value, limit) for name, value in self._documents.items()}
        return _dump(shown)


def _dump(value: Any) -> str:
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, default=repr)


def document_text(document: Any, limit: int | None) -> str:
    """A document in relaxed extended JSON, cut after `limit` characters; None: never."""
    text = _dump(document)
    return text if limit is None or len(text) <= limit else text[:limit] + "..."


def _limit() -> int | None:
    """The longest text of a document; None for any."""
    given = next((os.environ[name] for name in _LIMITS if os.environ.get(name)), "")
    if given == "unlimited":
        return None
    return int(given) if given.isdecimal() else _DEFAULT_LIMIT
