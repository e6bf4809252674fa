from typing import Any

from pymongo import MongoClient
from pymongo.change_stream import CollectionChangeStream, DatabaseChangeStream


def watch(client: MongoClient[dict[str, Any]]) -> None:
    with client.db.c.watch([{"$match": {}}], full_document="updateLookup") as stream:
        for change in stream:
            reveal_type(change)
        reveal_type(stream.try_next())
        reveal_type(stream.resume_token)
        reveal_type(stream.alive)
        reveal_type(next(stream))
    one: CollectionChangeStream[dict[str, Any]] = client.db.c.watch()
    many: DatabaseChangeStream[dict[str, Any]] = client.db.watch()
    client.db.watch(max_await_time_ms="5")
    client.watch(full_document=1)
