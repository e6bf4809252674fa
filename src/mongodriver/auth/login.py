"""Logging a connection in: driving a conversation of `spec.scram` over it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..events.observation import Observation
from ..ops.base import Command
from ..replies.fields import bad_reply
from ..replies.verdicts import command_error
from ..values.errors import ProtocolError
from ..wire.header import next_request_id
from .scram import NONCE_BYTES, conversation

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..events.observer import Observer
    from ..io.base import Backend
    from ..values.hello import Hello
    from .credentials import MongoCredential


class Login:
    """One connection's authentication, begun inside its handshake."""

    def __init__(self, credential: MongoCredential) -> None:
        self._credential = credential
        self._conversation = conversation(credential, os.urandom(NONCE_BYTES))

    def add_to_handshake(self, body: dict[str, Any]) -> None:
        """Ask for the user's mechanisms where none is configured, and begin on suspicion."""
        credential = self._credential
        if credential.mechanism == "DEFAULT":
            body["saslSupportedMechs"] = f"{credential.source}.{credential.username}"
        speculative = self._conversation.speculative()
        if speculative is not None:
            body["speculativeAuthenticate"] = speculative

    async def finish(
        self,
        connection: Connection,
        hello: Hello,
        deadline: float | None,
        backend: Backend,
        observer: Observer,
    ) -> None:
        """Go on from the server's first answer until logged in.

        :raises OperationFailure: when the server, or its proof of knowing the password, is wrong.
        """
        begun = hello.speculative_authenticate
        if begun:
            command = await self._answer(begun, connection, backend, deadline)
        else:
            supported = hello.sasl_supported_mechs
            again = conversation(self._credential, os.urandom(NONCE_BYTES), supported)
            self._conversation = again
            command = again.start()
        while command is not None:
            command["$db"] = self._credential.source
            reply = await self._exchange(connection, command, deadline, observer)
            command = await self._answer(reply, connection, backend, deadline)

    async def _answer(
        self,
        reply: Mapping[str, Any],
        connection: Connection,
        backend: Backend,
        deadline: float | None,
    ) -> dict[str, Any] | None:
        """The command that answers a reply, None where nothing is left to say."""
        try:
            # Deriving keys from a password takes long on purpose.
            return await backend.call(self._conversation.reply, reply, deadline=deadline)
        except ProtocolError as exc:
            raise bad_reply("saslStart or saslContinue", connection.address, exc) from None

    async def _exchange(
        self,
        connection: Connection,
        body: dict[str, Any],
        deadline: float | None,
        observer: Observer,
    ) -> dict[str, Any]:
        if not observer.commands:
            reply = await connection.run(body, deadline)
        else:
            reply = await _observed(connection, body, deadline, observer)
        try:
            error = command_error(reply)
        except ProtocolError as exc:
            raise bad_reply(next(iter(body)), connection.address, exc) from None
        if error is not None:
            raise error
        return reply


async def _observed(
    connection: Connection,
    body: dict[str, Any],
    deadline: float | None,
    observer: Observer,
) -> dict[str, Any]:
    """The exchange, with the events of a command (which show nothing of its content)."""
    request_id = next_request_id()
    observation = Observation(
        observer.commands, connection, body["$db"], next(iter(body)), request_id, request_id
    )
    observation.started(Command(body))
    try:
        reply = await connection.run(body, deadline, request_id)
    except BaseException as exc:
        observation.failed(exc)
        raise
    observation.replied(reply)
    return reply
