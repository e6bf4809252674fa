"""Logging connections in: driving a conversation of `auth` over them, and again where asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..auth.mechanisms import NONCE_BYTES, conversation
from ..events.observation import Observation
from ..io.deadline import sooner
from ..ops.base import Command
from ..replies.fields import bad_reply
from ..replies.verdicts import command_error
from ..values.errors import ProtocolError
from ..wire.header import next_request_id

if TYPE_CHECKING:
    from ..auth.credentials import MongoCredential
    from ..auth.sasl import Conversation
    from ..events.observer import Observer
    from ..io.base import Address, Backend
    from ..values.hello import Hello
    from .connection import Connection

#: Mechanisms whose first command takes a while to make.
_SLOW_TO_START = ("GSSAPI",)


class Login(Protocol):
    """One connection's authentication; it stays with the connection."""

    def add_to_handshake(self, body: dict[str, Any]) -> None:
        """Begin inside the handshake, where that may be."""

    async def finish(
        self, connection: Connection, hello: Hello[Any], end: float | None, deadline: float | None
    ) -> None:
        """Go on from the server's first answer until logged in.

        :param end: when the connection is given up.
        :param deadline: of the operation that it is for, None if that has none.
        :raises OperationFailure: when the server, or its proof of knowing the password, is wrong.
        """

    async def again(self, connection: Connection, deadline: float | None) -> None:
        """Log in anew, over a connection that is in use: the server wants that.

        :param deadline: of the operation, None if it has none.
        """


class Logins:
    """How the connections of one client log in.

    :param connect_timeout: seconds a login may take; None: any.
    """

    def __init__(
        self,
        credential: MongoCredential,
        connect_timeout: float | None,
        backend: Backend,
        observer: Observer,
    ) -> None:
        self._begin: Callable[[str], Login]
        wire = Wire(connect_timeout, backend, observer)
        if credential.mechanism == "MONGODB-OIDC":
            # Loaded for those who need it, as is what other mechanisms alone need.
            from .oidc_login import Account, OidcLogin

            self._begin = partial(OidcLogin, Account(credential, backend), wire)
        else:
            self._begin = partial(SaslLogin, credential, wire)

    def begin(self, address: Address) -> Login:
        """The login of a new connection."""
        return self._begin(address[0])


class SaslLogin:
    """The login by a conversation that needs nobody else."""

    def __init__(self, credential: MongoCredential, wire: Wire, host: str) -> None:
        self._credential = credential
        self._wire = wire
        self._host = host
        self._begun: Conversation | None = None

    def add_to_handshake(self, body: dict[str, Any]) -> None:
        """Ask for the user's mechanisms where none is configured, and begin on suspicion."""
        credential = self._credential
        if credential.mechanism == "DEFAULT":
            body["saslSupportedMechs"] = f"{credential.source}.{credential.username}"
        begun = self._converse()
        speculative = begun.speculative()
        if speculative is not None:
            self._begun = begun
            body["speculativeAuthenticate"] = speculative

    async def finish(
        self, connection: Connection, hello: Hello[Any], end: float | None, deadline: float | None
    ) -> None:
        """See `Login`."""
        begun, self._begun = self._begun, None
        answer = hello.speculative_authenticate if begun is not None else None
        if begun is None or not answer:
            begun, answer = self._converse(hello.sasl_supported_mechs), None
        await self._talk(begun, answer, connection, end)

    async def again(self, connection: Connection, deadline: float | None) -> None:
        """See `Login`."""
        talk = self._converse(connection.hello.sasl_supported_mechs)
        await self._talk(talk, None, connection, self._wire.end(deadline))

    def _converse(self, supported: Sequence[str] | None = None) -> Conversation:
        credential = self._credential
        if credential.mechanism == "GSSAPI":
            from ..auth.gssapi import Gssapi
            from ..identity.kerberos import open_context

            return Gssapi(credential.username or "", partial(open_context, credential, self._host))
        if credential.mechanism == "MONGODB-AWS":
            return _aws(credential)
        return conversation(credential, os.urandom(NONCE_BYTES), supported)

    async def _talk(
        self,
        talk: Conversation,
        reply: Mapping[str, Any] | None,
        connection: Connection,
        end: float | None,
    ) -> None:
        """Hold a conversation to its end.

        :param reply: to its first command, where that was sent already.
        """
        call, wire = self._wire.backend.call, self._wire
        try:
            if reply is not None:
                command = await call(_answer, talk, reply, connection, deadline=end)
            elif talk.mechanism in _SLOW_TO_START:
                command = await call(talk.start, deadline=end)
            else:
                command = talk.start()
            while command is not None:
                command["$db"] = self._credential.source
                reply = await wire.exchange(connection, command, end)
                # Deriving keys from a password takes long on purpose.
                command = await call(_answer, talk, reply, connection, deadline=end)
        except BaseException:
            talk.failed()
            raise


def _answer(
    talk: Conversation, reply: Mapping[str, Any], connection: Connection
) -> dict[str, Any] | None:
    """The command that answers a reply, None where nothing is left to say."""
    try:
        return talk.reply(reply)
    except ProtocolError as exc:
        raise bad_reply("saslStart or saslContinue", connection.address, exc) from None


def _aws(credential: MongoCredential) -> Conversation:
    from ..auth.aws import NONCE_BYTES as SIZE
    from ..auth.aws import Aws
    from ..auth.credentials import AWSProperties
    from ..auth.sigv4 import AwsCredentials
    from ..identity import aws

    find = aws.find_credentials
    if credential.username:
        properties = credential.mechanism_properties
        token = properties.aws_session_token if isinstance(properties, AWSProperties) else None
        own = AwsCredentials(credential.username, credential.password or "", token)
        return Aws(os.urandom(SIZE), lambda: own, aws.now, _nothing)
    return Aws(os.urandom(SIZE), find, aws.now, aws.forget)


def _nothing() -> None:
    """What is to be forgotten of credentials that were never fetched."""


class Wire:
    """Commands of logins, and how long they may take."""

    def __init__(self, connect_timeout: float | None, backend: Backend, observer: Observer) -> None:
        self.backend = backend
        self._connect_timeout = connect_timeout
        self._observer = observer

    def end(self, deadline: float | None = None) -> float | None:
        """When a login that begins now is given up."""
        return sooner(deadline, self._connect_timeout)

    async def exchange(
        self, connection: Connection, body: dict[str, Any], deadline: float | None
    ) -> dict[str, Any]:
        """The reply to a command; an error of the server is raised."""
        if not self._observer.commands:
            reply = await connection.run(body, deadline)
        else:
            reply = await _observed(connection, body, deadline, self._observer)
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
