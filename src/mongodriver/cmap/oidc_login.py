"""MONGODB-OIDC over connections: tokens of one client, and how each connection logs in with them.

The algorithms are those of the authentication specification, "Credential Caching".
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..auth import oidc
from ..auth.credentials import EXTERNAL, MongoCredential, OIDCProperties
from ..auth.oidc import (
    OIDCCallback,
    OIDCCallbackContext,
    OIDCCallbackResult,
    OIDCIdPInfo,
)
from ..identity.oidc import environment_callback
from ..io.deadline import remaining
from ..io.mutex import Mutex
from ..replies.fields import bad_reply
from ..values.errors import OperationFailure, ProtocolError
from .failures import CallbackFailed

if TYPE_CHECKING:
    from ..io.base import Backend
    from ..values.hello import Hello
    from .connection import Connection
    from .login import Wire

_AUTHENTICATION_FAILED = 18


class Account:
    """The tokens of one client, and the callback that more of them come from."""

    def __init__(self, credential: MongoCredential, backend: Backend) -> None:
        properties = credential.mechanism_properties
        assert isinstance(properties, OIDCProperties)
        self.username = credential.username or ""
        self.is_human = properties.human_callback is not None
        self._allowed_hosts = properties.allowed_hosts
        self._callback: OIDCCallback = (
            properties.human_callback or properties.callback or environment_callback(properties)
        )
        self._backend = backend
        self.access_token: str | None = None
        self.refresh_token: str | None = None
        self.idp_info: OIDCIdPInfo | None = None
        self._next_call = 0.0
        self._unlock()

    def __repr__(self) -> str:
        return f"<Account {self.username!r}>"

    def _unlock(self) -> None:
        self._lock = threading.Lock()
        #: Held by whoever calls the callback.
        self._mutex = Mutex(self._backend)
        self._pid = os.getpid()

    def _changing(self) -> threading.Lock:
        """The lock of what changes. Whoever held it before a fork is not in the child process."""
        if self._pid != os.getpid():
            self._unlock()
        return self._lock

    def check_host(self, host: str) -> None:
        """Raise ConfigurationError for a host that must not be given tokens of people."""
        if self.is_human:
            oidc.check_host(host, self._allowed_hosts)

    def invalidate(self, token: str | None) -> None:
        """Forget an access token, unless it has been replaced by another."""
        with self._changing():
            if self.access_token == token:
                self.access_token = None

    def forget_refresh_token(self, token: str | None) -> None:
        """Forget a refresh token, unless it has been replaced by another."""
        with self._changing():
            if self.refresh_token == token:
                self.refresh_token = None

    def _take(self, result: OIDCCallbackResult, idp_info: OIDCIdPInfo | None) -> str:
        with self._changing():
            self.access_token = result.access_token
            if self.is_human:
                self.refresh_token = result.refresh_token
                self.idp_info = idp_info
        return result.access_token

    async def token(
        self,
        timeout: float,
        idp_info: OIDCIdPInfo | None = None,
        refresh_token: str | None = None,
    ) -> str:
        """The access token that is known, or one that the callback fetches.

        :param timeout: the seconds it may take, for which others are waited for as well.
        :raises: what the callback raises.
        """
        end = monotonic() + timeout
        self._changing()
        await self._mutex.acquire(end)
        turn = _Turn(self._mutex.release)
        try:
            known = self.access_token
            if known is not None:
                return known
            pause = self._next_call - monotonic()
            if pause > 0:
                await self._backend.sleep(pause)
            context = OIDCCallbackContext(
                max(remaining(end) or 0, 0),
                self.username,
                oidc.CALLBACK_VERSION,
                refresh_token,
                idp_info,
            )
            return await self._call(context, turn, end)
        finally:
            turn.give_up()

    async def _call(self, context: OIDCCallbackContext, turn: _Turn, end: float) -> str:
        is_async = self._backend.name != "blocking"
        if is_async and inspect.iscoroutinefunction(self._callback.fetch):
            return await self._await(self._callback.fetch, context)
        # A thread goes on when nobody listens any more; its turn ends when it does.
        deadline = end if is_async else None
        return await self._backend.call(turn.run, self._fetch, context, deadline=deadline)

    async def _await(
        self, fetch: Callable[[OIDCCallbackContext], Awaitable[Any]], context: OIDCCallbackContext
    ) -> str:
        try:
            result = await fetch(context)
        except OSError as exc:
            failed = CallbackFailed(exc)
        else:
            return self._take(oidc.check_result(result), context.idp_info)
        finally:
            self._next_call = monotonic() + oidc.TIME_BETWEEN_CALLS_SECONDS
        try:
            raise failed
        finally:
            del failed  # its traceback holds this frame

    def _fetch(self, context: OIDCCallbackContext) -> str:
        try:
            result = self._callback.fetch(context)
        except OSError as exc:
            failed = CallbackFailed(exc)
        else:
            return self._take(oidc.check_result(result), context.idp_info)
        finally:
            self._next_call = monotonic() + oidc.TIME_BETWEEN_CALLS_SECONDS
        try:
            raise failed
        finally:
            del failed  # its traceback holds this frame


class _Turn:
    """The right to call the callback: of whoever waits for it, or of the thread that calls it."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release
        self._lock = threading.Lock()
        self._is_free = True

    def _claim(self) -> bool:
        with self._lock:
            mine, self._is_free = self._is_free, False
        return mine

    def run(self, function: Callable[..., str], *args: Any) -> str:
        """Call a function that keeps the turn until its end."""
        if not self._claim():
            raise TimeoutError("timed out")  # given up meanwhile: nobody listens
        try:
            return function(*args)
        finally:
            self._release()

    def give_up(self) -> None:
        """End the turn, if the function was not begun."""
        if self._claim():
            self._release()


