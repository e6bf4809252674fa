"""Arrow data out of and into collections, beside PyMongoArrow, on one server; needs pyarrow.

In the report PyMongoArrow stands where PyMongo stands elsewhere; the floor reads the same documents
over a bare socket, and makes nothing of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from driver import DATABASE, Server, find_floor, repeat
from interleaved import Case
from mongodriver.arrow import find_arrow
from mongodriver.ingest import ingest

FLAT, TWEETS = 100_000, 10_000


def flat(count: int) -> Iterator[dict[str, Any]]:
    """Small documents: numbers, a name, a date, a little nesting."""
    start = datetime.datetime(2020, 1, 1)
    for i in range(count):
        yield {
            "i": i,
            "f": i / 2,
            "s": f"name {i % 1000}",
            "t": start + datetime.timedelta(seconds=i),
            "b": i % 2 == 0,
            "n": {"x": i, "y": "text"},
            "l": [i, i + 1],
        }


def stored(server: Server) -> dict[str, int]:
    """Fill collections; their names and how many documents each has."""
    database = server.sync["pymongo"][DATABASE]
    database.flat.insert_many(flat(FLAT))
    tweet = {name: value for name, value in server.tweet.items() if name != "_id"}
    database.tweets.insert_many({**tweet} for _ in range(TWEETS))
    return {"flat": FLAT, "tweets": TWEETS}


def finds(server: Server, name: str) -> dict[str, Callable[[], object]]:
    """All of a collection as a table of pyarrow."""
    import pyarrow
    import pymongoarrow.api

    theirs = server.sync["pymongo"][DATABASE][name]
    ours = server.sync["ours"][DATABASE][name]
    return {
        "pymongo": lambda: pymongoarrow.api.find_arrow_all(theirs, {}),
        "ours": lambda: pyarrow.table(find_arrow(ours)),
        "floor": lambda: find_floor(server.raw, name),
    }


def some(server: Server) -> dict[str, Callable[[], object]]:
    """Three columns of a collection, by a schema."""
    import pyarrow
    import pymongoarrow.api

    kinds = {"i": pyarrow.int64(), "s": pyarrow.string(), "f": pyarrow.float64()}
    schema = pymongoarrow.api.Schema(kinds)
    columns = dict.fromkeys(kinds, 1)
    theirs = server.sync["pymongo"][DATABASE]["flat"]
    ours = server.sync["ours"][DATABASE]["flat"]
    return {
        "pymongo": lambda: pymongoarrow.api.find_arrow_all(theirs, {}, schema=schema),
        "ours": lambda: pyarrow.table(find_arrow(ours, schema=kinds)),
        "floor": lambda: find_floor(server.raw, "flat", projection={**columns, "_id": 0}),
    }


def writes(server: Server, table: Any) -> dict[str, Callable[[], object]]:
    """A table into an empty collection."""
    import pymongoarrow.api

    database = server.sync["pymongo"][DATABASE]
    ours = server.sync["ours"][DATABASE]["written_by_us"]

    def write() -> None:
        database.drop_collection("written")
        pymongoarrow.api.write(database["written"], table)

    def write_ours() -> None:
        database.drop_collection("written_by_us")
        ingest(ours, table)

    return {"pymongo": write, "ours": write_ours}


def cases(server: Server) -> Iterator[Case]:
    """Every case; operations are documents."""
    import pyarrow

    for name, count in stored(server).items():
        runs = {key: repeat(run) for key, run in finds(server, name).items()}
        yield Case("arrow", f"find {name}", runs, count)
    runs = {key: repeat(run) for key, run in some(server).items()}
    yield Case("arrow", "find three columns", runs, FLAT)
    table = pyarrow.Table.from_pylist(list(flat(FLAT)))
    runs = {key: repeat(run) for key, run in writes(server, table).items()}
    yield Case("arrow", "write flat", runs, FLAT)
    collection = server.sync["ours"][DATABASE]["tweets"]
    table = pyarrow.table(find_arrow(collection, projection={"_id": 0}))
    runs = {key: repeat(run) for key, run in writes(server, table).items()}
    yield Case("arrow", "write tweets", runs, TWEETS)
