"""Transactions as users see them: states, options, labels, `with_transaction`, interruptions."""

from __future__ import annotations

import contextlib
import os

import pytest
from flavour import stepped
from recording import Commands

import mongodriver
from bsonx.errors import InvalidDocument
from mongodriver.client_session import TransactionOptions
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
)
from mongodriver.operations import InsertOne, UpdateOne
from mongodriver.public import with_transaction as module
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import Nearest, Secondary
from mongodriver.write_concern import WriteConcern
from tasks import WasCancelled, begin, flag, pass_on

pytestmark = pytest.mark.server

TRANSIENT = "TransientTransactionError"
UNKNOWN = "UnknownTransactionCommitResult"


@pytest.fixture
def callback(flavour):
    """A coroutine function as the callback of `with_transaction` in this flavour."""
    return stepped if flavour.is_sync else lambda function: function


@pytest.fixture
def coll(db, flavour):
    """An empty collection that exists. Transactions that a test has left open are aborted."""

    async def create():
        await db.create_collection("things", check_exists=False)

    async def abort_all():
        with contextlib.suppress(OperationFailure):  # also the session of this very command
            await db.client.admin.command("killAllSessions", [])

    flavour.run(create())
    yield db["things"]
    flavour.run(abort_all())


@contextlib.asynccontextmanager
async def fail_point(client, mode, **data):
    point = {"configureFailPoint": "failCommand", "mode": mode, "data": data}
    await client.admin.command(point)
    try:
        yield
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")


def of(commands, *names):
    return [e.command for e in commands.started_events if e.command_name in names]


# -- states --


async def test_what_a_session_allows_in_each_state(client, coll):
    async with client.start_session() as session:
        for end in (session.commit_transaction, session.abort_transaction):
            with pytest.raises(InvalidOperation, match=r"^No transaction started$"):
                await end()
        await session.start_transaction()
        assert session.in_transaction
        with pytest.raises(InvalidOperation, match=r"^Transaction already in progress$"):
            await session.start_transaction()
        await session.commit_transaction()
        assert not session.in_transaction
        await session.commit_transaction()
        text = r"^Cannot call abortTransaction after calling commitTransaction$"
        with pytest.raises(InvalidOperation, match=text):
            await session.abort_transaction()
        await session.start_transaction()
        await session.abort_transaction()
        with pytest.raises(InvalidOperation, match=r"^Cannot call abortTransaction twice$"):
            await session.abort_transaction()
        text = r"^Cannot call commitTransaction after calling abortTransaction$"
        with pytest.raises(InvalidOperation, match=text):
            await session.commit_transaction()
        await coll.find_one({}, session=session)
        with pytest.raises(InvalidOperation, match=r"^No transaction started$"):
            await session.commit_transaction()
    for method in (session.start_transaction, session.commit_transaction):
        with pytest.raises(InvalidOperation, match=r"^Cannot use ended session$"):
            await method()
    assert not session.in_transaction


async def test_a_transaction_without_operations_sends_nothing(client, commands):
    async with client.start_session() as session:
        async with await session.start_transaction():
            pass
        await session.commit_transaction()
        await session.start_transaction()
        await session.abort_transaction()
    assert commands.work == []


async def test_the_fields_of_each_command(client, db, coll, commands):
    limits = {"write_concern": WriteConcern("majority", wtimeout=500), "max_commit_time_ms": 12345}
    async with client.start_session() as session:
        await coll.find_one({}, session=session)
        commands.clear()
        async with await session.start_transaction(ReadConcern("snapshot"), **limits):
            await coll.insert_one({"_id": 1}, session=session)
            await coll.bulk_write(
                [InsertOne({"_id": 2}), UpdateOne({"_id": 1}, {"$set": {"x": 1}})], session=session
            )
            assert await coll.count_documents({}, session=session) == 2
            await db.command("find", "things", session=session)
        await session.commit_transaction()
    first, *others = commands.sent
    start = ("lsid", "startTransaction", "readConcern", "txnNumber", "autocommit", "$clusterTime")
    begun = commands.started_events[0].command
    assert list(begun) == ["insert", "ordered", *start, "$db", "documents"]
    assert begun["readConcern"].keys() == {"level", "afterClusterTime"}
    assert first["startTransaction"] is True
    number = first["txnNumber"]
    assert all(c["txnNumber"] == number and c["autocommit"] is False for c in others)
    assert not any("startTransaction" in c or "readConcern" in c for c in others)
    commit, again = others[-2:]
    assert not any("writeConcern" in c for c in (first, *others[:-2]))
    assert list(commit) == [
        *("commitTransaction", "maxTimeMS", "txnNumber", "autocommit", "writeConcern", "$db"),
    ]
    assert commit["writeConcern"] == again["writeConcern"] == {"w": "majority", "wtimeout": 500}


