"""The deadline of an operation, at every stage: whatever it waits for, it ends then.

The limits of the stages themselves are far longer than the operation's, and `PATIENCE` lies
between the two: what takes longer has waited for something else than the deadline.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from bsonx.int64 import Int64
from core_kit import PING, Find, Insert, Run, pool_of, use, wait
from fake_mongod import HANG_UP, SILENCE, STANDALONE, FakeMongod, respond
from flavours import EVERYWHERE, run_on
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import (
    AutoReconnect,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)
from mongodriver.execution.timeouts import current_deadline, one_deadline, timeout
from mongodriver.io import addresses
from mongodriver.io.base import ConnectOptions
from mongodriver.io.deadline import Deadline
from mongodriver.ops.cursor import GetMore, KillCursors
from mongodriver.ops.sessions import EndSessions
from mongodriver.server_description import ServerDescription
from mongodriver.values.hello import Hello
from mongodriver.values.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern
from scripted import read_message, scripted

#: Seconds.
LIMIT, PATIENCE = 0.3, 30
#: All far beyond PATIENCE.
LONG = {"connecttimeoutms": 60_000, "serverselectiontimeoutms": 60_000}
TOLD = "(configured timeouts: timeoutMS: 300.0ms, connectTimeoutMS: 60000.0ms)"
SESSIONS = {**STANDALONE, "logicalSessionTimeoutMinutes": 30}


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


def pretend(client, hello=SESSIONS):
    """Have a client take its only server for known, whatever the server has answered so far."""
    client.open()
    (server,) = client.topology.servers
    client.topology.update(ServerDescription(server.address, Hello(hello)))


async def fails_in_time(client, operation=None, seconds=LIMIT):
    """The error of an operation, which must not take longer than its deadline."""
    start = time.monotonic()
    with pytest.raises(PyMongoError) as caught:
        await client.execute(operation or Run(PING), timeout=seconds)
    assert time.monotonic() - start < PATIENCE
    assert caught.value.timeout
    return caught.value


def was_over_before(error):
    """Whether the machine stood still, for so long that the command was not even sent."""
    return isinstance(error, ExecutionTimeout) and "round trip time" in str(error)


def error_of(flavour, uri, **options):
    """The error of an operation of a client that thinks its server is fine."""

    async def main(client):
        pretend(client)
        for _ in range(10):
            error = await fails_in_time(client)
            if not was_over_before(error):
                break
        (server,) = client.description.server_descriptions().values()
        # The haste of an operation says nothing about the server.
        assert server.is_server_type_known
        return error

    return use(flavour, uri, main, **{**LONG, **options})


@contextlib.contextmanager
def full_backlog():
    """The address of a listener that accepts nobody, so that connecting never ends."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            other = stack.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        yield listener.getsockname()


# -- the stages --


def test_no_server_is_known(flavour):
    async def main(client):
        return await fails_in_time(client)

    error = use(flavour, "mongodb://127.0.0.1:1/", main, **LONG)
    assert isinstance(error, ServerSelectionTimeoutError)
    assert "Timeout: 0.3s" in str(error)


def test_serverselectiontimeoutms_counts_if_it_is_sooner(flavour):
    async def main(client):
        return await fails_in_time(client, seconds=60)

    error = use(flavour, "mongodb://127.0.0.1:1/", main, serverselectiontimeoutms=100)
    assert isinstance(error, ServerSelectionTimeoutError)
    assert "Timeout: 0.1s" in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux drops what a full backlog cannot take")
def test_connecting_is_not_answered(flavour):
    with full_backlog() as (host, port):
        error = error_of(flavour, f"mongodb://{host}:{port}/")
    assert isinstance(error, NetworkTimeout)
    assert str(error) == f"{host}:{port}: timed out {TOLD}"


def test_tls_is_not_answered(flavour):
    with scripted(lambda sock: read_message(sock)) as server:
        uri = f"mongodb://127.0.0.1:{server.address[1]}/?tls=true"
        error = error_of(flavour, uri)
    assert isinstance(error, NetworkTimeout)
    assert str(error).endswith(f": timed out {TOLD}")


def test_hello_is_not_answered(flavour):
    with FakeMongod(SILENCE) as fake:
        error = error_of(flavour, fake.uri)
    assert isinstance(error, NetworkTimeout)
    assert str(error).endswith(f": timed out {TOLD}")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"])
