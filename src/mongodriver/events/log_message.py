"""The message of a structured log record (logging specification)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bsonx import json_util
from bsonx.binary import Binary

__all__ = ["LogMessage", "document_text", "fields_text"]

#: The environment variables that hold the longest text of a document, the first one that is set:
#: the specification's, and PyMongo's.
_LIMITS = ("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "MONGOB_LOG_MAX_DOCUMENT_LENGTH")
_DEFAULT_LIMIT = 1000


class LogMessage:
    """Its fields, which become a JSON object when somebody reads it.

    :param message: what has happened.
    :param fields: values that extended JSON knows.
    :param documents: documents, which become text within the text, cut after
        ``MONGODB_LOG_MAX_DOCUMENT_LENGTH`` characters (1000; "unlimited": never).
    """

    __slots__ = ("_documents", "_fields", "_message")

    def __init__(
        self, message: str, fields: Mapping[str, Any], documents: Mapping[str, Any] | None = None
    ) -> None:
        self._message = message
        self._fields = fields
        self._documents = documents

    def __str__(self) -> str:
        return fields_text({"message": self._message, **self._fields}, self._documents)


def fields_text(fields: Mapping[str, Any], documents: Mapping[str, Any] | None) -> str:
    """The JSON object of fields, and of documents as text within it."""
    if documents is None:
        return _dump(fields)
    limit = _limit()
    shown = {name: document_text(value, limit) for name, value in documents.items()}
    return _dump({**fields, **shown})


def document_text(document: Any, limit: int | None) -> str:
    """A document in relaxed extended JSON, cut after `limit` characters; None: never."""
    if limit is None:
        return _dump(document)
    text = _dump(_beginning(document, limit)[0])
    return text if len(text) <= limit else text[:limit] + "..."


def _dump(value: Any) -> str:
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, default=repr)


def _beginning(value: Any, room: int) -> tuple[Any, int]:
    """What of a value makes the first characters of its text, and how many of those are left.

    What is left is rather too much than too little, so that the text of a value that was cut has
    more than `room` characters.
    """
    if isinstance(value, Mapping):
        fields: dict[Any, Any] = {}
        for key in value:
            if room < 0:
                break
            fields[key], room = _beginning(value[key], room - len(str(key)))
        return fields, room
    if isinstance(value, (list, tuple)):
        elements = []
        for element in value:
            if room < 0:
                break
            shown, room = _beginning(element, room)
            elements.append(shown)
        return elements, room
    if isinstance(value, str) and type(value).__module__ == "builtins":
        return value[: max(room, 0) + 1], room - len(value)
    if isinstance(value, bytes):
        # Three bytes are four characters.
        return Binary(value[: max(room, 0) + 3], getattr(value, "subtype", 0)), room - len(value)
    return value, room - 1


def _limit() -> int | None:
    """The longest text of a document; None for any."""
    given = next((os.environ[name] for name in _LIMITS if os.environ.get(name)), "")
    if given == "unlimited":
        return None
    return int(given) if given.isdecimal() else _DEFAULT_LIMIT
