"""Killing cursors and closing clients while servers are slow, silent or gone: nobody waits.

Where a test says that something is not waited for, the server answers only after it: whoever
waited would wait for ever.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import pytest

from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from core_kit import PING, Background, Run, make_client, opened, pool_of, use, wait
from fake_mongod import HANG_UP, MONGOS, SILENCE, STANDALONE, FakeMongod
from flavours import FLAVOURS, run_on
from mongodriver.client import client as client_module
from mongodriver.client import housekeeping
from mongodriver.errors import InvalidOperation, PyMongoError
from mongodriver.execution.timeouts import timeout
from scripted import scripted
from tasks import count_tasks

#: A selection that is waited for at all outlasts every test.
PATIENT = {"serverselectiontimeoutms": 3_600_000, "heartbeatfrequencyms": 500}


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture
def brisk(monkeypatch):
    """Housekeeping without its pauses."""
    monkeypatch.setattr(housekeeping, "KILL_CURSOR_FREQUENCY", 0.005)


class FakeSet:
    """A replica set of fake servers: the first of them is the primary."""

    def __init__(self, count=3):
        self.members = [FakeMongod(self._hello(number)) for number in range(count)]

    def _hello(self, number):
        def hello(request):
            return {
                **STANDALONE,
                "isWritablePrimary": number == 0,
                "secondary": number > 0,
                "setName": "rs",
                "hosts": [f"127.0.0.1:{fake.address[1]}" for fake in self.members],
                "logicalSessionTimeoutMinutes": 30,
            }

        return hello

    @property
    def uri(self):
        return f"{self.members[0].uri}?replicaSet=rs"

    def address(self, number):
        return ("127.0.0.1", self.members[number].address[1])

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for fake in self.members:
            fake.close()


async def all_known(client, count=3):
    client.open()
    await wait(client.backend, lambda: len(client.description.known_servers) == count)


def take_down(fake):
    """End a server's connections, and refuse those to come."""
    fake.hello = fake.answer = lambda request: HANG_UP
    fake.stop_listening()


def killed(fake):
    return [(r.body["killCursors"], r.body["cursors"]) for r in fake.of("killCursors")]


# -- killing cursors --


def test_one_command_kills_the_cursors_of_a_collection(flavour, monkeypatch):
    monkeypatch.setattr(housekeeping, "MAX_KILL_CURSORS", 3)

    async def main(client):
        await all_known(client)
        for id in range(1, 6):
            client.kill_cursor_soon(id, "d.c", both.address(1))
        client.kill_cursor_soon(6, "d.other", both.address(1))
        client.kill_cursor_soon(7, "d.c", both.address(2))
        client.kill_cursor_soon(8, "d.c", None)
        await client._housekeeper.bury_all(client)

    with FakeSet() as both:
        use(flavour, both.uri, main)
        seen = [killed(fake) for fake in both.members]
    assert seen == [
        [("c", [8])],
        [("c", [1, 2, 3]), ("c", [4, 5]), ("other", [6])],
        [("c", [7])],
    ]
    assert type(seen[1][0][1][0]) is Int64


def test_servers_are_told_at_the_same_time(flavour):
    """Each answers once the other has been asked as well."""

    async def main(client):
        await all_known(client)
        for number in (0, 1, 2):
            client.kill_cursor_soon(number + 1, "d.c", trio.address(number))
        await client._housekeeper.bury_all(client, 60)
        assert all(asked)

    asked = [threading.Event() for _ in range(3)]

    def answer(number):
        def answer(request):
            if request.name == "killCursors":
                asked[number].set()
                for event in asked:
                    assert event.wait(30)
            return {"ok": 1}

        return answer

    with FakeSet() as trio:
        for number, fake in enumerate(trio.members):
            fake.answer = answer(number)
        use(flavour, trio.uri, main)
        assert [killed(fake) for fake in trio.members] == [[("c", [n])] for n in (1, 2, 3)]


