"""The life of a client: lazy start, close, garbage collection, forks, and what interrupts it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import socket
import threading
import time
import warnings
import weakref

import pytest

from core_kit import (
    PING,
    Background,
    Find,
    Insert,
    Recorder,
    Run,
    make_client,
    opened,
    pool_of,
    until_known_to_fail,
    use,
    wait,
)
from fake_mongod import SILENCE, FakeMongod
from flavours import ASYNCHRONOUS, run_on
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import InvalidOperation, ServerSelectionTimeoutError
from mongodriver.io.aio import AioBackend
from mongodriver.io.blocking import run
from tasks import WasCancelled, begin, count_tasks, together

pytestmark = pytest.mark.server


@pytest.fixture
def background():
    """The names of the driver's threads that began in the test and are alive, by a call."""
    return Background().names


def wait_until(reached):
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def test_nothing_starts_before_the_first_use(flavour, server, background):
    async def main(backend):
        client = make_client(backend, server.uri)
        before = background()
        nothing_known = not client.description.has_known_servers
        await client.close()
        return before, nothing_known

    assert run_on(flavour, main) == (set(), True)


def test_close_ends_everything_and_may_be_repeated(flavour, server, background):
    async def main(backend):
        client = make_client(backend, server.uri)
        await client.execute(Run(PING))
        connection = pool_of(client).take()
        pool = pool_of(client)
        pool.checkin(connection)
        await client.close()
        await client.close()
        name = client.name
        with pytest.raises(InvalidOperation, match=f"Cannot use {name} after close"):
            await client.execute(Run(PING))
        left = count_tasks() if flavour != "blocking" else len(background())
        return connection.closed, pool.state, client.closed, left

    closed, state, client_closed, left = run_on(flavour, main)
    assert (closed, state, client_closed) == (True, "closed", True)
    assert left == (1 if flavour != "blocking" else 0)


def test_a_client_that_was_never_used_closes_silently(flavour, server):
    async def main(backend):
        await make_client(backend, server.uri).close()

    run_on(flavour, main)


def test_an_unclosed_client_warns_and_lets_go(flavour, server, background):
    async def main(backend):
        client = make_client(backend, server.uri)
        await client.execute(Run(PING))
        gone = weakref.ref(client)
        with pytest.warns(ResourceWarning, match=f"Unclosed {client.name} opened at:"):
            del client
            gc.collect()
        assert gone() is None
        if flavour != "blocking":
            await wait(backend, lambda: count_tasks() == 1)

    run_on(flavour, main)
    wait_until(lambda: not background())


def test_an_unused_client_is_collected_without_a_warning(flavour, server):
    async def main(backend):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # what other tests have left
            warnings.simplefilter("error")
            client = make_client(backend, server.uri)
            del client
            gc.collect()

    run_on(flavour, main)


def test_concurrent_operations_share_a_bounded_pool(flavour, server):
    async def main(client):
        if flavour != "blocking":
            await together(*[client.execute(Run(PING)) for _ in range(200)])
        else:
            run_threads(8, lambda: [run(client.execute(Run(PING))) for _ in range(25)])
        pool = pool_of(client)
        return pool.size, pool.idle_count, pool.operation_count

    size, idle, used = use(flavour, server.uri, main, maxpoolsize=5)
    assert size == idle
    assert 1 <= size <= 5
    assert used == 0


def run_threads(count, target):
    errors = []

    def guarded():
        try:
            target()
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_idle_connections_that_ended_are_replaced(flavour, server):
    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        connection = pool.take()
        pool.checkin(connection)
        end(connection)
        while not connection.stream.is_stale():
            await client.backend.sleep(0.001)
        connection.last_used -= 10  # idle for long enough to be looked at
        reply = await client.execute(Run(PING))
        return reply["ok"], pool.size, connection.closed

    assert use(flavour, server.uri, main) == (1, 1, True)


