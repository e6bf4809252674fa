"""The stub of the extension says what the extension has: no more, no less."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

from implementations import tree


@pytest.fixture(scope="module")
def native():
    with tree("c").active():
        return importlib.import_module("bsonx._native")


@pytest.fixture(scope="module")
def stub():
    import bsonx

    return ast.parse((Path(bsonx.__file__).parent / "_native.pyi").read_text())


def functions_of(stub):
    """By their names; those of this platform, too, that stand behind an `if`."""
    conditional = [node for node in stub.body if isinstance(node, ast.If)]
    if sys.platform == "win32":
        conditional = []
    nodes = [*stub.body, *(inner for node in conditional for inner in node.body)]
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def exports_of(stub):
    """Names that the stub exports: functions, and imports of the form `X as X`."""
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    names = [alias for node in imports for alias in node.names]
    return {alias.name for alias in names if alias.asname == alias.name} | set(functions_of(stub))


def test_names(native, stub):
    assert {name for name in vars(native) if not name.startswith("_")} == exports_of(stub)


def parameters_of_stub(node):
    """Name, kind and whether there is a default, of each parameter."""
    given = node.args
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first_default = len(given.args) - len(given.defaults)
    found = [(arg.arg, positional, i >= first_default) for i, arg in enumerate(given.args)]
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return found + [(arg.arg, keyword, default is not None) for arg, default in pairs]


def parameters_of(function):
    signature = inspect.signature(function, follow_wrapped=False)
    return [
        (name, parameter.kind, parameter.default is not inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
    ]


def test_signatures(native, stub):
    functions = functions_of(stub)
    assert len(functions) > 10
    for name, node in functions.items():
        assert parameters_of(getattr(native, name)) == parameters_of_stub(node), name


def test_classes_have_the_interface_of_their_twins(native, stub):
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    twins = {
        alias.name: node.module
        for node in imports
        for alias in node.names
        if alias.asname is not None
    }
    assert len(twins) == 9
    with tree("py").active():
        for name, module in twins.items():
            twin = getattr(importlib.import_module(module), name)
            public = {member for member in dir(twin) if not member.startswith("_")}
            assert public == {m for m in dir(getattr(native, name)) if not m.startswith("_")}, name
