"""Arguments are checked by the constructors of operations: the same errors as PyMongo's methods.

Nobody is asked: PyMongo's client has no server, ours has nobody who would send something.
"""

from __future__ import annotations

import itertools

import pymongo
import pymongo.operations
import pytest
from oracle import normal

import mongodriver
import mongodriver.operations
from bsonx._impl import run_coroutine
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.ops.catalogue import CatalogueTarget, create_operations, drop_operations
from mongodriver.ops.cursor import FindOne, ReadTarget
from mongodriver.ops.find_query import FindQuery
from mongodriver.read_preferences import ReadPreference

READS = ReadTarget("db", "c", DEFAULT_CODEC_OPTIONS, ReadPreference.PRIMARY, None)
CATALOGUE = CatalogueTarget("db", "c", None)

SAME = """
t.insert_one(5)
t.insert_one([])
t.insert_many([])
t.insert_many({})
t.insert_many(5)
t.insert_many(iter(()))
t.insert_many([5])
t.update_one([], S)
t.update_one({}, {})
t.update_one({}, [])
t.update_one({}, 5)
t.update_one({}, {'a': 1})
t.update_one({}, S, array_filters=5)
t.replace_one({}, 5)
t.replace_one({}, S)
t.find_one_and_delete(5)
t.find_one_and_replace({}, S)
t.find_one_and_update({}, {})
t.find_one_and_update({}, S, return_document=5)
t.find_one_and_update({}, S, array_filters=5)
t.bulk_write([])
t.bulk_write(())
t.bulk_write([5])
t.bulk_write([O.InsertOne({})], let=5)
t.bulk_write([O.InsertOne(5)])
t.bulk_write([O.UpdateOne({}, {})])
t.bulk_write([O.UpdateOne({}, {'a': 1})])
t.bulk_write([O.UpdateOne({}, {5: 1})])
t.bulk_write([O.UpdateOne({}, S, collation=5)])
t.bulk_write([O.ReplaceOne({}, S)])
t.bulk_write([O.ReplaceOne({}, {5: 1})])
t.bulk_write([O.DeleteOne({}, collation=5)])
O.UpdateOne([], S)
O.UpdateOne({}, S, upsert=5)
O.UpdateMany({}, S, array_filters=5)
O.DeleteMany({}, hint=5)
t.aggregate({})
t.aggregate([], explain=True)
t.aggregate([], let=5)
t.aggregate([], batchSize='x')
t.aggregate([], collation=5)
t.count_documents({}, collation=5)
t.count_documents({}, hint=5)
t.estimated_document_count(session=5)
t.distinct(5)
t.distinct('a', collation=5)
t.distinct('a', hint=5)
t.create_indexes(5)
t.create_search_indexes([5])
t.drop_index(5)
t.rename(5)
t.rename('')
t.rename('.a')
t.rename('a$')
t.find(5)
t.find(projection=5)
t.find(projection=[5])
t.find(skip='x')
t.find(skip=0.0)
t.find(limit='')
t.find(no_cursor_timeout=0)
t.find(cursor_type=5)
t.find(allow_partial_results=0)
t.find(oplog_replay=0)
t.find(batch_size=-1)
t.find(batch_size=0.0)
t.find(cursor_type=64, limit=1)
t.find(allow_disk_use=0)
t.find(let=5)
t.find(sort=5)
t.find(collation=5)
t.find(hint=5)
t.find(hint=[])
t.find(bogus=5)
t.find_one({}, 5)
t.find_one({}, sort=5)
t.find_one({}, hint=5)
t.find_one({}, cursor_type=64)
t.find_one({}, bogus=5)
t.find_one({}, None, 'x')
t.find_one({}, max=[('a', 1)])
""".strip().split("\n")

_MAPPING = "must be an instance of dict, bson.son.SON, or any other type that inherits from"
_KEYS = "TypeError: must use a dictionary or a list of (key, direction) pairs, not: 5"
_COLLATION = "TypeError: collation must be a dict, an instance of collation.Collation, or None"
_SILENT = "ConfigurationError: Collation is unsupported for unacknowledged writes."
#: What PyMongo 4.20 says only once it has a server.
LATER = {
    "t.update_one({}, S, upsert=5)": "TypeError: upsert must be True or False, was: upsert=5",
    "t.update_one({}, S, collation=5)": _COLLATION,
    "t.update_one({}, S, hint=5)": _KEYS,
    "t.update_one({}, S, hint=[])": "ValueError: key_or_list must not be empty",
    "t.update_one({}, S, let=5)": f"TypeError: let {_MAPPING} collections.Mapping",
    "t.update_one({}, S, sort=5)": f"TypeError: sort {_MAPPING} collections.Mapping",
    "w0.update_one({}, S, collation={'locale': 'de'})": _SILENT,
    "w0.update_one({}, S, array_filters=[])": (
        "ConfigurationError: arrayFilters is unsupported for unacknowledged writes."
    ),
    "t.delete_one(5)": f"TypeError: filter {_MAPPING} collections.Mapping",
    "t.delete_one({}, collation=5)": _COLLATION,
    "t.delete_one({}, hint=5)": _KEYS,
    "t.delete_one({}, let=5)": (
        "TypeError: let must be an instance of dict, bson.son.SON, bson.raw_bson.RawBSONDocument, "
        "or a type that inherits from collections.MutableMapping"
    ),
    "w0.delete_one({}, collation={})": _SILENT,
    "t.find_one_and_delete({}, projection=5)": (
        "TypeError: projection must be a mapping or list of key names"
    ),
    "t.find_one_and_delete({}, sort=5)": _KEYS,
    "t.find_one_and_update({}, S, upsert=5)": (
        "TypeError: upsert must be True or False, was: upsert=5"
    ),
    "w0.bulk_write([O.DeleteOne({}, collation={})])": _SILENT,
    "t.create_indexes([5])": "TypeError: 5 is not an instance of pymongo.operations.IndexModel",
}


