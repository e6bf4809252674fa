"""Monitors against a server of our own: polling, streaming, pace, errors and cancellation."""

from __future__ import annotations

import threading
import time

import pytest

from core_kit import PING, Background, Recorder, Run, until_known_to_fail, use, wait
from fake_mongod import EXHAUST_ALLOWED, HANG_UP, STANDALONE, FakeMongod, topology_version
from flavours import FLAVOURS
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from mongodriver.monitoring import (
    PoolClearedEvent,
    ServerHeartbeatFailedEvent,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)
from mongodriver.values.round_trips import RoundTrips
from scripted import message
from tasks import count_tasks

HELLO = ("hello", "ismaster")


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


async def ping(client):
    await client.execute(Run(PING))


def streaming(fake):
    """Hello as 4.4 and newer answer it: held back until the test ends, and streamed."""

    def hello(request):
        reply = {**STANDALONE, "topologyVersion": topology_version(1)}
        if "topologyVersion" not in request.body:
            return reply
        fake.ended.wait(60)
        return HANG_UP

    return hello


# -- polling --


def test_an_old_server_is_polled(flavour):
    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: len(fake.of(*HELLO)) >= 4)

    with FakeMongod({**STANDALONE, "helloOk": True}) as fake:
        use(flavour, fake.uri, main, heartbeatfrequencyms=500)
        checks = [r for r in fake.of(*HELLO) if r.connection == 1]
    assert len({r.connection for r in fake.of(*HELLO)}) == 2  # the monitor's and the pool's
    assert checks[0].name == "ismaster"
    assert checks[0].body["helloOk"] is True
    assert "client" in checks[0].body
    for check in checks[1:]:
        assert check.name == "hello"
        assert check.flags == 0
        assert check.body == {"hello": 1, "$db": "admin"}


def test_a_server_that_does_not_know_hello_is_asked_by_the_old_name(flavour):
    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: len(fake.of(*HELLO)) >= 3)

    with FakeMongod({k: v for k, v in STANDALONE.items() if k != "helloOk"}) as fake:
        use(flavour, fake.uri, main, heartbeatfrequencyms=500)
    assert {r.name for r in fake.of(*HELLO)} == {"ismaster"}


def test_checks_keep_their_pace_however_many_are_asked_for(flavour):
    async def main(client):
        await ping(client)
        while len(checks()) < 4:
            client.topology.request_checks()
            await client.backend.sleep(0.01)
        return time.monotonic() - begun

    def checks():
        return [r for r in fake.of(*HELLO) if r.connection == 1]

    with FakeMongod() as fake:
        begun = time.monotonic()
        # At once, and then every half second: not a hundred times.
        assert use(flavour, fake.uri, main) > 1.4


def test_polling_can_be_demanded(flavour):
    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: len(fake.of(*HELLO)) >= 4)

    with FakeMongod({**STANDALONE, "topologyVersion": topology_version(1)}) as fake:
        use(flavour, fake.uri, main, servermonitoringmode="poll", heartbeatfrequencyms=500)
    assert all("topologyVersion" not in r.body for r in fake.of(*HELLO))
    assert len({r.connection for r in fake.of(*HELLO)}) == 2


# -- streaming --


def test_a_new_server_streams(flavour):
    recorder = Recorder()
    release = threading.Event()

    def hello(request):
        reply = {**STANDALONE, "topologyVersion": topology_version(1), "helloOk": True}
        if "topologyVersion" not in request.body:
            return reply
        if len([r for r in fake.requests if "topologyVersion" in r.body]) > 1:
            fake.ended.wait(10)
            return HANG_UP
        newer = {**reply, "topologyVersion": topology_version(2), "setName": "rs"}

        def later():
            release.wait(10)
            return newer

        return [reply, reply, later]

    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: len(recorder.of(ServerHeartbeatSucceededEvent)) == 3)
        release.set()
        await wait(client.backend, lambda: len([r for r in fake.requests if r.flags]) == 2)

    with FakeMongod() as fake:
        fake.hello = hello
        options = {"event_listeners": [recorder], "heartbeatfrequencyms": 8000}
        use(flavour, fake.uri, main, directconnection=True, **options)
    first, second = (r for r in fake.requests if "topologyVersion" in r.body)
    assert first.flags == second.flags == EXHAUST_ALLOWED
    assert first.body["maxAwaitTimeMS"] == 8000
    assert first.body["topologyVersion"] == topology_version(1)
    assert second.body["topologyVersion"] == topology_version(2)
    awaited = [e.awaited for e in recorder.of(ServerHeartbeatStartedEvent)]
    assert awaited == [False, True, True, True, True]


