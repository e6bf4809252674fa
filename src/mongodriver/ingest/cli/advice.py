"""What people may want to know of their collections before a job begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mongodriver.values.errors import PyMongoError

if TYPE_CHECKING:
    from mongodriver.collection import Collection

__all__ = ["advice_on_key"]

_ADDING = ("upsert", "merge")


def advice_on_key(collection: Collection[Any], mode: str, keys: Sequence[str]) -> str | None:
    """Return what is wrong with a key that no unique index has, where a mode adds documents by it.

    Without one the server looks at every document for each, and what is sent twice, after a
    connection broke, may be added twice.
    """
    if mode not in _ADDING or "_id" in keys:  # whose index each collection has, or will have
        return None
    try:
        indexes = list(collection.list_indexes())
    except PyMongoError:  # whoever may write need not be allowed to look
        return None
    if any(_makes_unique(index, keys) for index in indexes):
        return None
    names = ", ".join(keys)
    return (
        f"{collection.full_name} has no unique index on {names}: each document takes a look at the "
        "whole collection, and may be there twice after a broken connection"
    )


def _makes_unique(index: Mapping[str, Any], keys: Sequence[str]) -> bool:
    if "partialFilterExpression" in index:
        return False
    return bool(index.get("unique")) and {*index["key"]} <= {*keys}
