"""OP_MSG framing: the codec's fused functions, and what a reply must look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

from bsonx.op_msg import (
    DocumentTooLarge,
    decode_message,
    encode_batch,
    encode_message,
)

from .header import CHECKSUM_PRESENT, EXHAUST_ALLOWED, MORE_TO_COME

__all__ = [
    "CHECKSUM_PRESENT",
    "EXHAUST_ALLOWED",
    "MORE_TO_COME",
    "DocumentTooLarge",
    "decode_message",
    "encode_batch",
    "encode_message",
    "with_sequences",
]

_LENGTH = Struct("<i")
_SECTION = Struct("<Bi")


def with_sequences(message: bytes, sequences: Mapping[str, Sequence[bytes | memoryview]]) -> bytes:
    """A message that has only a body, with document sequences (section kind 1) after it."""
    parts: list[bytes | memoryview] = [b"", memoryview(message)[_LENGTH.size :]]
    for name, documents in sequences.items():
        title = name.encode() + b"\0"
        parts.append(_SECTION.pack(1, _LENGTH.size + len(title) + sum(map(len, documents))))
        parts.append(title)
        parts += documents
    parts[0] = _LENGTH.pack(_LENGTH.size + sum(map(len, parts)))
    return b"".join(parts)
