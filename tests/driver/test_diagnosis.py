"""Errors of server selection say why, on real servers; what cannot heal is not waited for.

Where a selection ends at once its limit is far above that of a test: nobody could wait for it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import traceback
from functools import partial

import pymongo
import pytest
from flavour import Flavour, step

import mongodriver
from certificates import ANYBODY, Certificates
from fake_mongod import HANG_UP, STANDALONE, FakeMongod
from mongodriver.causes import CauseKind as K
from mongodriver.errors import (
    ConfigurationError,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from mongodriver.local import LocalServer
from scripted import scripted
from tasks import in_thread

pytestmark = pytest.mark.server

#: Milliseconds: ten hours, and a moment.
FOREVER, BRIEFLY = 36_000_000, 300


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(files):
    """A server that requires TLS, and a certificate of its clients."""
    with LocalServer(args=files.mongod()) as server:
        yield server


@pytest.fixture(scope="module")
def secure_in_tls_1_3(files):
    others = ("--tlsDisabledProtocols", "TLS1_0,TLS1_1,TLS1_2")
    with LocalServer(args=files.mongod("server", *others)) as started:
        yield started


@pytest.fixture(scope="module")
def open_to_anybody(files):
    """A server that requires TLS, and no certificate of its clients."""
    with LocalServer(args=files.mongod("server", ANYBODY)) as server:
        yield server


@pytest.fixture(scope="module")
def misnamed(files):
    """A server whose certificate is for another host."""
    with LocalServer(args=files.mongod("elsewhere", ANYBODY)) as server:
        yield server


@pytest.fixture(scope="module")
def standalone():
    with LocalServer() as server:
        yield server


@pytest.fixture(scope="module")
def set_of_one():
    with LocalServer("rs0") as server:
        yield server


@pytest.fixture(scope="module")
def guarded():
    with LocalServer(args=["--auth"]) as server:
        root = {"createUser": "root", "pwd": "right", "roles": ["root"]}
        server.command(0, root, 10)
        yield server


def host_of(server):
    return server.members[0].address


def speaks_tls(files, name):
    """What servers refuse to start with: a certificate that is out of its time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(getattr(files, name))
    return FakeMongod(tls=context)


async def selection_error(client):
    """The error of a ping, and that it is as all of them are."""
    with pytest.raises(ServerSelectionTimeoutError) as raised:
        await client.admin.command("ping")
    error = raised.value
    assert error.causes
    assert error.hint
    assert "\n" not in error.hint
    shown = "".join(traceback.format_exception_only(error))
    assert shown.endswith(f"\nHint: {error.hint}\n")
    return error


async def only_cause(client):
    error = await selection_error(client)
    (cause,) = error.causes
    assert cause.permanent is not error.retryable
    return cause


# -- what cannot heal --


@pytest.mark.parametrize(
    ("server", "options", "kind"),
    [
        ("open_to_anybody", {"tlsCAFile": "other_ca"}, K.TLS_UNTRUSTED),
        ("open_to_anybody", {}, K.TLS_UNTRUSTED),
        ("misnamed", {"tlsCAFile": "ca"}, K.TLS_HOST_NAME),
        ("secure", {"tlsCAFile": "ca"}, K.TLS_CLIENT_CERTIFICATE),
        (
            "secure",
            {"tlsCAFile": "ca", "tlsCertificateKeyFile": "foreign"},
            K.TLS_CLIENT_CERTIFICATE,
        ),
        ("secure_in_tls_1_3", {"tlsCAFile": "ca"}, K.TLS_CLIENT_CERTIFICATE),
    ],
    ids=["authority", "system", "name", "no certificate", "foreign certificate", "TLS 1.3"],
)
async def test_tls_that_cannot_work(server, options, kind, request, files, make_client):
    options = {name: getattr(files, value) for name, value in options.items()}
    uri = request.getfixturevalue(server).uri
    client = make_client(uri, tls=True, serverSelectionTimeoutMS=FOREVER, **options)
    for _ in range(2):
        assert (await only_cause(client)).kind == kind


async def test_a_certificate_that_has_expired(files, make_client):
    with speaks_tls(files, "expired") as server:
        options = {"tls": True, "tlsCAFile": files.ca}
        client = make_client(server.uri, serverSelectionTimeoutMS=FOREVER, **options)
        assert (await only_cause(client)).kind == K.TLS_EXPIRED
        # The text is PyMongo's, the limit that was configured included.
        error = await selection_error(client)
        assert f"Timeout: {FOREVER / 1000}s, Topology Description: " in str(error)


