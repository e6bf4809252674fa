"""Typed CSV text to BSON documents, a buffer at a time, without a Python object for each value.

Not part of PyMongo's ``bson``; the driver's ingestion is built on it::

    plan = Plan((Column("n", "int"), Column("when", "date")), Dialect(delimiter=ord(";")))
    rows = Converter(plan).read(b"1;2024-05-01\\n2;2024-05-02\\n")
    bsonx.decode_all(rows.data)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bsonx._impl import csv_compile, csv_read, encode_document
from bsonx._py.csv.plan import KINDS, SKIP, Column, Plan, RowValues, converter_of
from bsonx._py.csv.read import csv_problem, is_blank, row_texts
from bsonx._py.csv.read import csv_read as _csv_read
from bsonx._py.csv.rows import Dialect, RowError, next_row
from bsonx._py.csv.values import (
    BLANKS,
    CONVERTERS,
    INT64,
    NUMBER,
    NUMBER_WORDS,
    PLAIN_TRUTH,
    guessed_date,
    is_lost,
    shown,
    to_utc,
    with_point,
)
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

__all__ = [
    "BLANKS",
    "CONVERTERS",
    "INT64",
    "NUMBER",
    "NUMBER_WORDS",
    "PLAIN_TRUTH",
    "SKIP",
    "Column",
    "Converter",
    "Dialect",
    "Plan",
    "RowError",
    "RowValues",
    "Rows",
    "guessed_date",
    "is_blank",
    "is_lost",
    "next_row",
    "row_texts",
    "shown",
    "to_utc",
    "with_point",
]

_MOST = 1 << 30


@dataclass(frozen=True, slots=True)
class Rows:
    """What a buffer gave.

    :param data: the documents, one behind the other.
    :param ends: where each ends in `data`: native uint32.
    :param lines: the line of each: native int64.
    :param rejects: the bad rows: line, text, and why.
    :param end: where reading goes on in the buffer.
    :param line: the number of the line there.
    :param own_ids: how many documents brought their own `_id`.
    """

    data: bytes
    ends: bytes
    lines: bytes
    rejects: list[tuple[int, bytes, str]]
    end: int
    line: int
    own_ids: int


class Converter:
    """Makes documents of rows, as a plan says.

    :raises ValueError: for an unknown type, or a name that no field can have.
    """

    def __init__(self, plan: Plan) -> None:
        for column in plan.columns:
            if column.convert is None and column.kind not in KINDS:
                raise ValueError(f"unknown type {column.kind!r} of column {column.name!r}")
            if "\0" in column.name:
                raise ValueError(f"{column.name!r} cannot be the name of a field")
        self.plan = plan
        self._values = RowValues(plan)
        self._compiled = self._compile() if csv_compile is not None and plan.is_plain else None

    def _compile(self) -> Any:
        """The plan in the form of C."""
        assert csv_compile is not None
        plan = self.plan
        columns = tuple(
            (
                column.name.encode(),
                KINDS.index(column.kind),
                tuple(null.encode() for null in column.nulls),
            )
            for column in plan.columns
        )
        converters = [converter_of(column, plan.dialect) for column in plan.columns]

        def slow(index: int, text: bytes) -> bytes:
            """The type and the value of what C leaves to Python."""
            document = _encode({"": converters[index](text.decode())})
            return document[4:5] + document[6:-1]

        dialect = plan.dialect
        return csv_compile(
            columns,
            dialect.delimiter,
            dialect.newline,
            dialect.longest,
            dialect.point,
            plan.omit_nulls,
            plan.id_column,
            plan.id_needed,
            slow,
        )

    def read(
        self,
        data: bytes,
        start: int = 0,
        line: int = 1,
        *,
        at_end: bool = True,
        first_id: bytes | None = None,
        most: int = _MOST,
        most_bytes: int = _MOST,
    ) -> Rows:
        """Read rows from `start` on, until there are `most` documents, or `most_bytes` of them.

        :param line: the number of the line at `start`.
        :param at_end: whether nothing follows behind `data`; else an unfinished row is left.
        :param first_id: 12 bytes, the `_id` of the first document; those behind it are counted from
            there, past documents that bring their own. None: no ids are made.
        """
        if first_id is not None and len(first_id) != 12:
            raise ValueError("an id has 12 bytes")
        if self._compiled is not None:
            assert csv_read is not None
            found = csv_read(self._compiled, data, start, line, at_end, first_id, most, most_bytes)
        else:
            found = _csv_read(
                self.plan,
                self._values,
                _encode,
                data,
                start,
                line,
                at_end,
                first_id,
                most,
                most_bytes,
            )
        documents, ends, lines, bad, end, line, own = found
        rejects = [
            (row, data[start:stop], csv_problem(self.plan, self._values, data, start, row, at_end))
            for row, start, stop in bad
        ]
        return Rows(documents, ends, lines, rejects, end, line, own)


def _encode(document: dict[str, object]) -> bytes:
    return encode_document(document, False, DEFAULT_CODEC_OPTIONS)
