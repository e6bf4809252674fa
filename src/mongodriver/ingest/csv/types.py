"""The types of CSV columns as people write them: `name:type,name:date(FORMAT)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from bsonx.csv import CONVERTERS, SKIP, Column, shown, to_utc
from mongodriver.ingest.errors import IngestError

__all__ = ["column", "parse_types"]

_ALIASES = {"double": "float", "long": "int", "string": "str"}
_KNOWN = sorted({kind for kind in CONVERTERS if not kind.endswith("?")} | {SKIP} | set(_ALIASES))
_ITEM = re.compile(r"\s*([^:]+):\s*([a-z0-9]+)\s*(?:\((.*)\))?\s*", re.S)


def column(name: str, kind: str, nulls: Iterable[str] = ("",)) -> Column:
    """Return a column of a type as the user writes it.

    :raises IngestError: for an unknown type.
    """
    if kind.startswith("date(") and kind.endswith(")"):
        return Column(name, "date", tuple(nulls), _date_by_format(kind[5:-1]))
    kind = _ALIASES.get(kind, kind)
    if kind not in _KNOWN:
        known = ", ".join(_KNOWN)
        raise IngestError(f"unknown type {kind!r}; there are {known} and date(FORMAT)")
    return Column(name, kind, tuple(nulls))


def _date_by_format(form: str) -> Callable[[str], Any]:
    """A converter for dates in the strptime format `form`. Raises IngestError for what is none."""
    try:
        datetime.strptime("", form)
    except re.error as error:  # a part that is named twice
        raise IngestError(f"{form!r} is no format of dates: {error}") from error
    except ValueError as error:
        if not str(error).startswith("time data"):
            raise IngestError(f"{form!r} is no format of dates: {error}") from error

    def convert(text: str) -> datetime:
        try:
            return to_utc(datetime.strptime(text.strip(), form))
        except (ValueError, OverflowError):
            raise ValueError(f"{shown(text)} does not match the date format {form!r}")

    return convert


def parse_types(text: str) -> dict[str, str]:
    """Split `name:type,name:type` into a mapping; `date(FORMAT)` takes a strptime format.

    Raises IngestError for anything else. A comma inside the parentheses belongs to the format.
    """
    types: dict[str, str] = {}
    for item in _split(text):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise IngestError(f"{item.strip()!r} is not of the form name:type")
        name, kind, form = match.group(1).strip(), match.group(2), match.group(3)
        if name in types:
            raise IngestError(f"column {name!r} has two types")
        types[name] = kind if form is None else f"{kind}({form})"
        column(name, types[name])
    return types


def _split(text: str) -> Iterable[str]:
    depth = start = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    if text[start:].strip() or start:
        yield text[start:]
