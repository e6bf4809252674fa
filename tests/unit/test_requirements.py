"""What the README's commands need of a machine is told by it, by CONTRIBUTING and by .ci/venv."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK = ROOT / ".ci" / "venv"
LINE = re.compile(r"apt-get install +([a-z0-9 .-]+)$", re.MULTILINE)
PACKAGES = "python3-dev python3-venv gcc make git libcurl4"

# A Python that lacks some modules and libraries: what the check asks it about them fails.
POOR_PYTHON = """#!/bin/sh
case "$*" in
    *ensurepip*|*"import virtualenv"*|*"import pip"*|*CDLL*) exit 1 ;;
    *'get_path("include")'*) echo /missing/include ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.fixture
def check(tmp_path):
    """Runs the check with some environment variables; returns its exit status and errors."""

    def run(**environment):
        environment = {"PATH": os.environ["PATH"], **environment}
        folder = tmp_path / "venv"
        done = subprocess.run(
            ["sh", str(CHECK), str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert folder.exists() == (done.returncode == 0)
        return done.returncode, done.stderr

    return run


@pytest.fixture
def poor_python(tmp_path):
    path = tmp_path / "python"
    path.write_text(POOR_PYTHON.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_same_packages_everywhere(name):
    assert LINE.findall((ROOT / name).read_text(encoding="utf-8")) == [PACKAGES]
    assert f'packages="{PACKAGES}"' in CHECK.read_text(encoding="utf-8")


def test_everything_that_is_missing_is_told_at_once(check, poor_python, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", _without_mongod(tmp_path))
    status, errors = check(PYTHON=poor_python, CC="/missing/cc")
    assert status == 1
    assert "C compiler (/missing/cc)" in errors
    assert "/missing/include/Python.h" in errors
    assert "venv and ensurepip" in errors
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        assert "libcurl.so.4, for the mongod" in errors
    assert errors.endswith(f"apt-get install {PACKAGES}\n")


def test_a_mongod_of_ones_own_needs_no_library(check, poor_python):
    _, errors = check(PYTHON=poor_python, CC="/missing/cc", MONGOD="/usr/bin/mongod")
    assert "venv and ensurepip" in errors
    assert "libcurl.so.4" not in errors


def test_no_python(check):
    status, errors = check(PYTHON="/missing/python", CC="cc")
    assert status == 1
    assert "Python 3.11 or newer" in errors


def _without_mongod(tmp_path: Path) -> str:
    """A PATH with the programs that the check uses."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "uname"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)
