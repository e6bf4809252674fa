"""Both implementations of bsonx in one process.

Each is a whole package tree of its own; a test sees one of them as *the* ``bsonx`` while it runs,
so imports inside the test and pickles find it.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

_PACKAGES = ("bsonx", "mongodriver")


def _owned(name: str) -> bool:
    return name.partition(".")[0] in _PACKAGES


class Tree:
    """The modules of one implementation."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self.modules = modules

    @contextmanager
    def active(self) -> Iterator[ModuleType]:
        """Make this tree the one that imports find."""
        before = _take()
        sys.modules.update(self.modules)
        try:
            yield self.modules["bsonx"]
        finally:
            self.modules = _take()
            sys.modules.update(before)


def _take() -> dict[str, ModuleType]:
    """Remove our packages from sys.modules and return them."""
    return {name: sys.modules.pop(name) for name in [*sys.modules] if _owned(name)}


_trees: dict[str, Tree] = {}


def tree(implementation: str) -> Tree:
    """Return the tree of ``c`` or ``py``; skip the test if there is no extension."""
    found = _trees.get(implementation)
    if found is None:
        found = _trees[implementation] = _load(implementation)
    return found


@dataclasses.dataclass
class _Probe:
    field: int


def _bind(package: ModuleType) -> None:
    """Let the lazy imports of the codec happen now, while they find this tree."""
    assert package.decode(package.encode(_Probe(1)), type=_Probe) == _Probe(1)


def _load(implementation: str) -> Tree:
    before = _take()
    loaded = before.get("bsonx")
    if implementation == "c" and loaded is not None and loaded.has_c():
        # An extension module cannot be loaded twice: share the one that is there.
        sys.modules.update(before)
        _bind(loaded)
        return Tree(before)
    wanted = os.environ.get("BSONX_IMPL")
    os.environ["BSONX_IMPL"] = implementation
    try:
        package = importlib.import_module("bsonx")
        _bind(package)
        return Tree(_take())
    except ImportError as exc:
        if implementation == "py":
            raise
        pytest.skip(f"no native extension: {exc}")
    finally:
        _take()
        sys.modules.update(before)
        if wanted is None:
            del os.environ["BSONX_IMPL"]
        else:
            os.environ["BSONX_IMPL"] = wanted


@pytest.fixture(params=["c", "py"])
def bx(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The ``bsonx`` package, once with each implementation; ``bx.has_c()`` tells them apart."""
    with tree(request.param).active() as package:
        yield package


@pytest.fixture
def both() -> tuple[ModuleType, ModuleType]:
    """The ``bsonx`` packages (c, py), for comparing them; neither is in sys.modules."""
    return tree("c").modules["bsonx"], tree("py").modules["bsonx"]
