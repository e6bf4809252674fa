"""Which name stands for what."""

from __future__ import annotations

from collections.abc import Iterable

from .kinds import likely
from .values import UNKNOWN, Item, Value, union

__all__ = ["Scope"]


class Scope:
    """The names of a module, class or function.

    `now` is what they stand for at this place; `ever`, what they stand for anywhere: functions that
    are defined here see that, for they run later.
    """

    def __init__(self, parent: Scope | None, ever: dict[str, set[Item]], is_class: bool) -> None:
        self.parent = parent
        self.ever = ever
        self.now: dict[str, Value] = {}
        self.is_class = is_class
        self.elsewhere: dict[str, Scope] = {}

    def look_up(self, name: str) -> Value:
        """What a name stands for here."""
        if name in self.elsewhere:
            return likely(frozenset(self.elsewhere[name].ever.get(name, ())))
        if name in self.now:
            return self.now[name]
        if name in self.ever:
            return likely(
                frozenset(self.ever[name])
            )  # bound further down, or in a branch not taken
        scope = self.parent
        while scope is not None:
            if not scope.is_class and name in scope.ever:
                return likely(frozenset(scope.ever[name]))
            scope = scope.parent
        return UNKNOWN

    def bind(self, name: str, value: Value) -> None:
        """Let a name stand for something from here on."""
        home = self.elsewhere.get(name)
        if home is not None:
            home.ever.setdefault(name, set()).update(value)
            return
        self.now[name] = value
        self.ever.setdefault(name, set()).update(value)

    def declare_global(self, names: Iterable[str]) -> None:
        """Take these names from the module."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        self.elsewhere.update(dict.fromkeys(names, scope))

    def declare_nonlocal(self, names: Iterable[str]) -> None:
        """Take these names from the next function around this one."""
        for name in names:
            scope = self.parent
            while scope is not None and (scope.is_class or name not in scope.ever):
                scope = scope.parent
            if scope is not None:
                self.elsewhere[name] = scope

    def merge(self, branches: list[dict[str, Value]]) -> None:
        """Go on where several branches meet, each with its own `now`."""
        names = {name for branch in branches for name in branch}
        self.now = {
            name: likely(union(branch[name] for branch in branches if name in branch))
            for name in names
        }
