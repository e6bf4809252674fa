"""Spans for OpenTelemetry: when there are any, where they stand, and what they say."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from flavour import step, stepped
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from unified import inside

from mongodriver.errors import (
    BulkWriteError,
    ConfigurationError,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from mongodriver.operations import InsertOne, UpdateOne
from tasks import WasCancelled, begin, flag, pass_on, together

pytestmark = pytest.mark.server

ENABLED = "OTEL_PYTHON_INSTRUMENTATION_MONGODB_ENABLED"
LENGTH = "OTEL_PYTHON_INSTRUMENTATION_MONGODB_QUERY_TEXT_MAX_LENGTH"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv(ENABLED, raising=False)
    monkeypatch.delenv(LENGTH, raising=False)


@pytest.fixture
def traced(make_client):
    """A client that has spans, and these."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def spans(name=None):
        found = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
        return [span for span in found if name in (None, span.name)]

    def make(*args, **tracing):
        options = {"tracer_provider": provider, "enabled": True, **tracing}
        return make_client(*args, tracing=options)

    return SimpleNamespace(
        make=make, spans=spans, provider=provider, clear=exporter.clear, exporter=exporter
    )


def parent_of(span):
    return None if span.parent is None else span.parent.span_id


def tree(spans):
    """The names of spans, each with those in it."""

    def below(id):
        return [
            (span.name, below(span.context.span_id)) if below(span.context.span_id) else span.name
            for span in spans
            if parent_of(span) == id
        ]

    return below(None)


# -- whether there are any --


async def test_no_client_has_spans_unless_they_are_wanted(make_client):
    for options in ({}, {"tracing": None}, {"tracing": {}}, {"tracing": {"enabled": False}}):
        client = make_client(**options)
        await client.admin.command("ping")
        observer = inside.core(client).observer
        assert not observer.commands
        assert not observer.operations
        assert not observer.transactions


@pytest.mark.parametrize("value", ["1", "true", "yes", "TRUE"])
async def test_the_environment_switches_them_on(traced, make_client, monkeypatch, value):
    monkeypatch.setenv(ENABLED, value)
    client = make_client(tracing={"tracer_provider": traced.provider})
    await client.test.c.find_one()
    assert tree(traced.spans()) == [("find test.c", ["find"])]


@pytest.mark.parametrize("value", ["", "0", "false", "no", "on"])
async def test_the_environment_does_not_switch_them_on(traced, make_client, monkeypatch, value):
    monkeypatch.setenv(ENABLED, value)
    client = make_client(tracing={"tracer_provider": traced.provider})
    await client.test.c.find_one()
    assert traced.spans() == []


async def test_the_option_counts_more_than_the_environment(traced, monkeypatch):
    monkeypatch.setenv(ENABLED, "true")
    client = traced.make(enabled=False)
    await client.test.c.find_one()
    assert traced.spans() == []


@pytest.mark.parametrize(
    ("environment", "option", "text"),
    [
        (None, None, None),
        ("1024", None, '{"ping": 1, "x": 1}'),
        ("9", None, '{"ping": ...'),
        ("9", 0, None),
        ("nine", None, None),
        ("-5", None, None),
        (None, 5, '{"pin...'),
        ("9", 1024, '{"ping": 1, "x": 1}'),
    ],
)
async def test_the_text_of_queries(traced, monkeypatch, environment, option, text):
    if environment is not None:
        monkeypatch.setenv(LENGTH, environment)
    client = traced.make(**({} if option is None else {"query_text_max_length": option}))
    with pytest.raises(OperationFailure):
        await client.admin.command("ping", x=1)
    (span,) = traced.spans("ping")
    assert span.attributes.get("db.query.text") == text


@pytest.mark.parametrize(
    ("tracing", "error"),
    [
        (True, TypeError),
        ({"enabled": "yes"}, TypeError),
        ({"enable": True}, ConfigurationError),
        ({"query_text_max_length": -1}, ValueError),
        ({"query_text_max_length": True}, TypeError),
        ({"query_text_max_length": 1.5}, TypeError),
    ],
)
def test_what_is_no_option_is_refused(make_client, tracing, error):
    with pytest.raises(error, match="tracing"):
        make_client(tracing=tracing)