class OidcLogin:
    """One connection's login. It knows the token that the connection has logged in with."""

    def __init__(self, account: Account, wire: Wire, host: str) -> None:
        self._account = account
        self._wire = wire
        self._host = host
        self._token: str | None = None

    def add_to_handshake(self, body: dict[str, Any]) -> None:
        """Try the token that is known, if one is. Raises ConfigurationError for a wrong host."""
        self._account.check_host(self._host)
        token = self._account.access_token
        if token is not None:
            self._token = token
            body["speculativeAuthenticate"] = oidc.speculative(token)

    async def finish(
        self, connection: Connection, hello: Hello[Any], end: float | None, deadline: float | None
    ) -> None:
        """See `Login`."""
        begun = hello.speculative_authenticate if self._token is not None else None
        if begun and begun.get("done"):
            return
        await self._log_in(connection, end, deadline)

    async def again(self, connection: Connection, deadline: float | None) -> None:
        """See `Login`."""
        self._account.invalidate(self._token)
        await self._log_in(connection, self._wire.end(deadline), deadline)

    async def _log_in(
        self, connection: Connection, end: float | None, deadline: float | None
    ) -> None:
        self._token = None
        talk = _Talk(self._account, self._wire, connection, end, deadline)
        self._token = await (talk.as_human() if self._account.is_human else talk.as_machine())


class _Talk:
    """What is said to log one connection in, once."""

    def __init__(
        self,
        account: Account,
        wire: Wire,
        connection: Connection,
        end: float | None,
        deadline: float | None,
    ) -> None:
        self._account = account
        self._wire = wire
        self._connection = connection
        self._end = end
        self._deadline = deadline

    async def as_machine(self) -> str:
        """Log in with the token that is known, or else with one that is fetched for it."""
        known = self._account.access_token
        if known is not None and await self._accepted(known):
            return known
        token = await self._fetch()
        await self._start_with(token)
        return token

    async def as_human(self) -> str:
        """The same, where a person may have to do something to get a token."""
        account = self._account
        known = account.access_token
        if known is not None and await self._accepted(known):
            return known
        refresh_token = account.refresh_token
        if refresh_token is not None:
            token = await self._fetch(account.idp_info, refresh_token)
            if await self._accepted(token):
                return token
            account.forget_refresh_token(refresh_token)
        reply = await self._say(oidc.start_with_name(account.username))
        token = await self._fetch(self._provider(reply))
        self._check_end(await self._say(self._understand(oidc.continue_with_token, reply, token)))
        return token

    def _understand(self, read: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
        try:
            return read(*args)
        except ProtocolError as exc:
            raise bad_reply("saslStart", self._connection.address, exc) from None

    def _provider(self, reply: dict[str, Any]) -> OIDCIdPInfo:
        if reply.get("done"):
            raise OperationFailure("Server ended the SASL conversation without asking for a token.")
        return oidc.identity_provider(reply)

    async def _accepted(self, token: str) -> bool:
        """Whether the server takes a token; one that it does not take is forgotten."""
        try:
            await self._start_with(token)
        except OperationFailure as exc:
            if exc.code != _AUTHENTICATION_FAILED:
                raise
            self._account.invalidate(token)
            return False
        return True

    async def _start_with(self, token: str) -> None:
        self._check_end(await self._say(oidc.start_with_token(token)))

    @staticmethod
    def _check_end(reply: dict[str, Any]) -> None:
        if not reply.get("done"):
            raise OperationFailure("Server does not end the SASL conversation.")

    async def _say(self, command: dict[str, Any]) -> dict[str, Any]:
        command["$db"] = EXTERNAL
        return await self._wire.exchange(self._connection, command, self._end)

    async def _fetch(
        self, idp_info: OIDCIdPInfo | None = None, refresh_token: str | None = None
    ) -> str:
        """A token of the callback. Where the operation has no limit of its own, and for people,
        the time that the callback takes is not the connection's.
        """
        is_limited = self._deadline is not None and not self._account.is_human
        token = await self._account.token(self._timeout(is_limited), idp_info, refresh_token)
        if not is_limited:
            self._end = self._wire.end()
        return token

    def _timeout(self, is_limited: bool) -> float:
        if self._account.is_human:
            return oidc.HUMAN_CALLBACK_TIMEOUT_SECONDS
        left = remaining(self._end) if is_limited else None
        return oidc.MACHINE_CALLBACK_TIMEOUT_SECONDS if left is None else left
