"""The messages of structured log records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.events.log_message import fields_text

__all__ = ["LogMessage"]


class LogMessage:
    """A message that becomes a JSON object when somebody reads it.

    :param kwargs: its fields; those that are None are left out, and documents become text, cut as
        ``MONGODB_LOG_MAX_DOCUMENT_LENGTH`` says.
    """

    __slots__ = ("_fields",)

    def __init__(self, **kwargs: Any) -> None:
        self._fields = {name: value for name, value in kwargs.items() if value is not None}

    def __str__(self) -> str:
        documents = {
            name: value for name, value in self._fields.items() if isinstance(value, Mapping)
        }
        plain = {name: value for name, value in self._fields.items() if name not in documents}
        return fields_text(plain, documents)
