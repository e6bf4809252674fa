"""Operations against a real server: what is added to commands, sessions, errors, retries."""

from __future__ import annotations

import contextlib
import gc
import time
import weakref

import pytest

from bsonx.errors import InvalidDocument
from bsonx.timestamp import Timestamp
from core_kit import PING, Find, Insert, Recorder, Run, fail_point, pool_of, use
from implementations import CPYTHON
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    WaitQueueTimeoutError,
)
from mongodriver.monitoring import (
    CommandFailedEvent,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    PoolClearedEvent,
)
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import Nearest, Primary, Secondary
from mongodriver.server_api import ServerApi
from mongodriver.write_concern import WriteConcern

pytestmark = pytest.mark.server


@pytest.fixture
def recorder():
    return Recorder()


def started(recorder, name=None):
    events = recorder.of(CommandStartedEvent)
    return [e.command for e in events if name is None or e.command_name == name]


def test_a_round_trip(server, flavour):
    async def main(client):
        await client.execute(Run({"drop": "round"}, "core_tests", allowable_errors=(26,)))
        await client.execute(Insert("round", [{"_id": n, "text": "x" * n} for n in range(500)]))
        return await client.execute(Find("round"))

    documents = use(flavour, server.uri, main)
    assert documents == [{"_id": n, "text": "x" * n} for n in range(500)]


def test_fields_are_added_in_order(server, flavour, recorder):
    async def main(client):
        await client.execute(Run(PING))
        concerns = {"read_concern": ReadConcern("local"), "read_preference": Nearest()}
        await client.execute(Find("order", **concerns))
        await client.execute(Insert("order", [{"x": 1}], write_concern=WriteConcern(w=1)))

    use(flavour, server.uri, main, event_listeners=[recorder])
    find, insert = started(recorder)[1:3]
    assert list(find) == [
        *("find", "filter", "batchSize", "readConcern", "lsid", "$clusterTime", "$db"),
        "$readPreference",
    ]
    assert find["readConcern"] == {"level": "local"}
    assert find["$readPreference"] == {"mode": "nearest"}
    assert list(insert) == [
        *("insert", "ordered", "lsid", "txnNumber", "$clusterTime", "writeConcern", "$db"),
        "documents",
    ]
    assert insert["txnNumber"] == 1
    assert find["lsid"] == insert["lsid"]


def test_defaults_are_left_out(server, flavour, recorder):
    attributes = {
        "read_concern": ReadConcern(),
        "read_preference": Primary(),
        "write_concern": WriteConcern(),
    }

    async def main(client):
        await client.execute(Run(PING, **attributes))

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert list(started(recorder)[0]) == ["ping", "lsid", "$clusterTime", "$db"]


def test_the_api_version_is_declared(server, flavour, recorder):
    async def main(client):
        await client.execute(Run(PING))

    api = ServerApi("1", strict=True, deprecation_errors=False)
    use(flavour, server.uri, main, event_listeners=[recorder], server_api=api)
    ping = started(recorder)[0]
    assert list(ping)[:4] == ["ping", "apiVersion", "apiStrict", "apiDeprecationErrors"]
    assert (ping["apiVersion"], ping["apiStrict"], ping["apiDeprecationErrors"]) == (
        *("1", True),
        False,
    )


def test_a_direct_connection_reads_from_any_member(server, flavour, recorder):
    async def main(client):
        await client.execute(Find("direct"))
        await client.execute(Find("direct", read_preference=Secondary()))
        await client.execute(Insert("direct", [{}]))

    address = f"{server.uri.partition('?')[0]}?directConnection=true"
    use(flavour, address, main, event_listeners=[recorder])
    assert [c.get("$readPreference") for c in started(recorder)[:3]] == [
        {"mode": "primaryPreferred"},
        {"mode": "secondary"},
        None,
    ]


# -- sessions --


def test_implicit_sessions_are_reused_and_ended(server, flavour, recorder):
    async def main(client):
        for _ in range(5):
            await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder])
    lsids = [c["lsid"] for c in started(recorder, "ping")]
    assert len(lsids) == 5
    assert all(lsid == lsids[0] for lsid in lsids)
    (end,) = started(recorder, "endSessions")
    assert end["endSessions"] == [lsids[0]]


