"""Which kind of client a collection is of, for functions that take collections."""

from __future__ import annotations

from typing import Any

__all__ = ["check_collection", "check_kind", "is_blocking"]


def is_blocking(collection: Any) -> bool:
    """Whether a collection is that of a `MongoClient`, not of an `AsyncMongoClient`."""
    return bool(collection._core.backend.name == "blocking")


def check_collection(collection: Any) -> None:
    """Raise TypeError for what is no collection."""
    if not hasattr(type(collection), "_writing"):
        raise TypeError(
            f"collection must be a Collection or an AsyncCollection, not {type(collection)}"
        )


def check_kind(collection: Any, *, blocking: bool, other: str) -> None:
    """Raise TypeError for a collection of the other kind of client.

    :param other: what is to be done with that, for the text of the error: "which is for ...".
    """
    check_collection(collection)
    if is_blocking(collection) is not blocking:
        kind = "an AsyncMongoClient" if blocking else "a MongoClient"
        raise TypeError(f"{collection.full_name} is a collection of {kind}, {other}")