def test_cursors_of_a_server_that_is_down_do_not_hold_up_the_others(flavour, brisk):
    async def main(client):
        await all_known(client)
        take_down(trio.members[2])
        await wait(client.backend, lambda: not client.topology.is_up(trio.address(2)))
        client.kill_cursor_soon(1, "d.c", trio.address(2))
        client.kill_cursor_soon(2, "d.c", ("elsewhere.test", 27017))
        client.kill_cursor_soon(3, "d.c", trio.address(1))
        await wait(client.backend, lambda: killed(trio.members[1]) == [("c", [3])])
        # Its member may come back; the other one is none of this deployment.
        (left,) = client._housekeeper._dead
        assert left.cursor_id == 1

    with FakeSet() as trio:
        use(flavour, trio.uri, main, **PATIENT)


def test_cursors_wait_for_their_server_to_come_back(flavour, brisk):
    async def main(client):
        await all_known(client)
        up, trio.members[1].hello = trio.members[1].hello, lambda request: HANG_UP
        client.topology.request_checks()
        await wait(client.backend, lambda: not client.topology.is_up(trio.address(1)))
        session = client.sessions.acquire()
        client.kill_cursor_soon(1, "d.c", trio.address(1), session)
        # Its session does not wait with it.
        await wait(client.backend, lambda: client.sessions._free)
        assert client.sessions.acquire() is session
        trio.members[1].hello = up
        await wait(client.backend, lambda: killed(trio.members[1]) == [("c", [1])])
        assert not client._housekeeper._dead

    with FakeSet() as trio:
        use(flavour, trio.uri, main, **PATIENT)


def test_cursors_their_server_has_closed_by_now_are_forgotten(flavour, brisk, monkeypatch):
    monkeypatch.setattr(housekeeping, "SERVER_CURSOR_LIFETIME", -1)

    async def main(client):
        await all_known(client)
        take_down(trio.members[1])
        await wait(client.backend, lambda: not client.topology.is_up(trio.address(1)))
        client.kill_cursor_soon(1, "d.c", trio.address(1))
        await wait(client.backend, lambda: not client._housekeeper._dead)

    with FakeSet() as trio:
        use(flavour, trio.uri, main, **PATIENT)


def test_a_silent_server_does_not_end_housekeeping(flavour, brisk, monkeypatch):
    """It is known to be up, and does not answer: after its time the rounds go on."""
    seconds = 2.0  # a busy machine has to connect and send in these
    monkeypatch.setattr(housekeeping, "KILL_CURSORS_TIMEOUT", seconds)
    monkeypatch.setattr(housekeeping.Housekeeper.bury_all, "__defaults__", (seconds,))

    async def main(client):
        await all_known(client)
        session = client.sessions.acquire()
        client.kill_cursor_soon(1, "d.c", trio.address(1), session)
        await wait(client.backend, lambda: killed(trio.members[1]))
        client.kill_cursor_soon(2, "d.c", trio.address(2))
        await wait(client.backend, lambda: killed(trio.members[2]))
        assert session.dirty

    with FakeSet() as trio:
        trio.members[1].answer = lambda r: SILENCE if r.name == "killCursors" else {"ok": 1}
        use(flavour, trio.uri, main)


def test_a_server_that_lets_connections_wait_does_not_hold_up_the_others(flavour, brisk):
    """Its pool is being filled, for as long as a connection may take: here, for ever."""

    async def main(client):
        await all_known(client)
        await wait(client.backend, lambda: trio.members[1].of("hello", "ismaster")[1:])
        await wait(client.backend, lambda: is_filled(client, trio.address(2)))
        client.kill_cursor_soon(2, "d.c", trio.address(2))
        await wait(client.backend, lambda: killed(trio.members[2]))

    with FakeSet() as trio:
        usual = trio.members[1].hello
        # The first connection is the monitor's.
        trio.members[1].hello = lambda r: usual(r) if r.connection == 1 else SILENCE
        use(flavour, trio.uri, main, minpoolsize=1, connecttimeoutms=3_600_000)


def is_filled(client, address):
    (server,) = (s for s in client.topology.servers if s.address == address)
    return server.pool.idle_count


def test_the_cursors_of_an_ended_session_are_killed_all_the_same(flavour):
    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        used, ended, unused = (client.start_session() for _ in range(3))
        lsid = used.session_id
        assert ended.session_id != lsid
        ended.end()
        for id, session in enumerate((ended, unused, used), 1):
            client.kill_cursor_soon(id, "d.c", server.address, session)
        await client._housekeeper.bury_all(client)
        (kill,) = fake.of("killCursors")
        assert kill.body["cursors"] == [1, 2, 3]
        assert kill.body["lsid"] == lsid
        assert not used.ended

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main)


