"""What a client does in the background, and what it leaves behind on the server: nothing."""

from __future__ import annotations

import time

import pytest

from core_kit import PING, Find, Insert, Recorder, Run, pool_of, use
from fake_mongod import MONGOS, FakeMongod
from mongodriver.client import client as client_module
from mongodriver.errors import InvalidOperation
from mongodriver.monitoring import CommandStartedEvent, ConnectionCheckedInEvent
from mongodriver.values.limits import MAX_END_SESSIONS

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """Closing gives what it says to servers a moment only: too short here on a busy machine."""
    for name in ("CLOSE_TIMEOUT", "FAREWELL_TIMEOUT"):
        monkeypatch.setattr(client_module, name, 60)


class OpenCursor(Find):
    """A find that leaves a cursor open; the result is its id and its implicit session."""

    pin = ""

    def build(self, attempt):
        command = super().build(attempt)
        command.body["batchSize"] = 1
        return command

    def parse(self, reply, attempt):
        attempt.keep_session = True
        attempt.connection.pinned = self.pin
        return reply["cursor"]["id"], attempt.session, attempt.connection


async def open_cursor(client, **attributes):
    await client.execute(Insert("cursors", [{} for _ in range(5)]))
    return await client.execute(OpenCursor("cursors", **attributes))


async def is_open(client, cursor_id):
    pipeline = [
        {"$currentOp": {"idleCursors": True, "allUsers": True}},
        {"$match": {"cursor.cursorId": cursor_id}},
    ]
    body = {"aggregate": 1, "pipeline": pipeline, "cursor": {}}
    reply = await client.execute(Run(body))
    return bool(reply["cursor"]["firstBatch"])


def address(client):
    (server,) = client.topology.servers
    return server.address


def test_a_buried_cursor_is_killed_soon(flavour, server):
    recorder = Recorder()

    async def main(client):
        cursor_id, session, _ = await open_cursor(client)
        assert await is_open(client, cursor_id)
        lsid = session.server_session.lsid
        client.kill_cursor_soon(cursor_id, "core_tests.cursors", address(client), session)
        deadline = time.monotonic() + 10
        # The server has killed it before we have its answer, and take the session back.
        while await is_open(client, cursor_id) or session not in client.sessions.free:
            assert time.monotonic() < deadline
            await client.backend.sleep(0.02)
        return lsid

    lsid = use(flavour, server.uri, main, event_listeners=[recorder])
    commands = [e.command for e in recorder.of(CommandStartedEvent)]
    (kill,) = (c for c in commands if "killCursors" in c)
    assert kill["killCursors"] == "cursors"
    assert kill["lsid"] == lsid
    # Its session went back to the pool, and is ended with the client.
    (end,) = (c for c in commands if "endSessions" in c)
    assert lsid in end["endSessions"]


def test_closing_kills_buried_cursors_first(flavour, server):
    seen = []

    async def main(client):
        cursor_id, session, _ = await open_cursor(client)
        seen.append(cursor_id)
        client.kill_cursor_soon(cursor_id, "core_tests.cursors", address(client), session)

    async def look(client):
        return await is_open(client, seen[0])

    use(flavour, server.uri, main)
    assert use(flavour, server.uri, look) is False


def test_a_pinned_connection_is_kept_until_it_is_released(flavour, server):
    recorder = Recorder()

    async def main(client):
        cursor_id, session, connection = await open_cursor(client, pin="cursor")
        pool = pool_of(client)
        assert (pool.idle_count, pool.operation_count) == (0, 1)
        more = {"getMore": cursor_id, "collection": "cursors"}
        operation = Run(more, "core_tests")
        await client.execute(operation, session=session, connection=connection)
        assert operation.connection is connection
        client.unpin(connection)
        session.end()
        assert (pool.idle_count, pool.operation_count) == (1, 0)
        return (await client.execute(Run(PING)))["ok"]

    assert use(flavour, server.uri, main, event_listeners=[recorder]) == 1
    checked_in = recorder.of(ConnectionCheckedInEvent)
    assert len(checked_in) == 4  # insert, the cursor's, ping, endSessions


