"""What a test needs, found by reading it: methods of the API, operations, arguments, options.

All of it must be known to the runner, whether or not the test can run here: a name that is not is a
failure. What is known and on the list of skips is a reason to skip the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.command_cursor import CommandCursor
from mongodriver.synchronous.cursor import Cursor
from mongodriver.synchronous.database import Database
from mongodriver.synchronous.mongo_client import MongoClient
from spec_skips import reason_for

from .failures import Unsupported
from .operations import operation_of

_CLASSES = {
    kind.__name__: kind
    for kind in (MongoClient, Database, Collection, ClientSession, Cursor, CommandCursor)
}


def exists(method: str) -> bool:
    """Whether the driver has a method (``Class.name``) or a class (``module.Class``)."""
    owner, _, name = method.partition(".")
    if owner in _CLASSES:
        return hasattr(_CLASSES[owner], name)
    return find_spec(f"mongodriver.{owner}") is not None


def skip_reason(spec: Mapping[str, Any], test: Mapping[str, Any]) -> str | None:
    """Why a test is skipped, by the list; None if it has all it needs.

    :raises Unsupported: names what the runner does not know, or the API lacks and the list does
        not tell.
    """
    reasons = []
    for need in needs(spec, test):
        kind = need.partition(" ")[0]
        reason = reason_for(need)
        if kind in ("operation", "argument", "option"):
            if reason is not None:
                reasons.append(reason)
        elif not exists(need):
            if reason is None:
                raise Unsupported(f"the API lacks {need}")
            reasons.append(reason)
    return reasons[0] if reasons else None


def needs(spec: Mapping[str, Any], test: Mapping[str, Any]) -> list[str]:
    """What a test needs, each once: methods, operations, arguments and options.

    :raises Unsupported: names what the runner does not know.
    """
    return list(dict.fromkeys(_Survey(spec, test).needs()))


class _Survey:
    def __init__(self, spec: Mapping[str, Any], test: Mapping[str, Any]) -> None:
        self._spec = spec
        self._test = test
        self._kinds = {"testRunner": "testRunner"}

    def needs(self) -> Iterator[str]:
        for entity in self._spec.get("createEntities", ()):
            yield from self._entity(entity)
        for operation in self._test["operations"]:
            yield from self._operation(operation)

    def _entity(self, description: Mapping[str, Any]) -> Iterator[str]:
        ((kind, spec),) = description.items()
        self._kinds[spec["id"]] = kind
        for options in ("databaseOptions", "collectionOptions", "sessionOptions"):
            yield from (f"option {name}" for name in spec.get(options, ()))
        if kind == "bucket":
            yield "gridfs.GridFSBucket"
        if kind == "clientEncryption":
            yield "encryption.ClientEncryption"
        if "autoEncryptOpts" in spec:
            yield "encryption_options.AutoEncryptionOpts"
            options = spec["autoEncryptOpts"]
            if not (options.get("bypassAutoEncryption") or options.get("bypassQueryAnalysis")):
                yield "option autoEncryptOpts"  # commands have to be analysed
        if "observeLogMessages" in spec:
            yield "option observeLogMessages"
        if "observeTracingMessages" in spec:
            yield "option observeTracingMessages"

    def _operation(self, description: Mapping[str, Any]) -> Iterator[str]:
        name, target = description["name"], description["object"]
        kind = self._kinds.get(target)
        if kind is None:
            raise Unsupported(f"there is no entity {target}")
        operation = operation_of(kind, name)
        arguments = description.get("arguments", {})
        operation.check(f"{kind}.{name}", arguments)
        yield from operation.needs
        yield f"operation {kind}.{name}"
        yield from (f"argument {argument}" for argument in _all_arguments(arguments))
        if "saveResultAsEntity" in description:
            self._kinds[description["saveResultAsEntity"]] = operation.saves
        yield from self._inner(name, arguments)

    def _inner(self, name: str, arguments: Mapping[str, Any]) -> Iterator[str]:
        """What the operations need that are arguments of special ones."""
        if name == "createEntities":
            for entity in arguments["entities"]:
                yield from self._entity(entity)
        elif name == "recordTopologyDescription":
            self._kinds[arguments["id"]] = "topologyDescription"
        inner = {"withTransaction": "callback", "loop": "operations"}.get(name)
        operations = arguments[inner] if inner else ()
        if name == "runOnThread":
            operations = [arguments["operation"]]
        for operation in operations:
            yield from self._operation(operation)


def _all_arguments(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The names of arguments, and of those of the requests of a bulk write."""
    yield from arguments
    for models in (arguments.get("requests"), arguments.get("models")):
        for model in models or ():
            if isinstance(model, Mapping):
                for request in model.values():
                    yield from request if isinstance(request, Mapping) else ()
