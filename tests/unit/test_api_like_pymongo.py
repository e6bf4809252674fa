"""PyMongo's API, name by name: what its modules define is in ours, with the same signature.

What is asked for is what a module defines itself, or lists in ``__all__``; names with an underscore
are nobody's business but the libraries' (`test_private_names`). PyMongo is asked, not read.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

pymongo = pytest.importorskip(
    "pymongo", minversion="4.20", reason="there is nothing to compare with"
)

PACKAGES = {"pymongo": "mongodriver", "bson": "bsonx", "gridfs": "mongodriver.gridfs"}
#: How PyMongo is built inside: not documented, and no library imports it.
INSIDES = {
    "pymongo.asynchronous.aggregation",
    "pymongo.asynchronous.auth_aws",
    "pymongo.asynchronous.bulk",
    "pymongo.asynchronous.client_bulk",
    "pymongo.asynchronous.command_runner.run_bulk_write_command",
    "pymongo.asynchronous.command_runner.run_cursor_command",
    "pymongo.asynchronous.cursor_base",
    "pymongo.asynchronous.helpers",
    "pymongo.asynchronous.topology.Topology.cleanup_monitors",
    "pymongo.bulk_shared",
    "pymongo.change_stream_shared",
    "pymongo.daemon",
    "pymongo.lock",
    "pymongo.mongo_client_shared",
    "pymongo.ocsp_cache",
    "pymongo.ocsp_support",
    "pymongo.settings_shared",
}
INSIDES |= {name.replace(".asynchronous.", ".synchronous.") for name in INSIDES}
#: Ours takes what PyMongo's takes, and tells it in another way.
TOLD_OTHERWISE = {
    "DatetimeMS.as_datetime": "None stands for the default options",
    "GridOut.readline": "the size may be named as well",
}


def modules(package: str) -> list[str]:
    """The modules of a package of PyMongo that can be imported here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = importlib.import_module(package)
        inside = pkgutil.walk_packages(root.__path__, f"{package}.")
        return [package, *(one.name for one in inside if "._" not in one.name)]


MODULES = [name for package in PACKAGES for name in modules(package)]


def ours(name: str) -> str:
    package, dot, rest = name.partition(".")
    return PACKAGES[package] + dot + rest


def defined(module: ModuleType) -> Iterator[str]:
    listed = getattr(module, "__all__", ())
    for name, value in vars(module).items():
        its_own = getattr(value, "__module__", None) == module.__name__
        if not name.startswith("_") and (name in listed or (its_own and callable(value))):
            yield name


def members(cls: type) -> Iterator[str]:
    for name in dir(cls):
        if not name.startswith("_") and not hasattr(object, name):
            yield name


def signature(value: Any) -> str | None:
    """Names, kinds and defaults of the parameters; None for what does not tell."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    told = []
    for one in parameters:
        if one.name == "self":  # no caller names it
            continue
        default = one.default
        text = "" if default is one.empty else f"={type(default).__name__}"
        if default is None or isinstance(default, (bool, int, float, str)):
            text = f"={default!r}"
        told.append(f"{one.kind.name}:{one.name}{text}")
    return " ".join(told)


def kind(value: Any) -> str:
    if inspect.iscoroutinefunction(value):
        return "coroutine function"
    return "class" if inspect.isclass(value) else "function" if callable(value) else "value"


def differences(name: str) -> Iterator[str]:
    """What a module of PyMongo has and ours has not, or not in the same way."""
    if name in INSIDES:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = importlib.import_module(name)
        except ImportError:  # for a library that is not installed, or another platform
            return
        mine = importlib.import_module(ours(name))
        for one in defined(theirs):
            yield from compared(f"{name}.{one}", vars(theirs)[one], getattr(mine, one, None))


def compared(name: str, theirs: Any, mine: Any) -> Iterator[str]:
    if name in INSIDES:
        return
    if kind(theirs) != kind(mine):
        yield f"{name} is a {kind(mine)}, not a {kind(theirs)}"
    elif ".".join(name.rsplit(".", 2)[-2:]) not in TOLD_OTHERWISE and callable(theirs):
        wanted, got = signature(theirs), signature(mine)
        if wanted is not None and wanted != got:
            yield f"{name} takes ({got}), not ({wanted})"
    if inspect.isclass(theirs) and inspect.isclass(mine):
        for one in members(theirs):
            yield from compared(f"{name}.{one}", getattr(theirs, one), getattr(mine, one, None))


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_defines(name):
    assert list(differences(name)) == []


def test_what_is_missing_is_seen(monkeypatch):
    """So that the tests above mean something."""
    from mongodriver.collection import Collection

    monkeypatch.delattr(Collection, "find")
    monkeypatch.setattr(Collection, "drop", lambda self: None)
    found = list(differences("pymongo.collection"))
    assert any(one.startswith("pymongo.collection.Collection.find is a value") for one in found)
    assert any(one.startswith("pymongo.collection.Collection.drop takes ()") for one in found)
