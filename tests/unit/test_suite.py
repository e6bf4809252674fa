"""The suite itself: it is the same in every process, in any order, with any folders picked."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import bsonx
from implementations import tree

TESTS = Path(__file__).parent.parent
CTRL_C = "test_ctrl_c_in_the_middle_of_an_exchange_closes_the_stream"


class Collection:
    """A process that collects all tests."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        plugins = ["-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-o", "addopts=", "--collect-only", "-q", *plugins],
            cwd=TESTS.parent,
            env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": "", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def names(self) -> list[str]:
        output = self._process.communicate()[0]
        assert self._process.returncode == 0, output[-2000:]
        return [line for line in output.splitlines() if "::" in line]


@pytest.mark.slow  # `make test` sees most of that by itself: its workers compare their names
@pytest.mark.timeout(600)
def test_every_process_collects_the_same_tests():
    """Workers compare the names: no parameter may hold the time, chance or an unsorted order."""
    here = Collection(PYTHONHASHSEED="1", TZ="UTC")
    there = Collection("-p", "elsewhere", PYTHONHASHSEED="2", TZ="Asia/Kolkata")
    ours, theirs = here.names(), there.names()
    different = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
    assert not different, different[:10]
    assert len(ours) == len(theirs) > 1000


def test_the_tree_of_the_tests_themselves():
    """What a test module imports at its top is one of the trees, not a third one."""
    assert tree("c" if bsonx.has_c() else "py").package is bsonx
    for module in ("bsonx", "bsonx.typed", "bsonx.json_util", "mongodriver"):
        __import__(module)
        with tree("c" if bsonx.has_c() else "py").active():
            inside = sys.modules[module]
        assert inside is sys.modules[module]


@pytest.mark.parametrize("implementation", ["c", "py"])
def test_a_late_import_belongs_to_its_tree(implementation, monkeypatch):
    """Whatever was imported before, a tree never gives a test a second copy of a module."""
    chosen = tree(implementation)
    with chosen.active():
        before = dict(chosen.modules)
        monkeypatch.setitem(sys.modules, "bsonx.late", sys)
    other = tree("py" if implementation == "c" else "c")
    with other.active() as package:
        assert "bsonx.late" not in sys.modules
        assert package is sys.modules["bsonx"] is not chosen.package
        with chosen.active():
            assert chosen.modules == {**before, "bsonx.late": sys}
    with chosen.active():
        assert sys.modules.pop("bsonx.late") is sys
        assert chosen.modules == before


def test_what_the_shell_ignores_is_not_ignored_in_tests():
    """Shells ignore SIGINT for what they start in the background, and children inherit it."""
    chosen = f"{TESTS}/unit/test_streams.py::{CTRL_C}"
    pytest_ = shlex.join([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", chosen])
    done = subprocess.run(
        ["sh", "-c", f"trap '' INT TERM CHLD; exec {pytest_}"],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout
    assert done.returncode == 0
