from typing import Any

from pymongo.collection import Collection


def first(c: Collection[dict[str, Any]] | None) -> dict[str, Any]:
    if c is None:
        return {}
    found = c.find_one()
    if not found:
        raise LookupError
    return found
