"""Buffers of another length."""

from __future__ import annotations


def resize(buffer: bytearray, size: int) -> None:
    """Give a buffer another length; whoever makes it longer overwrites what is in the new part.

    :raises BufferError: while somebody holds a view of it.
    """
    if size < 0:
        raise ValueError("a buffer's size cannot be negative")
    missing = size - len(buffer)
    if missing > 0:
        buffer += bytes(missing)
    elif missing < 0:
        del buffer[size:]
