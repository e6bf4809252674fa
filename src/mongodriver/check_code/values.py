"""What a name or an expression can stand for."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = [
    "ELSE",
    "NONE",
    "NOTHING",
    "UNKNOWN",
    "Bound",
    "Instance",
    "Item",
    "Named",
    "Other",
    "OwnClass",
    "OwnFunction",
    "OwnInstance",
    "OwnModule",
    "Several",
    "Value",
    "Version",
    "is_of_pymongo",
    "known",
    "union",
]


class Other(enum.Enum):
    """What is not followed any further."""

    ANYTHING = "anything"
    ELSE = "something that is no object of PyMongo's"
    NONE = "None"
    TRUE = "true for this version of PyMongo"
    FALSE = "false for this version of PyMongo"


@dataclass(frozen=True)
class Named:
    """A module, class, function or constant of PyMongo, by its dotted name there."""

    path: str


@dataclass(frozen=True)
class Instance:
    """An object of a class that is followed, see `kinds`."""

    kind: str


@dataclass(frozen=True)
class Bound:
    """A method of such an object."""

    kind: str
    name: str


@dataclass(frozen=True)
class Several:
    """A list, tuple, set or iterator; of what is in it."""

    items: frozenset[Item]


@dataclass(frozen=True)
class Version:
    """A version of PyMongo, or a part of it."""

    parts: tuple[int, ...]


@dataclass(eq=False)
class OwnFunction:
    """A function of the program."""

    name: str
    returns: set[Item] = field(default_factory=set)
    yields: set[Item] = field(default_factory=set)
    is_annotated: bool = False  #: so that what it returns is known without reading it
    is_property: bool = False
    is_fixture: bool = False

    @property
    def gives(self) -> Value:
        """What a call gives; of a generator, what a with block or a test gets of it."""
        return frozenset(self.returns | self.yields)


@dataclass(eq=False)
class OwnClass:
    """A class of the program; `members` are those of its objects as well."""

    name: str
    bases: list[Value] = field(default_factory=list)
    members: dict[str, set[Item]] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnInstance:
    """An object of a class of the program."""

    of: OwnClass


@dataclass(eq=False)
class OwnModule:
    """A module of the program, and what its names stand for."""

    names: dict[str, set[Item]] = field(default_factory=dict)


Item = (
    Named
    | Instance
    | Bound
    | Several
    | Version
    | OwnFunction
    | OwnClass
    | OwnInstance
    | OwnModule
    | Other
)
#: All it can be; nothing, where it is not known yet.
Value = frozenset[Item]

NOTHING: Value = frozenset()
UNKNOWN: Value = frozenset({Other.ANYTHING})
ELSE: Value = frozenset({Other.ELSE})
NONE: Value = frozenset({Other.NONE})


def is_of_pymongo(*items: Item) -> bool:
    """Whether anything of PyMongo's can be reached from some items."""
    seen: set[int] = set()
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Named | Instance | Bound | Version):
            return True
        if item in (Other.TRUE, Other.FALSE):
            return True
        if id(item) in seen:
            continue
        seen.add(id(item))
        waiting += _inside(item)
    return False


def _inside(item: Item) -> Iterator[Item]:
    if isinstance(item, Several):
        yield from item.items
    elif isinstance(item, OwnFunction):
        yield from item.gives
    elif isinstance(item, OwnInstance):
        yield item.of
    elif isinstance(item, OwnClass):
        for base in item.bases:
            yield from base
        for members in item.members.values():
            yield from members
    elif isinstance(item, OwnModule):
        for values in item.names.values():
            yield from values


def union(values: Iterable[Value]) -> Value:
    """All that some values can be."""
    return NOTHING.union(*values)


def known(value: Value) -> Value:
    """What it is if it is not None; nothing where it may be something that is not followed."""
    return NOTHING if value & {Other.ANYTHING, Other.ELSE} else value - NONE
