"""Key management services: requests over TLS, to a service and proxies of the tests' own."""

from __future__ import annotations

import socket
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
from encryption_kit import RANDOM, encryption

from kms_server import HttpProxy, KmsServer
from mongodriver import timeout
from mongodriver.encryption_options import (
    AsyncHTTPProxyKMSConnect,
    AutoEncryptionOpts,
    HTTPProxyKMSConnect,
    KMSConnectContext,
)
from mongodriver.errors import ConfigurationError, EncryptionError
from scripted import ScriptedServer

pytest.importorskip("pymongocrypt", reason="the library pymongocrypt is not installed")
trustme = pytest.importorskip("trustme")

AWS = {"aws": {"accessKeyId": "x", "secretAccessKey": "y"}}


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """An authority: the server's context, and the file and context that trust it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "kms.test").configure_cert(context)
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    trusting = ssl.create_default_context(cafile=str(file))
    return SimpleNamespace(server=context, file=str(file), trusting=trusting)


@pytest.fixture
def service(tls):
    with KmsServer(tls.server) as made:
        yield made


def master_key(service: Any) -> dict[str, str]:
    endpoint = f"127.0.0.1:{service.address[1]}"
    return {"region": "r", "key": "arn", "endpoint": endpoint}


@pytest.fixture
def made(flavour, client, db, tls):
    """Makes a ClientEncryption whose keys the service encrypts."""

    def make(**options: Any) -> Any:
        options.setdefault("kms_tls_options", {"aws": {"tlsCAFile": tls.file}})
        return encryption(flavour, client, f"{db.name}.keys", kms_providers=AWS, **options)

    return make


async def test_a_service_encrypts_keys(made, service):
    first = made()
    key_id = await first.create_data_key("aws", master_key(service))
    encrypted = await first.encrypt("secret", RANDOM, key_id=key_id)
    assert await first.decrypt(encrypted) == "secret"
    # Another one has to ask the service for the key again.
    assert await made().decrypt(encrypted) == "secret"
    assert service.actions == ["Encrypt", "Decrypt", "Decrypt"]


async def test_keys_go_from_one_master_key_to_another(made, service):
    first = made()
    key_id = await first.create_data_key("aws", master_key(service))
    encrypted = await first.encrypt("secret", RANDOM, key_id=key_id)
    result = await first.rewrap_many_data_key({}, "aws", master_key(service))
    assert result.bulk_write_result.modified_count == 1
    assert await first.decrypt(encrypted) == "secret"


async def test_replies_are_decrypted_with_keys_of_a_service(
    flavour, made, service, make_client, coll, tls
):
    first = made()
    key_id = await first.create_data_key("aws", master_key(service))
    await coll.insert_one({"a": await first.encrypt("secret", RANDOM, key_id=key_id)})
    opts = AutoEncryptionOpts(
        AWS,
        f"{coll.database.name}.keys",
        bypass_auto_encryption=True,
        kms_tls_options={"aws": {"tlsCAFile": tls.file}},
    )
    other = make_client(auto_encryption_opts=opts)
    assert (await other[coll.database.name][coll.name].find_one())["a"] == "secret"


async def test_requests_are_sent_again(made, tls):
    with KmsServer(tls.server, failures=2) as service:
        assert await made().create_data_key("aws", master_key(service))
        assert service.actions == ["Encrypt"]


async def test_not_for_ever(made, tls):
    with KmsServer(tls.server, failures=100) as service:
        with pytest.raises(EncryptionError, match="KMS request failed after 3 retries"):
            await made().create_data_key("aws", master_key(service))
        assert service.failures == 96


async def test_a_service_that_is_not_trusted(made, service):
    with pytest.raises(EncryptionError, match="certificate verify failed"):
        await made(kms_tls_options=None).create_data_key("aws", master_key(service))
    assert service.actions == []


async def test_a_service_that_somebody_else_has_certified(made):
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("else.where").configure_cert(other)
    with KmsServer(other) as service, pytest.raises(EncryptionError, match="verify failed"):
        await made().create_data_key("aws", master_key(service))


async def test_requests_have_the_deadline_of_the_operation(made, tls):
    with KmsServer(tls.server, silent=True) as service:
        with timeout(0.3), pytest.raises(EncryptionError) as raised:
            await made().create_data_key("aws", master_key(service))
        assert raised.value.timeout
        assert service.actions == ["Encrypt"]


# -- the user's own connections --


async def test_a_callback_connects(flavour, made, service):
    asked = []

    def connect(context: KMSConnectContext) -> Any:
        asked.append((context.host, context.port, context.timeout))
        return socket.create_connection(service.address)

    async def connect_later(context: KMSConnectContext) -> Any:
        return connect(context)

    callback = connect if flavour.is_sync else connect_later
    name = {"region": "r", "key": "arn", "endpoint": "kms.test:5"}
    assert await made(kms_connect_callback=callback).create_data_key("aws", name)
    # The certificate is that of the service's name.
    name["endpoint"] = "else.where:5"
    with pytest.raises(EncryptionError, match="certificate verify failed"):
        await made(kms_connect_callback=callback).create_data_key("aws", name)
    assert asked[0] == ("kms.test", 5, 20.0)
    with timeout(60):
        assert await made(kms_connect_callback=callback).create_data_key(
            "aws", {**name, "endpoint": "kms.test:5"}
        )
    assert asked[-1][2] != 20.0


async def test_a_callback_that_fails(made, service):
    tries = []

    def connect(context: KMSConnectContext) -> Any:
        tries.append(context)
        raise ValueError("no way")

    with pytest.raises(EncryptionError, match="last attempt failed with: no way"):
        await made(kms_connect_callback=connect).create_data_key("aws", master_key(service))
    assert len(tries) == 4


async def test_a_callback_returns_a_plain_socket(made, service):
    text = "must return a connected, unwrapped socket.socket, not <class 'int'>"
    with pytest.raises(EncryptionError, match=text) as raised:
        await made(kms_connect_callback=lambda _: 5).create_data_key("aws", master_key(service))
    assert isinstance(raised.value.cause, ConfigurationError)


# -- proxies --


def through(flavour: Any, *args: Any, **kwargs: Any) -> Any:
    kind = HTTPProxyKMSConnect if flavour.is_sync else AsyncHTTPProxyKMSConnect
    return kind(*args, **kwargs)


@pytest.mark.parametrize("secure", [False, True])
async def test_through_a_proxy(flavour, made, service, tls, secure):
    with HttpProxy(tls.server if secure else None) as proxy:
        callback = through(
            flavour,
            proxy.url.replace("//", "//me:p%40ss@"),
            tls.trusting if secure else None,
            {"X-One": "1"},
        )
        first = made(kms_connect_callback=callback)
        key_id = await first.create_data_key("aws", master_key(service))
        encrypted = await first.encrypt("secret", RANDOM, key_id=key_id)
        assert await first.decrypt(encrypted) == "secret"
        target = f"127.0.0.1:{service.address[1]}"
        line, headers = proxy.asked[0]
        assert line == f"CONNECT {target} HTTP/1.1"
        assert headers == {
            "host": target,
            "x-one": "1",
            "proxy-authorization": "Basic bWU6cEBzcw==",
        }
    assert service.actions == ["Encrypt", "Decrypt"]


ANSWERS = [
    (b"HTTP/1.1 407 Who are you\r\n\r\n", "proxy refused CONNECT to .*407 Who are you"),
    (b"garbage\r\n\r\n", "proxy refused CONNECT to .*garbage"),
    (b"", "proxy closed the connection while tunneling to"),
    (b"A" * 100_000, "proxy sent an oversized CONNECT response for"),
]


@pytest.mark.parametrize(("answer", "text"), ANSWERS, ids=["no", "garbage", "nothing", "much"])
async def test_a_proxy_that_does_not_connect(flavour, answer, text):
    def serve(sock: Any) -> None:
        sock.recv(65536)
        sock.sendall(answer)

    server = ScriptedServer(serve)
    try:
        callback = through(flavour, f"http://127.0.0.1:{server.address[1]}")
        with pytest.raises(OSError, match=text):
            found = callback(KMSConnectContext("kms.test", 443, 30.0))
            if not flavour.is_sync:
                await found
    finally:
        server.close()


async def test_a_proxy_that_is_not_there(flavour):
    callback = through(flavour, "http://127.0.0.1:1")
    with pytest.raises(OSError, match=r"could not connect to proxy 127\.0\.0\.1:1: "):
        found = callback(KMSConnectContext("kms.test", 443, 30.0))
        if not flavour.is_sync:
            await found


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        (("h:1",), ConfigurationError, "must have an http or https scheme, not 'h:1'"),
        (("http://",), ConfigurationError, "must include a host"),
        (("http://u:p@h:3/x",), ConfigurationError, r"fragment: 'http://\*\*\*@h:3/x'"),
        (("http://h:0",), ConfigurationError, "invalid proxy_url"),
        (("http://u:p@h:x",), ConfigurationError, r"invalid proxy_url: 'http://\*\*\*@h:x'"),
        ((5,), TypeError, "proxy_url must be a string"),
        (("http://h", 5), ConfigurationError, "ssl_context requires an https proxy_url"),
        (("http://h", None, {"a": "b\r\nc"}), ConfigurationError, "header value for 'a'"),
        (("http://h", None, {"a b": "c"}), ConfigurationError, "header name: 'a b'"),
        (("http://h", None, {"Host": "c"}), ConfigurationError, "the Host CONNECT header"),
        (("http://h", None, {"a": 5}), TypeError, "names and values must be strings"),
        (
            ("http://u@h", None, {"proxy-authorization": "x"}),
            ConfigurationError,
            "must not include userinfo when headers",
        ),
    ],
)
def test_what_is_wrong_with_a_proxy(args, error, text):
    with pytest.raises(error, match=text):
        HTTPProxyKMSConnect(*args)


def test_a_proxy_has_its_scheme_s_port():
    assert HTTPProxyKMSConnect("http://h").port == 80
    assert HTTPProxyKMSConnect("https://h").port == 443
    assert HTTPProxyKMSConnect("http://[::1]:3").host == "::1"


# -- credentials that are looked up --


async def test_credentials_of_aws_need_a_library(flavour, client, db, service):
    try:
        import pymongo_auth_aws  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("pymongo_auth_aws is installed, and would ask the network")
    lazy = encryption(flavour, client, f"{db.name}.keys", kms_providers={"aws": {}})
    with pytest.raises(EncryptionError, match="On-demand AWS credentials require"):
        await lazy.create_data_key("aws", master_key(service))
