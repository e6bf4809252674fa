"""The code in the documents runs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks

RUNNER = Path(__file__).with_name("run_page.py")
#: Where this driver lies, and whatever else is found here.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
NEW_PROCESS = "a new process"
#: What runs nowhere, in all pages together; what needs a package runs where that is.
MOST_NOT_RUN = 5

pytestmark = pytest.mark.skipif(not PAGES, reason="no documents beside the tests")


def python(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "python"]


def processes(page: Path) -> list[list[Block]]:
    """Return the blocks that run, by the processes that they run in."""
    running = [block for block in python(page) if not block.reason]
    starts = [n for n, block in enumerate(running) if block.mark == NEW_PROCESS or n == 0]
    return [running[start:end] for start, end in pairwise([*starts, len(running)])]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


PARTS = [(page, part) for page in PAGES for part in processes(page)]
NOT_RUN = [(page, block) for page in PAGES for block in python(page) if block.reason]


@pytest.mark.server
@pytest.mark.parametrize(
    ("page", "part"), PARTS, ids=[f"{name(page)}:{part[0].line}" for page, part in PARTS]
)
def test_python_runs(page: Path, part: list[Block], empty: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, RUNNER, name(page), empty],
        input=json.dumps([vars(block) for block in part]),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "block"), NOT_RUN, ids=[f"{name(page)}:{block.line}" for page, block in NOT_RUN]
)
def test_python_that_needs_more(page: Path, block: Block) -> None:
    compile(block.code, name(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    pytest.skip(block.reason)


def test_little_is_not_run() -> None:
    marked = [block for page in PAGES for block in python(page) if block.mark.startswith("not run")]
    assert len(marked) <= MOST_NOT_RUN
    assert len(NOT_RUN) < sum(len(part) for _, part in PARTS)