async def test_a_repeated_commit_asks_for_a_majority(client, coll, commands):
    async with client.start_session() as session:
        async with await session.start_transaction():
            await coll.insert_one({}, session=session)
        await session.commit_transaction()
    first, again = of(commands, "commitTransaction")
    assert "writeConcern" not in first
    assert again["writeConcern"] == {"w": "majority", "wtimeout": 10000}


async def test_a_block_is_committed_or_aborted(client, coll):
    async with client.start_session() as session:
        async with await session.start_transaction():
            await coll.insert_one({"_id": 1}, session=session)
        with pytest.raises(KeyError):
            async with await session.start_transaction():
                await coll.insert_one({"_id": 2}, session=session)
                raise KeyError
        async with await session.start_transaction():
            await coll.insert_one({"_id": 3}, session=session)
            await session.abort_transaction()
        with pytest.raises(InvalidOperation, match="already in progress"):
            async with await session.start_transaction():
                await coll.insert_one({"_id": 4}, session=session)
                await session.start_transaction()
    assert [d["_id"] for d in await coll.find().to_list()] == [1]


async def test_ending_a_session_aborts_its_transaction(client, coll, commands):
    session = client.start_session()
    await session.start_transaction()
    await coll.insert_one({}, session=session)
    await session.end_session()
    await session.end_session()
    assert commands.work == ["insert", "abortTransaction"]


async def test_errors_of_the_client_do_not_begin_it(client, coll):
    async with client.start_session() as session:
        await session.start_transaction()
        with pytest.raises(InvalidDocument):
            await coll.insert_one({"x": object()}, session=session)
        with pytest.raises(mongodriver.errors.DocumentTooLarge):
            await coll.insert_one({"x": "x" * 17_000_000}, session=session)
        await coll.insert_one({"_id": 1}, session=session)
        with pytest.raises(InvalidDocument):
            await coll.insert_one({"x": object()}, session=session)
        await session.commit_transaction()
    assert await coll.count_documents({}) == 1


async def test_such_errors_do_not_begin_it_unwatched(make_client, coll):
    """Without listeners a synchronous client encodes and sends in one call."""
    client = make_client()
    mine = client[coll.database.name][coll.name]
    async with client.start_session() as session:
        await session.start_transaction()
        with pytest.raises(InvalidDocument):
            await mine.find_one({"x": object()}, session=session)
        await mine.insert_one({"_id": 1}, session=session)
        await session.commit_transaction()
    assert await coll.count_documents({}) == 1


# -- options --


async def test_options_come_from_the_session_then_from_the_client(make_client, coll, commands):
    client = make_client(w=1, readConcernLevel="local", event_listeners=[commands])
    mine = client[coll.database.name][coll.name]
    defaults = TransactionOptions(ReadConcern("majority"), max_commit_time_ms=7000)
    async with client.start_session(default_transaction_options=defaults) as session:
        async with await session.start_transaction():
            await mine.insert_one({}, session=session)
        async with await session.start_transaction(
            ReadConcern("snapshot"), WriteConcern("majority")
        ):
            await mine.insert_one({}, session=session)
    one, two = of(commands, "insert")
    assert (one["readConcern"]["level"], two["readConcern"]["level"]) == ("majority", "snapshot")
    one, two = of(commands, "commitTransaction")
    assert (one["writeConcern"], one["maxTimeMS"]) == ({"w": 1}, 7000)
    assert (two["writeConcern"], two["maxTimeMS"]) == ({"w": "majority"}, 7000)


async def test_an_unacknowledged_write_concern_is_refused(client, make_client):
    text = "transactions do not support unacknowledged write concern"
    async with client.start_session() as session:
        with pytest.raises(ConfigurationError, match=text):
            await session.start_transaction(write_concern=WriteConcern(0))
        assert not session.in_transaction
    async with make_client(w=0).start_session() as session:
        with pytest.raises(ConfigurationError, match=text):
            await session.start_transaction()


