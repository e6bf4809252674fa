"""Caches that hold so many things and no more: dictionaries in the order of their making."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

__all__ = ["forget_oldest"]


def forget_oldest(cache: dict[Any, Any]) -> None:
    """Remove what was put there first, if anything is there.

    Without the GIL other threads add and forget meanwhile; an OrderedDict is damaged by that.
    """
    with suppress(StopIteration, RuntimeError):
        cache.pop(next(iter(cache)), None)
