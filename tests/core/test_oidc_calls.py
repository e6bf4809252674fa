"""MONGODB-OIDC: how often callbacks are called, how long they may take, and what shows of it."""

from __future__ import annotations

import contextlib
import os
import threading

import pytest

from core_kit import pool_of
from flavours import ASYNCHRONOUS, run_on
from mongodriver.auth.oidc import TIME_BETWEEN_CALLS_SECONDS
from mongodriver.auth_oidc import (
    OIDCCallbackContext,
    OIDCCallbackResult,
)
from mongodriver.errors import NetworkTimeout
from oidc_kit import (
    Callback,
    account_of,
    find,
    used,
)
from oidc_server import REAUTHENTICATE, OidcServer
from tasks import WasCancelled, begin, pause


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


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_a_callback_that_takes_too_long_holds_up_nobody_but_those_who_wait_for_it(library):
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

        used(library, server, callback, main, timeoutms=500)
    # The second one has waited for the first, and had its token.
    assert callback.calls == 1


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_whoever_is_cancelled_leaves_the_turn_to_others(library):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Callback):
        def fetch(self, context):
            begun.set()
            go_on.wait(60)
            return super().fetch(context)

    with OidcServer("t") as server:

        async def main(client):
            tasks = [begin(find(client)) for _ in range(3)]
            while not begun.is_set():
                await pause(0.001)
            for task in tasks[:2]:
                task.cancel()
                with contextlib.suppress(WasCancelled):
                    await task
            go_on.set()
            assert await tasks[2] == []
            assert await find(client) == []

        used(library, server, callback := Slow("t"), main)
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
