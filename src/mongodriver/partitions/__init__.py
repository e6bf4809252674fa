"""Collections in parts: read by many, here or on other machines, each document once.

One program reads all parts, from several cursors, or whoever gets one reads that::

    scan = mongodriver.partitions.scan(client.air.flights, partitions=8)
    for flight in scan:                     # by one, from eight cursors that read ahead
        ...
    for partition in scan.partitions:       # or by whoever gets them: they can be pickled
        pool.submit(work, partition)        # work: for flight in partition.read(client)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bsonx._impl import run_coroutine
from mongodriver.public.kinds import check_kind

from .clients import shared_client
from .partition import Partition
from .scanning import AsyncScan, Scan, make_partitions

if TYPE_CHECKING:
    from mongodriver.asynchronous.collection import AsyncCollection
    from mongodriver.synchronous.collection import Collection
    from mongodriver.values.collation import Collation

__all__ = ["AsyncScan", "Partition", "Scan", "scan", "scan_async", "shared_client"]


def scan(
    collection: Collection[Any],
    filter: Mapping[str, Any] | None = None,
    projection: Mapping[str, Any] | Iterable[str] | None = None,
    *,
    partitions: int = 4,
    collation: Collation | None = None,
    batch_size: int = 0,
    prefetch: int | None = None,
    retry_seconds: float = 60,
) -> Scan:
    """Cut a collection into ranges of ids, to be read by several cursors at a time.

    Each document that is there all the time comes once, also if servers or cursors are lost
    meanwhile: a new cursor goes on behind the last document. There is no order between ranges.
    Views and time series have no ids to be cut by: they are one partition, and what interrupts it
    is raised.

    :param filter: a query document; left out, all documents.
    :param projection: field names, or a projection document that leaves ``_id`` as it is.
    :param partitions: how many there are at most; each has at least about a hundred documents. They
        are even in the collection, whatever the filter leaves of them.
    :param collation: by which the filter compares text; the index of ids must have the same.
    :param batch_size: documents a batch; 0 leaves it to the server.
    :param prefetch: how many batches each cursor asks for ahead; left out, one if the client may
        have more than one connection.
    :param retry_seconds: how long to try again while no document comes.
    :raises PyMongoError: when the collection cannot be looked at.
    """
    check_kind(collection, blocking=True, other="which is for scan_async")
    found = run_coroutine(
        make_partitions(collection, filter, projection, partitions, collation, batch_size)
    )
    return Scan(collection, found, prefetch, retry_seconds)


async def scan_async(
    collection: AsyncCollection[Any],
    filter: Mapping[str, Any] | None = None,
    projection: Mapping[str, Any] | Iterable[str] | None = None,
    *,
    partitions: int = 4,
    collation: Collation | None = None,
    batch_size: int = 0,
    prefetch: int | None = None,
    retry_seconds: float = 60,
) -> AsyncScan:
    """`scan` for an asynchronous collection."""
    check_kind(collection, blocking=False, other="which is for scan")
    found = await make_partitions(collection, filter, projection, partitions, collation, batch_size)
    return AsyncScan(collection, found, prefetch, retry_seconds)
