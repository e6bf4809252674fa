"""The modules that are checked together, and what they import of one another."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .findings import Finding, Problem, Severity
from .module import Sink, read_module
from .source import NOTEBOOK, Source, Unreadable, read_source
from .values import OwnModule

__all__ = ["Project"]

#: A module that has none of these has nothing of PyMongo's of its own.
_MENTION = re.compile(rb"pymongo|bson|gridfs|motor|mongodriver")
_PACKAGE = "__init__.py"


class Project:
    """Programs, one file after the other; of others it remembers what their names stand for."""

    def __init__(self, roots: Iterable[Path] = ()) -> None:
        """:param roots: folders in which programs also find modules."""
        self._roots = [
            folder for root in roots for folder in (root.absolute(), root.absolute() / "src")
        ]
        self._modules: dict[Path, OwnModule | None] = {}
        self._matters: dict[Path, bool] = {}

    def check(self, path: Path) -> list[Finding]:
        """What is wrong in a file.

        :raises OSError: if it cannot be read.
        :raises Unreadable: if it is no Python.
        """
        source = read_source(path, path.read_bytes())
        if not self._does_matter(path.absolute(), source):
            return []
        found: set[Finding] = set()

        def sink(node: ast.AST, problem: Problem) -> None:
            found.add(_finding(path, source, node, problem))

        self._read(path.absolute(), source, OwnModule(), sink)
        return sorted(found)

    def _read(
        self,
        path: Path,
        source: Source,
        module: OwnModule,
        sink: Sink | None,
    ) -> None:
        def locate(name: str, level: int) -> OwnModule | None:
            target = self._located(path, name, level)
            return None if target is None or target == path else self._module(target)

        try:
            read_module(source.tree, locate, module, sink)
        except RecursionError:
            raise Unreadable("nested too deeply") from None

    def _module(self, path: Path) -> OwnModule | None:
        """What the names of a module stand for; None if it has nothing to do with PyMongo."""
        if path not in self._modules:
            # While it is read it may import what imports it.
            self._modules[path] = module = OwnModule()
            try:
                source = read_source(path, path.read_bytes())
                if self._does_matter(path, source):
                    self._read(path, source, module, None)
            except (OSError, Unreadable):
                pass
        return self._modules[path]

    def _does_matter(self, path: Path, source: Source) -> bool:
        """Whether a file, or anything that it imports, has to do with PyMongo."""
        known = self._matters.get(path)
        if known is not None:
            return known
        seen = {path}
        waiting = [(path, source.tree)]
        found = False
        while waiting and not found:
            here, tree = waiting.pop()
            if self._matters.get(here) or _mentions(here):
                found = True
                break
            if self._matters.get(here) is False:
                continue
            for target in self._imported(here, tree):
                if target not in seen:
                    seen.add(target)
                    try:
                        waiting.append((target, read_source(target, target.read_bytes()).tree))
                    except (OSError, Unreadable):
                        continue
        if found:
            self._matters[path] = True
        else:
            self._matters.update(dict.fromkeys(seen, False))
        return found

    def _imported(self, path: Path, tree: ast.Module) -> Iterator[Path]:
        for node in ast.walk(tree):
            names: list[tuple[str, int]] = []
            if isinstance(node, ast.Import):
                names = [(alias.name, 0) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = [(module, node.level)]
                names += [(f"{module}.{alias.name}".strip("."), node.level) for alias in node.names]
            for name, level in names:
                target = self._located(path, name, level)
                if target is not None:
                    yield target

    def _located(self, path: Path, name: str, level: int) -> Path | None:
        """The file of a module that is imported by another, if it lies beside it."""
        if path.suffix == NOTEBOOK and level:
            return None
        if level:
            folder = path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return _module_in(folder, name)
        found = (_module_in(folder, name) for folder in (_top(path), *self._roots))
        return next(filter(None, found), None)


def _mentions(path: Path) -> bool:
    try:
        return _MENTION.search(path.read_bytes()) is not None
    except OSError:
        return False


def _top(path: Path) -> Path:
    """The folder from which the package of a file is imported."""
    folder = path.parent
    while os.path.isfile(folder / _PACKAGE) and folder != folder.parent:
        folder = folder.parent
    return folder


def _module_in(folder: Path, name: str) -> Path | None:
    place = folder.joinpath(*name.split(".")) if name else folder
    if not place.name:
        return None  # more dots than folders
    for file in (place / _PACKAGE, place.with_name(f"{place.name}.py")):
        if os.path.isfile(file):  # which also says no where a path is no path
            return file
    return None


def _finding(path: Path, source: Source, node: ast.AST, problem: Problem) -> Finding:
    line = getattr(node, "lineno", 1)
    offset = getattr(node, "col_offset", 0)
    if isinstance(node, ast.Attribute) and node.end_lineno and node.end_col_offset:
        # The name, not what stands before it, which may be many lines above.
        line, offset = node.end_lineno, node.end_col_offset - len(node.attr.encode())
    cell, line, column = source.place(line, offset)
    severity = Severity(problem.severity)
    return Finding(
        str(path), cell, line, column, severity, problem.code, problem.message, problem.remedy
    )
