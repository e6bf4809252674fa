"""Libraries built on PyMongo, on this driver: a program for each, which checks what it gets.

`make integration` runs their own tests, and these programs on PyMongo too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import suites

pytestmark = pytest.mark.server

SCRIPTS = sorted(suites.SCRIPTS.glob("use_*.py"))


@pytest.fixture(scope="module")
def uri():
    from mongodriver.local import LocalServer

    with LocalServer(replica_set=True) as server:
        yield server.uri


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem.removeprefix("use_"))
def test_it_runs_on_this_driver(script, uri):
    library = script.stem.removeprefix("use_")
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed: it is in the extra 'libraries'")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-m", "mongodriver", "run", str(script), uri],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_what_passes_on_pymongo_alone_needs_a_reason():
    suite = suites.Suite("x", "x==1", differences={"*private*": "of PyMongo's own"})
    theirs = dict.fromkeys(["a", "b", "t::private", "new"], "passed") | {"c": "failed"}
    ours = {"a": "passed", "b": "failed", "t::private": "failed", "c": "passed"}
    row, unknown = suites.judge(suite, theirs, ours)
    assert unknown == ["b", "new"]
    assert row == (
        "| x==1 | 4 (1 failed, 0 skipped) | 2 (2 failed, 0 skipped) "
        "| 1: of PyMongo's own; 2 unexplained; 1 pass on ours alone |"
    )


def test_every_suite_says_what_it_runs():
    for suite in suites.suites().values():
        assert "==" in suite.package
        assert suite.command if suite.source else (suites.SCRIPTS / f"use_{suite.name}.py").exists()