def test_an_operation_without_session_support_gets_none(server, flavour, recorder):
    async def main(client):
        await client.execute(Run(PING, supports_session=False))
        await client.execute(
            Insert("plain", [{}], acknowledged=False, write_concern=WriteConcern(0))
        )

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert all("lsid" not in c for c in started(recorder)[:2])


def test_a_kept_session_belongs_to_the_result(server, flavour, recorder):
    class Keeping(Run):
        def parse(self, reply, attempt):
            attempt.keep_session = True
            return attempt.session

    async def main(client):
        session = await client.execute(Keeping(PING))
        await client.execute(Run(PING))
        await client.execute(Run(PING), session=session)
        session.end()
        await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder])
    first, second, third, fourth = (c["lsid"] for c in started(recorder, "ping"))
    assert first == third
    assert second != first
    assert fourth == first  # given back last, taken first


def test_causal_consistency(server, flavour, recorder):
    reads = {"read_concern": ReadConcern()}

    async def main(client):
        session = client.start_session()
        await client.execute(Find("causal", **reads), session=session)
        await client.execute(Insert("causal", [{}]), session=session)
        await client.execute(Find("causal", **reads), session=session)
        await client.execute(Run(PING), session=session)
        seen = session.operation_time
        session.end()
        with pytest.raises(InvalidOperation, match="Cannot use ended session"):
            await client.execute(Run(PING), session=session)
        return seen

    use(flavour, server.uri, main, event_listeners=[recorder])
    first, second = started(recorder, "find")
    assert "readConcern" not in first
    operation_times = [e.reply["operationTime"] for e in recorder.of(CommandSucceededEvent)]
    assert second["readConcern"] == {"afterClusterTime": operation_times[1]}
    assert "readConcern" not in started(recorder, "ping")[0]


def test_without_causal_consistency(server, flavour, recorder):
    async def main(client):
        session = client.start_session(causal_consistency=False)
        await client.execute(Insert("causal", [{}]), session=session)
        await client.execute(Find("causal", read_concern=ReadConcern()), session=session)
        session.end()

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert "readConcern" not in started(recorder, "find")[0]


def test_snapshot_reads_stay_at_one_time(server, flavour, recorder):
    reads = {"read_concern": ReadConcern()}

    async def main(client):
        await client.execute(Insert("snapshot", [{}], write_concern=WriteConcern("majority")))
        session = client.start_session(causal_consistency=False, snapshot=True)
        before = await client.execute(Find("snapshot", **reads), session=session)
        await client.execute(Insert("snapshot", [{}], write_concern=WriteConcern("majority")))
        after = await client.execute(Find("snapshot", **reads), session=session)
        session.end()
        return before, after

    before, after = use(flavour, server.uri, main, event_listeners=[recorder])
    assert before == after
    first, second = started(recorder, "find")
    assert first["readConcern"] == {"level": "snapshot"}
    assert set(second["readConcern"]) == {"level", "atClusterTime"}


def test_a_session_serves_only_its_client(server, flavour):
    async def main(client):
        return client.start_session()

    foreign = use(flavour, server.uri, main)

    async def other(client):
        with pytest.raises(InvalidOperation, match=r"session with the (Async)?MongoClient"):
            await client.execute(Run(PING), session=foreign)

    use(flavour, server.uri, other)


def test_an_explicit_session_needs_acknowledgement(server, flavour):
    async def main(client):
        session = client.start_session()
        with pytest.raises(ConfigurationError, match="unacknowledged"):
            await client.execute(Insert("w0", [{}], acknowledged=False), session=session)
        session.end()

    use(flavour, server.uri, main)


