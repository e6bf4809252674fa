"""The stub files of the synchronous modules say what these are."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest
import stubs


def _classes():
    for path, text in stubs.stubs().items():
        name = path.relative_to(stubs.SOURCE).with_suffix("").as_posix().replace("/", ".")
        module = importlib.import_module(name)
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                yield pytest.param(getattr(module, node.name), node, id=node.name)


@pytest.mark.parametrize("path", list(stubs.stubs()), ids=lambda path: path.stem)
def test_a_stub_is_up_to_date(path):
    assert path.read_text() == stubs.stubs()[path], "run `make stubs`"


@pytest.mark.parametrize(("cls", "node"), list(_classes()))
def test_methods_take_what_the_stub_says(cls, node):
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or _is_property(function):
            continue
        if function.name.startswith("__") and function.name != "__init__":
            continue
        given = inspect.signature(getattr(cls, function.name)).parameters.values()
        names = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        names += filter(None, [function.args.vararg, function.args.kwarg])
        assert [name.arg for name in names] == [parameter.name for parameter in given]


@pytest.mark.parametrize(("cls", "node"), list(_classes()))
def test_everything_public_is_in_the_stub(cls, node):
    told = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
    told |= {inner.targets[0].id for inner in node.body if isinstance(inner, ast.Assign)}
    told |= {inner.target.id for inner in node.body if isinstance(inner, ast.AnnAssign)}
    assert {name for name in _own(cls) if not name.startswith("_")} <= told


@pytest.mark.parametrize(("cls", "node"), list(_classes()))
def test_editors_show_the_same_text_as_help(cls, node):
    assert ast.get_docstring(node) == inspect.getdoc(cls)
    shown = {
        function.name: ast.get_docstring(function)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and ast.get_docstring(function)
    }
    for name, text in shown.items():
        assert text == inspect.getdoc(inspect.getattr_static(cls, name))
    for name, member in _own(cls).items():
        if not name.startswith("_") and inspect.isfunction(member) and member.__doc__:
            assert name in shown


def _own(cls):
    """What a class has, but for copies of methods that its base tells of."""
    shared = {id(code) for code in map(_code, vars(cls.__mro__[1]).values()) if code}
    return {name: one for name, one in vars(cls).items() if id(_code(one)) not in shared}


def _code(member):
    return getattr(member, "__code__", None)


def _is_property(function):
    return any(
        isinstance(decorator, ast.Name) and decorator.id == "property"
        for decorator in function.decorator_list
    )
