"""Operations that are given up while the server still works on them: by Ctrl-C, or cancelled.

The next operation must not use the same server session: it would wait there for the end of the one
that was given up.
"""

from __future__ import annotations

import signal
import threading
import time

import pytest

from core_kit import Find, Insert, Recorder, Run, use
from fake_mongod import MONGOS, SILENCE, FakeMongod, respond
from flavours import ASYNCHRONOUS, FLAVOURS
from mongodriver.client_session import TransactionOptions
from mongodriver.errors import ExecutionTimeout
from mongodriver.monitoring import CommandFailedEvent, CommandStartedEvent
from mongodriver.ops.base import CLOSING
from tasks import WasCancelled, begin, in_thread, pause

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


def hold_back(server, name):
    """Have the server hold back the next command of a name, for much longer than one needs to see.

    It is not turned off, which waits for the end of what it holds back: it does so only once.
    """
    data = {"failCommands": [name], "blockConnection": True, "blockTimeMS": 4000}
    server.command(0, {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data}, 60)


def wait_until_active(server, comment):
    """Wait until the server works on a command that has this comment."""
    pipeline = [{"$currentOp": {}}, {"$match": {"command.comment": comment}}]
    deadline = time.monotonic() + 60
    while True:
        body = {"aggregate": 1, "pipeline": pipeline, "cursor": {}}
        if server.command(0, body, 10)["cursor"]["firstBatch"]:
            return
        assert time.monotonic() < deadline


async def interrupt(client, server, comment, operation, attempts=0, **options):
    """Run an operation until the server is at it, and give it up then.

    :param attempts: how often a `Commented` must have begun to be sent before one looks.
    """

    def active():
        for _ in range(attempts):
            assert operation.built.acquire(timeout=60)
        wait_until_active(server, comment)

    if client.backend.name == "blocking":
        main = threading.get_ident()

        def press():
            active()
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=press)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            await client.execute(operation, **options)
            thread.join()
        thread.join()
        return
    task = begin(client.execute(operation, **options))
    await in_thread(active)
    task.cancel()
    with pytest.raises(WasCancelled):
        await task


class Commented(Insert):
    """Keeps the ids of the sessions that it is sent in."""

    def __init__(self, comment="", **attributes):
        super().__init__("interrupted", [{}], **attributes)
        self.comment = comment
        self.lsids = []
        self.built = threading.Semaphore(0)

    def build(self, attempt):
        command = super().build(attempt)
        command.body["comment"] = self.comment
        self.lsids.append(attempt.session.server_session.lsid)
        self.built.release()
        return command


@pytest.fixture
def comment(request):
    return request.node.name


def lsids(recorder, name):
    events = recorder.of(CommandStartedEvent)
    return [e.command["lsid"]["id"] for e in events if e.command_name == name]


def ended(recorder):
    """The sessions that the server was told are in order, at the end."""
    events = recorder.of(CommandStartedEvent)
    batches = [e.command["endSessions"] for e in events if e.command_name == "endSessions"]
    return [lsid["id"] for batch in batches for lsid in batch]


def test_a_write_that_nobody_watches(flavour, server, comment):
    """It may go another way, in one call."""
    given_up, after = Commented(comment), Commented()

    async def main(client):
        hold_back(server, "insert")
        await interrupt(client, server, comment, given_up)
        assert not client.sessions._free
        await client.execute(after)

    use(flavour, server.uri, main)
    assert given_up.lsids != after.lsids


def test_a_reply_in_the_middle_of_which_one_gives_up():
    """Its first half has come."""
    main_thread = threading.get_ident()

    def answer(request):
        if request.name != "insert":
            return {"ok": 1}
        threading.Timer(0.1, signal.pthread_kill, (main_thread, signal.SIGINT)).start()
        return respond({"ok": 1, "padding": "x" * 100}, 0)[:60]

    async def main(client):
        await client.execute(Run({"ping": 1}))
        assert client.sessions._free
        with pytest.raises(KeyboardInterrupt):
            await client.execute(Insert("c", [{}]))
        assert not client.sessions._free

    with FakeMongod(MONGOS, answer) as fake:
        use("blocking", fake.uri, main)


def test_a_write(flavour, server, comment):
    recorder = Recorder()

    async def main(client):
        await client.execute(Insert("interrupted", [{}]))
        hold_back(server, "insert")
        await interrupt(client, server, comment, Commented(comment))
        await client.execute(Insert("interrupted", [{}]))

    use(flavour, server.uri, main, event_listeners=[recorder])
    before, given_up, after = lsids(recorder, "insert")
    assert before == given_up != after
    assert ended(recorder) == [after]


def test_a_write_in_a_session_of_the_users(flavour, server, comment):
    recorder = Recorder()

    async def main(client):
        session = client.start_session()
        hold_back(server, "insert")
        await interrupt(client, server, comment, Commented(comment), session=session)
        session.end()
        await client.execute(Insert("interrupted", [{}]))

    use(flavour, server.uri, main, event_listeners=[recorder])
    given_up, after = lsids(recorder, "insert")
    assert given_up != after
    assert ended(recorder) == [after]


