"""A mongod that lets clients in by access tokens: a real one, behind a proxy that does only that.

Only MongoDB's own builds of 7.0 and later know MONGODB-OIDC. To the tests that ask for one, the
server behind says that it is one.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

from bsonx import decode
from bsonx.binary import Binary
from fake_mongod import read_request, respond
from oidc_server import DENIED, UNAUTHORIZED, refusal
from scripted import HEADER, ScriptedServer, read_message

_OPEN_TO_ALL = ("hello", "ismaster", "isMaster", "buildInfo", "buildinfo", "ping")


class OidcProxy:
    """Stands before a server at `address`, and lets in whoever has the token."""

    def __init__(self, address: tuple[str, int], token: str) -> None:
        self._behind = address
        self._token = token
        self._refusals: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = ScriptedServer(self._serve)
        self.address = self._server.address

    def close(self) -> None:
        """Accept nobody any more, and end what there is."""
        self._server.close()
        self._server.hang_up()

    def _serve(self, sock: socket.socket) -> None:
        with socket.create_connection(self._behind) as behind:
            session = _Session(self)
            while message := read_message(sock):
                reply = session.answer(message)
                if reply is None:
                    behind.sendall(message)
                    reply = read_message(behind)
                    if not reply:
                        return
                    reply = session.retouch(message, reply)
                sock.sendall(reply)

    def log_in(self, command: Any) -> dict[str, Any]:
        """The reply to a command that carries a token, or should."""
        said = decode(command["payload"])
        if said.get("jwt") != self._token:
            return dict(DENIED)
        return {"conversationId": 1, "done": True, "payload": Binary(b""), "ok": 1}

    def plan(self, body: dict[str, Any]) -> bool:
        """Take a fail point that is about logging in, which the server behind knows nothing of."""
        data = body.get("data", {})
        if body["mode"] == "off":
            with self._lock:
                self._refusals.clear()
        if "saslStart" not in data.get("failCommands", ()):
            return False
        with self._lock:
            self._refusals = [refusal(data["errorCode"])] * body["mode"]["times"]
        return True

    def planned(self) -> dict[str, Any] | None:
        """The refusal of the next login that a fail point asks for."""
        with self._lock:
            return self._refusals.pop() if self._refusals else None


class _Session:
    """One client's connection."""

    def __init__(self, proxy: OidcProxy) -> None:
        self._proxy = proxy
        self._is_in = False
        self._speculative: dict[str, Any] | None = None

    def answer(self, message: bytes) -> bytes | None:
        """The proxy's own reply; None where the server behind is to be asked."""
        _, body, is_query = read_request(message)
        name = next(iter(body))
        reply = self._reply(name, body)
        if reply is None:
            return None
        return respond(reply, HEADER.unpack_from(message)[1], query=is_query)

    def _reply(self, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if name == "saslStart":
            return self._proxy.planned() or self._log_in(body)
        if name in ("hello", "ismaster") and "speculativeAuthenticate" in body:
            begun = self._log_in(body["speculativeAuthenticate"])
            self._speculative = begun if begun.pop("ok") else None
            return None
        if not self._is_in and name not in _OPEN_TO_ALL:
            return dict(UNAUTHORIZED)
        if name == "configureFailPoint" and self._proxy.plan(body):
            return {"ok": 1}
        return None

    def _log_in(self, command: Any) -> dict[str, Any]:
        reply = self._proxy.log_in(command)
        self._is_in = self._is_in or bool(reply["ok"])
        return reply

    def retouch(self, message: bytes, reply: bytes) -> bytes:
        """The server's reply, as one would give it that knows the mechanism."""
        _, body, is_query = read_request(message)
        change = _CHANGES.get(next(iter(body)))
        if self._speculative is None and change is None:
            return reply
        header = HEADER.unpack_from(reply)
        document = decode(reply[36 if is_query else 21 :])
        if change is not None:
            change(document)
        if self._speculative is not None:
            document["speculativeAuthenticate"], self._speculative = self._speculative, None
        return respond(document, header[2], 0, header[1], query=is_query)


def _build(document: dict[str, Any]) -> None:
    document.update(version="7.0.0", versionArray=[7, 0, 0, 0])


def _parameters(document: dict[str, Any]) -> None:
    document["authenticationMechanisms"] = ["MONGODB-OIDC"]


def _options(document: dict[str, Any]) -> None:
    document["parsed"] = {**document["parsed"], "security": {"authorization": "enabled"}}


_CHANGES = {
    "buildInfo": _build,
    "buildinfo": _build,
    "getParameter": _parameters,
    "getCmdLineOpts": _options,
}