def test_round_trips_are_measured_beside_a_stream(flavour):
    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: len({r.connection for r in fake.of(*HELLO)}) == 3)
        (server,) = client.topology.servers
        return server.monitor.round_trips.average

    with FakeMongod() as fake:
        fake.hello = streaming(fake)
        average = use(flavour, fake.uri, main, heartbeatfrequencyms=500)
    assert average > 0


def test_round_trip_statistics():
    trips = RoundTrips()
    assert (trips.average, trips.minimum) == (None, 0)
    trips.add_sample(1.0)
    assert (trips.average, trips.minimum) == (1.0, 0)
    trips.add_sample(2.0)
    assert trips.average == pytest.approx(1.2)
    assert trips.minimum == 1.0
    for _ in range(10):
        trips.add_sample(3.0)
    assert trips.minimum == 3.0
    trips.reset()
    assert (trips.average, trips.minimum) == (None, 0)


def test_round_trips_are_read_while_others_add_and_reset():
    """Two coroutines share them, in threads: here the other one acts in the middle of a look."""

    class Meddling(float):
        def __lt__(self, other):
            trips.add_sample(5.0)
            trips.reset()
            return float.__lt__(self, other)

    trips = RoundTrips()
    for seconds in (3.0, 2.0, 4.0):
        trips._recent = (*trips._recent, Meddling(seconds))
    assert trips.minimum == 2.0
    assert (trips.minimum, trips.get()) == (0, None)


def test_closing_does_not_wait_for_a_stream(flavour):
    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: any(r.flags for r in fake.requests))
        await client.close()
        tasks = 1 if flavour == "blocking" else count_tasks()
        return answered, tasks, background.names()

    def hello(request):
        reply = held_back(request)
        if reply == HANG_UP:
            answered.append(request)
        return reply

    answered = []
    background = Background()
    with FakeMongod() as fake:
        held_back = streaming(fake)
        fake.hello = hello
        assert use(flavour, fake.uri, main) == ([], 1, set())


# -- errors --


def test_a_known_server_is_asked_again_at_once(flavour):
    """One broken connection means little; a second one that it is gone."""
    recorder = Recorder()

    def hello(request):
        checks = [r for r in fake.of(*HELLO) if r.connection != 2]
        return HANG_UP if len(checks) == 2 else STANDALONE

    async def main(client):
        await ping(client)
        client.topology.request_checks()
        await wait(client.backend, lambda: recorder.of(ServerHeartbeatFailedEvent))
        await wait(client.backend, lambda: len(recorder.of(ServerHeartbeatSucceededEvent)) == 2)
        await ping(client)

    with FakeMongod() as fake:
        fake.hello = hello
        # The next check in its turn would come too late for this test.
        options = {"event_listeners": [recorder], "heartbeatfrequencyms": 600_000}
        use(flavour, fake.uri, main, **options)
    assert len(recorder.of(PoolClearedEvent)) == 1
    (failure,) = recorder.of(ServerHeartbeatFailedEvent)
    assert isinstance(failure.reply, AutoReconnect)


def test_a_refused_hello_makes_the_server_unknown(flavour):
    def hello(request):
        return {"ok": 0, "errmsg": "not today", "code": 8}

    async def main(client):
        await until_known_to_fail(client)
        with pytest.raises(ServerSelectionTimeoutError, match="not today"):
            await ping(client)
        (found,) = client.description.server_descriptions().values()
        return found.server_type_name, found.error

    with FakeMongod(hello) as fake:
        kind, error = use(flavour, fake.uri, main, serverselectiontimeoutms=100)
    assert kind == "Unknown"
    assert isinstance(error, OperationFailure)


