"""From the JSON text of one record to a document."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

import bsonx.json_util as json_util
from bsonx.errors import BSONError

# What json_util raises for text that is no (extended) JSON.
_ERRORS = (ValueError, TypeError, KeyError, ArithmeticError, RecursionError, BSONError)


class BadRecord(ValueError):
    """The text is no JSON object; str() says why."""


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the document in `text`: UTF-8 JSON, extended JSON included.

    Raises BadRecord, also where a lenient reader would drop or change something.
    """
    try:
        document = json_util.loads_strict(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8 at byte {error.start}: {error.reason}")
    except _ERRORS as error:
        syntax = isinstance(error, (JSONDecodeError, RecursionError))
        what = "not JSON" if syntax else "not extended JSON"
        raise BadRecord(f"{what}: {error}" if str(error) else f"{what}: {error!r}")
    if not isinstance(document, dict):
        raise BadRecord(f"a JSON object is needed, not {_kind(document)}")
    return document


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else f"a value of type {type(value).__name__}"
