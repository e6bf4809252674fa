"""A buffer of CSV text to BSON documents, one behind the other."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from bsonx._py.csv.plan import Plan, RowValues
from bsonx._py.csv.rows import RowError, next_row
from bsonx._py.csv.values import BLANKS
from bsonx._py.types.objectid import ObjectId

__all__ = ["csv_problem", "csv_read", "row_texts"]

_BLANKS = BLANKS.encode()
_COUNTED = 1 << 24  # ids of a second


def csv_read(
    plan: Plan,
    values: RowValues,
    encode: Callable[[dict[str, Any]], bytes],
    data: bytes,
    start: int,
    line: int,
    at_end: bool,
    first_id: bytes | None,
    most: int,
    most_bytes: int,
) -> tuple[bytes, bytes, bytes, list[tuple[int, int, int]], int, int, int]:
    """Read rows from `start` on, until there are `most` documents or `most_bytes` bytes of them.

    :param values: what makes the plan's documents.
    :param line: the number of the line at `start`.
    :param at_end: whether nothing follows behind `data`; else an unfinished row is left.
    :param first_id: the id of the first document; the others are counted from there. Documents that
        bring their own are counted as well. None: no ids are made.
    :return: the documents; where each ends, native uint32; the line of each, native int64; the bad
        rows: line, start and end in `data`; where reading goes on, and that line; how many
        documents brought their own id.
    """
    dialect = plan.dialect
    out = bytearray()
    ends, lines = array("I"), array("q")
    rejects = []
    own = 0
    while start < len(data) and len(ends) < most and len(out) < most_bytes:
        try:
            found = next_row(data, start, line, dialect, at_end)
            if found is None:
                break
            end, fields = found
            if not is_blank(fields, plan):
                document = values.document(_decode(data, start, end, fields))
                own += "_id" in document
                out += encode(_with_id(document, first_id, len(ends)))
                ends.append(len(out))
                lines.append(line)
        except RowError as error:
            end = error.end
            rejects.append((line, start, end))
        except ValueError:
            rejects.append((line, start, end))
        line += data.count(dialect.newline, start, end)
        start = end
    return bytes(out), ends.tobytes(), lines.tobytes(), rejects, start, line, own


def csv_problem(
    plan: Plan, values: RowValues, data: bytes, start: int, line: int, at_end: bool
) -> str:
    """Return why the row at `start` is a bad one; the arguments are those of `csv_read`.

    The text behind the row counts as well: it says how an open quote goes on.
    """
    try:
        found = next_row(data, start, line, plan.dialect, at_end)
        assert found is not None  # it was refused, so that all of it is there
        values.document(_decode(data, start, found[0], found[1]))
    except RowError as error:
        return f"not CSV: {error}"
    except ValueError as error:
        return str(error)
    return "the row cannot be converted"  # not reached: it was refused before


def is_blank(fields: list[bytes], plan: Plan) -> bool:
    """Whether a row has nothing in it; blanks alone may be the value of a single column."""
    if len(fields) != 1 or not fields[0]:
        return not fields  # "" is a value
    return len(plan.columns) > 1 and not fields[0].strip(_BLANKS)


def row_texts(data: bytes, start: int, end: int, fields: list[bytes]) -> list[str]:
    """The fields of a row as text; ValueError where it is no UTF-8."""
    try:
        return [field.decode() for field in fields]
    except UnicodeDecodeError:
        try:
            data[start:end].decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8 at byte {error.start}: {error.reason}")
        raise


_decode = row_texts


def _with_id(document: dict[str, Any], first: bytes | None, number: int) -> dict[str, Any]:
    if first is None or "_id" in document:
        return document
    count = int.from_bytes(first[9:], "big") + number
    seconds = (int.from_bytes(first[:4], "big") + count // _COUNTED) & 0xFFFFFFFF
    tail = (count % _COUNTED).to_bytes(3, "big")
    return {"_id": ObjectId(seconds.to_bytes(4, "big") + first[4:9] + tail), **document}
