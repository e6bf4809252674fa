"""Unmet write concerns are raised by everything that has one, and replies are read plainly."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.int64 import Int64
from bsonx.timestamp import Timestamp
from core_kit import Run, use
from fake_mongod import MONGOS, FakeMongod
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.errors import (
    BulkWriteError,
    DuplicateKeyError,
    NotPrimaryError,
    OperationFailure,
    WriteConcernError,
    WriteError,
)
from mongodriver.operations import IndexModel, InsertOne

UNMET = {"code": 100, "errmsg": "Not enough data-bearing nodes", "codeName": "Unsatisfiable"}
ENCRYPTED = {"fields": []}

#: Everything that sends a write concern: what is called on a database and its collection.
CALLS = {
    "create_index": lambda db, t: t.create_index("x"),
    "create_indexes": lambda db, t: t.create_indexes([IndexModel("x")]),
    "drop_index": lambda db, t: t.drop_index("x"),
    "drop_indexes": lambda db, t: t.drop_indexes(),
    "rename": lambda db, t: t.rename("u"),
    "drop": lambda db, t: t.drop(),
    "drop with fields": lambda db, t: t.drop(encrypted_fields=ENCRYPTED),
    "drop_collection": lambda db, t: db.drop_collection("t"),
    "create_collection": lambda db, t: db.create_collection("t", check_exists=False),
    "create with fields": lambda db, t: db.create_collection(
        "t", check_exists=False, encryptedFields=ENCRYPTED
    ),
    "drop_database": lambda db, t: db.client.drop_database("db"),
    "$out": lambda db, t: t.aggregate([{"$out": "o"}]),
    "$merge": lambda db, t: t.aggregate([{"$merge": "o"}]),
    "raw $out": lambda db, t: t.aggregate_raw_batches([{"$out": "o"}]),
    "$out of a database": lambda db, t: db.aggregate([{"$documents": []}, {"$out": "o"}]),
    "insert_one": lambda db, t: t.insert_one({}),
    "update_one": lambda db, t: t.update_one({}, {"$set": {"a": 1}}),
    "update_many": lambda db, t: t.update_many({}, {"$set": {"a": 1}}),
    "replace_one": lambda db, t: t.replace_one({}, {}),
    "delete_one": lambda db, t: t.delete_one({}),
    "delete_many": lambda db, t: t.delete_many({}),
    "find_one_and_update": lambda db, t: t.find_one_and_update({}, {"$set": {"a": 1}}),
    "find_one_and_replace": lambda db, t: t.find_one_and_replace({}, {}),
    "find_one_and_delete": lambda db, t: t.find_one_and_delete({}),
    "insert_many": lambda db, t: t.insert_many([{}]),
    "bulk_write": lambda db, t: t.bulk_write([InsertOne({})]),
}
BULKS = ("insert_many", "bulk_write")


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


def call(flavour, answer, function, **options):
    """The outcome of ``function(db, t)`` on a server that answers so, and the server."""

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, **options)
        try:
            db = client.get_database("db")
            result = function(db, db.get_collection("t"))
            return await result if inspect.isawaitable(result) else result
        finally:
            closing = client.close()
            if closing is not None:
                await closing

    with FakeMongod({**MONGOS, "maxWireVersion": 21}, answer) as fake:
        try:
            return run_on(flavour, main), fake
        except OperationFailure as exc:
            return exc, fake


def answer_of(**fields: Any):
    def answer(request):
        cursor = {"id": 0, "ns": "db.t", "firstBatch": []}
        return {"ok": 1, "n": 1, "cursor": cursor, **fields}

    return answer


@pytest.mark.parametrize("name", CALLS)
def test_an_unmet_write_concern_is_raised(flavour, name):
    error, fake = call(flavour, answer_of(writeConcernError=UNMET), CALLS[name], w=4)
    sent = [r for r in fake.requests if r.body.get("writeConcern") == {"w": 4}]
    assert len(sent) == 1
    if name in BULKS:
        assert isinstance(error, BulkWriteError)
        assert error.details["writeConcernErrors"] == [UNMET]
    else:
        assert type(error) is WriteConcernError
        assert error.details == UNMET


@pytest.mark.parametrize("name", [name for name in CALLS if name not in BULKS])
def test_an_unmet_write_concern_comes_before_a_failure(flavour, name):
    """As in PyMongo; servers tell both where the command did nothing."""
    failed = answer_of(ok=0, code=26, errmsg="ns not found", writeConcernError=UNMET)
    error, _ = call(flavour, failed, CALLS[name], w=4)
    assert type(error) is WriteConcernError


@pytest.mark.parametrize("name", ["insert_one", "update_one", "delete_one"])
def test_a_write_error_comes_before_an_unmet_write_concern(flavour, name):
    failed = {"index": 0, "code": 121, "errmsg": "not valid"}
    both = answer_of(writeErrors=[failed], writeConcernError=UNMET)
    error, _ = call(flavour, both, CALLS[name], w=4)
    assert type(error) is WriteError
    assert error.details == failed
    twice = answer_of(writeErrors=[{**failed, "code": 11000}])
    error, _ = call(flavour, twice, CALLS[name], w=4)
    if name == "insert_one":
        assert type(error) is DuplicateKeyError


def test_a_server_that_is_no_primary_any_more_is_told_from_an_unmet_write_concern(flavour):
    failed = answer_of(ok=0, code=10107, errmsg="not primary", writeConcernError=UNMET)

    async def main(client):
        body = {"drop": "t"}
        with pytest.raises(NotPrimaryError):
            await client.execute(Run(body, is_write=True, reports_errors=False))

    with FakeMongod(MONGOS, failed) as fake:
        use(flavour, fake.uri, main)


def test_a_write_that_may_be_repeated_is(flavour):
    seen = []

    def answer(request):
        if request.name != "findAndModify":
            return {"ok": 1}
        seen.append(request)
        if len(seen) > 1:
            return {"ok": 1, "value": {"a": 1}}
        unmet = {"code": 91, "errmsg": "shutting down"}
        labels = ["RetryableWriteError"]
        return {"ok": 1, "value": None, "writeConcernError": unmet, "errorLabels": labels}

    result, _ = call(flavour, answer, CALLS["find_one_and_delete"])
    assert result == {"a": 1}


def test_the_reply_to_a_command_of_the_user_is_not_judged(flavour):
    reply, _ = call(
        flavour,
        answer_of(writeConcernError=UNMET, writeErrors=[{"code": 1}]),
        lambda db, t: db.command({"insert": "t", "writeConcern": {"w": 4}}),
    )
    assert reply["writeConcernError"] == UNMET


# -- codecs --


class Doubled(TypeDecoder):
    bson_type = Int64

    def transform_bson(self, value):
        return complex(value)


class Shouting(dict):
    """A document class that makes other keys of what it is given."""

    def __setitem__(self, key, value):
        super().__setitem__(key.upper(), value)


TIME = {"clusterTime": Timestamp(5, 1), "signature": {"hash": b"", "keyId": Int64(7)}}
OPTIONS = {
    "decoder": CodecOptions(type_registry=TypeRegistry([Doubled()])),
    "class": CodecOptions(document_class=Shouting),
}

#: All ways to send a command whose reply may be decoded by the user's codec.
OPERATIONS = {
    **CALLS,
    "find_one": lambda db, t: t.find_one(),
    "count": lambda db, t: t.estimated_document_count(),
    "distinct": lambda db, t: t.distinct("a"),
    "explain": lambda db, t: t.find().explain(),
    "names": lambda db, t: db.list_collection_names(),
    "command": lambda db, t: db.command("x", codec_options=t.codec_options),
    "checked": lambda db, t: db.command("x", check=False, codec_options=t.codec_options),
    "cursor_command": lambda db, t: db.cursor_command("x", codec_options=t.codec_options),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_cluster_time_is_never_decoded_by_the_users_codec(flavour, name, options):
    async def main(backend):
        client = CLIENTS[flavour](fake.uri)
        db = client.get_database("db", options)
        done = OPERATIONS[name](db, db.get_collection("t"))
        if inspect.isawaitable(done):
            await done
        seen.append(client._core.cluster_time)
        ping = client.admin.command("ping")
        if ping is not None and inspect.isawaitable(ping):
            await ping
        closing = client.close()
        if closing is not None:
            await closing

    def answer(request):
        cursor = {"id": 0, "ns": "db.t", "firstBatch": []}
        extra = {"values": [], "value": None, "n": 1, "cursor": cursor}
        return {"ok": 1, **extra, "$clusterTime": TIME, "operationTime": Timestamp(5, 1)}

    seen = []
    with FakeMongod({**MONGOS, "maxWireVersion": 21}, answer) as fake:
        run_on(flavour, main)
    assert seen == [TIME]
    assert type(seen[0]["signature"]["keyId"]) is Int64
    (ping,) = fake.of("ping")
    assert ping.body["$clusterTime"] == TIME
