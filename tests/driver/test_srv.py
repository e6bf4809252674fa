"""Hosts from DNS: the prose tests of the two specifications, deadlines, and what is shared."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from flavour import plain

import mongodriver
from bsonx.objectid import ObjectId
from dns_server import FAILURE, SILENCE, DnsServer, only_dns
from fake_mongod import MONGOS, STANDALONE, FakeMongod
from mongodriver import monitoring
from mongodriver.driver_info import DriverInfo
from mongodriver.errors import (
    ConfigurationError,
    InvalidOperation,
    InvalidURI,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from mongodriver.options.srv import SrvName
from mongodriver.values import limits
from seedlist import DOMAIN, records
from tasks import begin, in_thread, together

HOST = f"localhost.{DOMAIN}"
TEST1, TEST3 = (f"_mongodb._tcp.{name}.{DOMAIN}" for name in ("test1", "test3"))
TEST22 = f"_customname._tcp.test22.{DOMAIN}"
URI1 = f"mongodb+srv://test1.{DOMAIN}/?tls=false"
URI3 = f"mongodb+srv://test3.{DOMAIN}/?tls=false"


def srv(*ports: int) -> list[str]:
    return [f"0 0 {port} {HOST}." for port in ports]


@pytest.fixture
def zone():
    server = DnsServer(records(), ttl=0)
    yield server
    server.close()


@pytest.fixture(scope="module")
def mongos():
    """What all the ports stand for."""
    with FakeMongod(MONGOS) as server:
        yield server


@pytest.fixture
def ports(zone, mongos):
    number = mongos.address[1]
    with only_dns(zone, dict.fromkeys((27017, 27018, 27019, 27020), number)):
        yield


@pytest.fixture
def at_once(monkeypatch):
    """DNS is asked again every few milliseconds."""
    monkeypatch.setattr(limits, "MIN_SRV_RESCAN_INTERVAL", 0.01)


@pytest.fixture
def seldom(monkeypatch):
    """DNS is not asked again."""
    monkeypatch.setattr(limits, "MIN_SRV_RESCAN_INTERVAL", 1e6)


@pytest.fixture
def client_of(flavour):
    """Makes clients; closes them afterwards."""
    made: list[Any] = []

    def make(uri: str, **options: Any) -> Any:
        made.append(flavour.make(uri, **options))
        return made[-1]

    yield make

    async def close():
        for client in made:
            await client.close()

    flavour.run(close())


def described(client: Any) -> set[int]:
    """The ports of the members."""
    return {port for _, port in client.topology_description.server_descriptions()}


async def reached(client: Any, condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, client.topology_description
        await plain(client)._core.backend.sleep(0.005)


async def become(client: Any, *ports: int) -> None:
    await reached(client, lambda: described(client) == set(ports))


async def asked_again(client: Any, zone: DnsServer, name: str, times: int = 3) -> None:
    """Wait until what DNS says now has been asked for several times."""
    before = len(zone.asked)
    await reached(client, lambda: len([q for q in zone.asked[before:] if q[0] == name]) >= times)


# -- polling: changing DNS records with test1 --


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((27017, 27018, 27019), (27017, 27018, 27019)),
        ((27017,), (27017,)),
        ((27017, 27019), (27017, 27019)),
        ((27019,), (27019,)),
        ((27019, 27020), (27019, 27020)),
    ],
    ids=["1 added", "2 removed", "3 replaced", "4 both by one", "5 both by two"],
)
async def test_records_change(after, expected, client_of, zone, ports, at_once):
    client = client_of(URI1)
    await client.admin.command("ping")
    assert described(client) == {27017, 27018}
    kept = {s.address: s for s in plain(client)._core.topology.servers}
    zone.records[TEST1, "SRV"] = srv(*after)
    await become(client, *expected)
    for server in plain(client)._core.topology.servers:
        assert server is kept.get(server.address, server)
    await client.admin.command("ping")


# -- polling: errors --


@pytest.mark.parametrize("answer", [FAILURE, None, []], ids=["6 failure", "7 gone", "8 none"])
async def test_no_answer_changes_nothing(answer, client_of, zone, ports, at_once):
    client = client_of(URI1, heartbeatFrequencyMS=500)
    await client.admin.command("ping")
    if answer is None:
        del zone.records[TEST1, "SRV"]
    else:
        zone.records[TEST1, "SRV"] = answer
    await asked_again(client, zone, TEST1, 2)
    assert described(client) == {27017, 27018}
    zone.records[TEST1, "SRV"] = srv(27019)
    await become(client, 27019)


async def test_6_a_look_up_that_is_not_answered(client_of, zone, ports, at_once):
    client = client_of(URI1, heartbeatFrequencyMS=500, connectTimeoutMS=200)
    await client.admin.command("ping")
    zone.records[TEST1, "SRV"] = SILENCE
    await asked_again(client, zone, TEST1, 2)
    assert described(client) == {27017, 27018}
    zone.records[TEST1, "SRV"] = srv(27020)
    await become(client, 27020)


async def test_hosts_of_other_domains_are_left_out(client_of, zone, ports, at_once):
    client = client_of(URI1)
    await client.admin.command("ping")
    zone.records[TEST1, "SRV"] = [*srv(27019), "0 0 27020 localhost.evil.build.10gen.cc."]
    await become(client, 27019)
    zone.records[TEST1, "SRV"] = ["0 0 27020 localhost.evil.build.10gen.cc."]
    await asked_again(client, zone, TEST1, 1)
    assert described(client) == {27019}


# -- polling: never --


async def test_9_not_behind_a_load_balancer(client_of, zone, at_once):
    service = ObjectId()
    with (
        FakeMongod({**MONGOS, "serviceId": service}) as server,
        only_dns(zone, {27017: server.address[1]}),
    ):
        client = client_of(URI3 + "&loadBalanced=true")
        await client.admin.command("ping")
        assert plain(client)._core.topology._srv_monitor is None
        assert described(client) == {27017}


async def test_not_of_a_replica_set(client_of, zone, at_once):
    with FakeMongod({}) as server:
        member = f"{HOST}:27017"
        server.hello = {**STANDALONE, "setName": "rs", "hosts": [member], "me": member}
        with only_dns(zone, {27017: server.address[1]}):
            client = client_of(URI3)
            await client.admin.command("ping")
            task = plain(client)._core.topology._srv_monitor
            await task.join(30)
            zone.records[TEST3, "SRV"] = srv(27018)
            assert described(client) == {27017}
            asked = len(zone.asked)
            await client.admin.command("ping")
            assert len(zone.asked) == asked


# -- polling: srvMaxHosts, srvServiceName --


@pytest.mark.parametrize(
    ("limit", "after"),
    [(0, (27017, 27019, 27020)), (2, (27019, 27020))],
    ids=["10 all", "11 not more than there are"],
)
async def test_all_hosts(limit, after, client_of, zone, ports, at_once):
    client = client_of(URI1, srvMaxHosts=limit)
    await client.admin.command("ping")
    zone.records[TEST1, "SRV"] = srv(*after)
    await become(client, *after)


async def test_12_some_hosts(client_of, zone, ports, at_once):
    client = client_of(URI1, srvMaxHosts=2)
    await client.admin.command("ping")
    zone.records[TEST1, "SRV"] = srv(27017, 27019, 27020)
    await reached(client, lambda: 27018 not in described(client) and len(described(client)) == 2)
    await asked_again(client, zone, TEST1)
    assert 27017 in described(client)
    assert len(described(client)) == 2


async def test_13_another_service(client_of, zone, ports, at_once):
    uri = f"mongodb+srv://test22.{DOMAIN}/?tls=false&srvServiceName=customname"
    client = client_of(uri)
    await client.admin.command("ping")
    zone.records[TEST22, "SRV"] = srv(27019, 27020)
    await become(client, 27019, 27020)


class Topologies(monitoring.TopologyListener, monitoring.ServerListener):
    """Keeps the events, in order."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def opened(self, event):
        self.events.append(event)

    closed = description_changed = opened


