"""Many records of text to BSON, in pure Python: lines, and the values of one stream of JSON.

Both functions read a part of a source: a buffer that ends anywhere, from a position on that is the
beginning of a record (or of what is between records). They stop at a limit or where the next record
may not be complete, and say how far they came.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from typing import Any

Convert = Callable[[bytes], bytes]
"""From the text of a record to BSON, with `_id` first if it has one; raises for bad records."""

BadRecord = tuple[int, int, int, Exception]
"""Line (from 1), start and end in the buffer, what was raised."""

_BOM = b"\xef\xbb\xbf"
_NEWLINE = re.compile(rb"\n")
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.S)
_SCALAR_END = re.compile(rb"[,\]\[{}\s]")
_COMMA, _OPENING, _CLOSING, _BRACE = b",[]{"

# Where a stream of values is.
START, SEQUENCE, ARRAY, AFTER_ITEM, END, BAD_START, BAD_END = range(7)


def numbered_id(first: bytes, number: int) -> bytes:
    """Return the ObjectId `number` places behind `first`: the counter's 3 bytes carry into the
    seconds."""
    count = int.from_bytes(first[9:], "big") + number
    seconds = (int.from_bytes(first[:4], "big") + (count >> 24)) & 0xFFFFFFFF
    return seconds.to_bytes(4, "big") + first[4:9] + (count & 0xFFFFFF).to_bytes(3, "big")


class Records:
    """What becomes of records: documents one behind the other, or rejects."""

    def __init__(
        self, convert: Convert, first_id: bytes | None, max_documents: int, max_bytes: int
    ) -> None:
        if first_id is not None and len(first_id) != 12:
            raise ValueError(f"the first id must have 12 bytes, not {len(first_id)}")
        self._convert = convert
        self._first_id = first_id
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._ends = array("I")
        self._lines = array("q")
        self._rejects: list[BadRecord] = []
        self._made = 0

    @property
    def is_full(self) -> bool:
        """Whether a limit has been reached."""
        return len(self._ends) >= self._max_documents or self._size >= self._max_bytes

    def add(self, view: memoryview, start: int, end: int, line: int) -> None:
        """Convert a record."""
        try:
            document = self._convert(bytes(view[start:end]))
        except Exception as exc:
            self._rejects.append((line, start, end, exc))
            return
        if self._first_id is not None and document[5:9] != b"_id\0":
            own = numbered_id(self._first_id, len(self._ends))
            size = (len(document) + 17).to_bytes(4, "little")
            document = size + b"\x07_id\0" + own + document[4:]
            self._made += 1
        self._parts.append(document)
        self._size += len(document)
        self._ends.append(self._size)
        self._lines.append(line)

    def result(self) -> tuple[bytes, bytes, bytes, list[BadRecord], int]:
        """Return documents, ends (native uint32), lines (native int64), rejects, ids made."""
        ends, lines = self._ends.tobytes(), self._lines.tobytes()
        return b"".join(self._parts), ends, lines, self._rejects, self._made


def read_lines(
    data: Any,
    start: int,
    line: int,
    final: bool,
    first_id: bytes | None,
    max_documents: int,
    max_bytes: int,
    id_field: str | None,
    convert: Convert,
) -> tuple[bytes, bytes, bytes, list[BadRecord], int, int, int]:
    """Read a document from each line from `start` on; lines of blanks are passed over.

    Returns what `Records.result` gives, where the next line starts, and its number. `id_field` is
    `convert`'s business here.
    """
    with memoryview(data) as source, source.cast("B") as view:
        records = Records(convert, first_id, max_documents, max_bytes)
        while start < len(view) and not records.is_full:
            newline = _NEWLINE.search(view, start)
            if newline is None and not final:
                break
            end = len(view) if newline is None else newline.start()
            begin = start
            if line == 1 and view[start : start + 3] == _BOM:
                begin += 3
            if bytes(view[begin:end]).strip():
                records.add(view, begin, end, line)
            start = end if newline is None else end + 1
            line += 1
        return (*records.result(), start, line)


class _Stream:
    """The rest of a buffer with one array of documents, or documents one behind the other."""

    def __init__(self, view: memoryview, at: int, line: int, state: int, final: bool) -> None:
        self.view = view
        self.at = at
        self.line = line
        self.state = state
        self._final = final

    def seek(self) -> bool:
        """Go to the beginning of the next value; False where there is none in this buffer."""
        while (byte := self._peek()) >= 0:
            if self.state in (SEQUENCE, ARRAY):
                if byte != _CLOSING or self.state == SEQUENCE:
                    return True
                self._pass(END)
            elif self.state == AFTER_ITEM:
                # Any other text instead of a comma is taken, and rejected, as the next value.
                if byte not in (_COMMA, _CLOSING):
                    return True
                self._pass(ARRAY if byte == _COMMA else END)
            elif self.state == START and byte == _OPENING:
                self._pass(ARRAY)
            elif self.state == START and byte == _BRACE:
                self.state = SEQUENCE
            else:
                self.state = BAD_START if self.state in (START, BAD_START) else BAD_END
                break
        return False

    def value_end(self) -> int | None:
        """Where the value ends that begins here; None if that lies behind the buffer."""
        opening = self.view[self.at] in b'{["'
        end = self._container_end() if opening else self._scalar_end()
        return len(self.view) if end is None and self._final else end

    def pass_value(self, end: int) -> None:
        """Go behind a value."""
        self._advance(end)
        if self.state == ARRAY:
            self.state = AFTER_ITEM

    def _pass(self, state: int) -> None:
        self._advance(self.at + 1)
        self.state = state

    def _advance(self, end: int) -> None:
        self.line += bytes(self.view[self.at : end]).count(b"\n")
        self.at = end

    def _peek(self) -> int:
        """Pass over blanks: the next byte, -1 at the end of the buffer."""
        found = _SPACE.match(self.view, self.at)
        assert found is not None  # it matches nothing, too
        self._advance(found.end())
        return self.view[self.at] if self.at < len(self.view) else -1

    def _container_end(self) -> int | None:
        depth = 0
        for found in _STRUCTURE.finditer(self.view, self.at):
            text = found.group()
            if text == b'"':  # a string without an end
                return None
            if text in (b"{", b"["):
                depth += 1
            elif text in (b"}", b"]"):
                depth -= 1
            if depth <= 0:
                return found.end()
        return None

    def _scalar_end(self) -> int | None:
        # Whatever begins here, it is passed.
        found = _SCALAR_END.search(self.view, self.at + 1)
        return None if found is None else found.start()


def read_values(
    data: Any,
    start: int,
    line: int,
    state: int,
    final: bool,
    first_id: bytes | None,
    max_documents: int,
    max_bytes: int,
    id_field: str | None,
    convert: Convert,
) -> tuple[bytes, bytes, bytes, list[BadRecord], int, int, int, int]:
    """Read the documents of an array, or documents one behind the other, from `start` on.

    Returns what `Records.result` gives, the position reached, the number of its line and the state
    there (START at first).
    """
    with memoryview(data) as source, source.cast("B") as view:
        records = Records(convert, first_id, max_documents, max_bytes)
        if state == START:
            begin = bytes(view[start : start + 3])
            if begin == _BOM:
                start += 3
            elif begin and not final and _BOM.startswith(begin):  # the mark may be cut off
                return (*records.result(), start, line, state)
        stream = _Stream(view, start, line, state, final)
        while not records.is_full and stream.seek():
            end = stream.value_end()
            if end is None:
                break
            records.add(view, stream.at, end, stream.line)
            stream.pass_value(end)
        return (*records.result(), stream.at, stream.line, stream.state)