def test_cluster_time_is_gossiped(server, flavour, recorder):
    async def main(client):
        await client.execute(Insert("gossip", [{}]))
        await client.execute(Run(PING))
        return client.cluster_time

    newest = use(flavour, server.uri, main, event_listeners=[recorder])
    insert, ping = started(recorder)[:2]
    reply = recorder.of(CommandSucceededEvent)[0].reply
    assert ping["$clusterTime"] == reply["$clusterTime"]
    assert insert["$clusterTime"]["clusterTime"] <= ping["$clusterTime"]["clusterTime"]
    assert newest["clusterTime"] >= ping["$clusterTime"]["clusterTime"]


def test_a_cluster_time_that_no_server_gave_out_is_forgotten(server, flavour):
    """It comes from a server whose clock was wrong, or from a cluster that is no more."""
    signature = {"hash": bytes(20), "keyId": 0}
    forged = {"clusterTime": Timestamp(4_000_000_000, 1), "signature": signature}

    async def main(client):
        await client.execute(Run(PING))
        client._clock.advance(forged)
        with pytest.raises(OperationFailure, match="too far from this node's wall clock"):
            await client.execute(Run(PING))
        reply = await client.execute(Run(PING))
        return reply, client.cluster_time

    reply, newest = use(flavour, server.uri, main)
    assert reply["ok"] == 1
    assert newest == reply["$clusterTime"]


def test_a_session_alone_has_what_it_was_told_of_the_cluster_time(server, flavour):
    signature = {"hash": bytes(20), "keyId": 0}
    forged = {"clusterTime": Timestamp(4_000_000_000, 1), "signature": signature}

    async def main(client):
        await client.execute(Insert("gossip", [{}]))
        session = client.start_session()
        session.advance_cluster_time(forged)
        for _ in range(2):
            with pytest.raises(OperationFailure, match="too far from this node's wall clock"):
                await client.execute(Run(PING), session=session)
        session.end()
        return await client.execute(Run(PING))

    assert use(flavour, server.uri, main)["ok"] == 1


# -- errors --


def test_a_failed_command_raises_and_keeps_the_connection(server, flavour, recorder):
    async def main(client):
        with pytest.raises(OperationFailure, match="no such command") as caught:
            await client.execute(Run({"noSuchCommand": 1}))
        await client.execute(Run(PING))
        return caught.value

    error = use(flavour, server.uri, main, event_listeners=[recorder])
    assert error.code == 59
    assert error.details["codeName"] == "CommandNotFound"
    assert len(recorder.of(ConnectionCreatedEvent)) == 1
    assert recorder.of(CommandFailedEvent)[0].failure["code"] == 59


def test_allowed_errors_are_answers(server, flavour):
    async def main(client):
        return await client.execute(Run({"noSuchCommand": 1}, allowable_errors=(59,)))

    assert use(flavour, server.uri, main)["ok"] == 0


def test_what_cannot_be_encoded_leaves_the_pool_as_it_was(server, flavour):
    async def main(client):
        await client.execute(Run(PING))
        with pytest.raises(InvalidDocument):
            await client.execute(Find("encode", {"x": object()}))
        pool = pool_of(client)
        return pool.idle_count, pool.size

    assert use(flavour, server.uri, main) == (1, 1)


@pytest.mark.parametrize(
    "operation", [Find("retry"), Insert("retry", [{}])], ids=["find", "insert"]
)
def test_a_lost_connection_is_retried_once(server, flavour, operation, recorder):
    name = operation.name

    async def main(client):
        await client.execute(Run(PING))
        with fail_point(server, {"times": 1}, failCommands=[name], closeConnection=True):
            await client.execute(operation)
        with (
            fail_point(server, {"times": 2}, failCommands=[name], closeConnection=True),
            pytest.raises(AutoReconnect, match="connection closed") as caught,
        ):
            await client.execute(operation)
        return caught.value

    error = use(flavour, server.uri, main, event_listeners=[recorder])
    assert error.has_error_label("RetryableWriteError") is (name == "insert")
    attempts = started(recorder, name)
    assert len(attempts) == 4
    assert len(recorder.of(PoolClearedEvent)) == 3
    if name == "insert":
        assert [c["txnNumber"] for c in attempts] == [1, 1, 1, 1]
        lsids = [c["lsid"]["id"] for c in attempts]
        # Nobody knows what became of the first session: it is not used for another operation.
        assert lsids[0] == lsids[1] != lsids[2] == lsids[3]
    ids = {e.operation_id for e in recorder.of(CommandStartedEvent) if e.command_name == name}
    assert len(ids) == 2


