"""One module: its statements, in their order."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .annotations import instance_of
from .definitions import Definitions
from .expressions import FALSE, TRUE
from .findings import Problem
from .guards import Guards
from .imports import Imports
from .scopes import Scope
from .values import (
    ELSE,
    NONE,
    UNKNOWN,
    OwnClass,
    OwnInstance,
    OwnModule,
    Several,
    Value,
    known,
    union,
)

__all__ = ["Locate", "Reader", "Sink", "read_module"]

#: What a module of the program is: its dotted name, and how many dots stood before it.
Locate = Callable[[str, int], OwnModule | None]
#: Takes what is found, with its node.
Sink = Callable[[ast.AST, Problem], None]
#: Readings before the one that reports: what is set further down is known then.
_REHEARSALS = 2
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError"}


def read_module(tree: ast.Module, locate: Locate, module: OwnModule, sink: Sink | None) -> None:
    """Find out what the names of a module stand for, and tell the sink what is wrong in it."""
    reader = Reader(tree, locate, module)
    for _ in range(_REHEARSALS):
        reader.read()
    if sink is not None:
        reader.sink = sink
        reader.read()


class Reader(Definitions, Imports):
    """Reads one module."""

    def __init__(self, tree: ast.Module, locate: Locate, module: OwnModule) -> None:
        super().__init__()
        self._tree = tree
        self.locate = locate
        self._module = module
        self.sink: Sink | None = None

    def read(self) -> None:
        """Read the module once, then its functions."""
        self.scope = Scope(None, self._module.names, is_class=False)
        self.run(self._tree.body)
        self.run_deferred()

    def report(self, node: ast.AST, problem: Problem | None) -> None:
        if problem is None or self.sink is None:
            return
        self.sink(node, self.guards.soften(node, problem))

    # Blocks. Each says whether it ends, so that nothing after it is reached.

    def run(self, statements: Iterable[ast.stmt]) -> bool:
        """Read statements one after the other."""
        guards = self.guards
        try:
            for statement in statements:
                method = getattr(self, f"_run_{type(statement).__name__}", None)
                if method is not None:
                    if method(statement):
                        return True
                    continue
                for child in ast.iter_child_nodes(statement):
                    if isinstance(child, ast.expr):
                        self.value(child)
            return False
        finally:
            self.guards = guards

    def _branches(self, blocks: Iterable[Callable[[], bool]]) -> bool:
        """Read blocks of which one is run, and go on where they meet."""
        before = dict(self.scope.now)
        after = []
        for block in blocks:
            self.scope.now = dict(before)
            if not block():
                after.append(self.scope.now)
        if after:
            self.scope.merge(after)
        return not after

    @contextmanager
    def guarded(self, test: ast.expr) -> Iterator[None]:
        with self._guarded_by(self.guards.where(test)):
            yield

    @contextmanager
    def _guarded_by(self, guards: Guards) -> Iterator[None]:
        outer, self.guards = self.guards, guards
        try:
            yield
        finally:
            self.guards = outer

    @contextmanager
    def inner_scope(self, names: Iterator[str]) -> Iterator[None]:
        outer = self.scope
        self.scope = Scope(outer, {}, is_class=False)
        # Unlike a function, it runs here: it sees what names stand for now.
        self.scope.now = {} if outer.is_class else dict(outer.now)
        self.scope.elsewhere = dict(outer.elsewhere)
        for name in names:
            self.scope.bind(name, UNKNOWN)
        try:
            yield
        finally:
            self.scope = outer

    # Statements.

    def _run_Expr(self, node: ast.Expr) -> bool:
        self.value(node.value, "statement")
        return False

    def _run_If(self, node: ast.If) -> bool:
        decided = self.test(node.test)
        if decided in (TRUE, FALSE):
            return self.run(node.body if decided == TRUE else node.orelse)
        checking = "TYPE_CHECKING" in ast.unparse(node.test)
        ends = []

        def body() -> bool:
            self._narrow(node.test)
            with self._guarded_by(replace(self.guards, imports=self.guards.imports or checking)):
                ends.append(self.run(node.body))
            return ends[-1]

        def orelse() -> bool:
            ends.append(self.run(node.orelse))
            return ends[-1]

        with self.guarded(node.test):
            ended = self._branches([body, orelse])
        if any(ends):
            # The rest is the other branch.
            self.guards = self.guards.where(node.test)
        return ended

    def _narrow(self, test: ast.expr) -> None:
        """Believe `isinstance(name, class)`."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            for part in test.values:
                self._narrow(part)
        if (
            isinstance(test, ast.Call)
            and isinstance(test.func, ast.Name)
            and test.func.id == "isinstance"
            and len(test.args) == 2
            and isinstance(test.args[0], ast.Name)
        ):
            classes = test.args[1]
            parts = classes.elts if isinstance(classes, ast.Tuple) else [classes]
            value = union(instance_of(item) for part in parts for item in self.value(part))
            self.scope.now[test.args[0].id] = value

    def _run_Assert(self, node: ast.Assert) -> bool:
        self.test(node.test)
        self.value(node.msg)
        self._narrow(node.test)
        return False

    def _run_While(self, node: ast.While) -> bool:
        self._forget(node.body)
        self.test(node.test)
        return self._loop(node)

    def _run_For(self, node: ast.For | ast.AsyncFor) -> bool:
        elements = self.elements(node.iter)
        self._forget(node.body)
        self.bind(node.target, elements)
        return self._loop(node)

    _run_AsyncFor = _run_For

    def _loop(self, node: ast.While | ast.For | ast.AsyncFor) -> bool:
        def body() -> bool:
            self.run(node.body)
            return False

        self._branches([body, lambda: False])
        return self.run(node.orelse)

    def _forget(self, body: list[ast.stmt]) -> None:
        """What a loop assigns may stand for something else when it comes round."""
        for name in _assigned(body):
            if known(self.scope.now.get(name, UNKNOWN)):
                self.scope.now[name] |= ELSE

    def _run_Try(self, node: Any) -> bool:
        caught = {name for handler in node.handlers for name in _caught(handler)}
        imports = bool(caught & {*_IMPORT_ERRORS, "Exception", ""})
        others = bool(caught & {"AttributeError", "TypeError", "NotImplementedError"})
        guards = Guards(
            self.guards.everything or others, self.guards.imports or imports, self.guards.asked_for
        )
        before = dict(self.scope.now)
        middle: dict[str, Value] = {}

        def body() -> bool:
            with self._guarded_by(guards):
                ended = self.run(node.body)
            middle.update(self.scope.now)
            return ended or self.run(node.orelse)

        def handled(handler: ast.ExceptHandler) -> Callable[[], bool]:
            def block() -> bool:
                # Wherever the block has failed: before or after what it binds.
                self.scope.merge([before, middle])
                self.value(handler.type)
                if handler.name:
                    self.scope.bind(handler.name, UNKNOWN)
                return self.run(handler.body)

            return block

        handlers = node.handlers
        if caught <= _IMPORT_ERRORS and self.all_are_here(node.body):
            handlers = []  # never reached with this distribution
        ended = self._branches([body, *map(handled, handlers)])
        return self.run(node.finalbody) or ended

    _run_TryStar = _run_Try

    def _run_With(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        return self.run(node.body)

    _run_AsyncWith = _run_With

    def _run_Match(self, node: ast.Match) -> bool:
        self.value(node.subject)

        def case_of(case: ast.match_case) -> Callable[[], bool]:
            def block() -> bool:
                for part in ast.walk(case.pattern):
                    name = getattr(part, "name", None) or getattr(part, "rest", None)
                    if isinstance(name, str):
                        self.scope.bind(name, UNKNOWN)
                if case.guard is not None:
                    self.test(case.guard)
                return self.run(case.body)

            return block

        return self._branches([*map(case_of, node.cases), lambda: False])

    def _run_Return(self, node: ast.Return) -> bool:
        value = self.value(node.value) if node.value is not None else NONE
        if self.functions and not self.functions[-1].is_annotated:
            self.functions[-1].returns.update(value)
        return True

    def _run_Raise(self, node: ast.Raise) -> bool:
        self.value(node.exc)
        self.value(node.cause)
        return True

    def _run_Continue(self, node: ast.stmt) -> bool:
        return True

    _run_Break = _run_Continue

    def _run_Global(self, node: ast.Global) -> bool:
        self.scope.declare_global(node.names)
        return False

    def _run_Nonlocal(self, node: ast.Nonlocal) -> bool:
        self.scope.declare_nonlocal(node.names)
        return False

    def _run_Assign(self, node: ast.Assign) -> bool:
        value = self.value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                self._unpack(target, node.value)
            else:
                self.bind(target, value)
        return False

    def _unpack(self, target: ast.Tuple, value: ast.Tuple) -> None:
        if len(target.elts) != len(value.elts):
            self.bind(target, UNKNOWN)
            return
        sink, self.sink = self.sink, None  # what is wrong there was told
        for one, other in zip(target.elts, value.elts, strict=True):
            self.bind(one, self.value(other))
        self.sink = sink

    def _run_AnnAssign(self, node: ast.AnnAssign) -> bool:
        annotated = self.annotation(node.annotation)
        value = self.value(node.value)
        self.bind(node.target, annotated if known(annotated) else value or UNKNOWN)
        return False

    def _run_AugAssign(self, node: ast.AugAssign) -> bool:
        self.value(node.value)
        self.bind(node.target, ELSE)
        return False

    def _run_Delete(self, node: ast.Delete) -> bool:
        return False

    def bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.scope.bind(target.id, value)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, UNKNOWN)
        elif isinstance(target, ast.Tuple | ast.List):
            inside = _inside(value)
            for element in target.elts:
                self.bind(element, inside)
        elif isinstance(target, ast.Attribute):
            for owner in self.value(target.value, "owner"):
                if isinstance(owner, OwnInstance | OwnClass):
                    info = owner.of if isinstance(owner, OwnInstance) else owner
                    info.members.setdefault(target.attr, set()).update(value)
        elif isinstance(target, ast.Subscript):
            self.value(target.value, "owner")
            self.value(target.slice)


def _inside(value: Value) -> Value:
    items: list[Value] = [i.items if isinstance(i, Several) else UNKNOWN for i in value]
    return union(items) if items else UNKNOWN


def _assigned(statements: Iterable[ast.stmt]) -> set[str]:
    found = set()
    waiting: list[ast.AST] = list(statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def _caught(handler: ast.ExceptHandler) -> Iterator[str]:
    """The last names of the classes that are caught; "" for all."""
    if handler.type is None:
        yield ""
        return
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    for part in parts:
        yield ast.unparse(part).rpartition(".")[2]
