"""Writes: what happens to the caller's documents, results, errors, batches."""

from __future__ import annotations

import pickle

import pytest

import bsonx
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from bsonx.son import SON
from mongodriver.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidDocument,
    InvalidOperation,
    OperationFailure,
    WriteError,
)
from mongodriver.operations import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)
from mongodriver.write_concern import WriteConcern

pytestmark = pytest.mark.server


async def test_inserting_gives_the_callers_document_an_id(coll):
    document = {"a": 1}
    result = await coll.insert_one(document)
    assert isinstance(document["_id"], ObjectId)
    assert result.inserted_id == document["_id"]
    assert result.acknowledged
    assert await coll.find_one() == document
    assert list(await coll.find_one()) == ["_id", "a"]


async def test_a_failed_insert_gives_an_id_too(coll):
    await coll.create_index("a", unique=True)
    await coll.insert_one({"a": 1})
    document = {"a": 1}
    with pytest.raises(DuplicateKeyError):
        await coll.insert_one(document)
    assert "_id" in document
    unencodable = {"a": object()}
    with pytest.raises(InvalidDocument):
        await coll.insert_one(unencodable)
    assert "_id" in unencodable


async def test_kinds_of_documents(coll):
    raw = RawBSONDocument(bsonx.encode({"a": 1}))
    assert (await coll.insert_one(raw)).inserted_id is None
    son = SON([("b", 1)])
    assert (await coll.insert_one(son)).inserted_id == son["_id"]
    assert (await coll.insert_one({"_id": None})).inserted_id is None
    result = await coll.insert_many([raw, {"_id": 7}, SON([("_id", 8)])])
    assert result.inserted_ids == [7, 8]
    assert await coll.count_documents({}) == 6


async def test_insert_many_takes_any_iterable(coll):
    documents = ({"_id": n} for n in range(3))
    assert (await coll.insert_many(documents)).inserted_ids == [0, 1, 2]
    for wrong in ({}, [], 1, {"a": 1}, None):
        with pytest.raises(TypeError, match="documents must be a non-empty list"):
            await coll.insert_many(wrong)
    with pytest.raises(TypeError, match="document must be an instance of"):
        await coll.insert_many([{"_id": 9}, 1])
    assert await coll.count_documents({}) == 3


async def test_insert_many_gives_every_document_an_id_before_it_fails(coll):
    documents = [{"_id": 1}, {"_id": 1}, {"a": 1}]
    with pytest.raises(BulkWriteError):
        await coll.insert_many(documents)
    assert isinstance(documents[2]["_id"], ObjectId)
    unencodable = [{"a": 1}, {"a": object()}, {"a": 2}]
    with pytest.raises(InvalidDocument):
        await coll.insert_many(unencodable)
    assert all("_id" in document for document in unencodable)


async def test_many_documents_go_in_several_commands(coll, commands):
    documents = [{"n": n, "pad": "x" * 2_000_000} for n in range(40)]
    result = await coll.insert_many(documents)
    assert len(result.inserted_ids) == 40
    assert [d["_id"] for d in documents] == result.inserted_ids
    assert commands.work == ["insert", "insert"]
    numbers = [len(c["documents"]) for c in commands.sent if "insert" in c]
    assert sum(numbers) == 40
    transactions = [c["txnNumber"] for c in commands.sent if "insert" in c]
    assert transactions[0] != transactions[1]
    assert await coll.count_documents({}) == 40


async def test_indexes_of_errors_count_over_all_commands(coll, commands):
    documents = [{"_id": n, "pad": "x" * 2_000_000} for n in range(40)]
    documents[35]["_id"] = 3
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many(documents, ordered=False)
    (error,) = caught.value.details["writeErrors"]
    assert error["index"] == 35
    assert error["op"] is documents[35]
    assert caught.value.details["nInserted"] == 39
    assert commands.work == ["insert", "insert"]


