"""The names of a driver that scenarios use, the same for both drivers."""

from __future__ import annotations

import datetime
import importlib
import io
import uuid
from functools import partial
from types import SimpleNamespace
from typing import Any

from flavour import Flavour

_MODULES = {
    "pymongo": (
        *("", "collation", "encryption", "encryption_options", "encryption_shared", "errors"),
        *("operations", "read_concern", "read_preferences", "results", "client_session"),
        *("server_api", "driver_info", "auth_oidc_shared", "monitoring", "uri_parser"),
        *("cursor_shared", "write_concern"),
    ),
    "bson": (
        *("", "binary", "code", "codec_options", "dbref", "decimal128", "int64", "max_key"),
        *("min_key", "objectid", "raw_bson", "regex", "son", "timestamp"),
    ),
}
_GRIDFS = ("GridFS", "GridFSBucket", "GridIn", "GridOut", "GridOutCursor")


def driver_names(driver: str, bson: str, flavour: Flavour) -> dict[str, Any]:
    """``pymongo``, ``bson`` and ``gridfs`` as namespaces, of whichever packages are named."""
    names: dict[str, Any] = {"io": io}
    for alias, package in (("pymongo", driver), ("bson", bson)):
        space = SimpleNamespace()
        for module in _MODULES[alias]:
            path = f"{package}.{module}" if module else package
            loaded = importlib.import_module(path)
            exported = getattr(loaded, "__all__", vars(loaded))
            space.__dict__.update({n: getattr(loaded, n) for n in exported if n[:2] != "__"})
        names[alias] = space
    names["bson"].datetime, names["bson"].uuid = datetime, uuid
    names["gridfs"] = _gridfs_names(
        "gridfs" if driver == "pymongo" else f"{driver}.gridfs", flavour
    )
    return names


def _gridfs_names(package: str, flavour: Flavour) -> SimpleNamespace:
    """The classes of GridFS in a flavour, by the synchronous names."""
    prefix = "" if flavour.is_sync else "Async"
    loaded = importlib.import_module(package)
    space = SimpleNamespace()
    for name in _GRIDFS:
        setattr(space, name, partial(flavour.wrap, getattr(loaded, prefix + name)))
    for name in ("NoFile", "FileExists", "CorruptGridFile"):
        setattr(space, name, getattr(importlib.import_module(f"{package}.errors"), name))
    return space
