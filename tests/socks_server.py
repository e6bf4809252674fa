"""A SOCKS5 proxy of the tests' own, which connects with real servers."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from scripted import ScriptedServer

IPV4, NAME, IPV6 = 1, 3, 4
_SIZES = {IPV4: 4, IPV6: 16}


class SocksServer:
    """Listens on a free port.

    :param login: the name and password that it asks for; None: of nobody.
    :param names: the addresses of names that nobody else knows.
    :param status: what it answers instead of connecting.
    :param bound: the type of the address that it says it has bound.
    """

    def __init__(
        self,
        login: tuple[str, str] | None = None,
        names: dict[str, tuple[str, int]] | None = None,
        status: int = 0,
        bound: int = IPV4,
    ) -> None:
        self.login = login
        self.names = names or {}
        self.status = status
        self.bound = bound
        #: What was asked for: the type of the address, the host, the port.
        self.asked: list[tuple[int, str, int]] = []
        #: The ways to log in that clients have offered.
        self.offered: list[bytes] = []
        self._server = ScriptedServer(self._serve)
        self.address = self._server.address

    def close(self) -> None:
        self._server.close()
        self._server.hang_up()

    def __enter__(self) -> SocksServer:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()

    def _serve(self, client: socket.socket) -> None:
        _, count = _read(client, 2)
        offered = _read(client, count)
        self.offered.append(offered)
        wanted = 0 if self.login is None else 2
        if wanted not in offered:
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes((5, wanted)))
        if self.login is not None and not self._log_in(client, self.login):
            return
        kind, host, port = self._target(client)
        self.asked.append((kind, host, port))
        address = self.names.get(host, (host, port))
        if self.status:
            client.sendall(bytes((5, self.status, 0, IPV4)) + bytes(6))
            return
        with socket.create_connection(address) as server:
            bound = bytes(_SIZES.get(self.bound, 0)) if self.bound != NAME else b"\x04here"
            client.sendall(bytes((5, 0, 0, self.bound)) + bound + b"\0\0")
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    def _log_in(self, client: socket.socket, login: tuple[str, str]) -> bool:
        _, size = _read(client, 2)
        username = _read(client, size).decode()
        (size,) = _read(client, 1)
        password = _read(client, size).decode()
        client.sendall(bytes((1, (username, password) != login)))
        return (username, password) == login

    def _target(self, client: socket.socket) -> tuple[int, str, int]:
        _, _, _, kind = _read(client, 4)
        if kind == NAME:
            (size,) = _read(client, 1)
            host = _read(client, size).decode()
        else:
            family = socket.AF_INET if kind == IPV4 else socket.AF_INET6
            host = socket.inet_ntop(family, _read(client, _SIZES[kind]))
        return kind, host, int.from_bytes(_read(client, 2), "big")


def _read(sock: socket.socket, size: int) -> bytes:
    data = sock.recv(size, socket.MSG_WAITALL) if size else b""
    if len(data) < size:
        raise ConnectionError("the client has gone")
    return data


def pump(source: Any, target: Any) -> None:
    """Pass on what one socket receives to another, until either ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
