"""What this distribution offers under PyMongo's names, found out by asking it."""

from __future__ import annotations

import inspect
import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from mongodriver.options.uri_options import OWN_KW_VALIDATORS, VALIDATORS

__all__ = ["CLIENT_OPTIONS", "PACKAGES", "Parameters", "find", "get", "has_member", "parameters"]

#: PyMongo's packages, and ours instead of them.
PACKAGES = {"pymongo": "mongodriver", "bson": "bsonx", "gridfs": "mongodriver.gridfs"}
#: What a client takes, in lower case.
CLIENT_OPTIONS = frozenset(VALIDATORS) | frozenset(OWN_KW_VALIDATORS)


class Missing:
    """There is no such thing: `found` is the part of the name that is there."""

    def __init__(self, found: str) -> None:
        self.found = found


@cache
def find(path: str) -> Any:
    """The object that a dotted name of PyMongo's means here, or a `Missing`."""
    top, _, rest = path.partition(".")
    here: Any = _module(PACKAGES[top])
    found = top
    for part in rest.split(".") if rest else ():
        there = get(here, part)
        if isinstance(there, Missing):
            return Missing(found)
        here = there
        found = f"{found}.{part}"
    return here


def get(owner: Any, name: str) -> Any:
    """A module's submodule or attribute, or a class's attribute; a `Missing` if it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(owner, name)
    except AttributeError:
        pass
    except ImportError:
        return None  # it is there, but needs a library that is not
    if isinstance(owner, ModuleType):
        module = _module(f"{owner.__name__}.{name}")
        if module is not None:
            return module
    return Missing("")


def _module(name: str) -> ModuleType | None:
    try:
        if find_spec(name) is None:
            return None
        return import_module(name)
    except ModuleNotFoundError:
        return None


@cache
def _example(class_name: str) -> Any:
    """An object of one of the classes that have attributes of their own; None for others."""
    from mongodriver import AsyncMongoClient, MongoClient

    asynchronous = class_name.startswith("Async")
    client: Any = (AsyncMongoClient if asynchronous else MongoClient)(connect=False)
    made = {"MongoClient": client, "Database": client.t, "Collection": client.t.t}
    made["Cursor"] = client.t.t.find()
    return made.get(class_name.removeprefix("Async"))


def has_member(owner: type[Any], name: str) -> bool:
    """Whether objects of a class have an attribute, also one that is set when they are made."""
    if not isinstance(get(owner, name), Missing):
        return True
    if not name.startswith("_"):
        return False
    example = _example(owner.__name__)
    return example is not None and not isinstance(get(example, name), Missing)


class Parameters:
    """What can be passed to a function: names, whether there may be others, how many by place."""

    def __init__(self, signature: inspect.Signature, skip: int) -> None:
        shown = list(signature.parameters.values())[skip:]
        self.names = {p.name for p in shown if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        self.takes_any_name = any(p.kind is p.VAR_KEYWORD for p in shown)
        by_place = [p for p in shown if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        takes_any_number = any(p.kind is p.VAR_POSITIONAL for p in shown)
        self.most: int | None = None if takes_any_number else len(by_place)


#: Methods that hand what they are given to another class.
_HANDED_ON = {
    ("Collection", "find"): "Cursor",
    ("Collection", "find_one"): "Cursor",
    ("Collection", "find_raw_batches"): "RawBatchCursor",
}
_CURSORS = {
    "Cursor": "pymongo.cursor.Cursor",
    "RawBatchCursor": "pymongo.cursor.RawBatchCursor",
}


@cache
def parameters(function: Any, owner: str = "", name: str = "") -> Parameters | None:
    """What a function, a class, or a method `name` of the class named `owner` takes."""
    handed_on = _HANDED_ON.get((owner.removeprefix("Async"), name))
    if handed_on is not None:
        function = find(_CURSORS[handed_on])
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    # A class is shown without "self"; the first parameter of a cursor is the collection.
    skip = 1 if handed_on is not None or (owner and not isinstance(function, type)) else 0
    result = Parameters(signature, skip)
    if name == "find_one":
        result.names.add("filter")
    return result
