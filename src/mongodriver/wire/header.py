"""The message header, and the numbers that pair a reply with its request."""

from __future__ import annotations

import itertools
import os
from struct import Struct

#: Of the first hello only, see `op_query`.
OP_REPLY = 1
OP_QUERY = 2004
OP_COMPRESSED = 2012
OP_MSG = 2013

#: OP_MSG flags.
CHECKSUM_PRESENT = 1
MORE_TO_COME = 1 << 1
EXHAUST_ALLOWED = 1 << 16

#: Where the body of an OP_MSG begins: after header, flags and the kind of its section.
BODY_OFFSET = 21

HEADER = Struct("<iiii")
unpack_header = HEADER.unpack_from

_MAX_ID = 0x7FFFFFFF
_ids = itertools.count()


def start_anew() -> None:
    """Begin the request ids anywhere: this keeps those of two processes apart in a server's log."""
    global _ids
    _ids = itertools.count(int.from_bytes(os.urandom(4), "little") >> 2)


start_anew()


def message_flags(message: bytes) -> int:
    """The flags of an OP_MSG; 0 where it is too short to have any."""
    return int.from_bytes(message[16:20], "little")


def next_request_id() -> int:
    """A fresh request id, a positive int32. From any thread."""
    return next(_ids) & _MAX_ID
