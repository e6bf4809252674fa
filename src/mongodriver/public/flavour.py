"""How synchronous classes are made of asynchronous ones.

    class Collection(CollectionBase[DocumentT]):
        find_one = blocking(AsyncCollection[DocumentT].find_one)

`blocking` makes a method that runs the coroutine method to its end.  It keeps signature, types and
docstring; name and module are those of the synchronous class.  On the blocking backend no await
ever suspends, so running is one step (`bsonx._impl.run_coroutine`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

from bsonx._impl import run_coroutine

__all__ = ["blocking", "giving", "sibling", "taking_arguments_of"]

P = ParamSpec("P")
T = TypeVar("T")

#: Of functions that give a coroutine: it is made by calling them.
_CO_COROUTINE = 0x80


def _copy(method: Any, code: Any) -> Any:
    """A copy of a method under its name in the synchronous class, with this code."""
    copy = FunctionType(
        code, method.__globals__, method.__name__, method.__defaults__, method.__closure__
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    _rename(copy, method)
    return copy


def _rename(function: Any, method: Any) -> None:
    """Give a function the identity the coroutine method has, in its synchronous class."""
    function.__name__ = method.__name__
    function.__qualname__ = method.__qualname__.replace("Async", "", 1)
    function.__module__ = method.__module__.replace(".asynchronous.", ".synchronous.", 1)
    function.__doc__ = method.__doc__
    function.__annotations__ = method.__annotations__


def _show_as(function: Any, method: Any) -> None:
    """Have `help` and `inspect.signature` see the parameters of a method.

    They follow ``__wrapped__``, to a copy that nobody calls: it is no coroutine function, because
    `function` is none. No `inspect` is needed for it, which costs programs 10 ms.
    """
    _rename(function, method)
    code = method.__code__
    function.__wrapped__ = _copy(method, code.replace(co_flags=code.co_flags & ~_CO_COROUTINE))


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    """The synchronous method for a coroutine method."""
    code = method.__code__
    # Under its new name, for errors of wrong calls.
    begin = _copy(method, code)

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = run_coroutine(begin(self, *args, **kwargs))
        return result

    _show_as(call, method)
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
    return _copy(method, method.__code__)  # type: ignore[no-any-return]


def taking_arguments_of(
    function: Callable[Concatenate[Any, P], Any],
) -> Callable[[Callable[..., T]], Callable[Concatenate[Any, P], T]]:
    """Decorator of a method that hands its arguments on: type checkers and editors see those of
    `function`; at run time they remain PyMongo's ``*args, **kwargs``.
    """

    def same(method: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        return method

    return same
