"""From a client to a document, synchronous."""

from collections.abc import Mapping, MutableMapping
from typing import Any, TypedDict, assert_type

from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from mongodriver import MongoClient, UpdateOne
from mongodriver.change_stream import (
    ClusterChangeStream,
    CollectionChangeStream,
    DatabaseChangeStream,
)
from mongodriver.client_session import ClientSession
from mongodriver.collection import Collection
from mongodriver.command_cursor import CommandCursor
from mongodriver.cursor import Cursor, RawBatchCursor
from mongodriver.database import Database
from mongodriver.results import BulkWriteResult, InsertManyResult, InsertOneResult, UpdateResult


class Row(TypedDict):
    a: int


Document = dict[str, Any]


def clients(client: MongoClient[Document]) -> None:
    assert_type(client["a"], Database[Document])
    assert_type(client.a, Database[Document])
    assert_type(client.get_database("a"), Database[Document])
    assert_type(client.get_default_database(), Database[Document])
    assert_type(client.list_databases(), CommandCursor[Document])
    assert_type(client.list_database_names(), list[str])
    assert_type(client.server_info(), Document)
    assert_type(client.start_session(), ClientSession)
    assert_type(client.watch(), ClusterChangeStream[Document])
    assert_type(client.address, tuple[str, int] | None)
    assert_type(MongoClient(document_class=Row), MongoClient[Row])
    with client as same:
        assert_type(same, MongoClient[Document])
    client.get_database(5)  # error
    client.start_session().bind(end_session="no")  # error


def databases(db: Database[Row]) -> None:
    assert_type(db["a"], Collection[Row])
    assert_type(db.a, Collection[Row])
    assert_type(db.get_collection("a"), Collection[Row])
    assert_type(db.create_collection("a"), Collection[Row])
    assert_type(db.client, MongoClient[Row])
    assert_type(db.command("ping"), dict[str, Any])
    options = CodecOptions(document_class=RawBSONDocument)
    assert_type(db.command("ping", codec_options=options), RawBSONDocument)
    assert_type(db.with_options(options), Database[RawBSONDocument])
    assert_type(db.with_options(), Database[Row])
    assert_type(db.list_collections(), CommandCursor[MutableMapping[str, Any]])
    assert_type(db.aggregate([]), CommandCursor[Row])
    assert_type(db.watch(), DatabaseChangeStream[Row])
    db.command(5)  # error


def collections(c: Collection[Row]) -> None:
    assert_type(c.find(), Cursor[Row])
    assert_type(c.find_one(), Row | None)
    assert_type(c.find_one_and_update({}, {}), Row | None)
    assert_type(c.find_raw_batches(), RawBatchCursor[Row])
    assert_type(c.aggregate([]), CommandCursor[Row])
    assert_type(c.watch(), CollectionChangeStream[Row])
    assert_type(c.list_indexes(), CommandCursor[MutableMapping[str, Any]])
    assert_type(c.list_search_indexes(), CommandCursor[Mapping[str, Any]])
    assert_type(c.database, Database[Row])
    assert_type(c.sub, Collection[Row])
    assert_type(c.with_options(CodecOptions(document_class=Document)), Collection[Document])
    assert_type(c.count_documents({}), int)
    assert_type(c.distinct("a"), list[Any])
    assert_type(c.insert_one({"a": 1}), InsertOneResult)
    assert_type(c.insert_many([{"a": 1}]), InsertManyResult)
    assert_type(c.update_one({}, {}), UpdateResult)
    assert_type(c.bulk_write([UpdateOne({}, {})]), BulkWriteResult)
    assert_type(c.drop_index("a"), None)
    c.insert_one({"b": 1})  # error
    c.insert_one({"a": 1}, session=c)  # error
    c.count_documents()  # error
    c.bulk_write([1])  # error
    c.distinct(5)  # error


def cursors(cursor: Cursor[Row]) -> None:
    assert_type(cursor[0], Row)
    assert_type(cursor[1:2], Cursor[Row])
    assert_type(next(cursor), Row)
    assert_type(cursor.to_list(), list[Row])
    assert_type(cursor.limit(1).sort("a").rewind(), Cursor[Row])
    assert_type(cursor.collection, Collection[Row])
    assert_type(cursor.session, ClientSession | None)
    assert_type([row["a"] for row in cursor], list[int])
    cursor.limit("1")  # error


def sessions(session: ClientSession) -> None:
    assert_type(session.client, MongoClient[Any])
    assert_type(session.with_transaction(lambda s: s.has_ended), bool)
    with session.bind() as bound:
        assert_type(bound, ClientSession)
    with session.start_transaction(max_commit_time_ms=5):
        pass
    session.start_transaction(read_preference="primary")  # error
    session.with_transaction(lambda: 5)  # error
