"""Deployments mongod alone is not: mongos and load balancers, by servers of our own."""

from __future__ import annotations

import pytest

from bsonx.objectid import ObjectId
from core_kit import PING, Find, Insert, Recorder, Run, pool_of, use
from fake_mongod import HANG_UP, MONGOS, SILENCE, STANDALONE, FakeMongod
from flavours import EVERYWHERE
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    NetworkTimeout,
    NotPrimaryError,
    ProtocolError,
)
from mongodriver.monitoring import (
    CommandStartedEvent,
    ConnectionClosedEvent,
    PoolClearedEvent,
    ServerDescriptionChangedEvent,
    ServerHeartbeatStartedEvent,
    TopologyDescriptionChangedEvent,
)
from mongodriver.read_preferences import Nearest, Primary, ReadPreference, SecondaryPreferred
from scripted import HEADER, message

FOUND = {"ok": 1, "cursor": {"id": 0, "ns": "core_tests.t", "firstBatch": []}}


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


@pytest.fixture
def recorder():
    return Recorder()


# -- mongos --


def test_mongos_is_told_the_read_preference(flavour):
    async def main(client):
        for preference in (None, Primary(), SecondaryPreferred(), Nearest([{"dc": "a"}])):
            await client.execute(Find("t", read_preference=preference))
        await client.execute(Insert("t", [{}], read_preference=Nearest()))

    with FakeMongod(MONGOS, lambda request: FOUND) as fake:
        use(flavour, fake.uri, main)
        sent = [r.body.get("$readPreference") for r in fake.of("find", "insert")]
    assert sent == [
        *(None, None, {"mode": "secondaryPreferred"}),
        *({"mode": "nearest", "tags": [{"dc": "a"}]}, None),
    ]


def test_a_retry_avoids_the_mongos_that_failed(flavour):
    asked = []

    def answering(number):
        def answer(request):
            if request.name != "find":
                return {"ok": 1}
            asked.append(number)
            return HANG_UP if len(asked) == 1 else FOUND

        return answer

    async def main(client):
        while len(client.description.known_servers) < 2:
            await client.backend.sleep(0.01)
        for _ in range(5):
            asked.clear()
            await client.execute(Find("t"))
            assert len(asked) == 2
            assert asked[0] != asked[1]
            while len(client.description.known_servers) < 2:
                await client.backend.sleep(0.01)

    with FakeMongod(MONGOS, answering(1)) as one, FakeMongod(MONGOS, answering(2)) as two:
        uri = f"mongodb://127.0.0.1:{one.address[1]},127.0.0.1:{two.address[1]}/"

        async def opened(client):
            client.open()
            await main(client)

        use(flavour, uri, opened, heartbeatfrequencyms=500)


def test_a_retry_avoids_all_that_have_failed(flavour):
    asked = []
    failure = {
        "ok": 0,
        "code": 462,
        "errmsg": "shed",
        "baseBackoffMS": 1,
        "errorLabels": ["SystemOverloadedError", "RetryableError"],
    }

    def answering(number):
        def answer(request):
            if request.name != "find":
                return {"ok": 1}
            asked.append(number)
            return FOUND if len(asked) == 3 else failure

        return answer

    async def main(client):
        client.open()
        while len(client.description.known_servers) < 3:
            await client.backend.sleep(0.01)
        for _ in range(12):
            asked.clear()
            await client.execute(Find("t"))
            assert sorted(asked) == [0, 1, 2]

    with (
        FakeMongod(MONGOS, answering(0)) as one,
        FakeMongod(MONGOS, answering(1)) as two,
        FakeMongod(MONGOS, answering(2)) as three,
    ):
        hosts = ",".join(f"127.0.0.1:{fake.address[1]}" for fake in (one, two, three))
        use(flavour, f"mongodb://{hosts}/", main)


