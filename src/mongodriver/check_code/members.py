"""What attributes and items of values are, and what is wrong with asking for them."""

from __future__ import annotations

from . import rules
from .findings import Problem
from .installed import PACKAGES, Missing, find
from .kinds import base_of, children_of, gives, has_member_like, kind_of, likely
from .values import (
    NOTHING,
    UNKNOWN,
    Bound,
    Instance,
    Item,
    Named,
    OwnClass,
    OwnFunction,
    OwnInstance,
    OwnModule,
    Value,
    Version,
    union,
)
from .versions import CURRENT

__all__ = ["member", "member_problem", "named", "subscripted"]

#: Attributes that give an object without being called.
_PROPERTIES = {"client", "collection", "cx", "database", "db", "session"}
_VERSIONS = {
    "pymongo.__version__",
    "pymongo.get_version_string",
    "pymongo.version",
    "pymongo.version_tuple",
}


def named(path: str) -> Value:
    """What a dotted name of PyMongo's stands for."""
    return frozenset({CURRENT if path in _VERSIONS else Named(path)})


def member(item: Item, name: str) -> Value:
    """What the attribute of an object can be."""
    if isinstance(item, Named):
        return _of_named(item.path, name)
    if isinstance(item, Instance):
        return _of_instance(item.kind, name)
    if isinstance(item, Version):
        return frozenset({item})
    if isinstance(item, OwnModule):
        return likely(frozenset(item.names.get(name, UNKNOWN)))
    if isinstance(item, OwnInstance):
        return _of_own(item.of, name, ())
    if isinstance(item, OwnClass):
        return _of_own(item, name, ())
    return UNKNOWN


def member_problem(item: Item, name: str, used: str) -> Problem | None:
    """What is wrong with asking for the attribute."""
    if isinstance(item, Instance):
        return rules.of_member(item.kind, name, used)
    if isinstance(item, Named):
        return _problem_of_named(item.path, name)
    if isinstance(item, OwnInstance):
        kind = _inherited_kind(item.of, name, ())
        problem = None if kind is None else rules.of_member(kind, name, used)
        # Few classes that make attributes up make private ones up.
        made_up = problem and problem.code != "private" and _inherits(item.of, "__getattr__", ())
        return None if made_up else problem
    return None


def _of_named(path: str, name: str) -> Value:
    if path.split(".")[0] not in PACKAGES:
        return named(f"{path}.{name}")
    owner = find(path)
    if isinstance(owner, Missing) or not hasattr(owner, "__dict__"):
        return UNKNOWN
    return named(f"{path}.{name}")


def _problem_of_named(path: str, name: str) -> Problem | None:
    if path.split(".")[0] not in PACKAGES or name.startswith("__"):
        return None
    owner = find(path)
    if isinstance(owner, Missing):
        return None  # told where it was imported
    if isinstance(owner, type):
        kind = kind_of(path)
        return rules.of_name(f"{path}.{name}") if kind is None else _unbound(kind, name)
    return rules.of_name(f"{path}.{name}") if _is_module(owner) else None


def _of_instance(kind: str, name: str) -> Value:
    given = gives(kind, name)
    if given is not None and name in _PROPERTIES:
        return frozenset({Instance(given)})
    if given is not None or has_member_like(kind, name):
        return frozenset({Bound(kind, name)})
    child = children_of(kind)
    if child is None or name.startswith("_"):
        return UNKNOWN
    return frozenset({Instance(child)})


def subscripted(item: Instance, is_slice: bool) -> Value:
    """What an item of an object can be."""
    child = children_of(item.kind)
    if child is not None:
        return frozenset({Instance(child)})
    if is_slice and base_of(item.kind) in ("Cursor", "RawBatchCursor", "GridOutCursor"):
        return frozenset({item})
    return UNKNOWN


def _of_own(owner: OwnClass, name: str, seen: tuple[OwnClass, ...]) -> Value:
    if owner in seen:
        return NOTHING
    if name in owner.members:
        return likely(union(map(_read, owner.members[name])))
    found = []
    for base in owner.bases:
        for item in base:
            if isinstance(item, OwnClass):
                found.append(_of_own(item, name, (*seen, owner)))
            else:
                kind = kind_of(item.path) if isinstance(item, Named) else None
                found.append(UNKNOWN if kind is None else _of_instance(kind, name))
    return union(found) if found else UNKNOWN


def _read(item: Item) -> Value:
    """What a member is when it is read."""
    if isinstance(item, OwnFunction) and item.is_property:
        return item.gives
    return frozenset({item})


def _is_module(owner: object) -> bool:
    return hasattr(owner, "__path__") or hasattr(owner, "__spec__")


def _unbound(kind: str, name: str) -> Problem | None:
    """Of a method that is read from its class: there it is no name of a child."""
    return rules.of_member(kind, name, "call")


def _inherits(owner: OwnClass, name: str, seen: tuple[OwnClass, ...]) -> bool:
    """Whether a class of the program has a member, its own or from others of the program."""
    if name in owner.members:
        return True
    bases = [item for base in owner.bases for item in base if isinstance(item, OwnClass)]
    return any(_inherits(base, name, (*seen, owner)) for base in bases if base not in seen)


def _inherited_kind(owner: OwnClass, name: str, seen: tuple[OwnClass, ...]) -> str | None:
    """The kind that objects of a class have a member from; None where that is not sure."""
    if name in owner.members or owner in seen:
        return None
    kinds = set()
    for base in owner.bases:
        if not base:
            return None
        for item in base:
            if isinstance(item, OwnClass):
                kinds.add(_inherited_kind(item, name, (*seen, owner)))
            else:
                kinds.add(kind_of(item.path) if isinstance(item, Named) else None)
    return kinds.pop() if len(kinds) == 1 else None
