"""Operations without a server: the commands they build and what they make of replies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from mongodriver.errors import (
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    InvalidOperation,
)
from mongodriver.operations import DeleteMany, DeleteOne, InsertOne, UpdateOne
from mongodriver.ops.base import NEVER, READ, WRITE, Command, Operation, present
from mongodriver.ops.bulk import BulkWrite, Run, plan_runs
from mongodriver.ops.client_bulk import ClientBulkWrite
from mongodriver.ops.command import (
    EVERYTHING,
    CreateEncrypted,
    CursorCommand,
    ListCommand,
    RunCommand,
    WriteCommand,
)
from mongodriver.ops.cursor import Find, FindOne, GetMore, KillCursors, ReadTarget
from mongodriver.ops.read import Aggregate, Count, CountDocuments, Distinct, Explain
from mongodriver.ops.write import (
    Delete,
    FindAndModify,
    Update,
    WriteTarget,
    statement_limit,
)
from mongodriver.ops.write import InsertOne as Insert
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.server_type import SERVER_TYPE
from mongodriver.values.keys import (
    field_document,
    hint_document,
    index_name,
    key_document,
    key_pairs,
)
from mongodriver.write_concern import WriteConcern

ADDRESS = ("a.example", 27017)
SET = {"$set": {"a": 1}}
SORT = {"a": 1}
TARGET = ReadTarget(
    "db", "c", DEFAULT_CODEC_OPTIONS, ReadPreference.SECONDARY, ReadConcern("local")
)


def attempt(**changes):
    """An attempt on a connection; `changes` are of its own attributes or the connection's."""
    connection = SimpleNamespace(
        address=ADDRESS,
        server_type=SERVER_TYPE.RSPrimary,
        max_wire_version=17,
        max_bson_size=16 * 1024 * 1024,
        max_message_size=48_000_000,
        max_write_batch_size=100_000,
        pinned="",
        service_id=None,
    )
    made = SimpleNamespace(
        connection=connection, session=None, is_retry=False, stop=0, keep_session=False
    )
    for name, value in changes.items():
        setattr(made if hasattr(made, name) else connection, name, value)
    return made


def writing(concern=None, options=DEFAULT_CODEC_OPTIONS):
    return WriteTarget("db", "c", options, concern or WriteConcern())


def cursor_reply(batch, cursor_id=0, name="firstBatch", **more):
    return {"ok": 1.0, "cursor": {name: batch, "id": cursor_id, "ns": "db.c", **more}}


# -- unacknowledged updates --


def test_what_a_server_would_refuse_in_silence():
    sort = {"q": {}, "u": {"$set": {"a": 1}}, "multi": False, "sort": {"a": 1}}
    runs = (Run("insert", [{"_id": 1}]), Run("update", [sort]))
    unacknowledged = writing(WriteConcern(w=0))
    for operation in (
        Update(unacknowledged, {}, SET, sort=SORT),
        BulkWrite(unacknowledged, runs, True),
    ):
        with pytest.raises(ConfigurationError, match=r"8\.0\+ to use sort on unacknowledged"):
            operation.build(attempt(max_wire_version=24))
        assert operation.build(attempt(max_wire_version=25))
    for operation in (Update(writing(), {}, SET, sort=SORT), BulkWrite(writing(), runs, True)):
        assert operation.build(attempt(max_wire_version=24))  # the server says it


# -- the protocol --


def test_defaults():
    operation = Operation()
    assert (operation.is_write, operation.retry_policy, operation.multi_batch) == (
        False,
        NEVER,
        False,
    )
    assert operation.acknowledged
    assert operation.supports_session
    assert not operation.more()
    with pytest.raises(TypeError):
        operation.build(attempt())
    reply = {"ok": 1}
    assert operation.parse(reply, attempt()) is reply


def test_documents_too_large():
    assert str(Insert(writing(), {}).document_too_large(20, 16)) == (
        "BSON document too large (20 bytes) - the connected server supports BSON document sizes "
        "up to 16 bytes."
    )
    error = Update(writing(), {}, SET).document_too_large(20, 16)
    assert isinstance(error, DocumentTooLarge)
    assert str(error) == "update command document too large"
    for operation in (Find(TARGET, {}), FindOne(TARGET, {}), Explain(Find(TARGET, {}))):
        assert operation.within_a_document
        assert "supports BSON document sizes" in str(operation.document_too_large(20, 16))
    error = Count(TARGET, {}).document_too_large(20, 16)
    assert str(error) == "count command document too large"
    assert statement_limit(attempt(), True) == 16 * 1024 * 1024 + 16382
    assert statement_limit(attempt(), False) == 16 * 1024 * 1024