async def test_events_of_members_that_come_and_go(client_of, zone, ports, at_once):
    seen = Topologies()
    client = client_of(URI1, event_listeners=[seen])
    await client.admin.command("ping")
    zone.records[TEST1, "SRV"] = srv(27017, 27019)
    await become(client, 27017, 27019)
    await client.close()
    opened = [e for e in seen.events if type(e) is monitoring.ServerOpeningEvent]
    closed = [e for e in seen.events if type(e) is monitoring.ServerClosedEvent]
    assert [e.server_address[1] for e in opened] == [27017, 27018, 27019]
    assert closed[0].server_address[1] == 27018
    changes = [e for e in seen.events if type(e) is monitoring.TopologyDescriptionChangedEvent]
    assert any(
        {port for _, port in e.new_description.server_descriptions()} == {27017, 27019}
        for e in changes
    )
    assert len({e.topology_id for e in seen.events}) == 1


# -- the initial look-up: the prose tests --


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("localhost", "localhost.mongodb"),
        ("mongo.local", "test_1.evil.local"),
        ("blogs.mongodb.com", "blogs.evil.com"),
        ("localhost", "localhost"),
        ("mongo.local", "mongo.local"),
        ("localhost", "test_1.cluster_1localhost"),
        ("mongo.local", "test_1.my_hostmongo.local"),
        ("blogs.mongodb.com", "cluster.testmongodb.com"),
    ],
)
async def test_a_host_that_a_name_may_not_name(name, target, flavour, zone):
    zone.records[f"_mongodb._tcp.{name}", "SRV"] = [f"0 0 27017 {target}."]
    with only_dns(zone), pytest.raises(ConfigurationError, match="Invalid SRV host"):
        client = flavour.make(f"mongodb+srv://{name}")
        await client.admin.command("ping")


