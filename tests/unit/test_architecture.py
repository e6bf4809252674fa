"""The layers: which module may import which, read from the source.

    bsonx  <-  values, wire, spec, ops  <-  core  <-  asynchronous  <-  synchronous, root modules
                                    io  <-/

and within bsonx, where no module may import itself by a detour either:

    base  <-  values  <-  options  <-  dates  <-  typed plans  <-  codec  <-  the package

`values` are the root modules of plain value classes, which every layer may use. Imports that are
only for type checkers do not count.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

VALUES = {
    "_version",
    "collation",
    "driver_info",
    "errors",
    "hello",
    "max_staleness_selectors",
    "monitoring",
    "read_concern",
    "read_preferences",
    "server_api",
    "server_description",
    "server_selectors",
    "server_type",
    "topology_description",
    "write_concern",
}

PURE = {"values", "spec", "wire", "ops"}

# What each layer may import; a layer that is not named here is above all of them.
ALLOWED = {
    "bsonx": {"bsonx"},
    "values": {"bsonx", "values", "spec"},
    "spec": {"bsonx", "values", "spec"},
    "wire": {"bsonx", "values", "spec", "wire"},
    "ops": {"bsonx", "values", "spec", "ops"},
    "io": {"bsonx", "values", "spec", "wire", "io"},
    "core": {"bsonx", "values", "spec", "wire", "ops", "io", "core"},
    "asynchronous": {"bsonx", "values", "spec", "ops", "core", "io", "asynchronous", "root"},
}

# Of the standard library, what only one place may touch.
ONLY_IN = {
    "asyncio": {"mongodriver.io.aio", "mongodriver.io.aio_connect"},
    "select": {"mongodriver.io.blocking"},
    "selectors": {"mongodriver.io.blocking"},
    "socket": {"mongodriver.io.aio_connect", "mongodriver.io.blocking"},
}

# What makes a module impure: I/O, threads, processes, and clocks that are not passed in.
IMPURE = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}

# A description says when it was made, as PyMongo's does.
CLOCK = {("mongodriver.spec.server", "time.monotonic")}

# An error that hands out a result class; imported when it is asked for.
UPWARD = {("mongodriver.errors", "mongodriver.results")}

# Not part of the driver: they start servers and run jobs, with sockets and threads of their own.
BESIDE = {"local", "ingest", "gridfs", "pytest_plugin", "__main__"}


# The levels of bsonx, lowest first, by the names that modules begin with.
BSONX_LEVELS = [
    ("base", ["_errors", "_markers", "_native", "_storage", "_switch", "errors", "tz_util"]),
    (
        "values",
        [
            *("binary", "code", "dbref", "int64", "max_key", "min_key", "objectid", "regex", "son"),
            *("timestamp", "_py.names", "_py.types"),
        ],
    ),
    ("options", ["codec_options"]),
    ("dates", ["_py.types.datetime_ms", "datetime_ms", "decimal128"]),
    ("typed plans", ["_typed"]),
    ("codec", ["_impl", "_py", "json_util", "op_msg", "raw_bson", "typed", "typings"]),
    ("package", [""]),
]

# Options know a class with fields when they are given one; only then is this imported.
BSONX_UPWARD = {("bsonx.codec_options", "bsonx._typed.plan")}


def layer(module: str) -> str:
    """Return the layer of a dotted module name."""
    package, _, rest = module.partition(".")
    if package == "bsonx":
        return "bsonx"
    first = rest.split(".")[0]
    if first in VALUES:
        return "values"
    if first in ALLOWED or first in BESIDE or first == "synchronous":
        return first
    return "root"


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if _is_type_checking(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield other
                yield from _runtime_nodes(other)
            continue
        yield child
        yield from _runtime_nodes(child)


def imports(module: str, source: str, is_package: bool = False) -> set[str]:
    """Return the dotted names a module imports at run time, also inside functions."""
    found = set()
    for node in _runtime_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node, is_package)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def _absolute(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - 1 if is_package else node.level
    base = parts[: len(parts) - up]
    return ".".join([*base, node.module] if node.module else base)


def violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Return what is wrong with the imports of a module, as texts."""
    own = layer(module)
    found = []
    for name in sorted(imports(module, source, is_package)):
        top = name.split(".")[0]
        if top in ("bsonx", "mongodriver"):
            if not _may_import(module, own, name):
                found.append(f"{module} ({own}) imports {name} ({layer(name)})")
        elif own in PURE and top in IMPURE and (module, name) not in CLOCK:
            found.append(f"{module} is pure but imports {name}")
        elif own not in BESIDE and module not in ONLY_IN.get(top, {module}):
            found.append(f"{module} imports {name}, which is for {ONLY_IN[top]}")
    return found


def _may_import(module: str, own: str, name: str) -> bool:
    if own not in ALLOWED or any(module == one and name.startswith(other) for one, other in UPWARD):
        return True
    if name == "mongodriver" or layer(name) not in ALLOWED[own]:
        return False
    # The core reaches the outside only through the backend it is given.
    return own != "core" or layer(name) != "io" or name.startswith("mongodriver.io.base")


