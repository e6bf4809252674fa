"""Background coroutines survive what one round brings, and finalizers take no lock."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
import types
import warnings
import weakref
from collections import deque
from functools import partial

import pytest

from core_kit import PING, Recorder, Run, make_client, until_known_to_fail, use
from fake_mongod import MONGOS, STANDALONE, FakeMongod
from flavours import FLAVOURS, backends, run_on
from mongodriver import MongoClient
from mongodriver.client import housekeeping
from mongodriver.client.housekeeping import DeadCursor
from mongodriver.client.settings import MonitorSettings
from mongodriver.cmap.connector import Connector
from mongodriver.cmap.pool import Pool
from mongodriver.errors import ServerSelectionTimeoutError
from mongodriver.io.blocking import BlockingBackend, run
from mongodriver.sdam.monitor import RttMonitor
from mongodriver.sdam.topology import Topology
from mongodriver.values.round_trips import RoundTrips


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture
def reported(monkeypatch):
    """What background work reports instead of ending."""
    found = []
    for backend in backends():
        monkeypatch.setattr(backend, "report", lambda self, exc: found.append(exc))
    return found


@pytest.fixture
def brisk(monkeypatch):
    """Housekeeping without its pauses."""
    monkeypatch.setattr(housekeeping, "KILL_CURSOR_FREQUENCY", 0.005)


async def until(client, reached):
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        await client.backend.sleep(0.005)


def failing(times, error, otherwise):
    """A method that raises `error` the first `times` times, and then does what it did."""
    left = [None] * times

    def method(self, *args, **kwargs):
        if left:
            left.pop()
            raise error
        return otherwise(self, *args, **kwargs)

    return method


# -- rounds --


def test_housekeeping_goes_on_where_nobody_can_log_in(flavour, reported, brisk):
    def answer(request):
        return {"ok": 0, "code": 18, "errmsg": "Authentication failed."}

    async def main(client):
        client.open()
        await until(client, lambda: len(fake.of("saslStart")) >= 3)

    with FakeMongod(STANDALONE, answer) as fake:
        uri = fake.uri.replace("//", "//user:secret@")
        use(flavour, uri, main, minpoolsize=1, heartbeatfrequencyms=500)
    assert reported == []


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("y"), OSError("z")])
@pytest.mark.parametrize("work", ["tidy", "fill"])
def test_housekeeping_survives_any_exception_of_a_pool(
    flavour, reported, brisk, monkeypatch, work, error
):
    rounds = []
    original = getattr(Pool, work)

    def fail(self):
        if self.address != fake.address:  # another client that still lives
            return original(self)
        rounds.append(self)
        raise error

    async def main(client):
        await client.execute(Run(PING))
        await until(client, lambda: len(rounds) >= 5)

    with FakeMongod() as fake:
        monkeypatch.setattr(Pool, work, fail)
        use(flavour, fake.uri, main, minpoolsize=2)
    assert reported == [error]  # told once, not every second


def test_housekeeping_survives_any_exception_of_a_cursor(flavour, reported, brisk, monkeypatch):
    killed = []

    async def kill(client, address, cursors):
        killed.extend(cursor.cursor_id for cursor in cursors)
        raise KeyError(cursors[0].namespace)

    monkeypatch.setattr(housekeeping, "kill_cursors", kill)

    async def main(client):
        await client.execute(Run(PING))
        for id in (1, 2, 3):
            client.kill_cursor_soon(id, f"d.c{id}", None)
            while id not in killed:
                await client.backend.sleep(0.005)

    with FakeMongod() as fake:
        use(flavour, fake.uri, main)
    assert [str(exc) for exc in reported] == ["'d.c1'", "'d.c2'", "'d.c3'"]


def test_two_may_bury_at_the_same_time(flavour):
    """`close` and a round of housekeeping: the queue is empty when the other was quicker."""

    class Emptying(deque):
        def __bool__(self):
            return True  # it was not, a moment ago

    async def main(client):
        await client.execute(Run(PING))
        housekeeper = client._housekeeper
        housekeeper._dead = Emptying([DeadCursor(0, "d.c", None)])
        await housekeeper.bury_all(client)
        assert not len(housekeeper._dead)

    with FakeMongod() as fake:
        use(flavour, fake.uri, main)


def test_a_monitor_survives_an_error_of_the_program(flavour, reported, monkeypatch):
    """It is reported, and is not called an answer of the server's."""
    error = TypeError("connect() got an unexpected keyword")
    connect = failing(2, error, Connector.connect_monitor)
    monkeypatch.setattr(Connector, "connect_monitor", connect)

    async def main(client):
        await until_known_to_fail(client)
        with pytest.raises(ServerSelectionTimeoutError) as caught:
            await client.execute(Run(PING))
        return str(caught.value)

    async def later(client):
        await client.execute(Run(PING))

    with FakeMongod() as fake:
        text = use(flavour, fake.uri, main, serverselectiontimeoutms=100)
        assert "TypeError: connect() got an unexpected keyword" in text
        assert "bad hello" not in text
        use(flavour, fake.uri, later)
    assert reported[0] is error


