"""MONGODB-OIDC: the prose tests of the authentication specification, against a scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import Any

import pytest

from core_kit import Find, Insert, Recorder, Run, opened, pool_of, use
from flavours import run_on
from mongodriver.auth.oidc import TIME_BETWEEN_CALLS_SECONDS
from mongodriver.auth_oidc import (
    OIDCCallback,
    OIDCCallbackContext,
    OIDCCallbackResult,
    OIDCIdPInfo,
)
from mongodriver.errors import ConfigurationError, NetworkTimeout, OperationFailure
from mongodriver.monitoring import (
    CommandFailedEvent,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from oidc_server import DENIED, ISSUER, REAUTHENTICATE, OidcServer, refusal


class Callback(OIDCCallback):
    """Returns the tokens it was given, one after the other, the last of them again and again."""

    def __init__(self, *tokens: str, refresh: str | None = None) -> None:
        self.tokens = list(tokens)
        self.refresh = refresh
        self.contexts: list[OIDCCallbackContext] = []
        self.times: list[float] = []

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        self.times.append(time.monotonic())
        self.contexts.append(context)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return OIDCCallbackResult(token, refresh_token=self.refresh)

    @property
    def calls(self) -> int:
        return len(self.contexts)


class Awaited(Callback):
    """The same as a coroutine, for clients of an event loop."""

    async def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().fetch(context)


def options_for(callback: Any, human: bool = False, **properties: Any) -> dict[str, Any]:
    """A client's options."""
    name = "OIDC_HUMAN_CALLBACK" if human else "OIDC_CALLBACK"
    return {
        "authmechanism": "MONGODB-OIDC",
        "authmechanismproperties": {name: callback, **properties},
        "servermonitoringmode": "poll",
        "retryreads": False,
    }


def used(flavour: str, server: OidcServer, callback: Any, main: Any, **kwargs: Any) -> Any:
    options = {**options_for(callback, kwargs.pop("human", False)), **kwargs}
    return use(flavour, server.uri, main, **options)


def name_of(operation: Any) -> str:
    return operation.name


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def forget_connections(client: Any) -> None:
    """End the idle connections, so that the next operation needs another one."""
    pool = pool_of(client)
    while (connection := pool.take()) is not None:
        connection.close()
        pool.checkin(connection)


def account_of(client: Any) -> Any:
    """The tokens of a client."""
    return pool_of(client)._connect.func.__self__._logins._begin.args[0]


@pytest.fixture(params=[False, True], ids=["machine", "human"])
def human(request):
    return request.param


# -- machine: 1, callback authentication; 2, validation --


def test_1_1_the_callback_is_called(flavour, human):
    callback = Callback("t")
    with OidcServer("t") as server:
        assert used(flavour, server, callback, find, human=human) == []
        expected = [{}, {"jwt": "t"}] if human else [{"jwt": "t"}]
        assert server.said == expected
    assert callback.calls == 1


def test_a_callback_may_be_a_coroutine():
    callback = Awaited("t")
    with OidcServer("t") as server:
        assert used("asyncio", server, callback, find) == []
    assert callback.calls == 1


def test_1_2_it_is_called_once_for_many_connections(human):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def whole(backend):
            async with opened(backend, server.uri, **options_for(callback, human)) as client:
                finds = [find(client) for _ in range(100)]
                assert await asyncio.gather(*finds) == [[]] * 100

        run_on("asyncio", whole)
        assert len({r.connection for r in server.of("find")}) > 1
    assert callback.calls == 1