async def test_the_write_concern_of_a_collection_does_not_count(client, coll):
    """Options inside transaction prose test 1.0."""
    careless = coll.with_options(write_concern=WriteConcern(w=0))
    async with client.start_session() as session, await session.start_transaction():
        result = await careless.insert_one({"n": 1}, session=session)
        assert result.acknowledged
        await careless.insert_many([{"n": 2}, {"n": 3}], session=session)
    assert await coll.count_documents({}) == 3


@pytest.mark.parametrize("preference", [Nearest(), Secondary()])
async def test_reads_are_of_the_primary(client, db, coll, preference):
    text = r"^read preference in a transaction must be primary, not: "
    async with client.start_session() as session:
        await session.start_transaction(read_preference=preference)
        await coll.insert_one({"_id": 1}, session=session)
        for read in (
            lambda: coll.find_one({}, session=session),
            lambda: coll.aggregate([], session=session),
            lambda: coll.distinct("x", session=session),
        ):
            with pytest.raises(InvalidOperation, match=text):
                await read()
        await session.commit_transaction()
        await session.start_transaction()
        elsewhere = coll.with_options(read_preference=preference)
        assert await elsewhere.find_one({}, session=session) == {"_id": 1}
        with pytest.raises(InvalidOperation, match=text):
            await db.command("ping", read_preference=preference, session=session)
        await session.commit_transaction()


async def test_snapshot_sessions_have_none(client):
    async with client.start_session(snapshot=True) as session:
        text = r"^Transactions are not supported in snapshot sessions$"
        with pytest.raises(InvalidOperation, match=text):
            await session.start_transaction()


async def test_a_session_of_another_client(make_client, coll):
    other = make_client()
    async with other.start_session() as session:
        await session.start_transaction()
        with pytest.raises(InvalidOperation, match=r"the (Async)?MongoClient that started it"):
            await coll.insert_one({}, session=session)


# -- cursors --


async def test_cursors_in_a_transaction(client, coll, commands):
    await coll.insert_many([{} for _ in range(5)])
    async with client.start_session() as session:
        old = coll.find({}, batch_size=2, session=session)
        await old.next()
        commands.clear()
        await session.start_transaction()
        await old.close()  # does not begin it
        assert await coll.count_documents({}, session=session) == 5
        assert len(await coll.find({}, batch_size=2, session=session).to_list()) == 5
        cursor = coll.find({}, batch_size=2, session=session)
        await cursor.next()
        await cursor.close()
        await session.commit_transaction()
    kill, count, *others = commands.started_events
    assert "txnNumber" not in kill.command
    assert count.command["startTransaction"]
    names = [e.command_name for e in others]
    assert names == ["find", "getMore", "getMore", "find", "killCursors", "commitTransaction"]
    assert all(e.command["autocommit"] is False for e in others)


# -- errors --


async def test_network_errors_are_transient_and_not_retried(client, coll, commands):
    async with client.start_session() as session:
        for name in ("insert", "find"):
            await session.start_transaction()
            commands.clear()
            async with fail_point(client, {"times": 1}, failCommands=[name], closeConnection=True):
                with pytest.raises(AutoReconnect) as caught:
                    if name == "insert":
                        await coll.insert_one({}, session=session)
                    else:
                        await coll.find_one({}, session=session)
            assert caught.value._error_labels == {TRANSIENT}
            assert len(of(commands, name)) == 1
            await session.abort_transaction()
        async with await session.start_transaction():  # the session is as good as before
            await coll.insert_one({"_id": 1}, session=session)
    assert await coll.count_documents({}) == 1


@pytest.mark.parametrize(
    ("failure", "unknown", "sent"),
    [
        ({"closeConnection": True}, True, 2),
        ({"errorCode": 50}, True, 1),
        ({"errorCode": 64}, True, 1),
        ({"errorCode": 91}, True, 2),
        ({"errorCode": 20}, False, 1),
        ({"errorCode": 251}, False, 1),
        ({"writeConcernError": {"code": 64, "errmsg": "slow"}}, True, 1),
        ({"writeConcernError": {"code": 50, "errmsg": "slow"}}, True, 1),
        ({"writeConcernError": {"code": 79, "errmsg": "bad"}}, False, 1),
        ({"writeConcernError": {"code": 100, "errmsg": "bad"}}, False, 1),
    ],
)
async def test_what_a_failed_commit_means(make_client, coll, commands, failure, unknown, sent):
    client = make_client(retryWrites=False, event_listeners=[commands])
    mine = client[coll.database.name][coll.name]
    async with client.start_session() as session:
        await session.start_transaction()
        await mine.insert_one({}, session=session)
        async with fail_point(client, {"times": 2}, failCommands=["commitTransaction"], **failure):
            with pytest.raises(PyMongoError) as caught:
                await session.commit_transaction()
        error = caught.value
        assert error.has_error_label(UNKNOWN) == unknown
        assert error.has_error_label(TRANSIENT) == (failure.get("errorCode") == 251)
        assert len(of(commands, "commitTransaction")) == sent
        if unknown:
            await session.commit_transaction()
    last = of(commands, "commitTransaction")[-1]
    if unknown:
        assert last["writeConcern"] == {"w": "majority", "wtimeout": 10000}