def _modules() -> list[Path]:
    return sorted(
        path for package in ("bsonx", "mongodriver") for path in (SOURCE / package).rglob("*.py")
    )


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_imports_keep_the_layers(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert violations(_name(path), source, path.name == "__init__.py") == []


def _bsonx_level(module: str) -> int:
    """The level of a module of bsonx: that of the longest name it begins with."""
    rest = module.removeprefix("bsonx").removeprefix(".")
    _, level = max(
        (len(name), level)
        for level, (_, names) in enumerate(BSONX_LEVELS)
        for name in names
        if not name or rest == name or rest.startswith(f"{name}.")
    )
    return level


def _bsonx_imports() -> dict[str, set[str]]:
    """What each module of bsonx imports of it, but for what is allowed to go upward."""
    paths = {_name(path): path for path in _modules() if path.is_relative_to(SOURCE / "bsonx")}
    graph = {}
    for module, path in paths.items():
        source = path.read_text(encoding="utf-8")
        found = set()
        for name in imports(module, source, path.name == "__init__.py"):
            while name.startswith("bsonx.") and name not in {*paths, "bsonx._native"}:
                name = name.rpartition(".")[0]
            if name.startswith("bsonx"):
                found.add(name)
        graph[module] = {name for name in found if (module, name) not in BSONX_UPWARD}
    return graph


def _circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that reach one another."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph.get(waiting.pop(), set()) - seen:
                seen.add(name)
                waiting.append(name)
        return seen

    reach = {module: reached(module) for module in graph}
    groups = [{m for m in reach[n] if n in reach.get(m, set())} for n in sorted(graph)]
    return [group for i, group in enumerate(groups) if group and group not in groups[:i]]


def test_bsonx_has_no_circle() -> None:
    assert _circles(_bsonx_imports()) == []


def test_bsonx_keeps_its_levels() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in _bsonx_imports().items()
        for name in names
        if _bsonx_level(name) > _bsonx_level(module)
    ]
    assert wrong == []


def test_a_circle_is_found() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]
    assert _circles({"a": {"a"}}) == [{"a"}]
    assert [_bsonx_level(f"bsonx.{m}") for m in ("errors", "_py.types.int64", "_py.decode")] == [
        0,
        1,
        5,
    ]


def test_there_is_something_to_check() -> None:
    layers = {layer(_name(path)) for path in _modules()}
    assert {"bsonx", "values", "spec", "wire", "ops", "io", "core"} <= layers


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bsonx.objectid", "import mongodriver"),
        ("bsonx.objectid", "from mongodriver.errors import PyMongoError"),
        ("mongodriver.errors", "from mongodriver.core.pool import Pool"),
        ("mongodriver.errors", "import socket"),
        ("mongodriver.spec.uri", "import mongodriver.io.dns"),
        ("mongodriver.spec.uri", "from mongodriver.ops.base import Operation"),
        ("mongodriver.spec.uri", "from ..core import pool"),
        ("mongodriver.spec.uri", "import time"),
        ("mongodriver.spec.uri", "from time import monotonic"),
        ("mongodriver.spec.uri", "def f():\n    import threading"),
        ("mongodriver.wire.header", "from ..ops.base import Command"),
        ("mongodriver.ops.find", "from mongodriver.core.executor import Executor"),
        ("mongodriver.ops.find", "import asyncio"),
        ("mongodriver.io.blocking", "from ..core.pool import Pool"),
        ("mongodriver.io.blocking", "import asyncio"),
        ("mongodriver.io.aio", "import socket"),
        ("mongodriver.core.pool", "from ..io.blocking import Backend"),
        ("mongodriver.core.pool", "from ..asynchronous.collection import AsyncCollection"),
        ("mongodriver.core.pool", "from mongodriver import MongoClient"),
        ("mongodriver.core.pool", "from mongodriver.client_options import ClientOptions"),
        ("mongodriver.core.pool", "import socket"),
        ("mongodriver.core.pool", "if True:\n    import asyncio.tasks"),
        ("mongodriver.asynchronous.cursor", "from ..synchronous import cursor"),
        ("mongodriver.mongo_client", "import asyncio"),
        ("mongodriver.synchronous.cursor", "from socket import socket"),
    ],
)
def test_a_broken_import_is_found(module: str, source: str) -> None:
    assert violations(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bsonx.objectid", "import threading, time"),
        ("mongodriver.spec.uri", "from ..errors import InvalidURI\nimport bsonx"),
        ("mongodriver.spec.server", "from time import monotonic"),
        ("mongodriver.ops.find", "from mongodriver.spec.errors import command_error"),
        ("mongodriver.io.aio", "import asyncio"),
        ("mongodriver.core.pool", "import threading\nfrom ..io.base import Backend"),
        (
            "mongodriver.core.pool",
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from ..client_options import ClientOptions",
        ),
        ("mongodriver.asynchronous.cursor", "from ..core.client import Client"),
        ("mongodriver.uri_parser", "def f():\n    from mongodriver.io.dns import resolve_srv"),
        ("mongodriver.local.process", "import socket"),
    ],
)
def test_what_is_allowed_is_not_found(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_relative_imports_of_a_package_are_resolved() -> None:
    source = "from .pool import Pool\nfrom ..io import aio"
    assert imports("mongodriver.core", source, is_package=True) == {
        "mongodriver.core.pool.Pool",
        "mongodriver.io.aio",
    }


def _loaded_by(statement: str) -> set[str]:
    """Return the modules a fresh interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_program_that_does_not_use_asyncio_does_not_load_it() -> None:
    names = [name for name in map(_name, _modules()) if layer(name) in PURE | {"root"}]
    loaded = _loaded_by("import " + ", ".join(names))
    assert set(names) <= loaded
    assert "asyncio" not in loaded