async def test_a_certificate_that_was_revoked(files, make_client):
    options = {"tls": True, "tlsCAFile": files.ca, "tlsCRLFile": files.crl()}
    with speaks_tls(files, "revoked") as server:
        client = make_client(server.uri, serverSelectionTimeoutMS=FOREVER, **options)
        assert (await only_cause(client)).kind == K.TLS_REVOKED
    with speaks_tls(files, "server") as server:
        client = make_client(server.uri, serverSelectionTimeoutMS=FOREVER, **options)
        assert await client.admin.command("ping")


@pytest.mark.parametrize("server", ["secure", "secure_in_tls_1_3"])
async def test_plain_text_where_tls_is_required(server, request, make_client):
    uri = request.getfixturevalue(server).uri
    client = make_client(uri, serverSelectionTimeoutMS=FOREVER)
    for _ in range(2):
        cause = await only_cause(client)
        assert cause.kind == K.TLS_REQUIRED
        assert "tls=true" in cause.hint


async def test_tls_where_there_is_none(standalone, make_client):
    client = make_client(standalone.uri, tls=True, serverSelectionTimeoutMS=FOREVER)
    for _ in range(2):
        cause = await only_cause(client)
        assert cause.kind == K.TLS_PLAIN_TEXT
        assert "tls=true" in cause.hint


async def test_a_port_that_answers_in_plain_text(make_client):
    def answer(sock):
        sock.recv(1)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with scripted(answer) as server:
        uri = "mongodb://{}:{}/?tls=true".format(*server.address)
        client = make_client(uri, serverSelectionTimeoutMS=FOREVER)
        assert (await only_cause(client)).kind == K.TLS_PLAIN_TEXT


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize(
    ("server", "kind"), [("set_of_one", K.SET_NAME), ("standalone", K.NOT_A_MEMBER)]
)
async def test_a_wrong_set_name(server, kind, direct, request, make_client):
    uri = f"mongodb://{host_of(request.getfixturevalue(server))}/?replicaSet=wrong"
    client = make_client(uri, directConnection=direct, serverSelectionTimeoutMS=FOREVER)
    for _ in range(2):
        cause = await only_cause(client)
        assert cause.kind == kind
    assert ("'rs0'" in cause.hint) is (kind == K.SET_NAME)


async def test_a_server_that_is_too_old(make_client):
    with FakeMongod({"ok": 1, "ismaster": True, "minWireVersion": 0, "maxWireVersion": 2}) as old:
        client = make_client(old.uri, serverSelectionTimeoutMS=FOREVER)
        with pytest.raises(ConfigurationError, match="requires at least 9") as raised:
            await client.admin.command("ping")
        assert "too old" in raised.value.__notes__[0]


async def test_a_wrong_password(guarded, make_client):
    """An OperationFailure, as always: at once, and each time."""
    client = make_client(
        f"mongodb://root:wrong@{host_of(guarded)}", serverSelectionTimeoutMS=FOREVER
    )
    for _ in range(2):
        with pytest.raises(OperationFailure, match="Authentication failed") as raised:
            await client.admin.command("ping")
        assert raised.value.code == 18
        (note,) = raised.value.__notes__
        assert "authSource" in note
        assert "wrong" not in note


async def test_every_seed_must_fail(files, standalone, make_client):
    """One host that has expired does not matter while another may come, or serves."""
    with speaks_tls(files, "expired") as expired, socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = ["{}:{}".format(*address) for address in (expired.address, silent.getsockname())]
        options = {"tls": True, "tlsCAFile": files.ca, "serverSelectionTimeoutMS": BRIEFLY}
        error = await selection_error(make_client(hosts, **options))
        found = {cause.kind: cause.permanent for cause in error.causes}
        assert found == {K.TLS_EXPIRED: True, K.NO_ANSWER: False}
        assert error.retryable


async def test_the_option(files, make_client):
    with speaks_tls(files, "expired") as server:
        options = {"tls": True, "tlsCAFile": files.ca, "serverSelectionTimeoutMS": 2000}
        uri = f"{server.uri}?serverSelectionFailFast=false"
        client = make_client(uri, **options)
        error = await selection_error(client)
        # It was asked again and again.
        assert server.connections > 2
        assert not error.retryable


async def test_no_second_look_where_nobody_asked_for_it(standalone, make_client):
    options = {"serverSelectionTimeoutMS": BRIEFLY, "serverSelectionFailFast": False}
    cause = await only_cause(make_client(standalone.uri, tls=True, **options))
    assert cause.kind == K.TLS_CLOSED


