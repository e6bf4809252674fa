"""`mongodriver doctor` on real servers, sound and not: its steps, exit status, JSON and text."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from bsonx.objectid import ObjectId
from certificates import ANYBODY, DAY, NOW, Certificates
from dns_server import DnsServer, only_dns
from fake_mongod import STANDALONE, FakeMongod
from mongodriver import MongoClient
from mongodriver._version import __version__
from mongodriver.doctor import versions
from mongodriver.doctor.cli import main
from mongodriver.local import LocalServer
from scripted import scripted
from socks_server import SocksServer

pytestmark = pytest.mark.server

PASSWORD = "pa/ss:w@rd%"
ENCODED = "pa%2Fss%3Aw%40rd%25"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def standalone():
    with LocalServer() as server:
        yield server


@pytest.fixture(scope="module")
def pair():
    """A set of two members."""
    with LocalServer("rs0", members=2) as server:
        yield server


@pytest.fixture(scope="module")
def secure(files):
    with LocalServer(args=files.mongod()) as server:
        yield server


@pytest.fixture(scope="module")
def open_to_anybody(files):
    with LocalServer(args=files.mongod("server", ANYBODY)) as server:
        yield server


@pytest.fixture(scope="module")
def misnamed(files):
    with LocalServer(args=files.mongod("elsewhere", ANYBODY)) as server:
        yield server


@pytest.fixture(scope="module")
def guarded():
    """A server with the users root and nobody, who has no role."""
    with LocalServer(args=["--auth"]) as server:
        server.command(0, {"createUser": "root", "pwd": PASSWORD, "roles": ["root"]}, 10)
        with MongoClient(f"mongodb://root:{ENCODED}@{host_of(server)}") as client:
            client.admin.command("createUser", "nobody", pwd=PASSWORD, roles=[])
        yield server


def host_of(server, member=0):
    return server.members[member].address


@pytest.fixture
def doctor(capsys):
    """Runs the command with ``--json``; what it prints, with the steps by name."""

    def run(uri, *arguments):
        status = main([uri, "--json", *arguments])
        printed = capsys.readouterr().out
        assert "pa/ss" not in printed
        assert "pa%2F" not in printed
        found = json.loads(printed)
        assert found["client"] == versions.versions()
        assert found["exit"] == status
        assert found["status"] == {0: "ok", 1: "warning"}.get(status, "failed")
        for host in found["hosts"]:
            steps = [step["name"] for step in host["steps"]]
            assert steps == ALL[: len(steps)]
            host["steps"] = {step["name"]: SimpleNamespace(**step) for step in host["steps"]}
        found["deployment"] = {s["name"]: SimpleNamespace(**s) for s in found["deployment"]}
        return SimpleNamespace(**found)

    return run


ALL = ["dns", "tcp", "tls", "hello", "login", "roles", "latency"]


def only_problem(found):
    """The step of the only host that failed, and that all before it went well."""
    (host,) = found.hosts
    *before, last = host["steps"].values()
    assert all(step.status in ("ok", "skipped") for step in before)
    assert last.status == "failed"
    assert last.hint == found.hint
    return last


def test_a_sound_server(doctor, standalone):
    found = doctor(standalone.uri)
    assert found.exit == 0
    assert found.hint == ""
    (host,) = found.hosts
    steps = host["steps"]
    assert list(steps) == ALL
    assert host["address"] == host_of(standalone)
    assert host["seed"]
    assert steps["dns"].facts == {"addresses": ["127.0.0.1"]}
    hello = steps["hello"].facts
    assert hello["version"].count(".") == 2
    assert hello["type"] == "Standalone"
    assert hello["wire_versions"][1] >= 9
    assert set(hello["compressors"]) == {"zstd", "snappy", "zlib"}
    assert steps["roles"].facts == {"login_required": False}
    latency = steps["latency"].facts
    assert latency["min_ms"] <= latency["median_ms"] <= latency["max_ms"]
    assert found.deployment["selection"].facts["type"] == "Single"


def test_a_set_of_which_one_member_is_named(doctor, pair):
    found = doctor(f"mongodb://{host_of(pair)}/?replicaSet=rs0")
    assert found.exit == 0
    assert {host["address"]: host["seed"] for host in found.hosts} == {
        host_of(pair, 0): True,
        host_of(pair, 1): False,
    }
    selection = found.deployment["selection"].facts
    assert (selection["type"], selection["set"]) == ("ReplicaSetWithPrimary", "rs0")
    assert selection["servers"].keys() == {host_of(pair, 0), host_of(pair, 1)}


def test_a_direct_connection_is_about_one_member(doctor, pair):
    found = doctor(f"mongodb://{host_of(pair)}/?directConnection=true")
    assert len(found.hosts) == 1


def test_a_member_that_is_down(doctor, pair):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    hosts = f"{host_of(pair)},{host_of(pair, 1)},127.0.0.1:{port}"
    found = doctor(f"mongodb://{hosts}/?replicaSet=rs0")
    assert found.exit == 1
    failed = [host for host in found.hosts if host["steps"]["tcp"].status == "failed"]
    assert [host["address"] for host in failed] == [f"127.0.0.1:{port}"]
    assert failed[0]["steps"]["tcp"].kind == "refused"
    assert "listens" in found.hint


def test_no_primary(doctor):
    member = {**STANDALONE, "isWritablePrimary": False, "secondary": True, "setName": "rs"}
    with FakeMongod() as server:
        name = "{}:{}".format(*server.address)
        server.hello = {**member, "hosts": [name], "me": name}
        found = doctor(f"{server.uri}?replicaSet=rs", "--timeout", "1")
        assert found.exit == 8
        assert found.deployment["selection"].kind == "no-primary"
        assert "rs.status()" in found.hint
        assert doctor(f"{server.uri}?replicaSet=rs&readPreference=secondary").exit == 0


# -- the network --


def test_a_closed_port(doctor):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    found = doctor(f"mongodb://127.0.0.1:{port}")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (4, "tcp", "refused")


def test_a_host_that_does_not_answer(doctor):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        found = doctor("mongodb://{}:{}".format(*sock.getsockname()), "--timeout", "0.3")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (6, "hello", "timed-out")


def test_a_name_that_does_not_resolve(doctor):
    found = doctor("mongodb://no.such.invalid", "--timeout", "3")
    step = only_problem(found)
    assert (found.exit, step.name) == (3, "dns")
    assert step.kind in ("dns", "timed-out")  # where there is no DNS at all


def test_what_is_no_mongodb_server(doctor):
    def answer(sock):
        sock.recv(1)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with scripted(answer) as server:
        uri = "mongodb://{}:{}/".format(*server.address)
        found = doctor(uri)
        step = only_problem(found)
        assert (found.exit, step.name, step.kind) == (6, "hello", "not-mongodb")
        found = doctor(f"{uri}?tls=true")
        step = only_problem(found)
        assert (found.exit, step.name, step.kind) == (5, "tls", "tls-plain-text")


def test_a_server_that_hangs_up(doctor):
    with scripted(lambda sock: sock.recv(1)) as server:
        found = doctor("mongodb://{}:{}".format(*server.address))
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (6, "hello", "closed")


def test_through_a_proxy(doctor, standalone):
    member = standalone.members[0]
    with SocksServer(("u", PASSWORD), {"db.inner": (member.host, member.port)}) as proxy:
        host, port = proxy.address
        login = f"proxyHost={host}&proxyPort={port}&proxyUsername=u"
        uri = f"mongodb://db.inner/?{login}&proxyPassword={ENCODED}&directConnection=true"
        found = doctor(uri)
        assert found.exit == 0
        assert found.hosts[0]["steps"]["dns"].status == "skipped"
        found = doctor(uri.replace("%25", "%26"))
        step = only_problem(found)
        assert (found.exit, step.name, step.kind) == (4, "tcp", "proxy")


def test_a_unix_socket(doctor):
    folder = tempfile.mkdtemp()  # short: paths of sockets are limited
    with LocalServer(args=["--unixSocketPrefix", folder]) as server:
        path = f"{folder}/mongodb-{server.members[0].port}.sock"
        assert doctor(f"mongodb://{quote(path, safe='')}/").exit == 0
    step = only_problem(doctor(f"mongodb://{quote(path, safe='')}/"))
    assert (step.name, step.kind) in {("tcp", "socket"), ("tcp", "refused")}
    shutil.rmtree(folder)


def test_a_load_balancer(doctor):
    balanced = {**STANDALONE, "msg": "isdbgrid", "serviceId": ObjectId()}
    with FakeMongod(balanced) as server:
        found = doctor(f"{server.uri}?loadBalanced=true")
        assert found.exit == 0
        assert found.deployment["selection"].facts["type"] == "LoadBalanced"
    with FakeMongod(STANDALONE) as server:
        assert doctor(f"{server.uri}?loadBalanced=true").exit == 6


# -- TLS --


def test_a_sound_certificate(doctor, open_to_anybody, files):
    found = doctor(f"{open_to_anybody.uri}?tls=true&tlsCAFile={files.ca}")
    assert found.exit == 0
    facts = found.hosts[0]["steps"]["tls"].facts
    assert facts["protocol"].startswith("TLSv1.")
    assert facts["cipher"]
    assert facts["verified"]
    assert facts["names"] == ["127.0.0.1", "localhost"]
    assert facts["subject"]
    assert facts["issuer"]
    assert datetime.datetime.fromisoformat(facts["valid_until"]) > NOW
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize(
    ("server", "ca", "kind"),
    [
        ("open_to_anybody", "other_ca", "tls-untrusted"),
        ("misnamed", "ca", "tls-host-name"),
    ],
)
def test_a_certificate_that_is_not_accepted(doctor, server, ca, kind, request, files):
    uri = request.getfixturevalue(server).uri
    found = doctor(f"{uri}?tls=true&tlsCAFile={getattr(files, ca)}")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (5, "tls", kind)
    assert not step.facts["verified"]
    # Known by means of cryptography, which made the certificates.
    expected = {"misnamed": ["elsewhere.test"]}.get(server, ["127.0.0.1", "localhost"])
    assert sorted(step.facts["names"]) == sorted(expected)


def speaks_tls(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return FakeMongod(tls=context)


@pytest.mark.parametrize(
    ("name", "kind"), [("expired", "tls-expired"), ("early", "tls-not-yet-valid")]
)
def test_a_certificate_out_of_its_time(doctor, name, kind, files):
    with speaks_tls(getattr(files, name)) as server:
        found = doctor(f"{server.uri}?tls=true&tlsCAFile={files.ca}")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (5, "tls", kind)
    assert (datetime.datetime.fromisoformat(step.facts["valid_until"]) < NOW) is (name == "expired")


def test_a_certificate_that_expires_soon(doctor, files):
    soon = files.issue("soon", "127.0.0.1", not_after=NOW + 2 * DAY)
    with speaks_tls(soon) as server:
        found = doctor(f"{server.uri}?tls=true&tlsCAFile={files.ca}")
    assert found.exit == 1
    assert found.hosts[0]["steps"]["tls"].status == "warning"
    assert "renew" in found.hint


@pytest.mark.parametrize("own", ["", "foreign"])
def test_a_certificate_of_the_client(doctor, secure, own, files):
    uri = f"{secure.uri}?tls=true&tlsCAFile={files.ca}"
    if own:
        uri += f"&tlsCertificateKeyFile={getattr(files, own)}"
    found = doctor(uri)
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (5, "hello", "tls-client-certificate")
    uri = f"{secure.uri}?tls=true&tlsCAFile={files.ca}&tlsCertificateKeyFile={files.client}"
    assert doctor(uri).exit == 0


def test_plain_text_where_tls_is_required(doctor, secure):
    found = doctor(secure.uri)
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (5, "hello", "tls-required")
    assert step.facts["sha256"]
    assert "tls=true" in found.hint


def test_tls_where_there_is_none(doctor, standalone):
    found = doctor(f"{standalone.uri}?tls=true")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (5, "tls", "tls-plain-text")


# -- hello --


@pytest.mark.parametrize(("server", "kind"), [("standalone", "not-a-member"), ("pair", "set-name")])
def test_a_wrong_set_name(doctor, server, kind, request):
    found = doctor(f"mongodb://{host_of(request.getfixturevalue(server))}/?replicaSet=wrong")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (6, "hello", kind)
    assert ("'rs0'" in step.hint) is (kind == "set-name")


def test_a_set_that_was_not_initiated(doctor):
    with FakeMongod({**STANDALONE, "isWritablePrimary": False, "isreplicaset": True}) as server:
        found = doctor(f"{server.uri}?replicaSet=rs")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (6, "hello", "not-initiated")


@pytest.mark.parametrize(
    ("versions", "kind"),
    [({"maxWireVersion": 2}, "too-old"), ({"minWireVersion": 99, "maxWireVersion": 99}, "too-new")],
)
def test_a_server_of_another_age(doctor, versions, kind):
    with FakeMongod({"ok": 1, "ismaster": True, "minWireVersion": 0, **versions}) as server:
        found = doctor(server.uri)
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (6, "hello", kind)


# -- the user --


def test_a_login(doctor, guarded):
    found = doctor(f"mongodb://root:{ENCODED}@{host_of(guarded)}")
    assert found.exit == 0
    steps = found.hosts[0]["steps"]
    assert steps["login"].facts == {
        "user": "root",
        "source": "admin",
        "mechanism": "SCRAM-SHA-256",
    }
    assert steps["roles"].facts == {"roles": ["root@admin"]}


def test_a_login_without_roles(doctor, guarded):
    found = doctor(f"mongodb://nobody:{ENCODED}@{host_of(guarded)}")
    assert found.exit == 1
    assert found.hosts[0]["steps"]["roles"].status == "warning"


@pytest.mark.parametrize(
    ("login", "query"),
    [(f"root:{ENCODED}x", ""), (f"root:{ENCODED}", "authSource=other"), (f"x:{ENCODED}", "")],
)
def test_a_login_that_is_refused(doctor, guarded, login, query):
    found = doctor(f"mongodb://{login}@{host_of(guarded)}/?{query}")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (7, "login", "authentication")


def test_no_login_where_one_is_needed(doctor, guarded):
    found = doctor(f"mongodb://{host_of(guarded)}/")
    step = only_problem(found)
    assert (found.exit, step.name, step.kind) == (7, "roles", "authentication")
    assert "user" in found.hint


def test_a_guarded_set(doctor, tmp_path):
    """Also its secondary says that it wants a login, and takes one."""
    key = tmp_path / "key"
    key.write_text("c2VjcmV0" * 4)
    key.chmod(0o600)
    with LocalServer("rs0", members=2, args=["--auth", "--keyFile", str(key)]) as server:
        root = {"createUser": "root", "pwd": PASSWORD, "roles": ["root"]}
        concern = {"writeConcern": {"w": 2, "wtimeout": 60_000}}
        server.command(server.primary(), {**root, **concern}, 70)
        found = doctor(server.uri)
        assert found.exit == 7
        assert [host["steps"]["roles"].kind for host in found.hosts] == ["authentication"] * 2
        found = doctor(server.uri.replace("//", f"//root:{ENCODED}@"))
        assert found.exit == 0
        assert all(h["steps"]["roles"].facts["roles"] == ["root@admin"] for h in found.hosts)


# -- DNS --


NAME = "cluster.zone.test"
QUERY = f"_mongodb._tcp.{NAME}"


@pytest.fixture
def zone(standalone):
    """DNS with a name for the standalone server."""
    server = DnsServer({("a.zone.test", "A"): ["127.0.0.1"]})
    server.records[QUERY, "SRV"] = ["0 0 27017 a.zone.test."]
    with only_dns(server, {27017: standalone.members[0].port}):
        yield server
    server.close()


def test_hosts_from_dns(doctor, zone):
    zone.records[NAME, "TXT"] = ['"authSource=users"']
    found = doctor(f"mongodb+srv://{NAME}/?tls=false")
    assert found.exit == 0
    facts = found.deployment["srv"].facts
    assert facts["hosts"] == ["a.zone.test:27017"]
    assert (facts["txt"], facts["ttl"]) == ("authSource=users", 60)
    assert [host["address"] for host in found.hosts] == ["a.zone.test:27017"]
    assert found.hosts[0]["steps"]["dns"].facts == {"addresses": ["127.0.0.1"]}


@pytest.mark.parametrize(
    ("kind", "name", "records", "detail"),
    [
        ("SRV", QUERY, [], "does not contain an answer"),
        ("SRV", QUERY, ["0 0 27017 a.elsewhere.test."], "Invalid SRV host"),
        ("TXT", NAME, ['"tls=false"'], "Only authSource"),
        ("TXT", NAME, ['"authSource=a"', '"authSource=b"'], "Only one TXT"),
        ("TXT", NAME, ['"authSource=\\255"'], "'utf-8' codec can't decode"),
    ],
)
def test_records_that_are_wrong(doctor, zone, kind, name, records, detail):
    zone.records[name, kind] = records
    found = doctor(f"mongodb+srv://{NAME}/?tls=false")
    step = found.deployment["srv"]
    assert (found.exit, step.status, step.kind, found.hosts) == (3, "failed", "dns", [])
    assert detail in step.detail
    assert "SRV" in found.hint


# -- the command line --


def test_the_text(standalone, pair, capsys):
    assert main([standalone.uri]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"client: mongodriver {__version__} with")
    assert f", {platform.python_implementation()} {platform.python_version()}, " in printed
    for name in (*ALL, "selection"):
        assert f" {name} " in printed
    assert printed.endswith("Result: everything is all right.\n")
    assert main([f"mongodb://{host_of(pair)}/?replicaSet=wrong"]) == 6
    printed = capsys.readouterr().out
    assert "FAIL  hello" in printed
    assert "Result: not usable.\nWhat to do: " in printed


def test_options_that_are_ignored(doctor, standalone):
    found = doctor(f"{standalone.uri}?retryWrites=perhaps")
    assert found.exit == 1
    assert "retrywrites" in found.deployment["options"].detail


WRONG = [
    "",
    "localhost:port",
    "http://localhost",
    f"mongodb://root:{PASSWORD}@localhost",
    f"mongodb://root:{ENCODED}@localhost/?tls=maybe&tlsInsecure=true&tlsAllowInvalidHostnames=true",
    f"mongodb://root:{ENCODED}@localhost/a b.c$?authMechanism=MONGODB-X509",
    "mongodb://localhost/?proxyPassword=pa/ss",
]


@pytest.mark.parametrize("uri", WRONG)
def test_a_connection_string_that_is_wrong(uri, capsys, monkeypatch):
    monkeypatch.delenv("MONGODB_URI", raising=False)
    assert main([uri, "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit"] == 2
    assert printed.err.startswith("mongodriver doctor: ")
    for stream in printed:
        assert "pa/ss" not in stream
        assert "pa%2F" not in stream


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_none(value, capsys):
    assert main(["mongodb://localhost", "--timeout", value]) == 2
    assert "--timeout" in capsys.readouterr().err


def test_the_command(standalone):
    done = subprocess.run(
        [sys.executable, "-m", "mongodriver", "doctor", "--json"],
        env={"MONGODB_URI": standalone.uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "ok"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nobody_reads_what_it_says(standalone, more):
    """As with `| head`: the exit status is that of the deployment."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "mongodriver", "doctor", standalone.uri, *more]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
