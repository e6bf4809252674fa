"""OP_MSG framing: the codec's fused functions, and what a reply must look like."""

from __future__ import annotations

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
]
