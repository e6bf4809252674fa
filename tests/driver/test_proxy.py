"""SOCKS5 proxies: the prose tests of socks5-support, and what can go wrong on the way."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from flavour import plain
from recording import Commands

import mongodriver
from fake_mongod import STANDALONE, FakeMongod
from mongodriver.errors import AutoReconnect, ConfigurationError, PyMongoError
from scripted import scripted
from socks_server import IPV4, IPV6, NAME, SocksServer

LOGIN = ("username", "p4ssw0rd")
RIGHT = {"proxyUsername": LOGIN[0], "proxyPassword": LOGIN[1]}
WRONG = {"proxyUsername": "nonexistentuser", "proxyPassword": "badauth"}
#: Of operations that cannot succeed, once that is known.
SOON = {"serverSelectionTimeoutMS": 1}


@pytest.fixture
def names(server):
    """A name of a member that only proxies know."""
    host, _, port = server.uri.split("/")[2].split(",")[0].partition(":")
    return {"mapped.test": (host, int(port))}


@pytest.fixture
def locked(names):
    with SocksServer(LOGIN, names) as proxy:
        yield proxy


@pytest.fixture
def free(names):
    with SocksServer(None, names) as proxy:
        yield proxy


def through(proxy: Any, **options: Any) -> dict[str, Any]:
    return {"proxyHost": proxy.address[0], "proxyPort": proxy.address[1], **options}


def as_text(uri: str, options: dict[str, Any]) -> str:
    text = "&".join(f"{name}={value}" for name, value in options.items())
    return uri + ("&" if "?" in uri else "?") + text


async def fault(client: Any) -> str:
    """What the first check of a server that cannot be reached says."""
    core = plain(client)._core
    core.open()
    end = time.monotonic() + 60
    while True:
        for description in core.description.server_descriptions().values():
            if description.error is not None:
                return str(description.error)
        assert time.monotonic() < end
        await core.backend.sleep(0.005)


CASES = [
    ("mapped", "locked", {}, False),
    ("mapped", "free", {}, True),
    ("set", "locked", {}, False),
    ("set", "free", {}, True),
    ("mapped", "locked", WRONG, False),
    ("mapped", "free", WRONG, True),
    ("set", "free", WRONG, True),
    ("mapped", "locked", RIGHT, True),
    ("set", "locked", RIGHT, True),
]


@pytest.mark.parametrize("form", ["text", "keywords"])
@pytest.mark.parametrize(("host", "kind", "login", "succeeds"), CASES)
async def test_a_connection_string(
    host, kind, login, succeeds, form, server, locked, free, make_client
):
    proxy = locked if kind == "locked" else free
    uri = server.uri if host == "set" else "mongodb://mapped.test:12345/?directConnection=true"
    options = through(proxy, **login, **({} if succeeds else SOON))
    commands = Commands()
    if form == "text":
        client = make_client(as_text(uri, options), event_listeners=[commands])
    else:
        client = make_client(uri, event_listeners=[commands], **options)
    if not succeeds:
        assert "SOCKS5 proxy" in await fault(client)
        with pytest.raises(PyMongoError, match="SOCKS5 proxy"):
            await client.admin.command("hello")
        return
    await client.admin.command("hello")
    assert proxy.asked
    assert commands.started_events
    assert all(event.connection_id[1] != proxy.address[1] for event in commands.events)
    if host == "mapped":
        assert proxy.asked[0] == (NAME, "mapped.test", 12345)
    offered = b"\0\2" if login else b"\0"
    assert set(proxy.offered) == {offered}


@pytest.mark.parametrize("bound", [IPV4, NAME, IPV6])
async def test_any_address_that_a_proxy_may_have_bound(bound, names, make_client):
    with SocksServer(None, names, bound=bound) as proxy:
        client = make_client("mongodb://mapped.test/?directConnection=true", **through(proxy))
        await client.admin.command("ping")


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("10.1.2.3", (IPV4, "10.1.2.3")),
        ("[2001:db8::1]", (IPV6, "2001:db8::1")),
        ("[fe80::1%25eth9]", (NAME, "fe80::1%eth9")),
        ("Name.Test", (NAME, "name.test")),
        ("bücher.test", (NAME, "xn--bcher-kva.test")),
    ],
)
async def test_the_host_is_passed_on_as_it_is(host, asked, make_client, free, names):
    (real,) = names.values()
    free.names[asked[1]] = real
    client = make_client(f"mongodb://{host}:5/?directConnection=true", **through(free))
    await client.admin.command("ping")
    assert free.asked[0] == (*asked, 5)


async def test_tls_behind_a_proxy(make_client, tmp_path):
    import ssl

    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("secure.test").configure_cert(context)
    with (
        FakeMongod({**STANDALONE, "maxWireVersion": 17}, tls=context) as server,
        SocksServer(None, dict.fromkeys(("secure.test", "other.test"), server.address)) as proxy,
    ):
        options = through(proxy, tls=True, tlsCAFile=str(tmp_path / "ca.pem"))
        await make_client("mongodb://secure.test", **options).admin.command("ping")
        assert "other.test" in await fault(make_client("mongodb://other.test", **options))


@pytest.mark.parametrize(
    ("status", "text"), [(2, "not allowed"), (5, "connection refused"), (77, "status 77")]
)
async def test_a_refusal(status, text, make_client):
    with SocksServer(status=status) as proxy:
        found = await fault(make_client("mongodb://a.test", **through(proxy)))
    assert "SOCKS5 proxy" in found
    assert text in found


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x05",
        b"\x04\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x05\x02",
        b"\x05\x00\x05\x00\x00\x09",
        b"\x05\x00\x05\x00\x00\x01\x00",
        b"\x05\x00\x04\x00\x00\x01",
    ],
)
async def test_an_answer_that_is_none(answer, make_client):
    def serve(sock):
        sock.recv(3)
        sock.sendall(answer)
        if len(answer) > 2 and answer[0] == 5:
            sock.recv(100)

    with scripted(serve) as proxy:
        found = await fault(make_client("mongodb://a.test", **through(proxy)))
    assert "SOCKS5 proxy" in found


async def test_a_proxy_that_is_not_there(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    options = {"proxyHost": address[0], "proxyPort": address[1]}
    found = await fault(make_client("mongodb://a.test", **options))
    assert f"SOCKS5 proxy {address[0]}:{address[1]}" in found


async def test_a_proxy_that_never_answers(make_client):
    """The deadline of an operation counts on the way as well."""
    silent = SocksServer()
    with scripted(lambda sock: sock.recv(100) and sock.recv(100)) as proxy:
        client = make_client("mongodb://a.test", **through(proxy))
        with pytest.raises(PyMongoError) as error, mongodriver.timeout(0.2):
            await client.admin.command("ping")
        assert error.value.timeout
    silent.close()


async def test_a_fault_of_the_proxy_is_no_overload(make_client, free):
    """It clears the pool, as any network error does that is not the server's load."""
    client = make_client("mongodb://mapped.test/?directConnection=true", **through(free))
    await client.admin.command("ping")
    (server,) = plain(client)._core.topology.servers
    free.status = 5
    with pytest.raises(AutoReconnect) as error:
        await server.pool._connect(99, 0, lambda connection: None, None)
    assert "SOCKS5 proxy" in str(error.value)
    assert not error.value.has_error_label("SystemOverloadedError")


