"""Change streams, sync and async, on one replica set: events that are already there are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import bson

from driver import DATABASE, Server, cursor_id, repeat, repeat_async
from floor import RawSocket, op_msg
from interleaved import Case

EVENTS = 2_000


def cases(server: Server) -> Iterator[Case]:
    """Every case in both flavours; none where the server keeps no oplog."""
    if not server.in_replica_set:
        return
    for name, document in written(server).items():
        start = happen(server, name, document)
        floor = repeat(reader_floor(server.raw, name, start))
        sync = {key: repeat(reader(one, name, start)) for key, one in server.sync.items()}
        yield Case("streams", f"{name} events", {**sync, "floor": floor}, EVENTS)
        both = {
            key: repeat_async(server.loop, reader_async(one, name, start))
            for key, one in server.asynchronous.items()
        }
        yield Case("streams async", f"{name} events", {**both, "floor": floor}, EVENTS)


def written(server: Server) -> dict[str, dict[str, Any]]:
    """What is inserted: the events of tweets are five times as large as those of the others."""
    return {"small": bson.decode(server.small), "tweet": dict(server.tweet)}


def happen(server: Server, name: str, document: dict[str, Any]) -> Any:
    """Insert the documents; the time before the first of them."""
    client = server.sync["pymongo"]
    collection = client[DATABASE][f"watched_{name}"]
    with client.start_session() as session:
        collection.insert_one({}, session=session)
        start = session.operation_time
    document.pop("_id", None)
    collection.insert_many({**document} for _ in range(EVENTS))
    return bson.Timestamp(start.time, start.inc + 1)


def reader(client: Any, name: str, start: Any) -> Callable[[], object]:
    """Open a stream, and read as many events as have happened."""
    collection = client[DATABASE][f"watched_{name}"]

    def read() -> None:
        with collection.watch(start_at_operation_time=start, batch_size=EVENTS) as stream:
            for _ in range(EVENTS):
                next(stream)

    return read


def reader_floor(raw: RawSocket, name: str, start: Any) -> Callable[[], object]:
    """The same batches over the bare socket: of a reply only the cursor's id is looked at."""
    collection = f"watched_{name}"
    stage = {"$changeStream": {"startAtOperationTime": start}}
    target = {"$db": DATABASE, "readConcern": {"level": "majority"}}
    size = {"batchSize": EVENTS}
    first = op_msg({"aggregate": collection, "pipeline": [stage], "cursor": size, **target})

    def more(cursor: int) -> bytes:
        command = {"getMore": bson.Int64(cursor), "collection": collection, **size}
        return op_msg({**command, "$db": DATABASE})

    def events(reply: memoryview) -> int:
        cursor = bson.decode(bytes(reply[21:]))["cursor"]
        return len(cursor.get("firstBatch", cursor.get("nextBatch")))

    reply = raw.exchange(first)
    cursor, read, batches = cursor_id(reply), events(reply), 0
    while read < EVENTS:
        read += events(raw.exchange(more(cursor)))
        batches += 1

    def run() -> None:
        cursor = cursor_id(raw.exchange(first))
        message = more(cursor)
        for _ in range(batches):
            raw.exchange(message)
        kill = {"killCursors": collection, "cursors": [bson.Int64(cursor)], "$db": DATABASE}
        raw.exchange(op_msg(kill))

    return run


def reader_async(client: Any, name: str, start: Any) -> Callable[[], Awaitable[object]]:
    """As reader."""
    collection = client[DATABASE][f"watched_{name}"]

    async def read() -> None:
        options = {"start_at_operation_time": start, "batch_size": EVENTS}
        async with await collection.watch(**options) as stream:
            for _ in range(EVENTS):
                await stream.next()

    return read
