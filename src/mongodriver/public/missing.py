"""Methods of PyMongo's that this driver does not have yet, and what to say when one is called.

Without this a missing method would be a database or a collection of that name, and calling that
would tell the user nothing.
"""

from __future__ import annotations

__all__ = ["refuse_missing", "why_missing"]

#: What each belongs to, by its class's name in PyMongo's synchronous API.
_MISSING = {
    ("MongoClient", "bulk_write"): "bulk writes of a client",
}


def why_missing(owner: str, method: str) -> str | None:
    """Say why a class has no method of that name; None if PyMongo's has none either."""
    feature = _MISSING.get((owner.removeprefix("Async"), method))
    if feature is None:
        return None
    return f"{owner}.{method}: {feature} are not supported by this version of mongodriver"


def refuse_missing(owner: str, method: str) -> None:
    """Raise NotImplementedError for a call of a method that is still missing."""
    why = why_missing(owner, method)
    if why is not None:
        raise NotImplementedError(why)
