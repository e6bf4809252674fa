"""What imports bring."""

from __future__ import annotations

import ast
from collections.abc import Callable

from . import rules
from .expressions import Expressions
from .installed import PACKAGES, Missing, find
from .kinds import LIBRARIES, likely
from .members import named
from .values import UNKNOWN, OwnModule, Value

__all__ = ["Imports", "path_in_pymongo"]

#: Ours, the longest first, and PyMongo's.
_OURS = [("mongodriver.gridfs", "gridfs"), ("mongodriver", "pymongo"), ("bsonx", "bson")]


def path_in_pymongo(name: str) -> str | None:
    """A dotted name as PyMongo has it, or one of `LIBRARIES`; None if it is of another package."""
    for ours, theirs in _OURS:
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name.removeprefix(ours)
    return name if name.split(".")[0] in {*PACKAGES, *LIBRARIES} else None


class Imports(Expressions):
    """Reads imports."""

    #: The module of the program with a dotted name behind a number of dots, if it is one.
    locate: Callable[[str, int], OwnModule | None]

    def all_are_here(self, statements: list[ast.stmt]) -> bool:
        """Whether statements do nothing but import what this distribution has."""
        for statement in statements:
            if isinstance(statement, ast.Import):
                paths = [path_in_pymongo(alias.name) for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom) and not statement.level:
                module = path_in_pymongo(statement.module or "")
                paths = [module and f"{module}.{alias.name}" for alias in statement.names]
            else:
                return False
            for path in paths:
                if path is None or path.split(".")[0] not in PACKAGES:
                    return False
                if isinstance(find(path), Missing):
                    return False
        return bool(statements)

    def _run_Import(self, node: ast.Import) -> bool:
        for alias in node.names:
            path = path_in_pymongo(alias.name)
            own = self.locate(alias.name, 0)
            if path is None or own is not None:
                self._bind_own(alias, own)
                continue
            self.report(alias, rules.of_name(path))
            if alias.asname:
                self.scope.bind(alias.asname, named(path))
            elif alias.name.startswith("mongodriver.gridfs"):
                self.scope.bind("mongodriver", named("pymongo"))
            else:
                top = alias.name.split(".")[0]
                self.scope.bind(top, named(path_in_pymongo(top) or top))
        return False

    def _bind_own(self, alias: ast.alias, own: OwnModule | None) -> None:
        if alias.asname or "." not in alias.name:
            value: Value = UNKNOWN if own is None else frozenset({own})
            self.scope.bind(alias.asname or alias.name, value)
            return
        top = self.locate(alias.name.split(".")[0], 0)
        self.scope.bind(alias.name.split(".")[0], UNKNOWN if top is None else frozenset({top}))

    def _run_ImportFrom(self, node: ast.ImportFrom) -> bool:
        module = node.module or ""
        path = None if node.level else path_in_pymongo(module)
        own = self.locate(module, node.level)
        if path is None or own is not None:
            self._from_own(node, module, own)
            return False
        whole = rules.of_name(path)
        if whole is not None and whole.code != "private" and not path.startswith("motor"):
            # Once for all names of a module that is not there.
            self.report(node.names[0], rules.of_name(f"{path}.{node.names[0].name}"))
        for alias in node.names:
            if alias.name == "*":
                self._all_of(path)
                continue
            name = f"{path}.{alias.name}"
            if whole is None or whole.code == "private":
                self.report(alias, rules.of_name(name))
            elif path.startswith("motor"):
                self.report(alias, whole if alias is node.names[0] else None)
            self.scope.bind(alias.asname or alias.name, named(name))
        return False

    def _all_of(self, path: str) -> None:
        module = find(path) if path.split(".")[0] in PACKAGES else None
        if not isinstance(module, Missing):
            for name in getattr(module, "__all__", ()):
                self.scope.bind(name, named(f"{path}.{name}"))

    def _from_own(self, node: ast.ImportFrom, module: str, own: OwnModule | None) -> None:
        for alias in node.names:
            if alias.name == "*":
                for name, items in () if own is None else [*own.names.items()]:
                    if not name.startswith("_"):
                        self.scope.bind(name, likely(frozenset(items)))
                continue
            value: Value = UNKNOWN
            if own is not None and alias.name in own.names:
                value = likely(frozenset(own.names[alias.name]))
            else:
                inner = self.locate(f"{module}.{alias.name}".strip("."), node.level)
                if inner is not None:
                    value = frozenset({inner})
            self.scope.bind(alias.asname or alias.name, value)
