"""What an expression stands for; what is wrong in it is reported on the way."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from . import rules
from .annotations import annotated
from .calls import call_problems, called, special_call
from .findings import Problem
from .members import member, member_problem, subscripted
from .scopes import Scope
from .values import (
    ELSE,
    NONE,
    NOTHING,
    UNKNOWN,
    Instance,
    Item,
    Named,
    Other,
    OwnFunction,
    Several,
    Value,
    Version,
    known,
    union,
)
from .versions import compared, literal, part_of

__all__ = ["Expressions", "agreed"]

TRUE: Value = frozenset({Other.TRUE})
FALSE: Value = frozenset({Other.FALSE})


def agreed(value: Value, problem_of: Callable[[Item], Problem | None]) -> Problem | None:
    """What is wrong with all that a value can be: nothing, if one of them is all right."""
    problems = [problem_of(item) for item in known(value)]
    return problems[0] if problems and all(problems) else None


class Expressions(ABC):
    """Evaluates expressions in a scope."""

    scope: Scope
    #: The functions that are being read, the innermost last.
    functions: list[OwnFunction]

    @abstractmethod
    def report(self, node: ast.AST, problem: Problem | None) -> None:
        """Say what is wrong at a place, if anything is."""

    def value(self, node: ast.expr | None, used: str = "value") -> Value:
        """What an expression can be. How it is `used` is told to the rules."""
        if node is None:
            return NOTHING
        method = getattr(self, f"_value_of_{type(node).__name__}", None)
        if method is not None:
            found: Value = method(node, used)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return ELSE  # a dict, a sum, a text

    def annotation(self, node: ast.expr | None) -> Value:
        """What something with an annotation can be."""
        return annotated(node, self.value)

    def test(self, node: ast.expr) -> Value:
        """What a condition can be."""
        if isinstance(node, ast.BoolOp):
            return self._junction(node, last=self.test)
        if isinstance(node, ast.Constant):
            return TRUE if node.value else FALSE
        value = self.value(node)
        self.report(node, agreed(value, _truth))
        return value

    @abstractmethod
    def bind(self, target: ast.expr, value: Value) -> None:
        """Let a target of an assignment stand for a value."""

    # One for each kind of expression.

    def _value_of_Name(self, node: ast.Name, used: str) -> Value:
        return self.scope.look_up(node.id)

    def _value_of_Constant(self, node: ast.Constant, used: str) -> Value:
        return NONE if node.value is None else ELSE

    def _value_of_Attribute(self, node: ast.Attribute, used: str) -> Value:
        owner = self.value(node.value, "owner")
        self.report(node, agreed(owner, lambda item: member_problem(item, node.attr, used)))
        return union(member(item, node.attr) for item in owner)

    def _value_of_Subscript(self, node: ast.Subscript, used: str) -> Value:
        owner = self.value(node.value, "owner")
        self.value(node.slice)
        return union(self._element(item, node.slice) for item in owner)

    def _element(self, item: Item, index: ast.expr) -> Value:
        if isinstance(item, Version):
            return frozenset({part_of(item, index)})
        if isinstance(item, Several):
            return frozenset({item}) if isinstance(index, ast.Slice) else item.items
        if isinstance(item, Instance):
            return subscripted(item, isinstance(index, ast.Slice))
        return frozenset({item}) if isinstance(item, Named) else UNKNOWN

    def _value_of_Call(self, node: ast.Call, used: str) -> Value:
        special = special_call(self, node)
        if special is not None:
            return special
        functions = self.value(node.func, "call")
        for argument in node.args:
            self.value(argument, "argument")
        for keyword in node.keywords:
            self.value(keyword.value, "argument")
        if len(known(functions)) == 1:
            for place, problem in call_problems(next(iter(known(functions))), node):
                self.report(place, problem)
        return union(called(item) for item in functions)

    def _value_of_Await(self, node: ast.Await, used: str) -> Value:
        return self.value(node.value, used)

    def _value_of_Starred(self, node: ast.Starred, used: str) -> Value:
        self.value(node.value)
        return UNKNOWN

    def _value_of_NamedExpr(self, node: ast.NamedExpr, used: str) -> Value:
        value = self.value(node.value)
        self.bind(node.target, value)
        return value

    def _value_of_BoolOp(self, node: ast.BoolOp, used: str) -> Value:
        return self._junction(node, last=self.value)

    def _junction(self, node: ast.BoolOp, last: Callable[[ast.expr], Value]) -> Value:
        values = [self.test(part) for part in node.values[:-1]] + [last(node.values[-1])]
        decides, other = (FALSE, TRUE) if isinstance(node.op, ast.And) else (TRUE, FALSE)
        if decides in values:
            return decides
        if all(value == other for value in values):
            return other
        if isinstance(node.op, ast.And):
            return values[-1] - {Other.TRUE, Other.FALSE}
        return _alternative(values)

    def _value_of_UnaryOp(self, node: ast.UnaryOp, used: str) -> Value:
        if not isinstance(node.op, ast.Not):
            self.value(node.operand)
            return ELSE
        value = self.test(node.operand)
        return {TRUE: FALSE, FALSE: TRUE}.get(value, UNKNOWN)

    def _value_of_IfExp(self, node: ast.IfExp, used: str) -> Value:
        decided = self.test(node.test)
        if decided in (TRUE, FALSE):
            return self.value(node.body if decided == TRUE else node.orelse, used)
        with self.guarded(node.test):
            return _alternative([self.value(node.body, used), self.value(node.orelse, used)])

    @abstractmethod
    def guarded(self, test: ast.expr) -> Any:
        """A block in which a condition that may be about versions holds, or does not."""

    def _value_of_Compare(self, node: ast.Compare, used: str) -> Value:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        if len(node.ops) != 1:
            return UNKNOWN
        left, right = (
            _version(value) or literal(part)
            for value, part in zip(values, (node.left, *node.comparators), strict=True)
        )
        if left is None or right is None or not any(map(_version, values)):
            return UNKNOWN
        return {True: TRUE, False: FALSE, None: UNKNOWN}[compared(left, node.ops[0], right)]

    def _value_of_List(self, node: ast.List | ast.Tuple | ast.Set, used: str) -> Value:
        inside = used if used == "argument" else "value"
        found = [self.value(element, inside) for element in node.elts]
        versions = [_version(value) for value in found]
        if versions and None not in versions:
            return UNKNOWN
        return frozenset({Several(union(found))})

    _value_of_Tuple = _value_of_List
    _value_of_Set = _value_of_List

    def _value_of_Lambda(self, node: ast.Lambda, used: str) -> Value:
        with self.inner_scope(_argument_names(node.args)):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                self.value(default)
            self.value(node.body)
        return ELSE

    @abstractmethod
    def inner_scope(self, names: Iterator[str]) -> Any:
        """A block with these unknown names of its own."""

    def _value_of_ListComp(self, node: Any, used: str) -> Value:
        with self.inner_scope(iter(())):
            for generator in node.generators:
                self.bind(generator.target, self.elements(generator.iter))
                for condition in generator.ifs:
                    self.test(condition)
            if isinstance(node, ast.DictComp):
                self.value(node.key)
                self.value(node.value)
                return ELSE
            return frozenset({Several(self.value(node.elt))})

    _value_of_SetComp = _value_of_ListComp
    _value_of_GeneratorExp = _value_of_ListComp
    _value_of_DictComp = _value_of_ListComp

    def elements(self, node: ast.expr) -> Value:
        """What an iteration over an expression gives."""
        return union(map(_element_of, self.value(node)))

    def _value_of_Yield(self, node: ast.Yield, used: str) -> Value:
        value = self.value(node.value)
        if self.functions:
            self.functions[-1].yields.update(value)
        return UNKNOWN


def _element_of(item: Item) -> Value:
    if isinstance(item, Several):
        return item.items
    return ELSE if isinstance(item, Instance) else UNKNOWN  # a cursor's documents


def _truth(item: Item) -> Problem | None:
    return rules.of_truth(item.kind) if isinstance(item, Instance) else None


def _alternative(values: list[Value]) -> Value:
    """One or the other: where one is known, what is not is taken to be the like of it."""
    found = union(values) - {Other.TRUE, Other.FALSE}
    rest = found - UNKNOWN
    return rest if known(rest) else found


def _version(value: Value) -> Version | None:
    if len(value) == 1:
        (item,) = value
        return item if isinstance(item, Version) else None
    return None


def _argument_names(arguments: ast.arguments) -> Iterator[str]:
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            yield rest.arg