def test_what_a_cursor_streams_is_not_taken_for_an_answer(flavour):
    """The connection of an abandoned exhaust cursor carries no command any more."""

    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        connection = server.pool.take()
        connection.pinned, connection.more_to_come = "cursor", True
        client.kill_cursor_soon(1, "d.c", server.address, None, connection)
        await client._housekeeper.bury_all(client)
        assert connection.closed
        (kill,) = fake.of("killCursors")
        (ping,) = fake.of("ping")
        assert kill.connection != ping.connection
        assert (server.pool.size, server.pool.operation_count) == (1, 0)

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main)


def test_cursors_behind_a_load_balancer_are_killed_on_their_connections(flavour):
    hello = {**MONGOS, "serviceId": ObjectId()}

    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        pinned = [await server.pool.checkout() for _ in range(2)]
        for id, connection in enumerate(pinned, 1):
            connection.pinned = "cursor"
            await client.execute(Run({"getMore": id, "collection": "c"}), connection=connection)
            client.kill_cursor_soon(id, "d.c", server.address, None, connection)
        client.kill_cursor_soon(3, "d.c", server.address)
        await client._housekeeper.bury_all(client)
        assert server.pool.operation_count == 0
        ways = {request.body["getMore"]: request.connection for request in fake.of("getMore")}
        kills = {r.body["cursors"][0]: r.connection for r in fake.of("killCursors")}
        assert [len(r.body["cursors"]) for r in fake.of("killCursors")] == [1, 1, 1]
        assert {id: kills[id] for id in (1, 2)} == ways

    with FakeMongod(hello) as fake:
        use(flavour, fake.uri, main, loadbalanced=True)


# -- closing --


def test_close_does_not_wait_for_a_server_that_is_down(flavour):
    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        take_down(fake)
        await wait(client.backend, lambda: not client.topology.is_up(server.address))
        client.kill_cursor_soon(1, "d.c", server.address)
        client.start_session().session_id  # noqa: B018
        await client.close()
        assert client.closed

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main, **PATIENT)


def test_close_does_not_wait_for_a_primary(flavour):
    """A member is known, but none that endSessions could be sent to: an arbiter."""
    arbiter = {**STANDALONE, "isWritablePrimary": False, "arbiterOnly": True, "setName": "rs"}

    def hello(request):
        hosts = [f"127.0.0.1:{fake.address[1]}"]
        return {**arbiter, "arbiters": hosts, "hosts": [], "logicalSessionTimeoutMinutes": 30}

    async def main(client):
        client.open()
        await wait(client.backend, lambda: client.description.has_known_servers)
        client.sessions.release(client.sessions.acquire())
        await client.close()

    with FakeMongod(hello) as fake:
        use(flavour, f"{fake.uri}?replicaSet=rs", main, **PATIENT)
        assert fake.of("endSessions") == []


def test_close_does_not_wait_for_answers(flavour):
    """Of a server that is known to be up: it says nothing more until the client is closed."""
    closed = threading.Event()

    def answer(request):
        if request.name in ("killCursors", "endSessions"):
            assert closed.wait(60)
        return {"ok": 1}

    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        client.kill_cursor_soon(1, "d.c", server.address)
        await client.close()
        closed.set()

    with FakeMongod(MONGOS, answer) as fake:
        use(flavour, fake.uri, main, **PATIENT)
        assert len(fake.of("killCursors")) == 1


def test_a_time_limit_of_the_user_does_not_lengthen_closing(flavour):
    closed = threading.Event()

    async def main(client):
        await client.execute(Run(PING))
        with timeout(3600):
            await client.close()
        closed.set()

    def answer(request):
        if request.name == "endSessions":
            assert closed.wait(60)
        return {"ok": 1}

    with FakeMongod(MONGOS, answer) as fake:
        use(flavour, fake.uri, main)


