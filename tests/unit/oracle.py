"""The same expression evaluated with this driver and with PyMongo, made comparable."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

_NAMES = {
    "errors",
    "read_preferences",
    "write_concern",
    "read_concern",
    "collation",
    "driver_info",
    "server_api",
    "hello",
    "server_description",
    "topology_description",
    "server_selectors",
    "max_staleness_selectors",
    "monitoring",
    "event_loggers",
    "common",
    "uri_parser",
    "client_options",
    "pool_options",
    "auth_oidc",
}

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_TUPLE = re.compile(r"\(('[\w-]+'(?:, '[\w-]+')+)\)")


def _package(driver: str, bson: str) -> SimpleNamespace:
    modules = {name: importlib.import_module(f"{driver}.{name}") for name in _NAMES}
    modules["objectid"] = importlib.import_module(f"{bson}.objectid")
    modules["timestamp"] = importlib.import_module(f"{bson}.timestamp")
    modules["codec_options"] = importlib.import_module(f"{bson}.codec_options")
    modules["raw_bson"] = importlib.import_module(f"{bson}.raw_bson")
    modules["son"] = importlib.import_module(f"{bson}.son")
    return SimpleNamespace(**modules)


OURS = _package("mongodriver", "bsonx")
THEIRS = _package("pymongo", "bson")


def normal(value: object) -> str:
    """Return a text without package names, addresses of objects, and the order of sets."""
    text = _ADDRESS.sub("", str(value))
    text = text.replace("mongodriver.", "pymongo.").replace("bsonx", "bson")
    return _TUPLE.sub(lambda m: f"({', '.join(sorted(m.group(1).split(', ')))})", text)


def _plain(value: Any) -> Any:
    """Return mappings as sorted lists and sets sorted, as both sides order them differently."""
    if isinstance(value, Mapping):
        spell = getattr(value, "cased_key", str)
        return sorted((spell(name), _plain(item)) for name, item in value.items())
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value


def outcome(expression: str, package: SimpleNamespace, **names: Any) -> str:
    """Return what an expression gives, or raises, and the warnings on the way, as a text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # of what is collected meanwhile
        try:
            result = repr(_plain(eval(expression, {**vars(package), **names})))
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    texts = [f"{w.category.__name__}: {w.message}" for w in caught]
    return normal(" | ".join([result, *sorted(set(texts))]))


def assert_same(expression: str, **names: Any) -> None:
    """Assert that this driver and PyMongo agree on an expression."""
    assert outcome(expression, OURS, **names) == outcome(expression, THEIRS, **names)
