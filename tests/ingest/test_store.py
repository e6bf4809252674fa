"""One batch against a collection whose answers are scripted: nothing is lost, nothing is twice."""

import threading

import pytest

from bsonx.errors import InvalidDocument
from bsonx.objectid import ObjectId
from mongodriver.errors import (
    AutoReconnect,
    BulkWriteError,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from mongodriver.ingest import Job
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources import FileSource
from mongodriver.ingest.store import Batch, Failure, Store, durable
from mongodriver.write_concern import WriteConcern

from .fake import FakeCollection


def batch_of(collection, *documents):
    with_id = {index for index, document in enumerate(documents) if "_id" in document}
    lines = list(range(1, len(documents) + 1))
    return Batch(FileSource("file", "json"), collection, list(documents), lines, 0, with_id)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("mongodriver.ingest.store._FIRST_PAUSE", 0.0)


def store(batch, seconds=60.0):
    return Store(seconds, threading.Event()).store(batch)


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


def refuses(*errors, concern=()):
    return raises(
        BulkWriteError({"writeErrors": list(errors), "writeConcernErrors": list(concern)})
    )


def values(collection):
    return sorted(document["a"] for document in collection.stored.values())


def test_everything_goes_well():
    collection = FakeCollection()
    outcome = store(batch_of(collection, {"a": 1}, {"a": 2}))
    assert (outcome.failures, outcome.resent, outcome.warning) == ([], 0, None)
    assert values(collection) == [1, 2]


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("x"),
        NotPrimaryError("x"),
        ServerSelectionTimeoutError("x"),
        OperationFailure("shutting down", 91),
        OperationFailure("x", 1, {"errorLabels": ["RetryableWriteError"]}),
    ],
)
def test_nothing_had_arrived(error):
    collection = FakeCollection(raises(error), raises(error))
    outcome = store(batch_of(collection, {"a": 1}, {"a": 2}))
    assert (outcome.failures, outcome.resent) == ([], 2)
    assert values(collection) == [1, 2]


@pytest.mark.parametrize("arrived", [1, 2, 3])
def test_some_had_arrived(arrived):
    """Duplicate keys of ids made here are our own documents."""
    collection = FakeCollection(lost_reply(arrived))
    outcome = store(batch_of(collection, {"a": 1}, {"a": 2}, {"a": 3}))
    assert (outcome.failures, outcome.resent) == ([], 1)
    assert values(collection) == [1, 2, 3]


def test_some_had_arrived_with_ids_from_the_file():
    collection = FakeCollection(lost_reply(2))
    outcome = store(
        batch_of(collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3})
    )
    assert outcome.failures == []
    assert values(collection) == [1, 2, 3]


def test_real_duplicates_are_told_from_our_own():
    """One was there before with other content, one comes twice in the file."""
    collection = FakeCollection(lost_reply(0))
    collection.stored[1] = {"_id": 1, "a": "other"}
    batch = batch_of(collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 2, "a": 2})
    outcome = store(batch)
    assert [(failure.index, failure.code) for failure in outcome.failures] == [
        (0, 11000),
        (2, 11000),
    ]
    assert collection.stored == {1: {"_id": 1, "a": "other"}, 2: {"_id": 2, "a": 2}}


def test_the_same_document_twice_when_it_had_arrived():
    def act(collection, documents):
        collection.store(documents[:1])
        raise AutoReconnect("connection closed")

    collection = FakeCollection(act)
    outcome = store(batch_of(collection, {"_id": 2, "a": 2}, {"_id": 2, "a": 2}))
    assert [failure.code for failure in outcome.failures] == [11000]


def test_duplicates_without_any_failure_are_errors():
    collection = FakeCollection()
    collection.stored[1] = {"_id": 1, "a": 1}
    outcome = store(batch_of(collection, {"_id": 1, "a": 1}))
    assert outcome.failures == [Failure(0, 11000, "E11000")]


def test_a_duplicate_is_no_earlier_attempt_where_nothing_was_sent():
    """A document that is no BSON ended the first attempt before anything left the process."""
    collection = FakeCollection()
    collection.stored = {1: {"_id": 1, "a": 1}}
    batch = batch_of(collection, {"_id": 1, "a": 1}, {"_id": 2, "a": object()}, {"_id": 3})
    outcome = store(batch)
    assert [(f.index, f.code) for f in outcome.failures] == [(1, "encode"), (0, 11000)]
    assert sorted(collection.stored) == [1, 3]