def test_the_replies_of_an_exhaust_cursor_are_streamed(flavour, server):
    recorder = Recorder()

    class StreamedGetMore(Run):
        exhaust = True
        goes_directly = False

    async def main(client):
        await client.execute(Run({"drop": "streamed"}, "core_tests", allowable_errors=(26,)))
        await client.execute(Insert("streamed", [{"_id": n} for n in range(100)]))
        find = OpenCursor("streamed", pin="cursor")
        cursor_id, session, connection = await client.execute(find)
        numbers = [0]
        while cursor_id:
            more = {"getMore": cursor_id, "collection": "streamed", "batchSize": 10}
            operation = StreamedGetMore(more, "core_tests")
            reply = await client.execute(operation, session=session, connection=connection)
            numbers += [d["_id"] for d in reply["cursor"]["nextBatch"]]
            cursor_id = reply["cursor"]["id"]
            assert connection.more_to_come is bool(cursor_id)
        session.end()
        client.unpin(connection)
        return numbers, (await client.execute(Run(PING)))["ok"], pool_of(client).size

    numbers, ok, size = use(flavour, server.uri, main, event_listeners=[recorder])
    assert numbers == list(range(100))
    assert (ok, size) == (1, 1)


def test_a_stream_that_is_not_read_to_its_end_costs_the_connection(flavour, server):
    class StreamedGetMore(Run):
        exhaust = True
        goes_directly = False

    async def main(client):
        await client.execute(Run({"drop": "streamed"}, "core_tests", allowable_errors=(26,)))
        await client.execute(Insert("streamed", [{"_id": n} for n in range(100)]))
        cursor_id, session, connection = await client.execute(OpenCursor("streamed", pin="cursor"))
        more = {"getMore": cursor_id, "collection": "streamed", "batchSize": 10}
        operation = StreamedGetMore(more, "core_tests")
        await client.execute(operation, session=session, connection=connection)
        client.unpin(connection)
        assert connection.closed
        assert (await client.execute(Run(PING)))["ok"] == 1
        session.end()

    use(flavour, server.uri, main)


def test_a_buried_cursor_releases_its_connection(flavour, server):
    async def main(client):
        cursor_id, session, connection = await open_cursor(client, pin="cursor")
        client.kill_cursor_soon(
            cursor_id, "core_tests.cursors", address(client), session, connection
        )
        pool = pool_of(client)
        deadline = time.monotonic() + 10
        while not pool.idle_count:
            assert time.monotonic() < deadline
            await client.backend.sleep(0.02)
        assert not await is_open(client, cursor_id)

    use(flavour, server.uri, main)


def test_burying_is_harmless_where_nothing_can_be_done(flavour, server):
    async def main(client):
        await client.execute(Run(PING))
        client.kill_cursor_soon(1, "core_tests.cursors", ("elsewhere.test", 1))
        home = address(client)
        client.kill_cursor_soon(2, "core_tests.cursors", home)
        await client.close()
        client.kill_cursor_soon(3, "core_tests.cursors", home)
        with pytest.raises(InvalidOperation):
            await client.execute(Run(PING))

    use(flavour, server.uri, main, serverselectiontimeoutms=5000)


def test_sessions_are_ended_in_batches(flavour):
    async def main(client):
        await client.execute(Run(PING))
        sessions = [client.start_session() for _ in range(MAX_END_SESSIONS + 5)]
        for session in sessions:
            assert session.session_id
        for session in sessions:
            session.end()

    with FakeMongod(MONGOS) as fake:
        use(flavour, fake.uri, main)
        sizes = [len(r.body["endSessions"]) for r in fake.of("endSessions")]
    assert sizes == [MAX_END_SESSIONS, 5]
