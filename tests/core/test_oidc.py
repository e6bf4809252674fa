"""MONGODB-OIDC: the prose tests of the authentication specification, against a scripted server."""

from __future__ import annotations

import threading

import pytest

from core_kit import Find, Insert, Run, opened, pool_of, use
from flavours import ASYNCHRONOUS, run_on
from mongodriver.auth_oidc import (
    OIDCCallback,
    OIDCCallbackContext,
    OIDCCallbackResult,
    OIDCIdPInfo,
)
from mongodriver.errors import OperationFailure
from oidc_kit import (
    Awaited,
    Callback,
    account_of,
    find,
    forget_connections,
    name_of,
    options_for,
    used,
)
from oidc_server import ISSUER, REAUTHENTICATE, OidcServer, refusal
from tasks import together


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


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_a_callback_may_be_a_coroutine(library):
    callback = Awaited("t")
    with OidcServer("t") as server:
        assert used(library, server, callback, find) == []
    assert callback.calls == 1


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_1_2_it_is_called_once_for_many_connections(human, library):
    callback = Callback("t")
    with OidcServer("t") as server:

        async def whole(backend):
            async with opened(backend, server.uri, **options_for(callback, human)) as client:
                finds = [find(client) for _ in range(100)]
                assert await together(*finds) == [[]] * 100

        run_on(library, whole)
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
