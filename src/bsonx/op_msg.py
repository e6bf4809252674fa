"""OP_MSG framing: the MongoDB wire protocol's only message in use.

Not part of PyMongo's ``bson``; the driver's wire layer is built on it.
"""

from bsonx._errors import DocumentTooLarge
from bsonx._impl import decode_message, encode_batch, encode_message, message_header

__all__ = [
    "OP_MSG",
    "DocumentTooLarge",
    "decode_message",
    "encode_batch",
    "encode_message",
    "message_header",
]

OP_MSG = 2013  # the opcode
