"""Results of queries as Arrow data: columns, built in C of the replies' bytes.

    from mongodriver.arrow import find_arrow

    table = pyarrow.table(find_arrow(client.shop.orders, {"paid": True}))
    frame = polars.DataFrame(find_arrow(client.shop.orders, {}, schema={"_id": ObjectId, "n": int}))

No library of Arrow is needed for it; whatever takes data by the Arrow PyCapsule interface takes
these. `bsonx.arrow` does the same with documents that are already there, and docs/arrow.md says
which type becomes which.
"""

from __future__ import annotations

from bsonx.arrow import ArrowBatch, ArrowError, ArrowSchema, ArrowStream, ArrowTable

from .queries import AsyncArrowStream, aggregate_arrow, find_arrow

__all__ = [
    "ArrowBatch",
    "ArrowError",
    "ArrowSchema",
    "ArrowStream",
    "ArrowTable",
    "AsyncArrowStream",
    "aggregate_arrow",
    "find_arrow",
]
