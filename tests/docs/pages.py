"""The project's documents, and the code in them.

Python in a page runs from top to bottom, as a reader would run it: a block knows what the ones
before it have made. Comments in front of a block say what is special:

    <!-- not run: why -->          what it needs is not there; it must compile all the same
    <!-- a new process -->         it does not know of the blocks before
    <!-- raises: TypeError -->     it ends with this error
    <!-- needs trio anyio -->      packages, without which it is not run

and `<!-- setup` (or `<!-- setup: needs trio`) with code behind it up to `-->` is run, and not
shown. A block of `text` that follows one of Python is what that prints; `...` stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_THE_TOP = ("README", "CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY")
#: None where the documents are not beside the tests.
PAGES = [
    path
    for path in (
        *(ROOT / f"{name}.md" for name in AT_THE_TOP),
        *(ROOT / name / "README.md" for name in ("bench", "examples")),
        *sorted((ROOT / "docs").glob("*.md")),
    )
    if (ROOT / "docs" / "tour.md").exists()
]

_FENCE = re.compile(
    r"""(?:^<!--\ (?P<mark>[^\n]*?)\ -->\n\s*)?
        ^(?P<indent>\ *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```\ *$
      | ^<!--\ setup(?::\ (?P<needs>[^\n]*))?\n(?P<setup>.*?)^-->$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}.*\n|\n(?= {4}))+")


@dataclass
class Block:
    """Code of a page: `mark` is what the comment in front of it says, `prints` its output."""

    language: str
    code: str
    line: int
    mark: str = ""
    prints: str | None = None

    @property
    def reason(self) -> str:
        """Why it is not run, or nothing."""
        kind, _, rest = self.mark.partition(" ")
        missing = [name for name in rest.split() if find_spec(name) is None]
        if kind == "needs" and missing:
            return f"without {', '.join(missing)}"
        return rest.removeprefix("run: ") if kind == "not" else ""


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page, and what is run unseen."""
    return list(_blocks(path.read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[Block]:
    held: Block | None = None
    end = 0
    for found in _FENCE.finditer(text):
        if found["setup"] is not None:
            line = text.count("\n", 0, found.start("setup")) + 1
            block = Block("python", found["setup"], line, found["needs"] or "")
        else:
            line = text.count("\n", 0, found.start("code")) + 1
            code = re.sub(f"^{found['indent']}", "", found["code"], flags=re.MULTILINE)
            block = Block(found["language"], code, line, found["mark"] or "")
        follows = held is not None and held.language == "python"
        if follows and block.language == "text" and not text[end : found.start()].strip():
            assert held is not None
            held.prints = block.code
            end = found.end()
            continue
        if held is not None:
            yield held
        held, end = block, found.end()
    if held is not None:
        yield held


def commands(path: Path) -> Iterator[str]:
    """Yield the lines that are for a shell: indented blocks, and fenced ones of a shell."""
    text = path.read_text(encoding="utf-8")
    shown = [block.code for block in _blocks(text) if block.language in ("sh", "shell", "bash")]
    outside = _FENCE.sub("\n", text)
    shown += [re.sub("^ {4}", "", code, flags=re.MULTILINE) for code in _INDENTED.findall(outside)]
    for code in shown:
        yield from code.replace("\\\n", " ").splitlines()
