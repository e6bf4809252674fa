"""A server that has its clients sign for AWS, for tests of MONGODB-AWS."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from bsonx import decode, encode
from bsonx.binary import Binary
from fake_mongod import STANDALONE, FakeMongod, Request

KEY_ID, KEY, TOKEN = "AKIAI44QH8DHBEXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AQoDY/+="
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"


class AwsServer(FakeMongod):
    """Lets those in who have signed its nonce with the key that belongs to their key id.

    It works out the signature by itself, from what the specification says is signed.
    """

    def __init__(self, *, key: str = KEY, host: str = "sts.amazonaws.com", **changes: Any) -> None:
        self.key = key
        self.host = host
        self.changes = changes
        self.logins: list[dict[str, Any]] = []
        self._nonces: dict[int, bytes] = {}
        self._let_in: set[int] = set()
        super().__init__(self._hello, self._answer)

    def _hello(self, request: Request) -> Any:
        assert "speculativeAuthenticate" not in request.body
        return STANDALONE

    def _answer(self, request: Request) -> Any:
        if request.name == "saslStart":
            return self._begin(request)
        if request.name == "saslContinue":
            return self._end(request)
        if request.connection not in self._let_in:
            return {"ok": 0, "code": 13, "errmsg": "not logged in"}
        return {"ok": 1, "cursor": {"id": 0, "ns": "a.b", "firstBatch": []}}

    def _begin(self, request: Request) -> Any:
        assert request.body["mechanism"] == "MONGODB-AWS"
        assert request.body["$db"] == "$external"
        said = decode(request.body["payload"])
        assert list(said) == ["r", "p"]
        assert len(said["r"]) == 32
        assert said["p"] == 110
        nonce = bytes(said["r"]) + b"s" * 32
        self._nonces[request.connection] = nonce
        answer = {"s": Binary(nonce), "h": self.host, **self.changes}
        return {"ok": 1, "conversationId": 1, "done": False, "payload": Binary(encode(answer))}

    def _end(self, request: Request) -> Any:
        said = decode(request.body["payload"])
        self.logins.append(said)
        if not self._is_signed(said, self._nonces[request.connection]):
            return {"ok": 0, "code": 18, "errmsg": "Authentication failed."}
        self._let_in.add(request.connection)
        return {"ok": 1, "conversationId": 1, "done": True, "payload": Binary(b"")}

    def _is_signed(self, said: Any, nonce: bytes) -> bool:
        lines = [
            "content-length:43",
            "content-type:application/x-www-form-urlencoded",
            f"host:{self.host}",
            f"x-amz-date:{said['d']}",
            *([f"x-amz-security-token:{said['t']}"] if "t" in said else []),
            "x-mongodb-gs2-cb-flag:n",
            f"x-mongodb-server-nonce:{base64.b64encode(nonce).decode()}",
        ]
        names = ";".join(line.split(":")[0] for line in lines)
        text = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(BODY).hexdigest()])
        region = self.host.split(".")[1] if self.host != "sts.amazonaws.com" else "us-east-1"
        scope = [said["d"][:8], region, "sts", "aws4_request"]
        digest = hashlib.sha256(text.encode()).hexdigest()
        to_sign = "\n".join(["AWS4-HMAC-SHA256", said["d"], "/".join(scope), digest])
        key = b"AWS4" + self.key.encode()
        for part in scope:
            key = hmac.new(key, part.encode(), "sha256").digest()
        signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
        expected = (
            f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{'/'.join(scope)}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return said["a"] == expected
