"""The constraints of ``msgspec.Meta``, checked on values that have been read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from bsonx._typed.nodes import Kind, Node

__all__ = ["constrained"]


def constrained(node: Node, metadata: list[Any]) -> Node:
    """Return a node that also checks the constraints of ``msgspec.Meta``, if there are any."""
    msgspec = sys.modules.get("msgspec")
    if msgspec is None:
        return node
    for meta in metadata:
        checks = _checks(meta) if isinstance(meta, msgspec.Meta) else []
        if checks:
            node = Node(
                Kind.CALL,
                node.label,
                node.codes,
                widened=node.widened,
                item=node,
                call=_Checker(checks),
            )
    return node


class _Checker:
    """Returns a value that passes all checks, or raises ValueError."""

    def __init__(self, checks: list[tuple[str, Callable[[Any], bool]]]) -> None:
        self._checks = checks

    def __call__(self, value: Any) -> Any:
        if value is not None:
            for text, check in self._checks:
                if not check(value):
                    raise ValueError(f"expected a value {text}")
        return value


def _checks(meta: Any) -> list[tuple[str, Callable[[Any], bool]]]:
    rules: Mapping[str, tuple[str, Callable[[Any], Callable[[Any], bool]]]] = {
        "gt": ("> {!r}", lambda bound: lambda value: value > bound),
        "ge": (">= {!r}", lambda bound: lambda value: value >= bound),
        "lt": ("< {!r}", lambda bound: lambda value: value < bound),
        "le": ("<= {!r}", lambda bound: lambda value: value <= bound),
        "multiple_of": ("that is a multiple of {!r}", lambda n: lambda value: value % n == 0),
        "min_length": ("of length >= {!r}", lambda n: lambda value: len(value) >= n),
        "max_length": ("of length <= {!r}", lambda n: lambda value: len(value) <= n),
        "pattern": ("matching {!r}", lambda text: _matcher(text)),
        "tz": ("with tz={!r}", lambda tz: lambda value: (value.tzinfo is not None) is tz),
    }
    checks = []
    for name, (text, make) in rules.items():
        bound = getattr(meta, name)
        if bound is not None:
            checks.append((text.format(bound), make(bound)))
    return checks


def _matcher(pattern: str) -> Callable[[Any], bool]:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None
