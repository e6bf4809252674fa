"""What the extension declares about interpreters and the GIL, and whether that is so.

It keeps to one interpreter of a process; the others get the pure implementation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

import pytest

from implementations import tree

# Runs code in a new interpreter, whatever the module for that is called.
# Some releases of CPython 3.12 and 3.13 corrupt memory when another interpreter is the first to
# import datetime.
PRELUDE = """
import os, sys
import datetime, decimal, hashlib, uuid
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    def run(code):
        interpreters.create().exec(code)
elif sys.version_info >= (3, 13):
    import _interpreters
    def run(code):
        failed = _interpreters.exec(_interpreters.create(), code)
        if failed is not None:
            raise RuntimeError(failed)
else:
    import _xxsubinterpreters
    def run(code):
        _xxsubinterpreters.run_string(_xxsubinterpreters.create(), code)
"""
USE = """
import bsonx
from bsonx import json_util
assert bsonx.decode(bsonx.encode({"a": [1, {"b": bsonx.Int64(5)}]}))["a"][1] == {"b": 5}
assert json_util.loads(json_util.dumps({"a": bsonx.MinKey()})) == {"a": bsonx.MinKey()}
print(bsonx.has_c(), flush=True)
"""


def outcome(code, implementation=""):
    """Run a program; return what it prints. It must end well."""
    environment = {**os.environ, "BSONX_IMPL": implementation}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(autouse=True)
def needs_extension():
    tree("c")


def test_a_second_interpreter_gets_pure_python():
    assert outcome(f"{USE}\nrun({USE!r})\nrun({USE!r})\n{USE}") == [
        "True",
        "False",
        "False",
        "True",
    ]


def test_an_interpreter_before_the_main_one():
    """Whichever comes first has the extension, if CPython lets it have any; never two at once."""
    found = outcome(f"run({USE!r})\n{USE}")
    assert sorted(found) == ["False", "True"]


def test_demanding_the_extension_fails_cleanly():
    attempt = """
try:
    import bsonx
except ImportError as exc:
    print("ImportError", flush=True)
"""
    assert outcome(f"{USE}\nrun({attempt!r})\n{USE}", "c") == ["True", "ImportError", "True"]


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="only builds without a GIL"
)
def test_the_extension_asks_for_the_gil():
    code = "import warnings; warnings.simplefilter('ignore'); import bsonx; print(bsonx.has_c())"
    assert outcome(f"{code}; print(sys._is_gil_enabled())") == ["True", "True"]
