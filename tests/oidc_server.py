"""A server that lets clients in by their access tokens, for tests of MONGODB-OIDC."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bsonx import decode, encode
from bsonx.binary import Binary
from fake_mongod import STANDALONE, FakeMongod, Request

ISSUER = {"issuer": "https://issuer.test", "clientId": "client", "requestScopes": ["a", "b"]}


def refusal(code: int, name: str = "Error") -> dict[str, Any]:
    """An error, as servers report it."""
    return {"ok": 0, "code": code, "codeName": name, "errmsg": f"refused: {name}"}


DENIED = refusal(18, "AuthenticationFailed")
UNAUTHORIZED = refusal(13, "Unauthorized")
REAUTHENTICATE = refusal(391, "ReauthenticationRequired")


class OidcServer(FakeMongod):
    """Takes the tokens in `valid`; other commands are for connections that were let in.

    `failures` are replies, by the names of commands, that are sent instead, one at a time.
    """

    def __init__(self, *valid: str, speculative: bool = True) -> None:
        self.valid = set(valid)
        self.failures: dict[str, list[Any]] = defaultdict(list)
        self.issuer: dict[str, Any] = dict(ISSUER)
        #: How often a token came in a handshake and was taken.
        self.speculations = 0
        self._speculative = speculative
        self._let_in: set[int] = set()
        super().__init__(self._hello, self._answer)

    def _hello(self, request: Request) -> Any:
        reply: dict[str, Any] = dict(STANDALONE)
        begun = request.body.get("speculativeAuthenticate")
        if begun is not None and self._speculative:
            assert begun["db"] == "$external"
            said = self._start(request, begun)
            if said["ok"]:
                self.speculations += 1
                said.pop("ok")
                reply["speculativeAuthenticate"] = said
        return reply

    def _answer(self, request: Request) -> Any:
        if self.failures[request.name]:
            return self.failures[request.name].pop(0)
        if request.name in ("saslStart", "saslContinue"):
            assert request.body["$db"] == "$external"
            return self._start(request, request.body)
        if request.connection not in self._let_in:
            return UNAUTHORIZED
        if request.name == "find":
            return {"ok": 1, "cursor": {"id": 0, "ns": "a.b", "firstBatch": []}}
        return {"ok": 1, "n": 1}

    def _start(self, request: Request, command: Any) -> dict[str, Any]:
        said = decode(command["payload"])
        end = {"conversationId": 1, "done": True, "payload": Binary(b""), "ok": 1}
        if "jwt" not in said:
            return {**end, "done": False, "payload": Binary(encode(self.issuer))}
        if said["jwt"] not in self.valid:
            return dict(DENIED)
        self._let_in.add(request.connection)
        return end

    @property
    def said(self) -> list[Any]:
        """What the logins said, in order, outside of handshakes."""
        return [decode(r.body["payload"]) for r in self.of("saslStart", "saslContinue")]
