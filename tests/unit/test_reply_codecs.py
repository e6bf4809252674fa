"""Only the user's documents go through the user's codec; errors are told whatever it makes of them.

A decoder, a document class, or texts that are no UTF-8 (servers cut long values within a character)
hide no error of the server, and what the user's own code raises comes out as it is.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest

from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.errors import InvalidBSON
from bsonx.int64 import Int64
from bsonx.raw_bson import RawBSONDocument
from fake_mongod import STANDALONE, FakeMongod, respond
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver.errors import (
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from mongodriver.operations import InsertOne

BAD, PLACE = b"\xff\xfe", "XX"


class OfTheUser(Exception):
    """What the user's code raises."""


class Refusing(TypeDecoder):
    bson_type = str

    def transform_bson(self, value):
        raise OfTheUser


class RefusingInt64(Refusing):
    bson_type = Int64


class RefusingClass(dict):
    def __setitem__(self, key, value):
        raise OfTheUser


@dataclasses.dataclass
class Typed:
    a: int


OPTIONS: dict[str, Any] = {
    "none": CodecOptions(),
    "strict": CodecOptions(unicode_decode_error_handler="strict"),
    "decoder": CodecOptions(type_registry=TypeRegistry([Refusing(), RefusingInt64()])),
    "class": CodecOptions(document_class=RefusingClass),
    "raw": CodecOptions(document_class=RawBSONDocument),
    "typed": CodecOptions(document_class=Typed),
}
SET = {"$set": {"a": 1}}

READS: dict[str, Any] = {
    "find_one": lambda db, t: t.find_one({}),
    "find": lambda db, t: t.find({}).to_list(),
    "distinct": lambda db, t: t.distinct("a"),
    "explain": lambda db, t: t.find().explain(),
    "command": lambda db, t: db.command("x", codec_options=t.codec_options),
    "cursor_command": lambda db, t: db.cursor_command("x", codec_options=t.codec_options),
    "names": lambda db, t: db.list_collection_names(),
    "count": lambda db, t: t.count_documents({}),
}
WRITES: dict[str, Any] = {
    "insert_one": lambda db, t: t.insert_one({"_id": 1}),
    "update_one": lambda db, t: t.update_one({}, SET, upsert=True),
    "delete_one": lambda db, t: t.delete_one({}),
    "insert_many": lambda db, t: t.insert_many([{"_id": 1}]),
    "bulk_write": lambda db, t: t.bulk_write([InsertOne({"_id": 1})]),
    "find_one_and_update": lambda db, t: t.find_one_and_update({}, SET),
    "create_index": lambda db, t: t.create_index("a"),
    "aggregate": lambda db, t: t.aggregate([{"$out": "o"}]),
}


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


def outcomes(flavour: str, names: Any, options: Any, reply: Any) -> dict[str, Any]:
    """The outcomes of calls on a server that always answers so, `PLACE` being no UTF-8."""

    async def main(backend):
        client = CLIENTS[flavour](fake.uri, retryReads=False, retryWrites=False)
        db = client.get_database("db", options)
        found = {}
        for name in names:
            try:
                outcome = {**READS, **WRITES}[name](db, db.get_collection("t"))
                found[name] = await outcome if inspect.isawaitable(outcome) else outcome
            except (PyMongoError, InvalidBSON, OfTheUser) as exc:
                found[name] = exc
        answers.clear()
        closing = client.close()
        if closing is not None:
            await closing
        return found

    def answer(request):
        if not answers:
            return {"ok": 1}
        return respond(answers[0], request.id).replace(PLACE.encode(), BAD)

    answers = [reply]
    with FakeMongod({**STANDALONE, "logicalSessionTimeoutMinutes": 30}, answer) as fake:
        return run_on(flavour, main)


def call(flavour: str, name: str, options: Any, reply: Any) -> Any:
    return outcomes(flavour, [name], options, reply)[name]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_failed_command_is_told_whatever_the_codec_makes_of_it(flavour, options):
    failed = {"ok": 0, "errmsg": "bad XX", "code": 9, "value": {"a": "x"}, "n": Int64(5)}
    for error in outcomes(flavour, [*READS, *WRITES], options, failed).values():
        assert type(error) is OperationFailure
        assert error.code == 9
        assert "bad \ufffd" in str(error)
        assert type(error.details) is dict
        assert type(error.details["n"]) is Int64


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_an_unmet_write_concern_is_told_as_well(flavour, options):
    cursor = {"id": 0, "ns": "db.t", "firstBatch": []}
    unmet = {"code": 64, "errmsg": "late XX", "errInfo": {"writeConcern": {"w": Int64(2)}}}
    reply = {"ok": 1, "n": 1, "value": None, "cursor": cursor, "writeConcernError": unmet}
    for error in outcomes(flavour, WRITES, options, reply).values():
        assert type(error) in (WriteConcernError, BulkWriteError)
        assert "late \ufffd" in str(error)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_write_error_is_told_as_well(flavour, options):
    """E11000 quotes the value, cut where it becomes too long."""
    failed = {"index": 0, "code": 11000, "errmsg": "E11000 XX", "keyValue": {"a": "XX"}}
    cursor = {"id": 0, "ns": "db.t", "firstBatch": []}
    reply = {"ok": 1, "n": 0, "value": None, "cursor": cursor, "writeErrors": [failed]}
    for error in outcomes(flavour, WRITES, options, reply).values():
        assert type(error) in (DuplicateKeyError, BulkWriteError)
        assert "E11000 \ufffd" in str(error)


def test_an_upserted_id_with_a_bad_text(flavour):
    reply = {"ok": 1, "n": 1, "nModified": 0, "upserted": [{"index": 0, "_id": "aXXb"}]}
    result = call(flavour, "update_one", CodecOptions(), reply)
    assert result.upserted_id == "a\ufffd\ufffdb"


@pytest.mark.parametrize("name", ["decoder", "class"])
@pytest.mark.parametrize("function", ["find_one", "find", "find_one_and_update"])
def test_what_the_users_code_raises_comes_out_as_it_is(flavour, function, name):
    document = {"a": "text", "b": Int64(1)}
    cursor = {"id": 0, "ns": "db.t", "firstBatch": [document]}
    reply = {"ok": 1, "cursor": cursor, "value": document}
    assert type(call(flavour, function, OPTIONS[name], reply)) is OfTheUser


def test_bad_texts_of_the_users_documents_are_the_codecs_affair(flavour):
    cursor = {"id": 0, "ns": "db.t", "firstBatch": [{"a": "XX"}]}
    reply = {"ok": 1, "cursor": cursor}
    assert isinstance(call(flavour, "find_one", CodecOptions(), reply), InvalidBSON)
    lenient = CodecOptions(unicode_decode_error_handler="ignore")
    assert call(flavour, "find_one", lenient, reply) == {"a": ""}


@pytest.mark.parametrize("batch", [[5], [{"a": 1}, None], {"a": 1}, "x"])
@pytest.mark.parametrize("name", ["none", "raw", "typed"])
def test_a_batch_that_is_none(flavour, name, batch):
    reply = {"ok": 1, "cursor": {"id": 0, "ns": "db.t", "firstBatch": batch}}
    for error in outcomes(flavour, ["find", "find_one"], OPTIONS[name], reply).values():
        assert "firstBatch" in str(error)
        assert isinstance(error, PyMongoError)
