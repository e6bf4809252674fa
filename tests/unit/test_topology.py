"""The topology at run time: what listeners, failures and forks do not disturb."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time

import pytest

import bsonx
from bsonx.timestamp import Timestamp
from core_kit import PING, Background, Recorder, Run, make_client, use, wait
from fake_mongod import STANDALONE, FakeMongod
from flavours import FLAVOURS, backends, run_on
from mongodriver import MongoClient
from mongodriver.asynchronous.mongo_client import AsyncMongoClient, writable_server
from mongodriver.errors import InvalidOperation, ServerSelectionTimeoutError
from mongodriver.io.blocking import BlockingBackend, run
from mongodriver.monitoring import (
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerListener,
    ServerOpeningEvent,
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)
from mongodriver.sdam.publisher import Publisher
from mongodriver.values.server_description import ServerDescription
from mongodriver.wire import header

MEMBER = {**STANDALONE, "setName": "rs", "logicalSessionTimeoutMinutes": 30}


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.mark.parametrize(("name", "taken"), [("rs", True), ("others", False)])
def test_the_cluster_time_of_another_replica_set_is_none_of_ours(flavour, name, taken):
    time_there = {"clusterTime": Timestamp(7, 1)}

    async def main(client):
        client.open()
        addresses = [(host, int(port)) for host, port in (uri.split(":") for uri in hosts)]
        await wait(client.backend, lambda: _is_settled(client, addresses, taken))
        return client.cluster_time

    with FakeMongod() as ours, FakeMongod() as other:
        hosts = [f"127.0.0.1:{fake.address[1]}" for fake in (ours, other)]
        members = hosts if taken else hosts[:1]
        ours.hello = {**MEMBER, "hosts": members}
        other.hello = {
            **MEMBER,
            "setName": name,
            "hosts": members,
            "$clusterTime": time_there,
            "isWritablePrimary": False,
            "secondary": True,
        }
        seeds = f"mongodb://{','.join(hosts)}/?replicaSet=rs"
        found = use(flavour, seeds, main)
    assert found == (time_there if taken else None)


def _is_settled(client, addresses, taken):
    """Whether both servers are known, or the first alone is left."""
    known = {server.address for server in client.description.known_servers}
    left = set(client.description.server_descriptions())
    return known == left == set(addresses if taken else addresses[:1])


# -- events of servers and topologies --


class Listener(ServerListener, TopologyListener):
    """Calls ``told(event)`` for each of them."""

    def __init__(self, told):
        self.told = told


for _base in Listener.__bases__:
    for _name in (n for n in vars(_base) if not n.startswith("_")):
        setattr(Listener, _name, lambda self, event: self.told(event))


def test_a_slow_listener_does_not_delay_discovery():
    """The first event is still being told when operations run, and other members are found."""
    told, release = [], threading.Event()

    def slow(event):
        told.append(event)
        assert release.wait(60)

    async def main(client):
        await client.execute(Run(PING))
        await wait(client.backend, lambda: len(client.description.known_servers) == 2)
        assert len(told) == 1
        release.set()

    with FakeMongod() as one, FakeMongod() as other:
        hosts = [f"127.0.0.1:{fake.address[1]}" for fake in (one, other)]
        one.hello = {**MEMBER, "hosts": hosts}
        other.hello = {**MEMBER, "hosts": hosts, "isWritablePrimary": False, "secondary": True}
        options = {"replicaset": "rs", "serverselectiontimeoutms": 3_600_000}
        use("blocking", one.uri, main, event_listeners=[Listener(slow)], **options)
    # Nothing is lost by it, nor out of order.
    kinds = [type(event) for event in told]
    assert kinds[:3] == [TopologyOpenedEvent, TopologyDescriptionChangedEvent, ServerOpeningEvent]
    assert kinds[-1] is TopologyClosedEvent
    assert kinds.count(ServerClosedEvent) == 2
    assert kinds.count(ServerDescriptionChangedEvent) == 2
    chain = [e for e in told if isinstance(e, TopologyDescriptionChangedEvent)]
    for before, after in itertools.pairwise(chain):
        assert after.previous_description is before.new_description


def test_nobody_tells_what_has_happened_before_the_coroutine_does_that(monkeypatch):
    """Checks may be answered before it has begun: they would tell events beside it."""
    told, early = [], []
    start = Publisher.start

    def late(publisher):
        deadline = time.monotonic() + 60
        while not client._core.description.known_servers:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        client._core.topology._announce()  # whatever a monitor does after its check
        early.extend(told)
        start(publisher)

    monkeypatch.setattr(Publisher, "start", late)
    with FakeMongod() as fake:
        client = MongoClient(fake.uri, connect=False, event_listeners=[Listener(told.append)])
        client.admin.command("ping")
        client.close()
    assert early == []
    assert type(told[0]) is TopologyOpenedEvent
    assert type(told[-1]) is TopologyClosedEvent


def test_a_listener_may_use_the_client():
    answers = []

    def told(event):
        if client and not isinstance(event, (ServerClosedEvent, TopologyClosedEvent)):
            answers.append(client[0].admin.command("ping")["ok"])

    client = []
    with (
        FakeMongod() as fake,
        MongoClient(
            fake.uri,
            connect=False,
            event_listeners=[Listener(told)],
            serverSelectionTimeoutMS=3_600_000,
        ) as made,
    ):
        client.append(made)
        made.admin.command("ping")
        deadline = time.monotonic() + 60
        while len(answers) < 5:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        client.clear()
    assert set(answers) == {1}


def test_events_are_told_before_close_returns(flavour):
    recorder = Recorder()

    async def main(client):
        await client.execute(Run(PING))

    with FakeMongod() as fake:
        use(flavour, fake.uri, main, event_listeners=[recorder])
    kinds = (TopologyOpenedEvent, ServerOpeningEvent, ServerClosedEvent, TopologyClosedEvent)
    assert [type(event) for event in recorder.of(*kinds)] == list(kinds)


def test_close_does_not_wait_for_a_slow_listener():
    closed, reached = threading.Event(), threading.Event()

    def slow(event):
        reached.set()
        assert closed.wait(60)

    async def main(client):
        await client.execute(Run(PING))
        assert reached.wait(60)
        await client.close()
        closed.set()

    with FakeMongod() as fake:
        use("blocking", fake.uri, main, event_listeners=[Listener(slow)])


def test_a_listener_may_close_the_client():
    made, closed = threading.Event(), threading.Event()

    def told(event):
        if isinstance(event, ServerDescriptionChangedEvent):
            made.wait()  # the server may answer before the constructor returns
            client.close()
            closed.set()

    with FakeMongod() as fake:
        client = MongoClient(fake.uri, event_listeners=[Listener(told)])
        made.set()
        assert closed.wait(60)
        with pytest.raises(InvalidOperation):
            client.admin.command("ping")


def test_a_subscriber_that_fails_does_not_end_the_telling(flavour, monkeypatch):
    reported, seen = [], []
    for backend in backends():
        monkeypatch.setattr(backend, "report", lambda self, exc: reported.append(exc))

    def failing(event):
        seen.append(event)
        raise KeyError("listener")

    async def main(backend):
        client = make_client(backend, fake.uri)
        client.observer.subscribe("topologies", failing)
        await client.execute(Run(PING))
        await client.close()

    with FakeMongod() as fake:
        run_on(flavour, main)
    assert type(seen[-1]) is TopologyClosedEvent
    assert [str(exc) for exc in reported] == ["'listener'"]


def test_no_thread_is_kept_where_nobody_listens():
    background = Background()

    async def main(client):
        await client.execute(Run(PING))
        return background.names()

    with FakeMongod() as fake:
        assert "mongodriver events" not in use("blocking", fake.uri, main)
        listening = use("blocking", fake.uri, main, event_listeners=[Recorder()])
    assert "mongodriver events" in listening


# -- descriptions --


def test_a_description_that_cannot_be_compared_changes_nothing(flavour, monkeypatch):
    """Comparing asks for what a server has sent: the state is the old one, or the new one whole."""

    async def main(client):
        await client.execute(Run(PING))
        topology = client.topology
        before = topology.description
        address = before.known_servers[0].address

        def compare(self, other):
            raise TypeError("a port is no str")

        monkeypatch.setattr(ServerDescription, "__eq__", compare)
        monkeypatch.setattr(ServerDescription, "__ne__", compare)
        with pytest.raises(TypeError):
            topology.update(ServerDescription(address, error=OSError("gone")), clear=True)
        monkeypatch.undo()
        assert topology.description is before
        assert topology.fast is not None
        assert topology.fast.pool.state == "ready"
        assert {s.address for s in topology.servers} == set(before.server_descriptions())
        await client.execute(Run(PING))

    with FakeMongod() as fake:
        use(flavour, fake.uri, main, event_listeners=[Recorder()])


def test_an_operation_waits_for_its_member_to_be_usable(flavour):
    """A member that recovers is known, but nothing may be sent to it: its pool is paused.

    The operation for a cursor there must not try it over and over.
    """
    tries = []

    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        assert client.topology.is_up(server.address)
        fake.hello = {**MEMBER, "isWritablePrimary": False, "hosts": [host]}  # RSOther
        server.pool.clear()
        client.topology.request_checks()

        await wait(client.backend, lambda: "RSOther" in repr(client.description))
        checkout = server.pool.checkout

        async def counted(deadline=None):
            tries.append(deadline)
            assert len(tries) < 100
            return await checkout(deadline)

        server.pool.checkout = counted
        with pytest.raises(ServerSelectionTimeoutError):
            await client.execute(Run(PING), address=server.address, timeout=0.2)

    with FakeMongod() as fake:
        host = f"127.0.0.1:{fake.address[1]}"
        fake.hello = {**MEMBER, "hosts": [host]}
        use(flavour, fake.uri, main, replicaset="rs", heartbeatfrequencyms=500)
    assert tries == []


@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_a_member_may_leave_right_after_it_was_selected(kind):
    async def main(client):
        core = client._core
        select, left = core.topology.select, [None]

        async def selecting(*args):
            server = await select(*args)
            if left:
                left.pop()
                known = core.topology._description
                core.topology._description = known.reset()
                core.topology._description._server_descriptions.clear()
            else:
                core.topology._description = before
            return server

        await core.execute(Run(PING))
        before = core.description
        core.topology.select = selecting
        description = await writable_server(client)
        return description.address

    with FakeMongod() as fake:

        async def whole(backend):
            client = kind(fake.uri)
            try:
                return await main(client)
            finally:
                await client._core.close()

        flavour = "blocking" if kind is MongoClient else "asyncio"
        assert run_on(flavour, whole) == fake.address


# -- starting --


def test_a_client_that_could_not_start_a_thread_tries_again(monkeypatch):
    """Without that, everything would wait for a server that nobody looks for."""
    left = [None]
    start = threading.Thread.start

    def failing(self):
        if self.name.startswith("mongodriver monitor") and left:
            left.pop()
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", failing)

    async def main(client):
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await client.execute(Run(PING))
        return (await client.execute(Run(PING)))["ok"]

    with FakeMongod() as fake:
        assert use("blocking", fake.uri, main, serverselectiontimeoutms=3_600_000) == 1


# -- forks --


def in_child(function):
    """What `function` returns in a forked child, as text."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, str(function()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("what", ["servers", "jitter", "requests", "sessions", "ids", "fresh ids"])