@pytest.mark.parametrize(("kind", "arguments"), [(Insert, ()), (Update, (SET,)), (Delete, ())])
@pytest.mark.parametrize(("concern", "more"), [(1, 16382), (0, 0)])
def test_the_largest_statement_is_one_whose_error_is_heard_of(kind, arguments, concern, more):
    command = kind(writing(WriteConcern(concern)), {}, *arguments).build(attempt())
    assert command.max_document_size == 16 * 1024 * 1024 + more
    runs = [Run(kind.name, [{}], [0])]
    bulk = BulkWrite(writing(WriteConcern(concern)), runs, True)
    assert bulk.build(attempt()).max_document_size == 16 * 1024 * 1024 + more


def test_present_leaves_none_out():
    assert present(b=1, a=None, c=0, d=False) == {"b": 1, "c": 0, "d": False}


# -- cursors --


def test_find():
    operation = Find(TARGET, {"filter": {"a": 1}, "limit": 2})
    assert operation.build(attempt()).body == {"find": "c", "filter": {"a": 1}, "limit": 2}
    assert (operation.database, operation.name, operation.retry_policy) == ("db", "find", READ)
    assert operation.read_preference == ReadPreference.SECONDARY
    assert operation.read_concern == ReadConcern("local")
    assert operation.user_fields == {"firstBatch"}


def test_each_build_makes_a_fresh_body():
    for operation in (
        Find(TARGET, {"filter": {}}),
        FindOne(TARGET, {}),
        RunCommand("db", {"ping": 1}, DEFAULT_CODEC_OPTIONS),
        WriteCommand("db", {"drop": "c"}, DEFAULT_CODEC_OPTIONS),
        Insert(writing(), {"_id": 1}),
        FindAndModify(writing(), {}, {"remove": True}),
        Aggregate(TARGET, [], {"cursor": {}}),
    ):
        first = operation.build(attempt())
        first.body["lsid"] = 1
        assert "lsid" not in operation.build(attempt()).body


def test_a_live_cursor_keeps_its_session():
    session = SimpleNamespace(implicit=True)
    made = attempt(session=session)
    reply = Find(TARGET, {}).parse(cursor_reply([{"a": 1}], 7, postBatchResumeToken={"t": 1}), made)
    assert made.keep_session
    assert (reply.cursor_id, reply.batch, reply.namespace) == (7, [{"a": 1}], "db.c")
    assert (reply.address, reply.session, reply.connection) == (ADDRESS, session, None)
    assert reply.resume_token == {"t": 1}


def test_a_finished_cursor_keeps_nothing():
    made = attempt()
    assert Find(TARGET, {}).parse(cursor_reply([]), made).cursor_id == 0
    assert not made.keep_session


def test_pinning():
    made = attempt()
    connection = made.connection
    assert Find(TARGET, {}).parse(cursor_reply([], 7), made).connection is None
    assert Find(TARGET, {}, pin=True).parse(cursor_reply([], 0), made).connection is None
    assert not connection.pinned
    assert Find(TARGET, {}, pin=True).parse(cursor_reply([], 7), made).connection is connection
    assert connection.pinned


@pytest.mark.parametrize("operation", [Find(TARGET, {}), GetMore("db.c", 7, TARGET.codec_options)])
def test_pinning_behind_a_load_balancer(operation):
    made = attempt(service_id="one")
    name = "nextBatch" if operation.name == "getMore" else "firstBatch"
    assert operation.parse(cursor_reply([], 7, name), made).connection is made.connection
    assert made.connection.pinned == "cursor"


def test_pinning_of_a_clients_bulk_write():
    """It counts as one of a cursor, in the error of whoever waits for a connection."""
    request = InsertOne({"_id": 1}, namespace="db.c")
    operation = ClientBulkWrite(DEFAULT_CODEC_OPTIONS, None, [request], True, True)
    made = attempt(service_id="one", max_wire_version=25)
    made.address = None
    operation.build(made)
    operation.parse({**cursor_reply([], 7), "nErrors": 0}, made)
    assert made.connection.pinned == "cursor"
    assert operation.pinned is made.connection


