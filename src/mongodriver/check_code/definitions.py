"""Functions and classes of a program."""

from __future__ import annotations

import ast
from abc import abstractmethod

from .expressions import FALSE, TRUE, Expressions
from .guards import Guards
from .scopes import Scope
from .values import (
    UNKNOWN,
    Item,
    OwnClass,
    OwnFunction,
    OwnInstance,
    Value,
    known,
    union,
)

__all__ = ["Definitions"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PROPERTIES = {
    "property",
    "cached_property",
    "hybrid_property",
    "abstractproperty",
    "lazy_property",
}
#: Decorators of tests, and what their condition is where the test is not run.
_SKIPPING = {"skipif": TRUE, "skipunless": FALSE}


class Definitions(Expressions):
    """Reads definitions. Bodies of functions are read after what is around them."""

    def __init__(self) -> None:
        self.functions = []
        self.guards = Guards()
        self._deferred: list[tuple[_Function, Scope, OwnClass | None, Guards]] = []
        # What is known of definitions from earlier readings, by their nodes.
        self._functions_of: dict[ast.AST, OwnFunction] = {}
        self._classes_of: dict[ast.AST, OwnClass] = {}
        self._names_of: dict[ast.AST, dict[str, set[Item]]] = {}
        self._class: OwnClass | None = None

    def run_deferred(self) -> None:
        """Read the bodies that wait, and those inside them."""
        while self._deferred:
            waiting, self._deferred = self._deferred, []
            for node, scope, owner, guards in waiting:
                self.guards = guards
                self._run_body(node, scope, owner)
        self.guards = Guards()

    @abstractmethod
    def run(self, statements: list[ast.stmt]) -> bool:
        """Read statements one after the other."""

    def _run_FunctionDef(self, node: _Function) -> bool:
        info = self._functions_of.setdefault(node, OwnFunction(node.name))
        for decorator in node.decorator_list:
            self.value(decorator)
            name = _last_name(decorator)
            info.is_property |= name in _PROPERTIES
            info.is_fixture |= name == "fixture"
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.value(default)
        returned = self.annotation(node.returns)
        if known(returned):
            info.is_annotated = True
            info.returns.update(returned)
        decorated = any(_last_name(one) in ("setter", "deleter") for one in node.decorator_list)
        if not decorated:
            self.scope.bind(node.name, frozenset({info}))
        owner = self._class if self.scope.is_class else None
        guards = self._guards_of(node)
        if guards is not None:
            self._deferred.append((node, self.scope, owner, guards))
        return False

    _run_AsyncFunctionDef = _run_FunctionDef

    def _guards_of(self, node: _Function | ast.ClassDef) -> Guards | None:
        """What is known inside a definition; None if it is a test that is skipped here."""
        guards = self.guards
        for decorator in node.decorator_list:
            name = _last_name(decorator).lower()
            if not isinstance(decorator, ast.Call) or name not in _SKIPPING or not decorator.args:
                continue
            test = decorator.args[0]
            if self.value(test) == _SKIPPING[name]:
                return None
            guards = guards.where(test)
        return guards

    def _run_body(self, node: _Function, scope: Scope, owner: OwnClass | None) -> None:
        outer, outer_class = self.scope, self._class
        self.scope = Scope(scope, self._names_of.setdefault(node, {}), is_class=False)
        self._class = None
        self._bind_parameters(node, owner)
        self.functions.append(self._functions_of[node])
        self.run(node.body)
        self.functions.pop()
        self.scope, self._class = outer, outer_class

    def _bind_parameters(self, node: _Function, owner: OwnClass | None) -> None:
        given = [*node.args.posonlyargs, *node.args.args]
        decorators = {_last_name(one) for one in node.decorator_list}
        for number, argument in enumerate([*given, *node.args.kwonlyargs]):
            value = self.annotation(argument.annotation)
            if number == 0 and owner is not None and given and "staticmethod" not in decorators:
                of_class = "classmethod" in decorators or node.name == "__new__"
                value = frozenset({owner if of_class else OwnInstance(owner)})
            elif argument.annotation is None:
                value = self._fixture(argument.arg, node, decorators)
            self.scope.bind(argument.arg, value)
        for rest in (node.args.vararg, node.args.kwarg):
            if rest is not None:
                self.scope.bind(rest.arg, UNKNOWN)

    def _fixture(self, name: str, node: _Function, decorators: set[str]) -> Value:
        """What pytest passes for a parameter."""
        if not (node.name.startswith("test") or "fixture" in decorators):
            return UNKNOWN
        outside = self.scope.parent
        found = UNKNOWN if outside is None else outside.look_up(name)
        values = [i.gives for i in found if isinstance(i, OwnFunction) and i.is_fixture]
        return union(values) if values else UNKNOWN

    def _run_ClassDef(self, node: ast.ClassDef) -> bool:
        info = self._classes_of.setdefault(node, OwnClass(node.name))
        for decorator in node.decorator_list:
            self.value(decorator)
        info.bases = [self.value(base) for base in node.bases]
        if node.keywords:
            for keyword in node.keywords:
                self.value(keyword.value)
        outer, outer_class, outer_guards = self.scope, self._class, self.guards
        self.scope = Scope(outer, self._names_of.setdefault(node, {}), is_class=True)
        self._class = info
        guards = self._guards_of(node)
        if guards is not None:
            self.guards = guards
            self.run(node.body)
        for name, value in self.scope.ever.items():
            info.members.setdefault(name, set()).update(value)
        self.scope, self._class, self.guards = outer, outer_class, outer_guards
        self.scope.bind(node.name, frozenset({info}))
        return False


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