@pytest.mark.parametrize(
    ("labels", "retargeting", "elsewhere"),
    [
        ([], False, False),
        ([], True, False),
        (["SystemOverloadedError", "RetryableError"], False, False),
        (["SystemOverloadedError", "RetryableError"], True, True),
    ],
)
def test_a_retry_goes_to_another_member_only_if_that_is_asked_for(
    flavour, labels, retargeting, elsewhere
):
    asked = []

    def answering(number):
        def answer(request):
            if request.name != "find":
                return {"ok": 1}
            asked.append(number)
            failed = {"ok": 0, "code": 6, "errmsg": "away", "errorLabels": labels}
            return failed if len(asked) == 1 else FOUND

        return answer

    def member(number):
        def hello(request):
            hosts = [f"127.0.0.1:{fake.address[1]}" for fake in members]
            return {
                **MONGOS,
                "msg": "",
                "setName": "rs",
                "hosts": hosts,
                "isWritablePrimary": number == 0,
                "secondary": number == 1,
                "me": hosts[number],
            }

        return FakeMongod(hello, answering(number))

    async def main(client):
        client.open()
        while len(client.description.known_servers) < 2:
            await client.backend.sleep(0.01)
        await client.execute(Find("t"), read_preference=ReadPreference.PRIMARY_PREFERRED)

    members = []
    members += [member(0), member(1)]
    with members[0] as primary, members[1]:
        uri = f"{primary.uri}?replicaSet=rs"
        options = {"enable_overload_retargeting": retargeting, "heartbeatfrequencyms": 500}
        use(flavour, uri, main, **options)
    assert asked == [0, 1 if elsewhere else 0]


def test_a_standalone_gets_neither_number_nor_retry(flavour):
    hello = {**STANDALONE, "logicalSessionTimeoutMinutes": 30}

    async def main(client):
        with pytest.raises(AutoReconnect):
            await client.execute(Insert("t", [{}]))

    with FakeMongod(hello, lambda request: HANG_UP) as fake:
        use(flavour, fake.uri, main)
        (insert,) = fake.of("insert")
    assert "lsid" in insert.body
    assert "txnNumber" not in insert.body


def test_a_server_without_sessions_gets_none(flavour):
    async def main(client):
        await client.execute(Run(PING))

    with FakeMongod() as fake:
        use(flavour, fake.uri, main)
        (ping,) = fake.of("ping")
    assert ping.body == {"ping": 1, "$db": "admin"}


# -- what a server must not answer --


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (lambda: message(b"\0\0\0\0\0\x05\0\0\0\0", response_to=99), ProtocolError),
        (lambda: message(b"\0\0\0\0\0\x05\0\0\0\0", response_to=99, opcode=1), ProtocolError),
        (lambda: HEADER.pack(3, 1, 1, 2013), AutoReconnect),
        (lambda: HEADER.pack(2**31 - 1, 1, 1, 2013), AutoReconnect),
    ],
    ids=["another request's", "another opcode", "too short", "too long"],
)
def test_an_answer_out_of_order_closes_the_connection(flavour, reply, error, recorder):
    def answer(request):
        return reply() if request.name == "bad" else {"ok": 1}

    async def main(client):
        await client.execute(Run(PING))
        with pytest.raises(error):
            await client.execute(Run({"bad": 1}))
        return (await client.execute(Run(PING)))["ok"]

    with FakeMongod(answer=answer) as fake:
        assert use(flavour, fake.uri, main, event_listeners=[recorder]) == 1
    assert recorder.of(ConnectionClosedEvent)


def test_a_late_answer_is_not_taken_for_the_next_one(flavour):
    """After a timeout the connection is gone, and the answer with it."""

    def answer(request):
        return SILENCE if request.name == "slow" else {"ok": 1, "name": request.name}

    async def main(client):
        with pytest.raises(NetworkTimeout):
            await client.execute(Run({"slow": 1}))
        return (await client.execute(Run(PING)))["name"]

    with FakeMongod(answer=answer) as fake:
        assert use(flavour, fake.uri, main, sockettimeoutms=1000) == "ping"
        assert fake.of("slow")[0].connection != fake.of("ping")[0].connection


# -- load balancers --


class Balancer:
    """A load balancer in front of two servers: connections go to one and the other in turn."""

    def __init__(self):
        self.services = [ObjectId(), ObjectId()]
        self.of_connection = {}
        self.broken = None

    def hello(self, request):
        service = self.services[len(self.of_connection) % 2]
        self.of_connection[request.connection] = service
        return {**MONGOS, "serviceId": service}

    def answer(self, request):
        return HANG_UP if request.name == self.broken else {"ok": 1}


def test_a_load_balancer_is_not_monitored(flavour, recorder):
    async def main(client):
        await client.execute(Run(PING))
        return client.description

    balancer = Balancer()
    with FakeMongod(balancer.hello, balancer.answer) as fake:
        description = use(flavour, fake.uri, main, event_listeners=[recorder], loadbalanced=True)
        (hello,) = fake.of("hello", "ismaster")
    assert hello.name == "hello"
    assert hello.body["loadBalanced"] is True
    assert description.topology_type_name == "LoadBalanced"
    assert not recorder.of(ServerHeartbeatStartedEvent)
    (changed,) = (
        e for e in recorder.of(ServerDescriptionChangedEvent) if e.new_description.server_type
    )
    assert changed.new_description.server_type_name == "LoadBalancer"
    assert len(recorder.of(TopologyDescriptionChangedEvent)) == 3
    assert recorder.of(CommandStartedEvent)[0].service_id == balancer.services[0]


