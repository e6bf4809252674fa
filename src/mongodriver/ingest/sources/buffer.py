"""What has been read of an open file, and not been used."""

from __future__ import annotations

import io
import os
import select
import sys
import time
from typing import BinaryIO, cast

from mongodriver.ingest.errors import IngestError

__all__ = ["Buffer"]

_LEAST = 256 << 10  # bytes to read at a time


class Buffer:
    """The unpacked bytes of a stream: ``data[at:]`` has been read and not been used.

    :param waits: bytes may be long in coming, as those of a pipe are: what is there is taken.
    """

    def __init__(self, stream: BinaryIO, waits: bool = False) -> None:
        self.data = b""
        self.at = 0  # in the data
        self.offset = 0  # of the data, in the stream
        self.exhausted = False
        #: What keeps us from reading further, where that is not the end.
        self.failure: Exception | None = None
        self._stream = cast(io.BufferedReader, stream)
        self._waits = waits
        #: The bytes are those of a file as they are on disk.
        self._plain = isinstance(getattr(stream, "raw", None), io.FileIO)

    @property
    def unread(self) -> int:
        """How many bytes there are that have not been used."""
        return len(self.data) - self.at

    @property
    def place(self) -> int:
        """Where in the stream the first of them is."""
        return self.offset + self.at

    def read(self, wanted: int, deadline: float | None = None, more: bool = False) -> bool:
        """Read until `wanted` bytes are there, or the deadline is over and something is. What has
        been used is let go, so that ``at`` may move.

        :param more: in any case some that are not there yet.
        :returns: whether something was read.
        """
        parts: list[bytes] = []
        size = self.unread
        while not self.exhausted and (size < wanted or more):
            if size and not more and not self._comes(deadline):
                break
            part = self._read(max(wanted - size, _LEAST))
            if part:
                parts.append(part)
            size += len(part)
            more = False
        if parts:
            self.offset += self.at
            self.data = b"".join([self.data[self.at :], *parts])
            self.at = 0
        return bool(parts)

    def _read(self, size: int) -> bytes:
        try:
            part = self._stream.read1(size) if self._waits else self._stream.read(size)
        except (OSError, IngestError) as error:
            self.failure = error
            part = b""
        self.exhausted = not part
        return part

    def _comes(self, deadline: float | None) -> bool:
        """Whether to go on reading what may be waited for: there is no deadline, or something
        comes before it."""
        if not self._waits or deadline is None:
            return True
        left = max(deadline - time.monotonic(), 0.0)
        if sys.platform == "win32" or not self._plain:
            return left > 0
        return bool(select.select([self._stream], [], [], left)[0])

    def go_to(self, offset: int) -> None:
        """Go on at an offset in the stream, where it was once.

        :raises IngestError, OSError: where the file has become shorter, or cannot be read so far.
        """
        if self._can_seek(offset):
            self._stream.seek(offset)
            self.data, self.at, self.offset, self.exhausted = b"", 0, offset, False
        while self.offset + len(self.data) < offset:
            self.at = len(self.data)
            if not self.read(0, more=True):
                raise self.failure or IngestError(
                    f"the file ends before byte {offset}, to which it was read once"
                )
        self.at = offset - self.offset

    def _can_seek(self, offset: int) -> bool:
        if not self._plain or self._waits or offset <= self.offset + len(self.data):
            return False
        return os.fstat(self._stream.fileno()).st_size >= offset
