"""From the JSON text of one record to a document."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

import bsonx.json_util as json_util
from bsonx import ndjson
from bsonx.errors import InvalidDocument

_EXACT: json_util.JSONOptions = json_util.JSONOptions(
    datetime_conversion=json_util.DatetimeConversion.DATETIME_AUTO
)

# What is raised for values that JSON has and BSON has not.
UNENCODABLE = (InvalidDocument, UnicodeEncodeError, OverflowError)


class BadRecord(ValueError):
    """The text is no JSON object; str() says why."""


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the document in `text`: UTF-8 JSON, extended JSON included.

    Raises BadRecord, also where a lenient reader would drop or change something.
    """
    try:
        document = json_util.loads_strict(text.decode("utf-8"), json_options=_EXACT)
        if isinstance(document, dict):
            return document
    except Exception:
        pass
    raise BadRecord(_problem(text))


def _problem(text: bytes) -> str:
    """What is wrong with a record, by the one who knows the field."""
    try:
        ndjson.read_record(text)
    except Exception as error:
        return explain(error)
    return "a JSON object is needed"


def explain(error: Exception) -> str:
    """Return what is wrong with a record, in one line for people.

    :param error: as :mod:`bsonx.ndjson` gives it.
    """
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}: {error.reason}"
    if isinstance(error, (JSONDecodeError, RecursionError)):
        return f"not JSON: {error}"
    words = error.args[0] if isinstance(error, KeyError) and error.args else error
    path = getattr(error, "path", None)
    return f"field {path}: {words}" if path else str(words) or repr(error)