def test_a_monitor_survives_an_error_while_it_tells_the_topology(flavour, reported, monkeypatch):
    error = RuntimeError("cannot start new thread")
    monkeypatch.setattr(Topology, "update", failing(2, error, Topology.update))

    async def main(client):
        return (await client.execute(Run(PING)))["ok"]

    with FakeMongod() as fake:
        assert use(flavour, fake.uri, main, heartbeatfrequencyms=500) == 1
    assert reported == [error]


def test_the_measuring_of_round_trips_survives_any_exception(flavour, reported):
    class Anything:
        pass

    async def main(backend):
        tries, enough = [], backend.event()

        async def connect(opened):
            tries.append(None)
            if len(tries) == 5:
                enough.set()
            raise ZeroDivisionError

        topology = Anything()
        settings = MonitorSettings(lambda *_: {}, heartbeat_frequency=0.001)
        monitor = RttMonitor(weakref.ref(topology), settings, backend, connect, RoundTrips())
        monitor.start(("measured.test", 1))
        reached = await enough.wait(10)
        monitor.stop()
        await monitor.join(10)
        return reached

    assert run_on(flavour, main)
    assert [type(exc) for exc in reported] == [ZeroDivisionError]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_reports_go_where_those_of_threads_and_loops_go(flavour, monkeypatch, caplog):
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))

    async def main(backend):
        if flavour == "asyncio":
            backend.loop.set_exception_handler(lambda loop, what: told.append(what["exception"]))
        backend.report(error)

    error = ValueError("x")
    run_on(flavour, main)
    told += [record.exc_info[1] for record in caplog.records if record.name == "mongodriver"]
    assert told == [error]


# -- finalizers --


LOCKS = (type(threading.Lock()), type(threading.RLock()))
CONTAINERS = (dict, list, tuple, set, deque, partial, types.MethodType, types.CoroutineType)
WAITING = (threading.Event, threading.Condition, threading.Semaphore)


def locks_of(*roots):
    """Every lock that objects of the driver hold."""
    found, seen, left = [], set(), list(roots)
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, LOCKS):
            found.append(thing)
        elif isinstance(thing, (*CONTAINERS, *WAITING)) or (
            type(thing).__module__.startswith("mongodriver.")
        ):
            left += [x for x in gc.get_referents(thing) if not isinstance(x, (type, WeakSet))]
    return found


WeakSet = weakref.WeakSet


def while_locked(roots, finalize):
    """Run `finalize` in a thread while everything that can be locked is; fail if it waits."""
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (finalize(), ended.set()), daemon=True)
    held = [lock for lock in locks_of(*roots) if lock.acquire(blocking=False)]
    assert len(held) > 3
    try:
        thread.start()
        assert ended.wait(10), "a finalizer waits for a lock"
    finally:
        for lock in held:
            # A condition lets go of those that its waiters had.
            with contextlib.suppress(RuntimeError):
                lock.release()
    thread.join()


@pytest.mark.parametrize("used", [False, True])
def test_a_client_takes_no_lock_when_it_is_collected(flavour, used):
    """The collector may run in the middle of anything, and so while its own thread has a lock."""

    async def main(backend):
        client = make_client(backend, fake.uri, event_listeners=[Recorder()])
        client.open()
        if used:
            await client.execute(Run(PING))
        else:
            await backend.sleep(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            while_locked([client], client.__del__)
        await backend.sleep(0)
        assert client.closed

    with FakeMongod(MONGOS) as fake:
        run_on(flavour, main)


def test_cursors_and_sessions_take_no_lock_when_they_are_collected():
    cursor = {"id": 5, "ns": "d.c", "firstBatch": [{}]}

    def answer(request):
        return {"ok": 1, "cursor": cursor} if request.name != "killCursors" else {"ok": 1}

    with FakeMongod(MONGOS, answer) as fake, MongoClient(fake.uri) as client:
        session = client.start_session()
        left = [client.d.c.find(), client.d.c.find(session=session), client.d.c.aggregate([])]
        for one in left:
            next(one)
        left += [session, client.start_session()]
        del one, session
        while_locked([client._core], lambda: left.clear() or gc.collect())
        fake.wait_for(lambda: sum(len(r.body["cursors"]) for r in fake.of("killCursors")) == 3)


def test_an_event_may_be_set_in_the_middle_of_being_waited_for():
    """By a finalizer, wherever the collector runs: the thread must not wait for itself."""
    ended = threading.Event()

    def wait():
        event = BlockingBackend().event()
        sys.setprofile(lambda *_: event.set())
        reached = run(event.wait(10))
        sys.setprofile(None)
        if reached:
            ended.set()

    threading.Thread(target=wait, daemon=True).start()
    assert ended.wait(10)


def test_an_event_that_was_set_often_is_waited_for_again():
    event = BlockingBackend().event()
    for _ in range(3):
        event.set()
        event.clear()
    assert run(event.wait(0)) is False
    assert run(event.wait(0.001)) is False
    event.set()
    event.set()
    assert run(event.wait()) is True
    assert run(event.wait(1e12)) is True
    event.clear()
    threading.Timer(0.01, event.set).start()
    assert run(event.wait(1e12)) is True
