"""Connection strings of Unix sockets and IPv6 addresses, with a real server behind them."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import quote_plus

import pytest

from socks_server import SocksServer, pump


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def sockets(tmp_path_factory):
    """A server that listens on a Unix socket in this folder as well."""
    from mongodriver.local import LocalServer

    folder = tmp_path_factory.mktemp("s")
    with LocalServer(args=["--unixSocketPrefix", str(folder)]) as server:
        yield folder, server.members[0].port


@pytest.fixture(scope="module")
def over_ipv6(sockets):
    """The port at which the server is reached over IPv6."""

    def forward() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", sockets[1]))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


async def test_a_unix_socket(sockets, make_client):
    folder, port = sockets
    path = str(folder / f"mongodb-{port}.sock")
    client = make_client(f"mongodb://{quote_plus(path)}/test?retryWrites=false")
    await client.admin.command("ping")
    assert await client.address == (path, None)


async def test_a_unix_socket_needs_no_proxy(sockets, make_client):
    folder, port = sockets
    path = quote_plus(str(folder / f"mongodb-{port}.sock"))
    with SocksServer() as proxy:
        options = {"proxyHost": proxy.address[0], "proxyPort": proxy.address[1]}
        await make_client(f"mongodb://{path}", **options).admin.command("ping")
        assert proxy.offered == []


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["[::1]", "[::1%251]", "[0:0:0:0:0:0:0:1]"])
async def test_an_ipv6_address(host, over_ipv6, make_client):
    port = over_ipv6
    client = make_client(f"mongodb://{host}:{port}/")
    await client.admin.command("ping")
    assert (await client.address)[1] == port
    assert (await client.address)[0] == host[1:-1].replace("%25", "%")
