"""What the readers of all formats have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

BOM = b"\xef\xbb\xbf"
# A document has at most 16 MiB; its text is larger, but a longer record is no record at all.
MAX_RECORD = 64 << 20  # bytes

Record = tuple[int, int, dict[str, Any]]
"""Line number (from 1), size of the text in bytes, document."""

Reject = Callable[[int, bytes, str], None]
"""Called with the line number, the raw text and the reason of a record that is no document."""


class Reader(Protocol):
    """Reads one file: iterating yields its records, bad ones go to the `reject` it was given.

    Raises IngestError when the file cannot be read any further. Memory use does not depend on
    the size of the file.
    """

    def __iter__(self) -> Iterator[Record]:
        """Return an iterator of the records."""


ReaderFactory = Callable[[BinaryIO, Reject], Reader]
