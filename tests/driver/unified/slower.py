"""The same test with more time for everything: some milliseconds upset a busy machine."""

from __future__ import annotations

from typing import Any

#: How long something takes or may take, in milliseconds, as an option, an argument or expected.
_TIMES = {
    "blockTimeMS",
    "connectTimeoutMS",
    "maxAwaitTimeMS",
    "maxCommitTimeMS",
    "maxTimeMS",
    "socketTimeoutMS",
    "timeoutMS",
}


def slower(value: Any, factor: int, is_time: bool = False) -> Any:
    """A copy of a file's or a test's data, all of whose times are `factor` times as long."""
    if isinstance(value, dict):
        return {
            key: slower(field, factor, key in _TIMES or (is_time and key.startswith("$$")))
            for key, field in value.items()
        }
    if isinstance(value, list):
        return [slower(item, factor) for item in value]
    return value * factor if is_time and type(value) is int else value
