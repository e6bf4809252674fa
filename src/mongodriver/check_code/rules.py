"""What is wrong with a use: of a name, a member, a call."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote_plus

from mongodriver.options.unsupported import REFUSED
from mongodriver.public.suggestions import did_you_mean

from . import remedies
from .findings import Problem, Severity
from .installed import (
    CLIENT_OPTIONS,
    PACKAGES,
    Missing,
    Parameters,
    find,
    has_member,
    parameters,
)
from .kinds import base_of, children_of, class_of, is_of_library

__all__ = ["of_call", "of_client", "of_member", "of_name", "of_truth"]

#: Where names are that modules of PyMongo also have by importing them.
_HOMES = (
    *("pymongo", "pymongo.errors", "pymongo.collection", "pymongo.common", "pymongo.hello"),
    *("pymongo.operations", "pymongo.read_preferences", "pymongo.server_description"),
    *("pymongo.server_selectors", "pymongo.topology_description", "pymongo.uri_parser"),
    *("pymongo.write_concern", "pymongo.read_concern", "pymongo.monitoring", "bson"),
)
#: Documented all the same: of files in GridFS, and of named tuples.
_PUBLIC = {"_id", "_asdict", "_fields", "_make", "_replace"}
_PRIVATE = "PyMongo promises nothing about it: use what is public"


def _removed(what: str, remedy: str) -> Problem:
    return Problem(Severity.ERROR, "removed", f"{what} is gone in PyMongo 4", remedy)


def _unsupported(what: str, remedy: str) -> Problem:
    return Problem(Severity.ERROR, "unsupported", what, remedy)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def of_name(path: str) -> Problem | None:
    """What is wrong with importing, or asking for, a dotted name of PyMongo's."""
    if path.split(".")[0] not in PACKAGES:
        return _of_motor(path)
    found = find(path)
    private = any(_is_private(part) and part not in _PUBLIC for part in path.split("."))
    if isinstance(found, Missing):
        return _of_missing(path, found.found, private)
    if private:
        return Problem(Severity.WARNING, "private", f"{path} is private; it is here", _PRIVATE)
    # By the name of its own module: most can be imported from several.
    home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    own_path = home.replace("mongodriver.", "pymongo.").replace("bsonx.", "bson.")
    remedy = remedies.DEPRECATED_NAMES.get(path) or remedies.DEPRECATED_NAMES.get(own_path)
    if remedy:
        return Problem(Severity.WARNING, "deprecated", f"{path} is deprecated", remedy)
    return None


def _of_missing(path: str, found: str, private: bool) -> Problem:
    name = path.rpartition(".")[2]
    for table in (remedies.FORMER_NAMES, remedies.FORMER_MODULES):
        # Also where what is missing is the module that the name is in.
        for former in (path, path.rpartition(".")[0]):
            if former in table and isinstance(find(former), Missing):
                return _removed(former, table[former])
    if private:
        return Problem(Severity.ERROR, "private", f"{path} is private, and not here", _PRIVATE)
    return _unsupported(f"there is no {path} here", _nearest(name, found, path))


def _nearest(name: str, found: str, path: str) -> str:
    homes = [home for home in _HOMES if not isinstance(find(f"{home}.{name}"), Missing)]
    if homes:
        return f"import it from {homes[0]}"
    names = [other for other in dir(find(found)) if not other.startswith("_")]
    part = path.removeprefix(f"{found}.").split(".")[0]
    close = get_close_matches(part, names, 1, 0.8)
    return f"is {found}.{close[0]} meant?" if close else f"nothing in {found} takes its place"


def _of_motor(path: str) -> Problem | None:
    if path.split(".")[0] != "motor":
        return None
    remedy = "use AsyncMongoClient: the methods have the same names"
    return Problem(Severity.WARNING, "deprecated", "Motor is deprecated", remedy)


def of_member(kind: str, name: str, used: str) -> Problem | None:
    """What is wrong with an attribute of an object.

    `used` says how: "call", "argument" (of a call), "owner" (of an attribute or item of its own) or
    "value".
    """
    base, owner = base_of(kind), class_of(kind)
    if owner is not None and has_member(owner, name):
        return _of_present_member(kind, name)
    if owner is None and not is_of_library(kind):
        return None
    child = children_of(kind)
    former = remedies.FORMER_MEMBERS.get(base, {}).get(name)
    if former and (child is None or used in ("call", "argument")):
        return _removed(f"{kind}.{name}", former)
    former = remedies.FORMER_PROPERTIES.get(base, {}).get(name)
    if former and used != "owner":
        message = f"{kind}.{name} is gone in PyMongo 4, and is a {(child or '').lower()} now"
        return Problem(Severity.ERROR, "removed", message, former)
    if owner is None or name.startswith("__"):
        return None
    if name.startswith("_"):
        message = f"{kind}.{name} is private, and not here"
        return Problem(Severity.ERROR, "private", message, _PRIVATE)
    if (child is not None and used != "call") or base in ("GridOut", "GridIn"):
        return None  # a database, a collection; a field of the file
    meant = did_you_mean(owner, name).strip() or f"{owner.__name__} has nothing like it"
    return _unsupported(f"{kind} has no {'method' if child else 'attribute'} {name}", meant)


