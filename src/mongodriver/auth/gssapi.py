"""GSSAPI: Kerberos (RFC 4752). Tickets and their cryptography are a library's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mongodriver.auth.sasl import Command, Reply, payload_of, sasl_continue, sasl_start
from mongodriver.replies.fields import flag
from mongodriver.values.errors import OperationFailure

__all__ = ["Gssapi", "SecurityContext", "have_kerberos"]

_NO_SECURITY_LAYER = 1
#: Kerberos needs two; whoever asks for many more leads nowhere.
_MOST_TOKENS = 10


def have_kerberos() -> bool:
    """Whether there is a library for it, which is not loaded."""
    from importlib.util import find_spec  # few programs ask

    return any(find_spec(library) is not None for library in ("gssapi", "winkerberos"))


class SecurityContext(Protocol):
    """One side of a conversation, as a library of Kerberos keeps it."""

    @property
    def complete(self) -> bool:
        """Whether both sides have proved who they are."""

    def step(self, token: bytes | None) -> bytes | None:
        """Take the other side's token, None at first; return the answer, None if there is none."""

    def unwrap(self, message: bytes) -> bytes:
        """Return what a message of the other side says."""

    def wrap(self, message: bytes) -> bytes:
        """Return a message for the other side, signed and not encrypted."""


class Gssapi:
    """GSSAPI.

    :param user: who is logged in.
    :param open_context: makes the context; may take long, as its steps.
    """

    mechanism = "GSSAPI"

    def __init__(self, user: str, open_context: Callable[[], SecurityContext]) -> None:
        self._user = user
        self._open_context = open_context
        self._context: SecurityContext
        self._tokens = 0
        self._negotiated = False

    def start(self) -> Command:
        """Return the first command."""
        self._context = self._open_context()
        return sasl_start(self.mechanism, self._context.step(None) or b"")

    def speculative(self) -> None:
        """Return None: the handshake does not carry this mechanism."""

    def failed(self) -> None:
        """Tickets are kept by the library."""

    def reply(self, reply: Reply) -> Command | None:
        """Return the command that answers the server's reply, or None when logged in."""
        done = flag(reply, "done")
        if self._negotiated:
            if not done:
                raise OperationFailure("Server does not end the SASL conversation.")
            return None
        if done:
            raise OperationFailure("Server ended the SASL conversation without proving itself.")
        payload = payload_of(reply)
        if self._context.complete:
            self._negotiated = True
            return sasl_continue(reply, self._choose_layer(payload))
        self._tokens += 1
        if self._tokens > _MOST_TOKENS:
            raise OperationFailure("Server does not end the SASL conversation.")
        return sasl_continue(reply, self._context.step(payload) or b"")

    def _choose_layer(self, payload: bytes) -> bytes:
        """Answer the server's offer of security layers: TLS does that, if anything (RFC 4752)."""
        offer = self._context.unwrap(payload)
        if len(offer) != 4 or not offer[0] & _NO_SECURITY_LAYER:
            raise OperationFailure("Server offers no SASL security layer that is known.")
        choice = bytes([_NO_SECURITY_LAYER, 0, 0, 0])
        return self._context.wrap(choice + self._user.encode())
