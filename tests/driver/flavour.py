"""One test, three flavours: tests are coroutines that see an asynchronous client.

In the async flavours, in asyncio and in trio, that is an `AsyncMongoClient`. In the sync flavour it
is a `MongoClient` behind a `Neutral` proxy: what is a coroutine method on the asynchronous twin
gives an awaitable, iteration is ``async for``, and the test's coroutine is stepped to its end
without an event loop.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any

#: Synchronous class -> asynchronous twin, by module path below the package.
_TWINS = (
    ("mongo_client", "MongoClient"),
    ("database", "Database"),
    ("collection", "Collection"),
    ("cursor", "Cursor"),
    ("cursor", "RawBatchCursor"),
    ("command_cursor", "CommandCursor"),
    ("command_cursor", "RawBatchCommandCursor"),
    ("change_stream", "CollectionChangeStream"),
    ("change_stream", "DatabaseChangeStream"),
    ("change_stream", "ClusterChangeStream"),
    ("encryption", "ClientEncryption"),
    ("client_session", "ClientSession"),
)


#: The classes of GridFS.
_GRIDFS = ("GridFS", "GridFSBucket", "GridIn", "GridOut", "GridOutCursor")

#: The context managers that sessions make.
_CONTEXTS = (
    ("_TransactionContext", "_TransactionContext"),
    ("_BoundSessionContext", "_AsyncBoundSessionContext"),
)


def twins(package: str, gridfs: str) -> dict[type, type]:
    """The synchronous classes of a package, and of one of GridFS, and their asynchronous twins."""
    found = {}
    for module, name in _TWINS:
        sync = importlib.import_module(f"{package}.synchronous.{module}")
        twin = importlib.import_module(f"{package}.asynchronous.{module}")
        found[getattr(sync, name)] = getattr(twin, "Async" + name)
    for name, twin_name in _CONTEXTS:  # of sessions, the last of the modules
        found[getattr(sync, name)] = getattr(twin, twin_name)
    files = importlib.import_module(gridfs)
    for name in _GRIDFS:
        found[getattr(files, name)] = getattr(files, "Async" + name)
    return found


_OURS = twins("mongodriver", "mongodriver.gridfs")
_all_twins: dict[type, type] = dict(_OURS)


def know(package: str, gridfs: str) -> None:
    """Let proxies be made of the classes of other packages too."""
    _all_twins.update(twins(package, gridfs))


def neutral(value: Any) -> Any:
    """A proxy for objects of synchronous classes; anything else as it is."""
    return Neutral(value) if type(value) in _all_twins else value


def plain(value: Any) -> Any:
    """The object behind a proxy; anything else as it is."""
    return value._object if isinstance(value, Neutral) else value


def _plain_arguments(args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    return [plain(x) for x in args], {name: plain(x) for name, x in kwargs.items()}


class Neutral:
    """A synchronous object with the asynchronous interface."""

    def __init__(self, value: Any) -> None:
        self.__dict__.update(_object=value, _twin=_all_twins[type(value)])

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._object, name, plain(value))

    def __getattr__(self, name: str) -> Any:
        twin = inspect.getattr_static(self._twin, name, None)
        if isinstance(twin, property):
            value = getattr(self._object, name)
            return _ready(value) if inspect.iscoroutinefunction(twin.fget) else neutral(value)
        value = getattr(self._object, name)
        if not callable(value) or type(value) in _all_twins:
            return neutral(value)
        coroutine = inspect.iscoroutinefunction(inspect.unwrap(twin)) if callable(twin) else False

        def call(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = _plain_arguments(args, kwargs)
            return neutral(value(*args, **kwargs))

        async def call_later(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            except StopIteration:
                raise StopAsyncIteration from None

        return call_later if coroutine else call

    def __getitem__(self, item: Any) -> Any:
        return neutral(self._object[item])

    def __aiter__(self) -> Neutral:
        iter(self._object)
        return self

    async def __anext__(self) -> Any:
        try:
            return neutral(next(self._object))
        except StopIteration:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Neutral:
        entered = self._object.__enter__()
        return self if entered is self._object else neutral(entered)

    async def __aexit__(self, *exc_info: Any) -> Any:
        return self._object.__exit__(*exc_info)

    def __bool__(self) -> bool:
        return bool(self._object)

    def __eq__(self, other: object) -> bool:
        return bool(self._object == plain(other))

    def __hash__(self) -> int:
        return hash(self._object)

    def __repr__(self) -> str:
        return repr(self._object)


def is_asynchronous(value: Any) -> bool:
    """Whether an object is one of an asynchronous client, and no proxy."""
    return not isinstance(value, Neutral)


def stepped(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A coroutine function as the callback of synchronous code, which gives it plain objects."""

    def call(*args: Any) -> Any:
        return plain(step(function(*[neutral(x) for x in args])))

    return call


async def _ready(value: Any) -> Any:
    return value


def step(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits to its end."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("a synchronous test waited for something")


class TrioRunner:
    """A run of trio in a thread of its own, which goes on between the tests."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._begun.wait()

    def _run(self) -> None:
        import trio

        async def main() -> None:
            self._token = trio.lowlevel.current_trio_token()
            self._end = trio.Event()
            self._begun.set()
            await self._end.wait()

        trio.run(main)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine returns or raises, in a task of that run."""
        import trio

        async def whole() -> Any:
            return await coroutine

        return trio.from_thread.run(whole, trio_token=self._token)

    def close(self) -> None:
        """End the run, and all that is left of it."""
        self._token.run_sync_soon(self._end.set)
        self._thread.join()


class Flavour:
    """How a test runs, and how it makes clients."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._runner: Any = None

    @property
    def is_sync(self) -> bool:
        return self.name == "sync"

    @property
    def kind(self) -> str:
        """ "sync" or "async"."""
        return "sync" if self.is_sync else "async"

    def of_pymongo(self) -> Flavour:
        """PyMongo in the same flavour, but not in trio."""
        return Flavour("async") if self.name == "trio" else self

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a test's coroutine."""
        if self.is_sync:
            return step(coroutine)
        if self._runner is None:
            self._runner = TrioRunner() if self.name == "trio" else asyncio.Runner()
        return self._runner.run(coroutine)

    def make(self, *args: Any, **kwargs: Any) -> Any:
        """A client of this flavour, with the asynchronous interface."""
        import mongodriver

        if self.is_sync:
            return Neutral(mongodriver.MongoClient(*args, **kwargs))
        return mongodriver.AsyncMongoClient(*args, **kwargs)

    def wrap(self, make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """An object of a class that has twins, with the asynchronous interface."""
        args, kwargs = _plain_arguments(args, kwargs)
        return neutral(make(*args, **kwargs))

    def close(self) -> None:
        """End the event loop or the run of trio, if there is one."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


ClientFactory = Callable[..., Any]
