"""Text in other encodings than UTF-8, which everything behind this module reads."""

from __future__ import annotations

import codecs
import io
from typing import Any

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.unpack import HeldStream

__all__ = ["check_encoding", "in_utf8", "marked_encoding"]

# The longer marks first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOK = 64  # bytes


def check_encoding(name: str) -> str:
    """Return Python's name for an encoding.

    :raises IngestError: where there is none of that name, or it is none of text.
    """
    try:
        found = codecs.lookup(name)
        if not getattr(found, "_is_text_encoding", True):
            raise LookupError
    except (LookupError, ValueError):  # a name with NUL
        raise IngestError(f"there is no encoding {name!r}")
    return found.name


def marked_encoding(start: bytes) -> str:
    """Return the encoding that a file's first bytes say; "utf-8" where they say nothing.

    :raises IngestError: for text that can only be UTF-16 without a mark.
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    start = start[:_LOOK] if len(start) > _LOOK else start[: len(start) & ~1]
    if len(start) >= 4:
        for name, low, high in (
            ("utf-16-le", start[::2], start[1::2]),
            ("utf-16-be", start[1::2], start[::2]),
        ):
            if not high.strip(b"\0") and low.isascii() and b"\0" not in low:
                raise IngestError(f"it looks like UTF-16 without a mark: give --encoding {name}")
    return "utf-8"


def in_utf8(stream: io.BufferedReader, encoding: str) -> io.BufferedReader:
    """Return the stream of the same text in UTF-8."""
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return stream  # what is not ASCII shows itself where it stands
    return HeldStream(_Transcoder(stream, encoding))


class _Transcoder:
    """Pulls UTF-8. What cannot be decoded is an error behind everything before it."""

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._decoder: Any = codecs.getincrementaldecoder(encoding)()
        self._position = 0  # in the stream
        self._failure = ""

    def __call__(self, size: int) -> bytes:
        if self._failure:
            raise IngestError(self._failure)
        while True:
            data = self._stream.read1(size)
            text = self._decode(data)
            self._position += len(data)
            if text or not data:
                if not text and self._failure:
                    raise IngestError(self._failure)
                return text.encode("utf-8")

    def _decode(self, data: bytes) -> str:
        state = self._decoder.getstate()
        try:
            return str(self._decoder.decode(data, not data))
        except UnicodeError as error:
            at = getattr(error, "start", 0) - len(state[0])
            self._failure = f"not {self._encoding} at byte {self._position + at}: " + (
                getattr(error, "reason", None) or str(error)
            )
            if at <= 0:
                return ""
            self._decoder.setstate(state)
            return str(self._decoder.decode(data[:at]))
