"""Where a collection is cut: ids that have about as many documents between them."""

from __future__ import annotations

from typing import Any

from bsonx import encode
from mongodriver.asynchronous.collection import start_aggregate
from mongodriver.ops.catalogue import ListCollections
from mongodriver.ops.read import Count
from mongodriver.public.reply_cursor import _AgnosticCommandCursor
from mongodriver.values.read_preferences import ReadPreference

from .reader import EXACT_RAW

__all__ = ["bounds"]

#: Ids looked at for each partition: the more, the more alike they are.
_SAMPLE = 40
#: Partitions of fewer documents are not worth a cursor.
_FEWEST = 100
#: What whoever may read a collection may ask about it.
_NAMES = {"nameOnly": True, "authorizedCollections": True}


async def bounds(collection: Any, partitions: int) -> tuple[list[Any], bool]:
    """The ids between which a collection is cut, in their order, at most one less than partitions.

    The server samples and sorts: so ids of all types have the order of their index, strings that
    of its collation, and no right is needed but that to read.

    :returns: and whether the collection has an index of ids at all.
    """
    if not await _has_ids(collection):
        return [], False
    core, target = collection._core, collection._reading()
    count = await core.executor.execute(Count(target, {}))
    partitions = min(partitions, max(count // _FEWEST, 1))
    if partitions == 1:
        return [], True
    pipeline = [
        {"$sample": {"size": partitions * _SAMPLE}},
        {"$project": {"_id": 1}},
        {"$sort": {"_id": 1}},
    ]
    exact = collection.with_options(EXACT_RAW)
    options = {"allowDiskUse": True}
    cursor = await start_aggregate(
        exact, _AgnosticCommandCursor, pipeline, None, options, None, None
    )
    found = [document["_id"] for document in await cursor._all(None)]
    return _quantiles(found, partitions), True


def _quantiles(ids: list[Any], partitions: int) -> list[Any]:
    """Of sorted ids those that cut them into so many parts, each once."""
    found: dict[bytes, Any] = {}
    for number in range(1, partitions):
        index = number * len(ids) // partitions
        if index:
            id = ids[index]
            found.setdefault(encode({"_id": id}, codec_options=EXACT_RAW), id)
    return list(found.values())


async def _has_ids(collection: Any) -> bool:
    """Whether a collection can be read in the order of its ids: no view, and no time series."""
    operation = ListCollections(
        collection.database.name, EXACT_RAW, _NAMES, {"name": collection.name}
    )
    operation.read_preference = ReadPreference.PRIMARY_PREFERRED
    reply = await collection._core.executor.execute(operation)
    return all(found.get("type", "collection") == "collection" for found in reply.batch)
