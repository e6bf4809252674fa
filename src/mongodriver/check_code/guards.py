"""Why what is wrong may be right: it stands where a program looks at what PyMongo it has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .findings import Problem, Severity
from .versions import is_about_versions

__all__ = ["Guards"]


@dataclass(frozen=True)
class Guards:
    """What is known of the branch that is being read."""

    everything: bool = False  #: it may be for other versions
    imports: bool = False  #: an import that fails is caught
    asked_for: frozenset[str] = frozenset()  #: attributes that `hasattr` has asked for

    def where(self, test: ast.expr) -> Guards:
        """The same, where a condition holds or does not."""
        return replace(
            self,
            everything=self.everything or is_about_versions(test),
            asked_for=self.asked_for.union(_asked_for(test)),
        )

    def soften(self, node: ast.AST, problem: Problem) -> Problem:
        """A problem as it is to be told here."""
        fails = problem.severity is Severity.ERROR
        name = getattr(node, "attr", None) or getattr(node, "name", "")
        if (
            self.everything
            or (fails and self.imports and isinstance(node, ast.alias))
            or (fails and name in self.asked_for)
        ):
            message = f"{problem.message} (in a branch that may not be taken)"
            return Problem(Severity.NOTE, problem.code, message, problem.remedy)
        return problem


def _asked_for(test: ast.expr) -> Iterator[str]:
    """The names that a condition asks for by `hasattr`."""
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hasattr":
            name = node.args[-1] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value
