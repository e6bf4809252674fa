"""MONGODB-OIDC where people log in: the prose tests of the human flow; and speculation."""

from __future__ import annotations

from typing import Any

import pytest

from core_kit import Recorder, use
from mongodriver.errors import ConfigurationError, OperationFailure
from mongodriver.monitoring import (
    CommandFailedEvent,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from oidc_kit import (
    Callback,
    find,
    forget_connections,
    options_for,
    used,
)
from oidc_server import DENIED, REAUTHENTICATE, OidcServer


@pytest.fixture(params=[False, True], ids=["machine", "human"])
def human(request):
    return request.param


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
