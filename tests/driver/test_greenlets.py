"""Applications whose threads are greenlets (gunicorn's and Celery's workers), on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

PROGRAM = Path(__file__).parents[1] / "greenlets.py"
OUTPUT = """\
counted 40
at most 3
after kills 40
left alone
out of time True
seen insert
open 0
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_greenlets_share_a_client(server, library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed; it is not made for every interpreter")
    # Not imported here: it changes the modules of the whole process.
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(PROGRAM), library, server.uri],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert (done.returncode, done.stdout) == (0, OUTPUT), done.stderr
    assert "ignored" not in done.stderr