class NobodySends:
    """An executor that is never reached."""

    async def execute(self, operation, session=None):
        raise AssertionError(f"{operation.name} would be sent")


def _names(driver, client):
    t = client.db.c
    w0 = t.with_options(write_concern=driver.WriteConcern(0))
    return {"t": t, "w0": w0, "O": driver.operations, "S": {"$set": {"a": 1}}}


@pytest.fixture(scope="module")
def theirs():
    client = pymongo.MongoClient(connect=False, serverSelectionTimeoutMS=1)
    yield _names(pymongo, client)
    client.close()


@pytest.fixture(scope="module", params=["MongoClient", "AsyncMongoClient"])
def ours(request):
    client = getattr(mongodriver, request.param)(connect=False)
    client._core.executor = NobodySends()
    return _names(mongodriver, client)


def outcome(call, names):
    """What a call raises, as a text."""
    with pytest.raises(Exception) as caught:
        result = eval(call, names)
        if hasattr(result, "send"):
            run_coroutine(result)
    return normal(f"{type(caught.value).__name__}: {caught.value}").replace("Async", "")


@pytest.mark.parametrize("call", SAME)
def test_wrong_arguments_are_told_as_pymongo_tells_them(call, ours, theirs):
    assert outcome(call, ours) == outcome(call, theirs)


@pytest.mark.parametrize("call", LATER)
def test_wrong_arguments_are_told_before_anything_is_sent(call, ours):
    assert outcome(call, ours) == LATER[call]


@pytest.mark.parametrize(
    "call", ["t.insert_one({}, session=s)", "t.drop(s)", "t.find(session=s)", "t.rename('x', s)"]
)
@pytest.mark.parametrize("session", [{}, 0, 5, ""])
def test_a_session_must_be_one(call, session, ours):
    assert outcome(call, {**ours, "s": session}) == (
        f"ValueError: 'session' argument must be a ClientSession or None, not {type(session)}"
    )


GIVEN = {
    "projection": [None, {}, ["a"], {"a": 1}],
    "sort": [None, [], "", [("a", 1)], ["a"], {"a": -1}],
    "hint": [None, "", "a_1", [("a", 1)]],
}


@pytest.mark.parametrize("more", [{}, {"comment": "x"}, {"batch_size": 3, "limit": 7}])
def test_find_one_asks_for_the_same_with_and_without_a_query(more):
    for values in itertools.product(*GIVEN.values()):
        given = dict(zip(GIVEN, values, strict=True))
        query = FindQuery({"a": 1}, **given, **more)
        query.limit = -1
        options = FindOne(READS, {"a": 1}, **given, **more).options
        assert list(options.items()) == list(query.options().items())


def test_what_is_no_filter_is_an_id():
    assert FindOne(READS, 5).options["filter"] == {"_id": 5}
    assert FindOne(READS, None).options["filter"] == {}
    assert FindOne(READS, 5, limit=3, session="s").session == "s"


def test_copies_of_a_query_share_nothing_that_can_change():
    query = FindQuery({"a": {"b": 1}}, ["a"], 1, 2, sort=[("a", 1)], hint=[("a", 1)], let={"v": {}})
    copy = query.copy(deep=True)
    assert vars(copy) == vars(query)
    for name in ("filter", "projection", "sort", "hint", "let"):
        assert getattr(copy, name) is not getattr(query, name)
    assert copy.filter["a"] is not query.filter["a"]
    assert query.copy().filter is query.filter


def test_collections_with_encrypted_fields_have_state_collections():
    fields = {"encryptedFields": {"fields": []}, "size": 5}
    created = [operation.fields for operation in create_operations(CATALOGUE, fields)]
    assert [next(iter(f.items())) for f in created] == [
        ("create", "enxcol_.c.esc"),
        ("create", "enxcol_.c.ecoc"),
        ("create", "c"),
        ("createIndexes", "c"),
    ]
    assert created[2]["size"] == 5.0
    dropped = [op.fields["drop"] for op in drop_operations(CATALOGUE, {"escCollection": "e"}, None)]
    assert dropped == ["e", "enxcol_.c.ecoc", "c"]
    assert [op.fields["drop"] for op in drop_operations(CATALOGUE, None, None)] == ["c"]
