"""Many documents at once: JSON text to BSON and back, without a Python object for each value.

:func:`read_lines` reads a document from each line (NDJSON, JSON Lines), :func:`read_values` the
documents of one array or of a sequence; both give BSON as the server takes it. :func:`write_lines`
writes BSON as lines::

    >>> from bsonx import ndjson
    >>> batch = ndjson.read_lines(b'{"n": 1}\\n{"n": {"$numberLong": "2"}}\\n')
    >>> len(batch), batch.document(0)
    (2, b'\\x0c\\x00\\x00\\x00\\x10n\\x00\\x01\\x00\\x00\\x00\\x00')
    >>> ndjson.write_lines(batch.data)
    b'{"n": 1}\\n{"n": 2}\\n'

Text is read by the rules of :func:`bsonx.json_util.loads_strict`. A bad record is no error of the
whole: it is among the batch's rejects, with its place and what is wrong with it. (Not in PyMongo.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bsonx import _impl
from bsonx._py.codec import as_bytes
from bsonx._py.json import from_bson as _from_bson
from bsonx._py.json import lines as _lines
from bsonx._py.json.lines import AFTER_ITEM, ARRAY, BAD_END, BAD_START, END, SEQUENCE, START
from bsonx._py.json.to_bson import record_to_bson
from bsonx.errors import InvalidBSON
from bsonx.json_util import DEFAULT_JSON_OPTIONS, JSONOptions

if TYPE_CHECKING:
    from bsonx.typings import ReadableBuffer

__all__ = [
    "AFTER_ITEM",
    "ARRAY",
    "BAD_END",
    "BAD_START",
    "END",
    "SEQUENCE",
    "START",
    "Batch",
    "Reject",
    "read_lines",
    "read_record",
    "read_values",
    "write_lines",
]

_MAX_BYTES = 48_000_000  # of BSON: what the server takes in one message
_FIRST_PART = 1 << 20  # bytes of text

_read_lines = _impl.json_read_lines or _lines.read_lines
_read_values = _impl.json_read_values or _lines.read_values


class Reject(NamedTuple):
    """A record that is no document."""

    line: int
    """The number of the line that it begins in, from 1."""
    start: int
    """Where its text begins in the buffer that was read."""
    end: int
    """Where its text ends there."""
    error: Exception
    """What is wrong with it; its ``path``, if it has one, names the field at fault."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The documents that were read, and where reading goes on."""

    data: bytes
    """BSON documents one behind the other."""
    ends: memoryview
    """Where each of them ends in `data`: uint32."""
    lines: memoryview
    """The number of the line in which each of them began: int64, from 1."""
    rejects: Sequence[Reject]
    """The records that are no documents, in their order."""
    made_ids: int
    """How many documents were given an ``_id``."""
    consumed: int
    """The position in the buffer up to which it was read: the `start` of the next call, unless the
    buffer was moved."""
    line: int
    """The number of the line at that position: the `line` of the next call."""
    state: int = START
    """For read_values, the `state` of the next call: START, SEQUENCE (of documents), ARRAY (before
    an item), AFTER_ITEM, END (of the array), BAD_START (neither of the two begins here), BAD_END
    (there is text behind the array)."""

    def __len__(self) -> int:
        """The number of documents."""
        return len(self.ends)

    def document(self, index: int) -> bytes:
        """The BSON of one document, by its place in the batch."""
        start = self.ends[index - 1] if index else 0
        return self.data[start : self.ends[index]]


def read_record(text: bytes) -> bytes:
    """Return the BSON of the document in `text`, UTF-8.

    The errors are those that a reject of this text would have.
    """
    return record_to_bson(text, _impl.encode_document)


def _convert(id_field: str | None) -> Any:
    return partial(record_to_bson, encode=_impl.encode_document, id_field=id_field)


def _read(
    function: Callable[..., tuple[Any, ...]],
    data: ReadableBuffer,
    start: int,
    place: tuple[int, ...],
    final: bool,
    rest: tuple[Any, ...],
    id_field: str | None,
) -> Batch:
    """Call a reader, which takes bytes: of other buffers it gets a copy of a part."""
    if place[0] < 1:
        raise ValueError(f"lines are counted from 1, there is no line {place[0]}")
    convert = _convert(id_field)
    with memoryview(data) as whole, whole.cast("B") as view:
        if not 0 <= start <= len(view):
            raise ValueError(f"the position {start} is outside the buffer of {len(view)} bytes")
        if type(data) is bytes:
            return _batch(function(data, start, *place, final, *rest, id_field, convert), 0)
        size = _FIRST_PART
        while True:
            part = bytes(view[start : start + size])
            at_end = start + size >= len(view)
            found = function(part, 0, *place, final and at_end, *rest, id_field, convert)
            if at_end or found[1] or found[3]:  # a document, or a bad record
                return _batch(found, start)
            size *= 4


