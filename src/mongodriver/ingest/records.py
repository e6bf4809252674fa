"""Records of text: how long one may be, and what is wrong with one."""

from __future__ import annotations

from json import JSONDecodeError

from bsonx.errors import InvalidDocument

__all__ = ["BOM", "MAX_RECORD", "UNENCODABLE", "BadRecord", "explain"]

BOM = b"\xef\xbb\xbf"
# A document has at most 16 MiB; its text is larger, but a longer record is no record at all.
MAX_RECORD = 64 << 20  # bytes

# What is raised for values that JSON has and BSON has not.
UNENCODABLE = (InvalidDocument, UnicodeEncodeError, OverflowError)


class BadRecord(ValueError):
    """The text is no document; str() says why."""


def explain(error: Exception) -> str:
    """Return what is wrong with a record of JSON, in one line for people.

    :param error: as :mod:`bsonx.ndjson` gives it.
    """
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}: {error.reason}"
    if isinstance(error, (JSONDecodeError, RecursionError)):
        return f"not JSON: {error}"
    words = error.args[0] if isinstance(error, KeyError) and error.args else error
    path = getattr(error, "path", None)
    return f"field {path}: {words}" if path else str(words) or repr(error)
