"""What calls give, and what is wrong with them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from . import rules
from .annotations import instance_of
from .findings import Problem
from .installed import PACKAGES, Missing, find, get
from .kinds import base_of, class_of, gives, is_of_library, kind_of
from .members import member
from .values import (
    ELSE,
    UNKNOWN,
    Bound,
    Instance,
    Item,
    Named,
    Other,
    OwnClass,
    OwnFunction,
    Several,
    Value,
    Version,
    known,
    union,
)
from .versions import CURRENT

if TYPE_CHECKING:
    from .expressions import Expressions

#: Functions whose results have the elements of what they are given.
_SAME = {"iter", "list", "reversed", "set", "sorted", "tuple"}
#: Functions whose results are no objects of PyMongo's.
_PLAIN = {"bool", "bytes", "dict", "float", "int", "len", "open", "range", "repr", "str", "sum"}
#: What makes versions of texts.
_PARSERS = {"LooseVersion", "StrictVersion", "Version", "parse", "parse_version"}

__all__ = ["call_problems", "called", "special_call"]


def called(item: Item) -> Value:
    """What calling something gives; of coroutines, what they come to."""
    if isinstance(item, Named | OwnClass):
        made = instance_of(item)
        is_other = isinstance(item, Named) and item.path.split(".")[0] in PACKAGES
        return ELSE if made == UNKNOWN and is_other else made
    if isinstance(item, Bound):
        given = gives(item.kind, item.name)
        if given is None:  # a document, a list, a number
            return UNKNOWN if is_of_library(item.kind) else ELSE
        return frozenset({Instance(given)})
    if isinstance(item, OwnFunction):
        return item.gives
    if isinstance(item, Version):
        return frozenset({item})
    return UNKNOWN


def call_problems(item: Item, node: ast.Call) -> list[tuple[ast.AST, Problem]]:
    """What is wrong with what is passed, each with its place."""
    if isinstance(item, Bound):
        owner = class_of(item.kind)
        function = None if owner is None else get(owner, item.name)
        if not callable(function):
            return []
        return rules.of_call(function, item.kind, item.name, node)
    if isinstance(item, Named) and item.path.split(".")[0] in PACKAGES:
        return _problems_of_named(item.path, node)
    return []


def _problems_of_named(path: str, node: ast.Call) -> list[tuple[ast.AST, Problem]]:
    function: Any = find(path)
    kind = kind_of(path)
    if kind is not None and base_of(kind) == "MongoClient":
        return rules.of_client(class_of(kind), node)
    if isinstance(function, Missing) or not callable(function):
        return []
    return rules.of_call(function, "", path, node)


def special_call(reader: Expressions, node: ast.Call) -> Value | None:
    """What a call of some functions of Python's gives; None for all others."""
    if isinstance(node.func, ast.Name) and reader.scope.look_up(node.func.id) != UNKNOWN:
        return None
    name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
    last = name.rpartition(".")[2]
    if name == "getattr" and len(node.args) > 1:
        return _getattr(reader, node)
    if name == "hasattr" and len(node.args) == 2:
        return _hasattr(reader, node)
    if last == "cast" and len(node.args) == 2:
        reader.value(node.args[1])
        return reader.annotation(node.args[0])
    if last == "version" and node.args and _text(node.args[0]) == "pymongo":
        return frozenset({CURRENT})
    if name == "bool" and len(node.args) == 1:
        tested = reader.test(node.args[0])
        return tested if any(isinstance(item, Version) for item in tested) else ELSE
    if name in _SAME or name in _PLAIN:
        return _converted(reader, node, name in _SAME)
    if last in _PARSERS:
        reader.value(node.func, "call")
        return _converted(reader, node, False, UNKNOWN)
    return None


def _converted(
    reader: Expressions, node: ast.Call, keeps_items: bool, otherwise: Value = ELSE
) -> Value:
    values = [reader.value(argument, "argument") for argument in node.args]
    for keyword in node.keywords:
        reader.value(keyword.value, "argument")
    kept = Version | Several if keeps_items else Version
    if len(values) == 1 and values[0] and all(isinstance(item, kept) for item in values[0]):
        return values[0]
    return otherwise


def _getattr(reader: Expressions, node: ast.Call) -> Value:
    owner = reader.value(node.args[0], "owner")
    for argument in node.args[1:]:
        reader.value(argument)
    name = _text(node.args[1])
    if name is None:
        return UNKNOWN
    found = union(member(item, name) for item in owner)
    return found | UNKNOWN if len(node.args) > 2 else found


def _hasattr(reader: Expressions, node: ast.Call) -> Value:
    owner = known(reader.value(node.args[0], "owner"))
    name = _text(node.args[1])
    if name is None or len(owner) != 1:
        return UNKNOWN
    (item,) = owner
    if not isinstance(item, Named) or item.path.split(".")[0] not in PACKAGES:
        return UNKNOWN
    there = not isinstance(find(f"{item.path}.{name}"), Missing)
    return frozenset({Other.TRUE if there else Other.FALSE})


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
