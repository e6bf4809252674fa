"""What is published once no lock is held: in order, whichever thread does it."""

from __future__ import annotations

import threading

import pytest
from cmap import ADDRESS, FakeConnection, FakeStream

from mongodriver.client.settings import PoolSettings
from mongodriver.cmap import announcements
from mongodriver.cmap.announcements import Announcements
from mongodriver.cmap.pool import Pool
from mongodriver.events.observer import Observer
from mongodriver.io.blocking import BlockingBackend, run

#: Seconds until a test has failed; no test takes that long.
LONG = 60


def begin(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def end(*threads):
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()


class Held:
    """A call that stays under way until it is released."""

    def __init__(self, told):
        self.told = told
        self.begun = threading.Event()
        self.release = threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.release.wait(LONG)
        self.told.append("held")


@pytest.fixture
def told():
    return []


@pytest.fixture
def held(told):
    """A call under way in another thread, and the announcements it belongs to."""
    call, queue = Held(told), Announcements()
    queue.add(call)
    thread = begin(queue.announce)
    assert call.begun.wait(LONG)
    call.queue = queue
    yield call
    call.release.set()
    end(thread)


def test_calls_are_made_in_order_and_once(told):
    queue = Announcements()
    for number in range(3):
        queue.add(lambda number=number: told.append(number))
    queue.announce()
    queue.announce()
    queue.catch_up()
    assert told == [0, 1, 2]


def test_a_call_may_add_and_announce(told):
    queue = Announcements()

    def first():
        queue.add(lambda: told.append("added"))
        queue.announce()
        queue.catch_up()
        told.append("first")

    queue.add(first)
    queue.announce()
    assert told == ["first", "added"]


def test_nobody_waits_for_a_thread_that_is_at_it(held, told):
    held.queue.add(lambda: told.append("ours"))
    held.queue.announce()
    assert told == []
    held.release.set()
    held.queue.catch_up()
    assert told == ["held", "ours"]


def test_catching_up_waits_for_it(held, told, monkeypatch):
    monkeypatch.setattr(announcements, "PATIENCE", LONG)
    asked = threading.Event()

    def follow():
        asked.set()
        held.queue.catch_up()
        told.append("after")

    thread = begin(follow)
    assert asked.wait(LONG)
    assert told == []
    held.release.set()
    end(thread)
    assert told == ["held", "after"]


def test_a_call_may_wait_for_another_thread_that_catches_up(told, monkeypatch):
    """The order is given up then, and nothing stands still."""
    monkeypatch.setattr(announcements, "PATIENCE", 0.01)
    queue = Announcements()

    def call():
        end(begin(lambda: (queue.catch_up(), told.append("other"))))
        told.append("call")

    queue.add(call)
    queue.announce()
    assert told == ["other", "call"]


def test_what_fails_ends_nothing_else(told):
    queue = Announcements()
    queue.add(lambda: 1 / 0)
    queue.add(lambda: told.append("next"))
    with pytest.raises(ZeroDivisionError):
        queue.announce()
    queue.announce()
    assert told == ["next"]


# -- of pools --


def make_pool(subscriber):
    async def connect(id, generation, opened, deadline):
        return FakeConnection(FakeStream(backend), id, generation)

    backend, observer = BlockingBackend(), Observer()
    observer.subscribe("pools", subscriber)
    return Pool(ADDRESS, PoolSettings(min_size=1), backend, connect, observer)


def use(pool):
    pool.checkin(run(pool.checkout()))


@pytest.mark.parametrize("way", [use, lambda pool: run(pool.fill()), lambda pool: pool.close()])
def test_a_pool_is_told_to_be_ready_before_it_is_used(way, told, monkeypatch):
    """Its state is changed under a lock, and told of later: another thread may be quicker."""
    monkeypatch.setattr(announcements, "PATIENCE", LONG)
    begun, meanwhile = threading.Event(), threading.Event()

    def subscriber(event):
        name = type(event).__name__
        if name == "PoolReadyEvent":
            begun.set()
            assert meanwhile.wait(LONG)  # until the other thread waits for us, or has overtaken
        elif begun.is_set():
            meanwhile.set()
        told.append(name)

    catch_up = Announcements.catch_up

    def noted(queue):
        meanwhile.set()
        catch_up(queue)

    pool = make_pool(subscriber)
    teller = begin(pool.ready)
    assert begun.wait(LONG)
    monkeypatch.setattr(Announcements, "catch_up", noted)
    user = begin(lambda: way(pool))
    end(teller, user)
    assert told[:2] == ["PoolCreatedEvent", "PoolReadyEvent"]
    assert len(told) > 2


def test_what_the_topology_has_begun_is_told_before_the_pool_is_used(told):
    pool = make_pool(lambda event: told.append(type(event).__name__))
    assert pool.begin_ready()
    use(pool)
    pool.announce()
    pool.begin_clear()
    assert pool.begin_ready()
    use(pool)
    pool.announce()
    lasting = [name for name in told if name.startswith("Pool")]
    assert lasting == [
        *("PoolCreatedEvent", "PoolReadyEvent"),
        *("PoolClearedEvent", "PoolReadyEvent"),
    ]
    first = told.index("ConnectionCheckOutStartedEvent")
    assert first == 2
    again = told.index("ConnectionCheckOutStartedEvent", first + 1)
    assert told[again - 1] == "PoolReadyEvent"


def test_a_listener_of_a_pool_may_use_it(told):
    def subscriber(event):
        told.append(type(event).__name__)
        if told[-1] == "PoolReadyEvent":
            use(pool)

    pool = make_pool(subscriber)
    pool.ready()
    assert told[:3] == ["PoolCreatedEvent", "PoolReadyEvent", "ConnectionCheckOutStartedEvent"]
    assert pool.idle_count == 1