def test_1_2_also_where_threads_share_a_client(human):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def main(client):
            failed = []
            start = threading.Barrier(10)

            def work():
                start.wait()
                try:
                    run_on("blocking", lambda backend: find(client))
                except BaseException as exc:
                    failed.append(exc)

            threads = [threading.Thread(target=work) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert failed == []

        used("blocking", server, callback, main, human=human)
    assert callback.calls == 1


def test_2_1_what_a_callback_is_given(flavour):
    callback = Callback("t", refresh="r")
    with OidcServer("t") as server:
        used(flavour, server, callback, find, connecttimeoutms=1000)
    (context,) = callback.contexts
    assert context.username == ""
    assert context.version == 1
    assert 50 < context.timeout_seconds <= 60
    assert context.refresh_token is None
    assert context.idp_info is None


def test_2_1_a_machine_is_given_the_time_of_the_operation(flavour):
    callback = Callback("t")
    with OidcServer("t") as server:
        used(flavour, server, callback, find, timeoutms=15_000, connecttimeoutms=90_000)
        used(flavour, server, callback, find, timeoutms=90_000, connecttimeoutms=15_000)
    assert all(context.timeout_seconds <= 15 for context in callback.contexts)


def test_2_1_what_a_human_callback_is_given(flavour):
    callback = Callback("t", refresh="r")
    with OidcServer("t") as server:
        uri = server.uri.replace("//", "//Ada@")
        use(flavour, uri, find, **options_for(callback, human=True), timeoutms=20_000)
        assert server.said == [{"n": "Ada"}, {"jwt": "t"}]
    (context,) = callback.contexts
    assert context.username == "Ada"
    assert 200 < context.timeout_seconds <= 300
    assert context.refresh_token is None
    assert context.idp_info == OIDCIdPInfo("https://issuer.test", "client", ["a", "b"])


def test_1_8_a_provider_may_have_no_client_id(flavour):
    callback = Callback("t")
    with OidcServer("t") as server:
        server.issuer = {"issuer": "i"}
        used(flavour, server, callback, find, human=True)
    assert callback.contexts[0].idp_info == OIDCIdPInfo("i", None, None)


@pytest.mark.parametrize("issuer", [{}, {"issuer": 1}, {**ISSUER, "requestScopes": [1]}])
def test_a_provider_that_is_none(flavour, issuer):
    callback = Callback("t")
    with OidcServer("t") as server:
        server.issuer = issuer

        async def main(client):
            with pytest.raises(OperationFailure, match="no identity provider"):
                await find(client)

        used(flavour, server, callback, main, human=True)
    assert callback.calls == 0


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (None, TypeError),
        ("token", TypeError),
        (OIDCCallbackResult(""), TypeError),
        (OIDCCallbackResult(None), TypeError),  # type: ignore[arg-type]
        (OIDCCallbackResult("t", expires_in_seconds=-1), ValueError),
    ],
)
def test_2_2_and_2_3_a_result_that_is_none(flavour, human, result, error):
    class Bad(OIDCCallback):
        def fetch(self, context):
            return result

    with OidcServer("t") as server:

        async def main(client):
            with pytest.raises(error):
                await find(client)

        used(flavour, server, Bad(), main, human=human)
        assert {"jwt": "t"} not in server.said


ERRORS = [LookupError("no token today"), FileNotFoundError(2, "no file"), TimeoutError("late")]


class Failing(Callback):
    """Returns a token as often as it is told, and then raises."""

    def __init__(self, error: Exception, good: int = 0) -> None:
        super().__init__("t")
        self.error = error
        self.good = good

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        if self.calls == self.good:
            raise self.error
        return super().fetch(context)


class FailingAwaited(Failing):
    """The same as a coroutine."""

    async def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:  # type: ignore[override]
        return super().fetch(context)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_a_callback_raises_is_raised(flavour, human, error):
    """As it is: nobody takes it for a failure of the connection to the server."""
    for kind in (Failing, FailingAwaited) if flavour != "blocking" else (Failing,):
        with OidcServer("t") as server:

            async def main(client):
                for _ in range(2):  # the right to call it was given back
                    with pytest.raises(type(error)) as caught:
                        await find(client)
                    assert caught.value is error
                return pool_of(client).size

            assert used(flavour, server, kind(error), main, human=human) == 0


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_it_raises_when_asked_again_is_raised_too(flavour, human, error):
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE]
            with pytest.raises(type(error)) as caught:
                await find(client)
            assert caught.value is error
            return pool_of(client).idle_count

        assert used(flavour, server, Failing(error, 1), main, human=human) == 0


# -- 3, failures --


def test_3_1_a_cached_token_that_is_refused_is_replaced(flavour):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            forget_connections(client)
            account_of(client).access_token = "bad"
            await find(client)

        used(flavour, server, callback, main)
        assert server.said == [{"jwt": "t"}, {"jwt": "bad"}, {"jwt": "t"}]
    assert callback.calls == 2


def test_3_2_a_new_token_that_is_refused_is_an_error(flavour):
    callback = Callback("bad")
    with OidcServer("t") as server:

        async def main(client):
            with pytest.raises(OperationFailure) as caught:
                await find(client)
            assert caught.value.code == 18

        used(flavour, server, callback, main)
    assert callback.calls == 1


def test_3_3_other_errors_leave_the_token(flavour):
    callback = Callback("t")
    with OidcServer("t", speculative=False) as server:
        server.failures["saslStart"] = [refusal(20, "IllegalOperation")]

        async def main(client):
            with pytest.raises(OperationFailure) as caught:
                await find(client)
            assert caught.value.code == 20
            assert await find(client) == []

        used(flavour, server, callback, main)
    assert callback.calls == 1


# -- 4, reauthentication --