async def test_an_ordered_bulk_stops_at_the_first_error(coll):
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    assert caught.value.code == 65
    assert caught.value.details["nInserted"] == 1
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}], ordered=False)
    assert [error["index"] for error in caught.value.details["writeErrors"]] == [0, 1]
    assert caught.value.details["nInserted"] == 1


async def test_documents_too_large_are_not_sent(coll, commands):
    with pytest.raises(DocumentTooLarge, match="supports BSON document sizes up to 16793598"):
        await coll.insert_one({"x": "x" * 17_000_000})
    with pytest.raises(DocumentTooLarge, match="update command document too large"):
        await coll.replace_one({}, {"x": "x" * 17_000_000})
    with pytest.raises(DocumentTooLarge, match="findAndModify command document too large"):
        await coll.find_one_and_replace({}, {"x": "x" * 17_000_000})
    with pytest.raises(DocumentTooLarge, match="supports BSON document sizes up to 16777216"):
        await coll.find_one({"x": "x" * 17_000_000})
    with pytest.raises(DocumentTooLarge, match="aggregate command document too large"):
        await coll.count_documents({"x": "x" * 17_000_000})
    assert commands.work == []


@pytest.mark.parametrize("size", [1 << 24, (1 << 24) + 9_000, (1 << 24) + 20_000, 50_000_000])
async def test_one_exception_for_all_that_is_too_large(coll, size):
    """Whether the driver or the server refuses it, whose own classes remain."""
    large = {"_id": 1, "x": "x" * size}
    for call, kind in [
        (lambda: coll.insert_one(dict(large)), WriteError),
        (lambda: coll.insert_many([{}, dict(large)]), BulkWriteError),
        (lambda: coll.replace_one({"_id": 1}, large, upsert=True), WriteError),
        (lambda: coll.update_one({"_id": 1}, {"$set": large}, upsert=True), WriteError),
        (lambda: coll.find_one_and_replace({"_id": 1}, large, upsert=True), OperationFailure),
        (lambda: coll.bulk_write([InsertOne(dict(large))]), BulkWriteError),
        (lambda: coll.bulk_write([ReplaceOne({"_id": 1}, large, upsert=True)]), BulkWriteError),
    ]:
        with pytest.raises(DocumentTooLarge) as caught:
            await call()
        error = caught.value
        if size < (1 << 24) + 10_000:  # the server has said so
            assert isinstance(error, kind)
            assert type(error).__name__ == kind.__name__
            again = pickle.loads(pickle.dumps(error))
            assert (type(again), again.details) == (type(error), error.details)
        else:
            assert type(error) is DocumentTooLarge
    assert await coll.find_one({"_id": 1}) is None


async def test_a_document_that_grows_too_large(coll):
    await coll.insert_one({"_id": 1, "x": "x" * (1 << 23)})
    with pytest.raises(DocumentTooLarge) as caught:
        await coll.update_one({}, {"$set": {"y": "y" * (1 << 23)}})
    assert isinstance(caught.value, WriteError)
    assert caught.value.code == 17419
    with pytest.raises(OperationFailure) as other:
        await coll.update_one({}, {"$inc": {"x": 1}})
    assert not isinstance(other.value, DocumentTooLarge)


async def test_the_account_of_a_bulk_that_failed(coll):
    await coll.create_index("e", unique=True, name="idx_email")
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many([{"e": i % 5} for i in range(1000)], ordered=False)
    error = caught.value
    assert error.summary == "995 of 1,000 failed: 995 E11000 on idx_email"
    assert len(error.by_code[11000]) == 995
    assert str(error).startswith("batch op errors occurred, full error: {'writeErrors': [{'index'")
    assert str(error).endswith(f"... ({error.summary})")
    with pytest.raises(BulkWriteError) as caught:
        await coll.bulk_write([InsertOne({"e": 9}), InsertOne({"e": 1}), DeleteOne({})])
    assert caught.value.summary == "1 of 3 failed: 1 E11000 on idx_email"