@pytest.mark.parametrize("value", [1, "maybe", None, 1.0])
def test_values_of_the_option_are_checked(value, flavour):
    with pytest.raises((TypeError, ValueError), match="serverSelectionFailFast"):
        flavour.make("mongodb://h", connect=False, serverSelectionFailFast=value)


# -- what can heal --


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return "{}:{}".format(*sock.getsockname())


@contextlib.contextmanager
def black_hole():
    """A listener that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield "{}:{}".format(*sock.getsockname())


async def test_a_closed_port(make_client):
    client = make_client(f"mongodb://{closed_port()}", serverSelectionTimeoutMS=BRIEFLY)
    assert (await only_cause(client)).kind == K.REFUSED


async def test_a_name_that_does_not_resolve(make_client):
    client = make_client("mongodb://no.such.invalid", serverSelectionTimeoutMS=3000)
    cause = await only_cause(client)
    # Where DNS itself does not answer, no check has ended yet.
    assert cause.kind in (K.DNS, K.NO_ANSWER)


async def test_a_host_that_does_not_answer(make_client):
    with black_hole() as host:
        client = make_client(f"mongodb://{host}", serverSelectionTimeoutMS=BRIEFLY)
        assert (await only_cause(client)).kind == K.NO_ANSWER


async def test_a_host_that_does_not_answer_in_time(make_client):
    with black_hole() as host:
        options = {"serverSelectionTimeoutMS": 2000, "connectTimeoutMS": 50}
        client = make_client(f"mongodb://{host}", **options)
        assert (await only_cause(client)).kind == K.TIMED_OUT


async def test_a_server_that_hangs_up_and_comes_back(make_client):
    """As behind a proxy while the server starts: the selection goes on until it answers."""
    answers = iter([HANG_UP] * 4)
    with FakeMongod(lambda request: next(answers, STANDALONE)) as server:
        client = make_client(server.uri, serverSelectionTimeoutMS=FOREVER)
        assert await client.admin.command("ping")
        assert len(server.of("hello", "ismaster")) > 4


async def test_a_tls_proxy_whose_server_comes_back(files, make_client):
    """It hangs up after the handshake as mongod does, but wants no certificate of its clients."""
    answers = iter([HANG_UP] * 4)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    with FakeMongod(lambda request: next(answers, STANDALONE), tls=context) as server:
        options = {"tls": True, "tlsCAFile": files.ca}
        client = make_client(server.uri, serverSelectionTimeoutMS=FOREVER, **options)
        assert await client.admin.command("ping")
        assert len(server.of("hello", "ismaster")) > 4


async def test_a_proxy_whose_server_is_down(make_client):
    """It takes connections, also for TLS, and hangs up."""
    with scripted(lambda sock: sock.recv(1)) as proxy:
        client = make_client(
            "mongodb://{}:{}/?tls=true".format(*proxy.address), serverSelectionTimeoutMS=2000
        )
        cause = await only_cause(client)
        assert (cause.kind, cause.permanent) == (K.TLS_CLOSED, False)


async def test_a_set_without_a_primary(make_client):
    member = {**STANDALONE, "isWritablePrimary": False, "secondary": True, "setName": "rs"}
    with FakeMongod() as server:
        name = "{}:{}".format(*server.address)
        server.hello = {**member, "hosts": [name], "me": name}
        client = make_client(f"{server.uri}?replicaSet=rs", serverSelectionTimeoutMS=BRIEFLY)
        cause = await only_cause(client)
        assert (cause.kind, cause.permanent) == (K.NO_PRIMARY, False)


async def test_tags_that_nobody_has(set_of_one, make_client):
    query = "readPreference=secondary&readPreferenceTags=dc:none"
    client = make_client(f"{set_of_one.uri}&{query}", serverSelectionTimeoutMS=BRIEFLY)
    with pytest.raises(ServerSelectionTimeoutError) as raised:
        await client.town.people.find_one({})
    (cause,) = raised.value.causes
    assert cause.kind == K.NO_MATCH
    assert "dc" in cause.detail


# -- the text --


def as_text(error):
    """An error's message without ids."""
    return re.sub(r"id: [0-9a-f]{24}", "id", str(error)).replace("mongodriver", "pymongo")