@pytest.mark.parametrize("stage", ["connect", "hello", "tls", "name"])
def test_close_does_not_wait_for_monitors(flavour, stage, monkeypatch):
    """They are in the middle of connecting, to three servers that never answer."""
    closed = threading.Event()
    reached = threading.Event()

    def never(sock):
        reached.set()
        closed.wait(60)

    def lookup(*args, flags=0, **kwargs):
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror("a name")
        reached.set()
        closed.wait(60)
        raise socket.gaierror("no such name")

    async def main(backend):
        async with opened(backend, uri, tls=stage == "tls", **PATIENT) as client:
            client.open()
            await wait(backend, reached.is_set)
            await client.close()
            assert client.closed
            closed.set()
        with pytest.raises(InvalidOperation):
            await client.execute(Run(PING))

    background = Background()
    with ExitStack() as stack:
        ports = []
        for _ in range(3):
            if stage == "connect":  # whoever listens has a full queue, and accepts nobody
                listener = stack.enter_context(socket.socket())
                listener.bind(("127.0.0.1", 0))
                listener.listen(0)
                for _ in range(3):
                    filler = stack.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(listener.getsockname())
                ports.append(listener.getsockname()[1])
                reached.set()
            else:
                ports.append(stack.enter_context(scripted(never)).address[1])
        if stage == "name":
            monkeypatch.setattr(socket, "getaddrinfo", lookup)
        host = "name.test" if stage == "name" else "127.0.0.1"
        uri = f"mongodb://{','.join(f'{host}:{port}' for port in ports)}/?connectTimeoutMS=5000"
        try:
            run_on(flavour, main)
        finally:
            closed.set()
    wait_until(lambda: not background.names())


class _Cipher:
    """One with clients of its own, as encryption has."""

    def __init__(self, *clients):
        self.clients = clients

    async def encrypt(self, execution, command):
        return command

    async def decrypt(self, execution, message):
        return message

    async def close(self):
        assert all(client.closed for client in self.clients)


def test_clients_of_a_client_are_given_no_time_of_their_own(flavour, monkeypatch):
    """Each has sessions to end on a server that has fallen silent."""
    monkeypatch.setattr(client_module, "CLOSE_TIMEOUT", 0.05)
    monkeypatch.setattr(client_module, "FAREWELL_TIMEOUT", 3600)

    async def main(client):
        inner = make_client(client.backend, fake.uri)
        client.executor.cipher = _Cipher(inner)
        for one in (client, inner):
            await one.execute(Run(PING))
            one.sessions.release(one.sessions.acquire())
        fake.answer = lambda request: SILENCE
        await client.close()
        assert inner.closed

    with FakeMongod({**MONGOS, "logicalSessionTimeoutMinutes": 30}) as fake:
        use(flavour, fake.uri, main)


def test_clients_of_a_client_end_at_the_same_time(flavour, monkeypatch):
    """What the first waits for is over once the second was told to end."""
    monkeypatch.setattr(client_module, "CLOSE_TIMEOUT", 3600)

    async def main(client):
        inner = make_client(client.backend, fake.uri)
        client.executor.cipher = _Cipher(inner)
        for one in (client, inner):
            await one.execute(Run(PING))
        close = client.topology.close

        class UntilTheSecondEnds:
            async def join(self, timeout):
                await wait(client.backend, lambda: inner.closed)

        monkeypatch.setattr(client.topology, "close", lambda: [*close(), UntilTheSecondEnds()])
        await client.close()

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main)


def wait_until(reached):
    for _ in range(6000):
        if reached():
            return
        threading.Event().wait(0.01)
    raise AssertionError


def test_close_does_not_wait_for_housekeeping(flavour, brisk):
    """It is filling a pool, whose server takes its time to log in."""
    closed = threading.Event()
    asked = threading.Event()

    def hello(request):
        if request.connection > 1:
            asked.set()
            closed.wait(60)
        return MONGOS

    async def main(client):
        client.open()
        await wait(client.backend, asked.is_set)
        await client.close()
        closed.set()

    with FakeMongod(hello) as fake:
        use(flavour, fake.uri, main, minpoolsize=1, **PATIENT)


def test_an_interrupted_close_has_closed(flavour):
    """Ctrl-C, or a cancellation, while the server is told: everything is let go all the same."""

    async def main(client):
        await client.execute(Run(PING))
        (server,) = client.topology.servers
        client.kill_cursor_soon(1, "d.c", server.address)

        async def interrupted(*args):
            raise KeyboardInterrupt

        client._housekeeper.bury_all = interrupted
        with pytest.raises(KeyboardInterrupt):
            await client.close()
        assert client.closed
        assert server.pool.state == "closed"

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main)