@pytest.mark.parametrize("operation", [Find("b"), Insert("b", [{}]), Run({"ping": 1})], ids=name_of)
def test_4_1_any_operation_logs_in_again(flavour, human, operation):
    callback = Callback("t", "t2")
    with OidcServer("t", "t2") as server:

        async def main(client):
            await find(client)
            server.failures[operation.name] = [REAUTHENTICATE]
            await client.execute(operation)

        used(flavour, server, callback, main, human=human, retrywrites=False)
        assert len({r.connection for r in server.of("find", operation.name)}) == 1
        assert server.said[-1] == {"jwt": "t2"}
    assert callback.calls == 2


@pytest.mark.parametrize("operation", [Find("b"), Insert("b", [{}])], ids=name_of)
def test_4_2_and_4_3_what_fails_then_is_raised(flavour, operation):
    callback = Callback("t", "bad")
    with OidcServer("t") as server:

        async def main(client):
            await client.execute(operation)
            server.failures[operation.name] = [REAUTHENTICATE]
            with pytest.raises(OperationFailure) as caught:
                await client.execute(operation)
            assert caught.value.code == 18
            assert pool_of(client).idle_count == 0

        used(flavour, server, callback, main)
    assert callback.calls == 2


def test_it_is_done_once(flavour):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE, REAUTHENTICATE]
            with pytest.raises(OperationFailure) as caught:
                await find(client)
            assert caught.value.code == 391

        used(flavour, server, callback, main)
    assert callback.calls == 2


def test_4_4_it_does_without_speculation(flavour):
    callback = Callback("t2")
    with OidcServer("t", "t2") as server:

        async def main(client):
            client.open()
            await find_first(client)
            assert callback.calls == 0
            assert server.said == []
            server.failures["insert"] = [REAUTHENTICATE]
            await client.execute(Insert("b", [{}]))

        async def find_first(client):
            # The token is there before the first connection.
            await client.topology.select(None, None, 30, None, ())
            account_of(client).access_token = "t"
            await client.execute(Insert("b", [{}]))

        used(flavour, server, callback, main)
        assert server.speculations == 1
        assert server.said == [{"jwt": "t2"}]
    assert callback.calls == 1


def test_one_client_that_is_told_by_many_fetches_one_token(flavour):
    """The token that another connection has fetched meanwhile is not thrown away."""
    callback = Callback("t", "t2")
    with OidcServer("t", "t2") as server:

        async def main(client):
            await find(client)
            pool = pool_of(client)
            first = pool.take()
            await find(client)  # over a second connection
            pool.checkin(first)
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)  # over the first, which was given back last
            first = pool.take()
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)
            pool.checkin(first)

        used(flavour, server, callback, main)
    assert callback.calls == 2


# -- people --


@pytest.mark.parametrize(
    ("host", "allowed", "fits"),
    [
        ("127.0.0.1", None, True),
        ("127.0.0.1", [], False),
        ("127.0.0.1", ["example.com"], False),
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.1", ["*.0.0.1"], True),
        ("localhost", ["*.localhost", "*localhost", "local*"], False),
    ],
)
def test_1_6_hosts_that_are_not_allowed(flavour, host, allowed, fits):
    callback = Callback("t")
    properties = {} if allowed is None else {"ALLOWED_HOSTS": allowed}
    with OidcServer("t") as server:

        async def main(client):
            if fits:
                return await find(client)
            with pytest.raises(ConfigurationError, match="is not in"):
                await find(client)
            return None

        uri = f"mongodb://{host}:{server.address[1]}/?appName=example.com"
        use(flavour, uri, main, **options_for(callback, True, **properties))
        assert bool(server.said) is fits
    assert callback.calls == int(fits)


def test_2_3_a_refresh_token_is_passed_on(flavour):
    callback = Callback("t", refresh="r")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)

        used(flavour, server, callback, main, human=True)
        assert server.said == [{}, {"jwt": "t"}, {"jwt": "t"}]
    assert [context.refresh_token for context in callback.contexts] == [None, "r"]
    assert callback.contexts[1].idp_info == callback.contexts[0].idp_info is not None


def test_3_1_a_token_that_is_known_is_tried_in_the_handshake(flavour, human):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            forget_connections(client)
            server.failures["saslStart"] = [DENIED]
            await find(client)
            server.failures.clear()

        used(flavour, server, callback, main, human=human)
        assert server.speculations == 1
    assert callback.calls == 1


def test_3_2_none_is_tried_that_is_not_known(flavour, human):
    callback = Callback("t")
    with OidcServer("t") as server:
        server.failures["saslStart"] = [DENIED]

        async def main(client):
            with pytest.raises(OperationFailure):
                await find(client)

        used(flavour, server, callback, main, human=human)
        assert server.speculations == 0
        hellos = [r.body for r in server.requests if r.name in ("hello", "ismaster")]
        assert not any("speculativeAuthenticate" in body for body in hellos)