async def theirs(flavour, uri, options, operation="client.admin.command('ping')"):
    """The message of PyMongo's error. Nothing of its traceback is ever shown."""
    if flavour.name == "trio":  # where errors of sockets have the operating system's words
        return await in_thread(step, theirs(Flavour("sync"), uri, options, operation))
    kind = pymongo.MongoClient if flavour.is_sync else pymongo.AsyncMongoClient
    client = kind(uri, **options)
    text = None
    try:
        answer = eval(operation, {"client": client, "pymongo": pymongo})
        if not flavour.is_sync:
            await answer
    except pymongo.errors.ServerSelectionTimeoutError as exc:
        text = as_text(exc)
    closing = client.close()
    if not flavour.is_sync:
        await closing
    return text


@pytest.mark.parametrize(
    ("server", "options"),
    [
        (None, {}),
        ("open_to_anybody", {"tls": True, "tlsCAFile": "other_ca"}),
        ("misnamed", {"tls": True, "tlsCAFile": "ca"}),
        ("secure", {"tls": True, "tlsCAFile": "ca"}),
        ("secure", {}),
        ("standalone", {"replicaSet": "wrong"}),
        ("standalone", {"replicaSet": "wrong", "directConnection": True}),
    ],
    ids=["closed", "authority", "name", "no certificate", "no tls", "no member", "direct"],
)
async def test_the_text_is_pymongos(server, options, request, files, flavour, make_client):
    if server == "secure" and not flavour.is_sync:
        pytest.skip("PyMongo's asynchronous text depends on who notices first that it is over")
    uri = request.getfixturevalue(server).uri if server else f"mongodb://{closed_port()}"
    options = {
        "serverSelectionTimeoutMS": 1500,
        **{name: getattr(files, str(value), value) for name, value in options.items()},
    }

    async def ours():
        return as_text(await selection_error(make_client(uri, **options)))

    async def pymongos():
        return await theirs(flavour, uri, options)

    told = unbroken if options.get("tls") and server == "secure" else (lambda ask: ask())
    assert await told(ours) == await told(pymongos)


async def unbroken(ask):
    """The text of an error, once the server's farewell came before the socket was found broken."""
    while "[Errno " in (text := await ask()):
        pass
    return text


OPERATIONS = """
client.admin.command("ping")
client.admin.command("ping", read_preference=pymongo.ReadPreference.SECONDARY)
client.server_info()
client.list_database_names()
client.drop_database("d")
client.d.list_collection_names()
client.d.create_collection("c")
client.d.validate_collection("c")
client.d.c.find_one()
client.d.c.aggregate([{"$out": "o"}])
client.d.c.count_documents({})
client.d.c.index_information()
client.d.c.create_index("x")
client.d.c.drop_indexes()
client.d.c.drop()
client.d.c.rename("o")
client.d.c.insert_one({})
client.d.c.update_many({}, {"$set": {"x": 1}})
client.d.c.find_one_and_delete({})
client.d.c.bulk_write([pymongo.InsertOne({})])
"""


async def text_of(ask):
    """The reason in the text of an error, once a check has ended."""
    while (reason := (await ask()).partition(", Timeout")[0]) == "No servers found yet":
        pass
    return reason


async def test_the_text_names_what_was_looked_for(flavour, make_client):
    """A read of the primary is no write: each is told from the other."""
    arbiter = {**STANDALONE, "isWritablePrimary": False, "arbiterOnly": True, "setName": "rs"}
    options = {"serverSelectionTimeoutMS": 50}

    def hello(request):
        return {**arbiter, "hosts": [], "arbiters": [f"127.0.0.1:{fake.address[1]}"]}

    async def ours():
        with pytest.raises(ServerSelectionTimeoutError) as raised:
            await eval(operation, {"client": client, "pymongo": mongodriver})
        return str(raised.value)

    with FakeMongod(hello) as fake:
        client = make_client(fake.uri, **options)
        for operation in OPERATIONS.strip().splitlines():
            other = await text_of(partial(theirs, flavour, fake.uri, options, operation))
            assert await text_of(ours) == other, operation


@pytest.mark.parametrize("given", [{}, {"replicaSet": "rs"}])
async def test_the_text_has_the_name_that_was_given(given, flavour, make_client):
    """A set whose only seed is none of its members."""
    primary = {**STANDALONE, "setName": "rs", "hosts": []}
    with FakeMongod(primary) as fake:
        options = {"serverSelectionTimeoutMS": 600, **given}
        ours = await selection_error(make_client(fake.uri, **options))
        assert (
            as_text(ours).partition(", Topology")[0]
            == (await theirs(flavour, fake.uri, options)).partition(", Topology")[0]
        )
