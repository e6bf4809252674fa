"""Parquet files, read in batches by pyarrow or polars, whichever is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from bsonx.arrow import ArrowError, DocumentReader, Rows
from bsonx.arrow.rows import MAX_BYTES
from mongodriver.ingest.batch import Ids, Position
from mongodriver.ingest.errors import IngestError

from .arrow import ArrowSourceReader, RowReader

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
    is_stdin = False
    format = "parquet"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        id_field: str | None = None,
        nulls: str = "null",
        uint64: str = "error",
    ) -> None:
        self.path = self.name = os.fspath(path)
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
            rows, count = _open(self.name, {**self._options, "collect": True, "keep": True})
        except ArrowError as error:
            raise IngestError(f"{self.name}: {error}") from error
        return ParquetReader(self.name, rows, ids, at, self.size or 0, count)


class ParquetReader(ArrowSourceReader):
    """A Parquet file that is being read, of so many bytes and rows."""

    def __init__(
        self,
        name: str,
        rows: RowReader,
        ids: Ids | None,
        at: Position | None,
        size: int,
        count: int,
    ) -> None:
        super().__init__(name, rows, ids, at)
        self._size = size
        self._count = count

    def consumed(self) -> int:
        """As many of the bytes as there were rows."""
        return self._size * self._row // self._count if self._count else self._size


def _open(path: str, options: dict[str, Any]) -> tuple[RowReader, int]:
    """What reads a file's rows, and how many there are."""
    try:
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from pyarrow import parquet
    except ImportError:
        return _open_with_polars(path, options)
    try:
        file = parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise IngestError(f"{path}: {error}") from error

    def batches() -> Iterator[Any]:
        with file:
            yield from file.iter_batches(_ROWS)

    data = pyarrow.RecordBatchReader.from_batches(file.schema_arrow, batches())
    return DocumentReader(data, **options), file.metadata.num_rows


def _open_with_polars(path: str, options: dict[str, Any]) -> tuple[RowReader, int]:
    try:
        import polars  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise IngestError(f"{path}: reading Parquet needs pyarrow or polars") from None
    try:
        lazy = polars.scan_parquet(path)
        count = cast(int, lazy.select(polars.len()).collect().item())
        frames = iter(lazy.collect_batches(chunk_size=_ROWS, maintain_order=True))
        return _Frames(path, frames, options, polars.exceptions.PolarsError), count
    except polars.exceptions.PolarsError as error:
        raise IngestError(f"{path}: {error}") from error


class _Frames:
    """Reads frames one after the other, as `DocumentReader` reads one.

    :param error: what iterating over the frames raises.
    """

    def __init__(
        self,
        name: str,
        frames: Iterator[Any],
        options: dict[str, Any],
        error: type[Exception],
    ) -> None:
        self._name = name
        self._frames = frames
        self._options = options
        self._error = error
        self._reader: DocumentReader | None = None
        self._row = 0  # the first of the frame at hand
        self._next = 0
        self._advance()  # a schema that has no BSON form is told when the file is opened

    def _advance(self) -> bool:
        try:
            frame = next(self._frames, None)
        except self._error as error:
            raise IngestError(f"{self._name}: {error}") from error
        if self._reader is not None:
            self._reader.close()
        self._row = self._next
        self._reader = None if frame is None else DocumentReader(frame, **self._options)
        return frame is not None

    def read(
        self, max_documents: int, max_bytes: int = MAX_BYTES, first_id: bytes | None = None
    ) -> Rows | None:
        """The next rows, None at the end."""
        while self._reader is not None:
            rows = self._reader.read(max_documents, max_bytes, first_id)
            if rows is not None:
                start, stop = rows.start + self._row, rows.stop + self._row
                rejects = [(row + self._row, path, problem) for row, path, problem in rows.rejects]
                self._next = stop
                return replace(rows, start=start, stop=stop, rejects=rejects)
            self._advance()
        return None

    def close(self) -> None:
        """Give the data back."""
        if self._reader is not None:
            self._reader.close()
