"""What an annotation stands for: an object of which class."""

from __future__ import annotations

import ast
from collections.abc import Callable

from .kinds import kind_of
from .values import ELSE, NONE, UNKNOWN, Instance, Item, Named, OwnClass, OwnInstance, Value, union

__all__ = ["Resolve", "annotated", "instance_of"]

#: What gives the value of a name or attribute.
Resolve = Callable[[ast.expr], Value]

#: Of these, what stands in the brackets counts.
_WRAPPERS = {"Annotated", "ClassVar", "Final", "Optional", "Required", "NotRequired", "ReadOnly"}


def annotated(node: ast.expr | None, resolve: Resolve) -> Value:
    """What something with this annotation can be."""
    if node is None:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        if node.value is None:
            return NONE
        return _quoted(node.value, resolve) if isinstance(node.value, str) else UNKNOWN
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return annotated(node.left, resolve) | annotated(node.right, resolve)
    if isinstance(node, ast.Subscript):
        return _subscripted(node, resolve)
    if isinstance(node, ast.Name | ast.Attribute):
        found = union(instance_of(item) for item in resolve(node))
        says_nothing = ast.unparse(node).rpartition(".")[2] in ("Any", "object")
        return ELSE if found == UNKNOWN and not says_nothing else found
    return ELSE


def instance_of(item: Item) -> Value:
    """An object of a class."""
    if isinstance(item, OwnClass):
        return frozenset({OwnInstance(item)})
    kind = kind_of(item.path) if isinstance(item, Named) else None
    return UNKNOWN if kind is None else frozenset({Instance(kind)})


def _quoted(text: str, resolve: Resolve) -> Value:
    try:
        return annotated(ast.parse(text.strip(), mode="eval").body, resolve)
    except (SyntaxError, ValueError):
        return UNKNOWN


def _subscripted(node: ast.Subscript, resolve: Resolve) -> Value:
    name = ast.unparse(node.value).rpartition(".")[2]
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Union":
        return union(annotated(part, resolve) for part in inside)
    if name in _WRAPPERS:
        found = annotated(inside[0], resolve) if inside else UNKNOWN
        return found | NONE if name == "Optional" else found
    return annotated(node.value, resolve)