def test_no_pin_for_a_cursor_that_has_ended():
    made = attempt(service_id="one")
    assert Find(TARGET, {}).parse(cursor_reply([], 0), made).connection is None
    assert not made.connection.pinned


def test_find_one():
    operation = FindOne(TARGET, {"_id": 1})
    assert operation.build(attempt()).body == {
        "find": "c",
        "filter": {"_id": 1},
        "limit": 1,
        "singleBatch": True,
    }
    assert operation.parse(cursor_reply([{"_id": 1}]), attempt()) == {"_id": 1}
    assert operation.parse(cursor_reply([]), attempt()) is None


def test_get_more():
    operation = GetMore(
        "db.c.d", 5, DEFAULT_CODEC_OPTIONS, batch_size=3, max_await_time_ms=0, comment="x"
    )
    assert operation.build(attempt()).body == {
        "getMore": 5,
        "collection": "c.d",
        "batchSize": 3,
        "maxTimeMS": 0,
        "comment": "x",
    }
    assert (operation.database, operation.retry_policy) == ("db", NEVER)
    plain = GetMore("db.c", 5, DEFAULT_CODEC_OPTIONS)
    assert plain.build(attempt()).body == {"getMore": 5, "collection": "c"}
    batch = [{"a": 1}]
    assert plain.parse(cursor_reply(batch, 5, "nextBatch"), attempt()).batch == batch


def test_comments_of_get_more_need_a_new_server():
    operation = GetMore("db.c", 5, DEFAULT_CODEC_OPTIONS, comment="x")
    assert "comment" not in operation.build(attempt(max_wire_version=8)).body


def test_kill_cursors():
    operation = KillCursors("db.c.d", [5, 6], DEFAULT_CODEC_OPTIONS)
    assert operation.build(attempt()).body == {"killCursors": "c.d", "cursors": [5, 6]}
    assert operation.parse({"ok": 1}, attempt()) is None


# -- other reads --


def test_aggregate():
    operation = Aggregate(TARGET, [{"$match": {}}], {"cursor": {}}, WriteConcern(2))
    assert operation.build(attempt()).body == {
        "aggregate": "c",
        "pipeline": [{"$match": {}}],
        "cursor": {},
    }
    assert operation.retry_policy is READ
    assert operation.write_concern is None
    assert operation.read_concern == ReadConcern("local")


@pytest.mark.parametrize("stage", ["$out", "$merge"])
def test_aggregate_that_writes(stage):
    operation = Aggregate(TARGET, [{"$match": {}}, {stage: "d"}], {}, WriteConcern(2))
    assert operation.has_output_stage
    assert operation.retry_policy is NEVER
    assert operation.write_concern == WriteConcern(2)
    given = Aggregate(TARGET, [{stage: "d"}], {"writeConcern": {"w": 1}}, WriteConcern(2))
    assert given.write_concern is None


def test_a_given_read_concern_is_not_added_again():
    operation = Aggregate(TARGET, [], {"readConcern": {"level": "majority"}})
    assert operation.read_concern is None


def test_aggregate_on_a_database():
    target = ReadTarget("db", "", DEFAULT_CODEC_OPTIONS, None, None)
    operation = Aggregate(target, [], {"cursor": {}})
    assert operation.build(attempt()).body["aggregate"] == 1
    reply = {"ok": 1, "cursor": {"firstBatch": [], "id": 0}}
    assert operation.parse(reply, attempt()).namespace == "db.$cmd.aggregate"


def test_counting_documents():
    operation = CountDocuments(TARGET, [], {"cursor": {}})
    assert operation.parse(cursor_reply([{"n": 1.0}]), attempt()) == 1
    assert operation.parse(cursor_reply([]), attempt()) == 0


def test_count_and_distinct():
    count = Count(TARGET, {"maxTimeMS": 5})
    assert count.build(attempt()).body == {"count": "c", "maxTimeMS": 5}
    assert count.parse({"ok": 1, "n": 3.0}, attempt()) == 3
    distinct = Distinct(TARGET, "a", {"query": {}})
    assert distinct.build(attempt()).body == {"distinct": "c", "key": "a", "query": {}}
    assert distinct.parse({"ok": 1, "values": [1, 2]}, attempt()) == [1, 2]


def test_explain_takes_the_read_concern_inside():
    operation = Explain(Find(TARGET, {"filter": {}}))
    assert operation.build(attempt()).body == {
        "explain": {"find": "c", "filter": {}, "readConcern": {"level": "local"}}
    }
    assert operation.read_concern is None
    assert operation.read_preference == ReadPreference.SECONDARY


