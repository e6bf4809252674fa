"""Whatever happens to the users of a pool, it does not lose count of its connections."""

from __future__ import annotations

import random
import threading

import pytest
from cmap import ADDRESS, FakeConnection, FakeStream

from flavours import ASYNCHRONOUS, run_on
from mongodriver.client.settings import PoolSettings
from mongodriver.cmap.pool import Pool
from mongodriver.errors import AutoReconnect, WaitQueueTimeoutError
from mongodriver.events.observer import Observer
from mongodriver.io.blocking import BlockingBackend, run
from tasks import WasCancelled, begin, pause, together

LIMIT = 4


def make_pool(backend, luck):
    """A pool whose connections take a moment to open and fail now and then."""

    async def connect(id, generation, opened, deadline):
        connection = FakeConnection(FakeStream(backend), id, generation)
        opened(connection)
        await backend.sleep(luck.random() / 1000)
        if luck.random() < 0.2:
            connection.close()
            raise AutoReconnect("no luck")
        return connection

    settings = PoolSettings(max_size=LIMIT, max_connecting=2, wait_queue_timeout=0.01)
    pool = Pool(ADDRESS, settings, backend, connect, Observer())
    pool.ready()
    return pool


async def use(pool, backend, luck):
    """Check a connection out, hold it for a moment, give it back whole or broken."""
    try:
        connection = pool.take() or await pool.checkout()
    except (AutoReconnect, WaitQueueTimeoutError):
        return
    try:
        assert pool.size <= LIMIT
        await backend.sleep(luck.random() / 1000)
        if luck.random() < 0.1:
            connection.close()
    finally:
        pool.checkin(connection)


def upset(pool, luck):
    """What monitors and background work do to a pool meanwhile."""
    if luck.random() < 0.5:
        pool.clear(interrupt=luck.random() < 0.5)
    pool.ready()


def check(pool):
    """Nobody uses the pool any more."""
    assert pool.operation_count == 0
    assert pool.size == pool.idle_count
    assert not pool._waiters
    assert not pool._opening
    assert all(c.generation == pool.generation for c in pool._idle)
    pool.close()
    assert pool.size == 0


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_tasks_that_are_cancelled_at_any_moment(seed, library):
    luck = random.Random(seed)

    async def main(backend):
        backend.check()
        pool = make_pool(backend, luck)
        tasks = set()
        for _ in range(400):
            tasks.add(begin(use(pool, backend, luck)))
            if luck.random() < 0.3:
                luck.choice(list(tasks)).cancel()
            if luck.random() < 0.05:
                upset(pool, luck)
            if luck.random() < 0.2:
                await pause(luck.random() / 1000)
        results = await together(*tasks, return_exceptions=True)
        failures = [r for r in results if r is not None]
        assert all(isinstance(r, WasCancelled) for r in failures)
        assert failures
        check(pool)

    run_on(library, main)


@pytest.mark.parametrize("seed", range(3))
def test_threads(seed):
    luck = random.Random(seed)
    backend = BlockingBackend()
    pool = make_pool(backend, luck)
    errors = []

    def work():
        try:
            for _ in range(100):
                run(use(pool, backend, luck))
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        upset(pool, luck)
        pool.tidy()
        run(pool.fill())
        threads[0].join(0.003)
    for thread in threads:
        thread.join()
    assert not errors
    check(pool)