@pytest.mark.parametrize("limit", ["MAX_WRITE_BATCH_SIZE", "MAX_MESSAGE_SIZE"])
def test_what_came_before_a_bad_document_may_have_been_sent(monkeypatch, limit):
    """In a message of its own, as a batch that does not fit into one is cut."""
    monkeypatch.setattr(f"mongodriver.ingest.store.{limit}", 1)

    def first_message(collection, documents):
        collection.store(documents[:1])
        raise InvalidDocument("the second message is no BSON")

    collection = FakeCollection(first_message)
    collection.encodes = False
    batch = batch_of(collection, {"_id": 1, "a": 1}, {"_id": 2, "a": object()}, {"_id": 3})
    outcome = store(batch)
    assert [f.index for f in outcome.failures] == [1]
    assert sorted(collection.stored) == [1, 3]


def test_duplicates_of_another_index_are_errors_even_after_a_failure():
    error = {"index": 0, "code": 11000, "errmsg": "E11000 index: a_1", "keyPattern": {"a": 1}}
    collection = FakeCollection(lost_reply(0), refuses(error))
    assert store(batch_of(collection, {"a": 1})).failures == [
        Failure(0, 11000, "E11000 index: a_1")
    ]


def test_old_servers_name_the_index_in_the_message():
    error = {"index": 0, "code": 11000, "errmsg": "E11000 collection: x index: _id_ dup key"}
    collection = FakeCollection(lost_reply(0), refuses(error))
    assert store(batch_of(collection, {"a": 1})).failures == []


def test_other_errors_are_reported_with_code_and_index():
    collection = FakeCollection(refuses({"index": 1, "code": 121, "errmsg": "failed validation"}))
    outcome = store(batch_of(collection, {"a": 1}, {"a": 2}))
    assert outcome.failures == [Failure(1, 121, "failed validation")]


def test_a_step_down_told_inside_the_reply():
    stepping_down = {"index": 0, "code": 11602, "errmsg": "interrupted"}
    concern = {"code": 91, "errmsg": "shutting down"}
    collection = FakeCollection(refuses(stepping_down), refuses(concern=[concern]))
    outcome = store(batch_of(collection, {"a": 1}))
    assert (outcome.failures, outcome.resent) == ([], 2)
    assert values(collection) == [1]


def test_a_write_concern_that_timed_out_is_a_warning():
    """The documents are there; sending them again would change nothing."""
    collection = FakeCollection(refuses(concern=[{"code": 64, "errmsg": "waiting timed out"}]))
    outcome = store(batch_of(collection, {"a": 1}))
    assert (outcome.failures, outcome.warning) == ([], (64, "waiting timed out"))


def test_documents_that_are_no_bson_are_left_out():
    collection = FakeCollection()
    documents = [{"a": 1}, {"a": 1 << 64}, {"a": object()}, {"x\0y": 1}, {"a": 2}]
    outcome = store(batch_of(collection, *documents))
    assert [(failure.index, failure.code) for failure in outcome.failures] == [
        (1, "encode"),
        (2, "encode"),
        (3, "encode"),
    ]
    assert values(collection) == [1, 2]


def test_a_document_that_is_too_large(monkeypatch):
    def act(collection, documents):
        raise ValueError("too large")

    monkeypatch.setattr("mongodriver.ingest.store._MAX_DOCUMENT", 100)
    collection = FakeCollection(act)
    outcome = store(batch_of(collection, {"a": "x" * 200}, {"a": "y"}))
    [failure] = outcome.failures
    assert (failure.index, failure.code) == (0, "encode")
    assert "100 are allowed" in failure.message
    assert values(collection) == ["y"]


def test_only_bad_documents():
    outcome = store(batch_of(FakeCollection(), {"a": 1 << 64}))
    assert len(outcome.failures) == 1


@pytest.mark.parametrize(
    "error", [ValueError("a mistake of ours"), OperationFailure("no rights", 13)]
)
def test_what_is_no_fault_of_a_document_is_raised(error):
    with pytest.raises(type(error), match=str(error).split(",")[0]):
        store(batch_of(FakeCollection(raises(error)), {"a": 1}))


def test_giving_up():
    collection = FakeCollection(*[raises(AutoReconnect("gone"))] * 3)
    with pytest.raises(IngestError, match="the server has not recovered for 0 s: gone"):
        store(batch_of(collection, {"a": 1}), seconds=0)
    assert collection.calls == [1]


def test_stopping():
    stop = threading.Event()

    def act(collection, documents):
        stop.set()
        raise AutoReconnect("gone")

    with pytest.raises(IngestError, match="stopped"):
        Store(60, stop).store(batch_of(FakeCollection(act), {"a": 1, "_id": ObjectId()}))


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
