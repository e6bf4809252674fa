"""Arrow data to BSON documents and back, by the Arrow PyCapsule interface: no pyarrow is needed.

    for rows in bsonx.arrow.to_bson(table):     # pyarrow, polars, pandas, DuckDB, ...
        rows.documents, rows.ends

    pyarrow.table(bsonx.arrow.from_bson(documents))

What becomes what, and what is lost on the way, is in docs/arrow.md.
"""

from __future__ import annotations

from bsonx._errors import ArrowError

from .rows import DocumentReader, Rows, to_bson

__all__ = ["ArrowError", "DocumentReader", "Rows", "to_bson"]
