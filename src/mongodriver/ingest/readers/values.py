"""From the JSON text of one record to a document."""

from __future__ import annotations

from typing import Any

import bsonx.json_util as json_util
from bsonx.errors import BSONError

# What json_util.loads raises for text that is no (extended) JSON.
_ERRORS = (ValueError, TypeError, KeyError, ArithmeticError, RecursionError, BSONError)


class BadRecord(ValueError):
    """The text is no JSON object; str() says why."""


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the document in `text`: UTF-8 JSON, extended JSON included.

    Raises BadRecord.
    """
    try:
        document = json_util.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8 at byte {error.start}: {error.reason}")
    except _ERRORS as error:
        raise BadRecord(f"not JSON: {error}" if str(error) else f"not JSON: {error!r}")
    if not isinstance(document, dict):
        raise BadRecord(f"a JSON object is needed, not {_kind(document)}")
    return document


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else f"a value of type {type(value).__name__}"