def test_a_lost_connection_clears_only_its_service(flavour, recorder):
    balancer = Balancer()

    async def main(client):
        client.open()
        pool = pool_of(client)
        one, two, three = [await pool.checkout() for _ in range(3)]
        for connection in (three, two, one):
            pool.checkin(connection)
        assert one.service_id == three.service_id != two.service_id
        balancer.broken = "bad"
        with pytest.raises(AutoReconnect):
            await client.execute(Run({"bad": 1}))  # on the connection given back last
        (cleared,) = recorder.of(PoolClearedEvent)
        assert cleared.service_id == one.service_id
        assert [c.closed for c in (one, two, three)] == [True, False, True]
        assert (await client.execute(Run(PING)))["ok"] == 1
        return pool.size, pool.state

    with FakeMongod(balancer.hello, balancer.answer) as fake:
        options = {"event_listeners": [recorder], "loadbalanced": True}
        assert use(flavour, fake.uri, main, **options) == (1, "ready")
    reasons = sorted(e.reason for e in recorder.of(ConnectionClosedEvent))
    assert reasons == ["error", "poolClosed", "stale"]


def test_a_server_that_is_not_behind_a_load_balancer(flavour):
    async def main(client):
        with pytest.raises(ConfigurationError, match="does not support this mode"):
            await client.execute(Run(PING))

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main, loadbalanced=True)


# -- servers that do not let a connection in --


def refusing(fake):
    """A server whose monitor is content, and which nobody else can connect to."""
    fake.hello = lambda request: STANDALONE if request.connection == 1 else HANG_UP


@pytest.mark.parametrize("how", ["hang up", "refuse"])
def test_a_server_that_lets_nobody_in_is_taken_for_overloaded(flavour, how, recorder):
    async def main(client):
        client.open()
        while not client.description.has_known_servers:
            await client.backend.sleep(0.005)
        if how == "refuse":
            fake.stop_listening()
        with pytest.raises(AutoReconnect) as caught:
            await client.execute(Insert("t", [{}]))
        kinds = [s.server_type_name for s in client.description.known_servers]
        return caught.value, pool_of(client).state, kinds

    with FakeMongod() as fake:
        refusing(fake)
        options = {"servermonitoringmode": "poll", "event_listeners": [recorder]}
        error, state, kinds = use(flavour, fake.uri, main, **options)
    assert error.has_error_label("SystemOverloadedError")
    assert error.has_error_label("RetryableError")
    # Its monitor knows better whether it is there.
    assert (state, kinds) == ("ready", ["Standalone"])
    assert not recorder.of(PoolClearedEvent)
    assert len([e for e in recorder.of(ConnectionClosedEvent) if e.reason == "error"]) == 3


def test_an_error_reply_to_the_handshake_is_no_overload(flavour, recorder):
    def hello(request):
        failed = {"ok": 0, "errmsg": "shutting down", "code": 91}
        return STANDALONE if request.connection == 1 else failed

    async def main(client):
        client.open()
        while not client.description.has_known_servers:
            await client.backend.sleep(0.005)
        with pytest.raises(NotPrimaryError):
            await client.execute(Run(PING))
        return pool_of(client).state

    with FakeMongod(hello) as fake:
        options = {"servermonitoringmode": "poll", "event_listeners": [recorder]}
        assert use(flavour, fake.uri, main, **options) == "paused"
    assert len(recorder.of(PoolClearedEvent)) == 1


@pytest.mark.parametrize("announced", [2**31 - 1, 48_000_000, 1000])
def test_a_server_cannot_raise_the_limit_of_a_reply_as_it_likes(flavour, announced):
    async def main(client):
        with pytest.raises(AutoReconnect, match="900000000"):
            await client.execute(Run({"find": "t"}))

    forged = HEADER.pack(900_000_000, 1, 0, 2013) + b"\0" * 100
    hello = {**STANDALONE, "maxMessageSizeBytes": announced}
    with FakeMongod(hello, lambda request: forged) as fake:
        use(flavour, fake.uri, main, retryreads=False)