async def test_commands_have_room_for_a_document_and_their_own_fields(coll):
    await coll.insert_one({"_id": 1})
    document = {"x": "x" * (16 * 1024 * 1024 - 20)}
    with pytest.raises(DocumentTooLarge):
        await coll.find_one(document)
    assert await coll.count_documents(document) == 0
    assert await coll.distinct("_id", document) == []
    assert (await coll.database.command("count", coll.name, query=document))["n"] == 0


async def test_unacknowledged_writes_that_would_be_refused_unheard(coll):
    unheard = coll.with_options(write_concern=WriteConcern(w=0))
    text = "Cannot set bypass_document_validation with unacknowledged write concern"
    with pytest.raises(OperationFailure, match=text):
        await unheard.insert_many([{}], bypass_document_validation=True)
    with pytest.raises(OperationFailure, match=text):
        await unheard.bulk_write([InsertOne({})], bypass_document_validation=True)
    await unheard.insert_many([{}], bypass_document_validation=False)


async def test_updates(coll):
    await coll.insert_many([{"_id": n, "x": 0} for n in range(3)])
    result = await coll.update_one({"_id": 0}, {"$set": {"x": 1}})
    assert (result.matched_count, result.modified_count, result.upserted_id) == (1, 1, None)
    assert not result.did_upsert
    assert result.raw_result["updatedExisting"] is True
    result = await coll.update_many({}, {"$set": {"x": 1}})
    assert (result.matched_count, result.modified_count) == (3, 2)
    result = await coll.update_one({"_id": 9}, {"$set": {"x": 1}}, upsert=True)
    assert (result.matched_count, result.upserted_id, result.did_upsert) == (0, 9, True)
    result = await coll.replace_one({"_id": 9}, {"y": 1})
    assert result.modified_count == 1
    assert await coll.find_one(9) == {"_id": 9, "y": 1}
    result = await coll.update_one({"_id": 9}, [{"$set": {"z": "$y"}}])
    assert result.modified_count == 1
    await coll.insert_one({"_id": 10, "a": [0, 1, 0]})
    await coll.update_one({"_id": 10}, {"$set": {"a.$[i]": 7}}, array_filters=[{"i": 0}])
    assert await coll.find_one(10) == {"_id": 10, "a": [7, 1, 7]}


async def test_deletes(coll):
    await coll.insert_many([{"_id": n} for n in range(5)])
    assert (await coll.delete_one({"_id": {"$gt": 2}})).deleted_count == 1
    assert (await coll.delete_many({})).deleted_count == 4


async def test_find_and_modify(coll):
    await coll.insert_many([{"_id": n, "x": n} for n in range(3)])
    assert await coll.find_one_and_update({"_id": 0}, {"$inc": {"x": 5}}) == {"_id": 0, "x": 0}
    after = await coll.find_one_and_update({"_id": 0}, {"$inc": {"x": 5}}, return_document=True)
    assert after == {"_id": 0, "x": 10}
    found = await coll.find_one_and_replace({}, {"y": 1}, sort=[("_id", -1)], projection=["x"])
    assert found == {"_id": 2, "x": 2}
    assert await coll.find_one_and_delete({"_id": 2}, projection={"_id": 0}) == {"y": 1}
    assert await coll.find_one_and_delete({"_id": 2}) is None
    typed = coll.with_options(codec_options=bsonx.codec_options.CodecOptions(SON))
    assert type(await typed.find_one_and_delete({})) is SON


async def test_write_errors(coll):
    await coll.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError) as caught:
        await coll.insert_one({"_id": 1})
    error = caught.value
    assert isinstance(error, WriteError)
    assert error.code == 11000
    assert error.details["keyValue"] == {"_id": 1}
    assert str(error).endswith(f", full error: {error.details}")
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.code, copied.details) == (
        DuplicateKeyError,
        error.code,
        error.details,
    )
    with pytest.raises(WriteError):
        await coll.update_one({"_id": 1}, {"$set": {"_id": 2}})
    await coll.create_index("k", unique=True)
    await coll.insert_many([{"_id": 2, "k": 2}, {"_id": 3, "k": 3}])
    with pytest.raises(DuplicateKeyError) as caught:
        await coll.find_one_and_update({"_id": 2}, {"$set": {"k": 3}})
    assert caught.value.details["ok"] == 0


