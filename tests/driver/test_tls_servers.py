"""TLS with a real server: whom the driver trusts, whom the server trusts, and how both are told.

The server demands certificates of its clients. What no server starts with, an expired certificate
for example, is presented by a front of the tests' own with a server behind it.
"""

from __future__ import annotations

import ssl
import uuid
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

pytest.importorskip("cryptography", minversion="43")

from cryptography.x509.oid import ExtendedKeyUsageOID
from unified.inside import core, pools

from authorities import DAY, Authority, http, now, responder, stapling, tls_front
from fake_mongod import FakeMongod
from mongodriver.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError
from mongodriver.local import LocalServer
from mongodriver.monitoring import ServerHeartbeatListener
from mongodriver.uri_parser import parse_uri

pytestmark = pytest.mark.server

HANDSHAKE = "SSL handshake failed: "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder):
    made = Authority()
    made.path = made.write(folder / "authority.pem")
    return made


@pytest.fixture(scope="module")
def own(authority, folder):
    """A client's certificate, which a user has."""
    issued = authority.issue(common="client", organization="clients")
    return SimpleNamespace(file=issued.write(folder / "client.pem"), subject=issued.subject)


@pytest.fixture(scope="module")
def strict(authority, folder, own):
    """A server that wants certificates, with a user who has one."""
    from mongodriver import MongoClient

    certificate = authority.issue("localhost").write(folder / "server.pem")
    arguments = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", certificate]
    with LocalServer(args=[*arguments, "--tlsCAFile", authority.path]) as started:
        port = started.members[0].port
        options = {"tlsCAFile": authority.path, "tlsCertificateKeyFile": own.file}
        with MongoClient("localhost", port, **options) as client:
            client["$external"].command("createUser", own.subject, roles=[])
        yield SimpleNamespace(port=port, options=options)


class Failures(ServerHeartbeatListener):
    """What heartbeats have failed with."""

    def __init__(self):
        self.errors = []

    def started(self, event):
        pass

    succeeded = started

    def failed(self, event):
        self.errors.append(event.reply)


async def ping(client):
    return (await client.admin.command("ping"))["ok"]


async def failure(make_client, port, host="localhost", **options):
    """Why no server can be selected: the error of its monitor, and that of the operation."""
    heard = Failures()
    client = make_client(
        host,
        port,
        directConnection=True,
        tls=True,
        serverSelectionTimeoutMS=200,
        event_listeners=[heard],
        **options,
    )
    for _ in range(100):
        with pytest.raises(ServerSelectionTimeoutError) as raised:
            await ping(client)
        if heard.errors and f"{host}:{port}: " in str(raised.value):
            break
    (error, *_) = heard.errors
    assert isinstance(error, AutoReconnect), error
    # The words that PyMongo has.
    about = "" if isinstance(error.__cause__, ssl.SSLCertVerificationError) else HANDSHAKE
    assert str(error).startswith(f"{about}{host}:{port}: ")
    return error


# -- whom the driver trusts --


async def test_the_right_authority_and_name(make_client, strict):
    assert await ping(make_client("localhost", strict.port, **strict.options)) == 1


async def test_replies_that_wait_for_their_reader(make_client, strict):
    """Of a cursor that reads ahead: several, each of many records of TLS."""
    client = make_client("localhost", strict.port, **strict.options)
    things = client[f"tls_{uuid.uuid4().hex[:8]}"]["things"]
    await things.insert_many([{"_id": n, "fill": "x" * 20_000} for n in range(60)])
    found = [one["_id"] async for one in things.find(batch_size=10, prefetch=3)]
    assert found == list(range(60))
    await client.drop_database(things.database)


async def test_another_authority(make_client, strict, folder):
    other = Authority(common="another").write(folder / "another.pem")
    error = await failure(make_client, strict.port, **{**strict.options, "tlsCAFile": other})
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_authorities_of_the_system(make_client, strict):
    error = await failure(make_client, strict.port)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_another_name(make_client, strict):
    error = await failure(make_client, strict.port, "127.0.0.1", **strict.options)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert "IP address mismatch" in str(error)