def test_closing_in_the_middle_of_operations(flavour):
    """Operations under way end with an error of the driver, or with their answer."""
    started = threading.Event()

    def answer(request):
        if request.name == "find":
            started.set()
            return SILENCE
        return {"ok": 1}

    async def main(backend):
        client = make_client(backend, fake.uri, maxpoolsize=2, **PATIENT)
        ends = []

        async def find():
            try:
                await client.execute(Run({"find": "c"}, "d"), timeout=60)
            except PyMongoError as exc:
                ends.append(exc)

        tasks = [backend.spawn(find, f"operation {n}") for n in range(4)]
        await wait(backend, lambda: len(fake.of("find")) == 2)
        await client.close()
        await wait(backend, lambda: len(ends) == 2)  # those that waited for a connection
        fake.hang_up()
        for task in tasks:
            await task.join(30)
        return ends

    with FakeMongod(MONGOS, answer) as fake:
        ends = run_on(flavour, main)
    assert len(ends) == 4


def test_many_clients_leave_nothing_behind(flavour):
    """No thread, no task, no socket."""

    async def main(backend):
        for _ in range(100):
            async with opened(type(backend)(), fake.uri, minpoolsize=1) as client:
                await client.execute(Run(PING))
        return 1 if flavour == "blocking" else count_tasks()

    background = Background()
    with FakeMongod(MONGOS) as fake:
        tasks = run_on(flavour, main)
        fake.wait_for(lambda: len(fake.of("endSessions")) == 100)
        wait_until(lambda: not fake.open_connections)
    assert tasks == 1
    wait_until(lambda: not background.names())


# -- members that leave --


def test_a_connection_does_not_enter_another_pool_of_the_same_address(flavour):
    """As when a cursor kept it, and its member has left and come back."""

    async def main(backend):
        async with opened(backend, fake.uri) as before, opened(backend, fake.uri) as after:
            for client in (before, after):
                await client.execute(Run(PING))
            connection = await pool_of(before).checkout()
            after.topology.unpin(connection)
            assert connection.closed
            assert (pool_of(after).size, pool_of(after).idle_count) == (1, 1)
            own = await pool_of(after).checkout()
            after.topology.unpin(own)
            assert not own.closed
            assert pool_of(after).idle_count == 1

    with FakeMongod() as fake:
        run_on(flavour, main)


def test_those_who_wait_for_a_member_that_leaves_go_to_another(flavour):
    """Its pool is closed, which is no news of the client: they were never sent."""
    release = threading.Event()
    moved = threading.Event()

    def hello(number):
        def hello(request):
            primary = moved.is_set()
            return {
                **STANDALONE,
                "isWritablePrimary": number == primary,
                "secondary": number != primary,
                "setName": "rs",
                "setVersion": 1 + primary,
                "electionId": ObjectId(f"7fffffff000000000000000{1 + primary}"),
                "hosts": [f"127.0.0.1:{fake.address[1]}" for fake in members[primary:]],
            }

        return hello

    def answer(request):
        if request.name == "slow":
            release.wait(60)
        return {"ok": 1}

    async def main(backend):
        async with opened(backend, uri, maxpoolsize=1, **PATIENT) as client:
            await all_known(client, 2)
            results = []

            async def one(name):
                try:
                    results.append((await client.execute(Run({name: 1})))["ok"])
                except PyMongoError as exc:
                    results.append(exc)

            server = client.topology.fast
            tasks = [backend.spawn(lambda: one("slow"), "slow")]
            await wait(backend, lambda: members[0].of("slow"))
            tasks += [backend.spawn(lambda: one("ping"), "ping") for _ in range(3)]
            await wait(backend, lambda: len(server.pool._waiters) == 3)
            moved.set()
            await wait(backend, lambda: len(results) == 3)
            release.set()
            for task in tasks:
                await task.join(60)
            return results

    members = [FakeMongod(answer=answer), FakeMongod(answer=answer)]
    with members[0], members[1]:
        for number, fake in enumerate(members):
            fake.hello = hello(number)
        uri = f"{members[0].uri}?replicaSet=rs"
        assert run_on(flavour, main) == [1, 1, 1, 1]
