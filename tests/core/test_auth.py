"""Logging in: every mechanism mongod offers, and what its events show."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from core_kit import (
    PING,
    Find,
    Insert,
    Recorder,
    Run,
    make_client,
    opened,
    pool_of,
    until_known_to_fail,
    use,
)
from flavours import ASYNCHRONOUS, run_on
from mongodriver.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError
from mongodriver.local import LocalServer
from mongodriver.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent
from tasks import together

pytestmark = pytest.mark.server

PASSWORD = "p@ss:w/ord%"
USERS = {
    "both": ["SCRAM-SHA-1", "SCRAM-SHA-256"],
    "old": ["SCRAM-SHA-1"],
    "new": ["SCRAM-SHA-256"],
}
#: Names are taken as they are, and passwords prepared (authentication specification, step 4).
PREPARED = {"IX": "IX", "\u2168": "\u2163"}
MECHANISMS = "authenticationMechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-1"


@pytest.fixture(scope="module")
def guarded():
    """A server that wants a login, with a user for each set of mechanisms."""
    with LocalServer(args=["--auth", "--setParameter", MECHANISMS]) as started:
        root = {"createUser": "root", "pwd": PASSWORD, "roles": ["root"]}
        started.command(0, root, 10)

        async def main(client):
            for name, mechanisms in USERS.items():
                user = {"createUser": name, "pwd": PASSWORD, "roles": ["readWriteAnyDatabase"]}
                await client.execute(Run({**user, "mechanisms": mechanisms}))
            for name, password in PREPARED.items():
                user = {"createUser": name, "pwd": password, "roles": []}
                await client.execute(Run({**user, "mechanisms": USERS["new"]}))

        use("blocking", as_user(started, "root"), main)
        yield started


def as_user(server, name, password=PASSWORD, **options):
    query = "&".join(f"{k}={v}" for k, v in options.items())
    address = server.members[0].address
    return f"mongodb://{quote(name)}:{quote(password, safe='')}@{address}/?{query}"


async def write_and_read(client):
    await client.execute(Insert("auth", [{}]))
    return await client.execute(Find("auth"))


@pytest.mark.parametrize(
    ("user", "mechanism"),
    [
        ("both", None),
        ("old", None),
        ("new", None),
        ("both", "SCRAM-SHA-1"),
        ("both", "SCRAM-SHA-256"),
        ("old", "SCRAM-SHA-1"),
        ("new", "SCRAM-SHA-256"),
    ],
)
def test_scram(flavour, guarded, user, mechanism):
    options = {} if mechanism is None else {"authMechanism": mechanism}
    assert use(flavour, as_user(guarded, user, **options), write_and_read)


def test_plain_is_spoken_as_the_server_expects(flavour, guarded):
    """mongod without LDAP checks the password itself."""
    uri = as_user(guarded, "both", authMechanism="PLAIN", authSource="admin")

    async def main(client):
        return await client.execute(Run(PING))

    assert use(flavour, uri, main)["ok"] == 1


@pytest.mark.parametrize(
    ("name", "password"),
    [("IX", "IX"), ("IX", "I\u00adX"), ("\u2168", "IV"), ("\u2168", "I\u00adV")],
)
def test_passwords_are_prepared(flavour, guarded, name, password):
    """The soft hyphen is mapped to nothing, the numeral to letters (RFC 4013)."""

    async def main(client):
        return await client.execute(Run(PING))

    assert use(flavour, as_user(guarded, name, password), main)["ok"] == 1


@pytest.mark.parametrize(("user", "mechanism"), [("old", "SCRAM-SHA-256"), ("new", "SCRAM-SHA-1")])
def test_a_mechanism_that_the_user_has_not(flavour, guarded, user, mechanism):
    async def main(client):
        with pytest.raises(OperationFailure) as caught:
            await client.execute(Run(PING))
        return caught.value.code

    assert use(flavour, as_user(guarded, user, authMechanism=mechanism), main) == 18


def test_the_better_mechanism_is_negotiated(flavour, guarded):
    async def main(client):
        await client.execute(Run(PING))
        return next(iter(client.options._credentials.cache))[0]

    assert use(flavour, as_user(guarded, "both"), main) == "SCRAM-SHA-256"
    assert use(flavour, as_user(guarded, "old"), main) == "SCRAM-SHA-1"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "DEFAULT"])
@pytest.mark.parametrize(("user", "password"), [("both", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_login_is_refused(flavour, guarded, user, password, mechanism):
    recorder = Recorder()

    async def main(client):
        with pytest.raises(OperationFailure, match="Authentication failed") as caught:
            await client.execute(Run(PING))
        return caught.value, pool_of(client).size

    options = {} if mechanism == "DEFAULT" else {"authMechanism": mechanism}
    uri = as_user(guarded, user, password, **options)
    error, size = use(flavour, uri, main, event_listeners=[recorder])
    assert error.code == 18
    assert size == 0
    assert password not in repr(recorder.events)


def test_a_pool_is_cleared_before_a_connection_is_closed_whose_login_failed(flavour, guarded):
    recorder = Recorder()

    async def main(client):
        with pytest.raises(OperationFailure):
            await client.execute(Run(PING))

    use(flavour, as_user(guarded, "both", "wrong"), main, event_listeners=[recorder])
    names = [type(e).__name__ for e in recorder.events]
    assert [n for n in names if n.startswith(("Connection", "Pool"))] == [
        "PoolCreatedEvent",
        "PoolReadyEvent",
        "ConnectionCheckOutStartedEvent",
        "ConnectionCreatedEvent",
        "PoolClearedEvent",
        "ConnectionClosedEvent",
        "ConnectionCheckOutFailedEvent",
        "PoolClosedEvent",
    ]


def test_the_server_is_unknown_after_a_failed_login(flavour, guarded):
    async def main(client):
        with pytest.raises(OperationFailure):
            await client.execute(Run(PING))
        (found,) = client.description.server_descriptions().values()
        return found.server_type_name, found.error

    kind, error = use(flavour, as_user(guarded, "both", "wrong"), main)
    assert kind == "Unknown"
    assert error.code == 18


def test_not_logged_in(flavour, guarded):
    async def main(client):
        with pytest.raises(OperationFailure, match="requires authentication"):
            await client.execute(Find("auth"))

    use(flavour, f"mongodb://{guarded.members[0].address}/", main)


def test_keys_are_derived_once(flavour, guarded):
    async def main(client):
        for _ in range(3):
            await client.execute(Run(PING))
            pool = pool_of(client)
            taken = pool.take()
            taken.close()
            pool.checkin(taken)
        return len(client.options._credentials.cache)

    assert use(flavour, as_user(guarded, "both"), main) == 1


def test_events_show_nothing_of_a_login(flavour, guarded):
    recorder = Recorder()

    async def main(client):
        await client.execute(Run(PING))
        user = {"updateUser": "both", "pwd": PASSWORD}
        with pytest.raises(OperationFailure):
            await client.execute(Run(user))

    use(flavour, as_user(guarded, "old"), main, event_listeners=[recorder])
    commands = recorder.of(CommandStartedEvent)
    names = [e.command_name for e in commands]
    assert names[:3] == ["saslStart", "saslContinue", "ping"]
    shown = {e.command_name: e.command for e in commands}
    assert shown["saslStart"] == shown["saslContinue"] == shown["updateUser"] == {}
    replies = {e.command_name: e.reply for e in recorder.of(CommandSucceededEvent)}
    assert replies["saslStart"] == replies["saslContinue"] == {}
    assert PASSWORD not in repr([e.command for e in commands])
    (failed,) = recorder.of(CommandFailedEvent)
    assert failed.command_name == "updateUser"
    assert failed.failure == {"code": 13, "codeName": "Unauthorized"}


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_many_connections_log_in_at_the_same_time(guarded, library):
    async def main(backend):
        async with opened(backend, as_user(guarded, "new"), maxconnecting=10) as client:
            replies = await together(*[client.execute(Run(PING)) for _ in range(30)])
            return sum(r["ok"] for r in replies)

    assert run_on(library, main) == 30


def test_a_password_is_in_no_repr(guarded):
    async def main(backend):
        client = make_client(backend, as_user(guarded, "both"))
        await client.execute(Run(PING))
        texts = [repr(client), repr(client.options._credentials), repr(client.description)]
        await client.close()
        return texts

    assert all(PASSWORD not in text for text in run_on("blocking", main))


# -- TLS --


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A server that wants TLS and knows one client certificate as a user."""
    trustme = pytest.importorskip("trustme")  # not to be had on every interpreter
    x509 = pytest.importorskip("cryptography.x509")
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    files = {"ca": str(folder / "ca.pem")}
    authority.cert_pem.write_to_path(files["ca"])
    own = trustme.CA()
    files["other ca"] = str(folder / "other.pem")
    own.cert_pem.write_to_path(files["other ca"])
    certificates = {
        "server": authority.issue_cert("localhost", "127.0.0.1"),
        "client": authority.issue_cert("client.test", organization_name="tests"),
    }
    for name, certificate in certificates.items():
        files[name] = str(folder / f"{name}.pem")
        certificate.private_key_and_cert_chain_pem.write_to_path(files[name])
    pem = certificates["client"].cert_chain_pems[0].bytes()
    subject = x509.load_pem_x509_certificate(pem).subject.rfc4514_string()
    tls = ["--tlsMode", "requireTLS", "--tlsCAFile", files["ca"]]
    arguments = [*tls, "--tlsCertificateKeyFile", files["server"]]
    allow = ["--tlsAllowConnectionsWithoutCertificates", "--tlsAllowInvalidHostnames"]
    allowed = ["--setParameter", "authenticationMechanisms=MONGODB-X509,SCRAM-SHA-256"]
    with LocalServer(args=[*arguments, *allow, *allowed]) as started:
        user = {"createUser": subject, "roles": [{"role": "root", "db": "admin"}]}

        async def main(client):
            await client.execute(Run(user, "$external"))

        files["subject"] = subject
        uri = f"mongodb://localhost:{started.members[0].port}/"
        use("blocking", uri, main, tls=True, tlscafile=files["ca"])
        yield started, files


