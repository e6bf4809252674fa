"""What was meant by the name of a method that does not exist."""

from __future__ import annotations

from typing import Any

__all__ = ["did_you_mean"]

#: Methods that PyMongo has given up, and what does their work.
_FORMER = {
    "collection_names": "list_collection_names",
    "count": "count_documents",
    "database_names": "list_database_names",
    "ensure_index": "create_index",
    "find_and_modify": "find_one_and_update",
    "group": "aggregate",
    "initialize_ordered_bulk_op": "bulk_write",
    "initialize_unordered_bulk_op": "bulk_write",
    "insert": "insert_one",
    "map_reduce": "aggregate",
    "reindex": "create_index",
    "remove": "delete_one",
    "save": "replace_one",
    "update": "update_one",
}
#: How alike names must be, of 1.
_ALIKE = 0.7


def did_you_mean(owner: type[Any], name: str) -> str:
    """Return " Did you mean 'find_one'?" for a misspelt method of a class, or ""."""
    from difflib import get_close_matches

    methods = [
        method
        for method in dir(owner)
        if not method.startswith("_") and callable(getattr(owner, method, None))
    ]
    former = _FORMER.get(name)
    found = [former] if former in methods else get_close_matches(name, methods, 1, _ALIKE)
    return f" Did you mean {found[0]!r}?" if found else ""
