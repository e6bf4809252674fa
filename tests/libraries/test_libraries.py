"""Libraries built on PyMongo, on this driver: a program for each, which checks what it gets.

`make integration` runs their own tests, and these programs on PyMongo too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import suites

pytestmark = pytest.mark.server

WORKFLOW = ".github/workflows/libraries.yml"
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
        pytest.skip(f"{library} is not installed: most are in the group `libraries`")
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


@pytest.fixture
def outcomes(monkeypatch):
    """What tests of two libraries give: by library and driver, or an error."""
    given = {}

    def run(suite, driver, source):
        found = given[suite.name].get(driver, {})
        if isinstance(found, Exception):
            raise found
        return found

    known = {name: suites.Suite(name, f"{name}==1") for name in ("first", "second")}
    monkeypatch.setattr(suites, "suites", lambda: known)
    monkeypatch.setattr(suites, "prepare", lambda suite: None)
    monkeypatch.setattr(suites, "run_tests", run)
    return given


def both(one):
    return {"pymongo": {"test": one}, "mongodriver": {"test": one}}


def test_a_run_succeeds_where_both_drivers_pass(outcomes, capsys):
    outcomes.update(first=both("passed"), second=both("passed"))
    assert suites.main([]) == 0
    rows = capsys.readouterr().out.splitlines()[-2:]
    passed = "1 (0 failed, 0 skipped)"
    assert rows == [f"| {name}==1 | {passed} | {passed} |  |" for name in ("first", "second")]


def test_one_that_cannot_be_run_does_not_hold_up_the_others(outcomes, capsys):
    outcomes.update(first={"pymongo": OSError("no network")}, second=both("passed"))
    assert suites.main([]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[1:3] == ["| first==1 | | | not run: no network |", "   first: not run"]
    assert said[-1].startswith("| second==1 | 1 (0 failed")


@pytest.mark.parametrize("broken", [{}, both("failed"), both("skipped")])
def test_tests_that_do_not_pass_on_pymongo_prove_nothing(outcomes, capsys, broken):
    outcomes.update(first=broken, second=both("passed"))
    assert suites.main([]) == 1
    assert "first: nothing passes on PyMongo; see " in capsys.readouterr().out


def test_a_library_that_is_not_there(outcomes, capsys):
    assert suites.main(["first", "third"]) == 2
    assert capsys.readouterr().out == "no such library: third; there are first, second\n"


def test_an_environment_is_made_anew_for_another_pymongo(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(suites, "CACHE", tmp_path)
    monkeypatch.setattr(suites, "run", lambda *command, **options: ran.append(command))
    suite = suites.Suite("x", "x==1", source="")
    for version in ("pymongo==1", "pymongo==1", "pymongo==2"):
        monkeypatch.setattr(suites, "PYMONGO", version)
        suites.prepare(suite)
    installed = [word for command in ran for word in command if word.startswith("pymongo==")]
    assert installed == ["pymongo==1", "pymongo==2"]


def test_every_suite_says_what_it_runs():
    for suite in suites.suites().values():
        assert "==" in suite.package
        assert suite.command if suite.source else (suites.SCRIPTS / f"use_{suite.name}.py").exists()


def beside_the_tests(path):
    """A file of the repository."""
    found = suites.ROOT / path
    if not found.exists():
        pytest.skip(f"{path} is not beside the tests")
    return found.read_text(encoding="utf-8")


def test_the_weekly_run_has_every_suite_once():
    lists = re.findall(r"^ +- ([a-z][a-z -]+)$", beside_the_tests(WORKFLOW), re.MULTILINE)
    assert sorted(" ".join(lists).split()) == sorted(suites.suites())


def test_the_table_has_every_suite():
    rows = re.findall(
        r"^\| ([\w-]+ [\d.]+) \|", beside_the_tests("docs/libraries.md"), re.MULTILINE
    )
    packages = {suite.package.replace("==", " ").lower() for suite in suites.suites().values()}
    assert sorted(row.lower() for row in rows) == sorted(packages)


def test_the_table_tells_how_many_programs_there_are():
    assert f"{len(SCRIPTS)} libraries" in beside_the_tests("docs/libraries.md").replace("\n", " ")