def end(connection):
    """End the connection behind its stream's back."""
    stream = connection.stream
    if hasattr(stream, "_sock"):
        sock = stream._sock
    elif hasattr(stream, "_pipe"):
        sock = stream._pipe.sock
    else:
        sock = stream._transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(sock.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


def test_the_pool_is_kept_at_its_minimum(flavour, server):
    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        await wait(client.backend, lambda: pool.idle_count >= 3)
        return pool.size

    assert use(flavour, server.uri, main, minpoolsize=3) == 3


def test_idle_connections_are_closed_in_time(flavour, server):
    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        await wait(client.backend, lambda: not pool.size)

    use(flavour, server.uri, main, maxidletimems=50)


# -- interruptions --


def test_ctrl_c_leaves_a_healthy_client():
    def answer(request):
        if request.name == "find":
            os.kill(os.getpid(), signal.SIGINT)
            return SILENCE
        return {"ok": 1}

    async def main(client):
        await client.execute(Run(PING))
        with pytest.raises(KeyboardInterrupt):
            await client.execute(Find("slow"))
        pool = pool_of(client)
        left = pool.size, pool.operation_count
        return left, (await client.execute(Run(PING)))["ok"]

    with FakeMongod(answer=answer) as fake:
        assert use("blocking", fake.uri, main) == ((0, 0), 1)


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_cancelling_operations_leaves_a_healthy_client(library):
    async def main(client):
        await client.execute(Run(PING))
        tasks = [begin(client.execute(Find("slow"))) for _ in range(6)]
        await wait(client.backend, lambda: len(fake.of("find")) == 3)
        for task in tasks:
            task.cancel()
        results = await together(*tasks, return_exceptions=True)
        assert all(isinstance(r, WasCancelled) for r in results)
        pool = pool_of(client)
        left = pool.size, pool.operation_count
        replies = await together(*[client.execute(Run(PING)) for _ in range(20)])
        return left, sum(r["ok"] for r in replies)

    # Three were waiting for a connection, three for a reply.
    with FakeMongod(answer=lambda r: SILENCE if r.name == "find" else {"ok": 1}) as fake:
        assert use(library, fake.uri, main, maxpoolsize=3) == ((0, 0), 20)


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_cancelling_a_selection_leaves_nothing_behind(library):
    async def main(backend):
        client = make_client(backend, "mongodb://127.0.0.1:1/")
        task = begin(client.execute(Run(PING)))
        await wait(backend, lambda: client.topology._waiters)
        task.cancel()
        with pytest.raises(WasCancelled):
            await task
        waiting = len(client.topology._waiters)
        await client.close()
        return waiting

    assert run_on(library, main) == 0


def test_closing_ends_what_waits_for_a_server(flavour):
    """A server selection under way when the client is closed."""

    async def main(backend):
        client = make_client(backend, "mongodb://127.0.0.1:1/")
        seen = []

        async def run_into_it():
            try:
                await client.execute(Run(PING))
            except InvalidOperation as exc:
                seen.append(str(exc))

        task = backend.spawn(run_into_it, "waiting")
        await wait(backend, lambda: client.topology._waiters)
        await client.close()
        await task.join(10)
        return seen, client.name

    seen, name = run_on(flavour, main)
    assert seen == [f"Cannot use {name} after close"]


# -- forks and loops --


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_starts_anew(server):
    async def main(client):
        await client.execute(Run(PING))
        session = client.start_session()
        parents = session.session_id
        pool = pool_of(client)
        held = await pool.checkout()
        pid = os.fork()
        if pid == 0:
            os._exit(await in_child(client, session, parents))
        status = os.waitpid(pid, 0)[1]
        # The parent's connection was not spoiled by the child.
        assert (await held.run({"ping": 1, "$db": "admin"}, None))["ok"] == 1
        pool.checkin(held)
        assert (await client.execute(Run(PING), session=session))["ok"] == 1
        session.end()
        return os.waitstatus_to_exitcode(status)

    assert use("blocking", server.uri, main) == 0


async def in_child(client, session, parents):
    try:
        with pytest.warns(UserWarning, match="MongoClient opened before fork"):
            await client.execute(Run(PING))
        await client.execute(Run(PING))
        assert session.session_id != parents
        await client.execute(Run(PING), session=session)
        assert pool_of(client).size == 1
        await client.close()
    except BaseException as exc:
        print("child:", repr(exc))
        return 1
    return 0


def in_fork(child):
    """Run a function in a child process; whether it returned True there."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    code = 1
    try:
        code = 0 if child() is True else 1
    finally:
        os._exit(code)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_does_not_use_the_sessions_of_its_parent(flavour, server):
    """The server would take a write of one for the repetition of the other's, and drop it."""

    async def main(client):
        await client.execute(Insert("forked", [{}]))
        session = client.sessions.acquire()  # an operation's, in the middle of a fork

        def child():
            session.end()
            return client.sessions.acquire().lsid != session.lsid

        assert in_fork(child)
        session.end()
        return client.sessions.acquire() is session

    assert use(flavour, server.uri, main) is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("end", ["close", "collect"])
def test_a_child_process_does_not_kill_the_cursors_of_its_parent(flavour, server, end):
    async def main(backend):
        client = {"blocking": MongoClient}.get(flavour, AsyncMongoClient)(server.uri)
        collection = client.core_tests.forked_cursors
        await done(collection.drop())
        await done(collection.insert_many([{} for _ in range(5)]))
        cursors = [collection.find(batch_size=2)]
        await done(cursors[0].next())

        def child():
            if end == "close":
                closing = cursors[0].close()
                if flavour != "blocking":
                    with pytest.raises(StopIteration):
                        closing.send(None)  # without waiting for anything
            cursors.clear()
            gc.collect()
            return not client._core._housekeeper._dead

        assert in_fork(child)
        try:
            return len(await done(cursors[0].to_list()))
        finally:
            await done(client.close())

    assert run_on(flavour, main) == 4


async def done(outcome):
    """What a call of either flavour comes to."""
    return await outcome if inspect.isawaitable(outcome) else outcome


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_locks_are_held(server):
    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        held = threading.Event()
        release = threading.Event()

        def hold():
            with pool._lock, client.topology._lock, client._clock._lock:
                held.set()
                release.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(10)
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                os._exit(0 if (await client.execute(Run(PING)))["ok"] == 1 else 1)
        release.set()
        thread.join()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert use("blocking", server.uri, main) == 0


def test_a_client_stays_with_its_loop(server):
    backend = AioBackend()
    client = make_client(backend, server.uri)

    async def first():
        await client.execute(Run(PING))

    async def second():
        with pytest.raises(RuntimeError, match="Cannot use AsyncMongoClient in different event"):
            await client.execute(Run(PING))

    async def end():
        await first()
        await asyncio.to_thread(lambda: asyncio.run(second()))
        await client.close()

    asyncio.run(end())


# -- unreachable servers --


def test_no_server_in_time(flavour):
    async def main(backend):
        async with opened(
            backend, "mongodb://127.0.0.1:1/", serverselectiontimeoutms=100
        ) as client:
            await until_known_to_fail(client)
            begun = time.monotonic()
            with pytest.raises(ServerSelectionTimeoutError) as caught:
                await client.execute(Run(PING))
            return time.monotonic() - begun, caught.value, repr(client.description)

    seconds, error, description = run_on(flavour, main)
    assert seconds > 0.09  # event loops count in milliseconds
    reason = "(configured timeouts: socketTimeoutMS: 20000.0ms, connectTimeoutMS: 20000.0ms)"
    assert str(error).startswith("127.0.0.1:1: ")
    assert reason in str(error)
    assert f", Timeout: 0.1s, Topology Description: {description}" in str(error)
    assert error.timeout


def test_listeners_may_use_the_client(flavour, server):
    """Every event is published without a lock, so a listener can look at the client."""

    class Curious(Recorder):
        client = None

        def look(self):
            client = self.client
            if client is not None:
                with client.topology._lock, client._clock._lock:
                    for member in client.topology._servers.values():
                        with member.pool._lock:
                            pass

    def seen(self, event):
        self.look()
        self.events.append(event)

    for base in Recorder.__bases__:
        for name in (n for n in vars(base) if not n.startswith("_")):
            setattr(Curious, name, seen)
    recorder = Curious()

    async def main(backend):
        client = make_client(backend, server.uri, event_listeners=[recorder], minpoolsize=1)
        recorder.client = client
        await client.execute(Run(PING))
        client.topology.servers[0].pool.clear()
        client.topology.request_checks()
        recorder.client = client
        await client.close()
        recorder.client = None

    run_on(flavour, main)
    kinds = {type(e).__name__ for e in recorder.events}
    assert {"PoolCreatedEvent", "TopologyOpenedEvent", "PoolClearedEvent"} <= kinds
    assert {"ServerDescriptionChangedEvent", "CommandStartedEvent", "PoolClosedEvent"} <= kinds
