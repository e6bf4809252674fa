"""One batch against a collection whose answers are scripted: nothing is lost, nothing is twice."""

import pytest

import bsonx
from bsonx.objectid import ObjectId
from mongodriver.errors import (
    AutoReconnect,
    NotPrimaryError,
    OperationFailure,
    ProtocolError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from mongodriver.ingest import Batch, IngestOptions, Job
from mongodriver.ingest.delivery import Delivery, Failure
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.modes import prepare
from mongodriver.ingest.retrying import JobStopped, Patience
from mongodriver.ingest.sources import FileSource
from mongodriver.ingest.target import Target, durable
from mongodriver.ingest.tracker import Track
from mongodriver.ingest.work import Work
from mongodriver.io.blocking import BlockingBackend
from mongodriver.values.sequences import EncodedDocuments
from mongodriver.write_concern import WriteConcern

from .fake import FakeCollection


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("mongodriver.ingest.retrying._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("mongodriver.ingest.retrying._FIRST_OVERLOADED", 0.0)


def deliver(collection, *documents, seconds=60.0, stop=None, maybe_stored=False, **options):
    """What becomes of documents; those without `_id` get one of ours, as readers give it."""
    options = IngestOptions(**options)
    own = [
        one if "_id" in one or options.by_key else {"_id": ObjectId(), **one} for one in documents
    ]
    encoded = EncodedDocuments.of(map(bsonx.encode, own))
    own_ids = not any("_id" in document for document in documents)
    lines = range(1, len(documents) + 1)
    batch = Batch("file", encoded.data, encoded.ends, lines, own_ids=own_ids)
    ready = prepare(batch, options)
    work = Work(
        Target(collection),
        Track(),
        batch,
        ready.documents,
        ready.positions,
        ready.rejects,
        ready.statements,
        maybe_stored=maybe_stored,
    )
    patience = Patience(seconds, stop or BlockingBackend().event())
    delivery = Delivery(work, options, patience, lambda *_: None)
    try:
        delivery.run().send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def lost_reply(count):
    """Store the first `count` documents, then lose the connection."""

    def act(collection, documents):
        collection.store(documents[:count])
        raise AutoReconnect("connection closed")

    return act


def raises(error):
    def act(collection, documents):
        raise error

    return act


def refuses(*errors, concern=None, stores=False):
    def act(collection, documents):
        if stores:
            collection.store(documents)
        reply = {"ok": 1, "n": len(documents) - len(errors)}
        if errors:
            reply["writeErrors"] = list(errors)
        if concern:
            reply["writeConcernError"] = concern
        return reply

    return act


def values(collection):
    return sorted(document["a"] for document in collection.stored.values())


def test_everything_goes_well():
    collection = FakeCollection()
    outcome = deliver(collection, {"a": 1}, {"a": 2})
    assert (outcome.failures, outcome.resent, outcome.inserted) == ([], 0, 2)
    assert values(collection) == [1, 2]


def labelled(code, *labels):
    return OperationFailure("x", code, {"errorLabels": list(labels)})


TRANSIENT = [
    AutoReconnect("x"),
    NotPrimaryError("x"),
    ServerSelectionTimeoutError("x"),
    OperationFailure("shutting down", 91),
    labelled(1, "RetryableWriteError"),
    labelled(462, "SystemOverloadedError", "RetryableError"),
]


@pytest.mark.parametrize("error", TRANSIENT)
def test_nothing_had_arrived(error):
    collection = FakeCollection(raises(error), raises(error))
    outcome = deliver(collection, {"a": 1}, {"a": 2})
    assert (outcome.failures, outcome.resent, outcome.inserted) == ([], 2, 2)
    assert values(collection) == [1, 2]


@pytest.mark.parametrize("arrived", [1, 2, 3])
def test_some_had_arrived(arrived):
    """Duplicate keys of ids made here are our own documents."""
    collection = FakeCollection(lost_reply(arrived))
    outcome = deliver(collection, {"a": 1}, {"a": 2}, {"a": 3})
    assert (outcome.failures, outcome.resent, outcome.duplicates) == ([], 1, 0)
    assert outcome.inserted == 3
    assert values(collection) == [1, 2, 3]


def test_some_had_arrived_and_been_changed_by_others():
    def act(collection, documents):
        collection.store(documents)
        for document in collection.stored.values():
            document["a"] += 10
        raise AutoReconnect("connection closed")

    collection = FakeCollection(act)
    assert deliver(collection, {"a": 1}, {"a": 2}).failures == []
    assert values(collection) == [11, 12]


@pytest.mark.parametrize("policy", ["error", "skip", "replace", "dead_letter"])
def test_some_had_arrived_with_ids_from_the_file(policy):
    """They are compared, and counted as stored whatever is to be done about duplicates."""
    collection = FakeCollection(lost_reply(2))
    outcome = deliver(
        collection,
        {"_id": 1, "a": 1},
        {"a": 2, "_id": 2},
        {"_id": 3, "a": 3},
        on_duplicate=policy,
    )
    assert (outcome.failures, outcome.duplicates, outcome.skipped) == ([], 0, 0)
    assert values(collection) == [1, 2, 3]


def test_an_earlier_run_may_have_stored_them():
    collection = FakeCollection()
    collection.stored = {1: {"_id": 1, "a": 1}, 2: {"_id": 2, "a": "other"}}
    documents = [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3}]
    outcome = deliver(collection, *documents, maybe_stored=True)
    assert [(failure.index, failure.code) for failure in outcome.failures] == [(1, 11000)]


def test_real_duplicates_are_told_from_our_own():
    """One was there before with other content, one comes twice in the file."""
    collection = FakeCollection(lost_reply(0))
    collection.stored[1] = {"_id": 1, "a": "other"}
    outcome = deliver(collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 2, "a": 2})
    assert [(failure.index, failure.code) for failure in outcome.failures] == [
        (0, 11000),
        (2, 11000),
    ]
    assert collection.stored == {1: {"_id": 1, "a": "other"}, 2: {"_id": 2, "a": 2}}