@pytest.mark.parametrize(
    "garbage",
    [
        message(b"", response_to=0),
        message(b"\0\0\0\0\0\xff\xff\xff\xff", response_to=1),
        message(b"\0" * 100, opcode=1),
        message(b"\x04\0\0\0\0\x05\0\0\0\0"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xff\xff\x7f" + b"\0" * 12,
    ],
)
def test_hostile_answers_to_hello_do_not_stop_the_monitor(flavour, garbage):
    healthy = threading.Event()

    async def main(client):
        with pytest.raises(ServerSelectionTimeoutError):
            await ping(client)
        healthy.set()
        client.topology.request_checks()
        await wait(client.backend, lambda: client.description.has_known_servers)
        await ping(client)

    with FakeMongod(lambda request: STANDALONE if healthy.is_set() else garbage) as fake:
        use(flavour, fake.uri, main, serverselectiontimeoutms=150, heartbeatfrequencyms=500)


@pytest.mark.parametrize(
    "fields",
    [
        {"maxWireVersion": "seventeen"},
        {"maxBsonObjectSize": None, "maxMessageSizeBytes": "many"},
        {"setName": 5, "hosts": "not a list", "isWritablePrimary": True},
        {"setName": "rs", "hosts": [1, 2], "secondary": True},
        {"setName": "rs", "hosts": ["host:port"], "secondary": True},
        {"setName": "rs", "hosts": ["a:1"], "secondary": True, "me": 7},
        {"setName": "rs", "isWritablePrimary": True, "electionId": "x", "setVersion": []},
        {"topologyVersion": "new"},
        {"topologyVersion": {"counter": "x"}},
        {"lastWrite": 1},
        {"logicalSessionTimeoutMinutes": "soon", "setName": "rs", "isWritablePrimary": True},
        {"$clusterTime": 1},
        {"$clusterTime": {"clusterTime": 1}},
        {"compression": 5},
        {"connectionId": {}},
    ],
    ids=repr,
)
def test_wrong_types_in_hello_do_not_stop_the_monitor(flavour, fields):
    healthy = threading.Event()

    def hello(request):
        return STANDALONE if healthy.is_set() else {**STANDALONE, **fields}

    async def main(client):
        try:
            await ping(client)
        except PyMongoError:
            pass  # or it does not mind: both will do
        healthy.set()
        await wait(client.backend, lambda: len(fake.of(*HELLO)) >= 2)
        while True:
            client.topology.request_checks()
            try:
                return (await client.execute(Run(PING)))["ok"]
            except ServerSelectionTimeoutError:
                pass

    with FakeMongod(hello) as fake:
        options = {"serverselectiontimeoutms": 700, "heartbeatfrequencyms": 500}
        assert use(flavour, fake.uri, main, directconnection=True, **options) == 1


def test_a_silent_server_times_out(flavour):
    recorder = Recorder()

    def hello(request):
        fake.ended.wait(10)
        return HANG_UP

    async def main(client):
        await until_known_to_fail(client)
        with pytest.raises(ServerSelectionTimeoutError, match="timed out"):
            await ping(client)

    options = {"connecttimeoutms": 100, "serverselectiontimeoutms": 100}
    with FakeMongod(hello) as fake:
        use(flavour, fake.uri, main, event_listeners=[recorder], **options)
    assert isinstance(recorder.of(ServerHeartbeatFailedEvent)[0].reply, NetworkTimeout)


def test_a_lost_operation_cancels_the_stream(flavour):
    """The monitor leaves its connection to a server that an operation found unreachable."""
    recorder = Recorder()

    async def main(client):
        await ping(client)
        await wait(client.backend, lambda: any(r.flags for r in fake.requests))
        with pytest.raises(AutoReconnect):
            await client.execute(Run({"hangUp": 1}))
        await ping(client)

    with FakeMongod(answer=lambda r: HANG_UP if r.name == "hangUp" else {"ok": 1}) as fake:
        fake.hello = streaming(fake)
        use(flavour, fake.uri, main, event_listeners=[recorder])
    assert "operation cancelled" in str(recorder.of(ServerHeartbeatFailedEvent)[0].reply)
    assert len(recorder.of(PoolClearedEvent)) == 1


def test_a_server_of_another_age_is_refused(flavour):
    async def main(client):
        with pytest.raises(ConfigurationError, match="wire version"):
            await ping(client)

    for hello in (
        {**STANDALONE, "maxWireVersion": 6},
        {**STANDALONE, "minWireVersion": 99, "maxWireVersion": 99},
    ):
        with FakeMongod(hello) as fake:
            use(flavour, fake.uri, main)
