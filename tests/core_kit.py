"""What the tests of the core are made with: small operations, clients, and fail points."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from bsonx.codec_options import CodecOptions
from flavours import run_on
from mongodriver import monitoring
from mongodriver.client.client import Client
from mongodriver.client_options import ClientOptions
from mongodriver.ops.base import READ, WRITE, Command, Operation
from mongodriver.options.connection_string import combine, parse


class Run(Operation[Any]):
    """Any command, sent as it is; the result is its reply."""

    codec_options = CodecOptions()
    reports_errors = True

    def __init__(self, body: dict[str, Any], database: str = "admin", **attributes: Any) -> None:
        self.name = next(iter(body))
        self.database = database
        self._body = body
        for name, value in attributes.items():
            setattr(self, name, value)

    def build(self, attempt):
        self.connection = attempt.connection
        return Command(dict(self._body))


class Find(Run):
    """A find that may be retried; the result is its first batch."""

    retry_policy = READ
    user_fields = frozenset({"firstBatch"})

    def __init__(self, collection: str, filter: Any = None, **attributes: Any) -> None:
        body = {"find": collection, "filter": filter or {}, "batchSize": 1_000_000}
        super().__init__(body, "core_tests", **attributes)

    def parse(self, reply, attempt):
        return reply["cursor"]["firstBatch"]


class Insert(Operation[Any]):
    """An insert that may be retried; the result is its reply."""

    name = "insert"
    database = "core_tests"
    codec_options = CodecOptions()
    retry_policy = WRITE
    is_write = True
    reports_errors = True

    def __init__(self, collection: str, documents: list[Any], **attributes: Any) -> None:
        self.collection = collection
        self._documents = documents
        for name, value in attributes.items():
            setattr(self, name, value)

    def build(self, attempt):
        body = {"insert": self.collection, "ordered": True}
        return Command(body, self._documents, "documents", add_ids=True)


PING = {"ping": 1}


class Recorder(
    monitoring.CommandListener,
    monitoring.ServerHeartbeatListener,
    monitoring.ServerListener,
    monitoring.TopologyListener,
    monitoring.ConnectionPoolListener,
):
    """Keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def clear(self) -> None:
        self.events.clear()


class Names(monitoring.CommandListener):
    """The names of the commands that were sent, and that were answered."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answered: list[str] = []

    def started(self, event: Any) -> None:
        self.sent.append(event.command_name)

    def succeeded(self, event: Any) -> None:
        self.answered.append(event.command_name)

    def failed(self, event: Any) -> None:
        pass


for _base in Recorder.__bases__:
    for _name in (n for n in vars(_base) if not n.startswith("_")):
        setattr(Recorder, _name, lambda self, event: self.events.append(event))


def make_client(backend: Any, uri: str, **options: Any) -> Client:
    """A core client for a URI; `options` by their URI names, in lower case."""
    parsed = parse(uri, normalize=False)
    settings = ClientOptions(
        parsed.username,
        parsed.password,
        parsed.database,
        combine(parsed.options, options),
        backend.name == "blocking",
    )
    name = "MongoClient" if backend.name == "blocking" else "AsyncMongoClient"
    return Client(settings, parsed.nodes, backend, name=name)


@contextlib.asynccontextmanager
async def opened(backend: Any, uri: str, **options: Any) -> AsyncIterator[Client]:
    """A core client for the length of a with block."""
    client = make_client(backend, uri, **options)
    try:
        yield client
    finally:
        await client.close()


def use(
    flavour: str,
    uri: str,
    main: Callable[..., Coroutine[Any, Any, Any]],
    **options: Any,
) -> Any:
    """Run ``main(client)`` on a backend of the flavour; return its result."""

    async def whole(backend):
        async with opened(backend, uri, **options) as client:
            return await main(client)

    return run_on(flavour, whole)


async def wait(backend: Any, reached: Callable[[], Any]) -> None:
    """Wait until a condition holds that something in the background brings about."""
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        await backend.sleep(0.005)


async def until_known_to_fail(client: Client) -> None:
    """Open a client of one server; wait for the error of its check, however long that takes.

    Selecting a server can then fail with that error at once.
    """

    def failed() -> Any:
        (found,) = client.description.server_descriptions().values()
        return found.error

    client.open()
    await wait(client.backend, failed)


@contextlib.contextmanager
def fail_point(server: Any, mode: Any, **data: Any):
    """The failCommand fail point of a local server's only member, for a with block."""
    server.command(0, {"configureFailPoint": "failCommand", "mode": mode, "data": data}, 10)
    try:
        yield
    finally:
        server.command(0, {"configureFailPoint": "failCommand", "mode": "off"}, 10)


class Background:
    """The background threads of clients that were made after this object."""

    def __init__(self) -> None:
        self._others = set(threading.enumerate())

    def names(self) -> set[str]:
        """The names of those that are alive."""
        ours = set(threading.enumerate()) - self._others
        return {thread.name for thread in ours if thread.name.startswith("mongodriver ")}


def pool_of(client: Client) -> Any:
    """The pool of a client's only server."""
    (server,) = client.topology.servers
    return server.pool
