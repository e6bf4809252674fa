"""Mutual exclusion on both backends: in turn, whoever gives up passes it on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from flavours import FLAVOURS, run_on
from mongodriver.io.mutex import Mutex


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_whoever_waits_too_long_is_told_and_forgotten(flavour):
    async def main(backend):
        mutex = Mutex(backend)
        await mutex.acquire(None)
        for deadline in (0.0, 1e-9):
            with pytest.raises(TimeoutError):
                await mutex.acquire(deadline)
        mutex.release()
        await mutex.acquire(0.0)  # nobody stands in the way
        mutex.release()

    run_on(flavour, main)


def test_tasks_come_in_turn_and_a_cancelled_one_passes_it_on():
    async def main(backend):
        mutex = Mutex(backend)
        order = []

        async def work(number):
            await mutex.acquire(None)
            order.append(number)
            mutex.release()

        await mutex.acquire(None)
        tasks = [asyncio.create_task(work(n)) for n in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        mutex.release()
        tasks[0].cancel()  # in the moment in which it is its turn
        await asyncio.gather(*tasks, return_exceptions=True)
        await mutex.acquire(0.0)
        return order

    assert run_on("asyncio", main) == [2, 3]


def test_threads_exclude_each_other():
    inside, most = 0, 0
    start = threading.Barrier(8)

    async def main(backend):
        return Mutex(backend)

    mutex = run_on("blocking", main)

    def work():
        nonlocal inside, most
        start.wait()
        for _ in range(200):
            run_on("blocking", lambda backend: mutex.acquire(None))
            inside += 1
            most = max(most, inside)
            inside -= 1
            mutex.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert inside == 0
