"""From files and notebooks to syntax trees."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["NOTEBOOK", "Source", "Unreadable", "read_source"]

NOTEBOOK = ".ipynb"
_LINES = re.compile(r"\r\n|\r|\n")


class Unreadable(Exception):
    """A file that is no Python that this interpreter knows."""


@dataclass
class Source:
    """A program text."""

    tree: ast.Module
    lines: list[str]
    #: Of a notebook: for each cell its number and the line, from 1, that it begins at.
    cells: list[tuple[int, int]] = field(default_factory=list)

    def place(self, line: int, offset: int) -> tuple[int, int, int]:
        """The cell, line and column of a node, whose `offset` is in bytes of UTF-8."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        column = len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1
        for number, begin in reversed(self.cells):
            if line >= begin:
                return number, line - begin + 1, column
        return 0, line, column


def read_source(path: Path, data: bytes) -> Source:
    """The program in a file's bytes.

    :raises Unreadable: if it is none.
    """
    if path.suffix == NOTEBOOK:
        text, cells = _notebook(data)
        return Source(_tree(text, path), _LINES.split(text), cells)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise Unreadable(str(error)) from None
    return Source(_tree(data, path), _LINES.split(text.removeprefix("\ufeff")))


def _tree(text: str | bytes, path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, str(path))
    except SyntaxError as error:
        place = f" (line {error.lineno})" if error.lineno else ""
        raise Unreadable(f"{error.msg}{place}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error) or "nested too deeply") from None


def _notebook(data: bytes) -> tuple[str, list[tuple[int, int]]]:
    """The code of a notebook's cells, one after the other."""
    try:
        document = json.loads(data)
        cells = document["cells"] if "cells" in document else document["worksheets"][0]["cells"]
        lines: list[str] = []
        begins = []
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] != "code":
                continue
            source = cell.get("source", cell.get("input", ""))
            text = source if isinstance(source, str) else "".join(source)
            begins.append((number, len(lines) + 1))
            lines += _python(_LINES.split(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unreadable("not a notebook") from None
    return "\n".join(lines), begins


def _python(lines: list[str]) -> list[str]:
    """Lines of a cell without what IPython alone understands, each in its place."""
    if lines and lines[0].startswith("%%"):
        return [""] * len(lines)  # of another language, or timed
    return [
        "" if re.match(r"\s*[%!?]|.*\?\s*$|\s*\w+\s*=\s*[%!]", line) else line for line in lines
    ]
