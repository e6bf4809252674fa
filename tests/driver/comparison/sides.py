"""A driver in a flavour, on which scenarios are done and recorded."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from flavour import Flavour, Neutral, know, neutral, plain

from .names import driver_names
from .texts import error_text, event_text, normal, text_of

#: The specification's local master key, and the id of a key that it has encrypted.
_PROVIDERS = {
    "local": {
        "key": "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRG"
        "dQV09wOGVNYUMxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk"
    },
    "aws": {"accessKeyId": "x", "secretAccessKey": "y"},
}
_KEY = b"0123456789abcdef"
_BSON = {"pymongo": "bson", "mongodriver": "bsonx"}

Record = dict[str, Any]


class Stage(SimpleNamespace):
    """What a scenario sees: the driver's names, a client, a database ``db`` and a collection ``t``;
    and what it tells of itself."""

    _steps: list[Any]

    def show(self, *values: Any) -> None:
        """Record values."""
        self._steps.append([text_of(value) for value in values])

    async def of(self, what: Callable[[], Any] | Awaitable[Any]) -> Any:
        """Record the result of a call or an awaitable, or its exception; return the result."""
        try:
            value = what() if callable(what) else what
            if inspect.isawaitable(value):
                value = await value
        except StopAsyncIteration:
            self._steps.append("StopAsyncIteration")
        except Exception as exc:
            self._steps.append(error_text(exc))
        else:
            self._steps.append(text_of(value))
            return value
        return None

    async def fail(self, *commands: str, times: int = 1, **data: Any) -> None:
        """Have the server fail the next commands of these names."""
        await self.client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": times},
            data={"failCommands": list(commands), **data},
        )


Scenario = Callable[[Stage], Coroutine[Any, Any, Any]]


def make_client(driver: str, flavour: Flavour, *args: Any, **options: Any) -> Any:
    """A client with the asynchronous interface."""
    package = importlib.import_module(driver)
    if flavour.is_sync:
        return Neutral(package.MongoClient(*args, **options))
    return package.AsyncMongoClient(*args, **options)


class _Events:
    """The texts of commands' events, with their operations numbered as they come.

    Cursors that were dropped are killed in the background, whenever that is: what kills them is
    left out, or, if a scenario sets `killing`, what kills those of other scenarios' collections.
    """

    def __init__(self, collection: str = "") -> None:
        self.killing = False
        self.texts: list[str] = []
        self._collection = collection
        self._operations: dict[int, int] = {}
        self._kills: set[int] = set()  # requests that are recorded, whose replies are as well

    def begin(self, collection: str) -> None:
        """Forget all, for a scenario in another collection."""
        self.__init__(collection)  # type: ignore[misc]

    def clear(self) -> None:
        """Forget all."""
        self.begin(self._collection)

    def add(self, event: Any) -> None:
        if event.command_name == "configureFailPoint" or self._is_left_out(event):
            return
        number = self._operations.setdefault(event.operation_id, len(self._operations))
        self.texts.append(event_text(event, number))

    def _is_left_out(self, event: Any) -> bool:
        if event.command_name != "killCursors":
            return False
        command = getattr(event, "command", None)
        if command is not None and self.killing and command["killCursors"] == self._collection:
            self._kills.add(event.request_id)
        return event.request_id not in self._kills


def _listener(driver: str, events: _Events) -> Any:
    """A listener for events of commands."""
    base = importlib.import_module(f"{driver}.monitoring").CommandListener

    def note(self: Any, event: Any) -> None:
        events.add(event)

    return type("Listener", (base,), dict.fromkeys(("started", "succeeded", "failed"), note))()


class Side:
    """One driver in one flavour."""

    def __init__(self, driver: str, flavour: Flavour, uri: str, **options: Any) -> None:
        self._borrowed = flavour
        if driver == "pymongo":
            know("pymongo", "gridfs")
            flavour = flavour.of_pymongo()
        self._driver, self._flavour, self._uri = driver, flavour, uri
        self._events = _Events()
        self._listener = _listener(driver, self._events)
        self.names = driver_names(driver, _BSON[driver], flavour)
        self.client = self._make(uri, **options)

    def _make(self, *args: Any, **options: Any) -> Any:
        options = {"event_listeners": [self._listener], **options}
        return make_client(self._driver, self._flavour, *args, **options)

    def record(self, scenario: Scenario, database: str, collection: str = "t") -> Record:
        """Do a scenario in a collection; return all that came of it."""
        steps: list[Any] = []
        clients: list[Any] = []

        def make(*args: Any, **options: Any) -> Any:
            """A client, closed afterwards; with the scenario's server if none is named."""
            clients.append(self._make(*(args or (self._uri,)), **options))
            return clients[-1]

        self._events.begin(collection)
        scene = self._scene(database, collection)
        stage = Stage(**scene, make=make, events=self._events, _steps=steps, arguments=[])

        async def whole() -> None:
            try:
                await scenario(stage)
            except StopAsyncIteration:
                steps.append("StopAsyncIteration")
            except Exception as exc:
                steps.append(error_text(exc))
            finally:
                seen.extend(self._events.texts)
                for client in clients:
                    await client.close()

        seen: list[str] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._flavour.run(whole())
        return {
            "steps": steps,
            "arguments": [text_of(value) for value in stage.arguments],
            "warnings": [
                f"{w.category.__name__} {normal(str(w.message))}"
                for w in caught
                if w.category is not ResourceWarning  # which the collector gives, some time
            ],
            "events": seen,
        }

    def _scene(self, database: str, collection: str) -> dict[str, Any]:
        db = self.client[database]
        t = db[collection]
        concern = self.names["pymongo"].WriteConcern
        return {
            **self.names,
            "client": self.client,
            "db": db,
            "t": t,
            "w0": t.with_options(write_concern=concern(0)),
            "wm": t.with_options(write_concern=concern("majority", wtimeout=60_100)),
            "ce": self._encryptions(database),
            "KEY": self.names["bson"].Binary(_KEY, 4),
            "DET": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
            "plain": plain,
            "uri": self._uri,
            "is_sync": self._flavour.is_sync,
        }

    def _encryptions(self, database: str) -> Callable[..., Any]:
        """Makes objects for explicit encryption whose keys are in ``db.t``."""

        def make(**options: Any) -> Any:
            name = "ClientEncryption" if self._flavour.is_sync else "AsyncClientEncryption"
            module = "synchronous" if self._flavour.is_sync else "asynchronous"
            kind = getattr(importlib.import_module(f"{self._driver}.{module}.encryption"), name)
            providers = options.pop("kms_providers", _PROVIDERS)
            codec_options = self.names["bson"].CodecOptions()
            vault = f"{database}.t"
            return neutral(kind(providers, vault, plain(self.client), codec_options, **options))

        return make

    def drop(self, database: str) -> None:
        """Remove what scenarios left in a database."""

        async def drop() -> None:
            await self.client.drop_database(database)

        self._flavour.run(drop())

    def close(self) -> None:
        """Close the client."""

        async def close() -> None:
            await self.client.close()

        self._flavour.run(close())
        if self._flavour is not self._borrowed:
            self._flavour.close()