@pytest.mark.parametrize("option", ["retryreads", "retrywrites"])
def test_retries_can_be_turned_off(server, flavour, option, recorder):
    operation = Find("retry") if option == "retryreads" else Insert("retry", [{}])

    async def main(client):
        with (
            fail_point(server, {"times": 1}, failCommands=[operation.name], closeConnection=True),
            pytest.raises(AutoReconnect),
        ):
            await client.execute(operation)

    use(flavour, server.uri, main, event_listeners=[recorder], **{option: False})
    assert len(started(recorder, operation.name)) == 1
    assert "txnNumber" not in started(recorder, operation.name)[0]


def test_what_is_not_retryable_is_not_retried(server, flavour, recorder):
    async def main(client):
        with (
            fail_point(server, {"times": 1}, failCommands=["ping"], closeConnection=True),
            pytest.raises(AutoReconnect),
        ):
            await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert len(started(recorder, "ping")) == 1


@pytest.mark.parametrize("code", [91, 11600, 10107, 13436, 189])
def test_a_state_change_error_is_retried_after_a_check(server, flavour, code, recorder):
    async def main(client):
        await client.execute(Run(PING))
        with fail_point(server, {"times": 1}, failCommands=["find"], errorCode=code):
            await client.execute(Find("state"))
        with (
            fail_point(server, {"times": 1}, failCommands=["ping"], errorCode=code),
            pytest.raises(NotPrimaryError),
        ):
            await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder], heartbeatfrequencyms=500)
    # Only a server that shuts down closes its connections.
    assert len(recorder.of(PoolClearedEvent)) == (2 if code in (91, 11600) else 0)


def test_a_write_concern_error_with_a_label_is_retried(server, flavour, recorder):
    async def main(client):
        failure = {"code": 91, "errmsg": "shutting down", "errorLabels": ["RetryableWriteError"]}
        with fail_point(server, {"times": 1}, failCommands=["insert"], writeConcernError=failure):
            return await client.execute(Insert("concern", [{}]))

    options = {"event_listeners": [recorder], "heartbeatfrequencyms": 500}
    reply = use(flavour, server.uri, main, **options)
    assert reply["n"] == 1
    assert len(started(recorder, "insert")) == 2


def test_another_write_concern_error_is_part_of_the_reply(server, flavour, recorder):
    async def main(client):
        failure = {"code": 100, "errmsg": "not enough members"}
        with fail_point(server, {"times": 1}, failCommands=["insert"], writeConcernError=failure):
            return await client.execute(Insert("concern", [{}]))

    reply = use(flavour, server.uri, main, event_listeners=[recorder])
    assert reply["writeConcernError"]["code"] == 100
    assert len(started(recorder, "insert")) == 1


def test_an_overloaded_server_is_asked_again(server, flavour, recorder):
    async def main(client):
        labels = ["SystemOverloadedError", "RetryableError"]
        with fail_point(
            server, {"times": 2}, failCommands=["ping"], errorCode=462, errorLabels=labels
        ):
            return await client.execute(Run(PING))

    assert use(flavour, server.uri, main, event_listeners=[recorder])["ok"] == 1
    assert len(started(recorder, "ping")) == 3


def test_why_a_connection_that_broke_was_closed(server, flavour, recorder):
    """Not because the pool was cleared: that is what came of it, and concerns the others."""

    async def main(client):
        await client.execute(Run(PING))
        with (
            fail_point(server, {"times": 1}, failCommands=["ping"], closeConnection=True),
            pytest.raises(AutoReconnect),
        ):
            await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder])
    assert recorder.of(PoolClearedEvent)
    assert [e.reason for e in recorder.of(ConnectionClosedEvent)][:1] == ["error"]


