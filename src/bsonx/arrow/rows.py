"""From Arrow data to documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from bsonx._errors import ArrowError
from bsonx._impl import arrow_reader
from bsonx._py.arrow.plans import document_plan
from bsonx._py.arrow.rejected import rejected_row

__all__ = ["DocumentReader", "Rows", "to_bson"]

MAX_DOCUMENTS = 100_000
MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as BSON documents.

    `documents` are one behind the other, `ends` says where each ends, as native uint32. They are
    rows `start` to `stop` of the source, without those in `rejects`: (row, path of the column or
    None, what is wrong). Where that is asked for, `rejected` has a document for each, with
    text in the place of what BSON has no form of; None for a row that is null.
    """

    documents: bytes
    ends: bytes
    start: int
    stop: int
    own_ids: bool
    rejects: list[tuple[int, str | None, str]]
    rejected: list[bytes | None] = field(default_factory=list)

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self.ends) // 4


class DocumentReader:
    """Reads Arrow data as BSON documents, batch by batch; it takes what it needs and no more.

    :param source: anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``: a table, data
        frame, record batch or its reader. What can be read once only is used up.
    :param id_field: the column that becomes ``_id``; default: ``_id`` if there is one.
        It comes first.
    :param add_ids: give a document a new ObjectId as ``_id`` where the source has none for it: no
        such column, or a null in the column ``_id``. A null in `id_field` is an error.
    :param nulls: what becomes of null: "null", or "omit" to leave fields out. In arrays it stays.
    :param uint64: of numbers beyond an int64: "error", or "decimal" for a Decimal128.
    :param collect: put rows that have no BSON form into `Rows.rejects`; else ArrowError is raised.
    :param keep: of rows that are collected, put the values into `Rows.rejected`.

    Raises TypeError for a source of another kind, and ArrowError for a schema without a BSON form.
    """

    def __init__(
        self,
        source: Any,
        *,
        id_field: str | None = None,
        add_ids: bool = False,
        nulls: str = "null",
        uint64: str = "error",
        collect: bool = False,
        keep: bool = False,
    ) -> None:
        _one_of("nulls", nulls, ("null", "omit"))
        _one_of("uint64", uint64, ("error", "decimal"))
        self._reader = _open(source)
        try:
            plan = document_plan(self._reader.fields())
            self.columns = [child.name.decode() for child in plan.children]
            self._options = {
                "id": _id_column(self.columns, id_field),
                "id_needed": id_field is not None and id_field != "_id",
                "add_ids": add_ids,
                "omit_nulls": nulls == "omit",
                "uint64_decimal": uint64 == "decimal",
                "collect": collect,
                "describe": partial(rejected_row, plan) if keep else None,
            }
            self._reader.set_plan(plan)
        except BaseException:
            self._reader.close()
            raise

    def read(
        self,
        max_documents: int = MAX_DOCUMENTS,
        max_bytes: int = MAX_BYTES,
        first_id: bytes | None = None,
    ) -> Rows | None:
        """Return the next rows, or None at the end.

        It ends behind `max_documents`, or the document that reaches `max_bytes`. Documents without
        an ``_id`` get `first_id` (12 bytes, of the first document) and those that follow it, each
        by its number; what is read twice so gets the same ids.
        Raises ArrowError for rows without a BSON form, unless they are collected, for data that
        contradict themselves, and with the message of a producer that fails.
        """
        if max_documents < 1 or max_bytes < 1:
            raise ValueError("max_documents and max_bytes must be 1 or more")
        found = self._reader.read(max_documents, max_bytes, first_id=first_id, **self._options)
        if found is None:
            return None
        documents, ends, start, stop, own_ids, rejects = found
        told = [reject[:3] for reject in rejects or ()]
        rejected = [reject[3] for reject in rejects or () if len(reject) > 3]
        return Rows(documents, ends, start, stop, own_ids, told, rejected)

    def close(self) -> None:
        """Give the data back to the source; may be called again."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Rows]:
        while (rows := self.read()) is not None:
            yield rows


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, not {value!r}")


def _open(source: Any) -> Any:
    if hasattr(source, "__arrow_c_stream__"):
        return arrow_reader(source.__arrow_c_stream__())
    if hasattr(source, "__arrow_c_array__"):
        return arrow_reader(*source.__arrow_c_array__())
    raise TypeError(
        f"{type(source)} has neither __arrow_c_stream__ nor __arrow_c_array__: it is no Arrow data"
    )


def _id_column(columns: list[str], id_field: str | None) -> int:
    """The column that becomes _id; -1 for none."""
    wanted = "_id" if id_field is None else id_field
    if wanted not in columns:
        if id_field is None:
            return -1
        raise ArrowError(f"there is no column {id_field!r}; there are {', '.join(columns)}")
    if wanted != "_id" and "_id" in columns:
        raise ArrowError(f"{wanted!r} cannot become _id: there is a column _id")
    return columns.index(wanted)


def to_bson(source: Any, **options: Any) -> Iterator[Rows]:
    """Yield the rows of Arrow data as BSON documents: see `DocumentReader` for the options."""
    with DocumentReader(source, **options) as reader:
        yield from reader
