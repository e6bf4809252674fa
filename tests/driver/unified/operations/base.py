"""What an operation is: the arguments it knows, the method it calls, what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from flavour import plain

from ..failures import Unsupported
from ..options import COMMON

if TYPE_CHECKING:
    from ..world import World

#: Argument names that are not the camelCase of the method's.
_RENAMED = {"fieldName": "key", "requests": "requests"}


def snake(name: str) -> str:
    """fooBarBaz -> foo_bar_baz, fooMS -> foo_ms."""
    if name in _RENAMED:
        return _RENAMED[name]
    name = name.removesuffix("MS") + "Ms" if name.endswith("MS") else name
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


class Call:
    """One operation that is about to run."""

    def __init__(self, world: World, target: Any, arguments: dict[str, Any]) -> None:
        self.world = world
        self.target = target
        self.arguments = arguments

    def method(self, name: str) -> Any:
        """A method of the target."""
        return getattr(self.target, name)

    def keywords(self, name: str) -> dict[str, Any]:
        """The arguments as a method takes them.

        Those its signature does not name are fields of the command, which keep their names.
        """
        known = _parameters(type(plain(self.target)), name)
        keywords: dict[str, Any] = {}
        for argument, value in self.arguments.items():
            if argument in COMMON:
                keyword, make = COMMON[argument]
                keywords[keyword] = make(value)
            else:
                keyword = snake(argument)
                keywords[keyword if known is None or keyword in known else argument] = value
        return keywords


def _parameters(owner: type, name: str) -> set[str] | None:
    """The parameters a method has; None for one that takes whatever it is given."""
    found = inspect.signature(getattr(owner, name)).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in found):
        return None
    return {parameter.name for parameter in found}


class Operation:
    """An operation that one kind of entity has.

    :param run: does it.
    :param needs: the methods of PyMongo's API it calls, by their synchronous names.
    :param documents: its result is iterated documents, or one: they may have more fields than
        a test expects.
    :param saves: the kind of entity its result is.
    """

    def __init__(
        self,
        run: Callable[[Call], Awaitable[Any]],
        required: str = "",
        optional: str = "",
        *,
        needs: str = "",
        documents: bool = True,
        saves: str = "value",
    ) -> None:
        self.run = run
        self.required = frozenset(required.split())
        self.known = self.required | frozenset(optional.split())
        self.needs = needs.split()
        self.documents = documents
        self.saves = saves

    def check(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that the operation does not have, or lacks."""
        unknown = sorted(set(arguments) - self.known)
        if unknown:
            raise Unsupported(f"{name} has no argument {', '.join(unknown)}")
        missing = sorted(self.required - set(arguments))
        if missing:
            raise Unsupported(f"{name} needs the argument {', '.join(missing)}")


def calls(
    method: str, required: str = "", optional: str = "", *, iterates: bool = False, **more: Any
) -> Operation:
    """An operation that calls ``Class.method`` with the arguments as they are.

    :param iterates: the result is a cursor, whose documents are the operation's result.
    """
    name = method.rpartition(".")[2]

    async def run(call: Call) -> Any:
        result = await call.method(name)(**call.keywords(name))
        return await result.to_list() if iterates else result

    return Operation(run, required, optional, needs=method, **more)
