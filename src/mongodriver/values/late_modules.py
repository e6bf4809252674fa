"""Submodules that are loaded by their first use: few programs need them, and all wait for imports.

A package says so with ``__getattr__ = late_modules(__name__, "name")``, and its users write
``package.name.Thing`` instead of importing ``Thing`` from there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["late_modules"]


def late_modules(package: str, *names: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562) that imports some of its modules when asked.

    The import makes a module an attribute of its package, so that this is called once for each.
    """

    def load(name: str) -> Any:
        if name in names:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
