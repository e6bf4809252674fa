"""SCRAM: a conversation in which both sides prove that they know a password."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from mongodriver.auth.credentials import MongoCredential
from mongodriver.auth.sasl import Command, Reply, payload_of, sasl_continue, sasl_start
from mongodriver.auth.saslprep import saslprep
from mongodriver.replies.fields import flag
from mongodriver.values.errors import ConfigurationError, OperationFailure

__all__ = ["DIGESTS", "Scram"]

MIN_ITERATIONS = 4096
# Far above what servers use: nobody shall keep a client busy for hours by asking for more.
MAX_ITERATIONS = 10_000_000

DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


def _parse(payload: bytes) -> dict[bytes, bytes]:
    """Parse "r=...,s=..."; OperationFailure if it is malformed."""
    fields = {}
    for part in payload.split(b","):
        name, equals, value = part.partition(b"=")
        if not equals:
            raise OperationFailure("Server returned an invalid SCRAM message.")
        fields[name] = value
    return fields


class Scram:
    """SCRAM-SHA-1 or SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove they know the password.

    `nonce` are random bytes, made for this conversation alone.
    """

    def __init__(self, credential: MongoCredential, mechanism: str, nonce: bytes) -> None:
        if mechanism not in DIGESTS:
            raise ConfigurationError(f"{mechanism} is not a SCRAM mechanism")
        self.mechanism = mechanism
        self._credential = credential
        self._digest = DIGESTS[mechanism]
        self._nonce = base64.b64encode(nonce)
        user = (credential.username or "").encode("utf-8")
        user = user.replace(b"=", b"=3D").replace(b",", b"=2C")
        self._first_bare = b"n=" + user + b",r=" + self._nonce
        self._server_signature: bytes | None = None
        self._verified = False

    def start(self) -> Command:
        """Return the first command."""
        command = sasl_start(self.mechanism, b"n,," + self._first_bare)
        command["options"] = {"skipEmptyExchange": True}
        return command

    def speculative(self) -> Command:
        """Return the first command as the handshake carries it."""
        return {**self.start(), "db": self._credential.source}

    def reply(self, reply: Reply) -> Command | None:
        """Return the command that answers the server's reply, or None when logged in.

        OperationFailure if the server does not follow the protocol or does not know the password,
        ProtocolError where its reply is none to such a command.
        """
        if self._server_signature is None:
            return sasl_continue(reply, self._prove(payload_of(reply)))
        last = self._verified
        if not last:
            self._verify(payload_of(reply))
        if flag(reply, "done"):
            return None
        if last:
            raise OperationFailure("Server does not end the SASL conversation.")
        # A server that does not know skipEmptyExchange wants one more, empty, message.
        return sasl_continue(reply, b"")

    def failed(self) -> None:
        """The keys stay: they follow from the password alone."""

    def _prove(self, server_first: bytes) -> bytes:
        fields = _parse(server_first)
        iterations, salt, nonce = self._challenge(fields)
        client_key, server_key = self._keys(salt, iterations)
        final_bare = b"c=biws,r=" + nonce
        message = b",".join((self._first_bare, server_first, final_bare))
        stored_key = hashlib.new(self._digest, client_key).digest()
        signature = self._hmac(stored_key, message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = base64.b64encode(self._hmac(server_key, message))
        return final_bare + b",p=" + base64.b64encode(proof)

    def _challenge(self, fields: Mapping[bytes, bytes]) -> tuple[int, bytes, bytes]:
        try:
            iterations = int(fields[b"i"])
            salt = base64.b64decode(fields[b"s"], validate=True)
            nonce = fields[b"r"]
        except (KeyError, ValueError):
            raise OperationFailure("Server returned an invalid SCRAM message.") from None
        if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
            raise OperationFailure("Server returned an invalid iteration count.")
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise OperationFailure("Server returned an invalid nonce.")
        return iterations, salt, nonce

    def _keys(self, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
        """Return client key and server key, derived once for a salt."""
        cache = self._credential.cache
        known = (self.mechanism, salt, iterations)
        keys: tuple[bytes, bytes] | None = cache.get(known)
        if keys is None:
            salted = hashlib.pbkdf2_hmac(self._digest, self._password(), salt, iterations)
            keys = self._hmac(salted, b"Client Key"), self._hmac(salted, b"Server Key")
            cache.clear()
            cache[known] = keys
        return keys

    def _password(self) -> bytes:
        password = self._credential.password or ""
        if self.mechanism == "SCRAM-SHA-256":
            return saslprep(password).encode("utf-8")
        # SCRAM-SHA-1 salts what MongoDB stored before it had SCRAM.
        digest = f"{self._credential.username}:mongo:{password}".encode()
        return hashlib.md5(digest, usedforsecurity=False).hexdigest().encode("ascii")

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._digest)

    def _verify(self, server_final: bytes) -> None:
        signature = _parse(server_final).get(b"v", b"")
        assert self._server_signature is not None
        if not hmac.compare_digest(signature, self._server_signature):
            raise OperationFailure("Server returned an invalid signature.")
        self._verified = True