def _batch(found: tuple[Any, ...], origin: int) -> Batch:
    data, ends, lines, rejects, made_ids, consumed, line, *state = found
    return Batch(
        data,
        memoryview(ends).cast("I"),
        memoryview(lines).cast("q"),
        [Reject(line, start + origin, end + origin, exc) for line, start, end, exc in rejects],
        made_ids,
        consumed + origin,
        line,
        *state,
    )


def read_lines(
    data: ReadableBuffer,
    start: int = 0,
    *,
    line: int = 1,
    final: bool = True,
    first_id: bytes | None = None,
    id_field: str | None = None,
    max_documents: int = 100_000,
    max_bytes: int = _MAX_BYTES,
) -> Batch:
    """Read a document from each line of a buffer.

    :param data: UTF-8 text, a byte order mark in front of line 1 allowed. Lines end with LF or CR
        LF; those that hold nothing but blanks are passed over. Of what is not bytes a part is
        copied, which may end the batch early.
    :param start: where to begin, in bytes: at the beginning of a line.
    :param line: the number of that line.
    :param final: False where more text may follow: the text behind the last LF is then left for the
        next call, which is to be given a buffer with all of that line.
    :param first_id: give an ``_id`` to documents that bring none: to the first document of the
        batch this ObjectId (12 bytes), to the next its successor, and so on (documents that bring
        their own count as well).
    :param id_field: a field that becomes ``_id``.
    :param max_documents: how many documents end the batch.
    :param max_bytes: how many bytes of BSON end the batch; the last document may go beyond.

    Raises TypeError for what has no buffer, and ValueError for a position outside of it.
    """
    rest = (first_id, max_documents, max_bytes)
    return _read(_read_lines, data, start, (line,), final, rest, id_field)


def read_values(
    data: ReadableBuffer,
    start: int = 0,
    *,
    line: int = 1,
    state: int = START,
    final: bool = True,
    first_id: bytes | None = None,
    id_field: str | None = None,
    max_documents: int = 100_000,
    max_bytes: int = _MAX_BYTES,
) -> Batch:
    """Read the documents of a JSON array, or documents one behind the other, however broken into
    lines.

    :param data: UTF-8 text, a byte order mark in front of it allowed.
    :param start: where to begin, in bytes: 0, or where another call has come to.
    :param line: the number of the line there.
    :param state: the state that the call before has given.
    :param final: False where more text may follow: a value that the buffer cuts off is then left
        for the next call, which is to be given a buffer with all of it. Otherwise it is a bad
        record. (An array that is not closed is told by the state, which is then not END.)
    :param first_id: as for :func:`read_lines`, like the arguments that follow it there.

    What is no comma between the items of an array is taken for the next item. Raises as
    :func:`read_lines` does.
    """
    rest = (first_id, max_documents, max_bytes)
    return _read(_read_values, data, start, (line, state), final, rest, id_field)


def write_lines(
    data: ReadableBuffer,
    json_options: JSONOptions = DEFAULT_JSON_OPTIONS,
    *,
    ensure_ascii: bool = True,
) -> bytes:
    """Return BSON documents as lines of extended JSON, in UTF-8, each with an LF at its end.

    :param data: documents one behind the other.
    :param json_options: as for :func:`bsonx.json_util.from_bson`.
    :param ensure_ascii: write what is not ASCII as escapes.

    Raises as :func:`bsonx.json_util.from_bson` does.
    """
    if type(data) is not bytes:
        data = as_bytes(data)
    if _impl.json_write_lines is None:
        return _slow_lines(data, 0, len(data), json_options, ensure_ascii)
    parts: list[bytes] = []
    start = 0
    while start < len(data):
        found = _impl.json_write_lines(data, start, json_options, ensure_ascii)
        lines, start = found or (b"", start)
        parts.append(lines)
        if start < len(data):  # a document, or the options, for the pure functions
            size = int.from_bytes(data[start : start + 4], "little")
            end = start + size if found and size > 4 else len(data)
            parts.append(_slow_lines(data, start, end, json_options, ensure_ascii))
            start = end
    return b"".join(parts)


def _slow_lines(
    data: bytes, start: int, end: int, json_options: JSONOptions, ensure_ascii: bool
) -> bytes:
    decode = _impl.decode_all_documents
    try:
        return _from_bson.bson_to_lines(data[start:end], json_options, ensure_ascii, decode)
    except InvalidBSON as exc:
        if exc.offset is not None:
            exc.offset += start
        raise