async def test_errors_of_an_abort_do_not_matter(client, coll, commands):
    async with client.start_session() as session:
        for failure in ({"closeConnection": True}, {"errorCode": 20}):
            await session.start_transaction()
            await coll.insert_one({}, session=session)
            async with fail_point(
                client, {"times": 2}, failCommands=["abortTransaction"], **failure
            ):
                await session.abort_transaction()
            assert not session.in_transaction
    assert len(of(commands, "abortTransaction")) == 3


async def test_an_error_of_the_server_aborts_it(client, coll):
    async with client.start_session() as session:
        await session.start_transaction()
        with pytest.raises(DuplicateKeyError):
            await coll.insert_one({"_id": 1}, session=session)
            await coll.insert_one({"_id": 1}, session=session)
        with pytest.raises(OperationFailure) as caught:
            await session.commit_transaction()
        assert caught.value.has_error_label(TRANSIENT)
    assert await coll.count_documents({}) == 0


# -- with_transaction --


async def test_the_value_of_a_callback(client, coll, callback):
    async def insert(session):
        await coll.insert_one({"_id": 1}, session=session)
        return "a value"

    async with client.start_session() as session:
        assert await session.with_transaction(callback(insert)) == "a value"
        assert not session.in_transaction
    assert await coll.count_documents({}) == 1


@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt, PyMongoError, StopIteration])
async def test_the_error_of_a_callback(client, coll, callback, flavour, kind):
    if kind is StopIteration and not flavour.is_sync:
        pytest.skip("no coroutine may raise it")
    calls = []
    error = kind("mine")

    async def fail(session):
        calls.append(session)
        await coll.insert_one({"_id": 1}, session=session)
        raise error

    def stop(session):
        calls.append(session)
        raise error

    async with client.start_session() as session:
        with pytest.raises(StopAsyncIteration if kind is StopIteration else kind) as caught:
            await session.with_transaction(stop if kind is StopIteration else callback(fail))
        assert kind is StopIteration or caught.value is error
        assert len(calls) == 1
        assert not session.in_transaction
    assert await coll.count_documents({}) == 0


async def test_a_callback_may_end_the_transaction(client, coll, callback):
    async def abort(session):
        await coll.insert_one({"_id": 1}, session=session)
        await session.abort_transaction()
        return 1

    async def commit(session):
        await coll.insert_one({"_id": 2}, session=session)
        await session.commit_transaction()
        return 2

    async def end(session):
        await session.end_session()
        return 3

    async with client.start_session() as session:
        results = [await session.with_transaction(callback(f)) for f in (abort, commit, end)]
    assert results == [1, 2, 3]
    assert [d["_id"] for d in await coll.find().to_list()] == [2]


async def test_with_transaction_in_a_transaction(client, callback):
    async def never(session):
        raise AssertionError

    async with client.start_session() as session:
        await session.start_transaction()
        with pytest.raises(InvalidOperation, match="already in progress"):
            await session.with_transaction(callback(never))


def transient(*labels):
    return OperationFailure("no", 17, {"errorLabels": labels})


