"""Connections and their pool where something goes wrong: nothing is lost, mixed up or trusted."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import sys
import threading

import pytest

from bsonx.int64 import Int64
from core_kit import PING, Recorder, Run, opened, pool_of, use, wait
from fake_mongod import HANG_UP, MORE_TO_COME, STANDALONE, FakeMongod, respond, topology_version
from flavours import EVERYWHERE, FLAVOURS, run_on
from mongodriver import AsyncMongoClient, MongoClient, monitoring
from mongodriver.client.settings import PoolSettings
from mongodriver.cmap.failures import Limits, connection_failure
from mongodriver.cmap.pool import Pool
from mongodriver.cursor import CursorType
from mongodriver.errors import (
    AutoReconnect,
    ProtocolError,
    ServerSelectionTimeoutError,
)
from mongodriver.events.observer import Observer
from mongodriver.execution import attempt as attempt_module
from mongodriver.io.blocking import BlockingBackend, run
from mongodriver.monitoring import ServerHeartbeatFailedEvent
from mongodriver.ops.cursor import Find, GetMore, ReadTarget
from mongodriver.replies.fields import bad_reply
from scripted import HEADER
from tasks import begin, together

SESSIONS = {**STANDALONE, "logicalSessionTimeoutMinutes": 30}


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


# -- streamed replies --


def batch(name, id, number):
    return {"ok": 1, "cursor": {"id": Int64(id), "ns": "a.b", name: [{"_id": number}]}}


class Forger(FakeMongod):
    """Streams the batches of a getMore; the second answers whatever `response_to` says."""

    def __init__(self, response_to):
        self.response_to = response_to
        super().__init__(SESSIONS, self.batches)

    def batches(self, request):
        if request.name == "find":
            return batch("firstBatch", 9, 0)
        if request.name == "getMore":
            return [batch("nextBatch", 9, 1), batch("nextBatch", 0, 2)]
        return {"ok": 1}

    def _send(self, sock, reply, request_id):
        if not isinstance(reply, list):
            super()._send(sock, reply, request_id)
            return
        sock.sendall(respond(reply[0], request_id, MORE_TO_COME, 41))
        sock.sendall(respond(reply[1], self.response_to(request_id), 0, 42))


@pytest.mark.parametrize(
    ("response_to", "fine"),
    [(lambda request: 41, True), (lambda request: request, False), (lambda request: 99, False)],
    ids=["the reply before", "the request", "nothing"],
)
def test_a_streamed_reply_answers_the_one_before(flavour, response_to, fine):
    options = Run.codec_options

    async def main(client):
        target = ReadTarget("a", "b", options, None, None)
        first = await client.execute(Find(target, {}, pin=True))
        connection = first.connection
        more = GetMore("a.b", 9, options, exhaust=True)
        second = await client.execute(more, connection=connection)
        assert second.batch == [{"_id": 1}]
        try:
            third = await client.execute(more, connection=connection)
        except ProtocolError as exc:
            return str(exc), connection.closed
        finally:
            client.unpin(connection)
        return third.batch, connection.closed

    with Forger(response_to) as fake:
        result = use(flavour, fake.uri, main)
    if fine:
        assert result == ([{"_id": 2}], False)
    else:
        assert result[0].endswith("but expected 41")
        assert result[1] is True


def test_a_forged_stream_through_a_public_cursor():
    with Forger(lambda request: 99) as fake, MongoClient(fake.uri) as client:
        cursor = client.a.b.find(cursor_type=CursorType.EXHAUST)
        with pytest.raises(ProtocolError, match="Got response id 99 but expected 41"):
            list(cursor)
        assert not cursor.alive
        assert client.admin.command("ping")["ok"] == 1


def test_a_cursor_that_is_dropped_in_the_middle_of_a_stream_is_killed():
    """On another connection: on its own the next batch would be taken for the answer."""

    def answer(request):
        if request.name == "find":
            return batch("firstBatch", 9, 0)
        if request.name == "getMore":
            return [batch("nextBatch", 9, number) for number in range(5)]
        return {"ok": 1}

    with FakeMongod(SESSIONS, answer) as fake, MongoClient(fake.uri) as client:
        cursor = client.a.b.find(cursor_type=CursorType.EXHAUST)
        next(cursor)
        next(cursor)
        del cursor
        gc.collect()
        fake.wait_for(lambda: fake.of("killCursors"), 60)
        assert fake.of("killCursors")[0].connection != fake.of("getMore")[0].connection


def test_a_streamed_hello_answers_the_one_before(flavour):
    recorder = Recorder()
    hello = {**SESSIONS, "topologyVersion": topology_version(1)}

    class Streaming(FakeMongod):
        def _send(self, sock, reply, request_id):
            if not isinstance(reply, list):
                super()._send(sock, reply, request_id)
                return
            sock.sendall(respond(reply[0], request_id, MORE_TO_COME, 41))
            sock.sendall(respond(reply[0], 99, MORE_TO_COME, 42))

    def answer(request):
        return [hello] if "topologyVersion" in request.body else hello

    async def main(client):
        client.open()
        await wait(client.backend, lambda: recorder.of(ServerHeartbeatFailedEvent))

    with Streaming(answer) as fake:
        use(flavour, fake.uri, main, event_listeners=[recorder])
    (failed, *_) = recorder.of(ServerHeartbeatFailedEvent)
    assert isinstance(failed.reply, ProtocolError)
    assert "Got response id 99 but expected 41" in str(failed.reply)


# -- forged lengths --


@pytest.mark.parametrize("compressor", [1, 2, 3])
def test_a_forged_size_of_a_compressed_reply_costs_nothing(flavour, compressor):
    """The header announces an inflated message of 90 MB; a few bytes follow."""
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not
    wrapper = struct.pack("<iiB", 2013, 90_000_000, compressor) + b"\x80" * 20

    class Forging(FakeMongod):
        def _send(self, sock, reply, request_id):
            if reply != "forged":
                super()._send(sock, reply, request_id)
                return
            sock.sendall(HEADER.pack(16 + len(wrapper), 1, request_id, 2012) + wrapper)

    async def main(client):
        await client.execute(Run(PING))
        with pytest.raises(ProtocolError):
            await client.execute(Run({"find": "t"}))
        return (await client.execute(Run(PING)))["ok"]

    def answer(request):
        return "forged" if request.name == "find" else {"ok": 1}

    with Forging(SESSIONS, answer) as fake:
        tracemalloc.start()
        try:
            assert use(flavour, fake.uri, main) == 1
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
        assert fake.of("ping")[0].connection != fake.of("ping")[1].connection


# -- idle connections --


@pytest.mark.parametrize(
    ("limit", "idle", "same"),
    [(None, 0.5, True), (100, 0.05, True), (100, 0.2, False), (100, 5, False), (3000, 2, True)],
)
@pytest.mark.parametrize("kind", ["watched", "unwatched"])
def test_maxidletimems_in_a_real_client(flavour, limit, idle, same, kind):
    """Also below a second, and whether or not anybody listens to the pool."""
    options = {} if limit is None else {"maxidletimems": limit}
    if kind == "watched":
        options["event_listeners"] = [Recorder()]

    async def main(client):
        await client.execute(Run(PING))
        (connection,) = pool_of(client)._idle
        connection.last_used -= idle
        await client.execute(Run(PING))

    with FakeMongod(SESSIONS) as fake:
        use(flavour, fake.uri, main, **options)
        one, other = fake.of("ping")
    assert (one.connection == other.connection) is same


# -- a pool that is paused --


def test_who_waits_for_a_connection_waits_for_the_next_check(flavour):
    """The first of six loses its connection, and the pool is cleared; the others were not sent."""
    waiting = threading.Event()

    def answer(request):
        if request.name == "first":
            waiting.wait(60)
            return HANG_UP
        return {"ok": 1}

    async def main(backend):
        options = {"maxpoolsize": 1, "heartbeatfrequencyms": 500}
        async with opened(backend, fake.uri, **options) as client:
            await client.execute(Run(PING))
            pool = pool_of(client)
            tasks = Together(backend)
            tasks.begin(client.execute(Run({"first": 1})))
            await wait(backend, lambda: fake.of("first"))
            for _ in range(5):
                tasks.begin(client.execute(Run({"next": 1})))
            await wait(backend, lambda: len(pool._waiters) == 5)
            waiting.set()
            return await tasks.results()

    with FakeMongod(SESSIONS, answer) as fake:
        first, *others = run_on(flavour, main)
    assert isinstance(first, AutoReconnect)
    assert [result["ok"] for result in others] == [1] * 5


@pytest.mark.parametrize("how", ["deadline", "selection"])
def test_a_paused_pool_of_a_known_server(flavour, how):
    """As of a member that serves nobody but holds a cursor: no endless loop, no standstill."""

    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        pool.begin_ready = lambda: False
        pool.clear()
        with pytest.raises(ServerSelectionTimeoutError) as caught:
            await client.execute(Run(PING), timeout=0.3 if how == "deadline" else None)
        return str(caught.value)

    with FakeMongod(SESSIONS) as fake:
        text = use(flavour, fake.uri, main, serverselectiontimeoutms=500)
    assert f"Timeout: {0.3 if how == 'deadline' else 0.5}s" in text


class Together:
    """Operations at the same time: threads or tasks."""

    def __init__(self, backend):
        self._blocking = backend.name == "blocking"
        self._begun = []
        self._results = []

    def begin(self, operation):
        if not self._blocking:
            self._begun.append(begin(operation))
            return
        index = len(self._begun)
        self._results.append(None)

        def work():
            try:
                self._results[index] = run(operation)
            except Exception as exc:
                self._results[index] = exc

        thread = threading.Thread(target=work)
        self._begun.append(thread)
        thread.start()

    async def results(self):
        if not self._blocking:
            return await together(*self._begun, return_exceptions=True)
        for thread in self._begun:
            thread.join()
        return self._results


# -- Ctrl-C at a bad moment --


def interrupt_at(code, text):
    """A trace function that raises KeyboardInterrupt before a line of a function, once."""
    import inspect

    lines, start = inspect.getsourcelines(code)
    (line,) = [start + n for n, content in enumerate(lines) if content.strip() == text]
    done = []

    def trace(frame, event, arg):
        if frame.f_code is not code.__code__:
            return None
        if event == "line" and frame.f_lineno == line and not done:
            done.append(True)
            raise KeyboardInterrupt
        return trace

    return trace


def test_ctrl_c_between_taking_a_connection_and_using_it():
    """Nobody gives it back then; but its pool does not count it for ever."""
    with FakeMongod(SESSIONS) as fake:

        async def main(backend):
            async with opened(backend, fake.uri, maxpoolsize=1) as client:
                await client.execute(Run(PING))
                trace = interrupt_at(attempt_module.attempt, "execution.connection = connection")
                before = sys.gettrace()
                sys.settrace(trace)
                try:
                    await client.execute(Run(PING))
                except KeyboardInterrupt:
                    caught = True
                finally:
                    sys.settrace(before)
                assert caught
                gc.collect()
                assert pool_of(client).size == 0
                assert (await client.execute(Run(PING), timeout=60))["ok"] == 1

        run_on("blocking", main)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_ctrl_c_while_a_check_out_is_published(flavour):
    class Interrupting(monitoring.ConnectionPoolListener):
        armed = False

        def connection_checked_out(self, event):
            if self.armed:
                self.armed = False
                raise KeyboardInterrupt

    for _name in vars(monitoring.ConnectionPoolListener):
        if not _name.startswith("_") and _name != "connection_checked_out":
            setattr(Interrupting, _name, lambda self, event: None)
    listener = Interrupting()

    async def main(backend):
        async with opened(backend, fake.uri, maxpoolsize=1, event_listeners=[listener]) as client:
            await client.execute(Run(PING))
            listener.armed = True
            try:
                await client.execute(Run(PING))
            except KeyboardInterrupt:
                caught = True
            assert caught
            gc.collect()
            assert pool_of(client).size == pool_of(client).idle_count
            assert (await client.execute(Run(PING), timeout=60))["ok"] == 1

    with FakeMongod(SESSIONS) as fake:
        run_on(flavour, main)


def test_a_pool_is_aborted_while_a_connection_is_opened():
    """`abort` is called by a finalizer: it takes no lock, and reads what others change."""

    class Changing:
        """As a set is to an iteration during which it grows."""

        changes = 3

        def __iter__(self):
            if self.changes:
                self.changes -= 1
                raise RuntimeError("Set changed size during iteration")
            return iter(())

    pool = Pool(("h.test", 1), PoolSettings(), BlockingBackend(), None, Observer())
    pool._opening = Changing()
    pool.abort()
    assert Changing.changes == 3
    assert pool._opening.changes == 0


# -- texts --


def test_an_ipv6_address_in_errors_has_brackets():
    refused = connection_failure(ConnectionRefusedError(111, "refused"), ("::1", 1), Limits())
    assert str(refused).startswith("[::1]:1: ")
    assert str(bad_reply("hello", ("::1", 1), ValueError("x"))).startswith("[::1]:1: ")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_an_ipv6_address_of_a_client(kind):
    from mongodriver.errors import ServerSelectionTimeoutError

    async def fail():
        async with AsyncMongoClient("mongodb://[::1]:1/", serverSelectionTimeoutMS=200) as client:
            with pytest.raises(ServerSelectionTimeoutError) as caught:
                await client.admin.command("ping")
            return str(caught.value)

    if kind is AsyncMongoClient:
        text = asyncio.run(fail())
    else:
        with MongoClient("mongodb://[::1]:1/", serverSelectionTimeoutMS=200) as client:
            with pytest.raises(ServerSelectionTimeoutError) as caught:
                client.admin.command("ping")
            text = str(caught.value)
    assert text.startswith("[::1]:1: ")