def test_sasl_is_not_answered(flavour, mechanism):
    with FakeMongod(SESSIONS, lambda request: SILENCE) as fake:
        options = {"username": "u", "password": "p", "authmechanism": mechanism}
        uri = fake.uri.replace("//", "//u:p@") + f"?authMechanism={mechanism}"
        error = error_of(flavour, uri)
        assert fake.of("saslStart"), options
    assert isinstance(error, NetworkTimeout)
    assert str(error).endswith(f": timed out {TOLD}")


def test_the_command_is_not_answered(flavour):
    with FakeMongod(SESSIONS, lambda request: SILENCE) as fake:
        error = error_of(flavour, fake.uri)
    assert isinstance(error, NetworkTimeout)
    assert str(error).endswith(f": timed out {TOLD}")


@pytest.mark.parametrize("size", [2, 20, 40])
def test_the_reply_stops_in_the_middle(flavour, size):
    half = respond({"ok": 1, "more": "x" * 100}, 0)[:size]
    with FakeMongod(SESSIONS, lambda request: half) as fake:
        error = error_of(flavour, fake.uri)
    assert isinstance(error, NetworkTimeout)


def test_a_reply_that_comes_by_the_byte(flavour):
    """Each byte is in time; all of them together are not."""
    done = threading.Event()

    def drip(sock):
        while message := read_message(sock):
            request_id = int.from_bytes(message[4:8], "little")
            if b"ping" not in message:
                sock.sendall(respond(SESSIONS, request_id, query=True))
                continue
            reply = respond(SESSIONS, request_id)
            for byte in reply[:-1]:
                sock.sendall(bytes([byte]))
                if done.wait(0.05):
                    return

    with scripted(drip) as server:
        error = error_of(flavour, f"mongodb://127.0.0.1:{server.address[1]}/")
        done.set()
    assert isinstance(error, NetworkTimeout)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_the_command_is_not_read(flavour, acknowledged):
    """A message larger than all buffers on its way."""
    done = threading.Event()

    def read_hello_only(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        message = read_message(sock)
        sock.sendall(respond(SESSIONS, int.from_bytes(message[4:8], "little"), query=True))
        done.wait(3 * PATIENCE)

    async def main(client):
        pretend(client)
        insert = Insert("t", [{"x": bytes(1_000_000)}] * 12, acknowledged=acknowledged)
        try:
            # Time enough to encode it, on a slow machine too.
            return await fails_in_time(client, insert, seconds=2)
        finally:
            done.set()

    with scripted(read_hello_only) as server:
        error = use(flavour, f"mongodb://127.0.0.1:{server.address[1]}/", main, **LONG)
    assert isinstance(error, NetworkTimeout)


@pytest.mark.parametrize("queue", [None, 1, 60_000])
def test_the_pool_is_full(flavour, queue):
    """waitQueueTimeoutMS does not count beside the operation's own limit."""

    async def main(client):
        pretend(client)
        pool = pool_of(client)
        taken = await pool.checkout()
        try:
            return await fails_in_time(client)
        finally:
            pool.checkin(taken)

    options = {"maxpoolsize": 1, **LONG}
    if queue is not None:
        options["waitqueuetimeoutms"] = queue
    with FakeMongod(SESSIONS) as fake:
        error = use(flavour, fake.uri, main, **options)
    assert isinstance(error, WaitQueueTimeoutError)
    assert str(error).endswith("maxPoolSize: 1, timeout: 0.3")


def test_the_time_is_over_before_a_connection_is_there(flavour):
    async def main(client):
        pretend(client)
        return await fails_in_time(client, seconds=1e-9)

    with FakeMongod(SESSIONS, SILENCE) as fake:
        error = use(flavour, fake.uri, main, **LONG)
    assert isinstance(error, ExecutionTimeout)
    assert str(error).startswith("operation would exceed time limit, remaining timeout:-0.0")


def test_the_next_attempt_would_come_too_late(flavour, monkeypatch):
    """The server is overloaded and asks for a long pause."""
    monkeypatch.setattr("random.random", lambda: 1.0)
    shed = {
        "ok": 0,
        "code": 462,
        "errmsg": "overloaded",
        "errorLabels": ["SystemOverloadedError", "RetryableError"],
        "baseBackoffMS": 10**9,
    }

    async def main(client):
        pretend(client)
        error = await fails_in_time(client, Find("t"), seconds=9)
        return error, len(fake.of("find"))

    with FakeMongod(SESSIONS, lambda r: shed if r.name == "find" else {"ok": 1}) as fake:
        error, requests = use(flavour, fake.uri, main, **LONG)
    assert requests == 1
    assert isinstance(error, ExecutionTimeout)
    assert isinstance(error.__cause__, OperationFailure)
    assert error.__cause__.details == shed


def test_the_server_changes(flavour):
    """No time is begun anew where an operation has to look for another server."""

    async def main(client):
        client.open()
        return await fails_in_time(client, Find("t"))

    down = {"ok": 0, "code": 10107, "errmsg": "not primary"}

    def hello(request):
        # The monitor never hears of a server again.
        return SESSIONS if len(fake.of("hello", "ismaster")) < 3 else SILENCE

    with FakeMongod(hello, lambda request: down) as fake:
        error = use(flavour, fake.uri, main, **LONG)
    # The second is a busy machine's: the first server's answer had not come yet.
    assert isinstance(error, (ServerSelectionTimeoutError, NetworkTimeout))


# -- names --


@pytest.fixture
def silent_dns(monkeypatch):
    """The resolver never answers, until the end of the test."""
    real = socket.getaddrinfo
    done = threading.Event()
    asked = []

    def getaddrinfo(host, *args, flags=0, **kwargs):
        if flags & socket.AI_NUMERICHOST or host != "slow.test":
            return real(host, *args, flags=flags, **kwargs)
        asked.append(threading.current_thread())
        done.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    done.set()
    for call in list(addresses._lookups.values()):
        ended = threading.Event()
        call[1].when_done(ended.set)
        ended.wait(60)


def test_dns_never_answers(flavour, silent_dns):
    error = error_of(flavour, "mongodb://slow.test/")
    assert isinstance(error, NetworkTimeout)
    assert str(error) == f"slow.test:27017: timed out {TOLD}"


def test_lookups_at_the_same_time_are_one(flavour, silent_dns):
    async def main(backend):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await backend.connect(("slow.test", 1), ConnectOptions(60), Deadline(0.01))

    run_on(flavour, main)
    assert len(silent_dns) == 1
    assert silent_dns[0].daemon


def test_a_later_lookup_is_a_new_one(flavour, silent_dns, monkeypatch):
    async def main(backend):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await backend.connect(("slow.test", 1), ConnectOptions(60), Deadline(0.01))

    monkeypatch.setattr("mongodriver.io.addresses._SHARED_FOR", -1.0)
    run_on(flavour, main)
    assert len(silent_dns) == 3


AT_EXIT = """
import asyncio, socket, sys, time, warnings
warnings.simplefilter("ignore")
import mongodriver
real = socket.getaddrinfo
def getaddrinfo(host, *args, flags=0, **kwargs):
    if host != "slow.test" or flags & socket.AI_NUMERICHOST:
        return real(host, *args, flags=flags, **kwargs)
    time.sleep(3600)
socket.getaddrinfo = getaddrinfo
URI = "mongodb://slow.test/?timeoutMS=100"
async def main():
    client = mongodriver.AsyncMongoClient(URI)
    try:
        await client.admin.command("ping")
    except mongodriver.errors.PyMongoError as exc:
        print(exc.timeout)
    await client.close()
if sys.argv[1] == "async":
    asyncio.run(main())
else:
    client = mongodriver.MongoClient(URI)
    try:
        client.admin.command("ping")
    except mongodriver.errors.PyMongoError as exc:
        print(exc.timeout)
    client.close()
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_lookup_does_not_keep_the_program_from_ending(kind):
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT, kind],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_function_that_takes_too_long(flavour):
    """Such as the derivation of keys, whose cost the server chooses."""
    done = threading.Event()

    async def main(backend):
        with pytest.raises(TimeoutError):
            await backend.call(done.wait, 60, deadline=Deadline(0.01))
        assert await backend.call(int, "7", deadline=Deadline(60)) == 7
        assert await backend.call(int, "7") == 7
        with pytest.raises(ZeroDivisionError):
            await backend.call(divmod, 1, 0, deadline=Deadline(60))

    try:
        run_on(flavour, main)
    finally:
        done.set()


# -- what else a deadline does --


def test_background_work_has_no_part_in_a_block(flavour):
    async def main(backend):
        found = []

        async def work():
            found.append(current_deadline(None))

        with timeout(60):
            task = backend.spawn(work, "work")
            assert current_deadline(None) is not None
        await task.join(60)
        return found

    assert run_on(flavour, main) == [None]


def test_a_coroutine_that_is_given_up_ends_no_other_block():
    async def work():
        with timeout(60):
            await Never()

    class Never:
        def __await__(self):
            yield

    coroutine = work()
    contextvars.Context().run(coroutine.send, None)
    with timeout(30):
        coroutine.close()
        assert current_deadline(None) is not None
    assert current_deadline(None) is None


def test_one_deadline_for_several_operations():
    with one_deadline(60):
        outer = current_deadline(60)
        with one_deadline(60):
            assert current_deadline(60) is outer
        with timeout(30):
            assert current_deadline(60) < outer
            with one_deadline(60):
                assert current_deadline(60) < outer
    for nothing in (None, 0):
        with one_deadline(nothing):
            assert current_deadline(nothing) is None
    with timeout(0), one_deadline(60):
        assert current_deadline(60) is None


def test_reads_are_repeated_as_long_as_there_is_time(flavour):
    failures = iter([{"ok": 0, "code": 6, "errmsg": "again"}] * 5)
    found = {"ok": 1, "cursor": {"id": Int64(0), "ns": "a.b", "firstBatch": [{"a": 1}]}}

    async def main(client):
        with pytest.raises(OperationFailure):
            await client.execute(Find("t"))
        before = len(fake.of("find"))
        documents = await client.execute(Find("t"), timeout=60)
        return before, len(fake.of("find")), documents

    with FakeMongod(SESSIONS, lambda request: next(failures, found)) as fake:
        assert use(flavour, fake.uri, main) == (2, 6, [{"a": 1}])


def test_the_error_after_many_attempts_is_that_of_the_time(flavour):
    async def main(client):
        return await fails_in_time(client, Find("t"))

    with FakeMongod(SESSIONS, lambda r: {"ok": 0, "code": 6, "errmsg": "again"}) as fake:
        error = use(flavour, fake.uri, main)
        assert len(fake.of("find")) > 1
    assert isinstance(error, (ExecutionTimeout, NetworkTimeout))
    assert isinstance(error.__cause__, (OperationFailure, TimeoutError))


def test_the_error_of_a_lost_server_is_that_of_the_time(flavour):
    """The first attempt lost its connection; the time was over before the next could begin."""

    async def main(client):
        return await fails_in_time(client, Find("t"))

    def hello(request):
        return SESSIONS if len(fake.of("hello", "ismaster")) < 3 else SILENCE

    with FakeMongod(hello, lambda request: HANG_UP) as fake:
        error = use(flavour, fake.uri, main, **LONG)
    assert isinstance(error, (ServerSelectionTimeoutError, NetworkTimeout))
    assert isinstance(error.__cause__, (AutoReconnect, TimeoutError))


@pytest.mark.parametrize("command", ["find", "getMore", "ping"])
def test_what_the_server_has_stopped(flavour, command):
    """The text of the error tells the limits, where PyMongo's does."""
    stopped = {"ok": 0, "code": 50, "errmsg": "too slow"}
    operations = {"find": Find("t"), "ping": Run(PING)}
    operation = operations.get(command) or GetMore("a.b", 7, Find.codec_options)

    async def main(client):
        return [await fails_in_time(client, operation, seconds) for seconds in (8, None)]

    with FakeMongod(SESSIONS, lambda r: stopped if r.name == command else {"ok": 1}) as fake:
        errors = use(flavour, fake.uri, main, sockettimeoutms=9000)
    limits = [
        " (configured timeouts: timeoutMS: 8000.0ms, connectTimeoutMS: 20000.0ms)",
        " (configured timeouts: socketTimeoutMS: 9000.0ms, connectTimeoutMS: 20000.0ms)",
    ]
    for error, limit in zip(errors, limits, strict=True):
        assert isinstance(error, ExecutionTimeout)
        told = limit if command != "ping" else ""
        assert str(error) == f"too slow{told}, full error: {stopped}"
        assert error.details == stopped


def test_sockettimeoutms_does_not_count_beside_it(flavour):
    def answer(request):
        time.sleep(0.3)
        return {"ok": 1}

    async def main(client):
        await client.execute(Run(PING), timeout=60)
        with pytest.raises(NetworkTimeout):
            await client.execute(Run(PING))

    with FakeMongod(SESSIONS, answer) as fake:
        use(flavour, fake.uri, main, sockettimeoutms=50, retryreads=False)


@pytest.mark.parametrize(
    ("operation", "limited"),
    [
        (Run(PING), True),
        (Run({"ping": 1, "maxTimeMS": 5}), True),
        (Find("t"), True),
        (Insert("t", [{}]), True),
        (GetMore("a.b", 7, Find.codec_options), False),
        (GetMore("a.b", 7, Find.codec_options, max_await_time_ms=5), 5),
        (KillCursors("a.b", [7], Find.codec_options), True),
        (EndSessions([], ReadPreference.PRIMARY), False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_server_is_told_what_is_left(flavour, operation, limited):
    cursor = {"id": Int64(0), "ns": "a.b", "firstBatch": [], "nextBatch": []}

    async def main(client):
        await client.execute(operation, timeout=60)
        await client.execute(operation)

    with FakeMongod(SESSIONS, lambda request: {"ok": 1, "cursor": cursor}) as fake:
        use(flavour, fake.uri, main)
        with_limit, without = (r.body for r in fake.of(operation.name)[:2])
    if limited is True:
        assert 50_000 < with_limit["maxTimeMS"] <= 60_000
        assert without.get("maxTimeMS") == ({**PING, **operation.__dict__.get("_body", {})}).get(
            "maxTimeMS"
        )
    elif limited is False:
        assert "maxTimeMS" not in with_limit
    else:
        assert with_limit["maxTimeMS"] == limited


def test_the_place_of_maxtimems_and_a_write_concern_without_wtimeout(flavour):
    def insert(**concern):
        return Insert("t", [{}], write_concern=WriteConcern(**concern))

    async def main(client):
        await client.execute(insert(w=1, wtimeout=5), timeout=60)
        await client.execute(insert(wtimeout=5), timeout=60)
        await client.execute(insert(w=1, wtimeout=5))

    with FakeMongod(SESSIONS) as fake:
        use(flavour, fake.uri, main)
        one, other, without = (r.body for r in fake.of("insert"))
    assert list(one)[-4:-1] == ["maxTimeMS", "writeConcern", "$db"]
    assert one["writeConcern"] == {"w": 1}
    assert "writeConcern" not in other
    assert without["writeConcern"] == {"wtimeout": 5, "w": 1}


def test_nothing_is_sent_when_no_reply_can_come_in_time(flavour):
    async def main(client):
        await client.execute(Run(PING))
        client.topology.minimum_round_trip = lambda address: 100.0
        error = await fails_in_time(client, seconds=60)
        pool = pool_of(client)
        return error, pool.size, pool.idle_count

    with FakeMongod(SESSIONS) as fake:
        error, size, idle = use(flavour, fake.uri, main)
        assert len(fake.of("ping")) == 1
    assert (size, idle) == (1, 1)
    assert isinstance(error, ExecutionTimeout)
    assert error.code == 50
    assert "<= network round trip time:100.00000  (configured timeouts: timeoutMS" in str(error)
    assert error.details["errmsg"] in str(error)


def test_the_quickest_of_the_recent_round_trips_counts(flavour):
    async def main(client):
        client.open()
        (server,) = client.topology.servers
        trips = server.monitor.round_trips
        trips.reset()
        assert client.topology.minimum_round_trip(server.address) == 0
        trips.add_sample(0.5)
        assert client.topology.minimum_round_trip(server.address) == 0
        trips.add_sample(0.25)
        assert client.topology.minimum_round_trip(server.address) == 0.25
        assert client.topology.minimum_round_trip(("elsewhere", 1)) == 0

    with FakeMongod(SILENCE) as fake:
        use(flavour, fake.uri, main)


def test_monitors_have_no_part_in_it(flavour):
    async def main(client):
        await client.execute(Run(PING))
        await wait(client.backend, lambda: len(fake.of("hello", "ismaster")) > 2)

    with FakeMongod(SESSIONS) as fake:
        use(flavour, fake.uri, main, timeoutms=5_000, heartbeatfrequencyms=500)
        assert not [r for r in fake.of("hello", "ismaster") if "maxTimeMS" in r.body]


EMPTY = {
    "find": lambda c: c.find(),
    "find with a limit": lambda c: c.find(limit=3),
    "aggregate": lambda c: c.aggregate([]),
    "raw": lambda c: c.find_raw_batches(),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_cursor_whose_batches_are_all_empty(flavour, name):
    """They come quickly, each in time: the limit is for the wait for the next document."""
    start = time.monotonic()

    def answer(request):
        id = Int64(5 if time.monotonic() - start < PATIENCE else 0)
        batch = "nextBatch" if request.name == "getMore" else "firstBatch"
        threading.Event().wait(0.005)
        return {"ok": 1, "cursor": {"id": id, "ns": "d.c", batch: []}}

    async def main(backend):
        made = {"blocking": MongoClient}.get(flavour, AsyncMongoClient)
        client = made(fake.uri, timeoutMS=300, **LONG)
        try:
            await done((await done(EMPTY[name](client.d.c))).next())
        finally:
            await done(client.close())

    with FakeMongod(SESSIONS, answer) as fake, pytest.raises(PyMongoError) as caught:
        run_on(flavour, main)
    assert caught.value.timeout


async def done(outcome):
    """What a call of either flavour comes to."""
    return await outcome if inspect.isawaitable(outcome) else outcome
