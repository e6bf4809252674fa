"""Parquet files, read in batches by pyarrow or polars, whichever is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

from bsonx.arrow import ArrowError, DocumentReader
from mongodriver.ingest.batch import Batch, BatchLimits, Ids, Position
from mongodriver.ingest.errors import IngestError

from .arrow import ArrowSourceReader

__all__ = ["ParquetSource"]

#: Rows that a library unpacks at a time.
_ROWS = 65_536


class ParquetSource:
    """A Parquet file.

    :param path: its path, which is also its name.

    The other parameters are those of `ArrowSource`. A file that cannot be read is IngestError, and
    so is a machine without pyarrow and polars.
    """

    repeatable = True
    awaits = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        id_field: str | None = None,
        nulls: str = "null",
        uint64: str = "error",
    ) -> None:
        self.name = os.fspath(path)
        self._options: dict[str, Any] = {"id_field": id_field, "nulls": nulls, "uint64": uint64}

    @property
    def size(self) -> int | None:
        """Its bytes on disk."""
        try:
            return os.stat(self.name).st_size
        except OSError:
            return None

    def open(self, ids: Ids | None, at: Position | None = None) -> ParquetReader:
        """Begin to read: see `Source.open`."""
        with open(self.name, "rb"):
            pass  # an OSError says it in the same words whichever library reads
        try:
            data, count = _open(self.name)
            rows = DocumentReader(data, collect=True, **self._options)
        except ArrowError as error:
            raise IngestError(f"{self.name}: {error}") from error
        return ParquetReader(self.name, rows, ids, at, self.size or 0, count)


class ParquetReader(ArrowSourceReader):
    """A Parquet file that is being read, of so many bytes and rows."""

    def __init__(
        self,
        name: str,
        rows: DocumentReader,
        ids: Ids | None,
        at: Position | None,
        size: int,
        count: int,
    ) -> None:
        super().__init__(name, rows, ids, at)
        self._size = size
        self._count = count

    def read(self, limits: BatchLimits) -> Batch | None:
        """The next rows: see `Reader.read`."""
        return super().read(limits)

    def consumed(self) -> int:
        """As many of the bytes as there were rows."""
        return self._size * self._row // self._count if self._count else self._size


def _open(path: str) -> tuple[Any, int]:
    """The data of a file as a stream of Arrow's, and how many rows there are."""
    try:
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from pyarrow import parquet
    except ImportError:
        return _open_with_polars(path)
    try:
        file = parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise IngestError(f"{path}: {error}") from error

    def batches() -> Iterator[Any]:
        with file:
            yield from file.iter_batches(_ROWS)

    reader = pyarrow.RecordBatchReader.from_batches(file.schema_arrow, batches())
    return reader, file.metadata.num_rows


def _open_with_polars(path: str) -> tuple[Any, int]:
    try:
        import polars  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise IngestError(f"{path}: reading Parquet needs pyarrow or polars") from None
    try:
        lazy = polars.scan_parquet(path)
        count = cast(int, lazy.select(polars.len()).collect().item())
        return lazy.collect(engine="streaming"), count
    except polars.exceptions.PolarsError as error:
        raise IngestError(f"{path}: {error}") from error
