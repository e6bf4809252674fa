"""Mutual exclusion on both backends: in turn, whoever gives up passes it on."""

from __future__ import annotations

import threading

import pytest

from flavours import ASYNCHRONOUS, FLAVOURS, run_on
from mongodriver.io.mutex import Mutex
from tasks import begin, pass_on, together


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


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_tasks_come_in_turn_and_a_cancelled_one_passes_it_on(library):
    async def main(backend):
        mutex = Mutex(backend)
        order = []

        async def work(number):
            await mutex.acquire(None)
            order.append(number)
            mutex.release()

        await mutex.acquire(None)
        tasks = []
        for n in range(4):
            tasks.append(begin(work(n)))
            await pass_on()
        tasks[1].cancel()
        mutex.release()
        tasks[0].cancel()  # in the moment in which it is its turn
        await together(*tasks, return_exceptions=True)
        await mutex.acquire(0.0)
        return order

    # In trio it is not cancelled before it waits again.
    assert run_on(library, main) == ([2, 3] if library == "asyncio" else [0, 2, 3])


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
