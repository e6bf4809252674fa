"""Ask a local mongod a question: one command over a connection of its own.

This does not go through the driver, so a server for the driver's tests works even while the
driver does not, and no pool or monitor thread stays behind.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from bsonx import op_msg
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.local.errors import LocalServerError

_HEADER = 16
_MAX_REPLY = 48_000_000


def command(host: str, port: int, body: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Run `body` on the admin database and return the reply.

    Raises OSError when the server cannot be reached, LocalServerError when it answers an error.
    """
    request = op_msg.encode_message(1, 0, {**body, "$db": "admin"}, DEFAULT_CODEC_OPTIONS)
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(request)
        header = _receive(connection, _HEADER)
        length = op_msg.message_header(header)[0]
        if not _HEADER < length <= _MAX_REPLY:
            raise LocalServerError(f"{host}:{port} answers something else than a MongoDB reply")
        message = header + _receive(connection, length - _HEADER)
    reply = dict(op_msg.decode_message(message, DEFAULT_CODEC_OPTIONS)[1])
    if not reply.get("ok"):
        problem = f"{reply.get('errmsg')} (code {reply.get('code')})"
        raise LocalServerError(f"{next(iter(body))} on {host}:{port}: {problem}")
    return reply


def hello(host: str, port: int, timeout: float) -> dict[str, Any]:
    """Return the member's view of the replica set, {} while it cannot be reached."""
    try:
        return command(host, port, {"hello": 1}, timeout)
    except (OSError, LocalServerError):
        return {}


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        parts += part
    return bytes(parts)
