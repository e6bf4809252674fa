"""A server of our own that answers commands as a test says: old, new and broken ones, mongos."""

from __future__ import annotations

import contextlib
import itertools
import ssl
import threading
from collections.abc import Callable
from struct import Struct
from typing import Any

from bsonx import decode, encode
from bsonx.codec_options import CodecOptions
from bsonx.objectid import ObjectId
from bsonx.op_msg import decode_message, encode_message
from scripted import HEADER, ScriptedServer, read_message

OPTIONS = CodecOptions()
OP_QUERY = 2004
REPLY = Struct("<iqii")
MORE_TO_COME = 2
EXHAUST_ALLOWED = 1 << 16

STANDALONE = {"ok": 1, "minWireVersion": 0, "maxWireVersion": 17, "isWritablePrimary": True}
MONGOS = {**STANDALONE, "msg": "isdbgrid", "logicalSessionTimeoutMinutes": 30}


def topology_version(counter: int, process: ObjectId | None = None) -> dict[str, Any]:
    """A server's version of its own state."""
    return {"processId": process or PROCESS, "counter": counter}


PROCESS = ObjectId()

#: Answers of handlers that are no documents.
HANG_UP, SILENCE = "hang up", "silence"


class Request:
    """One command a client sent, and over which of its connections."""

    def __init__(
        self, connection: int, id: int, flags: int, body: dict[str, Any], is_query: bool = False
    ) -> None:
        self.connection = connection
        self.id = id
        self.flags = flags
        self.body = body
        self.name = next(iter(body))
        #: It came as OP_QUERY, and is answered by OP_REPLY.
        self.is_query = is_query

    def __repr__(self) -> str:
        return f"<{self.name} on {self.connection}>"


class FakeMongod:
    """Answers hello with `hello` and other commands by `answer(request)`.

    `hello` is a reply, or a function from the request to one, to bytes sent as they are, to a list
    of replies to stream, or to HANG_UP or SILENCE. Everything received is kept in `requests`.

    :param tls: the server's context, where it speaks TLS.
    """

    def __init__(
        self,
        hello: Any = STANDALONE,
        answer: Callable[[Request], Any] = lambda request: {"ok": 1},
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.hello = hello
        self._tls = tls
        self.answer = answer
        self.requests: list[Request] = []
        self.arrived = threading.Condition()
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self.ended = threading.Event()
        self._server = ScriptedServer(self._serve)
        self.address = self._server.address
        self.uri = f"mongodb://127.0.0.1:{self.address[1]}/"

    def _serve(self, sock: Any) -> None:
        if self._tls is None:
            self._talk(sock)
            return
        with self._tls.wrap_socket(sock, server_side=True) as secure:
            self._talk(secure)

    def _talk(self, sock: Any) -> None:
        number = next(self._numbers)
        while message := read_message(sock):
            _, request_id, _, _ = HEADER.unpack_from(message)
            request = Request(number, request_id, *read_request(message))
            with self.arrived:
                self.requests.append(request)
                self.arrived.notify_all()
            reply = self._reply(request)
            if reply == HANG_UP:
                return
            if reply == SILENCE or request.flags & MORE_TO_COME:
                continue
            if request.is_query and isinstance(reply, dict):
                sock.sendall(respond(reply, request_id, query=True))
                continue
            self._send(sock, reply, request_id)

    def _reply(self, request: Request) -> Any:
        if request.name not in ("hello", "ismaster"):
            return self.answer(request)
        return self.hello(request) if callable(self.hello) else self.hello

    def _send(self, sock: Any, reply: Any, request_id: int) -> None:
        if isinstance(reply, bytes):
            sock.sendall(reply)
            return
        replies = reply if isinstance(reply, list) else [reply]
        for index, document in enumerate(replies):
            if callable(document):
                document = document()
            flags = MORE_TO_COME if index < len(replies) - 1 else 0
            id = next(self._ids)
            sock.sendall(respond(document, request_id, flags, id))
            request_id = id

    def of(self, *names: str) -> list[Request]:
        """The requests of these commands so far."""
        return [r for r in list(self.requests) if r.name in names]

    def wait_for(self, reached: Callable[[], Any], timeout: float = 10) -> None:
        """Wait until a condition holds; it is looked at whenever a request arrives."""
        with self.arrived:
            assert self.arrived.wait_for(reached, timeout), self.requests

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay."""
        self._server.close()

    def hang_up(self) -> None:
        """End every connection; new ones may come."""
        self._server.hang_up()

    @property
    def connections(self) -> int:
        """How many there have been."""
        return self._server.connections

    @property
    def open_connections(self) -> int:
        return len(self._server.open)

    def close(self) -> None:
        self.ended.set()
        self._server.close()

    def __enter__(self) -> FakeMongod:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()


def read_request(message: bytes) -> tuple[int, dict[str, Any], bool]:
    """Flags (of OP_MSG) and body of a request, and whether it is an OP_QUERY."""
    if HEADER.unpack_from(message)[3] != OP_QUERY:
        return *decode_message(message, OPTIONS), False
    end = message.index(0, 20)
    body = decode(message[end + 9 :], OPTIONS)
    return 0, {**body, "$db": message[20:end].decode().removesuffix(".$cmd")}, True


def respond(
    document: Any, request_id: int, flags: int = 0, id: int = 1, query: bool = False
) -> bytes:
    """A reply message; `query` for one to an OP_QUERY."""
    if query:
        content = REPLY.pack(0, 0, 0, 1) + encode(document, codec_options=OPTIONS)
        return HEADER.pack(16 + len(content), id, request_id, 1) + content
    message = bytearray(encode_message(id, flags, document, OPTIONS))
    message[8:12] = request_id.to_bytes(4, "little", signed=True)
    return bytes(message)
