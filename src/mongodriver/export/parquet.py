"""Parquet files, by pyarrow, of columns that are built of BSON in C."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, BinaryIO

from .errors import ExportError

__all__ = ["write_parquet"]


def write_parquet(out: BinaryIO, batches: Iterable[bytes]) -> None:
    """Write batches of BSON documents as a Parquet file; its columns are those of the first batch.

    :raises ExportError: without pyarrow, and for values that do not fit their column.
    """
    pyarrow, parquet = _load("pyarrow"), _load("pyarrow.parquet")
    arrow: Any = import_module("bsonx.arrow")
    columns = arrow.ColumnBuilder(None, objectid="text", on_mismatch="error", on_unknown="error")
    stream = arrow.ArrowStream(batches, columns)
    try:
        reader = pyarrow.RecordBatchReader.from_stream(stream)
        with reader, parquet.ParquetWriter(out, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except (arrow.ArrowError, pyarrow.ArrowException, OSError) as exc:
        error = stream.error or exc
        if not isinstance(error, arrow.ArrowError):
            raise error from exc
        raise ExportError(f"Parquet has one type for each column: {error}") from exc


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ExportError("Parquet needs pyarrow: pip install 'mongodriverx[arrow]'") from None
