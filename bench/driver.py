"""Driver cases, sync and async, above a raw-socket floor, all on one server.

Each contender does the same server work; the floor sends messages that were encoded beforehand
and reads the replies' bytes without decoding them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import bson
import pymongo

import documents
import mongodriver
from floor import RawSocket, op_msg
from interleaved import Case, Run
from mongodriver.local import LocalServer

DATABASE = "bench"
MANY = 10_000


class Server:
    """The clients of one server, their event loop, and the collections that the cases use."""

    def __init__(self, uri: str, host: str, port: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.raw = RawSocket(host, port)
        self.sync: dict[str, Any] = {
            "pymongo": pymongo.MongoClient(uri),
            "ours": mongodriver.MongoClient(uri),
        }
        self.asynchronous: dict[str, Any] = {
            "pymongo": pymongo.AsyncMongoClient(uri),
            "ours": mongodriver.AsyncMongoClient(uri),
        }
        self.in_replica_set = "setName" in self.sync["pymongo"].admin.command("hello")
        data = documents.load()
        self.small, self.large = data["small"], data["large"]
        database = self.sync["pymongo"][DATABASE]
        self.sync["pymongo"].drop_database(DATABASE)
        self.tweet = {"_id": 1, **bson.decode(data["tweet"])}
        database.one.insert_one(self.tweet)
        tweet = bson.decode(data["tweet"])
        database.many.insert_many({"_id": i, **tweet} for i in range(MANY))

    def close(self) -> None:
        """Drop what was made and close every client."""
        self.sync["pymongo"].drop_database(DATABASE)
        for client in self.sync.values():
            client.close()
        for client in self.asynchronous.values():
            self.loop.run_until_complete(client.close())
        self.loop.close()


@contextmanager
def served(uri: str | None) -> Iterator[Server]:
    """The clients of the server at `uri`, or of an embedded one of a replica set."""
    with ExitStack() as stack:
        if uri is None:
            uri = stack.enter_context(LocalServer(replica_set=True)).uri
        with pymongo.MongoClient(uri) as client:
            host, port = client.address or ("localhost", 27017)
        server = Server(uri, host, port)
        stack.callback(server.close)
        yield server


def repeat(function: Callable[[], object]) -> Run:
    """A run that calls `function` n times."""

    def run(count: int) -> None:
        for _ in range(count):
            function()

    return run


def repeat_async(loop: asyncio.AbstractEventLoop, function: Callable[[], Awaitable[object]]) -> Run:
    """The same for a coroutine function, all n calls within one run of the loop."""

    async def calls(count: int) -> None:
        for _ in range(count):
            await function()

    return lambda count: loop.run_until_complete(calls(count))


def operations(client: Any, server: Server) -> dict[str, Callable[[], Any]]:
    """The work of each case on a client of either flavour; find-many is apart."""
    database = client[DATABASE]
    small, large = bson.decode(server.small), bson.decode(server.large)
    batch = [bson.decode(server.small) for _ in range(MANY)]

    def insert_many() -> Any:
        for document in batch:
            document.pop("_id", None)
        return database.written_many.insert_many(batch)

    def insert(document: dict[str, Any]) -> Callable[[], Any]:
        return lambda: database.written.insert_one(dict(document))

    one = database.one
    return {
        "ping": lambda: client.admin.command("ping"),
        "find-one by id": lambda: one.find_one({"_id": 1}),
        "insert-one small": insert(small),
        "insert-one large": insert(large),
        "insert-many 10k": insert_many,
    }


def floors(server: Server) -> dict[str, Callable[[], Any]]:
    """The same work over the bare socket: with the session that drivers send, and on a replica set
    the transaction numbers, for which a server keeps books.
    """
    raw = server.raw
    session = {"lsid": {"id": bson.Binary(os.urandom(16), 4)}}
    target = {**session, "$db": DATABASE}
    numbered = {**session, "txnNumber": bson.Int64(0)} if server.in_replica_set else session
    find = {"find": "one", "filter": {"_id": 1}, "limit": 1, "singleBatch": True, **target}
    insert = {"insert": "written", "ordered": True, **numbered, "$db": DATABASE}
    many = {"insert": "written_many", "ordered": True, **numbered, "$db": DATABASE}
    messages = {
        "ping": op_msg({"ping": 1, **session, "$db": "admin"}),
        "find-one by id": op_msg(find),
        "insert-one small": op_msg(insert, [server.small], "documents"),
        "insert-one large": op_msg(insert, [server.large], "documents"),
        "insert-many 10k": op_msg(many, [server.small] * MANY, "documents"),
    }
    numbers = itertools.count(1)
    return {name: exchanger(raw, message, numbers) for name, message in messages.items()}


def exchanger(raw: RawSocket, message: bytes, numbers: Iterator[int]) -> Callable[[], Any]:
    """Send a message; one with a transaction number gets the next one each time."""
    at = message.find(b"\x12txnNumber\0")
    if at < 0:
        return lambda: raw.exchange(message)
    whole = bytearray(message)

    def exchange() -> Any:
        struct.pack_into("<q", whole, at + 11, next(numbers))
        return raw.exchange(whole)

    return exchange


def find_floor(raw: RawSocket, name: str, **options: Any) -> None:
    """Read a whole collection batch by batch; only the cursor's id is looked at."""
    find = op_msg({"find": name, "filter": {}, **options, "$db": DATABASE})
    reply = raw.exchange(find)
    while cursor := cursor_id(reply):
        more = {"getMore": bson.Int64(cursor), "collection": name, "$db": DATABASE}
        reply = raw.exchange(op_msg(more))