def test_the_second_attempt_of_a_write(flavour, server, comment):
    """The first one has failed, and left the session in order."""
    recorder = Recorder()
    labels = ["RetryableWriteError"]

    async def main(client):
        await client.execute(Insert("interrupted", [{}]))

        def failed(event):
            if isinstance(event, CommandFailedEvent):
                hold_back(server, "insert")

        client.observer.subscribe("commands", failed)
        failing = {"failCommands": ["insert"], "errorCode": 91, "errorLabels": labels}
        point = {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": failing}
        server.command(0, point, 60)
        await interrupt(client, server, comment, Commented(comment), attempts=2)
        await client.execute(Insert("interrupted", [{}]))

    use(flavour, server.uri, main, event_listeners=[recorder])
    before, first, second, after = lsids(recorder, "insert")
    assert before == first == second != after
    assert ended(recorder) == [after]


class OpenCursor(Find):
    """A find that leaves a cursor open; the result is its id and its implicit session."""

    def build(self, attempt):
        command = super().build(attempt)
        command.body["batchSize"] = 1
        return command

    def parse(self, reply, attempt):
        attempt.keep_session = True
        return reply["cursor"]["id"], attempt.session


def test_the_getmore_of_a_cursor_with_a_session_of_its_own(flavour, server, comment):
    recorder = Recorder()

    async def main(client):
        await client.execute(Insert("interrupted", [{}, {}, {}]))
        cursor_id, session = await client.execute(OpenCursor("interrupted"))
        (member,) = client.topology.servers
        body = {"getMore": cursor_id, "collection": "interrupted", "comment": comment}
        hold_back(server, "getMore")
        more = Run(body, "core_tests")
        await interrupt(client, server, comment, more, session=session)
        # What the cursor does then: the housekeeping ends its session.
        client.kill_cursor_soon(cursor_id, "core_tests.interrupted", member.address, session)
        await client._housekeeper.bury_all(client)
        assert not client._housekeeper._dead
        await client.execute(Insert("interrupted", [{}]))

    use(flavour, server.uri, main, event_listeners=[recorder])
    (given_up,) = lsids(recorder, "getMore")
    assert given_up not in lsids(recorder, "insert")[1:]
    assert given_up not in ended(recorder)


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_what_waits_for_a_connection_leaves_its_session_in_order(library):
    """Nothing was sent: the session is as good as new."""

    async def main(client):
        await client.execute(Run({"ping": 1}))
        session = client.start_session()
        assert session.session_id
        first = begin(client.execute(Run({"find": "c"})))
        while not fake.of("find"):
            await pause(0.001)
        waiting = begin(client.execute(Run({"ping": 1}), session=session))
        while not client.topology.servers[0].pool._waiters:
            await pause(0.001)
        for task in (waiting, first):
            task.cancel()
            with pytest.raises(WasCancelled):
                await task
        return session.lent.dirty

    with FakeMongod(MONGOS, lambda r: SILENCE if r.name == "find" else {"ok": 1}) as fake:
        assert use(library, fake.uri, main, maxpoolsize=1) is False


def test_a_time_limit_that_is_over_before_anything_is_sent(flavour):
    class Slow(Insert):
        def build(self, attempt):
            while time.monotonic() <= attempt.deadline:
                pass
            return super().build(attempt)

    async def main(client):
        await client.execute(Run({"ping": 1}))
        with pytest.raises(ExecutionTimeout, match="would exceed time limit") as caught:
            await client.execute(Slow("c", [{}]), timeout=0.1)
        assert caught.value.timeout

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main, retrywrites=False)
        assert fake.of("insert") == []


def killed(recorder):
    """The sessions that the server was told to kill."""
    events = recorder.of(CommandStartedEvent)
    batches = [e.command["killSessions"] for e in events if e.command_name == "killSessions"]
    return [lsid["id"] for batch in batches for lsid in batch]


def test_a_find_whose_cursor_nobody_would_know_of(flavour, server, comment):
    recorder = Recorder()

    async def main(client):
        hold_back(server, "find")
        find = Run({"find": "interrupted", "batchSize": 1, "comment": comment}, "core_tests")
        await interrupt(client, server, comment, find)
        await client._housekeeper.bury_all(client)
        await client._housekeeper.bury_all(client)  # once is enough

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert killed(recorder) == lsids(recorder, "find")


def test_a_write_alone_is_not_killed(flavour, server, comment):
    recorder = Recorder()

    async def main(client):
        hold_back(server, "insert")
        await interrupt(client, server, comment, Commented(comment))
        await client._housekeeper.bury_all(client)

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert killed(recorder) == []


class Commit(Run):
    """The end of a transaction, which nobody waits for."""

    retry_policy = CLOSING
    is_write = True


def test_a_commit_that_was_not_sent(flavour, server, comment):
    """The session has no transaction any more, but the server does."""
    recorder = Recorder()

    class Stopped(Commit):
        def build(self, attempt):
            raise KeyboardInterrupt

    async def main(client):
        session = client.start_session()
        session.begin_transaction(TransactionOptions())
        write = Run({"insert": "interrupted", "documents": [{}]}, "core_tests")
        write.is_write = True
        await client.execute(write, session=session)
        session.transaction.end("committed")
        with pytest.raises(KeyboardInterrupt):
            await client.execute(Stopped({"commitTransaction": 1}), session=session)
        assert not killed(recorder)
        session.end()
        await client._housekeeper.bury_all(client)

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert killed(recorder) == lsids(recorder, "insert")
