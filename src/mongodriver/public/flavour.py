"""How synchronous classes are made of asynchronous ones.

    class Collection(CollectionBase[DocumentT]):
        find_one = blocking(AsyncCollection[DocumentT].find_one)

`blocking` makes a method that runs the coroutine method to its end.  It keeps signature, types and
docstring; name and module are those of the synchronous class.  On the blocking backend no await
ever suspends, so running is one step (`bsonx._impl.run_coroutine`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

from bsonx._impl import run_coroutine

__all__ = ["adopt", "blocking", "giving", "sibling"]

P = ParamSpec("P")
T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)


def _named(method: Any) -> Any:
    """A copy of a method under its name in the synchronous class, for errors of wrong calls."""
    copy = FunctionType(
        method.__code__,
        method.__globals__,
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    copy.__qualname__ = _sync_name(method)
    return copy


def _sync_name(method: Any) -> str:
    name: str = method.__qualname__
    return name.replace("Async", "", 1)


def _rename(function: Any, method: Any) -> None:
    """Give a function the identity the coroutine method has, in its synchronous class."""
    function.__name__ = method.__name__
    function.__qualname__ = _sync_name(method)
    function.__module__ = method.__module__.replace(".asynchronous.", ".synchronous.", 1)
    function.__doc__ = method.__doc__
    function.__annotations__ = method.__annotations__
    function.__signature__ = inspect.signature(method)


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    """The synchronous method for a coroutine method."""
    begin = _named(method)

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = run_coroutine(begin(self, *args, **kwargs))
        return result

    _rename(call, method)
    return call


def giving(
    result: type[T], method: Callable[Concatenate[Any, P], Coroutine[Any, Any, Any]]
) -> Callable[Concatenate[Any, P], T]:
    """`blocking` for a method that returns an object of this flavour, of type `result`."""
    return blocking(method)


def sibling(
    result: type[T], method: Callable[Concatenate[Any, P], Any]
) -> Callable[Concatenate[Any, P], T]:
    """The synchronous method for a plain method that returns an object of this flavour."""

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        made: T = method(self, *args, **kwargs)
        return made

    _rename(call, method)
    return call


def adopt(*parts: type) -> Callable[[ClassT], ClassT]:
    """Class decorator: methods of the base classes `parts` bear the name of the class."""

    def rename(cls: ClassT) -> ClassT:
        for part in parts:
            for name, value in vars(part).items():
                if inspect.isfunction(value) and not name.startswith("_"):
                    value.__qualname__ = f"{cls.__name__}.{name}"
                    value.__module__ = cls.__module__
        return cls

    return rename
