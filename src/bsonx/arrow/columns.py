"""From documents to Arrow data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
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

__all__ = ["ArrowBatch", "ArrowStream", "ArrowTable", "ColumnBuilder", "from_bson"]

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

    def build(self, documents: Documents) -> tuple[Any, int]:
        """Return documents as data for `ArrowBatch`, and how many there were."""
        self.infer(documents)
        count = self._builder.append(documents)
        return self._builder.finish(), count


class ArrowBatch:
    """A record batch, for whoever takes one by the PyCapsule interface."""

    def __init__(self, field: Field, data: Any, count: int) -> None:
        self._field = field
        self._data = data
        self._count = count

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def schema(self) -> ArrowSchema:
        """Its schema."""
        return ArrowSchema(self._field)

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self._field)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Capsules with the schema and the rows, as a struct."""
        return arrow_schema(self._field), arrow_array(self._data)


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
            return None if batch is None else batch._data

        return arrow_stream(self._field, following, _ignore)


class ArrowStream:
    """Documents as record batches, one by one, for whoever takes them by the PyCapsule interface.

    Batches are built when they are asked for. It can be read once: as a stream, or by iterating.
    An error is raised by iterating; a consumer of the stream raises one of its own with the same
    text, and `error` has the exception.

    :param batches: documents; what each item holds becomes a batch.
    :param columns: what they are made of, for this stream alone; default: what is in the first.
    :param close: called at the end, and by `close`.
    """

    def __init__(
        self,
        batches: Iterable[Documents],
        columns: ColumnBuilder | None = None,
        *,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._columns = ColumnBuilder() if columns is None else columns
        self._batches: Iterator[Documents] = iter(batches)
        self._close = close
        self._taken = False
        self.error: BaseException | None = None

    def _known(self) -> Field:
        """The schema; the first batch is looked at where none was given."""
        if self._columns.field is None:
            first: Documents = next(self._batches, None)
            if first is not None:
                self._batches = chain([first], self._batches)
            self._columns.infer(b"" if first is None else first)
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

    def _following(self) -> tuple[Any, int] | None:
        try:
            documents = next(self._batches, None)
            if documents is None:
                self.close()
                return None
            return self._columns.build(documents)
        except BaseException as exc:
            self.error = exc
            self.close()
            raise

    def __arrow_c_schema__(self) -> Any:
        """A capsule with the schema."""
        return arrow_schema(self._known())

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A capsule with the stream; the schema that a consumer asks for is used if none was given
        and nothing has been read."""
        self._columns.request(requested_schema)
        field = self._known()
        self._take()

        def following() -> Any:
            found = self._following()
            return None if found is None else found[0]

        return arrow_stream(field, following, self._failed)

    def _failed(self, exc: BaseException) -> None:
        self.error = exc

    def __iter__(self) -> Iterator[ArrowBatch]:
        """Yield the batches."""
        self._take()
        field = self._known()
        while (found := self._following()) is not None:
            yield ArrowBatch(field, *found)

    def close(self) -> None:
        """End it; may be called again."""
        self._batches = iter(())
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> ArrowStream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def from_bson(documents: Documents, schema: Schema | None = None, **options: Any) -> ArrowTable:
    """Return documents as Arrow data: an object that pyarrow, polars, pandas or DuckDB take.

    :param documents: bytes with one behind the other, or a list of bytes or RawBSONDocuments.
    :param schema: a mapping of names to types, or anything with ``__arrow_c_schema__``; None: what
        is in the documents.

    The other options are those of `ColumnBuilder`, and so are the errors.
    """
    columns = ColumnBuilder(schema, **options)
    data, count = columns.build(documents)
    field = columns.field
    assert field is not None
    return ArrowTable(field, [ArrowBatch(field, data, count)])
