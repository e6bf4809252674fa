"""Numbers of GridFS that both flavours know."""

from __future__ import annotations

from mongodriver.values.errors import InvalidOperation
from mongodriver.values.limits import MAX_MESSAGE_SIZE

__all__ = [
    "ASCENDING",
    "DEFAULT_CHUNK_SIZE",
    "EMPTY",
    "MAX_MESSAGE_SIZE",
    "NEWLN",
    "InvalidOperation",
]

ASCENDING = 1

#: Bytes of a chunk, where nothing else is asked for: with its other fields it fits in 256 KiB.
DEFAULT_CHUNK_SIZE = 255 * 1024
EMPTY = b""
NEWLN = b"\n"
