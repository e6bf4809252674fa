"""MONGODB-AWS: the server has AWS tell it who has signed its nonce."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bsonx import decode, encode
from bsonx.binary import Binary
from bsonx.errors import InvalidBSON
from mongodriver.auth.sasl import Command, Reply, payload_of, sasl_continue
from mongodriver.auth.sigv4 import AwsCredentials, authorization
from mongodriver.replies.fields import flag
from mongodriver.values.errors import OperationFailure

__all__ = ["NONCE_BYTES", "Aws", "region_of"]

NONCE_BYTES = 32
_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_DEFAULT_REGION = "us-east-1"
_GLOBAL_HOSTS = ("sts.amazonaws.com", "aws.amazonaws.com")
_LONGEST_HOST = 255
#: The server must not take it that channels are bound: "n" for no.
_NO_CHANNEL_BINDING = ord("n")


def region_of(host: str) -> str:
    """Return the region of a host of the AWS security token service.

    OperationFailure for what is no name of a host.
    """
    labels = host.split(".")
    if not 0 < len(host.encode()) <= _LONGEST_HOST or "" in labels:
        raise OperationFailure("Server returned an invalid sts host")
    if host in _GLOBAL_HOSTS or len(labels) == 1:
        return _DEFAULT_REGION
    return labels[1]


class Aws:
    """MONGODB-AWS.

    :param nonce: `NONCE_BYTES` random bytes, made for this conversation alone.
    :param find: finds the credentials to sign with; may take long.
    :param now: tells the time, in UTC.
    :param forget: is called if the login fails: what is cached may be at fault.
    """

    mechanism = "MONGODB-AWS"

    def __init__(
        self,
        nonce: bytes,
        find: Callable[[], AwsCredentials],
        now: Callable[[], datetime],
        forget: Callable[[], None],
    ) -> None:
        self._nonce = nonce
        self._find = find
        self._now = now
        self.failed = forget
        self._signed = False

    def start(self) -> Command:
        """Return the first command."""
        payload = encode({"r": Binary(self._nonce), "p": _NO_CHANNEL_BINDING})
        return {"saslStart": 1, "mechanism": self.mechanism, "payload": Binary(payload)}

    def speculative(self) -> None:
        """Return None: the handshake does not carry this mechanism."""

    def reply(self, reply: Reply) -> Command | None:
        """Return the command that answers the server's reply, or None when logged in."""
        if not self._signed:
            self._signed = True
            return sasl_continue(reply, encode(self._sign(payload_of(reply))))
        if not flag(reply, "done"):
            raise OperationFailure("Server does not end the SASL conversation.")
        return None

    def _sign(self, payload: bytes) -> dict[str, Any]:
        nonce, host = _read(payload)
        if len(nonce) != 2 * NONCE_BYTES or not hmac.compare_digest(
            nonce[:NONCE_BYTES], self._nonce
        ):
            raise OperationFailure("Server returned an invalid nonce.")
        region = region_of(host)
        credentials = self._find()
        time = self._now().strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "content-length": str(len(_BODY)),
            "content-type": "application/x-www-form-urlencoded",
            "host": host,
            "x-amz-date": time,
            "x-mongodb-gs2-cb-flag": chr(_NO_CHANNEL_BINDING),
            "x-mongodb-server-nonce": base64.b64encode(nonce).decode(),
        }
        answer: dict[str, Any] = {}
        if credentials.session_token is not None:
            headers["x-amz-security-token"] = answer["t"] = credentials.session_token
        answer["a"] = authorization(credentials, region, "sts", headers, _BODY)
        answer["d"] = time
        return answer


def _read(payload: bytes) -> tuple[bytes, str]:
    """Return the server's nonce, and the host that it asks."""
    try:
        document = decode(payload)
    except InvalidBSON:
        document = {}
    nonce, host = document.get("s"), document.get("h")
    if not isinstance(nonce, bytes) or not isinstance(host, str):
        raise OperationFailure("Server returned an invalid SASL reply.")
    return bytes(nonce), host
