"""A JSON array of documents, or documents one after the other, read as a stream.

The text is cut into values first, then each value is parsed on its own: so a bad value is
rejected alone, and only one value has to fit into memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers.base import BOM, MAX_RECORD, Record, Reject
from mongodriver.ingest.readers.values import BadRecord, parse_object

_CHUNK = 256 << 10  # bytes
_GUESSES = 16
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.S)
_SCALAR_END = re.compile(rb"[,\]\[{}\s]")
_QUOTE, _OPENING, _CLOSING = ord('"'), b"{[", b"}]"


class JSONReader:
    """Reads the objects of one top-level array, or a sequence of top-level objects."""

    def __init__(self, stream: BinaryIO, reject: Reject, *, max_record: int = MAX_RECORD) -> None:
        self._stream = stream
        self._reject = reject
        self._max_record = max_record
        self._buffer = b""
        self._position = 0  # of the next unread byte in the buffer
        self._line = 1  # of that byte
        self._at_end = False

    def __iter__(self) -> Iterator[Record]:
        """Yield the documents; see `Reader`."""
        self._fill()
        while len(self._buffer) < len(BOM) and BOM.startswith(self._buffer) and self._fill():
            pass
        if self._buffer.startswith(BOM):
            self._position = len(BOM)
        first = self._peek()
        if first == b"[":
            return self._array()
        if first in (b"{", b""):
            return self._sequence()
        raise IngestError(f"line {self._line}: neither a JSON array nor a JSON object begins here")

    def _array(self) -> Iterator[Record]:
        yield from self._elements()
        if self._peek():
            raise IngestError(f"line {self._line}: there is text behind the end of the array")

    def _elements(self) -> Iterator[Record]:
        self._advance(1)
        while (start := self._peek()) != b"]":
            if not start:
                raise IngestError(f"line {self._line}: the array is cut off")
            yield from self._value()
            if self._peek() == b",":
                self._advance(1)
            # Any other text instead of a comma is taken, and rejected, as the next value.
        self._advance(1)

    def _sequence(self) -> Iterator[Record]:
        while self._peek():
            yield from self._value()

    def _value(self) -> Iterator[Record]:
        """Yield the next value when it is a document, else reject it."""
        start = self._peek()
        line = self._line
        if start == b"{" and (guessed := self._guess()) is not None:
            size, document = guessed
            self._advance(size)
            yield line, size, document
            return
        text = self._take(self._find_end() if start in b'{["' else self._find_scalar_end())
        try:
            document = parse_object(text)
        except BadRecord as error:
            self._reject(line, text, str(error))
        else:
            yield line, len(text), document

    def _guess(self) -> tuple[int, dict[str, Any]] | None:
        """Find the object's end by counting braces, which is fast, and prove it by parsing.

        Text that parses is the object: no object is the beginning of another one. Braces inside
        strings, bad text and the end of the buffer give None: look properly.
        """
        buffer, start = self._buffer, self._position
        end = start
        for _ in range(_GUESSES):
            end = buffer.find(b"}", end) + 1
            if end == 0:
                return None
            if buffer.count(b"{", start, end) == buffer.count(b"}", start, end):
                try:
                    return end - start, parse_object(buffer[start:end])
                except BadRecord:
                    return None
        return None

    def _find_end(self) -> int:
        """Return the length of the value that begins here: an object, an array or a string."""
        depth = scanned = 0
        while True:
            for match in _STRUCTURE.finditer(self._buffer, self._position + scanned):
                start, end = match.span()
                character = self._buffer[start]
                if character == _QUOTE:
                    if end - start == 1:  # the string goes on behind the buffer
                        scanned = start - self._position
                        break
                elif character in _OPENING:
                    depth += 1
                elif character in _CLOSING:
                    depth -= 1
                scanned = end - self._position
                if depth <= 0:
                    return scanned
            if not self._fill():  # the file ends inside the value: all that is left is bad
                return len(self._buffer) - self._position

    def _find_scalar_end(self) -> int:
        scanned = 1  # whatever begins here, it is passed
        while True:
            if match := _SCALAR_END.search(self._buffer, self._position + scanned):
                return match.start() - self._position
            scanned = max(1, len(self._buffer) - self._position)
            if not self._fill():
                return scanned

    def _peek(self) -> bytes:
        """Pass over white space; return the next byte, b"" at the end of the file."""
        while True:
            match = _SPACE.match(self._buffer, self._position)
            assert match is not None  # it matches nothing, too
            self._advance(match.end() - self._position)
            if self._position < len(self._buffer):
                return self._buffer[self._position : self._position + 1]
            if not self._fill():
                return b""

    def _take(self, size: int) -> bytes:
        text = self._buffer[self._position : self._position + size]
        self._advance(size)
        return text

    def _advance(self, size: int) -> None:
        end = self._position + size
        self._line += self._buffer.count(b"\n", self._position, end)
        self._position = end

    def _fill(self) -> bool:
        """Read more, as much again as is still unread; return False at the end of the file."""
        rest = self._buffer[self._position :]
        if len(rest) > self._max_record:
            raise IngestError(f"line {self._line}: a value is longer than {self._max_record} bytes")
        chunk = b"" if self._at_end else self._stream.read(max(_CHUNK, len(rest)))
        self._at_end = not chunk
        self._buffer = rest + chunk
        self._position = 0
        return not self._at_end
