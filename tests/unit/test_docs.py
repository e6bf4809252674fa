"""What the documents name is there, and their Python is Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_THE_TOP = ("README", "CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY")
DOCUMENTS = [
    *(ROOT / f"{name}.md" for name in AT_THE_TOP),
    *(ROOT / name / "README.md" for name in ("bench", "examples")),
    *sorted((ROOT / "docs").glob("*.md")),
]
# Where the tour says a path without its beginning.
ROOTS = [ROOT, ROOT / "src", ROOT / "src" / "mongodriver"]
# By a command; or where the specifications may lie.
MADE = {".venv/engines", "build/threads", "bench/results/", "../shared/specs"}

PATHS = re.compile(r"`((?:\.\w+/)?[\w.*-]+/[\w./*-]*)`")
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)")
BLOCKS = re.compile(r"```python\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(
    not DOCUMENTS[0].exists(), reason="the documents are not beside the tests"
)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request):
    return request.param


def test_files_that_are_named_are_there(document):
    text = document.read_text(encoding="utf-8")
    for name in set(PATHS.findall(text)) - MADE:
        if name.startswith("../"):
            continue  # beside a checkout, or elsewhere: MONGODB_SPECS says where
        assert any([*root.glob(name)] for root in ROOTS), name
    for link in LINKS.findall(text):
        assert (document.parent / link).exists(), link


def test_examples_are_python(document):
    for block in BLOCKS.findall(document.read_text(encoding="utf-8")):
        compile(block, document.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_every_document_is_linked_from_the_readme():
    links = LINKS.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    names = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS} - {"README.md"}
    assert names <= {*links}