def test_children_do_not_draw_alike(what):
    from bsonx.objectid import ObjectId

    with FakeMongod() as fake:
        client = make_client(BlockingBackend(), fake.uri)
        run(client.execute(Run(PING)))
        draw = {
            "servers": lambda: client.topology._draw(range(10**9), 3),
            "jitter": random.random,
            "requests": header.next_request_id,
            "sessions": lambda: client.sessions.acquire().lsid["id"].hex(),
            "ids": lambda: str(ObjectId())[8:],
            "fresh ids": lambda: str(ObjectId())[8:18],
        }[what]
        draw()
        drawn = [in_child(draw) for _ in range(8)]
        assert all(drawn)
        assert len({*drawn, str(draw())}) == 9
        run(client.close())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*opened before fork")
@pytest.mark.parametrize("used", [False, True])
def test_a_child_closes_without_its_parents_threads(used):
    """Nor does it tell the parent's listeners' thread, or end the parent's sessions."""
    told = []

    async def main(client):
        await client.execute(Run(PING))
        client.kill_cursor_soon(1, "d.c", ("elsewhere.test", 1))

        def child():
            if used:
                run(client.execute(Run(PING)))
            run(client.close())
            names = {t.name for t in threading.enumerate()}
            return client.closed, [n for n in names if n.startswith("mongodriver")]

        assert in_child(child) == "(True, [])"
        assert (await client.execute(Run(PING)))["ok"] == 1

    with FakeMongod() as fake:
        use("blocking", fake.uri, main, event_listeners=[Listener(told.append)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*opened before fork")
def test_a_child_remakes_every_lock_and_event():
    """Whoever held them in the parent does not exist in the child."""
    from test_background import locks_of

    async def main(client):
        await client.execute(Run(PING))
        await wait(client.backend, lambda: client.topology.servers[0].monitor._connection)
        locks = [lock for lock in locks_of(client) if lock.acquire(blocking=False)]

        def child():
            return run(client.execute(Run(PING)))["ok"]

        try:
            assert len(locks) > 2
            return in_child(child)
        finally:
            for lock in locks:
                lock.release()

    with FakeMongod() as fake:
        assert use("blocking", fake.uri, main, event_listeners=[Recorder()]) == "1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_warning_after_a_fork_is_pymongos():
    import warnings

    async def main(client):
        await client.execute(Run(PING))

        def child():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                run(client.execute(Run(PING)))
                run(client.execute(Run(PING)))
            return [(w.category.__name__, str(w.message)) for w in caught]

        return in_child(child)

    text = (
        "MongoClient opened before fork. May not be entirely fork-safe, proceed with caution. See "
        "PyMongo's documentation for details: https://dochub.mongodb.org/core/pymongo-fork-deadlock"
    )
    with FakeMongod() as fake:
        assert use("blocking", fake.uri, main) == str([("UserWarning", text)])


# -- what servers hear of a client --


@pytest.mark.parametrize(("kind", "name"), [(MongoClient, ""), (AsyncMongoClient, "|async")])
def test_the_handshake_tells_the_flavour(kind, name):
    async def whole(backend):
        client = kind(fake.uri)
        await client._core.execute(Run(PING))
        await client._core.close()

    with FakeMongod() as fake:
        run_on("blocking" if kind is MongoClient else "asyncio", whole)
        drivers = [r.body["client"]["driver"] for r in fake.of("ismaster")]
    assert drivers
    codec = "|c" if bsonx.has_c() else ""
    for driver in drivers:
        assert driver["name"] == f"mongodriver{codec}{name}"
        assert driver["version"].count("|") == driver["name"].count("|")
