"""From documents to Arrow data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from bsonx._errors import ArrowError
from bsonx._impl import (
    arrow_array,
    arrow_builder,
    arrow_fields,
    arrow_schema,
    arrow_stream,
    arrow_types,
)
from bsonx._py.arrow.formats import Field
from bsonx._py.arrow.inferred import inferred
from bsonx._py.arrow.targets import build_plan, buildable

from .schema import ArrowSchema, Schema, schema_field

__all__ = [
    "BATCH_BYTES",
    "ArrowBatch",
    "ArrowStream",
    "ArrowTable",
    "ColumnBuilder",
    "Documents",
    "Group",
    "from_bson",
]

#: Bytes of BSON that are enough for a record batch.
BATCH_BYTES = 16 << 20

Documents = Any
"""BSON documents: bytes with one behind the other, or a list of bytes or RawBSONDocuments."""


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, not {value!r}")


class ColumnBuilder:
    """Makes record batches of documents, all by one schema.

    :param schema: what the columns are; None: what is in the first documents.
    :param objectid: of a schema that is inferred: "binary" for 12 bytes, "text" for 24 digits.
    :param on_mismatch: what becomes of a value that does not fit its column: "error", or "null".
    :param on_unknown: what becomes of a field that the schema does not have: "error" or "ignore";
        default: "ignore" for a schema that was given, else "error".

    ArrowError names column and document.
    """

    def __init__(
        self,
        schema: Schema | None = None,
        *,
        objectid: str = "binary",
        on_mismatch: str = "error",
        on_unknown: str | None = None,
    ) -> None:
        _one_of("objectid", objectid, ("binary", "text"))
        _one_of("on_mismatch", on_mismatch, ("error", "null"))
        if on_unknown is None:
            on_unknown = "error" if schema is None else "ignore"
        _one_of("on_unknown", on_unknown, ("error", "ignore"))
        self._text = objectid == "text"
        self._lenient = on_mismatch == "null"
        self._strict = on_unknown == "error"
        self._builder: Any = None
        self.field: Field | None = None
        if schema is not None:
            self._use(schema_field(schema))

    def _use(self, field: Field) -> None:
        self._builder = arrow_builder(build_plan(field), self._strict, self._lenient)
        self.field = field

    def infer(self, documents: Documents) -> None:
        """Take the schema of documents, unless there is one."""
        if self.field is None:
            self._use(inferred(arrow_types(documents), self._text, self._lenient))

    def request(self, capsule: Any) -> None:
        """Take the schema that a consumer wishes, unless there is one or it cannot be."""
        if self.field is None and capsule is not None:
            try:
                self._use(buildable(Field.of(arrow_fields(capsule))._replace(flags=0)))
            except ArrowError:
                return  # it is a wish

    def add(self, documents: Documents) -> None:
        """Append documents to the batch at hand."""
        self.infer(documents)
        self._builder.append(documents)

    @property
    def rows(self) -> int:
        """How many documents the batch at hand has."""
        return 0 if self._builder is None else int(self._builder.rows)

    @property
    def size(self) -> int:
        """How many bytes of BSON they had."""
        return 0 if self._builder is None else int(self._builder.size)

    def finish(self) -> ArrowBatch:
        """Return the batch at hand, and begin the next."""
        field = self.field
        assert field is not None
        count = self.rows
        return ArrowBatch(field, self._builder.finish(), count)


class ArrowBatch:
    """A record batch, for whoever takes one by the PyCapsule interface."""

    def __init__(self, field: Field, data: Any, count: int) -> None:
        self.field = field
        self.data = data
        self._count = count

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def schema(self) -> ArrowSchema:
        """Its schema."""
        return ArrowSchema(self.field)

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self.field)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Capsules with the schema and the rows, as a struct."""
        return arrow_schema(self.field), arrow_array(self.data)


def _ignore(exc: BaseException) -> None:
    """For streams that have nobody to tell of an error."""


