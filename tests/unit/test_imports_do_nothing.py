"""Importing opens no connection, starts no process or thread, and writes nothing."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import bsonx
import mongodriver
from implementations import CPYTHON

SOURCES = [Path(package.__file__).parent for package in (bsonx, mongodriver)]

#: Tells of what modules do beside being imported; optional libraries may be missing. What the
#: audit hook sees is in the interpreter's "audit events table".
PROGRAM = """
import importlib, json, os, sys, threading

names, watched, libraries = json.load(sys.stdin)
for now in libraries:
    try:
        importlib.import_module(now)
    except ImportError:
        pass
seen = []
now = ""

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes if mode is None else set(mode) & set("wax+"):
            seen.append((now, event, repr(path)))
    elif event.startswith(tuple(watched)):
        seen.append((now, event, repr(arguments)[:200]))

sys.addaudithook(watch)
modules = 0
for now in names:
    try:
        importlib.import_module(now)
    except ImportError:
        continue
    modules += 1
json.dump({"seen": seen, "modules": modules, "threads": threading.active_count()}, sys.stdout)
"""
WATCHED = [
    *("socket.", "subprocess.", "ssl.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser."),
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty."),
    *("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod"),
    *("os.truncate", "os.putenv", "os.unsetenv", "os.kill", "shutil.", "tempfile.", "pickle."),
    *("signal.", "sqlite3.", "winreg.SetValue"),
]
#: What others do is not ours: trio starts a process to find the C library, uuid one on PyPy.
LIBRARIES = [
    "uuid",
    "trio",
    "cryptography",
    "pyarrow",
    "polars",
    "rich",
    "botocore",
    "opentelemetry",
]


def imports(names: list[str]) -> dict:
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM],
        input=json.dumps([names, WATCHED, LIBRARIES]),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def every_module() -> list[str]:
    # Not those that act: the command, and what `mongodriver run` has Python begin with.
    return [
        *("bsonx", "mongodriver"),
        *(
            found.name
            for package in (bsonx, mongodriver)
            for found in pkgutil.walk_packages(
                package.__path__, f"{package.__name__}.", onerror=lambda name: None
            )
            if "compat.startup" not in found.name and not found.name.endswith("__main__")
        ),
    ]


def test_no_module_does_anything_when_it_is_imported():
    names = every_module()
    told = imports(names)
    assert told["seen"] == []
    assert told["threads"] == 1
    assert told["modules"] > 0.9 * len(names) > 300


@pytest.mark.parametrize(
    "action",
    [
        "import socket; socket.socket().close()",
        "import socket; socket.gethostname()",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])",
        pytest.param(
            "import os; os.system('')",
            marks=pytest.mark.skipif(not CPYTHON, reason="PyPy's hooks are not told of it"),
        ),
        "open(__file__.replace('acts.py', 'written'), 'w').close()",
        "import tempfile; tempfile.TemporaryFile().close()",
    ],
)
def test_what_a_module_does_is_seen(action, tmp_path, monkeypatch):
    (tmp_path / "acts.py").write_text(action)
    monkeypatch.syspath_prepend(tmp_path)
    told = imports(["acts"])
    assert told["modules"] == 1
    assert told["seen"]
    assert {name for name, *_ in told["seen"]} == {"acts"}


def calls(source: str) -> set[str]:
    """The names that a module calls, as it writes them."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {ast.unparse(node.func) for node in nodes}


def test_no_text_is_executed_and_nothing_unpickled():
    forbidden = {"eval", "exec", "compile", "execfile", "os.system", "os.popen"}
    forbidden |= {f"{module}.load{s}" for module in ("pickle", "marshal") for s in ("", "s")}
    paths = [path for folder in SOURCES for path in folder.rglob("*.py")]
    assert len(paths) > 300
    found = {path.name: calls(path.read_text("utf-8")) & forbidden for path in paths}
    assert {name: what for name, what in found.items() if what} == {}
    assert calls("def f():\n    exec('1')\n    pickle.loads(b'')") == {"exec", "pickle.loads"}


def test_an_installation_builds_and_does_no_more():
    """What setup.py has at hand: no network, no processes but the compiler's."""
    path = SOURCES[0].parents[1] / "setup.py"
    if not path.exists():
        pytest.skip("needs the sources of the distribution")
    source = path.read_text("utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in modules}
    assert tops <= {"Cython", "glob", "gzip", "os", "setuptools", "sys", "tarfile"}
    assert (
        calls(source) & {"eval", "exec", "os.system", "os.popen", "os.execv", "__import__"} == set()
    )