async def test_bulk_writes(coll, commands):
    requests = [
        InsertOne({"_id": 1}),
        InsertOne({"_id": 2}),
        UpdateOne({"_id": 1}, {"$set": {"x": 1}}),
        UpdateMany({}, {"$set": {"y": 1}}),
        ReplaceOne({"_id": 9}, {"z": 1}, upsert=True),
        DeleteOne({"_id": 2}),
        DeleteMany({"_id": 55}),
    ]
    result = await coll.bulk_write(requests)
    assert commands.work == ["insert", "update", "delete"]
    assert result.inserted_count == 2
    assert (result.matched_count, result.modified_count) == (3, 3)
    assert (result.upserted_count, result.upserted_ids) == (1, {4: 9})
    assert result.deleted_count == 1
    retried = ["txnNumber" in c for c in commands.sent if "killCursors" not in c]
    assert retried == [True, False, False]


async def test_unordered_bulk_writes_are_grouped(coll, commands):
    requests = [
        DeleteOne({"_id": 1}),
        InsertOne({"_id": 1}),
        DeleteOne({"_id": 2}),
        InsertOne({"_id": 1}),
    ]
    with pytest.raises(BulkWriteError) as caught:
        await coll.bulk_write(requests, ordered=False)
    assert commands.work == ["insert", "delete"]
    assert [error["index"] for error in caught.value.details["writeErrors"]] == [3]
    assert caught.value.details["nRemoved"] == 1


@pytest.mark.parametrize("retries", [True, False])
async def test_a_write_concern_that_is_never_met(make_client, db, retries):
    """The reply to the last attempt tells what was done; nothing ends before all was tried."""
    client = make_client(retryWrites=retries)
    error = {"code": 91, "errmsg": "down"}
    data = {"failCommands": ["insert", "update"], "writeConcernError": error}
    data["errorLabels"] = ["RetryableWriteError"]
    point = {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data}
    await client.admin.command(point)
    requests = [InsertOne({"_id": 1}), InsertOne({"_id": 2}), UpdateOne({}, {"$set": {"a": 1}})]
    try:
        with pytest.raises(BulkWriteError) as caught:
            await client[db.name].things.bulk_write(requests)
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")
    details = caught.value.details
    assert (details["nInserted"], details["nModified"]) == (2, 1)
    assert [one["code"] for one in details["writeConcernErrors"]] == [91, 91]
    assert details["writeErrors"] == []


async def test_bulk_requests_get_ids(coll):
    document = {"a": 1}
    await coll.bulk_write([InsertOne(document)])
    assert await coll.find_one() == document


async def test_unacknowledged_writes(coll, commands):
    silent = coll.with_options(write_concern=WriteConcern(0))
    document = {"x": 1}
    result = await silent.insert_one(document)
    assert not result.acknowledged
    assert result.inserted_id == document["_id"]
    updated = await silent.update_one({}, {"$set": {"y": 1}})
    deleted = await silent.delete_one({"_id": 55})
    bulk = await silent.bulk_write([InsertOne({"_id": 1}), DeleteOne({"_id": 5})])
    for read in (
        lambda: updated.matched_count,
        lambda: updated.upserted_id,
        lambda: deleted.deleted_count,
        lambda: bulk.inserted_count,
    ):
        with pytest.raises(InvalidOperation, match="when the write is unacknowledged"):
            read()
    assert await coll.find_one(1) == {"_id": 1}
    many = await silent.insert_many([{"_id": 2}, {"_id": 3}])
    assert (many.acknowledged, many.inserted_ids) == (False, [2, 3])
    assert await silent.find_one_and_delete({"_id": 1}) is None
    # The deletion was sent before this, on the same connection.
    assert await coll.count_documents({"_id": 1}) == 0