class ArrowTable:
    """Record batches that are all there, for whoever takes them by the PyCapsule interface."""

    def __init__(self, field: Field, batches: list[ArrowBatch]) -> None:
        self._field = field
        self.batches = batches

    def __len__(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.batches))

    @property
    def schema(self) -> ArrowSchema:
        """Its schema."""
        return ArrowSchema(self._field)

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self._field)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A capsule with a stream of the batches; each call begins anew."""
        batches = iter(self.batches)

        def following() -> Any:
            batch = next(batches, None)
            return None if batch is None else batch.data

        return arrow_stream(self._field, following, _ignore)


class ArrowStream:
    """Documents as record batches, one by one, for whoever takes them by the PyCapsule interface.

    Batches are built when they are asked for. It can be read once: as a stream, or by iterating.
    An error is raised by iterating; a consumer of the stream raises one of its own with the same
    text, and `error` has the exception.

    :param documents: an iterable of documents; what each item holds goes into one batch.
    :param columns: what they are made of, for this stream alone; default: what is in the first.
    :param rows: a batch ends behind the item with which it has so many.
    :param size: or so many bytes of BSON.
    :param close: called at the end, and by `close`.
    """

    def __init__(
        self,
        documents: Iterable[Documents],
        columns: ColumnBuilder | None = None,
        *,
        rows: int = 1,
        size: int = BATCH_BYTES,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._columns = ColumnBuilder() if columns is None else columns
        self._documents: Iterator[Documents] = iter(documents)
        self._group = Group(rows, size)
        self._close = close
        self._taken = False
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        """Without looking at the schema, which would ask a server."""
        if self.error is not None:
            return f"<ArrowStream: ended by {type(self.error).__name__}>"
        return f"<ArrowStream: {'taken' if self._taken else 'not read yet'}>"

    def _known(self) -> Field:
        """The schema; the documents of the first batch are looked at where none was given."""
        if self._columns.field is None:
            while self._group.wants_more(self._columns):
                documents = next(self._documents, None)
                if documents is None:
                    break
                self._group.put(documents)
            self._columns.infer(self._group.all())
        field = self._columns.field
        assert field is not None
        return field

    @property
    def schema(self) -> ArrowSchema:
        """The schema; it may fetch the first batch."""
        return ArrowSchema(self._known())

    def _take(self) -> None:
        if self._taken:
            raise ArrowError("the stream has been taken already: it can be read once")
        self._taken = True

    def _following(self) -> ArrowBatch | None:
        columns, group = self._columns, self._group
        try:
            self._known()
            group.add_to(columns)
            while group.wants_more(columns):
                documents = next(self._documents, None)
                if documents is None:
                    break
                columns.add(documents)
            if columns.rows:
                return columns.finish()
        except BaseException as exc:
            self.error = exc
            self.close()
            raise
        self.close()
        return None

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self._known())

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A capsule with the stream; the schema that a consumer asks for is used if none was given
        and nothing has been read.
        """
        self._columns.request(requested_schema)
        field = self._known()
        self._take()

        def following() -> Any:
            batch = self._following()
            return None if batch is None else batch.data

        return arrow_stream(field, following, self._failed)

    def _failed(self, exc: BaseException) -> None:
        self.error = exc

    def __iter__(self) -> Iterator[ArrowBatch]:
        """Yield the batches."""
        self._take()
        while (batch := self._following()) is not None:
            yield batch

    def close(self) -> None:
        """End it; may be called again."""
        self._documents = iter(())
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> ArrowStream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Group:
    """How much goes into a batch, and what waits until its schema is known.

    :param rows: enough of them.
    :param size: enough bytes of BSON.
    """

    def __init__(self, rows: int, size: int) -> None:
        self._rows = rows
        self._size = size
        self._waiting: list[Documents] = []
        #: How many documents wait, and about how many bytes they have.
        self._count = self._bytes = 0

    def wants_more(self, columns: ColumnBuilder) -> bool:
        """Whether the batch at hand is not full."""
        rows, size = columns.rows + self._count, columns.size + self._bytes
        return rows < self._rows and size < self._size

    def put(self, documents: Documents) -> None:
        """Keep some."""
        self._waiting.append(documents)
        if isinstance(documents, list):
            count = len(documents)
            self._count += count
            self._bytes += count and count * len(memoryview(_bytes_of(documents[count // 2])))
        else:
            self._count += sum(1 for _ in _starts(documents))
            self._bytes += len(documents)

    def all(self) -> Documents:
        """What is kept, together."""
        full = [documents for documents in self._waiting if len(documents)]
        if len(full) == 1:
            return full[0]
        if any(isinstance(documents, list) for documents in full):
            return [document for documents in full for document in _each(documents)]
        return b"".join(full)

    def add_to(self, columns: ColumnBuilder) -> None:
        """Append what is kept to the batch at hand."""
        waiting, self._waiting = self._waiting, []
        self._count = self._bytes = 0
        for documents in waiting:
            columns.add(documents)


def _each(documents: Documents) -> list[Any]:
    if isinstance(documents, list):
        return documents
    data = memoryview(documents)
    starts = [*_starts(data), len(data)]
    return [data[start:end] for start, end in pairwise(starts)]


def _starts(documents: Any) -> Iterator[int]:
    """Where documents begin that are one behind the other; what is wrong there is found later."""
    start, end = 0, len(documents)
    while start < end:
        yield start
        start += max(int.from_bytes(documents[start : start + 4], "little"), 5)


def _bytes_of(document: Any) -> Any:
    return getattr(document, "raw", document)


def from_bson(documents: Documents, schema: Schema | None = None, **options: Any) -> ArrowTable:
    """Return documents as Arrow data: an object that pyarrow, polars, pandas or DuckDB take.

    :param documents: bytes with one behind the other, or a list of bytes or RawBSONDocuments.
    :param schema: a mapping of names to types, or anything with ``__arrow_c_schema__``; None: what
        is in the documents.

    The other options are those of `ColumnBuilder`, and so are the errors.
    """
    columns = ColumnBuilder(schema, **options)
    columns.add(documents)
    batch = columns.finish()
    return ArrowTable(batch.field, [batch])
