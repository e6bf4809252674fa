"""A server that does what a test tells it, for what real servers do not do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

HEADER = Struct("<iiii")
OP_MSG = 2013


def message(content: bytes, *, response_to: int = 0, request_id: int = 7, opcode: int = OP_MSG):
    """A message with a correct header around any content."""
    return HEADER.pack(16 + len(content), request_id, response_to, opcode) + content


def read_message(sock: socket.socket) -> bytes:
    """The next whole message and no byte more, or b"" when the client has closed the connection."""
    header = _read(sock, 16)
    rest = header and _read(sock, HEADER.unpack(header)[0] - 16)
    return rest and header + rest


def _read(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            return b""
        data += more
    return bytes(data)


class ScriptedServer:
    """Listens on a free port and runs ``script(sock)`` in a thread for every connection."""

    def __init__(self, script: Callable[[socket.socket], Any]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.connections = 0
        #: The sockets of the connections that are open.
        self.open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        self.open.add(sock)
        try:
            with sock, contextlib.suppress(OSError):
                self._script(sock)
        finally:
            self.open.discard(sock)

    def hang_up(self) -> None:
        """End every connection."""
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # A shutdown wakes the accepting thread; closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()


@contextlib.contextmanager
def scripted(script: Callable[[socket.socket], Any]) -> Iterator[ScriptedServer]:
    """A `ScriptedServer` for the length of a with block."""
    server = ScriptedServer(script)
    try:
        yield server
    finally:
        server.close()
