"""Both implementations of bsonx in one process.

Each is a whole package tree of its own, and sys.modules holds one of them: outside of a test the
one that ``import bsonx`` gives, inside the one that the test asked for, so imports inside the test
and pickles find it. What a tree imports later, whenever that is, belongs to it from then on.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.machinery
import importlib.util
import os
import pkgutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

# Counts references, has a datetime and a decimal of its own words in C, and runs PyMongo's C as it
# was written. Elsewhere (PyPy) the last is emulated, and PyMongo's outcome is no model there.
CPYTHON = sys.implementation.name == "cpython"
#: Without a GIL. There ctypes leaves memory behind, and at the end, while threads run, modules are
#: cleared before what they held is finalized.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
#: Whether OCSP responders can be asked here, so that they may be asked for.
RESPONDERS = CPYTHON and importlib.util.find_spec("cryptography") is not None

_PACKAGES = ("bsonx", "mongodriver")


def _owned(name: str) -> bool:
    return name.partition(".")[0] in _PACKAGES


class Tree:
    """The modules of one implementation: in sys.modules while it is active, else kept here."""

    current: Tree

    def __init__(self, package: ModuleType) -> None:
        self.package = package
        self._kept: dict[str, ModuleType] = {}

    @property
    def modules(self) -> dict[str, ModuleType]:
        """Its modules by their names."""
        return _listed() if Tree.current is self else self._kept

    @contextmanager
    def active(self) -> Iterator[ModuleType]:
        """Make this tree the one that imports find."""
        outer = Tree.current
        outer._give_way_to(self)
        try:
            yield self.package
        finally:
            self._give_way_to(outer)

    def _give_way_to(self, other: Tree) -> None:
        if other is self:
            return
        self._kept = _take()
        sys.modules.update(other._kept)
        Tree.current = other


def _listed() -> dict[str, ModuleType]:
    # Twice in most tests, among thousands of modules: few of them reach _owned().
    near = [name for name in [*sys.modules] if name.startswith(_PACKAGES)]
    return {name: sys.modules[name] for name in near if _owned(name)}


def _take() -> dict[str, ModuleType]:
    """Remove our packages from sys.modules and return them."""
    return {name: sys.modules.pop(name) for name in _listed()}


def tree(implementation: str) -> Tree:
    """Return the tree of ``c`` or ``py``; skip the test if there is no extension."""
    found = _trees.get(implementation)
    if found is None:
        found = _trees[implementation] = _load(implementation)
    return found


@dataclasses.dataclass
class _Probe:
    field: int


def _complete(package: ModuleType) -> None:
    """Import the whole package and let the codec bind what it looks up at its first use.

    Later, the names may be those of the other tree.
    """
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        spec = importlib.util.find_spec(found.name)
        loader = None if spec is None else spec.loader
        # The pure tree does without; the other has loaded what it uses, which works just once.
        if not isinstance(loader, importlib.machinery.ExtensionFileLoader):
            importlib.import_module(found.name)
    assert package.decode(package.encode(_Probe(1)), type=_Probe) == _Probe(1)


def _load(implementation: str) -> Tree:
    """Load the tree that is not the default one."""
    outer = _take()
    wanted = os.environ.get("BSONX_IMPL")
    os.environ["BSONX_IMPL"] = implementation
    try:
        loaded = Tree(importlib.import_module("bsonx"))
        _complete(loaded.package)
        loaded._kept = _take()
        return loaded
    except ImportError as exc:
        if implementation == "py":
            raise
        pytest.skip(f"no native extension: {exc}")
    finally:
        _take()
        sys.modules.update(outer)
        if wanted is None:
            del os.environ["BSONX_IMPL"]
        else:
            os.environ["BSONX_IMPL"] = wanted


def _load_default() -> dict[str, Tree]:
    package = importlib.import_module("bsonx")
    Tree.current = Tree(package)
    _complete(package)
    return {"c" if package.has_c() else "py": Tree.current}


_trees = _load_default()


@pytest.fixture(params=["c", "py"])
def bx(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The ``bsonx`` package, once with each implementation; ``bx.has_c()`` tells them apart."""
    with tree(request.param).active() as package:
        yield package


@pytest.fixture
def both() -> tuple[ModuleType, ModuleType]:
    """The ``bsonx`` packages (c, py), for comparing them; sys.modules has the default one."""
    return tree("c").package, tree("py").package