@pytest.mark.parametrize("name", ["localhost", "mongo.local"])
async def test_names_of_few_parts(name, client_of, zone, mongos, seldom):
    zone.records[f"_mongodb._tcp.{name}", "SRV"] = [f"0 0 27017 a.{name}."]
    zone.records[f"a.{name}", "A"] = ["127.0.0.1"]
    with only_dns(zone, {27017: mongos.address[1]}):
        await client_of(f"mongodb+srv://{name}/?tls=false").admin.command("ping")


# -- what is looked up, and when --


async def test_nothing_is_asked_before_the_first_use(client_of, zone, ports, seldom):
    client = client_of(URI1, connect=False)
    assert zone.asked == []
    assert f"host='mongodb+srv://test1.{DOMAIN}'" in repr(client)
    assert client == client_of(URI1, connect=False)
    await client.admin.command("ping")
    assert [(name, kind) for name, kind, _ in zone.asked] == [
        (TEST1, "SRV"),
        (f"test1.{DOMAIN}", "TXT"),
    ]
    assert f"host=['{HOST}:27017', '{HOST}:27018']" in repr(client)
    await client.admin.command("ping")
    assert len(zone.asked) == 2


async def test_a_first_use_that_only_waits_for_a_server(client_of, zone, ports, seldom):
    zone.records[TEST1, "SRV"] = srv(27018)
    client = client_of(URI1, connect=False)
    assert await client.address == (HOST, 27018)


async def test_the_constructor_asks_at_once(flavour, zone):
    if not flavour.is_sync:
        pytest.skip("an asynchronous client looks hosts up at its first use")
    with only_dns(zone), pytest.raises(ConfigurationError, match="does not exist"):
        flavour.make("mongodb+srv://nobody.build.10gen.cc")


async def test_an_answer_that_comes_over_tcp(client_of, zone, ports, seldom):
    zone.truncate = True
    client = client_of(URI1)
    await client.admin.command("ping")
    assert {way for _, _, way in zone.asked} == {"udp", "tcp"}