def test_without_the_package_the_option_is_refused_and_the_environment_warned_of():
    program = """
import os, sys, warnings
sys.modules["opentelemetry"] = None
from mongodriver import MongoClient
from mongodriver.errors import ConfigurationError
try:
    MongoClient(connect=False, tracing={"enabled": True})
except ConfigurationError as exc:
    print(exc)
os.environ["OTEL_PYTHON_INSTRUMENTATION_MONGODB_ENABLED"] = "true"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    MongoClient(connect=False).close()
print(*[w.message for w in caught])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    refused, warned = done.stdout.splitlines()
    assert "opentelemetry-api" in refused
    assert "pip install" in refused
    assert ENABLED in warned


# -- where they stand --


async def test_operations_are_in_the_span_that_is_current(traced):
    client = traced.make()
    tracer = traced.provider.get_tracer("test")
    with tracer.start_as_current_span("outer"):
        await client.test.c.find_one()
        assert trace.get_current_span().name == "outer"
    assert tree(traced.spans()) == [("outer", [("find test.c", ["find"])])]


async def test_every_command_is_in_its_operation(traced):
    client = traced.make()
    coll = client.test.spans
    await coll.drop()
    await coll.insert_many([{"_id": i} for i in range(3)])
    await coll.bulk_write([InsertOne({}), UpdateOne({}, {"$set": {"x": 1}})])
    await coll.find({}, batch_size=3).to_list()
    await client.admin.command("ping")
    await client.test.command("ping")
    await client.list_database_names()
    await client.test.list_collection_names()
    await client.test.create_collection("created")
    await client.test.drop_collection("created")
    await coll.estimated_document_count()
    await coll.find_one_and_delete({})
    await coll.create_index("x")
    await coll.drop_indexes()
    await coll.rename("renamed", dropTarget=True)
    assert tree(traced.spans()) == [
        ("dropCollection test.spans", ["drop"]),
        ("insert test.spans", ["insert"]),
        ("bulkWrite test.spans", ["insert", "update"]),
        ("find test.spans", ["find"]),
        ("getMore test.spans", ["getMore"]),
        ("runCommand admin", ["ping"]),
        ("runCommand test", ["ping"]),
        ("listDatabases admin", ["listDatabases"]),
        ("listCollections test", ["listCollections"]),
        ("listCollections test", ["listCollections"]),
        ("createCollection test.created", ["create"]),
        ("dropCollection test.created", ["drop"]),
        ("count test.spans", ["count"]),
        ("findAndModify test.spans", ["findAndModify"]),
        ("createIndexes test.spans", ["createIndexes"]),
        ("dropIndexes test.spans", ["dropIndexes"]),
        ("renameCollection admin", ["renameCollection"]),
    ]
    assert all(span.kind is SpanKind.CLIENT for span in traced.spans())


async def test_transactions(traced):
    client = traced.make()
    coll = client.test.spans
    await coll.insert_one({})
    traced.clear()
    async with client.start_session() as session:
        async with await session.start_transaction():
            await coll.insert_one({}, session=session)
            await client.test.other.find_one()
        await coll.find_one(session=session)
        await session.start_transaction()
        await coll.insert_one({}, session=session)
        await session.abort_transaction()
        await session.start_transaction()
        await session.commit_transaction()
    insert = ("insert test.spans", ["insert"])
    assert tree(traced.spans()) == [
        ("transaction", [insert, ("commitTransaction admin", ["commitTransaction"])]),
        ("find test.other", ["find"]),
        ("find test.spans", ["find"]),
        ("transaction", [insert, ("abortTransaction admin", ["abortTransaction"])]),
        "transaction",
    ]
    for span in traced.spans("transaction"):
        assert dict(span.attributes) == {"db.system.name": "mongodb"}
    lasting, *_ = traced.spans("transaction")
    assert lasting.end_time >= traced.spans("commitTransaction")[0].end_time


async def test_what_a_callback_does_is_in_its_transaction(traced, flavour):
    client = traced.make()
    coll = client.test.spans
    await coll.insert_one({})
    traced.clear()
    tracer = traced.provider.get_tracer("test")

    async def callback(session):
        await coll.insert_one({}, session=session)
        with tracer.start_as_current_span("user's"):
            await coll.insert_one({}, session=session)
        await client.test.other.find_one()

    async with client.start_session() as session:
        await session.with_transaction(stepped(callback) if flavour.is_sync else callback)
    await coll.find_one()
    insert = ("insert test.spans", ["insert"])
    commit = ("commitTransaction admin", ["commitTransaction"])
    find = ("find test.other", ["find"])
    assert tree(traced.spans()) == [
        ("transaction", [insert, ("user's", [insert]), find, commit]),
        ("find test.spans", ["find"]),
    ]


async def test_a_transaction_that_cannot_be_committed(traced):
    client = traced.make()
    await client.test.spans.insert_one({})
    async with client.start_session() as session:
        await session.start_transaction()
        await client.test.spans.insert_one({}, session=session)
        await fail(client, "commitTransaction", errorCode=51)
        with pytest.raises(OperationFailure):
            await session.commit_transaction()
        await session.commit_transaction()  # or its locks would be held
    (span,) = traced.spans("transaction")
    assert span.status.status_code is StatusCode.ERROR


async def test_a_session_that_ends_in_a_transaction(traced):
    client = traced.make()
    await client.test.spans.insert_one({})
    async with client.start_session() as session:
        await session.start_transaction()
        await client.test.spans.insert_one({}, session=session)
    (span,) = traced.spans("transaction")
    assert parent_of(traced.spans("abortTransaction admin")[0]) == span.context.span_id


async def test_instrumentations_may_be_told_to_leave_out_what_follows(traced):
    client = traced.make()
    key = contexts._SUPPRESS_INSTRUMENTATION_KEY
    token = contexts.attach(contexts.set_value(key, True))
    try:
        await client.test.c.find_one()
    finally:
        contexts.detach(token)
    assert traced.spans() == []


async def test_spans_that_are_not_sampled(make_client):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    client = make_client(tracing={"enabled": True, "tracer_provider": provider})
    await client.test.c.find_one()
    with pytest.raises(OperationFailure):
        await client.test.command("nope")
    assert exporter.get_finished_spans() == ()


async def test_without_an_sdk_nothing_is_made(make_client):
    client = make_client(tracing={"enabled": True, "query_text_max_length": 10})
    assert await client.admin.command("ping")
    with pytest.raises(OperationFailure):
        await client.test.command("nope")


# -- what they say --


async def test_attributes(traced):
    client = traced.make(query_text_max_length=1000)
    await client.test.spans.delete_many({})
    traced.clear()
    await client.test.spans.insert_many([{"_id": i} for i in range(3)])
    cursor = client.test.spans.find({}, {"_id": 1}, batch_size=2)
    await cursor.to_list()
    operation, command = traced.spans()[:2]
    assert dict(operation.attributes) == {
        "db.system.name": "mongodb",
        "db.namespace": "test",
        "db.collection.name": "spans",
        "db.operation.name": "insert",
        "db.operation.summary": "insert test.spans",
    }
    shown = dict(command.attributes)
    assert len(shown.pop("db.mongodb.lsid")) == 36
    assert shown.pop("db.mongodb.txn_number") > 0
    assert shown.pop("db.mongodb.server_connection_id") > 0
    text = json.loads(shown.pop("db.query.text"))
    assert text["insert"] == "spans"
    assert text["documents"] == [{"_id": i} for i in range(3)]
    assert not {"lsid", "$db", "$clusterTime"} & set(text)
    ((host, port),) = client.nodes
    assert shown == {
        "db.system.name": "mongodb",
        "db.namespace": "test",
        "db.collection.name": "spans",
        "db.command.name": "insert",
        "db.query.summary": "insert test.spans",
        "db.mongodb.driver_connection_id": 1,
        "server.address": host,
        "server.port": port,
        "network.transport": "tcp",
    }
    (find,), (more,) = traced.spans("find"), traced.spans("getMore")
    assert find.attributes["db.mongodb.cursor_id"] == more.attributes["db.mongodb.cursor_id"]
    assert more.attributes["db.collection.name"] == "spans"
    scope = command.instrumentation_scope
    assert scope.name == "mongodriver"
    assert scope.version


async def fail(client, *commands, times=1, **data):
    await client.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": times},
        data={"failCommands": list(commands), **data},
    )


EXCEPTION = ["exception.message", "exception.stacktrace", "exception.type"]


async def test_a_command_that_fails(traced):
    client = traced.make()
    with pytest.raises(OperationFailure):
        await client.test.command("nope")
    operation, command = traced.spans()
    assert operation.status.status_code is command.status.status_code is StatusCode.ERROR
    assert command.attributes["db.response.status_code"] == "59"
    assert command.attributes["exception.type"] == "mongodriver.errors.OperationFailure"
    assert command.attributes["exception.message"].startswith("no such command: 'nope'")
    assert "Traceback" in command.attributes["exception.stacktrace"]
    (event,) = command.events
    assert event.name == "exception"
    # It is said once, where it has happened.
    assert not [name for name in EXCEPTION if name in operation.attributes]
    assert operation.events == ()


async def test_every_attempt_has_a_span(traced):
    client = traced.make()
    await client.test.spans.find_one()
    await fail(client, "find", times=1, errorCode=89)
    traced.clear()
    await client.test.spans.find_one()
    assert tree(traced.spans()) == [("find test.spans", ["find", "find"])]
    operation, first, second = traced.spans()
    assert first.attributes["db.response.status_code"] == "89"
    assert first.status.status_code is StatusCode.ERROR
    assert first.end_time <= second.start_time
    assert second.status.status_code is operation.status.status_code is StatusCode.UNSET


async def test_a_connection_that_breaks(traced):
    client = traced.make()
    await client.test.spans.find_one()
    await fail(client, "insert", closeConnection=True)
    traced.clear()
    await client.test.spans.insert_one({})
    operation, first, _second = traced.spans()
    assert first.attributes["exception.type"] == "mongodriver.errors.AutoReconnect"
    assert "db.response.status_code" not in first.attributes
    assert operation.status.status_code is StatusCode.UNSET


async def test_writes_that_fail_are_the_operation_s_failure(traced):
    client = traced.make()
    coll = client.test.spans
    await coll.delete_many({})
    traced.clear()
    with pytest.raises(BulkWriteError):
        await coll.insert_many([{"_id": 1}, {"_id": 1}])
    operation, command = traced.spans()
    assert command.status.status_code is StatusCode.UNSET
    assert operation.attributes["exception.type"] == "mongodriver.errors.BulkWriteError"


async def test_a_selection_that_fails(traced):
    client = traced.make("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    with pytest.raises(ServerSelectionTimeoutError):
        await client.test.c.find_one()
    (operation,) = traced.spans()
    assert operation.name == "find test.c"
    assert operation.attributes["exception.type"].endswith("ServerSelectionTimeoutError")


async def test_a_failure_that_is_an_answer(traced):
    client = traced.make()
    await client.test.nothing_here.drop()
    assert all(span.status.status_code is StatusCode.UNSET for span in traced.spans())


async def test_sensitive_commands_have_no_spans(traced):
    client = traced.make(query_text_max_length=1000)
    with pytest.raises(OperationFailure):
        await client.admin.command("createUser", "zecret", pwd="zecret", roles=["zecret"])
    (operation,) = traced.spans()
    assert operation.name == "runCommand admin"
    assert operation.status.status_code is StatusCode.ERROR
    assert "zecret" not in operation.to_json()


async def test_unacknowledged_writes(traced):
    from mongodriver.write_concern import WriteConcern

    client = traced.make()
    await client.test.spans.with_options(write_concern=WriteConcern(0)).insert_one({})
    assert tree(traced.spans()) == [("insert test.spans", ["insert"])]


async def test_spans_of_several_tasks_are_not_mixed_up(traced, flavour):
    if flavour.is_sync:
        pytest.skip("tasks are for asynchronous clients")
    client = traced.make()
    tracer = traced.provider.get_tracer("test")

    async def work(number):
        with tracer.start_as_current_span(f"outer {number}"):
            for _ in range(20):
                await client.test[f"c{number}"].find_one()

    await together(*(work(n) for n in range(4)))
    assert sorted(tree(traced.spans())) == [
        (f"outer {n}", [(f"find test.c{n}", ["find"])] * 20) for n in range(4)
    ]


async def test_an_operation_that_is_cancelled(traced, flavour):
    if flavour.is_sync:
        pytest.skip("only tasks can be cancelled")
    client = traced.make()
    await client.test.spans.find_one()
    await fail(client, "find", blockConnection=True, blockTimeMS=2000)
    sent = flag()
    inside.core(client).observer.subscribe("commands", lambda event: sent.set())
    traced.clear()
    task = begin(client.test.spans.find_one())
    await sent.wait()
    await pass_on()
    task.cancel()
    with pytest.raises(WasCancelled):
        await task
    operation, command = traced.spans()
    assert command.attributes["exception.type"].endswith(("CancelledError", "trio.Cancelled"))
    assert operation.status.status_code is StatusCode.ERROR


async def test_spans_of_several_threads_are_not_mixed_up(traced, flavour):
    if not flavour.is_sync:
        pytest.skip("threads are for synchronous clients")
    client = traced.make()
    tracer = traced.provider.get_tracer("test")

    def work(number):
        async def find():
            await client.test[f"c{number}"].find_one()

        with tracer.start_as_current_span(f"outer {number}"):
            for _ in range(20):
                step(find())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tree(traced.spans())) == [
        (f"outer {n}", [(f"find test.c{n}", ["find"])] * 20) for n in range(4)
    ]
