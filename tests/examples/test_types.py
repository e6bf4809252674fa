"""The examples whose frameworks have types pass mypy as strict as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from services import EXAMPLES, ROOT

for _name in ("aiohttp", "fastapi", "flask"):
    pytest.importorskip(_name, reason="`make examples` installs the frameworks")
pytest.importorskip("mypy", reason="mypy is not made for every interpreter")

pytestmark = pytest.mark.slow
TYPED = ["aiohttp/files.py", "fastapi/notes.py", "flask/bank.py"]


def test_types(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent"),
            *("--config-file", os.devnull, "--cache-dir", str(tmp_path)),
            *(str(EXAMPLES / name) for name in TYPED),
        ],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"Success: no issues found in {len(TYPED)} source files\n"