def uri_of(secured):
    return f"mongodb://localhost:{secured[0].members[0].port}/?serverSelectionTimeoutMS=60000"


def test_tls(flavour, secured):
    files = secured[1]

    async def main(client):
        return await client.execute(Insert("tls", [{"data": b"x" * 3_000_000}]))

    assert use(flavour, uri_of(secured), main, tls=True, tlscafile=files["ca"])["n"] == 1


def test_tls_with_an_unknown_authority(flavour, secured):
    async def main(client):
        await until_known_to_fail(client)
        with pytest.raises(ServerSelectionTimeoutError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.execute(Run(PING))

    options = {"tls": True, "tlscafile": secured[1]["other ca"], "serverselectiontimeoutms": 100}
    use(flavour, uri_of(secured), main, **options)


def test_tls_that_trusts_anybody(flavour, secured):
    async def main(client):
        return await client.execute(Run(PING))

    assert use(flavour, uri_of(secured), main, tlsinsecure=True, tls=True)["ok"] == 1


def test_plain_connection_to_a_tls_server(flavour, secured):
    async def main(client):
        with pytest.raises((ServerSelectionTimeoutError, AutoReconnect)):
            await client.execute(Run(PING))

    use(flavour, uri_of(secured), main, serverselectiontimeoutms=100)


@pytest.mark.parametrize("named", [True, False])
def test_x509(flavour, secured, named):
    files = secured[1]
    options = {
        "tls": True,
        "tlscafile": files["ca"],
        "tlscertificatekeyfile": files["client"],
        "authmechanism": "MONGODB-X509",
    }

    async def main(client):
        status = await client.execute(Run({"connectionStatus": 1}))
        return status["authInfo"]["authenticatedUsers"]

    uri = uri_of(secured)
    if named:
        uri = uri.replace("://", f"://{quote(files['subject'], safe='')}@")
    users = use(flavour, uri, main, **options)
    assert users == [{"user": files["subject"], "db": "$external"}]


def test_x509_with_another_name_than_the_certificates(flavour, secured):
    files = secured[1]
    options = {
        "tls": True,
        "tlscafile": files["ca"],
        "tlscertificatekeyfile": files["client"],
        "authmechanism": "MONGODB-X509",
    }

    async def main(client):
        with pytest.raises(OperationFailure):
            await client.execute(Run(PING))

    use(flavour, uri_of(secured).replace("://", "://CN%3Dsomebody@"), main, **options)


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_in_plain(flavour, guarded, password):
    uri = as_user(guarded, "both", password, authMechanism="PLAIN", authSource="admin")

    async def main(client):
        with pytest.raises(OperationFailure) as caught:
            await client.execute(Run(PING))
        return caught.value.code

    assert use(flavour, uri, main) == 18


def test_x509_without_a_certificate(flavour, secured):
    options = {"tls": True, "tlscafile": secured[1]["ca"], "authmechanism": "MONGODB-X509"}

    async def main(client):
        with pytest.raises(OperationFailure):
            await client.execute(Run(PING))

    use(flavour, uri_of(secured), main, **options)
