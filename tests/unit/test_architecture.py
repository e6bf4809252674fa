"""The layers: which module may import which, read from the source.

    bsonx
    values                      plain value classes
    events, wire                what is published; messages as bytes
    auth, replies, ops          mechanisms; verdicts; commands as data
    options                     from connection strings to a client's options
    io                          streams, threads, tasks, DNS
    identity                    files, services and libraries that credentials come from
    cmap                        connections and pools
    sdam                        what is known of a deployment, and monitoring
    sessions, execution, client what runs operations
    crypt                       client-side encryption, by a library of its own
    public                      what both flavours have in common
    compat                      serving code that was written for PyMongo
    asynchronous, synchronous
    gridfs                      files in collections, in both flavours
    arrow                       results of queries as columns
    the root modules            PyMongo's names for what lies inside

Each may import what stands above it here. Within bsonx, where no module may import itself by a
detour either:

    base  <-  values  <-  options  <-  dates  <-  typed plans  <-  codec  <-  the package

Imports that are only for type checkers do not count.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

PURE = {"values", "events", "wire", "replies", "ops", "auth", "options"}

# What each layer may import; a layer that is not named here is above all of them.
ALLOWED: dict[str, set[str]] = {
    "bsonx": {"bsonx"},
    "values": {"bsonx", "values"},
    "events": {"bsonx", "values", "events"},
    "wire": {"bsonx", "values", "wire"},
    "replies": {"bsonx", "values", "replies"},
    "ops": {"bsonx", "values", "replies", "ops"},
    "auth": {"bsonx", "values", "events", "wire", "replies", "ops", "auth"},
    "options": {"bsonx", "values", "events", "auth", "options"},
    "io": {"bsonx", "values", "wire", "io"},
    "identity": {"bsonx", "values", "auth", "identity"},
}
for _name, _below in (
    ("cmap", "io"),
    ("sdam", "cmap"),
    ("sessions", "sdam"),
    ("execution", "sessions"),
    ("client", "execution"),
    ("crypt", "client"),
    ("public", "crypt"),
    ("compat", "public"),
    ("asynchronous", "compat"),
    ("synchronous", "asynchronous"),
    ("gridfs", "synchronous"),
    ("arrow", "gridfs"),
):
    ALLOWED[_name] = (
        ALLOWED[_below] | ALLOWED["options"] | {"wire", "replies", "ops", "identity", _name}
    )

# Of the standard library, and of libraries, what only one place may touch.
ONLY_IN = {
    "asyncio": {
        "mongodriver.asynchronous.settings",
        "mongodriver.io.aio",
        "mongodriver.io.aio_connect",
        "mongodriver.io.aio_tls",
        "mongodriver.compat.aio_network",
        "mongodriver.compat.periodic",
    },
    "select": {
        "mongodriver.compat.socket_checker",
        "mongodriver.io.blocking",
        "mongodriver.io.http_proxy",
    },
    "selectors": {"mongodriver.io.blocking_connect"},
    "socket": {
        "mongodriver.io.addresses",
        "mongodriver.io.aio_connect",
        "mongodriver.io.blocking",
        "mongodriver.io.blocking_connect",
        "mongodriver.io.http_proxy",
        "mongodriver.io.trio_connect",
        "mongodriver.io.trio_pipes",
        "mongodriver.identity.host_names",
    },
    "trio": {
        "mongodriver.io.trio_backend",
        "mongodriver.io.trio_connect",
        "mongodriver.io.trio_pipes",
        "mongodriver.io.trio_stream",
    },
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
    "trio",
}

# A description says when it was made, as PyMongo's does; an event says how long something took.
CLOCK = {
    ("mongodriver.values.server_description", "time.monotonic"),
    ("mongodriver.events.observation", "time.monotonic"),
}

# Upward, when it is asked for: a TLS context is made of a client's options; records are looked up;
# PyMongo's ``auth`` has a function that logs in.
UPWARD = {
    ("mongodriver.auth", "mongodriver.synchronous.auth"),
    ("mongodriver.options.client_options", "mongodriver.io.tls"),
    ("mongodriver.options.parse_uri", "mongodriver.io.dns"),
}

# Not part of the driver: they start servers and run jobs, with sockets and threads of their own.
BESIDE = {"command_line", "local", "ingest", "doctor", "check_code", "testing", "__main__"}


# These know backends by what they offer, not by their modules.
INNER = {"cmap", "sdam", "sessions", "execution", "client", "crypt"}
FACES = (
    "mongodriver.io.base",
    "mongodriver.io.deadline",
    "mongodriver.io.dns",
    "mongodriver.io.faults",
    "mongodriver.io.mutex",
    "mongodriver.io.probe",
    "mongodriver.io.reports",
)

# The levels of bsonx, lowest first, by the names that modules begin with.
BSONX_LEVELS = [
    (
        "base",
        ["_bounded", "_errors", "_markers", "_native", "_storage", "_switch", "errors", "tz_util"],
    ),
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
    (
        "codec",
        [
            *("_impl", "_py", "arrow", "csv", "json_util", "ndjson", "op_msg", "raw_bson", "typed"),
            "typings",
        ],
    ),
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
    if first == "_version":
        return "values"
    return first if first in ALLOWED or first in BESIDE else "root"


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
    # The driver reaches the outside only through the backend it is given.
    return own not in INNER or layer(name) != "io" or name.startswith(FACES)


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
    assert set(ALLOWED) <= layers


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bsonx.objectid", "import mongodriver"),
        ("bsonx.objectid", "from mongodriver.errors import PyMongoError"),
        ("mongodriver.values.errors", "from mongodriver.cmap.pool import Pool"),
        ("mongodriver.values.errors", "import socket"),
        ("mongodriver.values.errors", "from mongodriver.errors import PyMongoError"),
        ("mongodriver.options.connection_string", "import mongodriver.io.dns"),
        ("mongodriver.options.connection_string", "from mongodriver.ops.base import Operation"),
        ("mongodriver.options.connection_string", "from ..cmap import pool"),
        ("mongodriver.options.connection_string", "import time"),
        ("mongodriver.options.connection_string", "from time import monotonic"),
        ("mongodriver.options.connection_string", "def f():\n    import threading"),
        ("mongodriver.wire.header", "from ..ops.base import Command"),
        ("mongodriver.ops.find", "from mongodriver.execution.executor import Executor"),
        ("mongodriver.ops.find", "import asyncio"),
        ("mongodriver.io.blocking", "from ..cmap.pool import Pool"),
        ("mongodriver.io.blocking", "import asyncio"),
        ("mongodriver.io.aio", "import socket"),
        ("mongodriver.cmap.pool", "from ..io.blocking import Backend"),
        ("mongodriver.cmap.pool", "from ..asynchronous.collection import AsyncCollection"),
        ("mongodriver.cmap.pool", "from mongodriver import MongoClient"),
        ("mongodriver.cmap.pool", "from mongodriver.client_options import ClientOptions"),
        ("mongodriver.cmap.pool", "from ..sdam.topology import Topology"),
        ("mongodriver.cmap.pool", "import socket"),
        ("mongodriver.cmap.pool", "import trio"),
        ("mongodriver.io.aio", "import trio"),
        ("mongodriver.asynchronous.mongo_client", "import trio"),
        ("mongodriver.cmap.pool", "if True:\n    import asyncio.tasks"),
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
        (
            "mongodriver.options.connection_string",
            "from ..values.errors import InvalidURI\nimport bsonx",
        ),
        ("mongodriver.values.server_description", "from time import monotonic"),
        ("mongodriver.ops.find", "from mongodriver.replies.verdicts import command_error"),
        ("mongodriver.io.aio", "import asyncio"),
        ("mongodriver.cmap.pool", "import threading\nfrom ..io.base import Backend"),
        (
            "mongodriver.cmap.pool",
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from ..client_options import ClientOptions",
        ),
        ("mongodriver.asynchronous.cursor", "from ..client.client import Client"),
        (
            "mongodriver.options.parse_uri",
            "def f():\n    from mongodriver.io.dns import resolve_srv",
        ),
        ("mongodriver.local.process", "import socket"),
    ],
)
def test_what_is_allowed_is_not_found(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_relative_imports_of_a_package_are_resolved() -> None:
    source = "from .pool import Pool\nfrom ..io import aio"
    assert imports("mongodriver.cmap", source, is_package=True) == {
        "mongodriver.cmap.pool.Pool",
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


#: Each costs a program milliseconds that most have no use for.
SELDOM_USED = {
    *("asyncio", "concurrent.futures", "dataclasses", "difflib", "email", "hashlib", "hmac"),
    *("http", "inspect", "ipaddress", "linecache", "logging", "pathlib", "ssl", "stringprep"),
    *("decimal", "numbers", "subprocess", "tempfile", "textwrap", "tokenize", "traceback"),
    *("urllib.parse", "mongodriver.events.classes", "mongodriver.io.socks"),
    *("mongodriver.asynchronous.client_session", "mongodriver.ops.bulk"),
    *("mongodriver.ops.catalogue", "mongodriver.ops.indexes", "mongodriver.values.requests"),
    "mongodriver.wire.compression",
}


def test_a_plain_client_loads_what_it_uses() -> None:
    made = "import mongodriver\nmongodriver.MongoClient('mongodb://a/?w=1', connect=False).close()"
    bare = _loaded_by("import sys")
    loaded = _loaded_by(made) - bare
    assert loaded & SELDOM_USED == set()
    assert [name for name in loaded if "crypt" in name.split(".")[:2]] == []


def test_encryption_is_loaded_by_those_who_use_it() -> None:
    names = "mongodriver.encryption, mongodriver.encryption_options, mongodriver.encryption_shared"
    loaded = _loaded_by(f"import mongodriver, {names}, mongodriver.asynchronous.encryption")
    assert "pymongocrypt" not in loaded
    assert [name for name in loaded if name.startswith("mongodriver.crypt")] == []
