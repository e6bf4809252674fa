"""Filters as they were before the find command: a ``$query``, and modifiers beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["unfolded"]

#: Fields of the command by modifier; others are fields of the same name.
_FIELDS = {
    "$query": "filter",
    "$orderby": "sort",
    "$hint": "hint",
    "$comment": "comment",
    "$maxScan": "maxScan",
    "$max": "max",
    "$min": "min",
    "$returnKey": "returnKey",
    "$showRecordId": "showRecordId",
    "$showDiskLoc": "showRecordId",
    "$snapshot": "snapshot",
    "$maxTimeMS": "maxTimeMS",
}


def unfolded(filter: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a find whose filter has modifiers; those given as arguments come first."""
    fields = {_FIELDS.get(name, name): value for name, value in filter.items()}
    fields.pop("$readPreference", None)  # for routers; the command has one of its own
    return fields | {name: value for name, value in options.items() if name != "filter"}
