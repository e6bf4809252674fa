"""Ask a local mongod a question: one command over a connection of its own.

This does not go through the driver, so a server for the driver's tests works even while the
driver does not, and no pool or monitor thread stays behind.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx import op_msg
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.local.errors import LocalServerError

if TYPE_CHECKING:
    import ssl

_HEADER = 16
_MAX_REPLY = 48_000_000


class Control:
    """Puts questions to servers which were started with `arguments`."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._tls = _tls_context(arguments)

    def command(
        self, host: str, port: int, body: Mapping[str, Any], timeout: float
    ) -> dict[str, Any]:
        """Run `body` on the admin database and return the reply.

        Raises OSError when the server cannot be reached, LocalServerError when it answers an
        error.
        """
        request = op_msg.encode_message(1, 0, {**body, "$db": "admin"}, DEFAULT_CODEC_OPTIONS)
        with self._connect(host, port, timeout) as connection:
            connection.sendall(request)
            message = _receive_message(connection)
        reply = dict(op_msg.decode_message(message, DEFAULT_CODEC_OPTIONS)[1])
        if not reply.get("ok"):
            problem = f"{reply.get('errmsg')} (code {reply.get('code')})"
            raise LocalServerError(f"{next(iter(body))} on {host}:{port}: {problem}")
        return reply

    def hello(self, host: str, port: int, timeout: float) -> dict[str, Any]:
        """Return the member's view of the replica set, {} while it cannot be reached."""
        try:
            return self.command(host, port, {"hello": 1}, timeout)
        except (OSError, LocalServerError):
            return {}

    def _connect(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection)
        except BaseException:
            connection.close()
            raise


def _tls_context(arguments: Sequence[str]) -> ssl.SSLContext | None:
    """Return how to connect where the arguments demand TLS, None where they do not.

    The server is ours, at an address of this machine, so its certificate is not questioned;
    where it asks for one of its clients, its own will do.
    """
    if _option(arguments, "--tlsMode") != "requireTLS":
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate := _option(arguments, "--tlsCertificateKeyFile"):
        context.load_cert_chain(certificate)
    return context


def _option(arguments: Sequence[str], name: str) -> str | None:
    """Return the value of `--name value` or `--name=value`."""
    for index, argument in enumerate(arguments):
        if argument == name:
            return arguments[index + 1] if index + 1 < len(arguments) else None
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


def _receive_message(connection: socket.socket) -> bytes:
    header = _receive(connection, _HEADER)
    length = op_msg.message_header(header)[0]
    if not _HEADER < length <= _MAX_REPLY:
        raise LocalServerError("what answers is no MongoDB server")
    return header + _receive(connection, length - _HEADER)


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        parts += part
    return bytes(parts)