# -- commands --


def test_commands_of_the_user():
    operation = RunCommand("db", {"ping": 1, "a": 2}, DEFAULT_CODEC_OPTIONS, None, [59])
    assert operation.name == "ping"
    assert operation.build(attempt()).body == {"ping": 1, "a": 2}
    assert 59 in operation.allowable_errors
    assert (operation.retry_policy, operation.is_write) == (NEVER, False)
    assert 12345 in EVERYTHING
    assert "any message" in EVERYTHING


def test_cursor_commands_want_a_cursor():
    operation = CursorCommand("db", {"find": "c"}, DEFAULT_CODEC_OPTIONS)
    assert operation.parse(cursor_reply([{"a": 1}]), attempt()).batch == [{"a": 1}]
    for reply in ({"ok": 1}, {"ok": 1, "cursor": 5}, {"ok": 1, "cursor": {}}):
        with pytest.raises(InvalidOperation, match="does not return a cursor"):
            operation.parse(reply, attempt())


def test_lists_may_be_empty_for_a_reason():
    operation = ListCommand(
        "db", {"listIndexes": "c"}, DEFAULT_CODEC_OPTIONS, collection="c", empty_on=(26,)
    )
    assert 26 in operation.allowable_errors
    reply = operation.parse({"ok": 0.0, "code": 26}, attempt())
    assert (reply.batch, reply.cursor_id) == ([], 0)


def test_write_commands():
    operation = WriteCommand("db", {"drop": "c"}, DEFAULT_CODEC_OPTIONS, WriteConcern(2))
    assert operation.is_write
    assert operation.write_concern == WriteConcern(2)
    silent = WriteCommand("db", {"drop": "c"}, DEFAULT_CODEC_OPTIONS, WriteConcern(0))
    assert not silent.acknowledged
    given = {"drop": "c", "writeConcern": {"w": 1}}
    assert WriteCommand("db", given, DEFAULT_CODEC_OPTIONS, WriteConcern(2)).write_concern is None


def test_queryable_encryption_needs_a_new_server():
    operation = CreateEncrypted("db", {"create": "c"}, DEFAULT_CODEC_OPTIONS)
    with pytest.raises(ConfigurationError, match="need maxWireVersion >= 21"):
        operation.build(attempt())
    assert operation.build(attempt(max_wire_version=21)).body == {"create": "c"}


# -- writes --


def test_insert():
    operation = Insert(writing(WriteConcern(2)), {"_id": 1}, comment="x")
    command = operation.build(attempt())
    assert command.body == {"insert": "c", "ordered": True, "comment": "x"}
    assert (list(command.documents), command.identifier) == ([{"_id": 1}], "documents")
    assert operation.retry_policy is WRITE
    assert operation.write_concern == WriteConcern(2)


def test_a_default_write_concern_is_left_out():
    assert Insert(writing(), {}).write_concern is None


def test_what_cannot_be_retried():
    assert Delete(writing(), {}, True).retry_policy is NEVER
    assert Update(writing(), {}, SET, True).retry_policy is NEVER
    assert Insert(writing(WriteConcern(0)), {}).retry_policy is NEVER
    assert FindAndModify(writing(WriteConcern(0)), {}, {}).retry_policy is NEVER
    assert Update(writing(), {}, SET).retry_policy is WRITE


def test_the_reply_to_an_update():
    operation = Update(writing(), {}, SET)
    reply = {"ok": 1, "n": 1, "nModified": 0, "upserted": [{"index": 0, "_id": 5}]}
    assert operation.parse(reply, attempt()) == {
        "ok": 1,
        "n": 1,
        "nModified": 0,
        "upserted": 5,
        "updatedExisting": False,
    }
    assert reply["upserted"] == [{"index": 0, "_id": 5}]
    assert operation.parse({"ok": 1, "n": 1}, attempt())["updatedExisting"] is True
    assert operation.parse({"ok": 1, "n": 0}, attempt())["updatedExisting"] is False
    silent = Update(writing(WriteConcern(0)), {}, SET)
    assert silent.parse({"ok": 1}, attempt()) is None


