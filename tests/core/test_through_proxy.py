"""The way through a proxy on each backend, uvloop included."""

from __future__ import annotations

import pytest

from core_kit import PING, Run, use
from fake_mongod import STANDALONE, FakeMongod
from flavours import EVERYWHERE
from socks_server import SocksServer


@pytest.mark.parametrize("flavour", EVERYWHERE)
def test_a_proxy_that_asks_for_a_login(flavour):
    async def ping(client):
        return await client.execute(Run(PING))

    with (
        FakeMongod(STANDALONE) as server,
        SocksServer(("u", "p"), {"a.test": server.address}) as proxy,
    ):
        host, port = proxy.address
        options = {"proxyhost": host, "proxyport": port, "proxyusername": "u", "proxypassword": "p"}
        assert use(flavour, "mongodb://a.test", ping, **options)["ok"] == 1
        assert {host for _, host, _ in proxy.asked} == {"a.test"}
