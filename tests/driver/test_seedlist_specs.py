"""initial-dns-seedlist-discovery: the specification's tests, against a DNS server of our own.

The replica set is a real one with TLS; mongos and load balancers are played. Their ports are not
those of the specification, which may be taken: what stands for 27017 is 27017 to the driver.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

import pytest
from flavour import plain

from bsonx.objectid import ObjectId
from dns_server import DnsServer, only_dns
from fake_mongod import MONGOS, FakeMongod
from mongodriver.errors import PyMongoError
from seedlist import DOMAIN, records
from specs import load, spec_files

trustme = pytest.importorskip("trustme")

SERVICE = ObjectId()


class Deployment:
    """A server for each port of the records."""

    def __init__(self, ports: dict[int, int], hosts: dict[str, tuple[str, int]]) -> None:
        self.ports = ports
        #: How its members call themselves, by how the specification does.
        self.hosts = hosts


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Files: an authority, and a certificate of all the hosts with its key."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    names = ["127.0.0.1", f"localhost.{DOMAIN}", f"localhost.sub.{DOMAIN}"]
    certificate = authority.issue_cert(*names)
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return str(folder / "server.pem"), str(folder / "ca.pem")


@pytest.fixture(scope="module")
def replica_set(certificates):
    from mongodriver.local import LocalServer

    own, authority = certificates
    tls = ["--tlsMode=preferTLS", "--tlsAllowConnectionsWithoutCertificates"]
    files = [f"--tlsCertificateKeyFile={own}", f"--tlsCAFile={authority}"]
    with LocalServer("repl0", members=3, args=[*tls, *files]) as server:
        ports = {27017 + i: member.port for i, member in enumerate(server.members)}
        hosts = {f"localhost:{port}": ("127.0.0.1", ports[port]) for port in ports}
        yield Deployment(ports, hosts)


@pytest.fixture(scope="module")
def context(certificates):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates[0])
    return made


@pytest.fixture(scope="module")
def sharded(context):
    with FakeMongod(MONGOS, tls=context) as one, FakeMongod(MONGOS, tls=context) as two:
        yield Deployment({27017: one.address[1], 27018: two.address[1]}, {})


@pytest.fixture(scope="module")
def load_balanced(context):
    def hello(request):
        return {**MONGOS, "serviceId": SERVICE} if request.body.get("loadBalanced") else MONGOS

    with FakeMongod(hello, tls=context) as server:
        yield Deployment({8000: server.address[1]}, {})


@pytest.fixture(scope="module")
def zone():
    server = DnsServer(records())
    yield server
    server.close()


def _address(text: str, deployment: Deployment) -> tuple[str, int]:
    host, port = text.rsplit(":", 1)
    return deployment.hosts.get(text, (host, int(port)))


def _option(options: Any, name: str) -> Any:
    """The value of a URI option, as the specification calls it."""
    if name == "ssl":
        return options.pool_options._ssl_context is not None
    if name == "authSource":
        # Of nobody who logs in, so that there is no credential that would say it.
        return options._options.get(name)
    return options._options[name]


def _parsed(client: Any, name: str) -> Any:
    if name in ("auth_database", "db", "defaultDatabase"):
        return client.get_default_database().name
    credential = client.options._credentials
    return {"user": credential.username, "password": credential.password}[name]


def _described(client: Any) -> set[tuple[str, int]]:
    return set(client.topology_description.server_descriptions())


async def _until(core: Any, reached: Any, seen: Any) -> None:
    """Wait for what the monitors bring about."""
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, seen()
        await core.backend.sleep(0.01)


async def _check(client: Any, test: dict[str, Any], deployment: Deployment) -> None:
    core = plain(client)._core
    if test.get("ping", True):
        await client.admin.command("ping")
    else:
        await core.ready()
    if "seeds" in test:
        assert core.seeds == {_address(seed, deployment) for seed in test["seeds"]}
    if "numSeeds" in test:
        assert len(core.seeds) == test["numSeeds"]
    if "hosts" in test:
        hosts = {_address(host, deployment) for host in test["hosts"]}
        await _until(core, lambda: _described(client) == hosts, lambda: (_described(client), hosts))
    if "numHosts" in test:
        assert len(_described(client)) == test["numHosts"]
    for name, value in test.get("options", {}).items():
        assert _option(client.options, name) == value, name
    for name, value in test.get("parsed_options", {}).items():
        assert _parsed(client, name) == value, name


async def _run(path: Any, zone: Any, deployment: Deployment, flavour: Any, authority: str) -> None:
    test = load(path)
    with only_dns(zone, deployment.ports):
        client = None
        try:
            options = {} if "ssl=false" in test["uri"] else {"tlsCAFile": authority}
            client = flavour.make(test["uri"], **options)
            if test.get("error"):
                await client.admin.command("ping")
            else:
                await _check(client, test, deployment)
        except (PyMongoError, ValueError):
            if not test.get("error"):
                raise
        else:
            assert not test.get("error"), "there was no error"
        finally:
            if client is not None:
                await client.close()


@pytest.mark.parametrize("path", spec_files("initial-dns-seedlist-discovery/replica-set"))
async def test_of_a_replica_set(path, zone, replica_set, flavour, certificates):
    await _run(path, zone, replica_set, flavour, certificates[1])


@pytest.mark.parametrize("path", spec_files("initial-dns-seedlist-discovery/sharded"))
async def test_of_a_sharded_cluster(path, zone, sharded, flavour, certificates):
    await _run(path, zone, sharded, flavour, certificates[1])


@pytest.mark.parametrize("path", spec_files("initial-dns-seedlist-discovery/load-balanced"))
async def test_of_a_load_balancer(path, zone, load_balanced, flavour, certificates):
    await _run(path, zone, load_balanced, flavour, certificates[1])