async def test_options_of_dns_are_added(client_of, zone, seldom):
    zone.records[f"test3.{DOMAIN}", "TXT"] = ['"replicaSet=rs&authSource=there"']
    client = client_of(URI3, connect=False, username="u", password="p")
    assert client.options.replica_set_name is None
    assert client.options._credentials.source == "admin"
    client.append_metadata(DriverInfo("library"))
    with only_dns(zone):
        await plain(client)._core.ready()
    assert client.options.replica_set_name == "rs"
    assert client.options._credentials.source == "there"
    assert "library" in client.options.pool_options.metadata["driver"]["name"]


async def test_options_of_the_user_override_those_of_dns(client_of, zone, seldom):
    zone.records[f"test3.{DOMAIN}", "TXT"] = ['"replicaSet=rs&authSource=there"']
    client = client_of(
        URI3 + "&authSource=here", connect=False, replicaSet="mine", username="u", password="p"
    )
    with only_dns(zone):
        await plain(client)._core.ready()
    assert client.options.replica_set_name == "mine"
    assert client.options._credentials.source == "here"


async def test_wrong_options_of_dns_are_gone_at_the_next_try(client_of, zone, ports, seldom):
    zone.records[f"test1.{DOMAIN}", "TXT"] = ['"replicaSet=rs&loadBalanced=true"']
    client = client_of(URI1, connect=False)
    with pytest.raises(ConfigurationError):
        await client.admin.command("ping")
    del zone.records[f"test1.{DOMAIN}", "TXT"]
    await client.admin.command("ping")
    assert client.options.replica_set_name is None


async def test_tls_is_the_default(flavour, zone):
    client = flavour.make(f"mongodb+srv://test1.{DOMAIN}", connect=False)
    assert client.options.pool_options._ssl_context is not None
    for option in ({"tls": False}, {"ssl": False}):
        client = flavour.make(f"mongodb+srv://test1.{DOMAIN}", connect=False, **option)
        assert client.options.pool_options._ssl_context is None


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"directConnection": True}, ConfigurationError),
        ({"srvMaxHosts": 1, "replicaSet": "rs"}, InvalidURI),
        ({"srvMaxHosts": 1, "loadBalanced": True}, InvalidURI),
        ({"srvAllowedHostsSuffix": "a.b", "srv_host_validator": len}, ConfigurationError),
        ({"srvMaxHosts": -1}, ValueError),
        ({"srvServiceName": 5}, TypeError),
    ],
    ids=str,
)
async def test_options_that_do_not_go_with_dns(option, error, flavour, zone):
    with only_dns(zone), pytest.raises(error):
        flavour.make(f"mongodb+srv://test1.{DOMAIN}", connect=False, **option)
    assert zone.asked == []


async def test_a_validator_decides(client_of, zone, mongos, seldom):
    zone.records[TEST1, "SRV"] = ["0 0 27017 elsewhere.test."]
    zone.records["elsewhere.test", "A"] = ["127.0.0.1"]
    with only_dns(zone, {27017: mongos.address[1]}):
        client = client_of(URI1, srv_host_validator=lambda host: host == "elsewhere.test")
        await client.admin.command("ping")
        other = client_of(URI1, connect=False, srv_host_validator=lambda host: False)
        with pytest.raises(ConfigurationError, match="rejected"):
            await other.admin.command("ping")


def test_hosts_that_a_validator_fails_on_are_not_believed():
    name = SrvName("a.b.test", "mongodb", None, lambda host: 1 / 0)
    assert name.believed([("x.b.test", 1)]) == []


# -- DNS that never answers --


@pytest.fixture
def silent(zone):
    zone.records[TEST1, "SRV"] = SILENCE
    return zone


async def test_an_operation_ends_at_its_own_deadline(client_of, silent, mongos, seldom):
    client = client_of(URI1, connect=False, timeoutMS=100)
    with only_dns(silent), pytest.raises(ServerSelectionTimeoutError, match=r"DNS.*0\.1s") as error:
        await client.admin.command("ping")
    assert error.value.timeout


async def test_a_block_with_a_deadline(client_of, silent, seldom):
    client = client_of(URI1, connect=False)
    with only_dns(silent), pytest.raises(PyMongoError) as error, mongodriver.timeout(0.1):
        await client.admin.command("ping")
    assert error.value.timeout