def _of_present_member(kind: str, name: str) -> Problem | None:
    remedy = remedies.DEPRECATED_MEMBERS.get(base_of(kind), {}).get(name)
    if remedy:
        return Problem(Severity.WARNING, "deprecated", f"{kind}.{name} is deprecated", remedy)
    if _is_private(name) and name not in _PUBLIC:
        message = f"{kind}.{name} is private; there is one here"
        return Problem(Severity.WARNING, "private", message, _PRIVATE)
    return None


def of_truth(kind: str) -> Problem | None:
    """What is wrong with asking whether an object is true."""
    if base_of(kind) not in ("Database", "Collection"):
        return None
    message = f"a {base_of(kind)} is neither true nor false: NotImplementedError"
    return Problem(Severity.ERROR, "truth", message, "compare it with None")


def of_call(function: Any, kind: str, name: str, call: ast.Call) -> list[tuple[ast.AST, Problem]]:
    """What is wrong with what is passed to a function.

    Of a method `kind` and `name` are those of its object; else `kind` is "" and `name` the
    function's dotted name. Each problem comes with its place.
    """
    takes = parameters(function, kind, name) if kind else parameters(function)
    if takes is None:
        return []
    key = (base_of(kind), name) if kind else (_own_path(function, name), "")
    problems: list[tuple[ast.AST, Problem]] = []
    for keyword in call.keywords:
        if keyword.arg is not None:
            problem = _of_parameter(key, f"{kind}.{name}" if kind else name, keyword.arg, takes)
            if problem and not (problem.code == "deprecated" and _is_idle(keyword.value)):
                problems.append((keyword, problem))
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    if takes.most is not None and not starred and len(call.args) > takes.most:
        shown = f"{kind}.{name}" if kind else name
        message = f"{shown} takes at most {takes.most} arguments by place, not {len(call.args)}"
        problems.append((call, _unsupported(message, "name them")))
    return problems


def _is_idle(value: ast.expr) -> bool:
    """Whether it is None, 0 or the like, as if nothing had been passed."""
    return isinstance(value, ast.Constant) and not value.value


def _own_path(function: Any, name: str) -> str:
    """Where the tables have a class or function."""
    module = getattr(function, "__module__", None) or ""
    if module.startswith("mongodriver.gridfs"):
        return f"gridfs.{function.__name__}"
    own = f"{module}.{getattr(function, '__qualname__', '')}"
    for table in (remedies.FORMER_PARAMETERS, remedies.DEPRECATED_PARAMETERS):
        for path, method in table:
            if not method and (path == name or find(path) is function):
                return path
    return own


def _of_parameter(key: tuple[str, str], shown: str, name: str, takes: Parameters) -> Problem | None:
    if name in takes.names or takes.takes_any_name:
        remedy = remedies.DEPRECATED_PARAMETERS.get(key, {}).get(name)
        if remedy:
            message = f"the parameter {name} of {shown} is deprecated"
            return Problem(Severity.WARNING, "deprecated", message, remedy)
    if name in takes.names:
        return None
    # Also where any name is taken: servers refuse what they do not know.
    remedy = remedies.FORMER_PARAMETERS.get(key, {}).get(name)
    if remedy:
        return _removed(f"the parameter {name} of {shown}", remedy)
    if takes.takes_any_name:
        return None
    close = get_close_matches(name, takes.names, 1, 0.7)
    return _unsupported(
        f"{shown} has no parameter {name}", f"is {close[0]} meant?" if close else "leave it out"
    )


def of_client(client: Any, call: ast.Call) -> list[tuple[ast.AST, Problem]]:
    """What is wrong with the options that a class of clients is given."""
    takes = None if client is None else parameters(client)
    named = set() if takes is None else takes.names
    problems: list[tuple[ast.AST, Problem]] = []
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in named:
            problem = _of_option(keyword.arg)
            if problem and not (keyword.arg.lower() in REFUSED and _is_idle(keyword.value)):
                problems.append((keyword, problem))
    hosts = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "host")]
    for host in hosts:
        if isinstance(host, ast.Constant) and isinstance(host.value, str):
            problems += [(host, problem) for problem in _of_connection_string(host.value)]
    return problems


def _of_option(name: str) -> Problem | None:
    key = name.lower()
    if key in REFUSED:
        spelled, why = REFUSED[key]
        return Problem(Severity.ERROR, "option", f"the option {spelled} is refused", why)
    if key == "wtimeoutms":
        message = "the option wTimeoutMS is deprecated"
        return Problem(Severity.NOTE, "deprecated", message, "use timeoutMS")
    if key in CLIENT_OPTIONS:
        return None
    remedy = remedies.FORMER_OPTIONS.get(key)
    if remedy:
        return _removed(f"the option {name}", remedy)
    close = get_close_matches(key, CLIENT_OPTIONS, 1, 0.8)
    hint = f"is {close[0]} meant?" if close else "leave it out"
    return Problem(Severity.ERROR, "option", f"clients have no option {name}", hint)


def _of_connection_string(uri: str) -> list[Problem]:
    if not uri.startswith(("mongodb://", "mongodb+srv://")) or "?" not in uri:
        return []
    options = uri.partition("?")[2].replace(";", "&").split("&")
    problems = []
    for option in options:
        name, equals, _ = option.partition("=")
        problem = _of_option(unquote_plus(name)) if equals and name.isidentifier() else None
        if problem and problem.code != "deprecated" and name.lower() not in REFUSED:
            # In a connection string it is only warned of, and ignored.
            problem = Problem(Severity.WARNING, problem.code, problem.message, problem.remedy)
        problems += [problem] if problem else []
    return problems
