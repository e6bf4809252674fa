"""Expressions evaluated with this driver and with PyMongo on the same server, made comparable.

An expression is Python text with ``await`` where the asynchronous interface wants it. Names in it:
``client``, ``db``, ``t`` (the collection ``db.t``), ``w0`` and ``wm`` (the same with other write
concerns), ``pymongo``, ``bson``, and ``gridfs`` with the synchronous names of its classes; ``ce``
makes a ClientEncryption.
The outcome holds the result or the exception, and the commands that were sent.
"""

from __future__ import annotations

import ast
import datetime
import importlib
import inspect
import io
import re
import uuid
import warnings
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from flavour import Flavour, Neutral, know, neutral, plain, step
from recording import stable

_OBJECT_ID = re.compile(r"ObjectId\('[0-9a-f]{24}'\)")
_TIMESTAMP = re.compile(r"Timestamp\(\d+, \d+\)")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_CURSOR_ID = re.compile(r"\b\d{12,20}\b")
_CLIENT = re.compile(r"(Async)?MongoClient\(host=\[.*?event_listeners=\[.*?\]\)")
_TIMES = re.compile(
    r", '(?:\$clusterTime|operationTime|electionId|opTime)': "
    r"(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|T\(\)|OID|SON\(\[.*?\]\)\)\]\))"
)
_NUMBER = re.compile(r"'txnNumber': \d+")
_UPLOAD_DATE = re.compile(r"'uploadDate': datetime\.datetime\([^()]*\)")
_RTT = re.compile(r"rtt: [0-9.e-]+|id: OID|id: [0-9a-f]{24}")

_MODULES = {
    "pymongo": (
        *("", "collation", "encryption", "encryption_options", "encryption_shared", "errors"),
        *("operations", "read_concern", "results"),
    ),
    "bson": ("", "binary", "code", "codec_options", "dbref", "objectid", "raw_bson", "son"),
}


#: The specification's local master key, and the id of a key that it has encrypted.
_PROVIDERS = {
    "local": {
        "key": "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRG"
        "dQV09wOGVNYUMxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk"
    },
    "aws": {"accessKeyId": "x", "secretAccessKey": "y"},
}
_KEY = b"0123456789abcdef"


def _names(driver: str, bson: str) -> dict[str, Any]:
    names = {}
    for alias, package in (("pymongo", driver), ("bson", bson)):
        space = SimpleNamespace()
        for module in _MODULES[alias]:
            path = f"{package}.{module}" if module else package
            loaded = importlib.import_module(path)
            exported = getattr(loaded, "__all__", vars(loaded))
            space.__dict__.update({n: getattr(loaded, n) for n in exported if n[:2] != "__"})
        names[alias] = space
    names["bson"].datetime, names["bson"].uuid = datetime, uuid
    return names


def _gridfs_names(package: str, flavour: Flavour) -> SimpleNamespace:
    """The classes of GridFS in a flavour."""
    prefix = "" if flavour.is_sync else "Async"
    loaded = importlib.import_module(package)
    space = SimpleNamespace()
    for name in ("GridFS", "GridFSBucket", "GridIn", "GridOut", "GridOutCursor"):
        setattr(space, name, partial(flavour.wrap, getattr(loaded, prefix + name)))
    return space


def normal(value: Any) -> str:
    """A text without package names, ids, times and addresses of objects."""
    text = value if isinstance(value, str) else repr(value)
    text = _CLIENT.sub("CLIENT", text)
    text = text.replace("mongodriver.gridfs", "gridfs")
    text = text.replace("mongodriver.", "pymongo.").replace("bsonx", "bson")
    text = _UPLOAD_DATE.sub("'uploadDate': DATE", text)
    text = text.replace("Async", "").replace("asynchronous", "synchronous")
    text = text.replace("AgnosticCursor", "Cursor")
    text = _NUMBER.sub("'txnNumber': N", text)
    text = _OBJECT_ID.sub("OID", _TIMESTAMP.sub("T()", _ADDRESS.sub("", text)))
    return _RTT.sub("", _CURSOR_ID.sub("ID", _TIMES.sub("", text)))


