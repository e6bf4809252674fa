"""Serving libraries that import PyMongo by its own package names.

After `install_as_pymongo`, ``import pymongo``, ``bson`` and ``gridfs``, and any module inside them,
give the modules of this distribution: the same objects, not copies. Nothing of a PyMongo that is
installed as well is found any more, nor its version: `importlib.metadata` gives that of our API.

A module that goes by a name of PyMongo's has it as its ``__name__`` from then on, which New Relic's
agent looks at. As soon as a program has asked for one of them, all that were loaded with it are
imported by those names, as PyMongo imports its parts: agents that wait for a module, such as
``pymongo.synchronous.collection``, to patch its classes, get to see it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import Lock
from types import ModuleType
from typing import Any

__all__ = ["install_as_pymongo"]

_PACKAGES = {"pymongo": "mongodriver", "bson": "bsonx", "gridfs": "mongodriver.gridfs"}
#: The packages within ours that PyMongo has too.
_SHARED = ("asynchronous", "synchronous")


def _own_name(name: str) -> str | None:
    """Our name for one of PyMongo's modules, or None for any other module."""
    top, dot, rest = name.partition(".")
    package = _PACKAGES.get(top)
    return None if package is None else package + dot + rest


def _alias_of(own_name: str, module: Any) -> str | None:
    """PyMongo's name for one of our modules, or None for what PyMongo does not have."""
    parts = own_name.split(".")
    if parts[0] == "bsonx":
        is_private = any(part.startswith("_") for part in parts)
        return None if is_private else ".".join(["bson", *parts[1:]])
    if parts[0] != "mongodriver":
        return None
    alias = ["pymongo", *parts[1:]] if parts[1:2] != ["gridfs"] else parts[1:]
    inner = alias[1:]
    is_room = len(inner) > 1 or hasattr(module, "__path__")
    return None if inner and is_room and inner[0] not in _SHARED else ".".join(alias)


class _AliasLoader(Loader):
    """Gives a module that is there under another name."""

    def __init__(self, own_name: str) -> None:
        self._own_name = own_name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        # At first all of it, or threads that import parts of it wait for one another.
        importlib.import_module("bsonx")
        module = importlib.import_module(self._own_name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec there; the module keeps its own.
        alias, module.__spec__ = module.__spec__, self._spec
        name = "" if alias is None else alias.name
        if _alias_of(self._own_name, module) == name:
            module.__name__ = name
        if name == "pymongo":
            # Without ours behind the "+": libraries take it apart, and compare it with `version`.
            vars(module)["__version__"] = vars(module)["version"]
        _import_the_others(name)


class _Turn:
    """Who imports the others: one thread at a time, for all.

    Two that did so would wait for one another's modules.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_taken = False
        self._is_asked = False

    def take(self) -> bool:
        """Whether the caller is the one; otherwise the one is told to look once more."""
        with self._lock:
            mine, self._is_taken = not self._is_taken, True
            self._is_asked = not mine
            return mine

    def is_over(self) -> bool:
        """Whether nobody has asked since; if so, the turn is given back."""
        with self._lock:
            over, self._is_asked = not self._is_asked, False
            self._is_taken = not over
            return over

    def give_up(self) -> None:
        """Give the turn back after an error."""
        with self._lock:
            self._is_taken = self._is_asked = False


_turn = _Turn()


def _import_the_others(but: str) -> None:
    """Import by PyMongo's names those of our modules that are loaded.

    :param but: the one that is being imported.
    """
    if not _turn.take():
        return
    try:
        while True:
            for own_name, module in sys.modules.copy().items():
                alias = _alias_of(own_name, module)
                if alias not in (None, but) and alias not in sys.modules and _is_complete(module):
                    _import(str(alias))
            if _turn.is_over():
                return
    except BaseException:
        _turn.give_up()
        raise


def _import(alias: str) -> None:
    """Import a module, unless another thread does so that waits for what this one imports."""
    try:
        importlib.import_module(alias)
    except RuntimeError as error:
        if type(error).__name__ != "_DeadlockError":  # the import system's own, and not public
            raise


def _is_complete(module: Any) -> bool:
    """Whether it is not in the middle of being imported."""
    spec = getattr(module, "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


class _AliasFinder(MetaPathFinder):
    """Finds PyMongo's modules among ours, and PyMongo itself among what is installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        own_name = _own_name(fullname)
        if own_name is None:
            return None
        own = _spec_of(own_name)
        if own is None:
            return None  # the next finder looks for it in our folder alone
        is_package = own.submodule_search_locations is not None
        spec = ModuleSpec(
            fullname, _AliasLoader(own_name), origin=own.origin, is_package=is_package
        )
        if is_package:
            spec.submodule_search_locations = own.submodule_search_locations
        return spec

    @staticmethod
    def find_distributions(context: Any = None) -> Iterator[Any]:
        """Yield PyMongo's entry among the installed distributions, for `importlib.metadata`."""
        from mongodriver.compat.distribution import find  # few programs ask

        return find(context)


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None


def _imported_too_early() -> str | None:
    """A loaded module of another distribution that has a name of PyMongo's: a package first."""
    loaded = sys.modules.copy()
    names = ((name, _own_name(name)) for name in loaded)
    wrong = [name for name, own in names if own is not None and loaded[name] is not loaded.get(own)]
    return min(wrong, default=None)


def install_as_pymongo() -> None:
    """Make ``import pymongo``, ``import bson`` and ``import gridfs`` mean this distribution.

    To be called before anything has imported them; ``python -m mongodriver run`` does so for a
    program that knows nothing of it. Calling it again does nothing.

    :raises RuntimeError: if another distribution's modules are already imported. Nothing is changed
        then.
    """
    if any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        return
    early = _imported_too_early()
    if early is not None:
        place = getattr(sys.modules.get(early), "__file__", None)
        raise RuntimeError(
            f"{early} is already imported{f' from {place}' if place else ''}; call "
            "install_as_pymongo() before anything imports it, or start the program with "
            "`python -m mongodriver run`"
        )
    sys.meta_path.insert(0, _AliasFinder())