@pytest.mark.parametrize(
    "options",
    [
        {"proxyPort": 5},
        {"proxyUsername": "u"},
        {"proxyHost": "h", "proxyUsername": "u"},
        {"proxyHost": "h", "proxyPassword": "p"},
        {"proxyHost": "h", "proxyUsername": "u" * 256, "proxyPassword": "p"},
    ],
    ids=str,
)
async def test_options_that_do_not_go_together(options, flavour):
    with pytest.raises(ConfigurationError, match="proxy"):
        flavour.make("mongodb://a.test", connect=False, **options)


@pytest.mark.parametrize("port", [0, -1, 65536, "x"])
async def test_a_wrong_port(port, flavour):
    with pytest.raises(ValueError, match="proxyPort"):
        flavour.make("mongodb://a.test", connect=False, proxyHost="h", proxyPort=port)


async def test_empty_names_ask_for_nothing(flavour):
    client = flavour.make(
        "mongodb://a.test/?proxyHost=h&proxyUsername=&proxyPassword=", connect=False
    )
    proxy = client.options.pool_options._proxy
    assert (proxy.address, proxy.username, proxy.password) == (("h", 1080), None, None)
    client = flavour.make("mongodb://a.test/?proxyHost=", connect=False)
    assert client.options.pool_options._proxy is None