def test_find_and_modify():
    operation = FindAndModify(writing(WriteConcern(2)), {"_id": 1}, {"new": True, "remove": True})
    assert operation.build(attempt()).body == {
        "findAndModify": "c",
        "query": {"_id": 1},
        "new": True,
        "remove": True,
    }
    assert operation.parse({"ok": 1, "value": {"_id": 1}}, attempt()) == {"_id": 1}
    assert operation.parse({"ok": 1, "value": None}, attempt()) is None
    given = FindAndModify(writing(WriteConcern(2)), {}, {"writeConcern": {"w": 1}})
    assert given.write_concern is None


# -- bulk writes --


def kinds(runs):
    return [(run.kind, run.indexes, run.retryable) for run in runs]


MIXED = (
    InsertOne({"_id": 1}),
    InsertOne({"_id": 2}),
    DeleteOne({}),
    UpdateOne({}, {"$set": {"a": 1}}),
    DeleteMany({}),
    InsertOne({"_id": 3}),
)


def test_an_ordered_plan_keeps_the_order():
    assert kinds(plan_runs(MIXED, ordered=True)) == [
        ("insert", [0, 1], True),
        ("delete", [2], True),
        ("update", [3], True),
        ("delete", [4], False),
        ("insert", [5], True),
    ]


def test_an_unordered_plan_groups():
    assert kinds(plan_runs(MIXED, ordered=False)) == [
        ("insert", [0, 1, 5], True),
        ("update", [3], True),
        ("delete", [2, 4], False),
    ]


def send(operation, replies, size=2, **changes):
    """Play the executor: every command takes `size` statements. The commands and the result."""
    sent = []
    while True:
        made = attempt(**changes)
        command = operation.build(made)
        made.stop = min(command.start + size, len(command.documents))
        taken = command.documents[command.start : made.stop]
        if command.ids is not None:
            command.ids.extend(document["_id"] for document in taken)
        sent.append((command.body, list(taken)))
        result = operation.parse(replies.pop(0), made)
        if not operation.more():
            return sent, result


def test_a_bulk_in_several_commands():
    documents = [{"_id": n} for n in range(5)]
    operation = BulkWrite(
        writing(), (Run("insert", documents),), True, {"comment": "x"}, add_ids=True
    )
    assert (operation.name, operation.retry_policy, operation.multi_batch) == (
        "insert",
        WRITE,
        True,
    )
    replies = [{"ok": 1, "n": 2}, {"ok": 1, "n": 2}, {"ok": 1, "n": 1}]
    sent, result = send(operation, replies)
    assert [body for body, _ in sent] == [{"insert": "c", "ordered": True, "comment": "x"}] * 3
    assert [len(taken) for _, taken in sent] == [2, 2, 1]
    assert result["nInserted"] == 5
    assert operation.inserted_ids == [0, 1, 2, 3, 4]


def test_a_retried_batch_does_not_count_its_ids_twice():
    operation = BulkWrite(writing(), (Run("insert", [{"_id": 1}]),), True, add_ids=True)
    operation.build(attempt()).ids.append(1)
    _, result = send(operation, [{"ok": 1, "n": 1}])
    assert operation.inserted_ids == [1]
    assert result["nInserted"] == 1


def test_a_bulk_of_several_kinds():
    operation = BulkWrite(
        writing(),
        plan_runs(MIXED, True),
        True,
        update_options={"let": {"v": 1}},
    )
    replies = [
        {"ok": 1, "n": 2},
        {"ok": 1, "n": 1},
        {"ok": 1, "n": 1, "nModified": 0, "upserted": [{"index": 0, "_id": 9}]},
        {"ok": 1, "n": 4},
        {"ok": 1, "n": 1},
    ]
    sent, result = send(operation, replies)
    assert [next(iter(body)) for body, _ in sent] == [
        "insert",
        "delete",
        "update",
        "delete",
        "insert",
    ]
    assert ["let" in body for body, _ in sent] == [False, True, True, True, False]
    assert result == {
        "writeErrors": [],
        "writeConcernErrors": [],
        "nInserted": 3,
        "nUpserted": 1,
        "nMatched": 0,
        "nModified": 0,
        "nRemoved": 5,
        "upserted": [{"index": 3, "_id": 9}],
    }


def test_an_ordered_bulk_ends_with_the_first_error():
    operation = BulkWrite(writing(), plan_runs(MIXED, True), True)
    failed = {"ok": 1, "n": 1, "writeErrors": [{"index": 1, "code": 1, "errmsg": "e"}]}
    with pytest.raises(BulkWriteError) as caught:
        send(operation, [failed])
    details = caught.value.details
    assert details["nInserted"] == 1
    assert details["writeErrors"] == [{"index": 1, "code": 1, "errmsg": "e", "op": {"_id": 2}}]
    assert not operation.more()


