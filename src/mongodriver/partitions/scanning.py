"""Scans: the documents of a collection by several cursors, each over a range of ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mongodriver.execution.timeouts import one_deadline

from .iteration import batches, documents
from .partition import Partition, text_of
from .split import bounds

__all__ = ["AsyncScan", "Scan", "make_partitions"]

#: What a projection may say of the ids.
_PLAIN = (0, 1)


class _Scan:
    """Partitions of a collection, which take turns where they are read by one."""

    def __init__(
        self,
        collection: Any,
        partitions: Sequence[Partition],
        prefetch: int | None,
        retry_seconds: float,
    ) -> None:
        self._collection = collection
        #: They can be pickled, and read elsewhere: see `Partition.read`.
        self.partitions = list(partitions)
        self._reading = prefetch, retry_seconds

    def __repr__(self) -> str:
        name, count = self._collection.full_name, len(self.partitions)
        return f"<{type(self).__name__} of {name} in {count} part{'s' if count > 1 else ''}>"

    def _readers(self) -> list[Any]:
        return [part.reader(self._collection, *self._reading) for part in self.partitions]

    def raw_batches(self) -> Any:
        """Iterate over batches as bytes: BSON documents one behind the other."""
        return batches(self._collection, self._readers())


class Scan(_Scan):
    """The documents of a collection, each once; iterating begins anew each time."""

    def __iter__(self) -> Iterator[Any]:
        found: Iterator[Any] = documents(self._collection, self._readers())
        return found


class AsyncScan(_Scan):
    """The documents of a collection, each once, for ``async for``."""

    def __aiter__(self) -> AsyncIterator[Any]:
        found: AsyncIterator[Any] = documents(self._collection, self._readers())
        return found


async def make_partitions(
    collection: Any,
    filter: Mapping[str, Any] | None,
    projection: Any,
    partitions: int,
    collation: Any,
    batch_size: int,
) -> list[Partition]:
    """Partitions of a collection of either flavour, fewer where it is small."""
    if not isinstance(partitions, int) or isinstance(partitions, bool):
        raise TypeError(f"partitions must be an instance of int, not {type(partitions)}")
    if partitions < 1:
        raise ValueError("partitions must be at least 1")
    fields = _fields(projection)
    with one_deadline(collection._core.options.timeout):
        found, ordered = await bounds(collection, partitions)
    options = collection.codec_options
    whole = Partition(
        collection.database.name,
        collection.name,
        filter=text_of(filter, options),
        projection=text_of(fields, options),
        collation=text_of(collation and collation.document, options),
        batch_size=batch_size,
        ordered=ordered,
    )
    edges = [None, *[text_of({"_id": id}) for id in found], None]
    return [replace(whole, lower=lower, upper=upper) for lower, upper in pairwise(edges)]


def _fields(projection: Any) -> Mapping[str, Any] | None:
    """A projection as a document."""
    if projection is None:
        return None
    fields: Mapping[str, Any] = (
        projection
        if isinstance(projection, Mapping)
        else dict.fromkeys(projection, 1) or {"_id": 1}
    )
    parts = any(str(name).startswith("_id.") for name in fields)
    if parts or fields.get("_id", 1) not in _PLAIN:
        raise ValueError("a scan needs the ids as they are: the projection must not change _id")
    return fields