@pytest.mark.parametrize(
    "options",
    [
        {"tlsAllowInvalidHostnames": True},
        {"tlsAllowInvalidCertificates": True},
        {"tlsInsecure": True},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_another_name_that_is_allowed(make_client, strict, options):
    client = make_client("127.0.0.1", strict.port, **strict.options, **options)
    assert await ping(client) == 1


async def test_a_server_without_tls(make_client, server):
    ((host, port),) = parse_uri(server.uri)["nodelist"]
    await failure(make_client, port, host)


# -- whom the server trusts --


async def test_no_certificate_of_the_client(make_client, strict):
    heard = Failures()
    client = make_client(
        "localhost",
        strict.port,
        tlsCAFile=strict.options["tlsCAFile"],
        serverSelectionTimeoutMS=200,
        event_listeners=[heard],
    )
    while not heard.errors:
        with pytest.raises(ServerSelectionTimeoutError):
            await ping(client)
    # The handshake is over for the client when the server refuses it: then it hangs up.
    assert isinstance(heard.errors[0], AutoReconnect)


async def test_a_certificate_of_a_stranger(make_client, strict, folder):
    stranger = Authority(common="another").issue(common="client").write(folder / "stranger.pem")
    heard = Failures()
    options = {**strict.options, "tlsCertificateKeyFile": stranger}
    client = make_client(
        "localhost", strict.port, serverSelectionTimeoutMS=200, event_listeners=[heard], **options
    )
    while not heard.errors:
        with pytest.raises(ServerSelectionTimeoutError):
            await ping(client)
    assert isinstance(heard.errors[0], AutoReconnect)


@pytest.mark.parametrize("named", [False, True])
async def test_x509(make_client, strict, own, named):
    name = {"username": own.subject} if named else {}
    client = make_client(
        "localhost", strict.port, authMechanism="MONGODB-X509", **name, **strict.options
    )
    status = await client.admin.command("connectionStatus")
    assert status["authInfo"]["authenticatedUsers"] == [{"user": own.subject, "db": "$external"}]


@pytest.mark.parametrize("wrong", ["name", "certificate"])
async def test_x509_of_nobody(make_client, strict, authority, folder, wrong):
    options = dict(strict.options)
    if wrong == "name":
        options["username"] = "CN=nobody"
    else:
        nobody = authority.issue(common="nobody", organization="clients")
        options["tlsCertificateKeyFile"] = nobody.write(folder / "nobody.pem")
    client = make_client("localhost", strict.port, authMechanism="MONGODB-X509", **options)
    with pytest.raises(OperationFailure) as raised:
        await ping(client)
    assert raised.value.code == {"name": 18, "certificate": 11}[wrong]
    (note,) = raised.value.__notes__
    assert "the login was refused" in note


# -- certificates that are not valid any more --


@pytest.fixture
def front(server, folder):
    """Presents certificates: gives a port that leads to a real server."""
    ((host, port),) = parse_uri(server.uri)["nodelist"]
    with ExitStack() as stack:

        def present(issued, staple=None):
            context = issued.server_context(folder)
            if staple is not None:
                context = stapling(issued, folder, staple)
            return stack.enter_context(tls_front((host, port), context))

        yield present


async def test_an_expired_certificate(make_client, authority, front):
    port = front(authority.issue("localhost", start=now() - 2 * DAY, end=now() - DAY))
    error = await failure(make_client, port, tlsCAFile=authority.path)
    assert "certificate has expired" in str(error)
    client = make_client("localhost", port, directConnection=True, tls=True, tlsInsecure=True)
    assert await ping(client) == 1


async def test_a_list_of_revoked_certificates(make_client, authority, folder, front):
    good, bad = (authority.issue("localhost") for _ in range(2))
    revoked = authority.write_list(folder / "revoked.pem", bad)
    options = {"tlsCAFile": authority.path, "tlsCRLFile": revoked}
    client = make_client("localhost", front(good), directConnection=True, **options)
    assert await ping(client) == 1
    error = await failure(make_client, front(bad), **options)
    assert "certificate revoked" in str(error)


@pytest.fixture
def ocsp(authority):
    """A responder that answers for a certificate: good, "revoked", or not at all (None)."""
    with ExitStack() as stack:

        def make(status, **more):
            asked = stack.enter_context(responder(b""))
            issued = authority.issue("localhost", responders=[asked.url], **more)
            if status is not None:
                asked.answer = http(authority.answer(issued, revoked=status == "revoked"))
            return issued, asked

        yield make


async def test_a_certificate_whose_responder_vouches_for_it(make_client, authority, front, ocsp):
    issued, asked = ocsp("good")
    client = make_client(
        "localhost", front(issued), directConnection=True, tlsCAFile=authority.path
    )
    assert await ping(client) == 1
    assert len(asked.requests) == 1


@pytest.mark.parametrize("explicit", [False, True])
async def test_a_revoked_certificate(make_client, authority, front, ocsp, explicit):
    issued, _ = ocsp("revoked")
    options = {"tlsDisableOCSPEndpointCheck": False} if explicit else {}
    error = await failure(make_client, front(issued), tlsCAFile=authority.path, **options)
    assert "it was revoked" in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.parametrize(
    "options",
    [
        {"tlsDisableOCSPEndpointCheck": True},
        {"tlsInsecure": True},
        {"tlsAllowInvalidCertificates": True},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_a_responder_that_is_not_to_be_asked(make_client, authority, front, ocsp, options):
    issued, asked = ocsp("revoked")
    client = make_client(
        "localhost", front(issued), directConnection=True, tlsCAFile=authority.path, **options
    )
    assert await ping(client) == 1
    assert not asked.requests


async def test_a_responder_that_does_not_answer(make_client, authority, front, ocsp):
    issued, asked = ocsp(None)
    client = make_client(
        "localhost", front(issued), directConnection=True, tlsCAFile=authority.path
    )
    assert await ping(client) == 1
    assert asked.requests


@pytest.mark.parametrize("status", ["revoked", None])
async def test_a_certificate_that_demands_a_staple(make_client, authority, front, ocsp, status):
    issued, _ = ocsp(status, must_staple=True)
    error = await failure(make_client, front(issued), tlsCAFile=authority.path)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_a_certificate_that_demands_a_staple_and_is_vouched_for(
    make_client, authority, front, ocsp
):
    issued, _ = ocsp("good", must_staple=True)
    client = make_client(
        "localhost", front(issued), directConnection=True, tlsCAFile=authority.path
    )
    assert await ping(client) == 1


@pytest.mark.parametrize(
    "options",
    [{"tlsInsecure": True}, {"tlsAllowInvalidCertificates": True}],
    ids=lambda options: next(iter(options)),
)
async def test_what_demands_a_staple_may_be_insecure(make_client, authority, front, ocsp, options):
    issued, _ = ocsp("revoked", must_staple=True)
    client = make_client("localhost", front(issued), directConnection=True, tls=True, **options)
    assert await ping(client) == 1


# -- stapled responses --


@pytest.fixture
def openssl():
    pytest.importorskip("OpenSSL")


@pytest.fixture(params=[False, True], ids=["any", "disabled"])
def endpoints(request):
    """Stapled responses count, whether or not responders are asked."""
    return {"tlsDisableOCSPEndpointCheck": True} if request.param else {}


@pytest.mark.parametrize("must_staple", [False, True])
async def test_a_stapled_response_that_vouches(
    openssl, make_client, authority, front, ocsp, endpoints, must_staple
):
    issued, asked = ocsp("revoked", must_staple=must_staple)
    port = front(issued, authority.answer(issued))
    client = make_client(
        "localhost", port, directConnection=True, tlsCAFile=authority.path, **endpoints
    )
    assert await ping(client) == 1
    assert not asked.requests


async def test_a_stapled_response_that_says_revoked(
    openssl, make_client, authority, front, ocsp, endpoints
):
    issued, asked = ocsp("good")
    port = front(issued, authority.answer(issued, revoked=True))
    error = await failure(make_client, port, tlsCAFile=authority.path, **endpoints)
    assert "it was revoked" in str(error)
    assert not asked.requests


async def test_a_stapled_response_that_proves_nothing(
    openssl, make_client, authority, front, ocsp, endpoints
):
    issued, _ = ocsp("good")
    stranger = Authority(common="another").issue(usages=[ExtendedKeyUsageOID.OCSP_SIGNING])
    port = front(issued, authority.answer(issued, signer=stranger))
    error = await failure(make_client, port, tlsCAFile=authority.path, **endpoints)
    assert "the responder is not the issuer's" in str(error)


async def test_no_staple_where_one_is_demanded_and_nobody_may_be_asked(
    openssl, make_client, authority, front, ocsp
):
    issued, asked = ocsp("good", must_staple=True)
    error = await failure(
        make_client, front(issued), tlsCAFile=authority.path, tlsDisableOCSPEndpointCheck=True
    )
    assert "nobody vouches" in str(error)
    assert not asked.requests


@pytest.mark.parametrize("strictly", [False, True], ids=["", "strictly"])
@pytest.mark.parametrize("status", ["good", "revoked"])
async def test_a_server_that_staples(
    openssl, make_client, authority, folder, ocsp, own, status, strictly
):
    """A real one, which has asked its responder when it was started; with certificates of clients
    and TLS 1.2 it does not end the handshake that asks for the staple.
    """
    issued, asked = ocsp(status, must_staple=True)
    certificate = issued.write(folder / "stapled.pem")
    arguments = ["--tlsMode", "preferTLS", "--tlsCertificateKeyFile", certificate]
    arguments += ["--tlsCAFile", authority.path]
    options = {"tlsCAFile": authority.path, "tlsDisableOCSPEndpointCheck": True}
    if strictly:
        arguments += ["--tlsDisabledProtocols", "TLS1_3"]
        options["tlsCertificateKeyFile"] = own.file
    else:
        arguments.append("--tlsAllowConnectionsWithoutCertificates")
    with LocalServer(args=arguments) as started:
        port = started.members[0].port
        if status == "revoked":
            error = await failure(make_client, port, **options)
            assert "it was revoked" in str(error)
        else:
            assert await ping(make_client("localhost", port, **options)) == 1
    assert asked.requests


# -- the conversation --


async def test_the_server_is_told_its_name(make_client, authority, folder):
    told = []
    context = authority.issue("localhost", "127.0.0.1").server_context(folder)
    context.sni_callback = lambda sock, name, context: told.append(name)
    with FakeMongod(tls=context) as fake:
        for host in ("localhost", "127.0.0.1"):
            client = make_client(host, fake.address[1], tlsCAFile=authority.path)
            await ping(client)
            await client.close()
    assert set(told) == {"localhost", None}  # RFC 6066: an address is no name


def ssl_of(stream):
    if hasattr(stream, "_pipe"):
        return stream._pipe.ssl_object
    return getattr(stream, "_sock", None) or stream._transport.ssl_object


def resumed(client):
    """Of the connections in the pools, whether they have resumed a session."""
    found = []
    for pool in pools(client):
        for connection in pool._established:
            stream = connection.stream
            secure = ssl_of(stream)
            found.append(secure.session_reused)
    return found


async def test_sessions_are_resumed(make_client, strict, own):
    """The connection of the monitor comes first; who the client is, is known by its session."""
    client = make_client("localhost", strict.port, authMechanism="MONGODB-X509", **strict.options)
    status = await client.admin.command("connectionStatus")
    assert status["authInfo"]["authenticatedUsers"] == [{"user": own.subject, "db": "$external"}]
    assert resumed(client) == [True]


async def test_a_session_is_looked_at_now_and_then_only(make_client, strict):
    client = make_client("localhost", strict.port, **strict.options)
    await ping(client)
    settings = core(client).options.pool_options._tls
    (known,) = settings._sessions.values()
    for pool in pools(client):
        pool.clear()
        pool.ready()
    await ping(client)
    assert list(settings._sessions.values()) == [known]


async def test_a_resumed_session_is_of_a_certificate_that_may_be_revoked(
    make_client, authority, front, ocsp
):
    issued, asked = ocsp("good")
    port = front(issued)
    client = make_client("localhost", port, directConnection=True, tlsCAFile=authority.path)
    assert await ping(client) == 1
    assert resumed(client) == [True]
    settings = core(client).options.pool_options._tls
    settings._revocation._known.clear()
    asked.answer = http(authority.answer(issued, revoked=True))
    for pool in pools(client):
        pool.clear()
        pool.ready()
    with pytest.raises(AutoReconnect, match="it was revoked"):
        await ping(client)
