"""Serving libraries that import PyMongo by its own package names.

After `install_as_pymongo`, ``import pymongo``, ``bson`` and ``gridfs``, and any module inside them,
give the modules of this distribution: the same objects, not copies.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["install_as_pymongo"]

_PACKAGES = {"pymongo": "mongodriver", "bson": "bsonx", "gridfs": "mongodriver.gridfs"}


def _own_name(name: str) -> str | None:
    """Our name for one of PyMongo's modules, or None for any other module."""
    top, dot, rest = name.partition(".")
    package = _PACKAGES.get(top)
    return None if package is None else package + dot + rest


class _AliasLoader(Loader):
    """Gives a module that is there under another name."""

    def __init__(self, own_name: str) -> None:
        self._own_name = own_name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._own_name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec there; the module keeps its own.
        module.__spec__ = self._spec


class _AliasFinder(MetaPathFinder):
    """Finds PyMongo's modules among ours."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        own_name = _own_name(fullname)
        if own_name is None or not _exists(own_name):
            return None
        return ModuleSpec(fullname, _AliasLoader(own_name))


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def install_as_pymongo() -> None:
    """Make ``import pymongo``, ``import bson`` and ``import gridfs`` mean this distribution.

    To be called before anything has imported them. Calling it again does nothing.

    :raises RuntimeError: if another distribution's modules are already imported.
    """
    if any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        return
    for name in _PACKAGES:
        if name in sys.modules:
            raise RuntimeError(
                f"{name} is already imported; call install_as_pymongo() before importing it"
            )
    sys.meta_path.insert(0, _AliasFinder())
