"""`MongoClient.bulk_write`: what servers do rarely, or never at a test's wish."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from recording import Commands

import bulk_server as acts
import mongodriver
from bsonx import ObjectId
from bulk_server import bulk_server
from mongodriver import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
    WriteConcern,
)
from mongodriver.errors import (
    AutoReconnect,
    ClientBulkWriteException,
    DocumentTooLarge,
    InvalidOperation,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from mongodriver.execution import retry

pytestmark = pytest.mark.server


@dataclass
class Movie:
    title: str
    id: ObjectId | None = None


#: Where no batch is full before its message is.
BY_SIZE = {"maxWriteBatchSize": 1000}


def inserts(count, namespace="d.a", size=0):
    return [InsertOne({"_id": i, "x": "x" * size}, namespace=namespace) for i in range(count)]


def sizes(server):
    return [len(request.body["ops"]) for request in server.of("bulkWrite")]


# -- batches --


async def test_batches_by_number(make_client):
    """Prose test 3."""
    commands = Commands()
    with bulk_server() as server:
        client = make_client(server.uri, event_listeners=[commands])
        result = await client.bulk_write(inserts(4))
    assert result.inserted_count == 4
    assert sizes(server) == [3, 1]
    first, second = commands.started_events
    assert [len(event.command["ops"]) for event in (first, second)] == [3, 1]
    assert first.operation_id == second.operation_id
    numbers = [request.body["txnNumber"] for request in server.of("bulkWrite")]
    assert numbers[0] < numbers[1]


async def test_batches_by_size(make_client):
    """Prose test 4."""
    with bulk_server(**BY_SIZE) as server:
        result = await make_client(server.uri).bulk_write(inserts(7, size=900))
    assert result.inserted_count == 7
    assert sizes(server) == [4, 3]


@pytest.mark.parametrize("more, expected", [(0, [2]), (1, [1, 1])])
async def test_a_message_is_filled_to_the_last_byte(make_client, more, expected):
    """The limit is 5000 bytes less 1000, less 43 of the command and 17 of the namespace."""
    room = 5000 - 1000 - 43 - 17 - 2 * 49
    models = [InsertOne({"_id": 1, "x": "x" * n}, namespace="d.a") for n in (1000, room - 1000)]
    models[1]._doc["x"] += "x" * more
    with bulk_server(**BY_SIZE) as server:
        await make_client(server.uri).bulk_write(models)
    assert sizes(server) == expected


@pytest.mark.parametrize("name, expected", [("a", [2]), ("b" * 200, [1, 1])])
async def test_namespaces_count_too(make_client, name, expected):
    """Prose test 11: the namespace that is new does not fit any more."""
    models = [*inserts(1, size=3650), *inserts(1, f"d.{name}")]
    with bulk_server(**BY_SIZE) as server:
        await make_client(server.uri).bulk_write(models)
    assert sizes(server) == expected
    assert server.of("bulkWrite")[-1].body["nsInfo"] == [{"ns": f"d.{name}"}]


async def test_only_the_namespaces_of_a_batch(make_client):
    models = inserts(2, "d.a") + inserts(2, "d.b") + inserts(2, "d.a")
    with bulk_server() as server:
        await make_client(server.uri).bulk_write(models)
    first, second = (request.body for request in server.of("bulkWrite"))
    assert first["nsInfo"] == [{"ns": "d.a"}, {"ns": "d.b"}]
    assert [op["insert"] for op in first["ops"]] == [0, 0, 1]
    assert second["nsInfo"] == [{"ns": "d.b"}, {"ns": "d.a"}]
    assert [op["insert"] for op in second["ops"]] == [0, 1, 1]


@pytest.mark.parametrize(
    "model, text",
    [
        (inserts(1, size=5000)[0], r"\(5049 bytes\).* up to 17382 bytes"),
        (inserts(1, namespace="d." + "c" * 5000)[0], r"\(5065 bytes\)"),
        (UpdateOne({}, {"$set": {"x": "x" * 5000}}, namespace="d.a"), "^update command"),
        (ReplaceOne({}, {"x": "x" * 5000}, namespace="d.a"), "^update command"),
        (DeleteOne({"x": "x" * 5000}, namespace="d.a"), "^delete command"),
    ],
    ids=["document", "namespace", "update", "replace", "delete"],
)
async def test_what_no_message_can_carry(make_client, model, text):
    """Prose test 12."""
    with bulk_server() as server:
        client = make_client(server.uri)
        with pytest.raises(DocumentTooLarge, match=text):
            await client.bulk_write([model])
        assert not server.seen
        with pytest.raises(DocumentTooLarge, match=text):
            await client.bulk_write([*inserts(1), model])
        assert server.seen == ["bulkWrite 1"]


async def test_an_id_that_is_missing_comes_first(make_client):
    """Prose test 16."""
    document = {"a": 1}
    with bulk_server() as server:
        await make_client(server.uri).bulk_write([InsertOne(document, namespace="d.a")])
    (operation,) = server.of("bulkWrite")[0].body["ops"]
    assert list(operation["document"]) == ["_id", "a"]
    assert document == operation["document"]


# -- w=0 --

UNHEARD = {"ordered": False, "write_concern": WriteConcern(0)}


async def test_unacknowledged(make_client):
    """Prose test 15."""
    with bulk_server() as server:
        client = make_client(server.uri)
        result = await client.bulk_write(inserts(4), **UNHEARD)
        await client.admin.command("ping")
        server.wait_for(lambda: len(server.of("bulkWrite")) == 2)
    assert (result.acknowledged, result.has_verbose_results) == (False, False)
    with pytest.raises(InvalidOperation, match="when the write is unacknowledged"):
        _ = result.inserted_count
    for request in server.of("bulkWrite"):
        assert request.body["writeConcern"] == {"w": 0}
        assert "lsid" not in request.body and "txnNumber" not in request.body


@pytest.mark.parametrize(
    "model, text",
    [
        (InsertOne({"_id": 0, "x": "x" * 979}, namespace="d.a"), r"\(1001 bytes\).* 1000 bytes"),
        (ReplaceOne({}, {"x": "x" * 1000}, namespace="d.a"), "^replace command document"),
    ],
)
async def test_nobody_would_hear_that_a_document_is_too_large(make_client, model, text):
    with bulk_server(maxMessageSizeBytes=50_000) as server:
        client = make_client(server.uri)
        with pytest.raises(DocumentTooLarge, match=text):
            await client.bulk_write([*inserts(1), model], **UNHEARD)
        assert not server.seen
        await client.bulk_write([model])  # here the server judges
        fits = [
            InsertOne({"_id": 0, "x": "x" * 978}, namespace="d.a"),
            UpdateOne({}, {"$set": {"x": "x" * 1000}}, namespace="d.a"),
            UpdateOne({}, [{"$set": {"x": "x" * 1000}}], namespace="d.a"),
        ]
        await client.bulk_write(fits, **UNHEARD)


# -- results --


async def test_the_account_of_what_failed(make_client):
    with bulk_server(acts.second_fails) as server:
        error = await fails(make_client(server.uri), inserts(3), ordered=False)
    assert error.summary == "1 of 3 failed: 1 E11000"
    assert list(error.by_code) == [11000]


def too_large_for_server(request, number):
    error = {"ok": 0, "idx": 0, "code": 2, "errmsg": "object to insert too large. size", "n": 0}
    return acts.done(request, nErrors=1, nInserted=0, cursor=acts.batch(error))


async def test_the_server_refuses_a_size(make_client):
    with bulk_server(too_large_for_server) as server, pytest.raises(DocumentTooLarge) as info:
        await make_client(server.uri).bulk_write(inserts(1))
    assert isinstance(info.value, ClientBulkWriteException)
    assert info.value.summary == "1 of 1 failed: 1 too large"


async def test_instances_of_typed_classes(make_client):
    movie = Movie("b", ObjectId())
    models = [
        InsertOne(Movie("a"), namespace="d.movies"),
        InsertOne(movie, namespace="d.movies"),
        ReplaceOne({}, Movie("c"), namespace="d.movies"),
    ]
    with bulk_server(acts.each_done) as server:
        result = await make_client(server.uri).bulk_write(models, verbose_results=True)
        ops = server.of("bulkWrite")[0].body["ops"]
    made = ops[0]["document"]["_id"]
    assert [op.get("document", op.get("updateMods")) for op in ops] == [
        {"_id": made, "title": "a"},
        {"_id": movie.id, "title": "b"},
        {"title": "c"},
    ]
    assert {i: r.inserted_id for i, r in result.insert_results.items()} == {0: made, 1: movie.id}


async def test_verbose_results_of_all_batches(make_client):
    models = [
        *inserts(1),
        UpdateOne({}, {"$set": {"a": 1}}, namespace="d.a"),
        ReplaceOne({}, {"a": 1}, namespace="d.b"),
        DeleteOne({}, namespace="d.b"),
        UpdateMany({}, {"$set": {"a": 1}}, namespace="d.b"),
        DeleteMany({}, namespace="d.a"),
    ]
    with bulk_server(acts.each_done) as server:
        result = await make_client(server.uri).bulk_write(models, verbose_results=True)
    assert result.insert_results[0].inserted_id == 0
    assert [*result.update_results] == [1, 2, 4]
    assert [*result.delete_results] == [3, 5]
    assert result.delete_results[5].deleted_count == 1
    assert [request.body["errorsOnly"] for request in server.of("bulkWrite")] == [False, False]
    # A retry could delete more than once: no batch has a number.
    assert all("txnNumber" not in request.body for request in server.of("bulkWrite"))


async def test_results_by_get_more(make_client):
    """Prose test 7."""
    with bulk_server(acts.second_by_get_more) as server:
        client = make_client(server.uri)
        result = await client.bulk_write(inserts(2), verbose_results=True, comment="why")
    assert [*result.insert_results] == [0, 1]
    assert server.seen == ["bulkWrite 2", "getMore"]
    command, more = (request.body for request in server.of("bulkWrite", "getMore"))
    assert more["lsid"] == command["lsid"]
    assert "txnNumber" not in more
    named = {"getMore": 77, "collection": "$cmd.bulkWrite", "comment": "why", "$db": "admin"}
    assert named.items() <= more.items()


async def test_get_more_in_a_transaction(make_client):
    """Prose test 8."""
    with bulk_server(acts.second_by_get_more) as server:
        client = make_client(server.uri)
        async with client.start_session() as session, await session.start_transaction():
            await client.bulk_write(inserts(2), session=session, verbose_results=True)
    command, more = (request.body for request in server.of("bulkWrite", "getMore"))
    assert command["startTransaction"] is True
    assert (more["txnNumber"], more["autocommit"]) == (command["txnNumber"], False)
    assert "startTransaction" not in more


async def test_a_time_limit(make_client):
    """The getMore has none: it would be how long it may wait for results."""
    with bulk_server(acts.second_by_get_more) as server:
        client = make_client(server.uri)
        with mongodriver.timeout(60):
            await client.bulk_write(inserts(2), write_concern=WriteConcern("majority", 5))
    command, more = (request.body for request in server.of("bulkWrite", "getMore"))
    assert 0 < command["maxTimeMS"] <= 60_000
    assert command["writeConcern"] == {"w": "majority"}
    assert "maxTimeMS" not in more


async def test_behind_a_load_balancer_the_cursor_keeps_its_connection(make_client):
    service = {"serviceId": acts.SERVICE, "msg": "isdbgrid", "setName": None}
    with bulk_server(acts.second_by_get_more, **service) as server:
        client = make_client(server.uri, loadBalanced=True, maxPoolSize=1)
        await client.bulk_write(inserts(2), verbose_results=True)
        first, second = server.of("bulkWrite", "getMore")
        assert first.connection == second.connection
        await client.admin.command("ping")  # the pool has its only connection again


# -- errors --


async def fails(client, models, **options):
    with pytest.raises(ClientBulkWriteException) as caught:
        await client.bulk_write(models, **options)
    return caught.value


async def test_old_servers(make_client):
    with bulk_server(maxWireVersion=24) as server:
        client = make_client(server.uri)
        with pytest.raises(InvalidOperation, match=r"requires MongoDB server version 8\.0\+\.$"):
            await client.bulk_write(inserts(1))
    assert not server.seen


async def test_errors_of_writes(make_client):
    """Prose test 6."""
    with bulk_server(acts.second_fails) as server:
        client = make_client(server.uri)
        ordered = await fails(client, inserts(5))
        unordered = await fails(client, inserts(5), ordered=False)
    assert server.seen == ["bulkWrite 3", "bulkWrite 3", "bulkWrite 2"]
    assert [error["idx"] for error in ordered.write_errors] == [1]
    assert ordered.partial_result.inserted_count == 1
    assert [error["idx"] for error in unordered.write_errors] == [1, 4]
    assert unordered.write_errors[1]["op"] == {"insert": 0, "document": {"_id": 4, "x": ""}}
    assert unordered.partial_result.inserted_count == 2


async def test_an_error_ends_the_cursor(make_client):
    with bulk_server(acts.both_fail_one_by_get_more) as server:
        client = make_client(server.uri)
        ordered = await fails(client, inserts(2))
        assert server.seen == ["bulkWrite 2", "killCursors"]
        unordered = await fails(client, inserts(2), ordered=False)
        assert server.seen[2:] == ["bulkWrite 2", "getMore"]
    assert [len(error.write_errors) for error in (ordered, unordered)] == [1, 2]
    assert ordered.partial_result is unordered.partial_result is None


async def test_errors_of_write_concerns(make_client):
    """Prose test 5."""
    with bulk_server(acts.concern_unmet) as server:
        error = await fails(make_client(server.uri, retryWrites=False), inserts(4))
    assert [one["errmsg"] for one in error.write_concern_errors] == ["down 1", "down 2"]
    assert error.partial_result.inserted_count == 4
    assert (error.error, error.timeout) == (None, False)


@pytest.mark.parametrize(
    "retries, told", [(True, ["down 2", "down 4"]), (False, ["down 1", "down 2"])]
)
async def test_a_retry_does_not_help(make_client, retries, told):
    """What was done is told nevertheless."""
    with bulk_server(acts.concern_unmet_again) as server:
        error = await fails(make_client(server.uri, retryWrites=retries), inserts(4))
    assert [one["errmsg"] for one in error.write_concern_errors] == told
    assert error.partial_result.inserted_count == 4
    assert error.has_error_label("RetryableWriteError")


async def test_errors_of_get_more(make_client):
    """Prose test 9."""
    with bulk_server(acts.get_more_fails) as server:
        client = make_client(server.uri)
        error = await fails(client, inserts(4), verbose_results=True)
    assert server.seen == ["bulkWrite 3", "getMore", "killCursors"]
    assert error.error["code"] == 8
    assert isinstance(error.__cause__, OperationFailure)
    assert [*error.partial_result.insert_results] == [0]
    assert error.partial_result.inserted_count == 3


async def test_a_cursor_that_is_gone_is_not_killed(make_client):
    with bulk_server(acts.cursor_is_gone) as server:
        error = await fails(make_client(server.uri), inserts(2))
    assert error.error["errtype"] == "CursorNotFound"
    assert server.seen == ["bulkWrite 2", "getMore"]


async def test_a_connection_that_breaks_on_get_more(make_client):
    with bulk_server(acts.get_more_breaks) as server:
        error = await fails(make_client(server.uri), inserts(2))
    assert error.error["errtype"] == "AutoReconnect"
    assert isinstance(error.__cause__, AutoReconnect)


async def test_a_limit_that_ends_leaves_the_cursor_to_housekeeping(make_client):
    with bulk_server(acts.get_more_is_silent) as server:
        client = make_client(server.uri)
        with mongodriver.timeout(0.5):
            error = await fails(client, inserts(2))
        assert error.error["errtype"] == "NetworkTimeout"
        assert error.timeout
        end = time.monotonic() + 60
        while not server.of("killCursors"):
            assert time.monotonic() < end
            await client.admin.command("ping")  # so that a loop goes on
    assert server.of("killCursors")[0].body["cursors"] == [77]


@pytest.mark.parametrize(
    "act, seen",
    [
        (acts.breaks, ["bulkWrite 3", "bulkWrite 3"]),
        (acts.breaks_from_second, ["bulkWrite 3", "bulkWrite 1", "bulkWrite 1"]),
        (acts.no_primary, ["bulkWrite 3", "bulkWrite 3"]),
        (acts.second_refused, ["bulkWrite 3", "bulkWrite 1"]),
        (acts.too_long, ["bulkWrite 3"]),
    ],
)
async def test_errors_of_all(make_client, act, seen):
    with bulk_server(act) as server:
        error = await fails(make_client(server.uri), inserts(4))
    assert server.seen == seen
    assert error.error is error.__cause__
    assert error.timeout is (act is acts.too_long)
    assert error.has_error_label("RetryableWriteError") is error.error.has_error_label(
        "RetryableWriteError"
    )
    done = act in (acts.breaks_from_second, acts.second_refused)
    assert (error.partial_result and error.partial_result.inserted_count) == (3 if done else None)


@pytest.mark.parametrize(
    "act, count",
    [(acts.second_breaks, 4), (acts.concern_unmet_once, 4), (acts.overloaded_once, 1)],
)
async def test_what_a_retry_mends(make_client, monkeypatch, act, count):
    monkeypatch.setattr(retry.random, "random", lambda: 0.0)
    with bulk_server(act) as server:
        result = await make_client(server.uri).bulk_write(inserts(count))
    assert result.inserted_count == count
    assert len(server.of("bulkWrite")) == (3 if count == 4 else 2)


async def test_no_server(make_client):
    """Nothing was sent: there is nothing to tell but that."""
    with bulk_server(isWritablePrimary=False, secondary=True) as server:
        client = make_client(server.uri, serverSelectionTimeoutMS=50)
        with pytest.raises(ServerSelectionTimeoutError):
            await client.bulk_write(inserts(1))


async def test_with_transaction_tries_again(make_client, flavour):
    from flavour import stepped

    with bulk_server(acts.transient_once) as server:
        client = make_client(server.uri)

        async def write(session):
            await client.bulk_write(inserts(1), session=session)

        async with client.start_session() as session:
            await session.with_transaction(stepped(write) if flavour.is_sync else write)
    assert server.seen == ["bulkWrite 1", "bulkWrite 1"]
    assert len(server.of("commitTransaction")) == 1