async def test_it_pauses_longer_and_longer(client, coll, callback, monkeypatch):
    """Retry backoff is enforced, without the clock: the pauses that are asked for."""
    pauses = []
    backend = getattr(client, "_object", client)._core.backend

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(backend, "sleep", sleep, raising=False)
    monkeypatch.setattr(module.random, "random", lambda: 1.0)

    async def insert(session):
        await coll.insert_one({}, session=session)

    async with (
        client.start_session() as session,
        fail_point(client, {"times": 13}, failCommands=["commitTransaction"], errorCode=251),
    ):
        await session.with_transaction(callback(insert))
    assert pauses == pytest.approx([min(0.005 * 1.5**n, 0.5) for n in range(1, 14)])
    assert sum(pauses) == pytest.approx(2.3, abs=0.1)


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize(
    ("name", "failure", "label"),
    [
        ("callback", {}, TRANSIENT),
        ("commitTransaction", {"writeConcernError": {"code": 64, "errmsg": "slow"}}, UNKNOWN),
        ("commitTransaction", {"errorCode": 251}, TRANSIENT),
    ],
)
async def test_its_time_limit(client, coll, callback, monkeypatch, limited, name, failure, label):
    """Retry timeout is enforced: the error has the labels of the one it wraps."""
    monkeypatch.setattr(module, "WITH_TRANSACTION_TIMEOUT", 0.0)

    async def insert(session):
        if name == "callback" and limited:
            raise transient(label)  # nothing is sent, whose own time could be over
        await coll.insert_one({}, session=session)
        if name == "callback":
            raise transient(label)

    async with client.start_session() as session:
        async with fail_point(client, "alwaysOn", failCommands=[name], **failure):
            with (
                pytest.raises(PyMongoError) as caught,
                mongodriver.timeout(0.3 if limited else None),
            ):
                await session.with_transaction(callback(insert))
        error = caught.value
        assert error.timeout
        if not limited:
            assert error.has_error_label(label)
            assert isinstance(error, NetworkTimeout)
            assert error.__cause__._error_labels == error._error_labels
        elif name == "callback":
            assert error.has_error_label(label)
            assert isinstance(error, ExecutionTimeout)
        assert not session.in_transaction


async def test_the_abort_has_a_time_limit_of_its_own(client, coll, callback, commands):
    async def slow(session):
        await coll.insert_one({}, session=session)
        await coll.find_one({"$where": "sleep(10000) || true"}, session=session)

    async with client.start_session() as session:
        with pytest.raises(PyMongoError) as caught, mongodriver.timeout(0.5):
            await session.with_transaction(callback(slow))
    assert caught.value.timeout
    assert commands.work[-1] == "abortTransaction"
    await client.drop_database(coll.database.name)  # nothing is locked


async def test_a_time_limit_in_the_callback(make_client, coll, callback):
    """Where the specification wants an error, it is as in PyMongo: the first to end counts."""
    commands = Commands()
    client = make_client(timeoutMS=60_000, event_listeners=[commands])
    things = client[coll.database.name][coll.name]

    async def insert(session):
        with mongodriver.timeout(30):
            await things.insert_one({"_id": 1}, session=session)
        with mongodriver.timeout(90):
            await things.insert_one({"_id": 2}, session=session)

    async with client.start_session() as session:
        await session.with_transaction(callback(insert))
    assert commands.names == ["insert", "insert", "commitTransaction"]
    shorter, longer, commit = [event.command["maxTimeMS"] for event in commands.started_events]
    assert 20_000 < shorter <= 30_000
    assert 50_000 < commit <= longer <= 60_000


# -- interruptions --


async def test_a_cancelled_operation(flavour, client, coll):
    if flavour.is_sync:
        pytest.skip("only tasks are cancelled")
    async with client.start_session() as session:

        async def work():
            async with await session.start_transaction():
                await coll.insert_one({"_id": 1}, session=session)
                begun.set()
                await coll.find_one({"$where": "sleep(60000) || true"}, session=session)

        begun = flag()
        task = begin(work())
        await begun.wait()
        await pass_on()
        task.cancel()
        with pytest.raises(WasCancelled):
            await task
        assert not session.in_transaction
        async with await session.start_transaction():
            await coll.insert_one({"_id": 2}, session=session)
    assert [d["_id"] for d in await coll.find().to_list()] == [2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork-safe")
async def test_a_child_process_cannot_touch_it(flavour, make_client, coll):
    if not flavour.is_sync:
        pytest.skip("event loops do not survive a fork")
    client = make_client()
    mine = client[coll.database.name][coll.name]
    async with client.start_session() as session:
        await session.start_transaction()
        await mine.insert_one({"_id": 1}, session=session)
        pid = os.fork()
        if pid == 0:
            refused = 0
            for use in (session.commit_transaction, lambda: mine.find_one({}, session=session)):
                try:
                    await use()
                except InvalidOperation as exc:
                    refused += "before a fork" in str(exc)
            await session.end_session()
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
        await session.commit_transaction()
    assert await coll.count_documents({}) == 1
