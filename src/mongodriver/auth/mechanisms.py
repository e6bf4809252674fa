"""Which conversation a credential needs, and those of a single command."""

from __future__ import annotations

from collections.abc import Sequence

from mongodriver.auth.credentials import EXTERNAL, MongoCredential
from mongodriver.auth.sasl import Command, Conversation, Reply, sasl_start
from mongodriver.auth.scram import DIGESTS, Scram
from mongodriver.values.errors import ConfigurationError

__all__ = ["X509", "Plain", "choose_mechanism", "conversation"]

NONCE_BYTES = 24


def choose_mechanism(supported: Sequence[str] | None) -> str:
    """Return the mechanism for "DEFAULT": the best of those the server has for the user."""
    return "SCRAM-SHA-256" if supported and "SCRAM-SHA-256" in supported else "SCRAM-SHA-1"


class _OneStep:
    """A conversation of a single command."""

    def reply(self, reply: Reply) -> None:
        """Return None: nothing is left to say."""

    def failed(self) -> None:
        """Nothing is kept of a login."""


class Plain(_OneStep):
    """PLAIN: the password itself, for servers that ask LDAP. Only sensible over TLS."""

    mechanism = "PLAIN"

    def __init__(self, credential: MongoCredential) -> None:
        self._credential = credential

    def start(self) -> Command:
        """Return the only command."""
        user, password = self._credential.username or "", self._credential.password or ""
        return sasl_start(self.mechanism, f"\0{user}\0{password}".encode())

    def speculative(self) -> None:
        """Return None: a password is sent only to a server that asked for it."""


class X509(_OneStep):
    """MONGODB-X509: the certificate of the TLS connection says who the client is."""

    mechanism = "MONGODB-X509"

    def __init__(self, credential: MongoCredential) -> None:
        self._credential = credential

    def start(self) -> Command:
        """Return the only command."""
        command: Command = {"authenticate": 1, "mechanism": self.mechanism}
        if self._credential.username is not None:
            command["user"] = self._credential.username
        return command

    def speculative(self) -> Command:
        """Return the command as the handshake carries it."""
        return {**self.start(), "db": EXTERNAL}


def conversation(
    credential: MongoCredential, nonce: bytes, supported: Sequence[str] | None = None
) -> Conversation:
    """Return the conversation for a credential.

    `nonce` are `NONCE_BYTES` random bytes, `supported` the mechanisms the server named for the
    user, which settle "DEFAULT"; before it was asked (None), that is SCRAM-SHA-256.
    ConfigurationError for mechanisms there is no conversation for.
    """
    mechanism = credential.mechanism
    if mechanism == "DEFAULT":
        mechanism = "SCRAM-SHA-256" if supported is None else choose_mechanism(supported)
    if mechanism in DIGESTS:
        return Scram(credential, mechanism, nonce)
    if mechanism == "PLAIN":
        return Plain(credential)
    if mechanism == "MONGODB-X509":
        return X509(credential)
    raise ConfigurationError(f"The authentication mechanism {mechanism} is not available")