def cursor_id(reply: memoryview) -> int:
    """The cursor's id: it follows the batch in a find reply, within the last bytes."""
    tail = bytes(reply[-600:])
    at = tail.rindex(b"\x12id\x00")
    return int.from_bytes(tail[at + 4 : at + 12], "little", signed=True)


def read_all(client: Any) -> Callable[[], object]:
    """Go through the documents and keep none."""
    collection = client[DATABASE].many
    return lambda: sum(1 for _ in collection.find())


def keep_all(client: Any) -> Callable[[], object]:
    """Keep all documents at once; the cyclic collector then walks what has been read."""
    collection = client[DATABASE].many
    return lambda: collection.find().to_list()


def read_all_async(client: Any) -> Callable[[], Awaitable[object]]:
    """As read_all."""
    collection = client[DATABASE].many

    async def read() -> int:
        count = 0
        async for _ in collection.find():
            count += 1
        return count

    return read


def cases(server: Server) -> Iterator[Case]:
    """Every case in both flavours."""
    floor = floors(server)
    sync = {name: operations(client, server) for name, client in server.sync.items()}
    both = {name: operations(client, server) for name, client in server.asynchronous.items()}
    for case, function in floor.items():
        count = MANY if case.endswith("10k") else 1
        runs = {name: repeat(work[case]) for name, work in sync.items()}
        yield Case("sync", case, {**runs, "floor": repeat(function)}, count)
        runs = {name: repeat_async(server.loop, work[case]) for name, work in both.items()}
        yield Case("async", case, {**runs, "floor": repeat(function)}, count)
    yield from find_many(server)


def find_many(server: Server) -> Iterator[Case]:
    """All documents of a collection, with the collector as users have it: on."""
    floor = repeat(lambda: find_floor(server.raw, "many"))
    for case, read in {"find-many 10k": read_all, "find-many 10k kept": keep_all}.items():
        runs = {name: repeat(read(client)) for name, client in server.sync.items()}
        yield Case("sync", case, {**runs, "floor": floor}, MANY)
    for case, read in {"find-many 10k": read_all_async, "find-many 10k kept": keep_all}.items():
        runs = {
            name: repeat_async(server.loop, read(client))
            for name, client in server.asynchronous.items()
        }
        yield Case("async", case, {**runs, "floor": floor}, MANY)
