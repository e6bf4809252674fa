"""A key management service of the tests' own that speaks as AWS KMS does, and an HTTP proxy."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from typing import Any

from mongodriver.io.http_proxy import _relay
from scripted import ScriptedServer
from socks_server import pump


class _Server:
    """Listens on a free port until it is closed."""

    def __init__(self) -> None:
        self._server = ScriptedServer(self._serve)
        self.address = self._server.address

    def _serve(self, sock: Any) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.close()
            self._server.hang_up()


class KmsServer(_Server):
    """Encrypts a key by doing nothing.

    :param tls: the server's context.
    :param silent: it takes requests, and never answers.
    :param failures: how many connections it first ends without an answer.
    """

    def __init__(self, tls: ssl.SSLContext, silent: bool = False, failures: int = 0) -> None:
        self._tls = tls
        self.silent = silent
        self.failures = failures
        #: The actions that were asked for.
        self.actions: list[str] = []
        self.ended = threading.Event()
        super().__init__()

    def _serve(self, sock: Any) -> None:
        with (
            contextlib.suppress(OSError),
            self._tls.wrap_socket(sock, server_side=True) as secure,
        ):
            head, body = _read_message(secure)
            if self.failures:
                self.failures -= 1
                return
            self.actions.append(head["x-amz-target"].rpartition(".")[2])
            if self.silent:
                self.ended.wait()
                return
            secure.sendall(_answer(self.actions[-1], json.loads(body)))

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        super().__exit__()


def _answer(action: str, asked: dict[str, Any]) -> bytes:
    if action == "Encrypt":
        answer = {"CiphertextBlob": asked["Plaintext"]}
    else:
        answer = {"Plaintext": asked["CiphertextBlob"]}
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class HttpProxy(_Server):
    """Connects by the method CONNECT.

    :param tls: its context, where it speaks TLS itself.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        #: The first line and the headers of each request.
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__()

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.address[1]}"

    def _serve(self, sock: Any) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            headers, _ = _read_message(sock)
            line = headers.pop("")
            self.asked.append((line, headers))
            host, _, port = line.split()[1].rpartition(":")
            with sock, socket.create_connection((host, int(port))) as other:
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if self._tls is not None:
                    _relay(sock, other)  # no two threads may use one TLS socket
                    return
                back = threading.Thread(target=pump, args=(other, sock), daemon=True)
                back.start()
                pump(sock, other)
                back.join()


def _read_message(sock: Any) -> tuple[dict[str, str], bytes]:
    """The headers of an HTTP message, its first line under "", and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {"": first}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get("content-length", 0)):
        body += _some(sock)
    return headers, body


def _some(sock: Any) -> bytes:
    data: bytes = sock.recv(65536)
    if not data:
        raise ConnectionError("the client has hung up")
    return data
