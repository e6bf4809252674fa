"""The floor under every driver: a bare socket, messages encoded beforehand, replies not decoded."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import bson

OP_MSG = 2013


def op_msg(body: Mapping[str, Any], documents: Sequence[bytes] = (), identifier: str = "") -> bytes:
    """One OP_MSG with the command `body` and, where given, a document sequence."""
    payload = b"\x00\x00\x00\x00\x00" + bson.encode(body)
    if documents:
        sequence = identifier.encode() + b"\x00" + b"".join(documents)
        payload += b"\x01" + struct.pack("<i", len(sequence) + 4) + sequence
    return struct.pack("<iiii", len(payload) + 16, 1, 0, OP_MSG) + payload


class RawSocket:
    """Sends whole messages and reads whole replies, and nothing else."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(64 << 20)
        self.view = memoryview(self.buffer)

    def exchange(self, message: bytes) -> memoryview:
        """Send one message and return its reply, valid until the next call."""
        self.socket.sendall(message)
        filled = self.socket.recv_into(self.buffer)
        (length,) = struct.unpack_from("<i", self.buffer)
        while filled < length:
            filled += self.socket.recv_into(self.view[filled:])
        return self.view[:length]

    def command(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Run one command and decode its reply."""
        return bson.decode(bytes(self.exchange(op_msg(body))[21:]))