async def test_the_constructor_ends_at_its_deadline(flavour, silent):
    if not flavour.is_sync:
        pytest.skip("an asynchronous client looks hosts up at its first use")
    with only_dns(silent), pytest.raises(ServerSelectionTimeoutError):
        flavour.make(URI1, timeoutMS=100)


async def test_the_time_limit_of_connections(client_of, silent, seldom):
    client = client_of(URI1, connect=False, connectTimeoutMS=100)
    with only_dns(silent, timeout=0.05), pytest.raises(ConfigurationError, match="lifetime"):
        await client.admin.command("ping")


async def test_a_late_answer_is_for_those_who_still_wait(client_of, silent, mongos, seldom):
    """An operation gives up; the look-up goes on, and the next one has the hosts."""
    with only_dns(silent, {27017: mongos.address[1]}, timeout=0.05):
        client = client_of(URI1, connect=False)
        with pytest.raises(PyMongoError), mongodriver.timeout(0.05):
            await client.admin.command("ping")
        silent.records[TEST1, "SRV"] = srv(27017)
        await client.admin.command("ping")


async def test_all_who_come_meanwhile_share_a_look_up(client_of, flavour, zone, ports, seldom):
    zone.records[TEST1, "SRV"] = SILENCE
    client = client_of(URI1, connect=False)
    if flavour.is_sync:
        results: list[Any] = []
        inner = plain(client)
        threads = [
            threading.Thread(target=lambda: results.append(inner.admin.command("ping")))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        zone.wait_for_questions(TEST1, 1)
        zone.records[TEST1, "SRV"] = srv(27017)
        for thread in threads:
            thread.join()
        assert len(results) == 8
    else:
        tasks = [begin(client.admin.command("ping")) for _ in range(8)]
        await in_thread(zone.wait_for_questions, TEST1, 1)
        tasks.pop().cancel()
        zone.records[TEST1, "SRV"] = srv(27017)
        await together(*tasks)
    assert [q[:2] for q in zone.asked].count((f"test1.{DOMAIN}", "TXT")) == 1


async def test_a_look_up_that_was_cancelled_is_begun_again(client_of, flavour, zone, ports, seldom):
    if flavour.is_sync:
        pytest.skip("threads cannot be cancelled")
    zone.records[TEST1, "SRV"] = SILENCE
    client = client_of(URI1, connect=False)
    task = begin(client.admin.command("ping"))
    await in_thread(zone.wait_for_questions, TEST1, 1)
    zone.records[TEST1, "SRV"] = srv(27017)
    plain(client)._core.discovery._try.task.cancel()
    await task
    assert described(client) == {27017}


async def test_closing_wakes_those_who_wait(client_of, flavour, silent, seldom):
    with only_dns(silent):
        client = client_of(URI1, connect=False)
        errors: list[Exception] = []
        if flavour.is_sync:

            def use() -> None:
                try:
                    plain(client).admin.command("ping")
                except Exception as error:
                    errors.append(error)

            thread = threading.Thread(target=use)
            thread.start()
            silent.wait_for_questions(TEST1, 1)
            await client.close()
            thread.join()
        else:
            task = begin(client.admin.command("ping"))
            await in_thread(silent.wait_for_questions, TEST1, 1)
            await client.close()
            errors += [e for e in await together(task, return_exceptions=True) if e]
    assert [type(error) for error in errors] == [InvalidOperation]


async def test_closing_while_dns_is_polled_without_an_answer(client_of, zone, ports, at_once):
    client = client_of(URI1)
    await client.admin.command("ping")
    before = len(zone.asked)
    zone.records[TEST1, "SRV"] = SILENCE
    await reached(client, lambda: len(zone.asked) > before + 1)
    await client.close()
    with pytest.raises(InvalidOperation):
        await client.admin.command("ping")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*")
async def test_a_child_process_looks_hosts_up_itself(client_of, flavour, zone, ports, seldom):
    if not flavour.is_sync:
        pytest.skip("an event loop does not survive a fork")
    client = client_of(URI1, connect=False)
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if plain(client).admin.command("ping")["ok"] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    await client.admin.command("ping")
