"""The names under which applications know classes that live in an inner module."""

from __future__ import annotations

from types import FunctionType
from typing import Any

__all__ = ["known_as"]


def known_as(public_module: str, namespace: dict[str, Any]) -> None:
    """Give a module's public classes and functions the name of the module that offers them.

    Tracebacks, reprs and pickles show it: ``mongodriver.errors.BulkWriteError``.

    :param namespace: the ``globals()`` of the module that defines them, at its end.
    """
    own = namespace["__name__"]
    for name, value in namespace.items():
        if name.startswith("_") or not isinstance(value, (type, FunctionType)):
            continue
        if value.__module__ == own:
            value.__module__ = public_module