def test_the_same_document_twice_when_it_had_arrived():
    collection = FakeCollection(lost_reply(1))
    outcome = deliver(collection, {"_id": 2, "a": 2}, {"_id": 2, "a": 2})
    assert [failure.code for failure in outcome.failures] == [11000]


def test_duplicates_without_any_failure_are_errors():
    collection = FakeCollection()
    collection.stored[1] = {"_id": 1, "a": 1}
    outcome = deliver(collection, {"_id": 1, "a": 1})
    assert outcome.failures == [Failure(0, 11000, "E11000")]
    assert outcome.duplicates == 1


def test_duplicates_of_another_index_are_errors_even_after_a_failure():
    error = {"index": 0, "code": 11000, "errmsg": "E11000 index: a_1", "keyPattern": {"a": 1}}
    collection = FakeCollection(lost_reply(0), refuses(error))
    assert deliver(collection, {"a": 1}).failures == [Failure(0, 11000, "E11000 index: a_1")]


def test_old_servers_name_the_index_in_the_message():
    error = {"index": 0, "code": 11000, "errmsg": "E11000 collection: x index: _id_ dup key"}
    collection = FakeCollection(lost_reply(0), refuses(error))
    assert deliver(collection, {"a": 1}).failures == []


def test_other_errors_are_reported_with_code_and_index():
    collection = FakeCollection(refuses({"index": 1, "code": 121, "errmsg": "failed validation"}))
    outcome = deliver(collection, {"a": 1}, {"a": 2})
    assert outcome.failures == [Failure(1, 121, "failed validation")]


def test_a_step_down_told_inside_the_reply():
    stepping_down = {"index": 0, "code": 11602, "errmsg": "interrupted"}
    concern = {"code": 91, "errmsg": "shutting down"}
    collection = FakeCollection(refuses(stepping_down), refuses(concern=concern))
    outcome = deliver(collection, {"a": 1})
    assert (outcome.failures, outcome.resent) == ([], 2)
    assert values(collection) == [1]


def test_only_what_was_refused_for_a_while_is_sent_again():
    passing = {"index": 1, "code": 11602, "errmsg": "interrupted"}
    lasting = {"index": 2, "code": 121, "errmsg": "failed validation"}

    def act(collection, documents):
        collection.store([documents[0], documents[3]])
        return {"ok": 1, "n": 2, "writeErrors": [passing, lasting]}

    collection = FakeCollection(act)
    outcome = deliver(collection, *({"a": n} for n in range(4)))
    assert [failure.index for failure in outcome.failures] == [2]
    assert collection.calls == [4, 1]
    assert values(collection) == [0, 1, 3]


@pytest.mark.parametrize("code", [64, 100, 79])
def test_a_write_concern_that_is_not_met_is_raised(code):
    """The documents are there, but nobody promises that they stay."""
    concern = {"code": code, "errmsg": "waiting timed out"}
    collection = FakeCollection(refuses(concern=concern, stores=True))
    with pytest.raises(WriteConcernError, match="waiting timed out") as caught:
        deliver(collection, {"a": 1})
    assert caught.value.code == code


