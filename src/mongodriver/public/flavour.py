"""How synchronous classes are made of asynchronous ones.

    class Collection(CollectionBase[DocumentT]):
        find_one = blocking(AsyncCollection.find_one)

`blocking` makes a method that runs the coroutine method to its end.  It keeps signature and
docstring; name and module are those of the synchronous class, and so are the classes in its
annotations.  On the blocking backend no await ever suspends, so running is one step
(`bsonx._impl.run_coroutine`).

Type checkers and editors cannot follow it: a parameter that is an `AsyncClientSession` there is a
`ClientSession` here.  They read the stub files beside the synchronous modules, which ``make stubs``
writes from the asynchronous ones.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, TypeVar

from bsonx._impl import run_coroutine

__all__ = ["blocking", "blocking_function", "own_methods", "sibling"]

ClassT = TypeVar("ClassT", bound=type)

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


def _annotations(method: Any) -> dict[str, Any]:
    """The annotations of a method, which are strings, in its synchronous class."""
    shown = method.__annotations__
    if not any("Async" in text for text in shown.values()):
        return shown  # type: ignore[no-any-return]
    return {name: text.replace("Async", "") for name, text in shown.items()}


def _rename(function: Any, method: Any) -> None:
    """Give a function the identity the coroutine method has, in its synchronous class."""
    function.__name__ = method.__name__
    function.__qualname__ = method.__qualname__.replace("Async", "", 1)
    function.__module__ = method.__module__.replace(".asynchronous.", ".synchronous.", 1)
    function.__doc__ = method.__doc__


def _show_as(function: Any, method: Any) -> None:
    """Have `help` and `inspect.signature` see the parameters of a method.

    They follow ``__wrapped__``, to a copy that nobody calls: it is no coroutine function, because
    `function` is none. No `inspect` is needed for it, which costs programs 10 ms.
    """
    _rename(function, method)
    code = method.__code__
    shown = _copy(method, code.replace(co_flags=code.co_flags & ~_CO_COROUTINE))
    shown.__annotations__ = function.__annotations__ = _annotations(method)
    function.__wrapped__ = shown


def blocking(method: Any) -> Any:
    """The synchronous method for a coroutine method."""
    # Under its new name, for errors of wrong calls.
    begin = _copy(method, method.__code__)

    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return run_coroutine(begin(self, *args, **kwargs))

    _show_as(call, method)
    return call


def blocking_function(function: Any) -> Any:
    """The synchronous function for a coroutine function that is no method."""
    begin = _copy(function, function.__code__)

    def call(*args: Any, **kwargs: Any) -> Any:
        return run_coroutine(begin(*args, **kwargs))

    _show_as(call, function)
    return call


def sibling(method: Any) -> Any:
    """The synchronous method for a plain method that returns an object of this flavour."""
    function = _copy(method, method.__code__)
    function.__annotations__ = _annotations(method)
    return function


def own_methods(cls: ClassT) -> ClassT:
    """Give a class what it has of the one that both flavours share under its own name.

    That is the name which errors of wrong calls and profilers tell.
    """
    shared = cls.__mro__[1]
    for name, method in vars(shared).items():
        public = name[0] != "_" or name == "__init__"
        if public and type(method) is FunctionType and name not in vars(cls):
            function = _copy(method, method.__code__)
            function.__annotations__ = method.__annotations__
            function.__qualname__ = f"{cls.__name__}.{name}"
            function.__module__ = cls.__module__
            setattr(cls, name, function)
    return cls