def _error(exc: BaseException) -> dict[str, str]:
    text = str(exc)
    if getattr(exc, "path", None):  # PyMongo's texts do not tell where the problem is
        text = text.partition(" - at ")[0]
    outcome = {"error": type(exc).__name__, "text": normal(text)}
    for name in ("code", "details"):
        value = getattr(exc, name, None)
        outcome[name] = normal(stable(value) if isinstance(value, Mapping) else value)
    return outcome


def _in_order(command: dict[str, Any]) -> dict[str, Any]:
    """A command with the fields last that PyMongo adds in no fixed order."""
    last = ("txnNumber", "collation", "writeConcern", "$db", "documents", "updates", "deletes")
    head = {name: value for name, value in command.items() if name not in last}
    return head | {name: command[name] for name in last if name in command}


class Side:
    """One driver: its names, a client that records commands, and how coroutines run."""

    def __init__(self, driver: str, bson: str, client: Any, commands: Any, flavour: Any) -> None:
        self.names = _names(driver, bson)
        self.names["io"] = io
        self._driver = driver
        self.client = client
        self.commands = commands
        self._run = step if flavour is None else flavour.run
        package = "gridfs" if driver == "pymongo" else f"{driver}.gridfs"
        self.names["gridfs"] = _gridfs_names(package, flavour or Flavour("sync"))

    def outcome(self, expression: str, database: str) -> dict[str, Any]:
        """Result or error of an expression, and the commands it sent."""
        code = compile(expression, "<expression>", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        db = self.client[database]
        t = db.t
        concern = self.names["pymongo"].WriteConcern
        names = {**self.names, "client": self.client, "db": db, "t": t}
        names |= {"ce": self._encryptions(database), "KEY": names["bson"].Binary(_KEY, 4)}
        names |= {"DET": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic", "plain": plain}
        names["w0"] = t.with_options(write_concern=concern(0))
        names["wm"] = t.with_options(write_concern=concern("majority", wtimeout=60_100))
        self.commands.clear()

        async def evaluate() -> Any:
            value = eval(code, names)
            return await value if inspect.iscoroutine(value) else value

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome: dict[str, Any] = {"result": normal(self._run(evaluate()))}
            except StopAsyncIteration:
                outcome = {"error": "StopAsyncIteration"}
            except Exception as exc:
                outcome = _error(exc)
        outcome["warnings"] = [
            normal(str(w.message)) for w in caught if w.category is not ResourceWarning
        ]
        # Dropped cursors are killed in the background, whenever that is.
        sent = [command for command in self.commands.sent if "killCursors" not in command]
        outcome["commands"] = [normal(_in_order(command)) for command in sent]
        return outcome

    def _encryptions(self, database: str) -> Any:
        """Makes objects for explicit encryption whose keys are in ``db.t``."""

        def make(**options: Any) -> Any:
            client = plain(self.client)
            name = "AsyncClientEncryption" if client is self.client else "ClientEncryption"
            module = f"{self._driver}.{'a' * (name[0] == 'A')}synchronous.encryption"
            kind = getattr(importlib.import_module(module), name)
            providers = options.pop("kms_providers", _PROVIDERS)
            codec_options = self.names["bson"].CodecOptions()
            return neutral(kind(providers, f"{database}.t", client, codec_options, **options))

        return make


def pymongo_side(uri: str) -> Side:
    """PyMongo, synchronous, behind the neutral interface."""
    import pymongo
    from pymongo.monitoring import CommandListener
    from recording import Commands

    know("pymongo", "gridfs")

    class Listener(CommandListener):
        started, succeeded, failed = Commands.started, Commands.succeeded, Commands.failed

    listener = Listener()
    commands = Commands()
    listener.events = commands.events
    client = Neutral(pymongo.MongoClient(uri, event_listeners=[listener]))
    return Side("pymongo", "bson", client, commands, None)


def our_side(flavour: Flavour, client: Any, commands: Any) -> Side:
    """This driver in a flavour."""
    return Side("mongodriver", "bsonx", client, commands, flavour)
