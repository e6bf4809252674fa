"""Examples in docstrings of public modules give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import bsonx
import mongodriver

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _names() -> Iterator[str]:
    for package in (bsonx, mongodriver):
        yield package.__name__
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.name.rpartition(".")[2].startswith("_"):
                yield module.name


def _examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = {}
    for name in _names():
        module = importlib.import_module(name)
        public = [getattr(module, name) for name in getattr(module, "__all__", ())]
        homes = {value.__module__ for value in public if isinstance(value, type)}
        for home in {name, *homes}:
            if home.partition(".")[0] in ("bsonx", "mongodriver"):
                found.update({t.name: t for t in finder.find(importlib.import_module(home))})
    return [test for _, test in sorted(found.items()) if test.examples]


EXAMPLES = _examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a program: of the module's own names it has none, and its classes have a module.
    program = ModuleType("a_program")
    monkeypatch.setitem(sys.modules, program.__name__, program)
    example.globs = program.__dict__
    said: list[str] = []
    results = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert results.failed == 0, "".join(said)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
