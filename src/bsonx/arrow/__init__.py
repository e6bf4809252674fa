"""Arrow data to BSON documents and back, by the Arrow PyCapsule interface: no pyarrow is needed.

    for rows in bsonx.arrow.to_bson(table):     # pyarrow, polars, pandas, DuckDB, ...
        rows.documents, rows.ends

    pyarrow.table(bsonx.arrow.from_bson(documents))

What becomes what, and what is lost on the way, is in docs/arrow.md.
"""

from __future__ import annotations

from bsonx._errors import ArrowError

from .columns import ArrowBatch, ArrowStream, ArrowTable, ColumnBuilder, from_bson
from .rows import DocumentReader, Rows, to_bson
from .schema import ArrowSchema, Schema

__all__ = [
    "ArrowBatch",
    "ArrowError",
    "ArrowSchema",
    "ArrowStream",
    "ArrowTable",
    "ColumnBuilder",
    "DocumentReader",
    "Rows",
    "Schema",
    "from_bson",
    "to_bson",
]
