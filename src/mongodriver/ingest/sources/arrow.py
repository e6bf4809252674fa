"""Arrow data: tables, data frames, record batches and their readers, results of queries."""

from __future__ import annotations

from typing import Any, Protocol

from bsonx import CodecOptions, DatetimeConversion, decode, json_util
from bsonx.arrow import ArrowError, DocumentReader, Rows
from mongodriver.ingest.batch import ENCODE, Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.base import digest_of_start

__all__ = ["ArrowSource", "ArrowSourceReader", "RowReader", "is_arrow"]


_ANY_DATE: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


class RowReader(Protocol):
    """What reads rows: a `DocumentReader`, or several one after the other."""

    def read(
        self, max_documents: int, max_bytes: int = ..., first_id: bytes | None = None
    ) -> Rows | None:
        """See `DocumentReader.read`."""

    def close(self) -> None:
        """See `DocumentReader.close`."""


def is_arrow(source: Any) -> bool:
    """Whether something gives Arrow data by the PyCapsule interface."""
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


class ArrowSource:
    """Whatever gives Arrow data by the PyCapsule interface.

    :param data: a table of pyarrow, a data frame of polars or pandas, a result of DuckDB, ...
    :param name: what it is called in reports.
    :param id_field: the column that becomes `_id`.
    :param nulls: "null", or "omit" to leave null fields out.
    :param uint64: of numbers beyond an int64: "error" for a reject, "decimal" for a Decimal128.
    :param repeatable: whether `data` gives the same rows again each time; default: whether it has a
        length, as tables and frames do and readers do not.
    """

    size: int | None = None
    awaits = False
    format = "arrow"

    def __init__(
        self,
        data: Any,
        name: str = "arrow",
        *,
        id_field: str | None = None,
        nulls: str = "null",
        uint64: str = "error",
        repeatable: bool | None = None,
    ) -> None:
        self._data = data
        self.name = name
        self.repeatable = hasattr(data, "__len__") if repeatable is None else repeatable
        self._options: dict[str, Any] = {"id_field": id_field, "nulls": nulls, "uint64": uint64}

    def fingerprint(self) -> dict[str, Any]:
        """What tells it from other data: how many rows, and the first."""
        rows = len(self._data) if hasattr(self._data, "__len__") else None
        return {"items": rows, "start": digest_of_start(self)}

    def open(self, ids: Ids | None, at: Position | None = None) -> ArrowSourceReader:
        """Begin to read: see `Source.open`."""
        try:
            rows = DocumentReader(self._data, collect=True, keep=True, **self._options)
        except ArrowError as error:
            raise IngestError(f"{self.name}: {error}") from error
        return ArrowSourceReader(self.name, rows, ids, at)


class ArrowSourceReader:
    """Arrow data that are being read.

    :param rows: what reads them.
    :param at: a position to go on from; the rows before it are passed over.
    """

    def __init__(self, name: str, rows: RowReader, ids: Ids | None, at: Position | None) -> None:
        self._name = name
        self._rows = rows
        self._ids = ids
        self._documents = at["documents"] if at else 0
        self._row = 0
        self._start = at["rows"] if at else 0

    def read(self, limits: BatchLimits) -> Batch | None:
        """The next rows: see `Reader.read`."""
        try:
            self._pass_over()
            first_id = None if self._ids is None else self._ids.first(self._documents)
            rows = self._rows.read(limits.documents, limits.bytes, first_id)
        except ArrowError as error:
            # Producers that pyarrow runs tell the traceback of their errors as well.
            text = str(error).partition(" Detail: Python exception: ")[0]
            raise IngestError(f"{self._name}: {text}") from error
        if rows is None:
            return None
        self._row = rows.stop
        self._documents += len(rows)
        return Batch(
            self._name,
            rows.documents,
            rows.ends,
            _positions(rows),
            [
                _reject(*reject, text)
                for reject, text in zip(rows.rejects, rows.rejected, strict=True)
            ],
            {"documents": self._documents, "rows": rows.stop},
            own_ids=rows.own_ids,
        )

    def _pass_over(self) -> None:
        while self._row < self._start:
            rows = self._rows.read(self._start - self._row)
            if rows is None:
                raise IngestError(f"{self._name}: there are fewer rows than there were before")
            self._row = rows.stop

    def consumed(self) -> int:
        """0: nobody knows how many bytes there are."""
        return 0

    def close(self) -> None:
        """Give the data back."""
        self._rows.close()


def _positions(rows: Rows) -> Any:
    """The numbers of the rows that became documents, from 1."""
    everything = range(rows.start + 1, rows.stop + 1)
    if not rows.rejects:
        return everything
    bad = {row + 1 for row, _, _ in rows.rejects}
    return [number for number in everything if number not in bad]


def _reject(row: int, column: str | None, problem: str, values: bytes | None) -> Reject:
    error = f"column {column!r}: {problem}" if column else problem
    return Reject(row + 1, error, ENCODE, raw=_text(values))


def _text(values: bytes | None) -> bytes:
    """What a dead letter shows of a row: nobody can load it as it is."""
    if values is None:
        return b"null"
    text: str = json_util.dumps(decode(values, _ANY_DATE), ensure_ascii=False)
    return text.encode()