def test_a_write_concern_is_met_when_it_is_confirmed_once_more():
    concern = {"code": 91, "errmsg": "shutting down"}
    collection = FakeCollection(refuses(concern=concern, stores=True))
    outcome = deliver(collection, {"a": 1}, {"a": 2})
    assert (outcome.failures, outcome.resent, outcome.inserted) == ([], 1, 2)
    assert collection.calls == [2, 2]


def test_a_server_that_did_not_count_all():
    def act(collection, documents):
        return {"ok": 1, "n": len(documents) - 1}

    with pytest.raises(ProtocolError, match="'n' must be 2 of 2, not 1"):
        deliver(FakeCollection(act), {"a": 1}, {"a": 2})


def test_a_document_that_is_too_large():
    collection = FakeCollection()
    collection.connection.max_bson_size = 100
    outcome = deliver(collection, {"a": "b"}, {"a": "x" * 20_000}, {"a": "y"})
    [failure] = outcome.failures
    assert (failure.index, failure.code) == (1, "encode")
    assert "20030 bytes" in failure.message
    assert values(collection) == ["b", "y"]


@pytest.mark.parametrize("bad", [set(), {0}, {6}, {3, 4}, {0, 1, 2, 3, 4, 5, 6}])
def test_a_document_for_which_the_whole_command_is_refused(bad):
    """As where it is nested too deeply: those at fault are found, the others stored."""

    def act(collection, documents):
        if any(document["a"] in bad for document in documents):
            raise OperationFailure("nested too deeply", 15)
        return collection.store(documents)

    collection = FakeCollection(*[act] * 50)
    outcome = deliver(collection, *({"a": n} for n in range(7)))
    assert {failure.index for failure in outcome.failures} == bad
    assert {failure.code for failure in outcome.failures} <= {15}
    assert set(values(collection)) == set(range(7)) - bad


@pytest.mark.parametrize(
    "error", [ValueError("a mistake of ours"), OperationFailure("no rights", 13)]
)
def test_what_is_no_fault_of_a_document_is_raised(error):
    with pytest.raises(type(error), match=str(error).split(",")[0]):
        deliver(FakeCollection(raises(error)), {"a": 1})


def test_giving_up():
    collection = FakeCollection(*[raises(AutoReconnect("gone"))] * 3)
    with pytest.raises(IngestError, match="the server has not recovered for 0 s: gone"):
        deliver(collection, {"a": 1}, seconds=0)
    assert collection.calls == [1]


def test_stopping():
    stop = BlockingBackend().event()

    def act(collection, documents):
        stop.set()
        raise AutoReconnect("gone")

    with pytest.raises(JobStopped):
        deliver(FakeCollection(act), {"a": 1, "_id": ObjectId()}, stop=stop)


# ---- in order ----


def test_in_order_the_first_error_is_the_last():
    collection = FakeCollection()
    collection.stored[1] = {"_id": 1, "a": "there"}
    outcome = deliver(
        collection, {"_id": 0, "a": "0"}, {"_id": 1, "a": "1"}, {"_id": 2, "a": "2"}, ordered=True
    )
    assert outcome.failures == [Failure(1, 11000, "E11000")]
    assert outcome.fatal == 1
    assert sorted(collection.stored) == [0, 1]
    assert collection.commands[0]["ordered"] is True


def test_in_order_duplicates_may_be_skipped():
    collection = FakeCollection()
    collection.stored = {1: {"_id": 1, "a": "there"}, 2: {"_id": 2, "a": "there"}}
    documents = [{"_id": n, "a": str(n)} for n in range(5)]
    outcome = deliver(collection, *documents, ordered=True, on_duplicate="skip")
    assert (outcome.failures, outcome.skipped, outcome.fatal) == ([], 2, None)
    assert values(collection) == ["0", "3", "4", "there", "there"]


@pytest.mark.parametrize("arrived", range(4))
def test_in_order_after_a_lost_reply(arrived):
    collection = FakeCollection(lost_reply(arrived))
    outcome = deliver(collection, *({"a": n} for n in range(3)), ordered=True)
    assert (outcome.failures, outcome.inserted) == ([], 3)
    assert values(collection) == [0, 1, 2]


