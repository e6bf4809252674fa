"""MONGODB-OIDC: what callbacks are given and return, and the commands that carry tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bsonx import decode, encode
from bsonx.binary import Binary
from bsonx.errors import InvalidBSON
from mongodriver.auth.credentials import EXTERNAL
from mongodriver.auth.sasl import Command, Reply, payload_of, sasl_continue
from mongodriver.values.errors import ConfigurationError, OperationFailure
from mongodriver.values.public_names import known_as

__all__ = [
    "CALLBACK_VERSION",
    "HUMAN_CALLBACK_TIMEOUT_SECONDS",
    "MACHINE_CALLBACK_TIMEOUT_SECONDS",
    "TIME_BETWEEN_CALLS_SECONDS",
    "TOKEN_BUFFER_MINUTES",
    "OIDCCallback",
    "OIDCCallbackContext",
    "OIDCCallbackResult",
    "OIDCIdPInfo",
]

#: Of what callbacks are given and return.
CALLBACK_VERSION = 1
#: Seconds a person may take.
HUMAN_CALLBACK_TIMEOUT_SECONDS = 5 * 60
#: Seconds a program may take, where no timeoutMS says something else.
MACHINE_CALLBACK_TIMEOUT_SECONDS = 60
#: Between the end of one call and the next, of the same client.
TIME_BETWEEN_CALLS_SECONDS = 0.1
#: Tokens that expire within this time will not do for long.
TOKEN_BUFFER_MINUTES = 5

MECHANISM = "MONGODB-OIDC"


@dataclass
class OIDCIdPInfo:
    """The identity provider a person logs in at, as the server names it.

    :param issuer: URL of the authorization server (RFC 8414).
    :param clientId: identifies this client there.
    :param requestScopes: to ask for besides.
    """

    issuer: str
    clientId: str | None = None
    requestScopes: list[str] | None = None


@dataclass
class OIDCCallbackContext:
    """What a callback is given.

    :param timeout_seconds: it should return within, or raise.
    :param username: of the client, "" if there is none.
    :param version: `CALLBACK_VERSION`.
    :param refresh_token: that an earlier call has returned; only for a human callback.
    :param idp_info: only for a human callback.
    """

    timeout_seconds: float
    username: str
    version: int
    refresh_token: str | None = field(default=None, repr=False)
    idp_info: OIDCIdPInfo | None = None


@dataclass
class OIDCCallbackResult:
    """What a callback returns.

    :param access_token: for the server; the driver does not look into it.
    :param expires_in_seconds: None: unknown.
    :param refresh_token: to be handed to a later call; only of a human callback.
    """

    access_token: str = field(repr=False)
    expires_in_seconds: float | None = None
    refresh_token: str | None = field(default=None, repr=False)


class OIDCCallback(ABC):
    """Fetches access tokens. To be derived from, and given as OIDC_CALLBACK or OIDC_HUMAN_CALLBACK
    in authMechanismProperties.
    """

    @abstractmethod
    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        """Return an access token.

        It is called by one connection at a time. With an AsyncMongoClient in a thread of its own,
        unless it is a coroutine function, which is awaited.
        """


def check_result(result: Any) -> OIDCCallbackResult:
    """Return what a callback has returned; an error if it is of no use."""
    if not isinstance(result, OIDCCallbackResult):
        raise TypeError(f"Callback result must be of type OIDCCallbackResult, not {type(result)}")
    token, lifetime = result.access_token, result.expires_in_seconds
    if not isinstance(token, str) or not token:
        raise TypeError(f"access_token must be a string that is not empty, not {type(token)}")
    if lifetime is not None and (isinstance(lifetime, bool) or not lifetime >= 0):
        raise ValueError(f"expires_in_seconds must be None or not negative, not {lifetime!r}")
    return result


def check_host(host: str, allowed: Iterable[str]) -> None:
    """Raise ConfigurationError unless tokens of people may be sent to a host.

    :param allowed: ALLOWED_HOSTS: names, or "*." and the end of names.
    """
    for pattern in (text for text in allowed if isinstance(text, str)):
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return
    raise ConfigurationError(
        f"Refusing to connect to {host}, which is not in authOIDCAllowedHosts: {list(allowed)}"
    )


# -- commands --


def start_with_token(token: str) -> Command:
    """Return the command that logs in with a token, alone."""
    return _start({"jwt": token})


def speculative(token: str) -> Command:
    """Return the same as the handshake carries it."""
    return {**start_with_token(token), "db": EXTERNAL}


def start_with_name(username: str) -> Command:
    """Return the command that asks for the identity provider of a user."""
    return _start({"n": username} if username else {})


def continue_with_token(reply: Reply, token: str) -> Command:
    """Return the command that answers the one that names the provider."""
    return sasl_continue(reply, encode({"jwt": token}))


def _start(payload: dict[str, Any]) -> Command:
    return {"saslStart": 1, "mechanism": MECHANISM, "payload": Binary(encode(payload))}


def identity_provider(reply: Reply) -> OIDCIdPInfo:
    """Return the provider that a reply names; OperationFailure if it does not."""
    try:
        document = decode(payload_of(reply))
    except InvalidBSON:
        document = {}
    issuer = document.get("issuer")
    client, scopes = document.get("clientId"), document.get("requestScopes")
    if (
        not isinstance(issuer, str)
        or not isinstance(client, (str, type(None)))
        or not isinstance(scopes, (list, type(None)))
        or not all(isinstance(scope, str) for scope in scopes or ())
    ):
        raise OperationFailure("Server names no identity provider that can be understood.")
    return OIDCIdPInfo(issuer, client, scopes)


known_as("mongodriver.auth_oidc_shared", globals())
