"""Scenarios of one line: expressions of a file, each in the state that those before it have left.

An expression is Python text with ``await`` where the asynchronous interface wants it; `Stage` says
which names it sees. A line that begins with "! " prepares others and is no scenario, "sync: " is
for what only synchronous objects can do, and "# " is a comment.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .sides import Scenario, Stage


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(kind, expression) of each line of a file; the kind is "!", "sync" or ""."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("! "):
            yield "!", line[2:]
        elif line.startswith("sync: "):
            yield "sync", line[6:]
        else:
            yield "", line


class _KeepArguments(ast.NodeTransformer):
    """Have the lists and dicts that an expression passes to calls kept, to see what became of
    them."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.func = self.visit(node.func)
        node.args = [self._kept(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self._kept(keyword.value)
        return node

    def _kept(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Dict | ast.List):
            return self.visit(node)
        keep = ast.Name("_keep", ast.Load())
        return ast.copy_location(ast.Call(keep, [node], []), node)


def scenario_of(expression: str) -> Scenario:
    """What evaluates an expression, and records its result and its arguments."""
    tree = _KeepArguments().visit(ast.parse(expression, "<expression>", "eval"))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(ast.fix_missing_locations(tree), "<expression>", "eval", flags=flags)

    async def evaluate(stage: Stage) -> None:
        def keep(value: Any) -> Any:
            stage.arguments.append(value)
            return value

        value = eval(code, {**vars(stage), "_keep": keep})
        stage.show(await value if inspect.iscoroutine(value) else value)

    return evaluate