def test_in_order_what_passes_is_waited_for():
    def act(collection, documents):
        collection.store(documents[:1])
        error = {"index": 1, "code": 11602, "errmsg": "interrupted"}
        return {"ok": 1, "n": 1, "writeErrors": [error]}

    collection = FakeCollection(act)
    outcome = deliver(collection, *({"a": n} for n in range(3)), ordered=True)
    assert (outcome.failures, outcome.resent) == ([], 1)
    assert collection.calls == [3, 2]
    assert values(collection) == [0, 1, 2]


def test_in_order_a_document_that_is_too_large_is_the_last():
    collection = FakeCollection()
    collection.connection.max_bson_size = 100
    outcome = deliver(collection, {"a": "b"}, {"a": "x" * 20_000}, {"a": "y"}, ordered=True)
    assert [failure.index for failure in outcome.failures] == [1]
    assert outcome.fatal == 1
    assert values(collection) == ["b"]


def test_duplicates_end_the_job_where_that_is_asked():
    collection = FakeCollection()
    collection.stored[1] = {"_id": 1, "a": "there"}
    outcome = deliver(collection, {"_id": 1, "a": "1"}, {"_id": 2, "a": "2"}, on_duplicate="error")
    assert outcome.fatal == 0
    assert outcome.failures == [Failure(0, 11000, "E11000")]


# ---- duplicates that are replaced ----


def finds(*numbers):
    """A server that finds something to update for so many statements of each command."""

    def act(collection, statements):
        found = waiting.pop(0)
        return {"ok": 1, "n": found, "nModified": found}

    waiting = list(numbers)
    return [act] * len(numbers)


def test_a_duplicate_that_is_gone_when_it_is_to_be_replaced():
    """It is found out which one, and that is inserted after all."""
    collection = FakeCollection(FakeCollection.store, *finds(1, 1, 0))
    collection.stored = {1: {"_id": 1, "a": 0}, 2: {"_id": 2, "a": 0}}

    def gone(collection, documents):
        assert [document["_id"] for document in documents] == [2]
        del collection.stored[2]
        return collection.store(documents)

    collection.script.append(gone)
    outcome = deliver(collection, *({"_id": n, "a": n} for n in (1, 2, 3)), on_duplicate="replace")
    assert (outcome.failures, outcome.duplicates, outcome.replaced) == ([], 2, 1)
    assert outcome.inserted == 2  # 3 and 2
    assert collection.calls == [3, 2, 1, 1, 1]


def test_a_duplicate_that_is_not_found_by_its_key_is_a_failure():
    collection = FakeCollection(*[FakeCollection.store, lambda *_: {"ok": 1, "n": 0}] * 3)
    collection.stored = {1: {"_id": 1}}
    outcome = deliver(collection, {"_id": 1}, on_duplicate="replace")
    assert outcome.failures == [Failure(0, 11000, "E11000")]
    assert (outcome.duplicates, outcome.replaced) == (1, 0)
    assert collection.calls == [1] * 6


def test_in_order_a_duplicate_that_cannot_be_replaced_is_the_last():
    invalid = {"index": 0, "code": 121, "errmsg": "failed validation"}
    collection = FakeCollection(
        FakeCollection.store, lambda *_: {"ok": 1, "n": 0, "writeErrors": [invalid]}
    )
    collection.stored = {1: {"_id": 1}}
    outcome = deliver(
        collection, *({"_id": n} for n in range(4)), on_duplicate="replace", ordered=True
    )
    assert (outcome.fatal, outcome.inserted, outcome.replaced) == (1, 1, 0)
    assert sorted(collection.stored) == [0, 1]


# ---- write concerns ----


class Concerned:
    """A collection that is asked for nothing but its write concern."""

    full_name = "db.c"

    def __init__(self, concern):
        self.write_concern = concern

    def with_options(self, *, write_concern):
        return Concerned(write_concern)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({}, {"w": "majority"}),
        ({"w": 1}, {"w": 1}),
        ({"w": "tags", "j": True}, {"w": "tags", "j": True}),
        ({"j": True}, {"w": "majority", "j": True}),
        ({"wtimeout": 5000}, {"w": "majority", "wtimeout": 5000}),
    ],
)
def test_durable(given, used):
    """A URI with a journal or a timeout alone does not say how many members are to confirm."""
    assert durable(Concerned(WriteConcern(**given))).write_concern == WriteConcern(**used)


def test_no_answer_is_refused():
    collection = Concerned(WriteConcern(w=0))
    with pytest.raises(IngestError, match=r"db.c: the write concern w=0"):
        durable(collection)
    with pytest.raises(IngestError, match=r"db.c: the write concern w=0"):
        Job().run([(FileSource("never opened", "json"), collection)])