def test_an_unordered_bulk_goes_on_and_sorts_its_errors():
    operation = BulkWrite(writing(), plan_runs(MIXED, False), False)
    error = {"code": 1, "errmsg": "e"}
    replies = [
        {"ok": 1, "n": 1, "writeErrors": [{"index": 1, **error}]},
        {"ok": 1, "n": 0, "writeErrors": [{"index": 0, **error}]},
        {"ok": 1, "n": 0, "nModified": 0, "writeErrors": [{"index": 0, **error}]},
        {"ok": 1, "n": 0, "writeConcernError": {"code": 64}},
    ]
    with pytest.raises(BulkWriteError) as caught:
        send(operation, replies)
    details = caught.value.details
    assert [error["index"] for error in details["writeErrors"]] == [1, 3, 5]
    assert details["writeErrors"][2]["op"] == {"_id": 3}
    assert details["writeConcernErrors"] == [{"code": 64}]


def test_unacknowledged_bulks_await_all_but_the_last_run():
    operation = BulkWrite(writing(WriteConcern(0)), plan_runs(MIXED[:3], True), True)
    assert operation.acknowledged
    assert operation.write_concern is None
    assert operation.retry_policy is NEVER
    made = attempt()
    command = operation.build(made)
    made.stop = len(command.documents)
    assert operation.parse({"ok": 1, "n": 2}, made) == {}
    assert operation.more()
    assert not operation.acknowledged
    assert operation.write_concern == WriteConcern(0)
    unordered = BulkWrite(writing(WriteConcern(0)), plan_runs(MIXED[:3], False), False)
    assert not unordered.acknowledged


# -- keys --


@pytest.mark.parametrize(
    ("given", "document"),
    [
        ([("a", 1), ("b", -1)], {"a": 1, "b": -1}),
        (["a", ("b", -1)], {"a": 1, "b": -1}),
        ((("a", 1),), {"a": 1}),
        ({"a": 1, "b": "text"}, {"a": 1, "b": "text"}),
        ([["a", {"$meta": "textScore"}]], {"a": {"$meta": "textScore"}}),
    ],
)
def test_key_documents(given, document):
    assert key_document(given) == document
    assert list(key_document(given)) == list(document)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("a", TypeError, "must use a dictionary or a list"),
        (1, TypeError, "must use a dictionary or a list"),
        ([], ValueError, "must not be empty"),
        ({}, ValueError, "must not be empty"),
        ([(1, 1)], TypeError, "first item in each key pair"),
        ([("a", 1.5)], TypeError, "second item in each key pair"),
        ([("a", 1, 2)], ValueError, "too many values"),
    ],
)
def test_wrong_keys(given, error, text):
    with pytest.raises(error, match=text):
        key_document(given)


def test_key_pairs():
    assert key_pairs("a") == [("a", 1)]
    assert key_pairs("a", -1) == [("a", -1)]
    assert key_pairs({"a": 1}) == [("a", 1)]
    assert key_pairs(["a"]) == ["a"]
    with pytest.raises(TypeError, match="Expected a string and a direction"):
        key_pairs([("a", 1)], 1)
    with pytest.raises(TypeError, match="if no direction is specified"):
        key_pairs(None)


def test_hints_and_index_names():
    assert hint_document("a_1") == "a_1"
    assert hint_document([("a", 1)]) == {"a": 1}
    assert index_name(["a", ("b", -1), ("c", "2dsphere")]) == "a_1_b_-1_c_2dsphere"


def test_projections():
    assert field_document({"a": 0}) == {"a": 0}
    assert field_document(["a", "b"]) == {"a": 1, "b": 1}
    assert field_document({"a"}) == {"a": 1}
    assert field_document([]) == {}
    for wrong in (1, (x for x in "a"), [1]):
        with pytest.raises(TypeError, match="projection must be a"):
            field_document(wrong)


def test_commands_keep_what_they_are_given():
    command = Command({"insert": "c"}, [1], "documents", 3, add_ids=True, max_count=5)
    assert (command.start, command.add_ids, command.ids, command.max_count) == (3, True, None, 5)


def test_codec_options_reach_the_operation():
    options = CodecOptions(tz_aware=True)
    assert Insert(writing(options=options), {}).codec_options is options
