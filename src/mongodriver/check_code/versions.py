"""Comparisons with a version of PyMongo, which is that of the API here."""

from __future__ import annotations

import ast
import operator
import re

from mongodriver._version import version_tuple

from .values import Version

__all__ = ["CURRENT", "compared", "is_about_versions", "literal", "part_of"]

CURRENT = Version(tuple(part for part in version_tuple if isinstance(part, int)))

_OPERATORS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
#: Names of the variables that programs keep the outcome of such a comparison in.
_ABOUT = re.compile(
    r"(pymongo|motor|bson)[^()]*(version|[0-9])|version[^()]*(pymongo|motor|bson)", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")


def literal(node: ast.expr) -> Version | None:
    """The version in `(4, 0)`, `[4]`, `4`, `"4.0"` or `parse("4.0")`; None for anything else."""
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return literal(node.args[0])
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, str):
        parts = [int(digits) for digits in _DIGITS.findall(value)]
        return Version(tuple(parts)) if parts else None
    if isinstance(value, float):
        return literal(ast.Constant(str(value)))
    if isinstance(value, int):
        return Version((value,))
    if isinstance(value, list | tuple) and value and all(type(part) is int for part in value):
        return Version(tuple(value))
    return None


def compared(left: Version, sign: ast.cmpop, right: Version) -> bool | None:
    """What the comparison gives; None if that is unclear."""
    compare = _OPERATORS.get(type(sign))
    return None if compare is None else bool(compare(left.parts, right.parts))


def part_of(version: Version, index: ast.expr) -> Version:
    """`version[0]` or `version[:2]`."""
    try:
        if isinstance(index, ast.Slice) and index.step is None:
            lower, upper = (
                None if bound is None else ast.literal_eval(bound)
                for bound in (index.lower, index.upper)
            )
            return Version(version.parts[lower:upper])
        return Version((version.parts[ast.literal_eval(index)],))
    except (ValueError, TypeError, IndexError):
        return version


def is_about_versions(test: ast.expr) -> bool:
    """Whether a condition seems to depend on the version of PyMongo."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name | ast.Attribute) and _ABOUT.search(ast.unparse(node)):
            return True
    return False
