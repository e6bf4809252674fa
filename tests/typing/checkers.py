"""Runs mypy and pyright on programs of users, as they stand and with our packages' names."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: Programs for PyMongo, which are to be the same with our packages.
SNIPPETS = sorted((HERE / "snippets").glob("*.py"))
#: Programs for ours, in which every line that ends with "# error" has one, and no other.
ASSERTIONS = sorted((HERE / "assertions").glob("*.py"))

#: By file and line: what the checker has found there, errors as rules and types as text.
Findings = dict[tuple[str, int], list[str]]

_RENAMED = [
    (r"^(\s*)import bson$", r"\1import bsonx as bson"),
    (r"^(\s*)import gridfs$", r"\1import mongodriver.gridfs as gridfs"),
    (r"^(\s*)import pymongo$", r"\1import mongodriver as pymongo"),
    (r"^(\s*)from bson\b", r"\1from bsonx"),
    (r"^(\s*)from gridfs\b", r"\1from mongodriver.gridfs"),
    (r"^(\s*)from pymongo import monitoring$", r"\1from mongodriver import monitoring"),
    (r"^(\s*)from pymongo\b", r"\1from mongodriver"),
]


def renamed(program: str) -> str:
    """A program that imports our packages in place of PyMongo's; its lines stay where they are."""
    for pattern, replacement in _RENAMED:
        program = re.sub(pattern, replacement, program, flags=re.MULTILINE)
    return program


def has_mypy() -> bool:
    return importlib.util.find_spec("mypy") is not None


def has_pyright() -> bool:
    return importlib.util.find_spec("pyright") is not None


class Programs:
    """What a checker finds in the programs of `snippets`, for both packages, and `assertions`.

    `more` are further programs for both.
    """

    def __init__(
        self, check: Callable[[Path], Findings], folder: Path, more: Mapping[str, str]
    ) -> None:
        for kind in ("theirs", "ours", "assertions"):
            (folder / kind).mkdir()
            (folder / kind / "__init__.py").touch()
        for path in SNIPPETS:
            (folder / "theirs" / path.name).write_text(path.read_text())
            (folder / "ours" / path.name).write_text(renamed(path.read_text()))
        for path in ASSERTIONS:
            (folder / "assertions" / path.name).write_text(path.read_text())
        for name, program in more.items():
            (folder / "theirs" / name).write_text(program)
            (folder / "ours" / name).write_text(renamed(program))
        self._found = check(folder)

    def of(self, kind: str, program: str) -> dict[int, list[str]]:
        """What was found in a program, by line."""
        name = f"{kind}/{program}"
        return {line: sorted(found) for (file, line), found in self._found.items() if file == name}


def differences(theirs: dict[int, list[str]], ours: dict[int, list[str]]) -> list[str]:
    """The lines on which only one of two programs has an error, or a type is another one.

    Which error an overload gives is the checker's affair. Where PyMongo's type is not known, ours
    may be.
    """
    return [
        f"line {line}: {theirs.get(line)} became {ours.get(line)}"
        for line in sorted({*theirs, *ours})
        if not _agree(theirs.get(line, []), ours.get(line, []))
    ]


def _agree(theirs: list[str], ours: list[str]) -> bool:
    if any(is_error(one) for one in theirs) != any(is_error(one) for one in ours):
        return False
    types = [one for one in theirs if not is_error(one)]
    found = [one for one in ours if not is_error(one)]
    return types == found or types in (["Any"], ["Unknown"])


def is_error(finding: str) -> bool:
    return finding.startswith("error: ")


def mypy(folder: Path) -> Findings:
    """Check all programs in a folder as strictly as mypy can."""
    # Only the programs' own errors count; what they import may be checked less strictly.
    settings = {"strict": True, "follow_imports": "silent", "mypy_path": ROOT / "src"}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (folder / "mypy.ini").write_text("\n".join(["[mypy]", *lines, ""]))
    cache = str(ROOT / ".mypy_cache" / "typing")
    options = ["--config-file", "mypy.ini", "--no-error-summary", "--hide-error-context"]
    ended = _run([sys.executable, "-m", "mypy", *options, "--cache-dir", cache, "."], folder)
    found: Findings = defaultdict(list)
    for line in ended.stdout.splitlines():
        if match := re.match(r"(\S+?):(\d+): (error|note): (.*)", line):
            file, number, kind, text = match.groups()
            revealed = re.match(r'Revealed type is "(.*)"', text)
            rule = re.search(r"\[([\w-]+)\]$", text)
            if revealed:
                found[file, int(number)].append(_plain(revealed[1]))
            elif kind == "error":
                found[file, int(number)].append(f"error: {rule[1] if rule else text}")
    assert ended.returncode in (0, 1) and not ended.stderr, ended.stdout + ended.stderr
    return found


def pyright(folder: Path) -> Findings:
    """Check all programs in a folder with pyright's own settings."""
    config = {"pythonVersion": "3.11", "extraPaths": [str(ROOT / "src")]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    options = ["--outputjson", "--pythonpath", sys.executable, "--project", "."]
    ended = _run([sys.executable, "-m", "pyright", *options], folder)
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    found: Findings = defaultdict(list)
    for one in json.loads(ended.stdout)["generalDiagnostics"]:
        file = Path(one["file"]).relative_to(folder.resolve()).as_posix()
        place = file, one["range"]["start"]["line"] + 1
        revealed = re.match(r'Type of ".*" is "(.*)"$', one["message"], re.DOTALL)
        if revealed:
            found[place].append(_plain(revealed[1]))
        elif one["severity"] == "error":
            found[place].append(f"error: {one['rule']}")
    return found


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


_BOUND = " <: Mapping[str, Any]"
_DOCUMENT = re.compile(r"\b_?(?:(?:Codec)?Document(?:T|Type|TypeArg)?|OtherT|MappingT)(?:@\w+)?\b")
_TYPED = " | _Dataclass | _Struct | _Attrs | _Model | _NamedTuple"


def _plain(revealed: str) -> str:
    """A type without the modules of its classes and the names of its type variables."""
    text = re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", revealed)
    text = re.sub(
        r"\b_?(?:(?:Codec)?Document(?:T|Type|TypeArg)?|OtherT|MappingT)(?:@\w+)?\b", "D", text
    )
    text = re.sub(r"\b_T\b", "T", text)
    return text.replace(_TYPED, "").replace(_BOUND, "")