def test_4_1_events_show_the_operation_twice(flavour):
    recorder = Recorder()
    callback = Callback("t-secret-1", "t-secret-2", refresh="r-secret")
    with OidcServer("t-secret-1", "t-secret-2") as server:

        async def main(client):
            await find(client)
            recorder.clear()
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)

        used(flavour, server, callback, main, human=True, event_listeners=[recorder])

    def names(kind):
        return [e.command_name for e in recorder.of(kind) if e.command_name == "find"]

    assert names(CommandStartedEvent) == ["find", "find"]
    assert names(CommandSucceededEvent) == ["find"]
    assert names(CommandFailedEvent) == ["find"]
    assert "secret" not in repr([vars_of(event) for event in recorder.events])


def vars_of(event: Any) -> Any:
    return [getattr(event, name, None) for name in ("command", "reply", "failure")]


def test_4_2_without_a_refresh_token(flavour):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)

        used(flavour, server, callback, main, human=True)
        assert server.said == [{}, {"jwt": "t"}] * 2
    assert callback.calls == 2


def test_4_4_a_refresh_token_that_leads_to_nothing_is_forgotten(flavour):
    callback = Callback("t", "bad", refresh="r")
    with OidcServer("t") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE]
            with pytest.raises(OperationFailure):
                await find(client)

        used(flavour, server, callback, main, human=True)
        assert server.said[2:] == [{"jwt": "bad"}, {}, {"jwt": "bad"}]
    assert [context.refresh_token for context in callback.contexts] == [None, "r", None]


# -- how often, and how long --


def test_calls_are_some_time_apart(flavour):
    callback = Callback("t", "t2")
    with OidcServer("t", "t2") as server:

        async def main(client):
            await find(client)
            server.failures["find"] = [REAUTHENTICATE]
            await find(client)

        used(flavour, server, callback, main)
    first, second = callback.times
    # A lower bound of a wait, which no load undercuts.
    assert second - first >= TIME_BETWEEN_CALLS_SECONDS * 0.99


def test_a_callback_that_takes_too_long_holds_up_nobody_but_those_who_wait_for_it():
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Callback):
        def fetch(self, context):
            result = super().fetch(context)
            if self.calls == 1:
                begun.set()
                go_on.wait(60)
            return result

    callback = Slow("t")
    with OidcServer("t") as server:

        async def main(client):
            with pytest.raises(NetworkTimeout):
                await find(client)
            assert begun.is_set()
            go_on.set()
            client.executor.settings.timeout = None
            assert await find(client) == []

        used("asyncio", server, callback, main, timeoutms=500)
    # The second one has waited for the first, and had its token.
    assert callback.calls == 1


def test_whoever_is_cancelled_leaves_the_turn_to_others():
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Callback):
        def fetch(self, context):
            begun.set()
            go_on.wait(60)
            return super().fetch(context)

    with OidcServer("t") as server:

        async def main(client):
            tasks = [asyncio.create_task(find(client)) for _ in range(3)]
            while not begun.is_set():
                await asyncio.sleep(0.001)
            for task in tasks[:2]:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            go_on.set()
            assert await tasks[2] == []
            assert await find(client) == []

        used("asyncio", server, callback := Slow("t"), main)
    assert callback.calls == 1


def test_nothing_that_is_made_on_the_way_shows_a_token():
    callback = Callback("t-secret", refresh="r-secret")
    with OidcServer("t-secret") as server:

        async def main(client):
            await find(client)
            connection = pool_of(client).take()
            things = [client, client.options, client.options._credentials, account_of(client)]
            things += [connection, connection.login, *callback.contexts]
            things += [OIDCCallbackResult("t-secret", 1, "r-secret")]
            things += [OIDCCallbackContext(1, "u", 1, "r-secret")]
            pool_of(client).checkin(connection)
            return [repr(thing) + str(thing) for thing in things]

        texts = used("blocking", server, callback, main, human=True)
    assert not [text for text in texts if "secret" in text]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:UserWarning")
def test_a_child_process_does_not_wait_for_a_callback_of_its_parents():
    parent, begun, go_on = os.getpid(), threading.Event(), threading.Event()

    class Slow(Callback):
        def fetch(self, context):
            if os.getpid() == parent:
                begun.set()
                go_on.wait(60)
            return super().fetch(context)

    with OidcServer("t") as server:

        async def main(client):
            other = threading.Thread(target=run_on, args=("blocking", lambda _: find(client)))
            other.start()
            assert begun.wait(60)
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    account = account_of(client)
                    run_on("blocking", lambda _: account.token(30))
                    account.invalidate("t")
                    status = int(account.access_token is not None)
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
            go_on.set()
            other.join()

        used("blocking", server, Slow("t"), main)