def test_socket_timeout(server, flavour, recorder):
    async def main(client):
        await client.execute(Run(PING))
        with fail_point(
            server, {"times": 1}, failCommands=["ping"], blockConnection=True, blockTimeMS=3000
        ):
            with pytest.raises(NetworkTimeout, match=r"timed out \(configured timeouts: socketT"):
                await client.execute(Run(PING))
            await client.execute(Run(PING))

    use(flavour, server.uri, main, event_listeners=[recorder], sockettimeoutms=1500)
    # The operation may just be slow: only its own connection is closed.
    assert not recorder.of(PoolClearedEvent)
    assert [e.reason for e in recorder.of(ConnectionClosedEvent)][:1] == ["error"]


def test_wait_queue_timeout(server, flavour):
    async def main(client):
        await client.execute(Run(PING))
        pool = pool_of(client)
        held = await pool.checkout()
        with pytest.raises(WaitQueueTimeoutError, match=r"maxPoolSize: 1, timeout: 1\.5"):
            await client.execute(Run(PING))
        pool.checkin(held)
        return await client.execute(Run(PING))

    options = {"maxpoolsize": 1, "waitqueuetimeoutms": 1500}
    assert use(flavour, server.uri, main, **options)["ok"] == 1


def test_an_unacknowledged_write_is_followed_by_others(server, flavour, recorder):
    unacknowledged = {"acknowledged": False, "write_concern": WriteConcern(0)}

    async def main(client):
        await client.execute(Run({"drop": "w0"}, "core_tests", allowable_errors=(26,)))
        reply = await client.execute(Insert("w0", [{"_id": 1}], **unacknowledged))
        again = await client.execute(Insert("w0", [{"_id": 1}], **unacknowledged))
        return reply, again, await client.execute(Find("w0"))

    first, second, found = use(flavour, server.uri, main, event_listeners=[recorder], maxpoolsize=1)
    assert first == second == {"ok": 1}
    assert found == [{"_id": 1}]
    assert "txnNumber" not in started(recorder, "insert")[0]


@pytest.mark.parametrize("compressor", ["zlib", "snappy"])
def test_compression(server, flavour, compressor):
    pytest.importorskip(compressor)

    async def main(client):
        await client.execute(Run({"drop": "packed"}, "core_tests", allowable_errors=(26,)))
        await client.execute(Insert("packed", [{"_id": 1, "text": "y" * 100_000}]))
        pool = pool_of(client)
        connection = pool.take()
        name = connection.compressor.name
        pool.checkin(connection)
        return name, await client.execute(Find("packed"))

    name, found = use(flavour, server.uri, main, compressors=[compressor])
    assert name == compressor
    assert found == [{"_id": 1, "text": "y" * 100_000}]


def test_a_message_of_many_megabytes(server, flavour):
    documents = [{"_id": n, "data": bytes([n]) * 4_000_000} for n in range(8)]

    async def main(client):
        await client.execute(Run({"drop": "large"}, "core_tests", allowable_errors=(26,)))
        await client.execute(Insert("large", documents))
        return await client.execute(Find("large", {"_id": {"$lt": 3}}))

    assert use(flavour, server.uri, main) == documents[:3]


@pytest.mark.skipif(not CPYTHON, reason="PyPy counts no references")
def test_a_failed_operation_leaves_no_garbage(server, flavour):
    """An error and what it held are freed with it, not by the cycle collector."""

    async def main(client):
        operation = Run({"noSuchCommand": 1})
        gone = weakref.ref(operation)
        gc.collect()
        gc.disable()
        try:
            with contextlib.suppress(OperationFailure):
                await client.execute(operation)
            del operation
            return gone() is None
        finally:
            gc.enable()

    assert use(flavour, server.uri, main)


def test_a_deadline_bounds_everything(server, flavour):
    async def main(client):
        await client.execute(Run(PING))
        with fail_point(
            server, {"times": 1}, failCommands=["ping"], blockConnection=True, blockTimeMS=3000
        ):
            begun = time.monotonic()
            with pytest.raises(NetworkTimeout):
                await client.execute(Run(PING), timeout=1)
            return time.monotonic() - begun

    assert use(flavour, server.uri, main) > 0.9  # event loops count in milliseconds
