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

pytestmark = pytest.mark.server

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("use_*.py"))


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
