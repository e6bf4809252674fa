"""The modules that are checked together, and what they import of one another."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .findings import Finding, Problem, Severity
from .module import Sink, read_module
from .source import NOTEBOOK, Source, Unreadable, read_source
from .values import OwnModule, is_of_pymongo

__all__ = ["Project"]

#: A module that has none of these has nothing of PyMongo's of its own.
_MENTION = re.compile(rb"pymongo|bson|gridfs|motor|mongodriver")
_PACKAGE = "__init__.py"


@dataclass(frozen=True)
class _File:
    """What is known of a file without reading it closely."""

    mentions: bool
    imports: tuple[Path, ...] = ()


class Project:
    """Programs, one file after the other; of others it remembers what their names stand for."""

    def __init__(self, roots: Iterable[Path] = ()) -> None:
        """:param roots: folders in which programs also find modules."""
        self._roots = [
            folder for root in roots for folder in (root.absolute(), root.absolute() / "src")
        ]
        self._files: dict[Path, _File] = {}
        self._matters: dict[Path, bool] = {}
        self._modules: dict[Path, OwnModule] = {}

    def check(self, path: Path) -> list[Finding]:
        """What is wrong in a file.

        :raises OSError: if it cannot be read.
        :raises Unreadable: if it is no Python.
        """
        data = path.read_bytes()
        source = read_source(path, data)
        absolute = path.absolute()
        self._files[absolute] = self._glance(absolute, data, source.tree)
        if not self._does_matter(absolute):
            return []
        self._read_imports(absolute)
        if not self._is_touched(absolute):
            return []
        found: set[Finding] = set()

        def sink(node: ast.AST, problem: Problem) -> None:
            found.add(_finding(path, source, node, problem))

        self._read(absolute, source, OwnModule(), sink)
        return sorted(found)

    def _read(self, path: Path, source: Source, module: OwnModule, sink: Sink | None) -> None:
        def locate(name: str, level: int) -> OwnModule | None:
            target = self._located(path, name, level)
            return None if target is None else self._modules.get(target, OwnModule())

        try:
            read_module(source.tree, locate, module, sink)
        except RecursionError:
            raise Unreadable("nested too deeply") from None

    def _read_imports(self, start: Path) -> None:
        """Find out what the names of the modules stand for that a file imports, and they in turn.

        Each after what it imports, and once more where some import one another.
        """
        order = list(self._imports_first(start))
        in_rings = False
        for path in order:
            in_rings |= any(not self._is_known(target) for target in self._file(path).imports)
            self._summarize(path)
        if in_rings:
            for path in (start, *order):
                self._summarize(path)

    def _is_known(self, path: Path) -> bool:
        return path in self._modules or not self._does_matter(path)

    def _imports_first(self, start: Path) -> Iterator[Path]:
        """The files that one imports, and they in turn, each after those that it imports."""
        seen = {start}
        waiting = [(start, iter(self._file(start).imports))]
        while waiting:
            here, targets = waiting[-1]
            for target in targets:
                if target not in seen and target not in self._modules and self._does_matter(target):
                    seen.add(target)
                    waiting.append((target, iter(self._file(target).imports)))
                    break
            else:
                waiting.pop()
                if here != start:
                    yield here

    def _summarize(self, path: Path) -> None:
        """Find out what the names of a module stand for."""
        module = self._modules.setdefault(path, OwnModule())
        module.names.clear()
        try:
            if self._is_touched(path):
                self._read(path, read_source(path, path.read_bytes()), module, None)
        except (OSError, Unreadable):
            pass

    def _is_touched(self, path: Path) -> bool:
        """Whether a file has names that stand for something of PyMongo's."""
        file = self._file(path)
        return file.mentions or any(
            target in self._modules and is_of_pymongo(self._modules[target])
            for target in file.imports
        )

    def _does_matter(self, path: Path) -> bool:
        """Whether a file, or anything that it imports, has to do with PyMongo."""
        known = self._matters.get(path)
        if known is not None:
            return known
        seen = {path}
        waiting = [path]
        while waiting:
            here = waiting.pop()
            if self._matters.get(here) or self._file(here).mentions:
                self._matters[path] = True
                return True
            if here not in self._matters:
                new = set(self._file(here).imports) - seen
                seen |= new
                waiting += new
        self._matters.update(dict.fromkeys(seen, False))
        return False

    def _file(self, path: Path) -> _File:
        if path not in self._files:
            try:
                data = path.read_bytes()
                self._files[path] = self._glance(path, data, read_source(path, data).tree)
            except (OSError, Unreadable):
                self._files[path] = _File(mentions=False)
        return self._files[path]

    def _glance(self, path: Path, data: bytes, tree: ast.Module) -> _File:
        found: dict[Path, None] = {}
        for node in ast.walk(tree):
            for name, level in _imported(node):
                target = self._located(path, name, level)
                if target is not None and target != path:
                    found[target] = None
        return _File(_MENTION.search(data) is not None, tuple(found))

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


def _imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules that a statement may import: their names, and how many dots stand before."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, 0
            yield alias.name.split(".")[0], 0
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        yield module, node.level
        for alias in node.names:
            yield f"{module}.{alias.name}".strip("."), node.level


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
