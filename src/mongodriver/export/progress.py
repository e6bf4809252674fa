"""How far an export is, told as jobs of ingestion tell it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.seams import ProgressCallback, Snapshot
from mongodriver.values.errors import PyMongoError

if TYPE_CHECKING:
    from .exporting import ExportReport

__all__ = ["Progress", "size_of"]

_INTERVAL = 0.1  # seconds between snapshots


class Progress:
    """Tells of a report that grows.

    :param size: bytes of BSON that will be read, None where nobody knows.
    """

    def __init__(self, tell: ProgressCallback, report: ExportReport, size: int | None) -> None:
        self._tell = tell
        self._report = report
        self._size = size
        self._start = self._told = time.monotonic()

    def __call__(self, *, at_end: bool = False) -> None:
        """Tell, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._told < _INTERVAL and not at_end:
            return
        self._told = now
        report = self._report
        self._tell(
            Snapshot(
                documents=report.documents,
                records=report.documents,
                rejected=0,
                duplicates=0,
                retries=0,
                bytes=report.bytes,
                consumed=report.bytes,
                size=report.bytes if at_end else self._size,
                in_flight=0,
                seconds=now - self._start,
                p50=0.0,
                p99=0.0,
            )
        )


def size_of(collection: Any) -> int | None:
    """The bytes of a collection's documents as the server counts them, about.

    None where it does not tell: of views, and to users who may only read.
    """
    try:
        (stats,) = collection.aggregate(
            [
                {"$collStats": {"storageStats": {}}},
                {"$group": {"_id": None, "size": {"$sum": "$storageStats.size"}}},
            ]
        )
    except (PyMongoError, ValueError):
        return None
    return int(stats["size"])
