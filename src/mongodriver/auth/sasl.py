"""SASL as MongoDB speaks it: what all mechanisms have in common (authentication specification)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bsonx.binary import Binary
from mongodriver.replies.fields import integer
from mongodriver.values.errors import OperationFailure

__all__ = ["Command", "Conversation", "Reply", "payload_of", "sasl_continue", "sasl_start"]

Command = dict[str, Any]
Reply = Mapping[str, Any]


class Conversation(Protocol):
    """What logs a connection in, as commands and replies.

    It is driven so: send `start()` (or put `speculative()` into the handshake), give each reply to
    `reply()`, send what it returns, until it returns None. `start` and `reply` may take long.
    """

    @property
    def mechanism(self) -> str:
        """Its name."""

    def start(self) -> Command:
        """Return the first command."""

    def speculative(self) -> Command | None:
        """Return the first command as the handshake carries it, None where it must not."""

    def reply(self, reply: Reply, /) -> Command | None:
        """Return the command that answers the server's reply, or None when logged in.

        OperationFailure if the server does not follow the protocol or does not know the password,
        ProtocolError where its reply is none to such a command.
        """

    def failed(self) -> None:
        """Take note that the login failed, for whatever reason."""


def sasl_start(mechanism: str, payload: bytes) -> Command:
    """Return the command that begins a conversation."""
    return {"saslStart": 1, "mechanism": mechanism, "payload": Binary(payload), "autoAuthorize": 1}


def sasl_continue(reply: Reply, payload: bytes) -> Command:
    """Return the command that answers a reply."""
    return {
        "saslContinue": 1,
        "conversationId": integer(reply, "conversationId"),
        "payload": Binary(payload),
    }


def payload_of(reply: Reply) -> bytes:
    """Return what a reply carries; OperationFailure if it carries nothing."""
    payload = reply.get("payload")
    if not isinstance(payload, bytes):
        raise OperationFailure("Server returned an invalid SASL reply.")
    return bytes(payload)
